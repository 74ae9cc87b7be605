import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { parseAllDocuments } from 'yaml';

const ROOT = path.join(__dirname, '../..');
const CRDS = path.join(ROOT, 'crds/istio.yaml');

function keysOf(node: any, isPropertyMap = false): string[] {
  if (Array.isArray(node)) return node.flatMap((item) => keysOf(item));
  if (node === null || typeof node !== 'object') return [];
  return Object.entries(node).flatMap(([key, value]) => [
    ...(isPropertyMap ? [] : [key]),
    ...keysOf(value, !isPropertyMap && key === 'properties'),
  ]);
}

test('imports/ is what cdk8s makes of crds/, byte for byte', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'egress-imports-'));
  try {
    execFileSync(
      process.execPath,
      [
        path.join(ROOT, 'node_modules/cdk8s-cli/bin/cdk8s'),
        'import',
        CRDS,
        '--language',
        'typescript',
        '--output',
        'imports',
        '--no-save',
      ],
      {
        cwd: folder,
        env: { ...process.env, CDK8S_CHECK_UPGRADE: 'false' },
        stdio: 'pipe',
      },
    );
    const made = fs.readdirSync(path.join(folder, 'imports')).sort();
    expect(made).toEqual(fs.readdirSync(path.join(ROOT, 'imports')).sort());
    for (const file of made) {
      expect(fs.readFileSync(path.join(folder, 'imports', file), 'utf8')).toBe(
        fs.readFileSync(path.join(ROOT, 'imports', file), 'utf8'),
      );
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);

test('crds/ holds the kinds in use, v1 only, and no prose', () => {
  const crds = parseAllDocuments(fs.readFileSync(CRDS, 'utf8')).map((document) => document.toJS());
  expect(crds.map((crd) => crd.spec.names.kind).sort()).toEqual([
    'AuthorizationPolicy',
    'DestinationRule',
    'Gateway',
    'ServiceEntry',
    'Sidecar',
    'Telemetry',
    'VirtualService',
  ]);
  expect(crds.map((crd) => crd.spec.versions.map((version: any) => version.name))).toEqual(crds.map(() => ['v1']));
  expect(keysOf(crds)).not.toContain('description');
});
