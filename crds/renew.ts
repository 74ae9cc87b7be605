/**
 * Regenerates crds/istio.yaml: the schemas of the Istio kinds that this library emits, and nothing else.
 *
 * Source: the file kubernetes/customresourcedefinitions.gen.yaml of the Go module istio.io/api at the version below
 * (Apache-2.0). Only schema facts are kept: names, types, enums, bounds and CEL rules. Other kinds, versions other than
 * v1, and all prose are left out.
 *
 * Run `npm run crds` (needs Go), then `npm run import`. The first also renews src/istio/specs.ts.
 */
import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { parseAllDocuments, stringify } from 'yaml';
import { writeSpecs } from './specs';

const MODULE = 'istio.io/api@v1.32.0';

const KINDS = [
  'AuthorizationPolicy',
  'DestinationRule',
  'Gateway',
  'ServiceEntry',
  'Sidecar',
  'Telemetry',
  'VirtualService',
];

/** Drops every `description`, except properties that have this name. */
function withoutProse(node: any, isPropertyMap = false): any {
  if (Array.isArray(node)) return node.map((item) => withoutProse(item));
  if (node === null || typeof node !== 'object') return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key]) => isPropertyMap || key !== 'description')
      .map(([key, value]) => [key, withoutProse(value, !isPropertyMap && key === 'properties')]),
  );
}

function reduced(crd: any): any {
  const { group, names, scope, versions } = crd.spec;
  const v1 = versions.find((version: any) => version.name === 'v1');
  return {
    apiVersion: crd.apiVersion,
    kind: crd.kind,
    metadata: { name: crd.metadata.name },
    spec: {
      group,
      names: { kind: names.kind, plural: names.plural },
      scope,
      versions: [{ name: 'v1', schema: withoutProse(v1.schema) }],
    },
  };
}

const module = JSON.parse(execFileSync('go', ['mod', 'download', '-json', MODULE], { encoding: 'utf8' }));
const source = fs.readFileSync(path.join(module.Dir, 'kubernetes/customresourcedefinitions.gen.yaml'), 'utf8');
const crds = parseAllDocuments(source)
  .map((document) => document.toJS())
  .filter((crd) => KINDS.includes(crd?.spec?.names?.kind) && crd.spec.group.endsWith('.istio.io'))
  .map(reduced)
  .sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));

if (crds.length !== KINDS.length)
  throw new Error(`expected ${KINDS.length} kinds in ${MODULE}, found ${crds.map((crd) => crd.metadata.name)}`);

const header =
  `# Schemas of Istio's v1 kinds, reduced from ${MODULE} by crds/renew.ts. ` + 'Do not edit; run `npm run crds`.\n';
fs.writeFileSync(
  path.join(__dirname, 'istio.yaml'),
  header + crds.map((crd) => '---\n' + stringify(crd, { lineWidth: 0, aliasDuplicateObjects: false })).join(''),
);
writeSpecs();
