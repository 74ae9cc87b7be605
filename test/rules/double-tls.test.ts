import { entry, findings, gateway, istio, route, reported } from './support';

const code = 'double-tls';
const rule = (spec: object) => istio('DestinationRule', 'shop/r', { host: 'a.example.com', exportTo: ['.'], ...spec });
const tls = { mode: 'SIMPLE' };
const on = (number: number) => ({ portLevelSettings: [{ port: { number }, tls }] });

test("TLS for the whole host, or for the TLS port, wraps the application's own", () => {
  expect(reported(code, [entry('shop/a', {}), rule({ trafficPolicy: { tls } })])).toEqual(['shop/a shop/r']);
  expect(reported(code, [entry('shop/a', {}), rule({ trafficPolicy: on(443) })])).toEqual(['shop/a shop/r']);
});

test('TLS for another port, in a subset, or with mesh certificates does not', () => {
  expect(reported(code, [entry('shop/a', {}), rule({ trafficPolicy: on(80) })])).toEqual([]);
  expect(reported(code, [entry('shop/a', {}), rule({ subsets: [{ name: 'x', trafficPolicy: { tls } }] })])).toEqual([]);
  expect(reported(code, [entry('shop/a', {}), rule({ trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } })])).toEqual([]);
  expect(
    reported(code, [
      entry('shop/a', {}),
      rule({ trafficPolicy: { tls, portLevelSettings: [{ port: { number: 443 } }] } }),
    ]),
  ).toEqual([]);
});

test('settings that sidecars ignore wrap nothing', () => {
  const mutual = { mode: 'MUTUAL', credentialName: 'client' };
  const of = (spec: object) => reported(code, [entry('shop/a', {}), rule(spec)]);
  expect(of({ trafficPolicy: { tls: mutual } })).toEqual([]);
  expect(of({ trafficPolicy: { tls: { mode: 'SIMPLE', credentialName: 'configmap://ca' } } })).toEqual([
    'shop/a shop/r',
  ]);
  expect(of({ trafficPolicy: { tls: mutual }, workloadSelector: { matchLabels: { app: 'till' } } })).toEqual([
    'shop/a shop/r',
  ]);
});

/** Objects and the severity of each finding. */
const levels = (objects: Parameters<typeof reported>[1]) =>
  findings(code, objects).map(({ severity, origins }) => `${severity} ${origins.sort().join(' ')}`);

test('a TLS port that exists for origination receives HTTP; what applications encrypt themselves fails all the same', () => {
  const originating = [entry('shop/a', {}), rule({ trafficPolicy: on(443) })];
  const toPort = (number: number) => route('shop/v', {}, { host: 'a.example.com', port: { number } });
  expect(levels([...originating, toPort(443)])).toEqual(['warning shop/a shop/r']);
  expect(levels([...originating, toPort(80)])).toEqual(['error shop/a shop/r']);
});

test('what is private to the namespace of a gateway is for the gateway, and what sidecars use as well is not', () => {
  const exit = gateway('shop/exit', ['a.example.com']);
  const out = route('shop/out', { gateways: ['exit'] }, { host: 'a.example.com', port: { number: 443 } });
  const all = { exportTo: ['*'] };
  const originating = [exit, out, rule({ trafficPolicy: on(443), ...all })];
  expect(levels([exit, out, entry('shop/a', {}), rule({ trafficPolicy: on(443) })])).toEqual([]);
  expect(levels([...originating, entry('shop/a', {})])).toEqual([]);
  expect(levels([...originating, entry('shop/a', all)])).toEqual(['warning shop/a shop/r']);
  // Sidecars look for rules in their own namespace, in that of the entry, and in the root namespace.
  expect(levels([...originating, entry('web/a', all)])).toEqual([]);
  const root = istio('DestinationRule', 'istio-system/r', { host: 'a.example.com', trafficPolicy: on(443) });
  const system = gateway('istio-system/exit', ['a.example.com']);
  expect(levels([system, root, entry('web/a', all)])).toEqual(['error istio-system/r web/a']);
  const toGateway = istio('VirtualService', 'shop/in', {
    hosts: ['a.example.com'],
    tls: [
      { match: [{ sniHosts: ['a.example.com'] }], route: [{ destination: { host: 'exit.shop.svc.cluster.local' } }] },
    ],
  });
  expect(levels([...originating, entry('shop/a', all), toGateway])).toEqual([]);
});

