import { entry, findings, gateway, route, reported } from './support';

const code = 'tcp-port-capture';
const tcp = (number: number, protocol = 'TCP') => ({ ports: [{ number, name: 'tcp', protocol }] });

test.each(['TCP', 'Mongo', 'MySQL', 'Redis'])('%s without an address captures the port', (protocol) => {
  expect(reported(code, [entry('shop/db', tcp(5432, protocol))])).toEqual(['shop/db']);
});

test('host names or an address tell connections apart', () => {
  expect(reported(code, [entry('shop/a', {}), entry('shop/db', { ...tcp(5432), addresses: ['203.0.113.7'] })])).toEqual(
    [],
  );
});

test('one finding names the entries whose connections are taken', () => {
  expect(
    reported(code, [entry('shop/a', tcp(5432)), entry('shop/b', { ...tcp(5432), hosts: ['b.example.com'] })]),
  ).toEqual(['shop/a shop/b']);
  expect(reported(code, [entry('shop/a', tcp(5432)), entry('shop/b', tcp(5432))])).toEqual(['shop/a', 'shop/b']);
});

test('TLS and HTTP of other hosts are told apart by their names, so only what is undeclared is taken: a warning', () => {
  const others = ['TLS', 'HTTP'].map((protocol) =>
    entry(`shop/${protocol.toLowerCase()}`, {
      ports: [{ number: 443, name: 'other', protocol }],
      hosts: ['b.example.com'],
    }),
  );
  expect(
    findings(code, [entry('shop/db', tcp(443)), ...others]).map(({ severity, origins }) => [severity, origins]),
  ).toEqual([['warning', ['shop/db']]]);
});

test('a gateway routes by name and needs no address', () => {
  expect(reported(code, [entry('egress/db', tcp(5432)), gateway('egress/exit', ['db.internal'])])).toEqual([]);
  expect(reported(code, [entry('egress/db', tcp(5432)), route('shop/r', { gateways: ['egress/exit'] })])).toEqual([]);
  expect(reported(code, [entry('egress/db', tcp(5432)), route('egress/r', { gateways: ['mesh'] })])).toEqual([
    'egress/db',
  ]);
  const exported = entry('egress/db', { ...tcp(5432), exportTo: ['.', 'shop'] });
  expect(findings(code, [exported, gateway('egress/exit', ['db.internal'])])[0].message).toContain(
    'sidecars of namespace shop on port 5432',
  );
});

test('where sidecars answer DNS, Istio allocates addresses for most entries', () => {
  const capture = { dnsCapture: true };
  expect(reported(code, [entry('shop/db', tcp(5432))], capture)).toEqual([]);
  expect(reported(code, [entry('shop/db', { ...tcp(5432), resolution: 'NONE' })], capture)).toEqual(['shop/db']);
  expect(
    reported(
      code,
      [entry('shop/db', tcp(5432), { labels: { 'networking.istio.io/enable-autoallocate-ip': 'false' } })],
      capture,
    ),
  ).toEqual(['shop/db']);
});

test('entries that resolve nothing let each connection go where it was going: a warning', () => {
  const unresolved = (name: string, host: string) => entry(name, { ...tcp(5432), hosts: [host], resolution: 'NONE' });
  const severities = (...objects: ReturnType<typeof entry>[]) =>
    findings(code, objects).map(({ severity }) => severity);
  expect(severities(unresolved('shop/a', 'a.example.com'), unresolved('shop/b', 'b.example.com'))).not.toContain(
    'error',
  );
  expect(
    severities(unresolved('shop/a', 'a.example.com'), entry('shop/b', { ...tcp(5432), hosts: ['b.example.com'] })),
  ).toContain('error');
});
