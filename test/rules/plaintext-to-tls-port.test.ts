import { entry, findings, istio, route, reported } from './support';

const code = 'plaintext-to-tls-port';
const port = { number: 80, name: 'http', protocol: 'HTTP', targetPort: 443 };
const site = (spec: object = {}) => entry('shop/a', { ports: [port], ...spec });
const rule = (place: string, trafficPolicy: object | undefined, spec: object = {}) =>
  istio('DestinationRule', place, { host: 'a.example.com', exportTo: ['.'], trafficPolicy, ...spec });
const tls = { mode: 'SIMPLE' };
const on80 = { portLevelSettings: [{ port: { number: 80 }, tls }] };

test('no rule, or one without TLS for the port, is reported', () => {
  expect(reported(code, [site()])).toEqual(['shop/a']);
  expect(findings(code, [site()])[0].message).toContain('no DestinationRule originates TLS');
  const [finding] = findings(code, [site(), rule('shop/r', { loadBalancer: { simple: 'RANDOM' } })]);
  expect(finding.message).toContain('DestinationRule shop/r [shop/r] does not originate TLS on that port');
  expect(reported(code, [site(), rule('shop/r', { tls: { mode: 'DISABLE' } })])).toEqual(['shop/a shop/r']);
});

test('a BackendTLSPolicy for the entry, or for this port of it, originates TLS', () => {
  const policy = (place: string, target: object = {}) => {
    const targetRefs = [{ group: 'networking.istio.io', kind: 'ServiceEntry', name: 'a', ...target }];
    const one = istio('BackendTLSPolicy', place, { targetRefs, validation: { hostname: 'a.example.com' } });
    return { ...one, manifest: { ...one.manifest, apiVersion: 'gateway.networking.k8s.io/v1' } };
  };
  expect(reported(code, [site(), policy('shop/p')])).toEqual([]);
  expect(reported(code, [site(), policy('shop/p', { sectionName: 'http' })])).toEqual([]);
  for (const other of [
    policy('shop/p', { sectionName: 'https' }),
    policy('shop/p', { kind: 'Service' }),
    policy('web/p'),
  ])
    expect(reported(code, [site(), other])).toEqual(['shop/a']);
});

test('settings for the port replace those for the host', () => {
  expect(reported(code, [site(), rule('shop/r', { tls })])).toEqual([]);
  expect(
    reported(code, [site(), rule('shop/r', { tls, portLevelSettings: [{ port: { number: 80 }, loadBalancer: {} }] })]),
  ).toEqual(['shop/a shop/r']);
});

test('a subset may hold the TLS settings', () => {
  expect(
    reported(code, [site(), rule('shop/r', undefined, { subsets: [{ name: 'tls', trafficPolicy: on80 }] })]),
  ).toEqual([]);
  const plain = { name: 'plain', trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } };
  expect(reported(code, [site(), rule('shop/r', undefined, { subsets: [plain] })])).toEqual(['shop/a shop/r']);
});

test('every namespace that sees the entry must see the rule', () => {
  const wide = site({ exportTo: ['.', 'web'] });
  expect(reported(code, [wide, rule('shop/r', on80, { exportTo: ['.', 'web'] })])).toEqual([]);
  expect(findings(code, [wide, rule('shop/r', on80)])[0].message).toContain('not used in namespace web');
  expect(reported(code, [wide, rule('shop/r', on80), rule('web/r', on80)])).toEqual([]);
  expect(reported(code, [site({ exportTo: ['*'] }), rule('shop/r', on80)])).toEqual(['shop/a shop/r']);
});

