import { gateway, istio, route, reported } from './support';
import { EgressObject } from '../../src/rules';

const code = 'hop-without-sni';
const host = 'exit.egress.svc.cluster.local';
const named = gateway('egress/exit', ['a.example.com']);
const mutual = { mode: 'ISTIO_MUTUAL' };
const rule = (spec: object, place = 'shop/hop') => istio('DestinationRule', place, { host, exportTo: ['.'], ...spec });
const bySubset = (tls: object) =>
  rule({ subsets: [{ name: 'x', trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, tls }] } }] });
const to = (destination: object = {}, spec: object = {}) =>
  route('shop/r', spec, { host, port: { number: 443 }, ...destination });
const service = (selector: object): EgressObject => ({
  manifest: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'exit', namespace: 'egress' }, spec: { selector } },
  origin: 'svc',
});

const pods = (labels: object): EgressObject => ({
  manifest: {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'exit', namespace: 'egress' },
    spec: { template: { metadata: { labels } } },
  },
  origin: 'pods',
});

test('sni may be set in a subset or for the host; without it a named server does not match', () => {
  expect(reported(code, [named, bySubset(mutual), to({ subset: 'x' })])).toEqual(['egress/exit shop/hop shop/r']);
  expect(reported(code, [named, rule({ trafficPolicy: { tls: mutual } }), to()])).toEqual([
    'egress/exit shop/hop shop/r',
  ]);
  expect(
    reported(code, [named, rule({ trafficPolicy: { tls: mutual }, subsets: [{ name: 'x' }] }), to({ subset: 'x' })]),
  ).toHaveLength(1);
  expect(reported(code, [named, bySubset({ ...mutual, sni: 'a.example.com' }), to({ subset: 'x' })])).toEqual([]);
  expect(reported(code, [named, rule({ trafficPolicy: { tls: { ...mutual, sni: 'a.example.com' } } }), to()])).toEqual(
    [],
  );
});

test('only the settings that the route uses count', () => {
  expect(reported(code, [named, bySubset(mutual), to({ subset: 'y' })])).toEqual([]);
  expect(reported(code, [named, bySubset(mutual), to({ subset: 'x', port: { number: 8443 } })])).toEqual([]);
  expect(reported(code, [named, bySubset(mutual), to({ subset: 'x' }, { gateways: ['egress/other'] })])).toEqual([]);
  expect(reported(code, [named, rule({ trafficPolicy: { tls: mutual } }), to({ subset: 'y' })])).toEqual([]);
  expect(reported(code, [named, rule({ trafficPolicy: { tls: mutual } }), to({ port: undefined })])).toEqual([]);
  expect(
    reported(code, [named, bySubset(mutual), to({ subset: 'x', host: 'other.egress.svc.cluster.local' })]),
  ).toEqual([]);
  expect(
    reported(code, [named, rule({ ...bySubset(mutual).manifest.spec }, 'egress/hop'), to({ subset: 'x' })]),
  ).toEqual([]);
});

test('without the subset that has the settings a route sends plain HTTP', () => {
  const hop = bySubset({ ...mutual, sni: 'a.example.com' });
  expect(reported(code, [named, hop, to()])).toEqual(['egress/exit shop/hop shop/r']);
  const plain = { port: { number: 443, name: 'http', protocol: 'HTTP' } };
  expect(reported(code, [gateway('egress/exit', ['a.example.com'], plain), hop, to()])).toEqual([]);
  expect(reported(code, [named, hop, to({ port: { number: 80 } })])).toEqual([]);
  const forAll = rule({ trafficPolicy: { tls: { ...mutual, sni: 'a.example.com' } } }, 'shop/all');
  expect(reported(code, [named, hop, forAll, to()])).toEqual([]);
  // What the application has encrypted needs no settings.
  const passed = {
    http: undefined,
    tls: [{ match: [{ sniHosts: ['a.example.com'] }], route: [{ destination: { host, port: { number: 443 } } }] }],
  };
  expect(reported(code, [named, hop, to({}, passed)])).toEqual([]);
});

test('the Gateway may be in another namespace than its pods', () => {
  const away = gateway('shop/exit', ['a.example.com']);
  const objects = (...more: EgressObject[]) => [away, bySubset(mutual), to({ subset: 'x' }), ...more];
  expect(reported(code, objects())).toEqual([]);
  expect(reported(code, objects(service({ istio: 'exit' })))).toEqual(['shop/exit shop/hop shop/r']);
  expect(reported(code, objects(service({ app: 'exit' })))).toEqual([]);
  expect(reported(code, objects(service({ app: 'exit' }), pods({ app: 'exit', istio: 'exit' })))).toHaveLength(1);
  expect(reported(code, objects(service({ app: 'exit' }), pods({ app: 'exit', istio: 'other' })))).toEqual([]);
  const bound = { gateways: ['mesh', 'exit'] };
  expect(reported(code, [away, bySubset(mutual), to({ subset: 'x' }, bound)])).toEqual(['shop/exit shop/hop shop/r']);
  const any = gateway('other/any', ['*']);
  expect(reported(code, objects(service({ istio: 'exit' }), any))).toEqual([]);
});

test('a server for any name matches, and an unknown gateway may', () => {
  expect(reported(code, [gateway('egress/exit', ['*']), bySubset(mutual), to({ subset: 'x' })])).toEqual([]);
  expect(reported(code, [gateway('egress/exit', ['shop/*']), bySubset(mutual), to({ subset: 'x' })])).toEqual([]);
  expect(reported(code, [gateway('other/exit', ['a.example.com']), bySubset(mutual), to({ subset: 'x' })])).toEqual([]);
  expect(reported(code, [bySubset(mutual), to({ subset: 'x' })])).toEqual([]);
  expect(reported(code, [named, gateway('egress/any', ['*']), bySubset(mutual), to({ subset: 'x' })])).toEqual([]);
});

test('only the servers on the port of the hop count', () => {
  const other = gateway('egress/other', ['*'], { port: { number: 8443, name: 'tls', protocol: 'HTTPS' } });
  expect(reported(code, [named, other, bySubset(mutual), to({ subset: 'x' })])).toEqual([
    'egress/exit shop/hop shop/r',
  ]);
});

test('the Service tells which Gateways are behind it', () => {
  expect(reported(code, [named, service({ istio: 'exit' }), bySubset(mutual), to({ subset: 'x' })])).toHaveLength(1);
  expect(reported(code, [named, service({ istio: 'other' }), bySubset(mutual), to({ subset: 'x' })])).toEqual([]);
  const another = {
    manifest: { ...service({ istio: 'other' }).manifest, metadata: { name: 'other', namespace: 'egress' } },
    origin: 'another',
  };
  expect(reported(code, [named, another, bySubset(mutual), to({ subset: 'x' })])).toHaveLength(1);
});

test('mutual TLS to other services of the mesh needs no sni', () => {
  expect(
    reported(code, [
      named,
      rule({ host: 'till.example.com', trafficPolicy: { tls: mutual } }),
      to({ host: 'till.example.com' }),
    ]),
  ).toEqual([]);
  const external = { host: 'exit.egress.example.com' };
  expect(reported(code, [named, rule({ ...external, trafficPolicy: { tls: mutual } }), to(external)])).toEqual([]);
});
