import { checkManifests } from '../../src/rules';
import { entry, istio, reported, route } from './support';

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

test('a route at a gateway counts as well, once for each VirtualService', () => {
  const out = istio('VirtualService', 'shop/out', {
    hosts: ['a.example.com'],
    gateways: ['exit'],
    http: [80, 80].map((number) => ({ route: [{ destination: { host: 'a.example.com', port: { number } } }] })),
  });
  expect(reported(code, [entry('shop/a', {}), out])).toEqual(['shop/a shop/out']);
});

test('an error where the namespace has an entry of its own, else a warning, since another one may be elsewhere', () => {
  const severities = (place: string) =>
    checkManifests([entry(place, { exportTo: ['*'] }), to(80)])
      .filter((finding) => finding.code === code)
      .map(({ severity }) => severity);
  expect(severities('shop/a')).toEqual(['error']);
  expect(severities('egress/a')).toEqual(['warning']);
});
