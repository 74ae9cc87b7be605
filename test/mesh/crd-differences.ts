import * as fs from 'fs';
import * as path from 'path';
import { parseAllDocuments } from 'yaml';
import { binaries } from './lab';

const OURS = path.join(__dirname, '../../crds/istio.yaml');

/** Prints where the CRDs that the classes are generated from differ from those that the lab validates against. */
export async function printCrdDifferences(): Promise<void> {
  const lab = new Map(crds((await binaries()).crds).map((crd) => [crd.metadata.name, crd]));
  for (const crd of crds(OURS)) {
    const other = lab.get(crd.metadata.name);
    const differences = other ? compare(schemaOf(crd), schemaOf(other), '') : ['is missing'];
    if (differences.length > 0)
      console.log(
        `crds/istio.yaml differs from the lab's ${crd.spec.names.kind}: ` +
          `${differences.slice(0, 5).join('; ')}${differences.length > 5 ? ` and ${differences.length - 5} more` : ''}`,
      );
  }
}

function crds(file: string): any[] {
  return parseAllDocuments(fs.readFileSync(file, 'utf8'))
    .map((document) => document.toJS())
    .filter(Boolean);
}

function schemaOf(crd: any): any {
  return crd.spec.versions.find((version: any) => version.name === 'v1')?.schema.openAPIV3Schema;
}

/** Differences between two schemas, apart from descriptions. */
function compare(ours: any, theirs: any, at: string): string[] {
  if (ours === null || theirs === null || typeof ours !== 'object' || typeof theirs !== 'object') {
    return JSON.stringify(ours) === JSON.stringify(theirs)
      ? []
      : [`${at || '/'}: ${JSON.stringify(ours)} here, ${JSON.stringify(theirs)} there`];
  }
  const prose = (key: string) => key === 'description' && !at.endsWith('/properties');
  return [...new Set([...Object.keys(ours), ...Object.keys(theirs)])]
    .filter((key) => !prose(key))
    .flatMap((key) => compare(ours[key], theirs[key], `${at}/${key}`));
}
