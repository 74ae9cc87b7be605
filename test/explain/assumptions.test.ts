import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { applied } from '../../src/explain/changes';
import { run as runCommand } from '../../src/explain/command';
import { EgressModel, EgressObject } from '../../src/model';

/** In lines of any length. */
const run = (args: readonly string[]) => runCommand(args, undefined, Infinity);

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

describe('the external host', () => {
  test.each([
    ['https://site.example.com/', 'site.example.com:443 answers'],
    ['http://site.example.com/', 'site.example.com:80 answers'],
  ])('%s: that it answers is listed as assumed, unless a table describes it', (url, assumption) => {
    const where = folder({ 'a.yaml': ENTRY });
    expect(explain(where, url).out).toMatch(new RegExp(`Assumed:\\n(  .*\\n)*  ${assumption}`));
    const table = path.join(
      folder({
        'access.yaml': `callers: [{ name: cart, namespace: shop, serviceAccount: cart }]
external: [{ host: site.example.com, http: ok, https: ok }]
access: [{ from: cart, request: "http://site.example.com/", expect: { outcome: answered } }]
`,
      }),
      'access.yaml',
    );
    expect(explain(where, url, '--table', table).out).not.toMatch(/Assumed/);
  });

  test('a good certificate is assumed where a proxy verifies it', () => {
    const rule = `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: site, namespace: shop }
spec:
  host: site.example.com
  trafficPolicy: { tls: { mode: SIMPLE, sni: site.example.com, subjectAltNames: [site.example.com] } }
`;
    const entry = ENTRY.replace('protocol: HTTP }', 'protocol: HTTP, targetPort: 443 }');
    expect(explain(folder({ 'a.yaml': entry + rule }), 'http://site.example.com/')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/Assumed:\n(  .*\n)*  site\.example\.com:443 answers, with a good certificate/),
    });
  });
});

describe('an HTTP port 80 in the mesh', () => {
  // Nothing declares port 80: the sidecar routes the request only where some Service has an HTTP port 80.
  const routed = folder({
    'a.yaml': `${ENTRY.replace('{ number: 80, name: http, protocol: HTTP }, ', '')}${answering('a', 404)}`,
  });

  test('is undetermined where it decides, until --assume says it', () => {
    const open = explain(routed, 'http://site.example.com/');
    expect(open.code).toBe(2);
    expect(open.out).toMatch(
      /^undetermined: .*no Service in the mesh has an HTTP port 80.*--assume http-port-80=yes\|no/,
    );
    const yes = explain(routed, 'http://site.example.com/', '--assume', 'http-port-80=yes');
    const policy = ['--assume', 'outbound-traffic-policy=ALLOW_ANY'];
    const no = explain(routed, 'http://site.example.com/', '--assume', 'http-port-80=no', ...policy);
    expect(yes.code).not.toBe(2);
    expect(no.code).not.toBe(2);
    expect(yes.out).not.toBe(no.out);
  });

  test('is listed as assumed where only the way differs', () => {
    expect(explain(routed, 'http://other.example.com/').out).toMatch(
      /Assumed:\n(  .*\n)*  a Service of the mesh has an HTTP port 80/,
    );
  });

  test('does not matter to other ports', () => {
    expect(explain(routed, 'https://site.example.com/').out).not.toMatch(/port 80/);
  });

  test('--assume takes nothing else', () => {
    expect(explain(routed, 'http://site.example.com/', '--assume', 'port-80')).toMatchObject({ code: 3 });
  });
});

