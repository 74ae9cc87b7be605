import { findings, route, reported } from './support';

const code = 'mesh-route-conflict';

test('two private routes of one namespace conflict', () => {
  expect(reported(code, [route('shop/a', {}), route('shop/b', {})])).toEqual(['shop/a shop/b']);
});

test('a private route may hide a public one, but not one that is exported to its namespace by name', () => {
  expect(reported(code, [route('shop/a', {}), route('web/b', { exportTo: ['*'] })])).toEqual([]);
  const [finding] = findings(code, [route('shop/a', {}), route('web/b', { exportTo: ['.', 'shop'] })]);
  expect(finding.message).toContain('namespace shop;');
});

test('the message names the namespaces, unless there are many', () => {
  const message = (exportTo: string[]) =>
    findings(code, [route('a/a', { exportTo }), route('b/b', { exportTo })])[0].message;
  expect(message(['x', 'y', 'z'])).toContain('sidecars of namespaces x, y and z;');
  expect(message(['v', 'w', 'x', 'y', 'z'])).toContain('sidecars of 5 namespaces;');
  expect(message(['*'])).toContain('sidecars of every namespace;');
});

test('routes for gateways only do not concern sidecars, and are merged', () => {
  expect(reported(code, [route('shop/a', { gateways: ['exit'] }), route('shop/b', { gateways: ['exit'] })])).toEqual(
    [],
  );
  expect(reported(code, [route('shop/a', { gateways: ['exit', 'mesh'] }), route('shop/b', { gateways: [] })])).toEqual([
    'shop/a shop/b',
  ]);
});

test('a short name and the full name are one host; the same short name in two namespaces is two', () => {
  const full = route('web/b', { hosts: ['till.shop.svc.cluster.local'], exportTo: ['*'] });
  expect(reported(code, [route('shop/a', { hosts: ['till'], exportTo: ['*'] }), full])).toEqual(['shop/a web/b']);
  expect(
    reported(code, [
      route('shop/a', { hosts: ['till'], exportTo: ['*'] }),
      route('web/b', { hosts: ['till'], exportTo: ['*'] }),
    ]),
  ).toEqual([]);
});

test('of many routes for one host, those that no namespace sees together stay apart', () => {
  const teams = Array.from({ length: 50 }, (_, number) => route(`team-${number}/a`, {}));
  expect(reported(code, teams)).toEqual([]);
  expect(reported(code, [...teams, route('team-7/b', {}), route('team-9/b', { exportTo: ['.', 'team-11'] })])).toEqual([
    'team-11/a team-9/a team-9/b',
    'team-7/a team-7/b',
  ]);
});

test('two definitions of one VirtualService are not two routes', () => {
  expect(reported('mesh-route-conflict', [route('shop/a', {}), route('shop/a', { http: [] })])).toEqual([]);
  expect(reported('mesh-route-conflict', [route('shop/a', {}), route('shop/b', { http: [] })])).toEqual([
    'shop/a shop/b',
  ]);
});

test('routes that say the same are no harm; a short name says something else in another namespace', () => {
  const severityOf = (...objects: ReturnType<typeof route>[]) =>
    findings(code, objects).map(({ severity }) => severity);
  const to = (place: string, host: string, more: object = {}) =>
    route(place, { exportTo: ['*'], http: [{ ...more, route: [{ destination: { host } }] }] });
  expect(severityOf(to('shop/a', 'a.example.com'), to('web/b', 'a.example.com'))).toEqual(['info']);
  expect(severityOf(to('shop/a', 'till'), to('shop/b', 'till'))).toEqual(['info']);
  expect(severityOf(to('shop/a', 'till'), to('web/b', 'till'))).toEqual(['error']);
  expect(severityOf(to('shop/a', 'a.example.com'), to('web/b', 'a.example.com', { timeout: '5s' }))).toEqual(['error']);
});

test('a public one beside a private one of the same namespace has no effect there', () => {
  const mine = route('shop/b', { exportTo: undefined, http: [{ timeout: '5s', route: [] }] });
  const [finding, ...more] = findings(code, [route('shop/a', {}), mine]);
  expect([finding.severity, finding.origins, more]).toEqual(['warning', ['shop/b', 'shop/a'], []]);
  expect(findings(code, [route('shop/a', {}), route('shop/b', { exportTo: undefined })])).toEqual([]);
  expect(findings(code, [route('web/a', {}), mine])).toEqual([]);
});

test('names that differ in case only are one host', () => {
  const shouted = route('shop/b', { hosts: ['API.example.com'] });
  expect(reported(code, [route('shop/a', { hosts: ['api.example.com'] }), shouted])).toEqual(['shop/a shop/b']);
  expect(reported(code, [route('shop/a', { hosts: ['api.example.com', 'API.example.com'] })])).toEqual([]);
});
