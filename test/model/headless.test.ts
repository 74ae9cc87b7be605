/** Services of which a sidecar sends what is for them to the address that was dialled, and those that take a port. */
import { ask, ENTRY, EXIT_PODS, HTTP_EXIT, LOCKED, object } from './support';
import { World } from '../../src/model';

const service = (spec: string, namespace = 'other') => object('Service', 'v1', spec, namespace);
const istio = (kind: string, spec: string) => object(kind, 'networking.istio.io/v1', spec, 'other');
const PORTS = 'ports: [{ name: http, port: 80 }, { name: tcp, port: 443 }]';
const HEADLESS = service(`{ clusterIP: None, ${PORTS} }`);
const slice = (conditions = '{ ready: true }', port = 'tcp') =>
  '---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n' +
  'metadata: { name: x, namespace: other, labels: { kubernetes.io/service-name: x } }\naddressType: IPv4\n' +
  `ports: [{ name: http, port: 80 }, { name: ${port}, port: 443 }]\n` +
  `endpoints: [{ addresses: [203.0.113.10], conditions: ${conditions} }]\n`;
const named = (host = 'x.other') => ({
  url: 'http://site.example.com/',
  headers: { Host: host },
  dial: '203.0.113.10',
});
const dialled = { outcome: 'answered', via: 'sidecar', plaintextToHost: true };
const ALL: World = { ...LOCKED, gateways: [], workloads: [] };

describe('a headless Service', () => {
  test.each(['x.other', 'x.other.svc.cluster.local', 'a.x.other', 'a.b.x.other.svc'])(
    'that a request names as %s leads to the address that was dialled',
    (host) => {
      expect(ask(ENTRY + HEADLESS + slice(), 'shop/app', named(host))).toMatchObject(dialled);
    },
  );

  test('without endpoints among the manifests may have pods with sidecars', () => {
    expect(ask(ENTRY + HEADLESS, 'shop/app', named(), ALL)).toMatchObject(dialled);
    expect(ask(ENTRY + HEADLESS, 'shop/app', named())).toMatchObject({
      outcome: 'undetermined',
      reason: expect.stringMatching(/add its EndpointSlice/),
    });
  });

  test('before a gateway leads past it', () => {
    const hop = service(`{ clusterIP: None, selector: { istio: exit }, ${PORTS} }`, 'egress');
    const route = object(
      'VirtualService',
      'networking.istio.io/v1',
      '{ hosts: [site.example.com], http: [{ route: [{ destination: { host: x.egress.svc.cluster.local, port: { number: 80 } } }] }] }',
    );
    for (const world of [LOCKED, { ...LOCKED, gateways: [EXIT_PODS] }])
      expect(ask(ENTRY + HTTP_EXIT + hop + route, 'shop/app', 'http://site.example.com/', world)).toMatchObject(
        dialled,
      );
  });

  test.each([
    ['that is ready', slice(), 'sidecar'],
    ['that is not', slice('{ ready: false }'), 'sidecar'],
    ['of another port', slice('{}', 'other'), undefined],
  ])('has a listener for TCP at an address %s', (_what, yaml, via) => {
    const see = ask(HEADLESS + yaml, 'shop/app', { url: 'tcp://site.example.com:443', dial: '203.0.113.10' }, ALL);
    expect(see.via).toBe(via);
  });

  test('has the addresses that are ready, by its name', () => {
    const see = (yaml: string, world?: World) => ask(yaml, 'shop/app', 'http://x.other/', world);
    expect(see(HEADLESS + slice())).toMatchObject({
      outcome: 'answered',
      condition: { holds: expect.stringContaining('203.0.113.10 is x.other') },
    });
    expect(see(HEADLESS + slice(), { ...LOCKED, declaredAddresses: true }).condition).toBeUndefined();
    expect(see(HEADLESS + slice('{ ready: false }'), ALL)).toMatchObject({ outcome: 'refused' });
    expect(see(HEADLESS).outcome).toBe('undetermined');
  });
});

describe('PASSTHROUGH', () => {
  const PLAIN = service(`{ clusterIP: 10.96.9.9, ${PORTS} }`);
  const rule = (policy: string) => istio('DestinationRule', `{ host: x, trafficPolicy: ${policy} }`);
  const FOR_ALL = '{ loadBalancer: { simple: PASSTHROUGH } }';
  const FOR_ONE = '{ portLevelSettings: [{ port: { number: 80 }, loadBalancer: { simple: PASSTHROUGH } }] }';

  test('for all ports of a Service leads to the address that was dialled', () => {
    expect(ask(ENTRY + PLAIN + slice() + rule(FOR_ALL), 'shop/app', named())).toMatchObject(dialled);
  });

  test('for one of them does so by mutual TLS, whoever is behind the Service', () => {
    const see = (yaml: string) => ask(ENTRY + PLAIN + slice() + yaml, 'shop/app', named(), ALL);
    expect(see(rule(FOR_ONE))).toMatchObject({ outcome: 'refused', symptom: 503, via: 'sidecar' });
    const off = object('PeerAuthentication', 'security.istio.io/v1', '{ mtls: { mode: DISABLE } }', 'other');
    expect(see(rule(FOR_ONE) + off)).toMatchObject(dialled);
  });

  test('is undetermined where pods decide that only a cluster knows', () => {
    const selecting = service(`{ clusterIP: 10.96.9.9, selector: { app: x }, ${PORTS} }`);
    expect(ask(ENTRY + selecting + rule(FOR_ALL), 'shop/app', named())).toMatchObject({
      outcome: 'undetermined',
      reason: expect.stringMatching(/with mutual TLS if all its pods have sidecars/),
    });
    expect(ask(ENTRY + selecting + rule(FOR_ALL), 'shop/app', named(), ALL)).toMatchObject(dialled);
  });
});

describe.each(['http_proxy', 'HTTP_PROXY-a'])('a port with the appProtocol %s', (appProtocol) => {
  const taking = (port: number, created: string) =>
    service(
      `{ clusterIP: 10.96.9.9, selector: { app: x }, ports: [{ name: a, port: ${port}, appProtocol: ${appProtocol} }] }`,
    ).replace('name: x,', `name: x, creationTimestamp: '${created}',`);
  const entry = ENTRY.replace('name: site,', "name: site, creationTimestamp: '2025-01-01T00:00:00Z',");

  test('reads requests like another', () => {
    expect(ask(entry + taking(80, '2026-01-01T00:00:00Z'), 'shop/app', 'http://site.example.com/').outcome).toBe(
      'answered',
    );
  });

  test('takes what older services have there, and leaves the others theirs', () => {
    const see = (created: string) => ask(entry + taking(443, created), 'shop/app', 'https://site.example.com/');
    expect(see('2026-01-01T00:00:00Z')).toMatchObject({ outcome: 'refused', by: 'sidecar' });
    expect(see('2024-01-01T00:00:00Z')).toMatchObject({ outcome: 'answered' });
  });
});
