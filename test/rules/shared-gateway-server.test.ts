import { gateway, route, reported } from './support';

const code = 'shared-gateway-server';
const both = ['a.example.com', 'b.example.com'];
const ending = { port: { number: 443, name: 'x', protocol: 'TLS' } };
const tcp = (name: string, route_: object = {}, place = 'egress') =>
  route(`${place}/${name}`, {
    hosts: [`${name}.example.com`],
    exportTo: ['*'],
    gateways: ['egress/exit'],
    http: undefined,
    tcp: [{ ...route_, route: [{ destination: { host: `${name}.example.com` } }] }],
  });

test('a server that terminates TLS or serves plain TCP cannot tell hosts apart', () => {
  expect(reported(code, [gateway('egress/exit', both, ending), tcp('a'), tcp('b')])).toEqual([
    'egress/a egress/b egress/exit',
  ]);
  expect(reported(code, [gateway('egress/exit', ['*'], ending), tcp('a'), tcp('b')])).toEqual([
    'egress/a egress/b egress/exit',
  ]);
  expect(
    reported(code, [
      gateway('egress/exit', ['*'], { port: { number: 5432, name: 'x', protocol: 'TCP' }, tls: undefined }),
      tcp('a'),
      tcp('b'),
    ]),
  ).toEqual(['egress/a egress/b egress/exit']);
});

test('a passthrough or HTTP server can, and a single host needs no telling apart', () => {
  expect(
    reported(code, [gateway('egress/exit', both, { ...ending, tls: { mode: 'PASSTHROUGH' } }), tcp('a'), tcp('b')]),
  ).toEqual([]);
  expect(reported(code, [gateway('egress/exit', both), tcp('a'), tcp('b')])).toEqual([]);
  expect(reported(code, [gateway('egress/exit', ['a.example.com'], ending), tcp('a'), tcp('b')])).toEqual([]);
});

test('routes to the same host, or for other ports or addresses, do not conflict', () => {
  const exit = gateway('egress/exit', both, ending);
  const alike = tcp('b');
  alike.manifest.spec.tcp = tcp('a').manifest.spec.tcp;
  expect(reported(code, [exit, tcp('a'), alike])).toEqual([]);
  expect(reported(code, [exit, tcp('a'), tcp('b', { match: [{ port: 8443 }] })])).toEqual([]);
  expect(reported(code, [exit, tcp('a'), tcp('b', { match: [{ port: 443 }] })])).toHaveLength(1);
  expect(reported(code, [exit, tcp('a'), tcp('b', { match: [{ destinationSubnets: ['203.0.113.0/24'] }] })])).toEqual(
    [],
  );
  expect(reported(code, [exit, tcp('a'), tcp('b', { match: [{ sourceSubnet: '203.0.113.0/24' }] })])).toEqual([]);
  expect(reported(code, [exit, tcp('a'), tcp('b', { match: [{ gateways: ['mesh'] }] })])).toEqual([]);
});

test('a server admits the hosts of the namespaces that it names', () => {
  expect(reported(code, [gateway('egress/exit', ['egress/*'], ending), tcp('a'), tcp('b', {}, 'shop')])).toEqual([]);
  expect(
    reported(code, [gateway('egress/exit', ['./*', 'shop/*'], ending), tcp('a'), tcp('b', {}, 'shop')]),
  ).toHaveLength(1);
  expect(
    reported(code, [gateway('egress/exit', ['a.example.com', 'c.example.com'], ending), tcp('a'), tcp('b')]),
  ).toEqual([]);
});
