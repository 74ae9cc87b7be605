import { entry, gateway, istio, route, reported } from './support';

const code = 'sidecar-hides-host';
const sidecar = (place: string, hosts: string[] | undefined, labels?: object) =>
  istio('Sidecar', place, {
    ...(labels && { workloadSelector: { labels } }),
    ...(hosts && { egress: [{ hosts }] }),
    outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
  });

test.each([
  [['./*']],
  [['*/*']],
  [['shop/*']],
  [['*/*.example.com']],
  [['./a.example.com', 'istio-system/*']],
  [undefined],
])('a Sidecar that imports %j imports the host', (hosts) => {
  expect(reported(code, [entry('shop/a', {}), sidecar('shop/default', hosts)])).toEqual([]);
});

test.each([
  [['web/*']],
  [['./b.example.com']],
  [['~/*']],
  [['*/*', '~/a.example.com']],
  [['./*', '~shop/*.example.com']],
])('a Sidecar that imports %j does not', (hosts) => {
  expect(reported(code, [entry('shop/a', {}), sidecar('shop/default', hosts)])).toEqual(['shop/a shop/default']);
});

test("the root namespace's Sidecar applies where a namespace has none", () => {
  const root = sidecar('istio-system/default', ['istio-system/*']);
  expect(reported(code, [entry('shop/a', {}), root])).toEqual(['istio-system/default shop/a']);
  expect(reported(code, [entry('shop/a', {}), root, sidecar('shop/default', ['./*'])])).toEqual([]);
  expect(reported(code, [entry('shop/a', {}), sidecar('istio-system/default', ['./*'])])).toEqual([]);
});

test('a Sidecar for some workloads of the root namespace is not the default', () => {
  expect(reported(code, [entry('shop/a', {}), sidecar('istio-system/some', ['istio-system/*'], { app: 'x' })])).toEqual(
    [],
  );
});

test("a host that one workload's Sidecar imports may be hidden from the others", () => {
  const narrow = sidecar('shop/default', ['istio-system/*']);
  expect(reported(code, [entry('shop/a', {}), narrow, sidecar('shop/crawler', ['./*'], { app: 'crawler' })])).toEqual(
    [],
  );
  expect(reported(code, [entry('shop/a', {}), narrow, sidecar('shop/crawler', undefined, { app: 'crawler' })])).toEqual(
    [],
  );
  expect(
    reported(code, [entry('shop/a', {}), sidecar('shop/crawler', ['istio-system/*'], { app: 'crawler' })]),
  ).toEqual([]);
});

test('an entry that is exported to the namespace by name must be imported from its own namespace', () => {
  const exported = entry('platform/a', { exportTo: ['.', 'shop'] });
  expect(reported(code, [exported, sidecar('shop/default', ['./*'])])).toEqual(['platform/a shop/default']);
  expect(reported(code, [exported, sidecar('shop/default', ['./*', 'platform/a.example.com'])])).toEqual([]);
  expect(reported(code, [exported, sidecar('shop/default', ['./*']), entry('shop/own', {})])).toEqual([]);
  expect(reported(code, [entry('platform/a', { exportTo: ['*'] }), sidecar('shop/default', ['./*'])])).toEqual([]);
  expect(reported(code, [entry('shop/a', { exportTo: ['*'] }), sidecar('shop/default', ['web/*'])])).toEqual([
    'shop/a shop/default',
  ]);
});

test('gateways ignore Sidecars, and the destinations of a route are imported with it', () => {
  const narrow = sidecar('shop/default', ['istio-system/*']);
  expect(reported(code, [entry('shop/a', {}), narrow, gateway('shop/exit', ['a.example.com'])])).toEqual([]);
  expect(reported(code, [entry('shop/a', {}), narrow, route('shop/r', { hosts: ['site.internal'] })])).toEqual([]);
  for (const other of [
    route('shop/r', { hosts: ['site.internal'] }, { host: 'b.example.com' }),
    route('web/r', { hosts: ['site.internal'] }),
    route('shop/r', {}),
  ]) {
    expect(reported(code, [entry('shop/a', {}), narrow, other])).toEqual(['shop/a shop/default']);
  }
});
