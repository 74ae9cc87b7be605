import { entry, istio, reported } from './support';

const code = 'unverified-name';
const rule = (tls: object) =>
  istio('DestinationRule', 'shop/r', { host: 'a.example.com', trafficPolicy: { tls: { mode: 'SIMPLE', ...tls } } });

test('without sni, or with subjectAltNames, the name is verified', () => {
  expect(reported(code, [rule({})])).toEqual([]);
  expect(reported(code, [rule({ sni: 'a.example.com' })])).toEqual(['shop/r']);
  expect(reported(code, [rule({ sni: 'a.example.com', subjectAltNames: [] })])).toEqual(['shop/r']);
  expect(reported(code, [rule({ sni: 'a.example.com', subjectAltNames: ['a.example.com'] })])).toEqual([]);
});

test("the entry's subjectAltNames count where the rule has none", () => {
  expect(
    reported(code, [rule({ sni: 'a.example.com' }), entry('shop/a', { subjectAltNames: ['a.example.com'] })]),
  ).toEqual([]);
});

test('mesh certificates and insecureSkipVerify are not reported', () => {
  expect(reported(code, [rule({ mode: 'ISTIO_MUTUAL', sni: 'hop.internal' })])).toEqual([]);
  expect(reported(code, [rule({ sni: 'a.example.com', insecureSkipVerify: true })])).toEqual([]);
});

test('several settings of one DestinationRule make one finding', () => {
  const tls = { mode: 'MUTUAL', sni: 'a.example.com' };
  const settings = {
    portLevelSettings: [
      { port: { number: 443 }, tls },
      { port: { number: 8443 }, tls: { ...tls, sni: 'b.example.com' } },
    ],
  };
  expect(
    reported(code, [
      istio('DestinationRule', 'shop/r', { host: 'a.example.com', subsets: [{ name: 'x', trafficPolicy: settings }] }),
    ]),
  ).toEqual(['shop/r']);
});

describe('TLS for TCP, of which no request is read', () => {
  const tcp = entry('shop/db', { hosts: ['db.example.com'], ports: [{ number: 5432, name: 'tcp', protocol: 'TCP' }] });
  const originating = (tls: object) =>
    istio('DestinationRule', 'shop/tls', {
      host: 'db.example.com',
      trafficPolicy: { tls: { mode: 'SIMPLE', ...tls } },
    });

  test('without a name accepts any', () => {
    expect(reported('unverified-name', [tcp, originating({})])).toEqual(['shop/tls']);
    expect(reported('unverified-name', [tcp, originating({ sni: 'db.example.com' })])).toEqual(['shop/tls']);
  });

  test('with a name to verify, or for HTTP, does not', () => {
    expect(reported('unverified-name', [tcp, originating({ subjectAltNames: ['db.example.com'] })])).toEqual([]);
    const http = entry('shop/db', { hosts: ['db.example.com'], ports: [{ number: 80, name: 'h', protocol: 'HTTP' }] });
    expect(reported('unverified-name', [http, originating({})])).toEqual([]);
  });
});
