import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { applied } from '../../src/explain/changes';
import { run } from '../../src/explain/command';
import { EgressModel, EgressObject } from '../../src/model';

/** A folder with these files. */
function folder(files: Record<string, string>): string {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'egress-assumed-'));
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(made, name), text);
  return made;
}

const ENTRY = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: site, namespace: shop }
spec:
  hosts: [site.example.com]
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP }, { number: 443, name: tls, protocol: TLS }]
`;
const answering = (name: string, status: number, created = '') => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: shop${created && `, creationTimestamp: "${created}"`} }
spec: { hosts: [site.example.com], http: [{ directResponse: { status: ${status} } }] }
`;
const OLD = '2026-01-01T00:00:00Z';
const explain = (where: string, url: string, ...more: string[]) =>
  run(['explain', where, '--from', 'shop/cart', '--to', url, ...more]);

describe('the age of undated objects', () => {
  const where = folder({ 'a.yaml': ENTRY, 'b.yaml': answering('a', 503) + answering('b', 404, OLD) });

  test('is undetermined where it decides, with exit code 2, until --assume-age says it', () => {
    const open = explain(where, 'http://site.example.com/');
    expect(open.code).toBe(2);
    expect(open.out).toMatch(/^undetermined: .*--assume-age undated=youngest\|oldest\|same/);
    const said = explain(where, 'http://site.example.com/', '--assume-age', 'undated=youngest');
    expect(said).toMatchObject({ code: 1, out: expect.stringMatching(/^refused by the sidecar: 404/) });
  });

  test.each(['youngest', 'undated=new', 'undated='])('--assume-age %s is wrong usage', (text) => {
    expect(explain(where, 'http://site.example.com/', '--assume-age', text)).toMatchObject({
      code: 3,
      err: expect.stringMatching(/undated=youngest, undated=oldest or undated=same/),
    });
  });

  test('check takes it too', () => {
    const table = path.join(
      folder({
        'access.yaml': `callers: [{ name: cart, namespace: shop, serviceAccount: cart }]
external: [{ host: site.example.com, http: ok, https: ok }]
access: [{ from: cart, request: "http://site.example.com/", expect: { outcome: refused, symptom: 404 } }]
`,
      }),
      'access.yaml',
    );
    expect(run(['check', where, table])).toMatchObject({ code: 2 });
    expect(run(['check', where, table, '--assume-age', 'undated=youngest'])).toMatchObject({ code: 0, err: '' });
  });

  test('is that of the same object elsewhere in the input', () => {
    const twice = folder({
      'a.yaml': ENTRY + answering('b', 404, '2026-02-01T00:00:00Z') + answering('a', 500, OLD),
      'dist.yaml': answering('a', 503),
    });
    expect(explain(twice, 'http://site.example.com/')).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^refused by the sidecar: 503/),
    });
  });
});

test('an object that is proposed is the youngest: an older rule overrules it, whatever their names', () => {
  const object = (kind: string, name: string, spec: object, created?: string): EgressObject => ({
    manifest: {
      apiVersion: 'networking.istio.io/v1',
      kind,
      metadata: { name, namespace: 'shop', creationTimestamp: created },
      spec,
    },
    origin: name,
  });
  const rule = (name: string, mode: string, created?: string) =>
    object('DestinationRule', name, { host: 'site.example.com', trafficPolicy: { tls: { mode } } }, created);
  const ports = [{ number: 80, name: 'http', protocol: 'HTTP', targetPort: 443 }];
  const entry = object('ServiceEntry', 'site', { hosts: ['site.example.com'], resolution: 'DNS', ports });
  const objects = applied([entry, rule('zz', 'DISABLE', OLD)], { edits: [], added: [rule('aa', 'SIMPLE').manifest] });
  expect(
    EgressModel.of(objects).ask({ namespace: 'shop', serviceAccount: 'cart' }, { url: 'http://site.example.com/' }),
  ).toMatchObject({ outcome: 'refused', symptom: 400 });
});
