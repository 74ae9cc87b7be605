/** What the policies of a guard refuse, and what passes them. */
import { Chart } from 'cdk8s';
import { EgressGateway } from '../../src/constructs/egress-gateway';
import { EgressGuard } from '../../src/constructs/egress-guard';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { RegistryOnlyMesh } from '../../src/constructs/registry-only-mesh';
import { GatewayInstallation } from '../../src/values/gateway-installation';
import { refusals } from '../support/admission-policies';
import { allManifests, manifestsOf, newApp } from '../support/app';
import { Gateways, guard } from '../support/guarded';
import { helmGateway } from '../support/helm-gateway';

const OWN: Gateways = (chart) =>
  new EgressGateway(chart, 'exit', { namespace: 'egress', labels: { team: 'platform' } });

function istio(kind: string, spec: any, metadata: object = {}) {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata: { name: 'x', namespace: 'other', ...metadata },
    spec,
  };
}

const entry = (more: object) => istio('ServiceEntry', { hosts: ['a.example.com'], ...more });
const route = (more: object) => istio('VirtualService', { hosts: ['a.example.com'], exportTo: ['.'], ...more });
const OWN_ROUTE = { destination: { host: 'reviews' } };
const ANYWHERE = { route: [{ destination: { host: 'www.partner.com' } }] };
/** A VirtualService for a Service of its own namespace, which others see. */
const seenAs = (more: object) => istio('VirtualService', { hosts: ['reviews'], ...more });
const seen = (http: object) => seenAs({ http: [{ route: [OWN_ROUTE], ...http }] });
const rule = (host: string, exportTo?: string[]) => istio('DestinationRule', { host, exportTo });
const gateway = (selector?: object, more: object = {}) =>
  istio('Gateway', { selector, servers: [{ hosts: ['a.example.com'] }], ...more });
const slice = (addresses: string[], more: object = {}) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'x', namespace: 'other' },
  endpoints: [{ addresses }],
  ...more,
});
const endpoints = (ip: string, list = 'addresses') => ({
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: { name: 'x', namespace: 'other' },
  subsets: [{ [list]: [{ ip }] }],
});
const service = (spec: object, annotations?: object) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'x', namespace: 'other', annotations },
  spec,
});

describe('ServiceEntries', () => {
  const ask = guard();
  test.each([
    ['that others see', entry({}), /for its own namespace: write `exportTo: \["\."\]`/],
    ['for everybody', entry({ exportTo: ['*'] }), /exportTo/],
    ['for two', entry({ exportTo: ['.', 'shop'] }), /exportTo/],
    ['for another namespace', entry({ exportTo: ['shop'] }), /exportTo/],
    ['without a spec', istio('ServiceEntry', undefined), /exportTo/],
  ])('%s are refused', (_what, object, why) => {
    expect(ask(object)).toEqual([expect.stringMatching(why)]);
  });
  test('for their own namespace they pass, whatever addresses they have', () => {
    expect(ask(entry({ exportTo: ['.'], addresses: ['0.0.0.0/1'] }))).toEqual([]);
  });
  test('for a Service of it they do not, with or without endpoints: others would see what they say', () => {
    const withHost = (host: string, spec: object = {}) =>
      ask(entry({ exportTo: ['.'], hosts: ['a.example.com', host], ...spec }));
    const own = 'x.other.svc.cluster.local';
    for (const spec of [{}, { endpoints: [{ address: '10.1.2.3' }] }, { workloadSelector: {} }, { resolution: 'DNS' }])
      expect(withHost(own, spec)).toEqual([expect.stringMatching(/can apply to the Service itself/)]);
    for (const host of ['x.shop.svc.cluster.local', 'other.svc.cluster.local', 'x.other.svc', `x-0.${own}`])
      expect(withHost(host)).toEqual([]);
  });
});

