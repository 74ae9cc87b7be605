import { istio, reported } from './support';

const code = 'sidecar-hides-service';
const sidecar = (hosts: string[] | undefined, mode = 'REGISTRY_ONLY', labels?: object, place = 'shop/default') =>
  istio('Sidecar', place, {
    ...(labels && { workloadSelector: { labels } }),
    ...(hosts && { egress: [{ hosts }] }),
    outboundTrafficPolicy: { mode },
  });
const deployment = (url: string) => ({
  origin: 'shop/web',
  manifest: {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'example.com/web', env: [{ name: 'URL', value: url }] }] },
      },
    },
  },
});
const service = {
  origin: 'stock/items',
  manifest: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'items', namespace: 'stock' }, spec: {} },
};
const NARROW = ['./*', 'istio-system/*'];

test.each([
  ['http://items.stock.svc:8080/'],
  ['items.stock.svc.cluster.local'],
  ['grpc://items.stock:9090'],
  ['nothing else, items.stock.'],
])('a Service is named by %s', (url) => {
  expect(reported(code, [deployment(url), service, sidecar(NARROW)])).toEqual(['shop/default shop/web']);
});

test.each([
  ['http://items.stock.example.com/'],
  ['http://items/'],
  ['http://items.shop.svc/'],
  ['http://more-items.stock/'],
  ['http://a.items.stock/'],
  ['http://items.stock.svc.another.domain/'],
])('none that is elsewhere is named by %s', (url) => {
  expect(reported(code, [deployment(url), service, sidecar(NARROW)])).toEqual([]);
});

test('without its Service, a short name may be an external host', () => {
  expect(reported(code, [deployment('http://items.stock/'), sidecar(NARROW)])).toEqual([]);
});

test.each([[['./*', 'stock/*']], [['*/*']], [['./*', 'stock/items.stock.svc.cluster.local']], [undefined]])(
  'a Sidecar that imports %j imports the Service',
  (hosts) => {
    expect(reported(code, [deployment('http://items.stock.svc/'), sidecar(hosts)])).toEqual([]);
  },
);

test('the Sidecar in force decides: of the workload, of its namespace, of the root namespace', () => {
  const calls = deployment('http://items.stock.svc/');
  const root = sidecar(NARROW, 'REGISTRY_ONLY', undefined, 'istio-system/default');
  const own = sidecar(['*/*'], 'REGISTRY_ONLY', { app: 'web' }, 'shop/web-only');
  expect(reported(code, [calls, root])).toEqual(['istio-system/default shop/web']);
  expect(reported(code, [calls, root, sidecar(['*/*'])])).toEqual([]);
  expect(reported(code, [calls, sidecar(NARROW), own])).toEqual([]);
});

test('where undeclared hosts pass, nothing is cut', () => {
  expect(reported(code, [deployment('http://items.stock.svc/'), sidecar(NARROW, 'ALLOW_ANY')])).toEqual([]);
});

test('the destination of a route is imported with it', () => {
  const route = istio('VirtualService', 'shop/items', {
    hosts: ['items.example.com'],
    http: [{ route: [{ destination: { host: 'items.stock.svc.cluster.local' } }] }],
  });
  expect(reported(code, [deployment('http://items.stock.svc/'), sidecar(NARROW), route])).toEqual([]);
});