describe('a gateway that is not among the manifests', () => {
  const object = (kind: string, namespace: string, name: string, spec: string) => `---
apiVersion: networking.istio.io/v1
kind: ${kind}
metadata: { name: ${name}, namespace: ${namespace} }
spec: ${spec}
`;
  /** As in Istio's documentation, without the gateway itself. */
  const half = (service: string) =>
    ENTRY +
    object(
      'Gateway',
      'egress',
      'exit',
      '{ selector: { istio: egressgateway }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, ' +
        'hosts: [site.example.com] }] }',
    ) +
    object(
      'VirtualService',
      'shop',
      'route',
      `{ hosts: [site.example.com], gateways: [mesh, egress/exit], http: [
        { match: [{ gateways: [mesh], port: 80 }], route: [{ destination: { host: ${service}.egress.svc.cluster.local,
          port: { number: 80 } } }] },
        { match: [{ gateways: [egress/exit], port: 80 }], route: [{ destination: { host: site.example.com,
          port: { number: 80 } } }] }] }`,
    );

  test.each([
    [
      'istio-egressgateway',
      /^if egress\/istio-egressgateway is Istio's standard gateway: 200 /,
      '--gateway egress/istio-egressgateway,targetPort=8443',
    ],
    // Istio's chart would give the pods of a release of that name other labels.
    [
      'exit-hop',
      /^if Service egress\/exit-hop selects gateway pods with the labels istio=egressgateway: 200 /,
      'add the Deployment of egress/exit',
    ],
  ])('%s: the first line has the condition, the walk follows, the exit code is 2', (service, condition, advice) => {
    const open = explain(folder({ 'a.yaml': half(service) }), 'http://site.example.com/');
    expect(open.code).toBe(2);
    expect(open.out).toMatch(condition);
    expect(open.out).toMatch(/3 gateway /);
    expect(open.out).toContain(`To settle the condition:\n  ${advice}`);
  });

  test.each(['egress/istio-egressgateway', 'egress/istio-egressgateway,targetPort=8443'])(
    '--gateway %s makes it a plain answer',
    (gateway) => {
      const where = folder({ 'a.yaml': half('istio-egressgateway') });
      const plain = explain(where, 'http://site.example.com/', '--gateway', gateway, '--via', 'gateway');
      expect(plain).toMatchObject({ code: 0, out: expect.stringMatching(/^200 from site\.example\.com/) });
    },
  );

  test('--gateway of an EgressGateway that another app has means its label, which Gateways select', () => {
    const shop = path.join(__dirname, '../../examples/own-gateway/manifests/shop.k8s.yaml');
    const ask = (from: string, ...more: string[]) =>
      run(['explain', shop, '--from', from, '--to', 'https://www.partner.com/', ...more]);
    expect(ask('shop/checkout')).toMatchObject({
      code: 2,
      out: expect.stringContaining('--gateway egress/egress-gateway (gate'),
    });
    expect(ask('shop/checkout', '--gateway', 'egress/egress-gateway').code).toBe(0);
    expect(ask('shop/other', '--gateway', 'egress/egress-gateway').out).toMatch(
      /^refused by the gateway: .* accepts only/,
    );
    expect(ask('shop/checkout', '--gateway', 'egress/another').code).toBe(2);
  });

  test('its hop Service is missing: a condition, where only the pods are there, or the Service elsewhere', () => {
    const missing = /^if there is a Service egress\/istio-egressgateway-hop for the gateway: 200 /;
    const pods = `---
apiVersion: apps/v1
kind: Deployment
metadata: { name: istio-egressgateway, namespace: egress }
spec: { template: { metadata: { labels: { istio: egressgateway }, annotations: { inject.istio.io/templates: gateway } }, spec: {} } }
`;
    const elsewhere = `---
apiVersion: v1
kind: Service
metadata: { name: istio-egressgateway-hop, namespace: other }
spec: { ports: [{ port: 80, name: http }], selector: { istio: egressgateway } }
`;
    const asked = (text: string, ...more: string[]) =>
      explain(folder({ 'a.yaml': half('istio-egressgateway-hop') + text }), 'http://site.example.com/', ...more);
    const gateway = ['--gateway', 'egress/istio-egressgateway'];
    expect(asked(pods)).toMatchObject({ code: 2, out: expect.stringMatching(missing) });
    expect(asked('', ...gateway).code).toBe(0);
    expect(asked(elsewhere, ...gateway)).toMatchObject({ code: 2, out: expect.stringMatching(missing) });
  });

  test('--gateway of another name leaves the condition', () => {
    const where = folder({ 'a.yaml': half('istio-egressgateway') });
    expect(explain(where, 'http://site.example.com/', '--gateway', 'other/istio-egressgateway').code).toBe(2);
  });

  test.each(['istio-egressgateway', 'a/b,targetPort=0', 'a/b,port=1', 'a/b,targetPort=70000'])(
    '--gateway %s is wrong usage',
    (gateway) =>
      expect(explain(folder({ 'a.yaml': ENTRY }), 'http://site.example.com/', '--gateway', gateway)).toMatchObject({
        code: 3,
        err: expect.stringMatching(/--gateway is <namespace>\/<name>/),
      }),
  );
});