describe('a tls route', () => {
  const pass = (place: string, spec: object, destination: object = {}) =>
    istio('VirtualService', place, {
      hosts: ['a.example.com'],
      tls: [
        {
          match: [{ sniHosts: ['a.example.com'] }],
          route: [{ destination: { host: 'a.example.com', ...destination } }],
        },
      ],
      ...spec,
    });
  const at443 = { port: { number: 443 } };
  const private443 = [entry('shop/a', {}), rule({ trafficPolicy: on(443) })];
  const out = route('shop/out', { gateways: ['exit'] }, { host: 'a.example.com', ...at443 });

  test('of a gateway passes on what applications have encrypted', () => {
    const exit = gateway('shop/exit', ['a.example.com']);
    expect(levels([exit, ...private443, out])).toEqual([]);
    expect(levels([exit, ...private443, out, pass('shop/p', { gateways: ['exit'] }, at443)])).toEqual([
      'error shop/p shop/r',
    ]);
    // The entry has one port, so that the route needs none.
    expect(levels([exit, ...private443, pass('shop/p', { gateways: ['shop/exit'] })])).toEqual(['error shop/p shop/r']);
    expect(levels([exit, ...private443, pass('shop/p', { gateways: ['web/exit'] }, at443)])).toEqual([]);
  });

  test('of sidecars does as well', () => {
    const http = route('shop/v', {}, { host: 'a.example.com', ...at443 });
    expect(levels([...private443, http, pass('shop/p', {}, at443)])).toEqual([
      'warning shop/a shop/r',
      'error shop/p shop/r',
    ]);
    // One finding for one port.
    expect(levels([...private443, pass('shop/p', {}, at443)])).toEqual(['error shop/a shop/r']);
  });

  test('may name a subset with settings of its own', () => {
    const subsets = (mode: string) => rule({ subsets: [{ name: 'x', trafficPolicy: { tls: { mode } } }] });
    const named = pass('shop/p', {}, { ...at443, subset: 'x' });
    expect(levels([entry('shop/a', {}), subsets('SIMPLE'), named])).toEqual(['error shop/p shop/r']);
    expect(levels([entry('shop/a', {}), subsets('DISABLE'), named])).toEqual([]);
    expect(levels([entry('shop/a', {}), subsets('SIMPLE'), pass('shop/p', {}, at443)])).toEqual([]);
  });

  test("follows the namespace's own rule, else that of the host, else that of the root namespace", () => {
    const exit = gateway('egress/exit', ['a.example.com']);
    const of = (place: string, trafficPolicy: object) =>
      istio('DestinationRule', place, { host: 'a.example.com', trafficPolicy });
    const passing = pass('egress/p', { gateways: ['exit'] }, at443);
    const public443 = entry('web/a', { exportTo: ['*'] });
    const atGateway = (...rules: ReturnType<typeof of>[]) =>
      levels([exit, public443, passing, ...rules]).filter((one) => one.includes('egress/p'));
    expect(atGateway(of('egress/none', {}), of('shop/r', on(443)))).toEqual([]);
    expect(atGateway(of('egress/none', {}), of('web/r', on(443)))).toEqual([]);
    expect(atGateway(of('egress/r', on(443)), of('web/none', {}))).toEqual(['error egress/p egress/r']);
  });
});

test('a rule and an entry for different namespaces or protocols do no harm', () => {
  expect(reported(code, [entry('web/a', {}), rule({ trafficPolicy: { tls } })])).toEqual([]);
  expect(
    reported(code, [
      entry('shop/a', { ports: [{ number: 5432, name: 'tcp', protocol: 'TCP' }], addresses: ['203.0.113.7'] }),
      rule({ trafficPolicy: { tls } }),
    ]),
  ).toEqual([]);
});