describe('VirtualServices', () => {
  const ask = guard({ sharedGateways: ['istio-ingress/public'] });
  test.each([
    ['for a host of somebody else, seen by others', route({ exportTo: undefined }), /for its own namespace/],
    ['the same with an empty list of gateways, which means mesh', route({ exportTo: undefined, gateways: [] }), /own/],
    ['the same beside a gateway', route({ exportTo: undefined, gateways: ['own', 'mesh'] }), /own namespace/],
    ['for any host of the cluster', route({ exportTo: undefined, hosts: ['*.svc.cluster.local'] }), /own namespace/],
    ['for another namespace', route({ exportTo: undefined, hosts: ['a.shop.svc.cluster.local'] }), /own namespace/],
    ['for an IPv6 address, which has no dot', route({ exportTo: undefined, hosts: ['2001:db8::1'] }), /own namespace/],
    ['for everything', route({ exportTo: undefined, hosts: ['*'] }), /own namespace/],
    ['for one of two', route({ exportTo: undefined, hosts: ['reviews', 'a.example.com'] }), /own namespace/],
    ['on a Gateway of the platform', route({ gateways: ['egress/exit'] }), /GatewayEgress/],
    ['on one of the platform, by its old name', route({ gateways: ['exit.egress.svc.cluster.local'] }), /bound to/],
    ['under a private name', route({ hosts: ['http-80.0123.egress.internal'] }), /belong to the hop/],
    ['under one in upper case, with a dot', route({ hosts: ['Mine.Egress-Checked.Internal.'] }), /belong to the hop/],
    [
      'that take connections under a private name',
      route({ hosts: ['*.internal'], tls: [{ match: [{ sniHosts: ['x.egress.internal'] }] }] }),
      /belong to the hop/,
    ],
  ])('%s are refused', (_what, object, why) => {
    expect(ask(object)).toEqual([expect.stringMatching(why)]);
  });
  test.each([
    ['for their own namespace', route({})],
    ['for a Service by its short name', route({ exportTo: undefined, hosts: ['reviews'] })],
    [
      'that others see, as canaries and faults write them',
      seen({
        match: [
          { headers: { cookie: { regex: '^(.*?;)?(user=jason)(;.*)?$' } }, uri: { regex: '/v[0-9]+/\\d+[.]json' } },
          { queryParams: { a: { regex: '[^/]*' } }, withoutHeaders: { b: {} }, method: { exact: 'GET' } },
        ],
        corsPolicy: { allowOrigins: [{ exact: 'https://a.example.com' }], allowMethods: ['GET'] },
        rewrite: { uriRegexRewrite: { match: '^/a/(.*)$', rewrite: '/b/\\1' } },
        headers: { request: { set: { 'x-a': 'b; c="d"' }, remove: ['x-b'] } },
        mirror: { host: 'reviews-next' },
        mirrors: [{ destination: { host: 'reviews.other.svc.cluster.local' } }],
        route: [
          { destination: { host: 'reviews', subset: 'v1' }, weight: 9000, headers: { response: { add: { a: 'b' } } } },
          { destination: { host: 'Reviews.other.svc.cluster.local' }, weight: 1000 },
        ],
      }),
    ],
    ['that answer others with a redirect', seen({ redirect: { authority: 'reviews', redirectCode: 308 }, route: [] })],
    ['that send others on by TCP', route({ exportTo: undefined, hosts: ['reviews'], tcp: [{ route: [OWN_ROUTE] }] })],
    ['for their own namespace, to whatever they want', route({ http: [{ delegate: { name: 'x' }, ...ANYWHERE }] })],
    ['on their own Gateway, to whatever they want', route({ exportTo: [], gateways: ['g'], http: [ANYWHERE] })],
    ['for a Service by its full name', route({ exportTo: undefined, hosts: ['Reviews.other.svc.cluster.local'] })],
    ['for all Services of the namespace', route({ exportTo: undefined, hosts: ['*.other.svc.cluster.local'] })],
    ['on their own Gateways', route({ exportTo: undefined, hosts: ['*'], gateways: ['a', './b', 'other/c'] })],
    ['on a shared one', route({ exportTo: undefined, gateways: ['istio-ingress/public'] })],
    ['under a name that only looks private', route({ hosts: ['myegress.internal', 'egress.internal.example.com'] })],
    ['without hosts: a delegate', route({ hosts: undefined, exportTo: undefined })],
  ])('%s pass', (_what, object) => {
    expect(ask(object)).toEqual([]);
  });

  test('on a shared Gateway they lead where they want, and have values that Envoy takes', () => {
    const shared = (http: object) => route({ exportTo: undefined, gateways: ['istio-ingress/public'], http: [http] });
    expect(ask(shared(ANYWHERE))).toEqual([]);
    expect(ask(shared({ ...ANYWHERE, timeout: '900000h' }))).toEqual([expect.stringMatching(/^Durations/)]);
    expect(ask(shared({ delegate: { name: 'x' } }))).toEqual([expect.stringMatching(/without `delegate`/)]);
  });
});

