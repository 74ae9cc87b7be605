import * as fs from 'fs';
import * as path from 'path';
import { idOf, KubeObject } from './lab';
import { readManifests, readTable } from './read';
import { AccessTable } from '../../src/access/access-table';

const EXAMPLES = path.join(__dirname, '../../examples');

/** An example as the mesh tests use it. */
export interface MeshExample {
  readonly name: string;
  readonly table: AccessTable;
  /** Its golden manifests. */
  readonly manifests: KubeObject[];
  /** Those among them that no construct emits, from the file hand-written.k8s.yaml. */
  readonly handWritten: KubeObject[];
}

/** Every example with an access table; where `MESH_EXAMPLE` is set, those whose names begin with it. */
export function meshExamples(beginning = process.env.MESH_EXAMPLE ?? ''): MeshExample[] {
  return exampleNames()
    .filter((name) => name.startsWith(beginning))
    .map((name) => {
      const manifests = readManifests(path.join(EXAMPLES, name, 'manifests'));
      const handWritten = path.join(EXAMPLES, name, 'manifests/hand-written.k8s.yaml');
      const theirs = new Set(fs.existsSync(handWritten) ? readManifests(handWritten).map(idOf) : []);
      return {
        name,
        table: readTable(path.join(EXAMPLES, name, 'access.yaml')),
        manifests,
        handWritten: manifests.filter((object) => theirs.has(idOf(object))),
      };
    });
}

export function exampleNames(): string[] {
  return fs
    .readdirSync(EXAMPLES)
    .sort()
    .filter(
      (name) =>
        fs.existsSync(path.join(EXAMPLES, name, 'access.yaml')) &&
        fs.existsSync(path.join(EXAMPLES, name, 'manifests')),
    );
}

/** The rows with their numbers; where `MESH_ROW` is set, the one with that number, or those whose URL contains it. */
export function numberedRows(
  table: AccessTable,
  wanted = process.env.MESH_ROW,
): { number: number; row: AccessTable['access'][number] }[] {
  return table.access
    .map((row, index) => ({ number: index + 1, row }))
    .filter(({ number, row }) => wanted === undefined || String(number) === wanted || row.request.includes(wanted));
}
