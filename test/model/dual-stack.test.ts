/** Addresses of IPv6, in meshes that have them and in meshes of which nobody knows it. */
import { ask, podsWithVariable } from './support';
import { isPlainYes } from '../../src/explain/as-wanted';
import { World } from '../../src/model';

const LOCKED = { outboundTrafficPolicy: 'REGISTRY_ONLY' } as const;
const WORLD: World = {
  mesh: { ...LOCKED, dualStack: true },
  external: [
    {
      host: 'both.example.com',
      address: '203.0.113.50',
      addresses: ['203.0.113.50', '2001:db8::50'],
      http: 'ok',
      tcp: [5432],
    },
    { host: 'six.example.com', address: '2001:db8::60', http: 'ok', tcp: [5432] },
  ],
};
const entry = (host: string, more: string, port = 'number: 5432, protocol: TCP') => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${host.split('.')[0]}, namespace: shop }
spec: { hosts: ["${host}"], location: MESH_EXTERNAL, ports: [{ name: p, ${port} }], ${more} }
`;
const see = (yaml: string, url: string, world = WORLD) => ask(yaml, 'shop/app', url, world);
const SIX = 'tcp://six.example.com:5432';

test('a range of IPv6 whose mask is /32 is a range, and one of /128 is an address', () => {
  expect(see(entry('six.example.com', 'addresses: ["2001:db8::/32"], resolution: NONE'), SIX)).toMatchObject({
    outcome: 'answered',
    via: 'sidecar',
  });
  expect(see(entry('six.example.com', 'addresses: ["2001:db8::60/128"], resolution: NONE'), SIX)).toMatchObject({
    outcome: 'answered',
  });
  expect(see(entry('six.example.com', 'addresses: ["2001:db9::/32"], resolution: NONE'), SIX).outcome).toBe('refused');
});

test('an address counts, however it is written', () => {
  const yaml = entry('six.example.com', 'addresses: ["2001:0DB8:0::0060"], resolution: NONE');
  expect(see(yaml, SIX).outcome).toBe('answered');
  expect(see(yaml, 'tcp://[2001:DB8:0:0::60]:5432').outcome).toBe('answered');
});

test('where a name has both, an entry for one of them leaves open what happens', () => {
  const yaml = entry('both.example.com', 'addresses: [203.0.113.50], resolution: NONE');
  const answer = see(yaml, 'tcp://both.example.com:5432');
  expect(isPlainYes(answer)).toBe(false);
  expect(answer.alternatives[0].because).toMatch(/both.example.com has several addresses/);
  expect(see(entry('both.example.com', 'resolution: DNS'), 'tcp://both.example.com:5432').outcome).toBe('answered');
});

test('the load balancer PASSTHROUGH leads to the address that was dialled, where that counts anyway too', () => {
  const yaml =
    entry('six.example.com', 'addresses: ["2001:db8::60"], resolution: NONE') +
    '---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: { name: x, namespace: shop }\n' +
    'spec: { host: six.example.com, trafficPolicy: { loadBalancer: { simple: PASSTHROUGH } } }\n';
  for (const resolution of ['NONE', 'DNS'])
    expect(see(yaml.replace('NONE', resolution), SIX)).toMatchObject({ outcome: 'answered', via: 'sidecar' });
});

test('nothing is said of IPv6 where the mesh may have none', () => {
  const yaml = entry('six.example.com', 'resolution: DNS');
  for (const url of [SIX, 'http://[2001:db8::60]/'])
    expect(see(yaml, url, { ...WORLD, mesh: LOCKED })).toMatchObject({
      outcome: 'undetermined',
      reason: expect.stringMatching(/dualStack/),
    });
});

const OPEN_TO_IPV4 = `---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: out, namespace: shop }
spec: { podSelector: {}, policyTypes: [Egress], egress: [{ to: [{ ipBlock: { cidr: 0.0.0.0/0 } }] }] }
`;

test('a policy of IPv4 lets a host through whose address nobody knows, unless it may have another family', () => {
  const yaml = entry('site.example.com', 'resolution: DNS', 'number: 80, protocol: HTTP') + OPEN_TO_IPV4;
  const url = 'http://site.example.com/';
  expect(see(yaml, url, { mesh: LOCKED }).outcome).toBe('answered');
  expect(see(yaml, url, { mesh: { ...LOCKED, dualStack: true } }).outcome).toBe('undetermined');
  expect(see(yaml, url, {})).toMatchObject({ condition: { holds: expect.stringMatching(/dualStack/) } });
});

test('policies of both families let a host through whose address nobody knows', () => {
  const six = OPEN_TO_IPV4.replace('name: out', 'name: six').replace('0.0.0.0/0', '"::/0"');
  const yaml = entry('site.example.com', 'resolution: DNS', 'number: 80, protocol: HTTP') + OPEN_TO_IPV4 + six;
  for (const mesh of [{ ...LOCKED, dualStack: true }, LOCKED])
    expect(isPlainYes(see(yaml, 'http://site.example.com/', { mesh }))).toBe(true);
  const other = yaml.replace('podSelector: {}', 'podSelector: { matchLabels: { app: other } }');
  expect(isPlainYes(see(other, 'http://site.example.com/', { mesh: { ...LOCKED, dualStack: true } }))).toBe(false);
});

test('what is said of the mesh is not asked for', () => {
  const yaml = entry('site.example.com', 'resolution: DNS', 'number: 80, protocol: HTTP') + OPEN_TO_IPV4;
  const condition = (mesh: World['mesh']) => see(yaml, 'http://site.example.com/', { mesh }).condition?.holds;
  expect(condition({ dnsCapture: false })).toMatch(/dualStack/);
  expect(condition({ dualStack: false })).toBeUndefined();
});

test('a pod that says that Istio leaves IPv6 alone goes past its sidecar', () => {
  const yaml = podsWithVariable('ISTIO_DUAL_STACK', 'false');
  expect(see(yaml, SIX)).toMatchObject({ outcome: 'answered', via: 'direct' });
  expect(see('', SIX)).toMatchObject({ outcome: 'refused', by: 'sidecar' });
});

test('proxies of Istio 1.30 find no name that a request gives and that has addresses of IPv6 alone', () => {
  const port = 'number: 80, protocol: HTTP';
  const yaml = entry('*.example.com', 'resolution: DYNAMIC_DNS', port).replace('name: *', 'name: wild');
  const at = (name: string, world: World) => see(yaml, `http://${name}.example.com/`, world);
  for (const istioVersion of ['1.31', undefined])
    expect(at('six', { ...WORLD, istioVersion })).toMatchObject({ outcome: 'answered', via: 'sidecar' });
  expect(at('six', { ...WORLD, istioVersion: '1.30' })).toMatchObject({
    outcome: 'refused',
    by: 'sidecar',
    symptom: 503,
  });
  expect(at('both', { ...WORLD, istioVersion: '1.30' })).toMatchObject({ outcome: 'answered' });
  const { mesh } = WORLD;
  expect(at('some', { mesh }).condition?.holds).toMatch(/^some.example.com has an address of IPv4, or .* 1\.31/);
  const pods =
    '---\napiVersion: apps/v1\nkind: Deployment\nmetadata: { name: app, namespace: shop }\n' +
    'spec: { template: { spec: { serviceAccountName: app, ' +
    'hostAliases: [{ ip: "2001:db8::60", hostnames: [some.example.com] }] } } }\n';
  const byHostsFile = (istioVersion?: string) => see(yaml + pods, 'http://some.example.com/', { mesh, istioVersion });
  expect(byHostsFile().condition?.holds).toMatch(/some.example.com has an address of IPv4, or .* 1\.31/);
  expect(byHostsFile('1.31').condition?.holds).not.toMatch(/address of IPv4/);
  expect(isPlainYes(at('some', { mesh, istioVersion: '1.31' }))).toBe(true);
  expect(isPlainYes(at('some', { mesh: LOCKED }))).toBe(true);
});

test('a route for an address is one for it in brackets', () => {
  const host = '::ffff:192.0.2.1';
  const route =
    '---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: six, namespace: shop }\n' +
    `spec: { hosts: ['${host}'], http: [{ directResponse: { status: 418 } }] }\n`;
  const request = { url: 'http://six.example.com/', headers: { Host: `[${host}]` } };
  expect(ask(route, 'shop/app', request, WORLD)).toMatchObject({ outcome: 'refused', symptom: 418 });
});
