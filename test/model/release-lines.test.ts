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
