import { findings, istio, route, reported } from './support';

const code = 'missing-subset';
const rule = (place: string, subsets: string[], spec: object = {}) =>
  istio('DestinationRule', place, {
    host: 'a.example.com',
    exportTo: ['.'],
    subsets: subsets.map((name) => ({ name })),
    ...spec,
  });
const to = (subset: string) => ({ host: 'a.example.com', subset });

test('if no rule for the host is among the manifests, another repository may have it', () => {
  expect(reported(code, [route('shop/r', {}, to('x'))])).toEqual([]);
  expect(reported(code, [route('shop/r', {}, to('x')), rule('shop/a', ['y'], { host: 'b.example.com' })])).toEqual([]);
});

test('a rule for a wildcard without subsets does not say that there is no rule for the host', () => {
  const wide = rule('shop/all', [], { host: '*.example.com', exportTo: ['*'] });
  expect(reported(code, [route('shop/r', {}, to('x')), wide])).toEqual([]);
  expect(reported(code, [route('shop/r', {}, to('x')), wide, rule('shop/a', ['y'])])).toHaveLength(1);
});

test('a subset that several routes and namespaces lack is one finding', () => {
  const often = route('shop/r', {
    exportTo: ['.', 'web'],
    http: ['/a', '/b'].map((prefix) => ({ match: [{ uri: { prefix } }], route: [{ destination: to('x') }] })),
  });
  const [finding, ...others] = findings(code, [often, rule('shop/a', ['y'], { exportTo: ['.', 'web'] })]);
  expect(finding.message).toContain('for proxies of namespaces shop and web');
  expect(others).toEqual([]);
});

test("the namespace's own rule hides an exported one that has the subset", () => {
  const shared = rule('egress/shared', ['x'], { exportTo: ['*'] });
  expect(reported(code, [route('shop/r', {}, to('x')), shared])).toEqual([]);
  const [finding] = findings(code, [route('shop/r', {}, to('x')), shared, rule('shop/own', ['y'])]);
  expect(finding.message).toContain('not used there: DestinationRule egress/shared [egress/shared]');
});

test('a rule that the proxies do not see does not count', () => {
  const [finding] = findings(code, [route('shop/r', {}, to('x')), rule('egress/a', ['x'])]);
  expect(finding.message).toContain(
    'for proxies of namespace shop, to which no rule for the host is visible: DestinationRule egress/a',
  );
});

test('each namespace that uses the route needs the subset', () => {
  const followed = route('shop/r', { exportTo: ['.', 'web'] }, to('x'));
  expect(reported(code, [followed, rule('shop/a', ['x'])])).toEqual(['shop/a shop/r']);
  expect(reported(code, [followed, rule('shop/a', ['x'], { exportTo: ['.', 'web'] })])).toEqual([]);
  expect(reported(code, [route('shop/r', { exportTo: ['*'] }, to('x')), rule('web/a', ['x'])])).toEqual([]);
});

test('a route is checked for the proxies that its matches name', () => {
  const both = istio('VirtualService', 'shop/r', {
    hosts: ['a.example.com'],
    exportTo: ['.', 'egress'],
    gateways: ['mesh', 'egress/exit'],
    http: [{ match: [{ gateways: ['egress/exit'] }], route: [{ destination: to('x') }] }],
  });
  expect(reported(code, [both, rule('egress/a', ['x'])])).toEqual([]);
  expect(reported(code, [both, rule('shop/a', ['x'])])).toEqual(['shop/a shop/r']);
});

test('a route for a gateway in another namespace is checked there', () => {
  const atGateway = (name: string) => route('shop/r', { gateways: [name] }, to('x'));
  expect(reported(code, [atGateway('egress/exit'), rule('shop/a', ['x'])])).toEqual(['shop/a shop/r']);
  expect(reported(code, [atGateway('shopping/exit'), rule('shop/a', ['x'])])).toEqual(['shop/a shop/r']);
  expect(reported(code, [atGateway('shop/exit'), rule('shop/a', ['x'])])).toEqual([]);
  expect(reported(code, [atGateway('shop-exit'), rule('shop/a', ['x'])])).toEqual([]);
});

test('a VirtualService may be in a namespace without any of its proxies', () => {
  const config = route('config/r', { exportTo: ['shop'], gateways: ['mesh', 'egress/exit'] }, to('x'));
  expect(reported(code, [config, rule('shop/a', ['x']), rule('egress/a', ['x'])])).toEqual([]);
  expect(reported(code, [config, rule('shop/a', ['x'])])).toEqual(['config/r shop/a']);
});

test('tls and tcp routes, mirrors, short names and rules for wildcards count as well', () => {
  const sections = {
    http: undefined,
    tls: [{ route: [{ destination: to('x') }] }],
    tcp: [{ route: [{ destination: to('y') }] }],
  };
  expect(reported(code, [route('shop/r', sections), rule('shop/a', ['z'])])).toHaveLength(2);
  expect(reported(code, [route('shop/r', { http: [{ mirror: to('x') }] }), rule('shop/a', ['z'])])).toHaveLength(1);
  expect(
    reported(code, [route('shop/r', { http: [{ mirrors: [{ destination: to('x') }] }] }), rule('shop/a', ['z'])]),
  ).toHaveLength(1);
  expect(
    reported(code, [
      route('shop/r', {}, { host: 'till', subset: 'x' }),
      rule('shop/a', ['z'], { host: 'till.shop.svc.cluster.local' }),
    ]),
  ).toHaveLength(1);
  expect(reported(code, [route('shop/r', {}, to('x')), rule('shop/a', ['x'], { host: '*.example.com' })])).toEqual([]);
  expect(reported(code, [route('shop/r', {}, to('x')), rule('shop/a', ['z'], { host: '*.example.com' })])).toEqual([
    'shop/a shop/r',
  ]);
  expect(
    reported(code, [
      route('shop/r', {}, to('x')),
      rule('shop/a', ['z']),
      rule('shop/b', ['x'], { host: '*.example.org' }),
    ]),
  ).toEqual(['shop/a shop/r']);
});

test("of many rules for one host, as for a gateway's Service, the right one is found", () => {
  const rules = Array.from({ length: 20 }, (_, number) => rule(`shop/a${number}`, [`s${number}`]));
  expect(reported(code, [route('shop/r', {}, to('s17')), ...rules])).toEqual([]);
  expect(reported(code, [route('web/r', {}, to('s17')), ...rules])).toHaveLength(1);
  expect(findings(code, [route('shop/r', {}, to('s20')), ...rules])[0].message).toContain('16 more');
});

test.each([
  [{ route: [{ destination: to('y') }, { destination: to('x') }] }, 'route[1].destination'],
  [{ route: [{ destination: to('y') }], mirror: to('x') }, 'mirror'],
  [
    { route: [{ destination: to('y') }], mirrors: [{ destination: to('y') }, { destination: to('x') }] },
    'mirrors[1].destination',
  ],
])('the field is that of the destination, %#', (http, field) => {
  const [finding] = findings(code, [route('shop/r', { http: [http] }), rule('shop/a', ['y'])]);
  expect(finding.field).toBe(`spec.http[0].${field}.subset`);
});
