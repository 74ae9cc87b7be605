/** What a proxy sends to the external host, and what the host makes of it. All answers were seen on the mesh. */
import { ask } from './support';
import { upstreamWorld } from './upstream-world';
import { judgeTable } from '../../src/explain/judge-table';
import { ModelRequest, World } from '../../src/model';

const object = (kind: string, name: string, spec: string) => `---
apiVersion: ${kind === 'PeerAuthentication' ? 'security' : 'networking'}.istio.io/v1
kind: ${kind}
metadata: { name: ${name}, namespace: shop }
spec: ${spec}
`;
const entry = (port: string, more = 'resolution: DNS') =>
  object('ServiceEntry', 'site', `{ hosts: [site.example.com], ports: [{ name: p, ${port} }], ${more} }`);
const rule = (policy: string, more = '') =>
  object('DestinationRule', 'site', `{ host: site.example.com, trafficPolicy: { ${policy} }${more} }`);
const route = (http: string) =>
  object(
    'VirtualService',
    'site',
    `{ hosts: [site.example.com], http: [{ ${http}, route: [{ destination: { host: site.example.com } }] }] }`,
  );
const HTTP = entry('number: 80, protocol: HTTP');
const HTTPS_BEHIND = entry('number: 80, protocol: HTTP, targetPort: 443');
const APP = { namespace: 'shop', serviceAccount: 'app' };

const world = (host: object = {}, more: Partial<World> = {}): World => ({
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
  external: [{ host: 'site.example.com', address: '203.0.113.50', http: 'ok', https: 'ok', ...host }],
  secrets: [],
  configMaps: [],
  ...more,
});
const see = (yaml: string, request: string | ModelRequest = 'http://site.example.com/', given: World = world()) =>
  ask(yaml, APP, request, given);

describe('TLS for bytes that the proxy does not read', () => {
  const tcp = `${entry('number: 8085, protocol: TCP, targetPort: 443')}${rule('tls: { mode: SIMPLE }')}`;

  test.each(['good', 'wrong-name'])('sends no server name and takes any public certificate: %s', (certificate) => {
    const answer = see(tcp, 'http://site.example.com:8085/', world({ certificate }));
    expect(answer).toMatchObject({
      outcome: 'answered',
      status: 200,
      tlsOriginatedBy: 'sidecar',
      protocol: 'http/1.1',
    });
    expect(answer.serverName).toBeUndefined();
    expect(answer.remarks.map(({ code }) => code)).toEqual(['unverified-name']);
  });

  test('where the proxy reads the request, its host is the server name and is verified', () => {
    const http = tcp.replace('protocol: TCP', 'protocol: HTTP');
    expect(see(http, 'http://site.example.com:8085/')).toMatchObject({ serverName: 'site.example.com', remarks: [] });
    const headers = { Host: 'site.example.com:' };
    expect(see(http, { url: 'http://site.example.com:8085/', headers }).serverName).toBe('site.example.com');
    expect(see(http, 'http://site.example.com:8085/', world({ certificate: 'wrong-name' }))).toMatchObject({
      outcome: 'refused',
      symptom: 503,
    });
  });
});

