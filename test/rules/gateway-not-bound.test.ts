import { findings, gateway, route, reported } from './support';
import { EgressObject } from '../../src/rules';

const code = 'gateway-not-bound';
const service = (namespace: string) => ({
  manifest: {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'exit', namespace },
    spec: { selector: { istio: 'exit', app: 'exit' } },
  },
  origin: `${namespace}/svc`,
});

test('a short name is looked for in the namespace of the VirtualService', () => {
  const exit = gateway('egress/exit', ['a.example.com']);
  expect(reported(code, [exit, route('egress/r', { gateways: ['exit'] })])).toEqual([]);
  expect(findings(code, [exit, route('shop/r', { gateways: ['exit'], exportTo: ['*'] })])[0].message).toContain(
    'looks for in namespace shop',
  );
  expect(reported(code, [exit, route('shop/r', { gateways: ['egress/exit'], exportTo: ['*'] })])).toEqual([]);
});

test('objects without a namespace may be applied to the same one', () => {
  const without = ({ manifest, origin }: EgressObject) => ({
    origin,
    manifest: { ...manifest, metadata: { name: manifest.metadata.name } },
  });
  const [exit, bound] = [gateway('egress/exit', ['a.example.com']), route('shop/r', { gateways: ['exit'] })];
  expect(reported(code, [exit, bound])).toHaveLength(1);
  expect(reported(code, [without(exit), bound])).toEqual([]);
  expect(reported(code, [exit, without(bound)])).toEqual([]);
});

test('a VirtualService for sidecars binds to no Gateway', () => {
  expect(
    reported(code, [
      gateway('egress/exit', ['b.example.com']),
      route('shop/r', {}),
      route('shop/s', { gateways: ['mesh'] }),
    ]),
  ).toEqual([]);
});

test('a Gateway that is not among the manifests may be elsewhere', () => {
  expect(
    reported(code, [
      gateway('egress/exit', ['a.example.com']),
      route('shop/r', { gateways: ['other', 'egress/other', 'mesh'] }),
    ]),
  ).toEqual([]);
});

test.each([
  ['a.example.com', true],
  ['*', true],
  ['*/*', true],
  ['*.example.com', true],
  ['shop/*', true],
  ['shop/a.example.com', true],
  ['b.example.com', false],
  ['egress/a.example.com', false],
  ['./a.example.com', false],
  ['*.example.org', false],
  ['xshop/a.example.com', false],
  ['shopx/a.example.com', false],
  ['show/a.example.com', false],
])('a server for %s admits the route: %s', (host, admitted) => {
  const found = findings(code, [
    gateway('egress/exit', [host]),
    route('shop/r', { gateways: ['egress/exit'], exportTo: ['*'] }),
  ]);
  expect(found.map((finding) => finding.message)).toEqual(
    admitted ? [] : [expect.stringContaining('but none of its servers admits a.example.com from namespace shop')],
  );
});

test('a VirtualService for a wildcard binds to a server for one of its names', () => {
  expect(
    reported(code, [
      gateway('egress/exit', ['shop/a.example.com']),
      route('shop/r', { hosts: ['*.example.com'], gateways: ['egress/exit'], exportTo: ['*'] }),
    ]),
  ).toEqual([]);
});

test("a VirtualService that is not exported to the gateway's pods is reported if it is certain where they are", () => {
  const exit = gateway('egress/exit', ['shop/a.example.com']);
  const hidden = route('shop/r', { gateways: ['egress/exit'] });
  expect(reported(code, [exit, hidden])).toEqual([]);
  expect(reported(code, [exit, hidden, service('egress')])).toEqual(['egress/exit shop/r']);
  expect(reported(code, [exit, hidden, service('shop')])).toEqual([]);
  const knative = {
    manifest: { ...service('egress').manifest, apiVersion: 'serving.knative.dev/v1' },
    origin: 'knative',
  };
  expect(reported(code, [exit, hidden, knative])).toEqual([]);
  expect(
    reported(code, [
      exit,
      route('shop/r', { gateways: ['egress/exit'], exportTo: ['.', 'egress'] }),
      service('egress'),
    ]),
  ).toEqual([]);
});

describe('a server reads one kind of route', () => {
  const tls = (mode: string | undefined, protocol: string) =>
    gateway('egress/exit', ['a.example.com'], { port: { number: 443, name: 'x', protocol }, tls: { mode } });
  const plain = (protocol: string) =>
    gateway('egress/exit', ['a.example.com'], { port: { number: 80, name: 'x', protocol }, tls: undefined });
  const routes = (section: string) =>
    route('egress/r', {
      gateways: ['exit'],
      http: undefined,
      [section]: [{ route: [{ destination: { host: 'a.example.com' } }] }],
    });

  test.each([
    ['TLS passthrough', tls('PASSTHROUGH', 'TLS'), 'tls'],
    ['TLS without a mode', tls(undefined, 'TLS'), 'tls'],
    ['HTTPS passthrough', tls('PASSTHROUGH', 'HTTPS'), 'tls'],
    ['terminated HTTPS', tls('ISTIO_MUTUAL', 'HTTPS'), 'http'],
    ['terminated TLS', tls('ISTIO_MUTUAL', 'TLS'), 'tcp'],
    ['plain HTTP', plain('HTTP'), 'http'],
    ['plain HTTP/2', plain('HTTP2'), 'http'],
    ['plain TCP', plain('TCP'), 'tcp'],
  ])('%s', (_what, exit, read) => {
    for (const section of ['http', 'tls', 'tcp']) {
      expect(reported(code, [exit, routes(section)])).toEqual(section === read ? [] : ['egress/exit egress/r']);
    }
  });

  test('of several servers for the host, one that reads the routes is enough', () => {
    const exit = gateway('egress/exit', ['a.example.com']);
    exit.manifest.spec.servers.push({
      port: { number: 8443, name: 'y', protocol: 'TLS' },
      hosts: ['a.example.com'],
      tls: { mode: 'PASSTHROUGH' },
    });
    expect(reported(code, [exit, routes('tls')])).toEqual([]);
    expect(findings(code, [exit, routes('tcp')])[0].message).toContain('has tcp routes, but the servers');
    expect(findings(code, [exit, routes('tcp')])[0].message).toContain('read only http and tls');
  });
});
