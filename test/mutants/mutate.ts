/** Manifests with one field changed: what a reviewer, another tool or a slip of the hand could make of them. */
import { EgressObject } from '../../src/model';

/** One field of one object, removed or changed. */
export interface Mutant {
  /** The index of the object. */
  readonly index: number;
  /** Kind and field, without the names and places that differ between objects, and what was done to it. */
  readonly label: string;
  /** The manifests with it; all other objects are the original ones. */
  readonly objects: readonly EgressObject[];
}

type Path = readonly (string | number)[];

/** To a value that the schema allows, with another meaning. */
const OTHER: Readonly<Record<string, string>> = {
  ALLOW: 'DENY',
  DENY: 'ALLOW',
  SIMPLE: 'MUTUAL',
  MUTUAL: 'SIMPLE',
  ISTIO_MUTUAL: 'SIMPLE',
  PASSTHROUGH: 'ISTIO_MUTUAL',
  REGISTRY_ONLY: 'ALLOW_ANY',
  MESH_EXTERNAL: 'MESH_INTERNAL',
  DNS: 'STATIC',
  DYNAMIC_DNS: 'STATIC',
  STATIC: 'DNS',
  HTTP: 'TCP',
  HTTPS: 'TCP',
  GRPC: 'TCP',
  TLS: 'HTTP',
  TCP: 'HTTP',
  UDP: 'TCP',
};

/** Every mutant of the Istio objects: each field below `spec`, and each list or block of several. */
export function* mutants(objects: readonly EgressObject[]): Iterable<Mutant> {
  for (const [index, { manifest, origin }] of objects.entries()) {
    if (!/(^|\.)istio\.io\//.test(manifest.apiVersion) || !manifest.spec) continue;
    for (const at of fields(manifest.spec))
      for (const [what, change] of changes(at.reduce((value: any, key) => value[key], manifest.spec))) {
        const spec = structuredClone(manifest.spec);
        change(
          at.slice(0, -1).reduce((value: any, key) => value[key], spec),
          at[at.length - 1],
        );
        yield {
          index,
          label: `${manifest.kind} ${at.map((key) => (typeof key === 'number' ? '*' : key)).join('.')} ${what}`,
          objects: objects.map((one, other) => (other === index ? { origin, manifest: { ...manifest, spec } } : one)),
        };
      }
  }
}

/** Where the values are; a block around a single field would be the same mutant as the field. */
function* fields(value: any, at: Path = []): Iterable<Path> {
  if (value === null || typeof value !== 'object' || Object.keys(value).length === 0) {
    if (at.length > 0) yield at;
    return;
  }
  for (const key of Object.keys(value)) yield* fields(value[key], [...at, Array.isArray(value) ? Number(key) : key]);
  if (at.length > 0 && Object.keys(value).length > 1) yield at;
}

type Change = (parent: any, key: string | number) => void;

function changes(value: unknown): [string, Change][] {
  const removed: Change = (parent, key) => {
    if (Array.isArray(parent)) parent.splice(Number(key), 1);
    else delete parent[key];
  };
  const other =
    typeof value === 'string'
      ? (OTHER[value] ?? `x${value}`)
      : typeof value === 'number'
        ? value + 1
        : typeof value === 'boolean'
          ? !value
          : undefined;
  const changed: Change = (parent, key) => {
    parent[key] = other;
  };
  return [['removed', removed], ...(other === undefined ? [] : [['changed', changed] as [string, Change]])];
}