describe('the protocol towards the host', () => {
  const tls = 'tls: { mode: SIMPLE }';
  test.each<[string, string, ModelRequest['speak'], string]>([
    ['GRPC-WEB', `${HTTPS_BEHIND.replace('HTTP,', 'GRPC-WEB,')}${rule(tls)}`, undefined, 'h2'],
    [
      'useClientProtocol, HTTP/1.1',
      `${HTTPS_BEHIND}${rule(`${tls}, connectionPool: { http: { useClientProtocol: true } }`)}`,
      undefined,
      'http/1.1',
    ],
    [
      'useClientProtocol, HTTP/2',
      `${HTTPS_BEHIND}${rule(`${tls}, connectionPool: { http: { useClientProtocol: true } }`)}`,
      'http2',
      'h2',
    ],
    ['neither', `${HTTPS_BEHIND}${rule(tls)}`, 'http2', 'http/1.1'],
  ])('%s', (_what, yaml, speak, protocol) => {
    expect(see(yaml, { url: 'http://site.example.com/', speak })).toMatchObject({ outcome: 'answered', protocol });
  });

  test('HTTP/2 in plaintext is not a yes', () => {
    for (const protocol of ['HTTP2', 'GRPC', 'GRPC-WEB'])
      expect(see(entry(`number: 80, protocol: ${protocol}`))).toMatchObject({
        outcome: 'refused',
        symptom: 503,
        by: 'sidecar',
      });
  });

  test('where nobody says how the host is, it is a condition', () => {
    const unsaid: World = { mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' } };
    expect(see(entry('number: 80, protocol: HTTP2'), undefined, unsaid).condition).toMatchObject({
      holds: expect.stringContaining('speaks HTTP/2 without TLS'),
    });
  });

  test.each<[string, number]>([
    ['HTTP', 400],
    ['HTTP2', 502],
  ])('%s in plaintext to a TLS port: the host gives %s', (protocol, symptom) => {
    const plain = entry(`number: 80, protocol: ${protocol}, targetPort: 443`);
    for (const speak of [undefined, 'websocket'] as const)
      expect(see(plain, { url: 'http://site.example.com/', speak })).toMatchObject({
        outcome: 'refused',
        symptom,
        by: 'host',
      });
  });

  test('a gRPC call is a POST, and never to /', () => {
    const only = (match: string) => `${HTTP}${route(`match: [{ ${match} }]`)}`;
    const call = { url: 'http://site.example.com/', speak: 'grpc' } as const;
    for (const match of ['uri: { exact: / }', 'method: { exact: GET }'])
      expect(see(only(match), call)).toMatchObject({ outcome: 'refused', by: 'sidecar' });
  });
});

describe('endpoints that are labelled as having a sidecar', () => {
  const labelled = (more: string, label = 'istio') =>
    entry(
      'number: 80, protocol: HTTP',
      `endpoints: [{ address: 203.0.113.50, labels: { security.istio.io/tlsMode: ${label} } }], ${more}`,
    );
  test.each([
    ['STATIC', labelled('resolution: STATIC, location: MESH_INTERNAL'), 'refused'],
    ['DNS', labelled('resolution: DNS, location: MESH_INTERNAL'), 'refused'],
    ['outside the mesh', labelled('resolution: STATIC'), 'answered'],
    ['another label', labelled('resolution: STATIC, location: MESH_INTERNAL', 'disabled'), 'answered'],
    [
      'with TLS settings of a DestinationRule',
      `${labelled('resolution: STATIC, location: MESH_INTERNAL')}${rule('tls: { mode: DISABLE }')}`,
      'answered',
    ],
    [
      'without mutual TLS in the namespace',
      `${labelled('resolution: STATIC, location: MESH_INTERNAL')}${object('PeerAuthentication', 'off', '{ mtls: { mode: DISABLE } }')}`,
      'answered',
    ],
  ])('receive mutual TLS of the mesh: %s', (_what, yaml, outcome) => {
    expect(see(yaml)).toMatchObject({ outcome, ...(outcome === 'refused' && { symptom: 503, by: 'sidecar' }) });
  });
});

describe('a credential of authorities', () => {
  const yaml = `${HTTPS_BEHIND}${rule(
    'tls: { mode: SIMPLE, credentialName: x }',
    ', workloadSelector: { matchLabels: { app: app } }',
  )}`;
  const secret = (name: string) => ({ name, namespace: 'shop', holds: 'ca-certificates' as const });
  const given = (...names: string[]) => world({ certificate: 'private-ca' }, { secrets: names.map(secret) });

  test('is the Secret with the suffix -cacert, or the one of the name', () => {
    for (const name of ['x-cacert', 'x'])
      expect(see(yaml, undefined, given(name))).toMatchObject({ outcome: 'answered', tlsOriginatedBy: 'sidecar' });
    expect(see(yaml, undefined, given('y-cacert')).reason).toMatch(/has no Secret x/);
  });

  test('gRPC by HTTP/1.1 is refused by the host, which has seen the client certificate', () => {
    const secrets = [{ name: 'x', namespace: 'shop', holds: 'client-certificate' as const }];
    const call = { url: 'http://site.example.com/', speak: 'grpc' } as const;
    const reader = `---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: reader, namespace: shop }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin }
subjects: [{ kind: ServiceAccount, name: app, namespace: shop }]
`;
    const mutual = `${yaml.replace('SIMPLE', 'MUTUAL')}${reader}`;
    const answer = see(mutual, call, world({ certificate: 'private-ca' }, { secrets }));
    expect(answer).toMatchObject({
      outcome: 'refused',
      by: 'host',
      clientCertificate: true,
    });
  });

  test('a client certificate has no suffix', () => {
    expect(see(yaml.replace('SIMPLE', 'MUTUAL'), undefined, given('x-cacert')).reason).toMatch(/has no Secret x/);
  });
});

test('a fault without a percentage aborts nothing', () => {
  expect(see(`${HTTP}${route('fault: { abort: { httpStatus: 418 } }')}`)).toMatchObject({ status: 200 });
  expect(see(`${HTTP}${route('fault: { abort: { httpStatus: 418, percentage: { value: 100 } } }')}`)).toMatchObject({
    symptom: 418,
  });
});

describe('what the query of a table asks of the host', () => {
  test.each([
    ['status=404', '', { outcome: 'answered', status: 404 }],
    ['status=503', '', { outcome: 'answered', status: 503 }],
    ['status=404&times=1', '', { outcome: 'answered', status: 404 }],
    [
      'delay=1500',
      'timeout: 0.3s',
      { outcome: 'refused', by: 'host', symptom: 504, via: 'sidecar', tlsOriginatedBy: 'none', protocol: 'http/1.1' },
    ],
    ['delay=1500', 'retries: { attempts: 1, perTryTimeout: 300ms }', { outcome: 'refused', by: 'host', symptom: 504 }],
    ['delay=50', 'timeout: 0.3s', { outcome: 'answered', status: 200 }],
    ['delay=5000', 'timeout: 1m', { outcome: 'answered', status: 200 }],
    ['delay=310', 'timeout: 0.3s', { outcome: 'undetermined' }],
    ['status=503&times=2', 'retries: { attempts: 2, retryOn: 5xx }', { outcome: 'answered', status: 200 }],
    ['status=503&times=3', 'retries: { attempts: 2, retryOn: 5xx }', { outcome: 'answered', status: 503 }],
    ['status=418&times=1', 'retries: { attempts: 1, retryOn: "reset,418" }', { outcome: 'answered', status: 200 }],
    ['status=500&times=1', 'retries: { attempts: 1, retryOn: gateway-error }', { outcome: 'answered', status: 500 }],
    ['status=503&times=1', 'retries: { attempts: 1 }', { outcome: 'answered', status: 503 }],
    ['status=503&times=1', 'retries: { attempts: 0 }', { outcome: 'answered', status: 503 }],
    ['delay=900&times=1', 'retries: { attempts: 1, perTryTimeout: 300ms }', { outcome: 'undetermined' }],
  ])('?%s %s', (query, http, expected) => {
    const yaml = http === '' ? HTTP : `${HTTP}${route(http)}`;
    expect(see(yaml, `http://site.example.com/?${query}`)).toMatchObject(expected);
  });

  test('how often, where a host that fails is left out for a while: unknown, by whichever policy says so', () => {
    const ejecting = 'outlierDetection: { consecutive5xxErrors: 1 }';
    const retries = 'http: [{ retries: { attempts: 1, retryOn: 5xx }';
    const routed = object(
      'VirtualService',
      'site',
      `{ hosts: [site.example.com], ${retries}, route: [{ destination: { host: site.example.com, subset: s } }] }] }`,
    );
    for (const [policy, subset, field] of [
      [ejecting, '', 'spec.trafficPolicy'],
      ['loadBalancer: { simple: RANDOM }', `, trafficPolicy: { ${ejecting} }`, 'spec.subsets[0].trafficPolicy'],
    ])
      expect(
        see(
          `${HTTP}${routed}${rule(policy, `, subsets: [{ name: s${subset} }]`)}`,
          'http://site.example.com/?status=503&times=1',
        ),
      ).toMatchObject({
        outcome: 'undetermined',
        reason: expect.stringContaining('ejected'),
        causes: [{ kind: 'DestinationRule', field }],
      });
  });

  test('also in TLS of the application, and not without a table', () => {
    const tls = entry('number: 443, protocol: TLS');
    expect(see(tls, 'https://site.example.com/?status=404')).toMatchObject({
      status: 404,
      tlsOriginatedBy: 'application',
    });
    expect(ask(HTTP, APP, 'http://site.example.com/?status=404')).toMatchObject({ status: 200 });
  });

  test('a status of the host has no location to follow', () => {
    expect(see(HTTP, { url: 'http://site.example.com/?status=302', follow: true })).toMatchObject({ status: 302 });
  });

  test('gRPC: its status', () => {
    const yaml = `${HTTPS_BEHIND.replace('HTTP,', 'GRPC,')}${rule('tls: { mode: SIMPLE }')}`;
    const url = 'http://site.example.com/?grpc-status=14';
    expect(see(yaml, { url, speak: 'grpc' })).toMatchObject({
      outcome: 'refused',
      symptom: 'grpc-unavailable',
      by: 'host',
    });
  });
});

test('bytes by a dynamic name at a gateway: the name of the hop, and only if the gateway has resolved it before', () => {
  const gateway = 'istio-egressgateway.egress.svc.cluster.local';
  const yaml = [
    HTTP,
    object(
      'Gateway',
      'exit',
      '{ selector: { istio: egressgateway }, servers: [{ port: { number: 443, name: tls, protocol: TLS }, hosts: ' +
        '["*.example.com"], tls: { mode: ISTIO_MUTUAL } }] }',
    ),
    object(
      'ServiceEntry',
      'wild',
      '{ hosts: ["*.example.com"], resolution: DYNAMIC_DNS, ports: [{ name: tls, number: 443, protocol: TLS }] }',
    ),
    rule('tls: { mode: SIMPLE }').replace('host: site.', 'host: "*.').replace('.com,', '.com",'),
    rule('tls: { mode: ISTIO_MUTUAL, sni: site.example.com }')
      .replace('site.example.com,', `${gateway},`)
      .replace('name: site', 'name: hop'),
    object(
      'VirtualService',
      'out',
      `{ hosts: [site.example.com], http: [{ route: [{ destination: { host: ${gateway}, port: { number: 443 } } }] }] }`,
    ),
    object(
      'VirtualService',
      'exit',
      '{ hosts: ["*.example.com"], gateways: [exit], tcp: [{ route: [{ destination: { host: "*.example.com", port: ' +
        '{ number: 443 } } }] }] }',
    ),
  ].join('');
  const labels = { istio: 'egressgateway' };
  const pods = { name: 'istio-egressgateway', namespace: 'egress', labels, serviceAccount: 'exit', targetPort: 443 };
  expect(see(yaml, undefined, { ...world(), gateways: [pods] })).toMatchObject({
    outcome: 'answered',
    answeredBy: 'site.example.com',
    tlsOriginatedBy: 'gateway',
    alternatives: [{ answer: { outcome: 'refused', by: 'gateway', symptom: 503 } }],
  });
});

test('bytes by a dynamic name at the second of two gateways: the server name that the first one sends', () => {
  const pods = (name: string) => ({
    name,
    namespace: name,
    labels: { istio: name },
    serviceAccount: name,
    targetPort: 443,
  });
  const to = (host: string, port: number) => `route: [{ destination: { host: "${host}", port: { number: ${port} } } }]`;
  const gateway = (name: string, server: string) =>
    object('Gateway', name, `{ selector: { istio: ${name} }, servers: [{ hosts: ["*.example.com"], ${server} }] }`);
  const second = 'two.two.svc.cluster.local';
  const yaml = [
    ...['one', 'two'].map(
      (name) =>
        `---\n{ apiVersion: v1, kind: Service, metadata: { name: ${name}, namespace: ${name} }, spec: { selector: ` +
        `{ istio: ${name} }, ports: [{ name: http, port: 80 }, { name: tls, port: 443 }] } }\n`,
    ),
    gateway('one', 'port: { number: 80, name: http, protocol: HTTP }'),
    gateway('two', 'port: { number: 443, name: tls, protocol: TLS }, tls: { mode: PASSTHROUGH }'),
    object(
      'ServiceEntry',
      'wild',
      '{ hosts: ["*.example.com"], resolution: DYNAMIC_DNS, ports: [{ name: http, number: 80, protocol: HTTP }, ' +
        '{ name: tls, number: 443, protocol: TLS }] }',
    ),
    object(
      'DestinationRule',
      'hop',
      `{ host: ${second}, trafficPolicy: { tls: { mode: SIMPLE, sni: site.example.com } } }`,
    ).replace('namespace: shop', 'namespace: one'),
    object('VirtualService', 'in', `{ hosts: ["*.example.com"], http: [{ ${to('one.one.svc.cluster.local', 80)} }] }`),
    object('VirtualService', 'one', `{ hosts: ["*.example.com"], gateways: [one], http: [{ ${to(second, 443)} }] }`),
    object(
      'VirtualService',
      'two',
      '{ hosts: ["*.example.com"], gateways: [two], tls: [{ match: [{ sniHosts: ["*.example.com"] }], ' +
        `${to('*.example.com', 443)} }] }`,
    ),
  ].join('');
  const answer = see(yaml, undefined, { ...world(), gateways: [pods('one'), pods('two')] });
  expect(answer).toMatchObject({
    outcome: 'refused',
    reason: 'site.example.com:80 expects plaintext HTTP and receives TLS',
    alternatives: [{ answer: { outcome: 'refused', by: 'gateway', symptom: 503 } }],
  });
});

test('bytes by a dynamic name, without a server name', () => {
  const yaml = [
    entry('number: 5432, protocol: TCP', 'resolution: DNS, addresses: [203.0.113.50]'),
    object(
      'ServiceEntry',
      'wild',
      '{ hosts: ["*.example.org"], resolution: DYNAMIC_DNS, ports: [{ name: tls, number: 443, protocol: TLS }] }',
    ),
    object(
      'VirtualService',
      'out',
      '{ hosts: [site.example.com], tcp: [{ route: [{ destination: { host: "*.example.org", port: { number: 443 } } }] }] }',
    ),
  ].join('');
  expect(see(yaml, { url: 'tcp://site.example.com:5432' })).toMatchObject({
    outcome: 'refused',
    by: 'sidecar',
    symptom: 'closed',
    reason: 'the connection has no server name that the proxy could resolve',
  });
});

test('plaintext to a port that is declared as TLS', () => {
  for (const protocol of ['HTTPS', 'TLS']) {
    const yaml = entry(`number: 8443, protocol: ${protocol}`, 'resolution: DNS, addresses: [203.0.113.50]');
    for (const policy of ['REGISTRY_ONLY', 'ALLOW_ANY'] as const)
      expect(
        ask(yaml, APP, 'http://site.example.com:8443/', { mesh: { outboundTrafficPolicy: policy } }),
      ).toMatchObject({
        outcome: 'refused',
        by: 'host',
        symptom: 400,
        remarks: [{ code: 'plaintext-to-tls-port' }],
      });
    const undeclared = ask(entry(`number: 8443, protocol: ${protocol}`), APP, 'http://site.example.com:8443/', {});
    expect(undeclared).toMatchObject({ outcome: 'refused', via: 'undeclared', symptom: 400 });
  }
});

test('a dot at the end of the name: curl leaves it out, and the answer says who does not', () => {
  const tls = entry('number: 443, protocol: TLS');
  expect(see(tls, 'https://site.example.com./')).toMatchObject({
    outcome: 'answered',
    answeredBy: 'site.example.com',
    remarks: [{ code: 'dot-in-server-name' }],
  });
  expect(see(tls, 'https://site.example.com/').remarks).toEqual([]);
});

test('the model says what the mesh does with the same table', () => {
  const { table, objects } = upstreamWorld();
  const rows = judgeTable(
    objects.map((manifest, index) => ({ manifest, origin: `document ${index + 1}` })),
    table,
  );
  expect(rows.filter(({ wrong }) => wrong.length > 0)).toEqual([]);
  expect(rows.length).toBeGreaterThan(10);
});

test.each([
  ['app: nobody', 'refused'],
  ['security.istio.io/tlsMode: istio', 'undetermined'],
  ['service.istio.io/canonical-name: app', 'undetermined'],
])('pods by labels that a table can list, and by those that injection gives: %s', (labels, outcome) => {
  const yaml = entry('number: 80, protocol: HTTP', `resolution: STATIC, workloadSelector: { labels: { ${labels} } }`);
  const listed = world({}, { workloads: [{ name: 'app', ...APP }], gateways: [] });
  expect(see(yaml, 'http://site.example.com/', listed)).toMatchObject({ outcome });
});