describe('VirtualServices that other namespaces see', () => {
  const ask = guard();
  const hop = 'www.partner.com.0123.egress.internal';
  const destinations: [string, object][] = [
    ['a host that the callers declare', seen({ route: [{ destination: { host: 'www.partner.com' } }] })],
    ['a private host of the callers', seen({ route: [OWN_ROUTE, { destination: { host: hop }, weight: 1 }] })],
    ['the hop', seen({ route: [{ destination: { host: 'exit-hop.egress.svc.cluster.local' } }] })],
    ['nobody', seen({ route: [{}] })],
    ['somebody else, as a copy', seen({ mirror: { host: hop } })],
    ['somebody else, as one of several copies', seen({ mirrors: [{ destination: { host: hop } }] })],
    ['its own Service, under a private name', seen({ rewrite: { authority: hop } })],
    ['its own Service, under a private name with a port', seen({ rewrite: { authority: `${hop}:443` } })],
    ...['Host', 'host', ':authority', ':Authority'].flatMap((name): [string, object][] =>
      ['set', 'add'].flatMap((map): [string, object][] => {
        const headers = { request: { [map]: { 'x-a': 'b', [name]: hop } } };
        return [
          [`its own Service, with a private name in ${map} ${name}`, seen({ headers })],
          [`the same for one destination, ${map} ${name}`, seen({ route: [OWN_ROUTE, { ...OWN_ROUTE, headers }] })],
        ];
      }),
    ),
    ['somebody else, by TCP', seenAs({ tcp: [{ route: [{ destination: { host: hop } }] }] })],
    ['somebody else, by TLS', seenAs({ tls: [{ route: [{ destination: { host: hop } }] }] })],
    ['somebody else, as a delegate', seenAs({ hosts: undefined, http: [ANYWHERE] })],
  ];
  test.each(destinations)('do not send to %s', (_what, object) => {
    expect(ask(object)).toEqual([expect.stringMatching(/own namespace's Services only.*`exportTo: \["\."\]`/)]);
  });

  test('have their routes themselves, and no delegate', () => {
    expect(ask(seen({ delegate: { name: 'x', namespace: 'other' } }))).toEqual([
      expect.stringMatching(/without `delegate`.*`exportTo: \["\."\]`/),
    ]);
  });

  const GO_ONLY = '/\\p{Letter}+';
  const regexes: [string, object][] = [
    ...['uri', 'scheme', 'method', 'authority'].map((name): [string, object] => [
      name,
      seen({ match: [{ [name]: { regex: GO_ONLY } }] }),
    ]),
    ...['headers', 'queryParams', 'withoutHeaders'].map((name): [string, object] => [
      name,
      seen({ match: [{ uri: { prefix: '/' } }, { [name]: { a: { exact: 'a' }, b: { regex: GO_ONLY } } }] }),
    ]),
    ['allowed origins', seen({ corsPolicy: { allowOrigins: [{ exact: 'a' }, { regex: GO_ONLY }] } })],
    ['rewrites', seen({ rewrite: { uriRegexRewrite: { match: GO_ONLY, rewrite: '/' } } })],
  ];
  test.each(regexes)('have no regular expression in %s that Envoy cannot read', (_what, object) => {
    expect(ask(object)).toEqual([expect.stringMatching(/regular expression .* Write repetitions out/)]);
  });
  test.each(['.{1000}', '\\pL', '\\PL', '[\\p{L}]', 'ä', '\\x{41}', 'a\nb', '\\'])('nor %j', (regex) => {
    expect(ask(seen({ match: [{ uri: { regex } }] }))).toHaveLength(1);
  });
  test.each(['\\{a\\}', '(?i)abc', '[a-z}|~ !]+', '\\[\\]\\\\', '(?P<a>b)'])('but %j', (regex) => {
    expect(ask(seen({ match: [{ uri: { regex } }] }))).toEqual([]);
  });

  const long = 'a'.repeat(1000);
  const values: [string, object][] = [
    ...['request', 'response'].flatMap((side): [string, object][] => [
      [`a ${side}'s header with a command`, seen({ headers: { [side]: { set: { a: '%BOGUS%' } } } })],
      [`a long header of a ${side}`, seen({ headers: { [side]: { add: { a: long } } } })],
      [`a strange name of a ${side}'s header`, seen({ headers: { [side]: { add: { 'a\nb': 'c' } } } })],
      [`a strange name that leaves a ${side}`, seen({ headers: { [side]: { remove: ['a', 'a\nb'] } } })],
      [
        `a command for one destination's ${side}`,
        seen({ route: [{ ...OWN_ROUTE, headers: { [side]: { add: { a: '%BOGUS%' } } } }] }),
      ],
    ]),
    ['a path in two lines', seen({ rewrite: { uri: '/a\nb' } })],
    ['an authority in two lines', seen({ rewrite: { authority: 'a\nb' } })],
    ['a rewrite in two lines', seen({ rewrite: { uriRegexRewrite: { match: 'a', rewrite: 'a\nb' } } })],
    ['a redirect in two lines', seen({ redirect: { uri: '/a\nb' } })],
    ['a redirect to two lines', seen({ redirect: { authority: 'a\nb' } })],
    ['a redirect with another code', seen({ redirect: { uri: '/', redirectCode: 399 } })],
    ['a method in two lines', seen({ corsPolicy: { allowMethods: ['a\nb'] } })],
    ['a header for all origins in two lines', seen({ corsPolicy: { allowHeaders: ['a\nb'] } })],
    ['an exposed header in two lines', seen({ corsPolicy: { exposeHeaders: ['a\nb'] } })],
    ['a parameter without a name', seen({ match: [{ queryParams: { '': { exact: 'a' } } }] })],
    ['a long parameter', seen({ match: [{ queryParams: { [long]: { exact: 'a' } } }] })],
    ['weights beyond what Envoy adds up', seen({ route: [{ ...OWN_ROUTE, weight: 2_000_000_000 }] })],
    ['the same for TCP', seenAs({ tcp: [{ route: [{ ...OWN_ROUTE, weight: 2_000_000_000 }] }] })],
  ];
  test.each(values)('do not have %s', (_what, object) => {
    expect(ask(object)).toEqual([expect.stringMatching(/printable ASCII without `%`.*Write it so/)]);
  });
  const statuses: [string, object][] = [199, 600, 999].flatMap((status): [string, object][] => [
    [`an answer with ${status}`, seen({ directResponse: { status }, route: undefined })],
    [`a fault with ${status}`, seen({ fault: { abort: { httpStatus: status } } })],
  ]);
  test.each(statuses)('do not have %s', (_what, object) => {
    expect(ask(object)).toEqual([expect.stringMatching(/a status from 200 to 599.*Write such a status/)]);
  });
  const durations: [string, object][] = ['9223372036s', '876001h'].flatMap((duration): [string, object][] => [
    [`a timeout of ${duration}`, seen({ timeout: duration })],
    [`a try of ${duration}`, seen({ retries: { attempts: 1, perTryTimeout: duration } })],
    [`${duration} between tries`, seen({ retries: { attempts: 1, backoff: duration } })],
    [`a delay of ${duration}`, seen({ fault: { delay: { fixedDelay: duration } } })],
    [`a preflight for ${duration}`, seen({ corsPolicy: { maxAge: duration } })],
  ]);
  test.each(durations)('do not have %s', (_what, object) => {
    expect(ask(object)).toEqual([expect.stringMatching(/at most 876000h.*Write a shorter one/)]);
  });
  test('but 876000h', () => {
    expect(ask(seen({ timeout: '876000h', retries: { perTryTimeout: '1ms' } }))).toEqual([]);
  });
  test.each([200, 599])('but %i', (status) => {
    expect(ask(seen({ directResponse: { status }, route: undefined }))).toEqual([]);
    expect(ask(seen({ fault: { abort: { httpStatus: status } } }))).toEqual([]);
  });
  test('and other names of the authority, and faults without a status', () => {
    const headers = { request: { set: { Host: 'reviews.example.com' }, add: { ':authority': 'reviews' } } };
    expect(ask(seen({ headers, route: [{ ...OWN_ROUTE, headers }] }))).toEqual([]);
    expect(ask(seen({ headers: { request: { set: { 'x-note': hop } } } }))).toEqual([]);
    expect(ask(seen({ fault: { delay: { fixedDelay: '1s' }, abort: { grpcStatus: 'ABORTED' } } }))).toEqual([]);
  });
  test('for their own namespace they may say all that', () => {
    for (const [what, object] of [...destinations, ...regexes, ...values, ...statuses, ...durations]) {
      const { spec } = object as any;
      if (what !== 'somebody else, as a delegate') expect(ask(route({ ...spec, exportTo: ['.'] }))).toEqual([]);
      expect(ask(route({ ...spec, gateways: ['own'] }))).toEqual([]);
    }
  });
});

/** What Go takes, and Envoy does not. */
const LONG = '9223372036s';

describe('DestinationRules that other namespaces see', () => {
  const ask = guard();
  const bad: [string, RegExp, object][] = [
    ['lead where the caller wanted', /balances load itself/, { loadBalancer: { simple: 'PASSTHROUGH' } }],
    ['have others tell the load', /balances load itself/, { loadBalancer: { backendUtilization: {} } }],
    ...['clientCertificate', 'privateKey', 'caCertificates', 'caCrl', 'credentialName', 'caCertCredentialName'].map(
      (name): [string, RegExp, object] => [`need ${name}`, /names no file/, { tls: { mode: 'MUTUAL', [name]: 'a' } }],
    ),
    ['ask for a private name', /names no file/, { tls: { mode: 'ISTIO_MUTUAL', sni: 'x.0123.Egress.internal' } }],
    ...['a'.repeat(256), 'a\0b', 'é'].map((sni): [string, RegExp, object] => [
      `ask for ${JSON.stringify(sni).slice(0, 40)}`,
      /names no file/,
      { tls: { mode: 'SIMPLE', sni } },
    ]),
    ['hash by a strange header', /hashes/, { loadBalancer: { consistentHash: { httpHeaderName: 'a\nb' } } }],
    ['hash by a header without a name', /hashes/, { loadBalancer: { consistentHash: { httpHeaderName: '' } } }],
    ['hash by a parameter without one', /hashes/, { loadBalancer: { consistentHash: { httpQueryParameterName: '' } } }],
    ['hash by a strange parameter', /hashes/, { loadBalancer: { consistentHash: { httpQueryParameterName: 'a\nb' } } }],
    ...['a\nb', 'é'].flatMap((text): [string, RegExp, object][] =>
      [
        { name: 'SameSite', value: text },
        { name: text, value: 'Lax' },
      ].map((attribute) => [
        `hash by a cookie with the attribute ${JSON.stringify(attribute).slice(0, 40)}`,
        /hashes/,
        {
          loadBalancer: { consistentHash: { httpCookie: { name: 'a', attributes: [{ name: 'Secure' }, attribute] } } },
        },
      ]),
    ),
    ['have a large ring', /hashes/, { loadBalancer: { consistentHash: { minimumRingSize: 65_538 } } }],
    ['have another', /hashes/, { loadBalancer: { consistentHash: { ringHash: { minimumRingSize: 65_538 } } } }],
    ['have a large table', /hashes/, { loadBalancer: { consistentHash: { maglev: { tableSize: 65_539 } } } }],
    ['have one that ends Envoy', /hashes/, { loadBalancer: { consistentHash: { maglev: { tableSize: 1 } } } }],
    ...[
      { connectionPool: { tcp: { connectTimeout: LONG } } },
      { connectionPool: { tcp: { idleTimeout: LONG } } },
      { connectionPool: { tcp: { idleTimeout: '-0.0005s' } } },
      { connectionPool: { tcp: { maxConnectionDuration: LONG } } },
      { connectionPool: { tcp: { tcpKeepalive: { time: LONG } } } },
      { connectionPool: { tcp: { tcpKeepalive: { interval: LONG } } } },
      { connectionPool: { http: { idleTimeout: LONG } } },
      { connectionPool: { http: { http2KeepAlive: { interval: LONG } } } },
      { connectionPool: { http: { http2KeepAlive: { timeout: LONG } } } },
      { outlierDetection: { interval: LONG } },
      { outlierDetection: { baseEjectionTime: LONG } },
      { loadBalancer: { warmupDurationSecs: LONG } },
      { loadBalancer: { warmup: { duration: LONG } } },
      { loadBalancer: { consistentHash: { httpCookie: { name: 'a', ttl: LONG } } } },
      { loadBalancer: { consistentHash: { httpCookie: { name: 'a', ttl: '-1s' } } } },
    ].map((policy): [string, RegExp, object] => [`have ${JSON.stringify(policy)}`, /from 0s to 876000h/, policy]),
  ];
  const places = (policy: object): [string, object][] => [
    ['as a whole', { trafficPolicy: policy }],
    ['on a port', { trafficPolicy: { portLevelSettings: [{ port: { number: 80 } }, policy] } }],
    ['in a subset', { subsets: [{ name: 'a' }, { name: 'b', trafficPolicy: policy }] }],
    ['on a port of a subset', { subsets: [{ name: 'b', trafficPolicy: { portLevelSettings: [policy] } }] }],
  ];
  test.each(bad)('do not %s', (_what, why, policy) => {
    for (const [, spec] of places(policy)) {
      expect(ask(istio('DestinationRule', { host: 'x', ...spec }))).toEqual([expect.stringMatching(why)]);
      expect(ask(istio('DestinationRule', { host: 'x', exportTo: ['.'], ...spec }))).toEqual([]);
    }
  });
  test.each([LONG, '-1s'])('do not count tries for %s', (budgetInterval) => {
    const policy = { retryBudget: { percent: 20, budgetInterval } };
    for (const spec of [{ trafficPolicy: policy }, { subsets: [{ name: 'a', trafficPolicy: policy }] }])
      expect(ask(istio('DestinationRule', { host: 'x', ...spec }))).toEqual([expect.stringMatching(/from 0s/)]);
  });
  test('pass with what is usual', () => {
    const usual = {
      loadBalancer: { consistentHash: { httpHeaderName: 'x-user', ringHash: { minimumRingSize: 1024 } } },
      tls: { mode: 'ISTIO_MUTUAL' },
      outlierDetection: { consecutive5xxErrors: 5 },
    };
    const httpCookie = { name: 'user', path: '/', ttl: '0s', attributes: [{ name: 'SameSite', value: 'Strict' }] };
    for (const policy of [
      usual,
      { loadBalancer: { simple: 'ROUND_ROBIN' }, tls: { mode: 'SIMPLE', sni: 'x' } },
      { loadBalancer: { consistentHash: { httpCookie } } },
      { loadBalancer: { consistentHash: { useSourceIp: true, maglev: { tableSize: 65_537 } } } },
      { connectionPool: { tcp: { connectTimeout: '30ms' } }, outlierDetection: { interval: '1h' } },
    ])
      for (const [, spec] of places(policy)) expect(ask(istio('DestinationRule', { host: 'x', ...spec }))).toEqual([]);
  });
});

describe('routes of the Gateway API', () => {
  const ask = guard();
  const bound = (kind: string, ...parentRefs: object[]) => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind,
    metadata: { name: 'x', namespace: 'other' },
    spec: { parentRefs, rules: [] },
  });
  const ingress = { name: 'public', namespace: 'istio-ingress' };
  test.each(['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute'])('%s is for Gateways', (kind) => {
    for (const own of [{ namespace: 'other' }, {}])
      for (const parent of ['Service', 'ServiceEntry'])
        expect(ask(bound(kind, ingress, { kind: parent, name: 'x', ...own }))).toEqual(refused);
    expect(ask(bound(kind, ingress, { kind: 'ListenerSet', name: 'x' }))).toEqual([]);
  });
  const refused = [expect.stringMatching(/followed by the sidecars of all namespaces: write a VirtualService/)];
  test.each([
    ['HTTPRoute', []],
    ['GRPCRoute', []],
    ['TLSRoute', refused],
    ['TCPRoute', refused],
  ])('a Service of another namespace: %s', (kind, expected) => {
    for (const parent of ['Service', 'ServiceEntry'])
      expect(ask(bound(kind, { kind: parent, name: 'reviews', namespace: 'shop' }))).toEqual(expected);
  });
});

test('WorkloadEntries have addresses of the named ranges', () => {
  const workload = (spec?: object) => istio('WorkloadEntry', spec);
  const refused = [expect.stringMatching(/write external addresses as `endpoints` of a ServiceEntry/)];
  const within = guard({ machineCidrs: ['10.250.0.0/16'], endpointCidrs: ['10.244.0.0/16'] });
  for (const address of [
    '203.0.113.10',
    '10.244.1.1',
    'db.example.com',
    'unix:///x',
    '::ffff:10.250.1.1',
    '',
    undefined,
  ])
    for (const ask of [guard(), within]) expect(ask(workload({ address }))).toEqual(refused);
  expect(within(workload(undefined))).toEqual(refused);
  expect(guard()(workload({ address: '10.250.1.1' }))).toEqual(refused);
  expect(within(workload({ address: '10.250.1.1', labels: { app: 'vm' } }))).toEqual([]);
});

describe('DestinationRules', () => {
  const ask = guard();
  test.each(['a.example.com', '*', '*.local', 'a.shop.svc.cluster.local', 'exit-hop.egress.svc.cluster.local'])(
    'for %s, seen by others, are refused',
    (host) => {
      expect(ask(rule(host))).toEqual([expect.stringMatching(/for its own namespace/)]);
      expect(ask(rule(host, ['.']))).toEqual([]);
    },
  );
  test.each(['reviews', 'reviews.other.svc.cluster.local', '*.other.svc.cluster.local'])('for %s pass', (host) => {
    expect(ask(rule(host))).toEqual([]);
  });
  test('the domain of Services is a choice', () => {
    expect(guard({ clusterDomain: 'k8s.corp' })(rule('a.other.svc.k8s.corp'))).toEqual([]);
    expect(guard({ clusterDomain: 'k8s.corp' })(rule('a.other.svc.cluster.local'))).toHaveLength(1);
  });
});

describe('Gateways', () => {
  const both = { app: 'istio-egressgateway', istio: 'egressgateway' };
  test.each([
    ['no selector', helmGateway, undefined],
    ['an empty one', helmGateway, {}],
    ['the pods of an installed gateway', helmGateway, both],
    ['one of their labels', helmGateway, { istio: 'egressgateway' }],
    ['a label that they may carry: nobody told', helmGateway, { 'sidecar.istio.io/inject': 'true' }],
    ['the pods of one of ours', OWN, { 'cdk8s-istio-egress/gateway': 'egress-gateway.egress' }],
    ['the label of its chart', OWN, { team: 'platform' }],
    ['a label of Kubernetes', OWN, { 'pod-template-hash': '0123' }],
    ['a label of Istio', OWN, { 'service.istio.io/canonical-name': 'egress-gateway' }],
  ] as const)('%s: refused', (_what, gateways, selector) => {
    const ask = guard({}, gateways);
    expect(ask(gateway(selector))).toEqual([expect.stringMatching(/select your gateway's pods by a label/)]);
  });
  test.each([
    ['another gateway, beside an installed one', helmGateway, { istio: 'ingressgateway' }],
    ['another gateway, beside one of ours', OWN, { istio: 'ingressgateway' }],
    ['a label of one of ours with another value', OWN, { team: 'other', 'sidecar.istio.io/inject': 'true' }],
  ] as const)('%s: passes', (_what, gateways, selector) => {
    expect(guard({}, gateways)(gateway(selector))).toEqual([]);
  });
  test('of a gateway of ours in another app, app and istio tell it apart', () => {
    const ask = guard({}, (chart) =>
      InstalledEgressGateway.fromInstallation(
        chart,
        'exit',
        GatewayInstallation.egressGateway({ namespace: 'egress' }),
      ),
    );
    expect(ask(gateway({ istio: 'ingressgateway' }))).toEqual([]);
    expect(ask(gateway({ team: 'platform' }))).toHaveLength(1);
  });
  test('every gateway of the app counts', () => {
    const ask = guard({}, (chart) => [helmGateway(chart), new EgressGateway(chart, 'vault', { namespace: 'vault' })]);
    expect(ask(gateway({ app: 'egress-gateway' }))).toEqual([]);
    expect(ask(gateway({ istio: 'egressgateway' }))).toHaveLength(1);
    expect(ask(gateway({ 'cdk8s-istio-egress/gateway': 'egress-gateway.vault' }))).toHaveLength(1);
  });
  test.each(['mine.egress.internal', '*/http-80.0123.egress.internal', 'other/MINE.egress-checked.internal'])(
    'servers under %s are refused',
    (host) => {
      expect(
        guard()(gateway({ istio: 'mine' }, { servers: [{ hosts: ['a.example.com'] }, { hosts: [host] }] })),
      ).toEqual([expect.stringMatching(/belong to the hop/)]);
    },
  );
});

test('istiod looks for no keys of a RequestAuthentication that it is not told of', () => {
  const ask = guard();
  const authentication = (...jwtRules: object[]) => ({
    ...istio('RequestAuthentication', { jwtRules }),
    apiVersion: 'security.istio.io/v1',
  });
  const issuer = 'https://a.example.com';
  const uri = `${issuer}/keys`;
  expect(ask(authentication({ issuer, jwksUri: uri }, { issuer, jwks: '{}' }, { jwks_uri: uri }))).toEqual([]);
  expect(ask(authentication())).toEqual([]);
  for (const keys of [{}, { jwks: '' }, { jwksUri: '' }, { jwks_uri: '' }])
    expect(ask(authentication({ issuer, jwks: '{}' }, { issuer, ...keys }))).toEqual([
      expect.stringMatching(/write `jwksUri` or `jwks`/),
    ]);
});

test('Telemetry that sends the headers of tracing again is refused, and no other', () => {
  const ask = guard();
  const telemetry = (...tracing: object[]) => ({
    ...istio('Telemetry', { tracing }),
    apiVersion: 'telemetry.istio.io/v1',
  });
  const off = { disableContextPropagation: true };
  expect(ask(telemetry(off, { disableContextPropagation: false }))).toEqual([expect.stringMatching(/leave out/)]);
  expect(ask(telemetry(off, { disableContextPropagation: null }, { randomSamplingPercentage: 1 }))).toEqual([]);
  expect(ask(istio('Telemetry', {}))).toEqual([]);
});

test('before Istio 1.30 that is Telemetry that reports spans again', () => {
  const ask = (version: string) => {
    const app = newApp();
    app.node.setContext('istioVersion', version);
    new EgressGuard(new Chart(app, 'chart'), 'guard');
    const telemetry = istio('Telemetry', { tracing: [{ disableSpanReporting: false }] });
    return refusals(allManifests(app), { object: { ...telemetry, apiVersion: 'telemetry.istio.io/v1' } });
  };
  expect(ask('1.29')).toEqual([expect.stringMatching(/leave out `disableSpanReporting: false`/)]);
  expect(ask('1.30')).toEqual([]);
});

describe('Services and endpoints', () => {
  const ask = guard();
  const within = guard({ endpointCidrs: ['10.244.0.0/16', 'fd00:10:244::/56'] });
  test('external addresses are refused', () => {
    expect(ask(service({ externalIPs: ['203.0.113.10'] }))).toEqual([expect.stringMatching(/leave them out/)]);
    expect(ask(service({ clusterIP: 'None', selector: { app: 'x' } }))).toEqual([]);
  });
  test('other names of hosts are refused, except for Services of their own namespace', () => {
    const alias = (externalName?: string) =>
      service({ type: 'ExternalName', externalName }, { 'networking.istio.io/exportTo': '.' });
    for (const host of ['www.partner.com', 'x', 'x.shop.svc.cluster.local', 'http-80.0123.egress.internal', undefined])
      expect(ask(alias(host))).toEqual([
        expect.stringMatching(/send there what is for the Service: give applications/),
      ]);
    expect(ask(alias('search.other.svc.cluster.local'))).toEqual([]);
    for (const type of ['ClusterIP', 'LoadBalancer', undefined])
      expect(ask(service({ type, selector: { app: 'x' } }))).toEqual([]);
  });
  test.each(['http_proxy', 'HTTP_PROXY-a'])('no port is for %s', (appProtocol) => {
    expect(ask(service({ ports: [{ port: 443, appProtocol }] }))).toEqual([
      expect.stringMatching(/takes the place of/),
    ]);
    for (const passes of ['http', 'kubernetes.io/h2c', 'example.com/http_proxy', undefined])
      expect(ask(service({ ports: [{ port: 443, appProtocol: passes }] }))).toEqual([]);
  });
  test('whoever writes the status of a Service gives it no network', () => {
    const labelled = (labels: object, spec: object = {}) => ({
      ...service(spec),
      metadata: { name: 'x', namespace: 'other', labels },
    });
    const write = (object: object, oldObject: object) =>
      ask(object, { oldObject, operation: 'UPDATE', subresource: 'status' });
    const network = labelled({ 'topology.istio.io/network': 'a' });
    expect(write(network, labelled({}))).toEqual([expect.stringMatching(/is a gateway to a network/)]);
    expect(write(network, network)).toEqual([]);
    const stored = service({ externalIPs: ['203.0.113.10'] });
    expect(write({ ...stored, status: { loadBalancer: { ingress: [{ ip: '203.0.113.10' }] } } }, stored)).toEqual([]);
  });
  test('endpoints by hand are refused', () => {
    for (const object of [
      slice(['203.0.113.10']),
      endpoints('10.244.1.1'),
      endpoints('10.244.1.1', 'notReadyAddresses'),
    ])
      expect(ask(object)).toEqual([expect.stringMatching(/give the Service a `selector`/)]);
  });
  test.each(['endpoints', 'none'])('those without addresses pass: %s', (what) => {
    expect(ask(slice([], { endpoints: what === 'none' ? undefined : [] }))).toEqual([]);
    expect(ask(slice([], { endpoints: null }))).toEqual([]);
    expect(ask({ ...endpoints(''), subsets: undefined })).toEqual([]);
  });
  test.each([
    'system:apiserver',
    'system:kube-controller-manager',
    'system:serviceaccount:kube-system:endpoint-controller',
    'system:serviceaccount:kube-system:endpointslice-controller',
    'system:serviceaccount:kube-system:endpointslicemirroring-controller',
  ])('%s writes what it wants', (user) => {
    expect(ask(slice(['203.0.113.10']), { user })).toEqual([]);
    expect(ask(endpoints('203.0.113.10'), { user })).toEqual([]);
  });
  test('nobody else is exempt', () => {
    for (const user of ['system:admin', 'system:serviceaccount:other:endpoint-controller'])
      expect(ask(slice(['203.0.113.10']), { user })).toHaveLength(1);
  });
  test.each([
    ['10.244.1.1', true],
    ['fd00:10:244::1', true],
    ['10.245.0.1', false],
    ['203.0.113.10', false],
    ['2001:db8::1', false],
    ['a.example.com', false],
  ])('with ranges, %s passes: %s', (address, passes) => {
    expect(within(slice([address])).length === 0).toBe(passes);
    expect(within(endpoints(address)).length === 0).toBe(passes);
    expect(within(slice(['10.244.1.1', address])).length === 0).toBe(passes);
  });
});

describe('locks', () => {
  const locked = (namespaces?: string[], workloads?: { namespace: string; labels: Record<string, string> }[]) => {
    const manifests = manifestsOf((chart) => {
      const lock = new RegistryOnlyMesh(chart, 'lock', { namespaces, workloads });
      new EgressGuard(chart, 'guard', { locks: [lock] });
    }, 'platform');
    return (object: any, more: object = {}) => refusals(manifests, { object, ...more });
  };
  const sidecar = (spec: any, metadata: object = {}) => istio('Sidecar', spec, metadata);
  const LOCK = { egress: [{ hosts: ['*/*'] }], outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } };

  test.each([
    ['opens everything', { outboundTrafficPolicy: { mode: 'ALLOW_ANY' } }, /is locked: a Sidecar says/],
    ['leaves it to the mesh', { egress: [{ hosts: ['*/*'] }] }, /is locked: a Sidecar says/],
    ['opens it for one workload', { workloadSelector: { labels: { a: 'b' } }, egress: [] }, /is locked/],
    ['says nothing', undefined, /is locked/],
    [
      'lets a port out',
      { ...LOCK, egress: [{ port: { number: 80, protocol: 'TCP', name: 'tcp' }, hosts: ['*/*'] }] },
      /egress listener/,
    ],
    ['lets a port out without a word', { ...LOCK, egress: [{ port: { number: 80 }, hosts: ['*/*'] }] }, /listener/],
  ])('a Sidecar that %s is refused', (_what, spec, why) => {
    expect(locked()(sidecar(spec))).toEqual([expect.stringMatching(why)]);
  });
  test.each([
    ['says REGISTRY_ONLY', LOCK],
    ['says it by the empty policy', { outboundTrafficPolicy: {} }],
    ['has a listener for HTTP', { ...LOCK, egress: [{ port: { number: 9080, protocol: 'http' }, hosts: ['./*'] }] }],
  ])('a Sidecar that %s passes', (_what, spec) => {
    expect(locked()(sidecar(spec))).toEqual([]);
  });
  test('without locks, or in other namespaces than the locked ones, Sidecars are free', () => {
    const open = sidecar({ outboundTrafficPolicy: { mode: 'ALLOW_ANY' } });
    expect(guard()(open)).toEqual([]);
    expect(locked(['shop'])(open)).toEqual([]);
    expect(locked(['other'])(open)).toHaveLength(1);
    expect(locked(undefined, [{ namespace: 'other', labels: { a: 'b' } }])(open)).toHaveLength(1);
  });
  test('the locks of a namespace cannot be deleted or turned to other workloads, unless the namespace goes', () => {
    const ask = locked(['other']);
    const lock = sidecar(LOCK, { name: 'default' });
    const gone = { metadata: { name: 'other', deletionTimestamp: '2026-01-01T00:00:00Z' } };
    const remove = { object: undefined, operation: 'DELETE' as const };
    expect(ask(undefined, { ...remove, oldObject: lock })).toEqual([expect.stringMatching(/lock of the platform/)]);
    expect(ask(undefined, { ...remove, oldObject: lock, namespaceObject: gone })).toEqual([]);
    expect(ask(undefined, { ...remove, oldObject: sidecar(LOCK, { name: 'mine' }) })).toEqual([]);
    const turned = sidecar({ ...LOCK, workloadSelector: { labels: { app: 'none' } } }, { name: 'default' });
    expect(ask(turned, { operation: 'UPDATE', oldObject: lock })).toEqual([expect.stringMatching(/workloads/)]);
    const unread = sidecar(LOCK, { name: 'default', labels: { 'istio.io/rev': 'none' } });
    expect(ask(unread, { operation: 'UPDATE', oldObject: lock })).toEqual([
      expect.stringMatching(/label istio.io\/rev/),
    ]);
    expect(ask(lock, { operation: 'UPDATE', oldObject: lock })).toEqual([]);
  });
});