describe('discoverySelectors', () => {
  const MESH = `outboundTrafficPolicy: { mode: REGISTRY_ONLY }
discoverySelectors: [{ matchLabels: { mesh: "on" } }, { matchExpressions: [{ key: team, operator: In, values: [a] }] }]
`;
  const namespace = (name: string, labels: string) => `---
apiVersion: v1
kind: Namespace
metadata: { name: ${name}, labels: ${labels} }
`;
  const asked = (namespaces: string, url = 'https://site.example.com/') => {
    const where = folder({ 'a.yaml': ENTRY.replace('namespace: shop', 'namespace: platform') + namespaces });
    return explain(where, url, '--mesh', path.join(folder({ 'mesh.yaml': MESH }), 'mesh.yaml'));
  };
  const shop = namespace('shop', '{ team: a, istio-injection: enabled }');

  test('leave out the objects of namespaces that they do not select', () => {
    expect(asked(shop + namespace('platform', '{ mesh: "on" }'))).toMatchObject({ code: 0 });
    expect(asked(shop + namespace('platform', '{ mesh: "off" }'))).toMatchObject({ code: 1 });
  });

  test('are undetermined where the labels of a namespace decide and are not among the manifests', () => {
    expect(asked(shop)).toMatchObject({
      code: 2,
      out: expect.stringMatching(/do not select platform.*add the Namespace objects/),
    });
    expect(asked(shop, 'https://other.example.com/')).toMatchObject({ code: 1 });
  });

  test.each([
    ['not selected', namespace('shop', '{}'), /do not select the namespace shop/],
    ['of unknown labels', '', /may not select.*the namespace shop/],
  ])('are undetermined for a caller in a namespace that is %s', (_what, own, reason) => {
    expect(asked(own + namespace('platform', '{ mesh: "on" }'))).toMatchObject({
      code: 2,
      out: expect.stringMatching(reason),
    });
  });

  test('leave out a gateway that is said to be installed', () => {
    const hop = `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: site, namespace: shop }
spec:
  hosts: [site.example.com]
  gateways: [mesh, exit]
  tls:
    - match: [{ gateways: [mesh], sniHosts: [site.example.com] }]
      route: [{ destination: { host: istio-egressgateway.egress.svc.cluster.local, port: { number: 443 } } }]
    - match: [{ gateways: [exit], sniHosts: [site.example.com] }]
      route: [{ destination: { host: site.example.com, port: { number: 443 } } }]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: exit, namespace: shop }
spec:
  selector: { istio: egressgateway }
  servers: [{ port: { number: 443, name: tls, protocol: TLS }, hosts: [site.example.com], tls: { mode: PASSTHROUGH } }]
`;
    const through = (egress: string) =>
      explain(
        folder({ 'a.yaml': ENTRY + hop + shop + egress }),
        'https://site.example.com/',
        ...['--gateway', 'egress/istio-egressgateway'],
        ...['--mesh', path.join(folder({ 'mesh.yaml': MESH }), 'mesh.yaml')],
      );
    expect(through(namespace('egress', '{ mesh: "on" }'))).toMatchObject({ code: 0 });
    expect(through(namespace('egress', '{ mesh: "off" }'))).toMatchObject({ code: 1 });
    expect(through('')).toMatchObject({
      code: 2,
      out: expect.stringMatching(/the discoverySelectors .* select egress/),
    });
  });

  test('are read by their shape: a misspelt operator is wrong usage', () => {
    const mesh = folder({ 'mesh.yaml': 'discoverySelectors: [{ matchExpressions: [{ key: a, operator: in }] }]' });
    const where = folder({ 'a.yaml': ENTRY });
    expect(explain(where, 'https://site.example.com/', '--mesh', path.join(mesh, 'mesh.yaml')).code).toBe(3);
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

describe('an address that a NetworkPolicy allows, and another host', () => {
  const boundary = path.join(__dirname, '../../examples/boundary/manifests');
  const asked = (url: string, ...more: string[]) => {
    const gateway = ['--gateway', 'egress/egress-gateway', '--labels', 'app=web-rogue'];
    return run(['explain', boundary, '--from', 'web/rogue', '--to', url, ...gateway, ...more]);
  };

  test('may be the same, and the answer says how to tell', () => {
    expect(asked('https://anywhere.example.com/').out).toMatch(
      /^undetermined: it is unknown whether anywhere\.example\.com has an address in 203\.0\.113\.60\/32: pass --dial/,
    );
    expect(asked('https://anywhere.example.com/', '--dial', '203.0.113.61')).toMatchObject({ code: 1 });
  });

  test('are not the same, where hosts are only where ServiceEntries say', () => {
    expect(asked('https://anywhere.example.com/', '--assume', 'addresses=declared')).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^refused by .* because a NetworkPolicy blocks the connection/),
    });
  });
});

describe('a Secret among the manifests', () => {
  const certificate = 'tls.crt: PEM, tls.key: PEM';
  const secret = (keys: string, name = 'client') => `---
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: shop }
stringData: { ${keys} }
`;
  const rule = `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: site, namespace: shop }
spec:
  host: site.example.com
  workloadSelector: { matchLabels: { app: cart } }
  trafficPolicy:
    portLevelSettings:
      - port: { number: 80 }
        tls: { mode: MUTUAL, credentialName: client, sni: site.example.com, subjectAltNames: [site.example.com] }
`;
  const entry = ENTRY.replace('protocol: HTTP }', 'protocol: HTTP, targetPort: 443 }');
  const asked = (secrets: string, ...flags: string[]) =>
    explain(folder({ 'a.yaml': entry + rule + secrets }), 'http://site.example.com/', '--labels', 'app=cart', ...flags);
  const ask = (secrets: string) => asked(secrets, '--assume', 'credentials=good');

  test('is taken as it is, even if those that are not among them are said to be good', () => {
    expect(ask(secret('tls.crt: PEM, ca.crt: PEM'))).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^refused by the sidecar: 503, because Secret shop\/client has no tls\.key\n/),
    });
    expect(ask(secret(certificate))).toMatchObject({
      code: 2,
      out: expect.stringMatching(
        /^if there is no Secret shop\/client-cacert: refused by the sidecar: 503, because Secret shop\/client has no ca\.crt\n/,
      ),
    });
  });

  test.each([
    ['with all keys', secret(`${certificate}, ca.crt: PEM`)],
    ['with the authorities in another', secret(certificate) + secret('ca.crt: PEM', 'client-cacert')],
    ['that another tool fills', secret('')],
    ['that is not there', ''],
  ])('%s is good if that is said', (_what, secrets) => {
    expect(ask(secrets)).toMatchObject({ code: 0, out: expect.stringMatching(/^200 /) });
  });

  const VERSIONS = {
    Certificate: 'cert-manager.io/v1',
    ExternalSecret: 'external-secrets.io/v1',
    SealedSecret: 'bitnami.com/v1alpha1',
  };
  const made = (kind: keyof typeof VERSIONS, spec: string, namespace = 'shop') => `---
apiVersion: ${VERSIONS[kind]}
kind: ${kind}
metadata: { name: client, namespace: ${namespace} }
spec: ${spec}
`;
  const CERTIFICATE = made('Certificate', '{ secretName: client, issuerRef: { name: ours } }');
  test.each([
    [CERTIFICATE, 'Secret shop/client, which Certificate shop/client makes, holds ca.crt and what the host requires'],
    [
      made('SealedSecret', '{ encryptedData: { tls.crt: a, tls.key: a, ca.crt: a } }'),
      'Secret shop/client, which SealedSecret shop/client makes, holds what the host requires',
    ],
    [
      made('ExternalSecret', '{ dataFrom: [{ extract: { key: a } }] }'),
      'Secret shop/client, which ExternalSecret shop/client makes, holds tls.crt, tls.key, ca.crt and what the host requires',
    ],
    [
      made('ExternalSecret', '{ dataFrom: [{ extract: { key: a } }] }', 'other'),
      'Secret shop/client exists and holds what the host requires',
    ],
  ])('that a controller makes is a condition, with what makes it: %s', (secrets, holds) => {
    expect(asked(secrets).out.replace(/\s+/g, ' ')).toContain(`if ${holds}`);
    expect(ask(secrets)).toMatchObject({ code: 0 });
  });

  test('that a controller makes without a key leads to a refusal, unless something else adds it', () => {
    const { code, out } = ask(made('SealedSecret', '{ encryptedData: { tls.crt: a, ca.crt: a } }'));
    expect(code).toBe(2);
    expect(out.replace(/\s+/g, ' ')).toMatch(
      /^if nothing else puts tls\.key there: refused by the sidecar: 503, because Secret shop\/client, which SealedSecret shop\/client makes, has no tls\.key /,
    );
  });
});