test('a namespace whose routes send the host elsewhere never uses the port', () => {
  const wide = site({ exportTo: ['.', 'web'] });
  expect(
    reported(code, [
      wide,
      rule('shop/r', on80),
      route('shop/v', { exportTo: ['web'] }, { host: 'hop.egress.svc.cluster.local' }),
    ]),
  ).toEqual([]);
  const hop = { host: 'hop.egress.svc.cluster.local' };
  const classic = route('shop/v', {
    exportTo: ['.', 'web'],
    gateways: ['mesh', 'shop/exit'],
    http: [
      { match: [{ gateways: ['mesh'] }], route: [{ destination: hop }] },
      { match: [{ gateways: ['shop/exit'] }], route: [{ destination: { host: 'a.example.com' } }] },
    ],
  });
  expect(reported(code, [wide, rule('shop/r', on80), classic])).toEqual([]);
  for (const useless of [
    { exportTo: ['web'], http: [{ route: [{ destination: { host: 'a.example.com' } }] }] },
    { exportTo: ['web'], gateways: ['shop/exit'] },
    { exportTo: ['other'] },
    { exportTo: ['web'], hosts: ['b.example.com'] },
    { exportTo: ['web'], http: undefined, tls: [{ route: [{ destination: hop }] }] },
  ]) {
    expect(reported(code, [wide, rule('shop/r', on80), route('shop/v', useless, hop)])).toEqual(['shop/a shop/r']);
  }
});

test('nor does one whose routes end requests, or send them to another port of the host', () => {
  const direct = { http: [{ match: [{ uri: { prefix: '/' } }], directResponse: { status: 404 } }] };
  expect(reported(code, [site(), route('shop/v', direct)])).toEqual([]);
  expect(reported(code, [site(), route('shop/v', {}, { host: 'a.example.com', port: { number: 443 } })])).toEqual([]);
  expect(reported(code, [site(), route('shop/v', {}, { host: 'a.example.com', port: { number: 80 } })])).toEqual([
    'shop/a',
  ]);
});

test('proxies use rules of their own namespace, of that of the entry, and of the root namespace', () => {
  const all = { exportTo: ['*'] };
  const wide = site({ exportTo: ['.', 'web'] });
  expect(reported(code, [wide, rule('shop/r', on80, all)])).toEqual([]);
  expect(reported(code, [wide, rule('istio-system/r', on80, all)])).toEqual([]);
  expect(reported(code, [wide, rule('web/r', on80, all)])).toEqual(['shop/a web/r']);
  expect(reported(code, [site(all), rule('web/r', on80, all)])).toEqual(['shop/a web/r']);
});

test('what only a gateway sends there needs a rule as well, wherever its pods are', () => {
  const hop = route('shop/in', {}, { host: 'hop.egress.svc.cluster.local' });
  const out = route('shop/out', { gateways: ['exit'] }, { host: 'a.example.com', port: { number: 80 } });
  expect(reported(code, [site(), hop])).toEqual([]);
  expect(reported(code, [site(), hop, out])).toEqual(['shop/a shop/out']);
  expect(reported(code, [site(), hop, out, rule('egress/r', on80)])).toEqual([]);
});

test('other target ports may receive plaintext, unless the entry declares them as TLS', () => {
  expect(reported(code, [site({ ports: [{ ...port, targetPort: 8080 }] })])).toEqual([]);
  expect(
    reported(code, [
      site({
        ports: [
          { ...port, targetPort: 8443 },
          { number: 8443, name: 'tls', protocol: 'TLS' },
        ],
      }),
    ]),
  ).toEqual(['shop/a']);
  expect(reported(code, [site({ ports: [{ ...port, protocol: 'TLS' }] })])).toEqual([]);
});

test('nothing is sent where the host has no endpoint', () => {
  const closed = site({ resolution: 'STATIC' });
  expect(reported(code, [closed])).toEqual([]);
  expect(reported(code, [site({ resolution: 'STATIC', endpoints: [{ address: '203.0.113.7' }] })])).toEqual(['shop/a']);
  expect(reported(code, [closed, entry('shop/b', { resolution: 'STATIC', workloadSelector: {} })])).toEqual(['shop/a']);
});
