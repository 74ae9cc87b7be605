import { entry, gateway, istio, route, reported } from './support';

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

test('a TLS port that exists for origination receives HTTP', () => {
  const originating = [entry('shop/a', {}), rule({ trafficPolicy: on(443) })];
  expect(
    reported(code, [...originating, route('shop/v', {}, { host: 'a.example.com', port: { number: 443 } })]),
  ).toEqual([]);
  expect(
    reported(code, [...originating, route('shop/v', {}, { host: 'a.example.com', port: { number: 80 } })]),
  ).toEqual(['shop/a shop/r']);
  expect(reported(code, [...originating, gateway('shop/exit', ['a.example.com'])])).toEqual([]);
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
