import { entry, findings, istio, reported, route } from './support';

const code = 'route-to-undeclared-port';
const to = (number?: number) =>
  route('shop/r', {}, { host: 'a.example.com', ...(number !== undefined && { port: { number } }) });

test('any entry for the host may declare the port', () => {
  expect(reported(code, [entry('shop/a', {}), to(80)])).toEqual(['shop/a shop/r']);
  expect(reported(code, [entry('shop/a', {}), to(443)])).toEqual([]);
  const other = entry('egress/b', { ports: [{ number: 80, name: 'http', protocol: 'HTTP' }] });
  expect(reported(code, [entry('shop/a', {}), other, to(80)])).toEqual([]);
  expect(reported(code, [entry('shop/a', {}), other, to(8080)])).toEqual(['egress/b shop/a shop/r']);
});

test('a route without a port, and a host that the manifests do not declare or that a wildcard covers, is left alone', () => {
  expect(reported(code, [entry('shop/a', {}), to()])).toEqual([]);
  expect(reported(code, [to(80)])).toEqual([]);
  expect(reported(code, [entry('shop/a', {}), entry('shop/w', { hosts: ['*.example.com'] }), to(80)])).toEqual([]);
});

test('a route at a gateway is a warning, once for each VirtualService: gateways also see entries elsewhere', () => {
  const out = istio('VirtualService', 'shop/out', {
    hosts: ['a.example.com'],
    gateways: ['exit'],
    http: [80, 80].map((number) => ({ route: [{ destination: { host: 'a.example.com', port: { number } } }] })),
  });
  expect(findings(code, [entry('shop/a', {}), out])).toMatchObject([
    { origins: ['shop/out', 'shop/a'], severity: 'warning' },
  ]);
});

test('a copy of requests may go to a port that is missing', () => {
  const mirrors = (spec: object) =>
    route('shop/r', { http: [{ route: [{ destination: { host: 'b.example.com' } }], ...spec }] });
  const copy = { host: 'a.example.com', port: { number: 80 } };
  expect(reported(code, [entry('shop/a', {}), mirrors({ mirror: copy })])).toEqual([]);
  expect(reported(code, [entry('shop/a', {}), mirrors({ mirrors: [{ destination: copy }] })])).toEqual([]);
  const both = mirrors({ route: [{ destination: copy }], mirror: copy });
  expect(reported(code, [entry('shop/a', {}), both])).toEqual(['shop/a shop/r']);
});

test('a Kubernetes Service of the same name may have the port', () => {
  const host = 'till.shop.svc.cluster.local';
  const beside = entry('shop/a', { hosts: [host] });
  expect(reported(code, [beside, route('shop/r', {}, { host, port: { number: 9080 } })])).toEqual([]);
});

test('an error where the namespace has an entry of its own, else a warning, since another one may be elsewhere', () => {
  const severities = (place: string) =>
    findings(code, [entry(place, { exportTo: ['*'] }), to(80)]).map(({ severity }) => severity);
  expect(severities('shop/a')).toEqual(['error']);
  expect(severities('egress/a')).toEqual(['warning']);
});
