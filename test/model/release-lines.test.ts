/** Where Istio 1.30 admits other objects than 1.31, or reads them otherwise. */
import { ask, ENTRY, istio, LOCKED } from './support';

const excluding = (host: string) => istio('Sidecar', `{ egress: [{ hosts: ['*/*', '${host}'] }] }`);
const SLOW = '{ loadBalancer: { simple: RANDOM, warmup: { duration: 10s, aggression: 0.5 } } }';
const URL = 'http://site.example.com/';
const see = (yaml: string, istioVersion?: string) => ask(ENTRY + yaml, 'shop/cart', URL, { ...LOCKED, istioVersion });

test.each([
  ['a Sidecar that excludes a namespace', excluding('~other/*'), 'answered'],
  ['a Sidecar that excludes the host', excluding('~./site.example.com'), 'refused'],
  [
    'a redirect of a prefix',
    istio(
      'VirtualService',
      '{ hosts: [site.example.com], http: [{ match: [{ uri: { prefix: "/" } }], redirect: { prefixRewrite: /x } }] }',
    ),
    'refused',
  ],
  ['a slow start', istio('DestinationRule', `{ host: site.example.com, trafficPolicy: ${SLOW} }`), 'answered'],
  [
    'a slow start of a port of a subset',
    istio(
      'DestinationRule',
      `{ host: site.example.com, subsets: [{ name: a, trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, ${SLOW.slice(1, -1)} }] } }] }`,
    ),
    'answered',
  ],
])('%s is admitted by 1.31 and rejected by 1.30, and without a release that is a condition', (_what, yaml, outcome) => {
  for (const release of ['1.31', '1.31.2', '1.32']) {
    expect(see(yaml, release)).toMatchObject({ outcome });
    expect(see(yaml, release).condition).toBeUndefined();
  }
  expect(see(yaml, '1.30')).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringMatching(/would be rejected by .* needs Istio 1\.31\)/),
  });
  expect(see(yaml)).toMatchObject({
    outcome,
    condition: { holds: 'the mesh runs Istio 1.31 or later', say: expect.stringContaining('--istio 1.31') },
  });
});

test('a host that is excluded from all namespaces stays in 1.30, which reads "~" as the name of an empty one', () => {
  const yaml = excluding('~/site.example.com');
  expect([see(yaml, '1.31').outcome, see(yaml, '1.30').outcome]).toEqual(['refused', 'answered']);
  expect(see(yaml).condition?.holds).toMatch(/Istio 1\.31/);
});

test('a Sidecar that names a host knows one of its entries from 1.31 on, and all of them in 1.30', () => {
  const spec = '{ hosts: [site.example.com], resolution: DNS, ports: [{ number: 8080, name: http, protocol: HTTP }] }';
  const dated = (yaml: string, date: string) => yaml.replace('metadata: {', `metadata: { creationTimestamp: ${date},`);
  const entries = dated(ENTRY, '2026-01-01') + dated(istio('ServiceEntry', spec), '2026-01-02');
  const asked = (hosts: string, istioVersion?: string) =>
    ask(
      entries + istio('Sidecar', `{ egress: [{ hosts: [${hosts}] }] }`),
      'shop/cart',
      'http://site.example.com:8080/',
      { ...LOCKED, istioVersion },
    );
  for (const hosts of ['./site.example.com', 'shop/site.example.com, egress/other.example.com']) {
    expect(asked(hosts, '1.31').outcome).toBe('refused');
    expect(asked(hosts, '1.30').outcome).toBe('answered');
    expect(asked(hosts).condition?.holds).toMatch(/Istio 1\.31/);
  }
  for (const hosts of ['./*', './site.example.com, egress/*', '"*/site.example.com"'])
    expect([asked(hosts).outcome, asked(hosts).condition]).toEqual(['answered', undefined]);
});

test('the time of a retry budget is named where it is, also in a subset', () => {
  const budget = '{ retryBudget: { percent: 20, budgetInterval: 10s } }';
  const yaml = istio('DestinationRule', `{ host: site.example.com, subsets: [{ name: a, trafficPolicy: ${budget} }] }`);
  expect(see(yaml, '1.30').causes).toMatchObject([
    { field: 'spec.subsets[0].trafficPolicy.retryBudget.budgetInterval' },
  ]);
});

test('what a Sidecar that imports nothing says is the same in all of them', () => {
  const yaml = istio('Sidecar', "{ egress: [{ hosts: ['~/*'] }] }");
  for (const release of ['1.30', '1.31', undefined]) {
    const { outcome, condition } = see(yaml, release);
    expect([outcome, condition]).toEqual(['refused', undefined]);
  }
});

test('an access table without a release means the newest', () => {
  const world = { ...LOCKED, external: [{ host: 'site.example.com', http: 'ok' as const }] };
  expect(ask(ENTRY + excluding('~other/*'), 'shop/cart', URL, world)).toMatchObject({ outcome: 'answered' });
});
