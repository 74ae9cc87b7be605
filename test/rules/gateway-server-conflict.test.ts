import { findings, gateway, istio, reported } from './support';

const code = 'gateway-server-conflict';
const http = { port: { number: 443, name: 'http', protocol: 'HTTP' }, tls: undefined };
const tcp = { port: { number: 5432, name: 'tcp', protocol: 'TCP' }, tls: undefined };

test('the same host is claimed once per port, address and set of pods', () => {
  const a = gateway('egress/a', ['a.example.com']);
  expect(reported(code, [a, gateway('egress/b', ['a.example.com'])])).toEqual(['egress/a egress/b']);
  expect(
    reported(code, [
      a,
      gateway('egress/b', ['a.example.com'], { port: { number: 8443, name: 'tls', protocol: 'HTTPS' } }),
    ]),
  ).toEqual([]);
  expect(reported(code, [a, gateway('egress/b', ['a.example.com'], { bind: '127.0.0.1' })])).toEqual([]);
  expect(reported(code, [a, gateway('egress/b', ['a.example.com'], {}, { istio: 'other' })])).toEqual([]);
  expect(reported(code, [a, gateway('egress/b', ['*.example.com'])])).toEqual([]);
});

test('a selector with fewer labels selects the same pods, and an empty one selects all', () => {
  expect(
    reported(code, [
      gateway('egress/a', ['a.example.com'], {}, { istio: 'exit', app: 'x' }),
      gateway('egress/b', ['a.example.com']),
    ]),
  ).toEqual(['egress/a egress/b']);
  expect(
    reported(code, [gateway('egress/a', ['a.example.com']), gateway('egress/b', ['a.example.com'], {}, {})]),
  ).toEqual(['egress/a egress/b']);
});

test('a Gateway without a selector selects the pods of every other', () => {
  const all = istio('Gateway', 'egress/all', {
    servers: [
      { port: { number: 443, name: 'x', protocol: 'TLS' }, hosts: ['a.example.com'], tls: { mode: 'PASSTHROUGH' } },
    ],
  });
  expect(reported(code, [gateway('egress/a', ['a.example.com']), all])).toEqual(['egress/a egress/all']);
});

test('a claim with a namespace and one without take the whole port down', () => {
  const [finding] = findings(code, [
    gateway('egress/a', ['egress/a.example.com']),
    gateway('egress/b', ['a.example.com']),
  ]);
  expect(finding.message).toContain('Envoy rejects the listener');
  expect(
    findings(code, [gateway('egress/a', ['./a.example.com']), gateway('egress/b', ['egress/a.example.com'])])[0]
      .message,
  ).toContain('only the oldest claim counts');
});

test('claims of different namespaces do not conflict between passthrough servers', () => {
  const through = { tls: { mode: 'PASSTHROUGH' } };
  const open = gateway('egress/b', ['a.example.com'], through);
  expect(reported(code, [gateway('egress/a', ['egress/a.example.com'], through), open])).toEqual([]);
  expect(reported(code, [gateway('egress/a', ['egress/a.example.com']), open])).toEqual(['egress/a egress/b']);
});

test('one Gateway can contradict itself', () => {
  const server = (name: string) => ({
    port: { number: 443, name, protocol: 'TLS' },
    hosts: ['a.example.com'],
    tls: { mode: 'PASSTHROUGH' },
  });
  expect(
    reported(code, [
      istio('Gateway', 'egress/a', { selector: { istio: 'exit' }, servers: [server('x'), server('y')] }),
    ]),
  ).toEqual(['egress/a']);
});

test('plain HTTP servers may share a port; TLS, HTTP and TCP may not, nor may two TCP servers', () => {
  expect(
    reported(code, [gateway('egress/a', ['a.example.com'], http), gateway('egress/b', ['a.example.com'], http)]),
  ).toEqual([]);
  expect(
    reported(code, [gateway('egress/a', ['a.example.com'], http), gateway('egress/b', ['b.example.com'])]),
  ).toEqual(['egress/a egress/b']);
  expect(
    reported(code, [gateway('egress/a', ['a.example.com'], tcp), gateway('egress/b', ['b.example.com'], tcp)]),
  ).toEqual(['egress/a egress/b']);
  expect(
    reported(code, [
      gateway('egress/a', ['a.example.com'], http),
      gateway('egress/b', ['b.example.com'], {}, { istio: 'other' }),
    ]),
  ).toEqual([]);
  expect(
    reported(code, [
      gateway('egress/a', ['a.example.com'], tcp),
      gateway('egress/b', ['b.example.com'], tcp, { istio: 'other' }),
    ]),
  ).toEqual([]);
});

test('plaintext beside TLS is a warning, since the older server stays, and two servers of plaintext are an error', () => {
  const severities = (...servers: object[]) =>
    findings(
      code,
      servers.map((server, at) => gateway(`egress/g${at}`, [`${at}.example.com`], server)),
    ).map(({ severity }) => severity);
  expect(severities({}, http)).toEqual(['warning']);
  expect(severities(tcp, { ...http, port: { ...http.port, number: 5432 } })).toEqual(['error']);
});
