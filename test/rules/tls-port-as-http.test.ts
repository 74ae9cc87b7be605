import { entry, reported } from './support';

const code = 'tls-port-as-http';
const on = (number: number, protocol: string) => entry('shop/a', { ports: [{ number, name: 'p', protocol }] });

test.each(['HTTP', 'http', 'HTTP2', 'GRPC'])('%s on 443 is reported', (protocol) => {
  expect(reported(code, [on(443, protocol)])).toEqual(['shop/a']);
});

test('HTTP on other ports, and TLS or HTTPS on 443, are not', () => {
  expect(reported(code, [on(8443, 'HTTP'), on(443, 'TLS'), on(443, 'HTTPS')])).toEqual([]);
});
