/** What somebody writes into names, so that a terminal or the log of a CI server obeys it. */
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { run } from '../../src/explain/command';

const HOSTILE = 'x\n::error file=a.yaml::owned\r\u001b[2J\u202e##[command]y ::stop-commands::z\u2028';
const TABLE = `mesh: { outboundTrafficPolicy: REGISTRY_ONLY }
callers: [{ name: app, namespace: shop, serviceAccount: app }]
external: [{ host: site.example.com, https: ok }]
access: [{ from: app, request: 'https://site.example.com/', expect: { outcome: answered } }]
`;
const entry = (name: string) =>
  JSON.stringify({
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { name, namespace: 'shop', annotations: { [`cdk8s-istio-egress/acknowledge-${name}`]: name } },
    spec: {
      hosts: ['site.example.com'],
      ports: [{ number: 443, name, protocol: 'TLS' }],
      resolution: 'DNS',
      [name]: 1,
    },
  });

/** Manifests whose names are hostile, twice, in files that are called so. */
function manifests(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'egress-hostile-'));
  for (const name of [`a${HOSTILE.replace(/\//g, '')}.yaml`, 'b.yaml'])
    fs.writeFileSync(path.join(folder, name), `${entry(HOSTILE)}\n---\n${entry('site')}\n`);
  fs.writeFileSync(path.join(folder, 'table.yml'), TABLE);
  return folder;
}

const EXPLAIN = ['--from', 'shop/app', '--to', 'https://site.example.com/', '--verbose'];

test.each(
  ['text', 'json', 'mermaid'].flatMap((output) => [
    ['explain', output, EXPLAIN] as const,
    ['check', output, [] as string[]] as const,
  ]),
)('%s says nothing to a terminal or a CI server, as %s', (command, output, more) => {
  const folder = manifests();
  const named = [folder, ...(command === 'check' ? [path.join(folder, 'table.yml')] : more)];
  const printed = run([command, ...named, '--output', output]);
  expect(printed.out + printed.err).toContain('owned');
  for (const text of [printed.out, printed.err]) {
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(text).not.toMatch(/##|^\s*::/m);
  }
  if (output === 'json') expect(() => JSON.parse(printed.out)).not.toThrow();
});

test('nor does a name in what was asked', () => {
  const { code, err } = run(['explain', manifests(), '--from', HOSTILE, '--to', 'https://site.example.com/']);
  expect(code).toBe(3);
  expect(err).not.toMatch(/##|^\s*::|\p{Cc}(?<!\n)/mu);
});
