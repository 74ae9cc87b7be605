import { entry, findings, gateway, istio, reported, route } from './support';

const to443 = route('shop/route', {}, { host: 'a.example.com', port: { number: 443 } });
const origination = (place: string, spec: object) =>
  istio('DestinationRule', place, { host: 'a.example.com', ...spec });
const tls = { mode: 'SIMPLE', sni: 'a.example.com', subjectAltNames: ['a.example.com'] };

test('without a rule for the host', () => {
  expect(reported('http-route-to-tls-port', [entry('shop/a', {}), to443])).toEqual(['shop/a shop/route']);
});

test.each([
  ['any rule, wherever it is', origination('egress/a', { trafficPolicy: { tls } })],
  ['a subset', origination('shop/a', { subsets: [{ name: 'x', trafficPolicy: { tls } }] })],
  ['a wildcard', istio('DestinationRule', 'shop/w', { host: '*.example.com', trafficPolicy: { tls } })],
])('%s that originates TLS is enough', (_what, rule) => {
  expect(reported('http-route-to-tls-port', [entry('shop/a', {}), to443, rule])).toEqual([]);
});

test("a rule that is not exported to the namespace of the gateway's pods is not", () => {
  const code = 'http-route-to-tls-port';
  const exit = gateway('shop/exit', ['a.example.com']);
  const out = route('shop/out', { gateways: ['exit'] }, { host: 'a.example.com', port: { number: 443 } });
  const hidden = origination('shop/o', { trafficPolicy: { tls }, exportTo: ['.'] });
  const pods = (namespace: string) => ({
    manifest: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'exit', namespace },
      spec: { template: { metadata: { labels: { istio: 'exit' } } } },
    },
    origin: 'pods',
  });
  const both = entry('shop/a', { exportTo: ['*'] });
  expect(reported(code, [both, exit, out, hidden])).toEqual([]);
  // The gateway may have pods in the namespace of the rule that are not among the manifests.
  expect(findings(code, [both, exit, out, hidden, pods('egress')])).toMatchObject([
    { origins: ['shop/out', 'shop/a', 'shop/o'], severity: 'warning' },
  ]);
  expect(reported(code, [both, exit, out, hidden, pods('shop')])).toEqual([]);
  expect(reported(code, [both, exit, out, hidden, pods('shop'), pods('egress')])).toEqual([]);
  const seen = origination('shop/o', { trafficPolicy: { tls } });
  expect(reported(code, [both, exit, out, seen, pods('egress')])).toEqual([]);
  const also = route('shop/out', { gateways: ['exit', 'mesh'] }, { host: 'a.example.com', port: { number: 443 } });
  expect(reported(code, [both, exit, also, hidden, pods('egress')])).toEqual([]);
});

test('a rule for another port is not', () => {
  const rule = origination('shop/b', { trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls }] } });
  expect(reported('http-route-to-tls-port', [entry('shop/a', {}), to443, rule])).toHaveLength(1);
});

test('a port that the entry declares HTTP, or a route without a port, is left alone', () => {
  const http = entry('shop/a', { ports: [{ number: 443, name: 'h', protocol: 'HTTP' }] });
  expect(reported('http-route-to-tls-port', [http, to443])).toEqual([]);
  expect(reported('http-route-to-tls-port', [entry('shop/a', {}), route('shop/route', {})])).toEqual([]);
});

test('a host inside the mesh may have encrypted itself', () => {
  expect(reported('http-route-to-tls-port', [entry('shop/a', { location: 'MESH_INTERNAL' }), to443])).toEqual([]);
});

test('it is an error where requests are meant to take the route: HTTP is declared, or a gateway receives it', () => {
  const severityOf = (...objects: ReturnType<typeof entry>[]) =>
    findings('http-route-to-tls-port', objects).map(({ severity }) => severity);
  const both = entry('shop/a', {
    ports: [
      { number: 80, name: 'http', protocol: 'HTTP' },
      { number: 443, name: 'tls', protocol: 'TLS' },
    ],
  });
  const atGateway = route('shop/route', { gateways: ['exit'] }, { host: 'a.example.com', port: { number: 443 } });
  expect(severityOf(both, to443)).toEqual(['error']);
  expect(severityOf(entry('shop/a', {}), atGateway)).toEqual(['error']);
  expect(severityOf(entry('shop/a', {}), to443)).toEqual(['warning']);
});

test('nothing is sent where the host has no endpoint', () => {
  expect(reported('http-route-to-tls-port', [entry('shop/a', { resolution: 'STATIC' }), to443])).toEqual([]);
  const endpoints = [{ address: '203.0.113.7' }];
  expect(
    reported('http-route-to-tls-port', [entry('shop/a', { resolution: 'STATIC', endpoints }), to443]),
  ).toHaveLength(1);
});

test('nothing is sent to a subset that no rule defines', () => {
  const toSubset = route('shop/route', {}, { host: 'a.example.com', subset: 'tls', port: { number: 443 } });
  const rule = istio('DestinationRule', 'shop/rule', { host: 'a.example.com', subsets: [{ name: 'tls' }] });
  expect(reported('http-route-to-tls-port', [entry('shop/a', {}), toSubset])).toEqual([]);
  expect(reported('http-route-to-tls-port', [entry('shop/a', {}), toSubset, rule])).toHaveLength(1);
});
