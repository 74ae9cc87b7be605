import { entry, findings, reported } from './support';

const code = 'reserved-port';

test.each([15001, 15006, 15021, 15090])('HTTP on %d never gets a listener, TLS does', (number) => {
  expect(reported(code, [entry('shop/a', { ports: [{ number, name: 'http', protocol: 'HTTP2' }] })])).toEqual([
    'shop/a',
  ]);
  expect(reported(code, [entry('shop/a', { ports: [{ number, name: 'tls', protocol: 'TLS' }] })])).toEqual([]);
});

test('UDP is reported in any case of letters, as a warning: it leaves as if nothing were declared', () => {
  const udp = findings(code, [entry('shop/a', { ports: [{ number: 53, name: 'dns', protocol: 'UDP' }] })]);
  expect(udp.map(({ severity }) => severity)).toEqual(['warning']);
  expect(reported(code, [entry('shop/a', { ports: [{ number: 53, name: 'dns', protocol: 'udp' }] })])).toEqual([
    'shop/a',
  ]);
  expect(
    reported(code, [
      entry('shop/a', { ports: [{ number: 53, name: 'dns', protocol: 'TCP' }], addresses: ['203.0.113.7'] }),
    ]),
  ).toEqual([]);
});
