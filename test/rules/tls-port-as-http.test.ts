import { entry, findings, istio, reported } from './support';

const code = 'tls-port-as-http';
const on = (number: number, protocol: string) => entry('shop/a', { ports: [{ number, name: 'p', protocol }] });

test.each(['HTTP', 'http', 'HTTP2', 'GRPC'])('%s on 443 is reported', (protocol) => {
  expect(reported(code, [on(443, protocol)])).toEqual(['shop/a']);
});

test('HTTP on other ports, and TLS or HTTPS on 443, are not', () => {
  expect(reported(code, [on(8443, 'HTTP'), on(443, 'TLS'), on(443, 'HTTPS')])).toEqual([]);
});

test('where TLS is originated on the port, plain HTTP sent there works, and it is a warning', () => {
  const rule = (number: number) =>
    istio('DestinationRule', 'egress/r', {
      host: 'a.example.com',
      trafficPolicy: { portLevelSettings: [{ port: { number }, tls: { mode: 'SIMPLE' } }] },
    });
  expect(findings(code, [on(443, 'HTTP'), rule(443)])[0].severity).toBe('warning');
  expect(findings(code, [on(443, 'HTTP'), rule(80)])[0].severity).toBe('error');
});
