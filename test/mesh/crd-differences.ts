import * as fs from 'fs';
import * as path from 'path';
import { parseAllDocuments } from 'yaml';
import { binaries } from './lab';

const OURS = path.join(__dirname, '../../crds/istio.yaml');

/** Prints the fields in which the CRDs that the classes are generated from differ from those of the lab's Istio. */
export async function printCrdDifferences(): Promise<void> {
  const lab = new Map(crds((await binaries()).crds).map((crd) => [crd.metadata.name, crd]));
  for (const crd of crds(OURS)) {
    const other = lab.get(crd.metadata.name);
    const fields = other ? compare(schemaOf(crd), schemaOf(other), '').map(fieldOf) : ['everything'];
    if (fields.length > 0)
      console.log(`CRD of ${crd.spec.names.kind}: this Istio differs in ${[...new Set(fields)].join(', ')}`);
  }
}

/** The field that a place in a schema is about. */
function fieldOf(place: string): string {
  return place.split('/properties/').pop()!.split('/')[0];
}

function crds(file: string): any[] {
  return parseAllDocuments(fs.readFileSync(file, 'utf8'))
    .map((document) => document.toJS())
    .filter(Boolean);
}

function schemaOf(crd: any): any {
  return crd.spec.versions.find((version: any) => version.name === 'v1')?.schema.openAPIV3Schema;
}

/** The places in which two schemas differ, apart from descriptions. */
function compare(ours: any, theirs: any, at: string): string[] {
  if (ours === null || theirs === null || typeof ours !== 'object' || typeof theirs !== 'object')
    return JSON.stringify(ours) === JSON.stringify(theirs) ? [] : [at];
  const prose = (key: string) => key === 'description' && !at.endsWith('/properties');
  return [...new Set([...Object.keys(ours), ...Object.keys(theirs)])]
    .filter((key) => !prose(key))
    .flatMap((key) => compare(ours[key], theirs[key], `${at}/${key}`));
}
