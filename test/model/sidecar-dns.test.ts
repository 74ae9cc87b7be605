/** What a sidecar that answers DNS makes of several entries and of wildcards, as seen in generated worlds. */
import { ask, podsWithVariable } from './support';
import { isPlainYes } from '../../src/explain/as-wanted';
import { World } from '../../src/model';

const WORLD: World = {
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY', dnsCapture: true },
  external: [
    { host: 'site.example.com', address: '203.0.113.50', http: 'ok', https: 'ok' },
    { host: 'other.example.com', address: '203.0.113.51', https: 'ok' },
  ],
};
const entry = (name: string, host: string, port: string, more = 'resolution: DNS') => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: shop }
spec: { hosts: ["${host}"], location: MESH_EXTERNAL, ports: [{ name: p, ${port} }], ${more} }
`;
const see = (yaml: string, url = 'https://site.example.com/', world = WORLD) => ask(yaml, 'shop/app', url, world);

const WILDCARD = entry('wild', '*.example.com', 'number: 443, protocol: TLS', 'resolution: DYNAMIC_DNS');
const TLS = entry('tls', 'site.example.com', 'number: 443, protocol: TLS');
const TCP = entry('tcp', 'site.example.com', 'number: 443, protocol: TCP');
const HTTP = entry('http', 'site.example.com', 'number: 80, protocol: HTTP');

test('a name without an address of its own gets that of the wildcard', () => {
  expect(see(WILDCARD)).toMatchObject({ outcome: 'answered', via: 'sidecar' });
  // An entry with an address hides the wildcard, even on ports that it does not have.
  expect(see(`${WILDCARD}${HTTP}`)).toMatchObject({ outcome: 'refused', by: 'sidecar' });
});

test('of several addresses, the one that is dialled counts only where the answers differ', () => {
  expect(see(`${TLS}${TCP}`)).toMatchObject({ outcome: 'answered', alternatives: [] });
  const answer = see(`${TLS}${HTTP}`);
  const answers = [answer, ...answer.alternatives.map((other) => other.answer)];
  expect(answers.map(({ outcome }) => outcome).sort()).toEqual(['answered', 'refused']);
  expect(answer.alternatives[0].because).toMatch(/several ServiceEntries declare site.example.com/);
  expect(isPlainYes(answer)).toBe(false);
});

describe('without DNS capture, an entry with resolution NONE', () => {
  const world = { ...WORLD, mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' } as const };
  const NONE = entry('none', 'site.example.com', 'number: 443, protocol: TCP', 'resolution: NONE');

  test('takes what goes to any address of its port', () => {
    expect(see(NONE, 'https://other.example.com/', world)).toMatchObject({ outcome: 'answered' });
  });

  test('takes nothing where another entry for the host has a name as endpoint there', () => {
    expect(see(`${NONE}${TLS}`, 'https://other.example.com/', world)).toMatchObject({
      outcome: 'refused',
      by: 'sidecar',
    });
  });

  test('takes what goes to the endpoints of another entry, where they are addresses', () => {
    const at = (address: string) =>
      entry(
        'tls',
        'site.example.com',
        'number: 443, protocol: TLS',
        `resolution: STATIC, endpoints: [{ address: ${address} }]`,
      );
    expect(see(`${NONE}${at('203.0.113.51')}`, 'https://other.example.com/', world)).toMatchObject({
      outcome: 'answered',
    });
    expect(see(`${NONE}${at('203.0.113.50')}`, 'https://other.example.com/', world)).toMatchObject({
      outcome: 'refused',
    });
  });
});

test.each([
  ['', 'timeout'],
  ['timeout: 3s, ', 504],
  ['timeout: 60s, ', 'timeout'],
])('a connection to an address that leads nowhere ends when the route says so: "%s"', (limit, symptom) => {
  const routes =
    `---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: www, namespace: shop }\n` +
    `spec: { hosts: [www.example.com], http: [{ ${limit}route: [{ destination: { host: www.example.com } }] }] }\n`;
  const declared = entry(
    'www',
    'www.example.com',
    'number: 80, protocol: HTTP',
    'addresses: [240.1.2.3], resolution: NONE',
  );
  const world = { mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY', dnsCapture: true } } as const;
  expect(see(declared + routes, 'http://www.example.com/', world)).toMatchObject({ outcome: 'refused', symptom });
});

describe('an address that only stands for a name at sidecars', () => {
  const STAND_IN = entry(
    'db',
    'db.example.com',
    'number: 5432, protocol: TCP',
    'addresses: [244.1.2.3], resolution: DNS',
  );
  const POLICY = `---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: boundary, namespace: shop }
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
    - { ports: [{ port: 5432 }], to: [{ ipBlock: { cidr: 0.0.0.0/0, except: [10.0.0.0/8, 240.0.0.0/4] } }] }
    - { ports: [{ port: 53, protocol: UDP }, { port: 15012 }] }
`;
  const url = 'tcp://db.example.com:5432';
  const mesh = { outboundTrafficPolicy: 'REGISTRY_ONLY' } as const;

  test('is not where a proxy connects, so a NetworkPolicy never sees it', () => {
    const world = { mesh: { ...mesh, dnsCapture: true } };
    expect(see(`${STAND_IN}${POLICY}`, url, world)).toMatchObject({
      outcome: 'answered',
      condition: { holds: expect.stringMatching(/^\S+ has a public address$/) },
    });
    expect(isPlainYes(see(`${STAND_IN}${POLICY}`, url, { ...world, declaredAddresses: true }))).toBe(true);
  });

  test('is known to applications only where sidecars answer DNS', () => {
    for (const world of [{}, { mesh }, { mesh, declaredAddresses: true }])
      expect(see(STAND_IN, url, world)).toMatchObject({
        outcome: 'answered',
        condition: {
          holds: expect.stringMatching(
            /^sidecars answer DNS \(dnsCapture\), which gives \S+ its address(?!.*not answer)/,
          ),
        },
      });
    expect(see(STAND_IN, url, { mesh: { ...mesh, dnsCapture: false } })).toMatchObject({ outcome: 'refused' });
  });
});

test('what a pod says of its sidecar counts before what the mesh says', () => {
  const pods = (value: string) => podsWithVariable('ISTIO_META_DNS_CAPTURE', value);
  const port = 'number: 5432, protocol: TCP';
  const yaml = entry('a', 'a.example.com', port) + entry('b', 'b.example.com', port);
  const hosts = ['a', 'b'].map((name, index) => ({
    host: `${name}.example.com`,
    address: `203.0.113.6${index}`,
    tcp: [5432],
  }));
  const outcome = (own: string, dnsCapture: boolean) =>
    see(yaml + own, 'tcp://b.example.com:5432', {
      mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY', dnsCapture },
      external: hosts,
    }).outcome;
  expect(outcome(pods('true'), false)).toBe('answered');
  expect(outcome(pods('false'), true)).not.toBe('answered');
});
