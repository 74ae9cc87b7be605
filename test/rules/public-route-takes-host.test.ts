import { entry, reported, route } from './support';

const publicRoute = (place: string, spec: object = {}) => route(place, { exportTo: undefined, ...spec });
const service = {
  manifest: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'db', namespace: 'platform' }, spec: {} },
  origin: 'platform/db',
};

test("another namespace's entry", () => {
  expect(reported('public-route-takes-host', [entry('platform/a', {}), publicRoute('shop/r')])).toEqual([
    'platform/a shop/r',
  ]);
});

test("another namespace's Service", () => {
  const hosts = ['db.platform.svc.cluster.local'];
  expect(reported('public-route-takes-host', [service, publicRoute('shop/r', { hosts })])).toEqual([
    'platform/db shop/r',
  ]);
});

test.each([
  ['its own entry', [entry('shop/a', {}), entry('platform/a', {}), publicRoute('shop/r')]],
  ['a route of its own namespace', [entry('platform/a', {}), route('shop/r', {})]],
  ['a route for gateways', [entry('platform/a', {}), publicRoute('shop/r', { gateways: ['exit'] })]],
  ['the root namespace', [entry('platform/a', {}), publicRoute('istio-system/r')]],
  ['a host that nobody declares', [publicRoute('shop/r')]],
])('nothing for %s', (_what, objects) => {
  expect(reported('public-route-takes-host', objects)).toEqual([]);
});
