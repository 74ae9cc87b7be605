import { ask, ENTRY, EXIT_PODS, istioObject, LOCKED, object, passThroughGateway } from './support';
import { isPlainYes } from '../../src/explain/as-wanted';

const PATCH = '{ applyTo: HTTP_FILTER, match: { context: SIDECAR_OUTBOUND }, patch: { operation: REMOVE } }';

test.each([
  'site.example.com:x',
  'site.example.com:80@other.example.com',
  'other.example.com:-1',
  'u:p@site.example.com',
])('who takes Host: %s, whose port is not a number', (Host) => {
  const request = { url: 'http://site.example.com/', headers: { Host } };
  expect(ask(ENTRY, 'shop/cart', request, LOCKED)).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringContaining('whose port is not a number'),
  });
});

test.each(['set: { Location: https://site.example.com/ }', 'remove: [location]'])(
  'where a redirect leads, if a route changes that (%s)',
  (changes) => {
    const routes = object(
      'VirtualService',
      'networking.istio.io/v1',
      `{ hosts: [site.example.com], http: [{ headers: { response: { ${changes} } }, redirect: { uri: /new } }] }`,
    );
    const at = (follow: boolean) =>
      ask(ENTRY + routes, 'shop/cart', { url: 'http://site.example.com/', follow }, LOCKED);
    expect(at(false)).toMatchObject({ symptom: 301 });
    expect(at(true)).toMatchObject({ outcome: 'undetermined', reason: expect.stringContaining('Location') });
  },
);

test.each([
  [
    'an EnvoyFilter that applies to the caller',
    object('EnvoyFilter', 'networking.istio.io/v1alpha3', `{ configPatches: [${PATCH}] }`),
    /EnvoyFilter shop\/x/,
  ],
  [
    'one that removes a filter that istiod makes',
    object(
      'EnvoyFilter',
      'networking.istio.io/v1alpha3',
      `{ configPatches: [${PATCH.replace('SIDECAR_OUTBOUND', 'SIDECAR_OUTBOUND, listener: { filterChain: { filter: { subFilter: { name: envoy.filters.http.router } } } }')}] }`,
    ),
    /EnvoyFilter shop\/x/,
  ],
  [
    'one in the root namespace',
    object('EnvoyFilter', 'networking.istio.io/v1alpha3', `{ configPatches: [${PATCH}] }`, 'istio-system'),
    /EnvoyFilter istio-system\/x/,
  ],
  [
    'a route of the Gateway API',
    object(
      'HTTPRoute',
      'gateway.networking.k8s.io/v1',
      '{ parentRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: site }] }',
    ),
    /HTTPRoute of the Gateway API/,
  ],
  [
    'ambient mode',
    '---\napiVersion: v1\nkind: Namespace\nmetadata: { name: shop, labels: { istio.io/dataplane-mode: ambient } }\n',
    /ambient/,
  ],
  [
    'a field of a DestinationRule',
    object(
      'DestinationRule',
      'networking.istio.io/v1',
      '{ host: site.example.com, trafficPolicy: { proxyProtocol: { version: V2 } } }',
    ),
    /whether site\.example\.com expects the PROXY protocol/,
  ],
  [
    'the certificate authority in a Secret, new in 1.32',
    object(
      'DestinationRule',
      'networking.istio.io/v1',
      '{ host: site.example.com, trafficPolicy: { tls: { mode: SIMPLE, caCertCredentialName: ca } } }',
    ),
    /tls\.caCertCredentialName/,
  ],
])('%s is named, and nothing is guessed', (_what, yaml, message) => {
  expect(ask(`${ENTRY}${yaml}`, 'shop/app', 'http://site.example.com/')).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringMatching(message),
  });
});

test('what 1.32 adds to load balancing and ejection decides nothing between the addresses of one host', () => {
  const rule = object(
    'DestinationRule',
    'networking.istio.io/v1',
    '{ host: site.example.com, trafficPolicy: { loadBalancer: { backendUtilization: { weightUpdatePeriod: 1s } }, outlierDetection: { failurePercentageThreshold: 50 } } }',
  );
  const see = (istioVersion?: string) =>
    ask(`${ENTRY}${rule}`, 'shop/app', 'http://site.example.com/', { ...LOCKED, istioVersion });
  expect(see('1.32')).toMatchObject({ outcome: 'answered', via: 'sidecar' });
  // No release has it yet.
  for (const version of ['1.31', undefined])
    expect(see(version)).toMatchObject({ outcome: 'undetermined', reason: expect.stringMatching(/needs Istio 1\.32/) });
});

test.each(['alpnProtocols: [http/1.1]', 'ecdhCurves: [P-256]', 'caCertCredentialName: ca'])(
  "a server's TLS field that is new in 1.32, %s, is named",
  (field) => {
    const yaml =
      `${ENTRY}---\napiVersion: apps/v1\nkind: Deployment\nmetadata: { name: gw, namespace: egress }\n` +
      'spec: { template: { metadata: { labels: { istio: gw } } } }\n' +
      '---\napiVersion: v1\nkind: Service\nmetadata: { name: gw, namespace: egress }\n' +
      'spec: { selector: { istio: gw }, ports: [{ name: tls, port: 443, targetPort: 8443 }] }\n' +
      object(
        'Gateway',
        'networking.istio.io/v1',
        `{ selector: { istio: gw }, servers: [{ port: { number: 443, name: tls, protocol: HTTPS }, hosts: ['*'], tls: { mode: SIMPLE, credentialName: c, ${field} } }] }`,
        'egress',
      );
    expect(ask(yaml, 'shop/app', 'https://gw.egress.svc.cluster.local/')).toMatchObject({
      outcome: 'undetermined',
      reason: expect.stringContaining(`tls.${field.split(':')[0]}`),
    });
  },
);

describe('what names a Service of the mesh is not answered as if it met the gateway or nobody', () => {
  const service = (spec: string) => object('Service', 'v1', spec, 'other');
  const istio = (kind: string, spec: string) => object(kind, 'networking.istio.io/v1', spec, 'other');
  const PORTS = 'ports: [{ name: http, port: 80 }, { name: tcp, port: 443 }]';
  const PLAIN = service(`{ clusterIP: 10.96.9.9, selector: { app: x }, ${PORTS} }`);
  const EXTERNAL = PLAIN + istio('WorkloadEntry', '{ address: 203.0.113.10, labels: { app: x } }');
  const SHARING = istio(
    'ServiceEntry',
    `{ hosts: [x.other.svc.cluster.local], exportTo: ['.'], resolution: STATIC, endpoints: [{ address: 203.0.113.10 }], ports: [{ number: 443, name: tcp, protocol: TCP }] }`,
  );
  const named = { url: 'http://site.example.com/', headers: { Host: 'x.other' }, dial: '203.0.113.10' };
  const locked = {
    ...LOCKED,
    gateways: [{ namespace: 'egress', labels: { app: 'exit' }, serviceAccount: 'exit', targetPort: 443 }],
  };

  test.each([
    ['a WorkloadEntry', EXTERNAL, named, /selects WorkloadEntry x/],
    [
      'one by the address of its Service',
      EXTERNAL,
      { url: 'https://site.example.com/', dial: '10.96.9.9' },
      /selects WorkloadEntry x/,
    ],
    ['one by that address as the name', EXTERNAL, 'https://10.96.9.9/', /selects WorkloadEntry x/],
    [
      'an entry for the Service, with those that a selector finds',
      PLAIN + SHARING.replace('endpoints: [{ address: 203.0.113.10 }]', 'workloadSelector: { labels: { app: x } }'),
      named,
      /ServiceEntry other\/x has the host of Service x/,
    ],
    ['an entry for the Service', PLAIN + SHARING, named, /ServiceEntry other\/x has the host of Service x/],
  ])('%s', (_what, yaml, request, why) => {
    for (const world of [LOCKED, locked])
      expect(ask(`${ENTRY}${yaml}`, 'shop/app', request, world)).toMatchObject({
        outcome: 'undetermined',
        reason: expect.stringMatching(why),
      });
  });
});

describe('what is unknown touches only requests that it can reach', () => {
  const istio = (kind: string, name: string, spec: string, namespace = 'shop') =>
    istioObject(kind, name, namespace, spec);
  const outcome = (yaml: string, url: string, caller: Parameters<typeof ask>[1] = 'shop/app') =>
    ask(`${ENTRY}${yaml}`, caller, url).outcome;

  test('a tunnel: connections that no proxy reads', () => {
    const tunnel = istio(
      'DestinationRule',
      'site',
      '{ host: site.example.com, trafficPolicy: { tunnel: { targetHost: a, targetPort: 1 } } }',
    );
    expect(outcome(tunnel, 'https://site.example.com/')).toBe('undetermined');
    expect(outcome(tunnel, 'http://site.example.com/')).toBe('answered');
  });

  test('an egress listener at every address that captures nothing: its port', () => {
    const sidecar = istio(
      'Sidecar',
      'default',
      "{ egress: [{ port: { number: 80, name: http, protocol: HTTP }, bind: 0.0.0.0, captureMode: NONE, hosts: ['*/*'] }, { hosts: ['*/*'] }] }",
    );
    expect(outcome(sidecar, 'http://site.example.com/')).toBe('undetermined');
    expect(outcome(sidecar, 'https://site.example.com/')).toBe('answered');
    expect(outcome(sidecar.replace('0.0.0.0', '127.0.0.1'), 'http://site.example.com/')).toBe('answered');
    expect(outcome(sidecar.replace('0.0.0.0', '127.0.0.1'), 'http://127.0.0.1/')).toBe('undetermined');
  });

  test('endpoints that an entry selects: its host, unless only WorkloadEntries have the labels', () => {
    const selecting = istio(
      'ServiceEntry',
      'vm',
      '{ hosts: [vm.example.com], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: STATIC, workloadSelector: { labels: { vm: a } } }',
    );
    const workload = istio('WorkloadEntry', 'vm', '{ address: 203.0.113.60, labels: { vm: a } }');
    const pods =
      '---\napiVersion: apps/v1\nkind: Deployment\nmetadata: { name: vm, namespace: shop }\n' +
      'spec: { template: { metadata: { labels: { vm: a } } } }\n';
    expect(outcome(selecting, 'http://vm.example.com/')).toBe('undetermined');
    expect(outcome(selecting, 'http://site.example.com/')).toBe('answered');
    expect(outcome(selecting + workload, 'http://vm.example.com/')).toBe('answered');
    expect(outcome(selecting + workload + pods, 'http://vm.example.com/')).toBe('undetermined');
  });

  test('an endpoint of another network: where a gateway connects networks', () => {
    const far = istio(
      'ServiceEntry',
      'far',
      '{ hosts: [far.example.com], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: STATIC, endpoints: [{ address: 203.0.113.63, network: n2 }] }',
    );
    const eastWest =
      '---\napiVersion: v1\nkind: Service\nmetadata: { name: ew, namespace: istio-system, labels: { topology.istio.io/network: n2 } }\n' +
      'spec: { selector: { istio: eastwestgateway }, ports: [{ port: 15443, name: tls }] }\n';
    expect(outcome(far, 'http://far.example.com/')).toBe('answered');
    expect(outcome(far + eastWest, 'http://far.example.com/')).toBe('undetermined');
    expect(outcome(far + eastWest, 'http://site.example.com/')).toBe('answered');
  });

  test('a Service without a selector and without endpoints: requests that it receives', () => {
    const legacy =
      '---\napiVersion: v1\nkind: Service\nmetadata: { name: legacy, namespace: shop }\nspec: { ports: [{ name: http, port: 80 }] }\n';
    expect(outcome(legacy, 'http://legacy/')).toBe('undetermined');
    expect(outcome(legacy, 'http://site.example.com/')).toBe('answered');
  });

  test('several entries of a host, with an address each: ports that not all of them have', () => {
    const entry = (name: string, ...ports: number[]) =>
      istio(
        'ServiceEntry',
        name,
        `{ hosts: [db.example.com], resolution: DNS, ports: [${ports.map((port) => `{ number: ${port}, name: tcp-${port}, protocol: TCP }`).join(', ')}] }`,
      );
    const caller = (dnsCapture: boolean) => ({ namespace: 'shop', serviceAccount: 'app', dnsCapture });
    const both = entry('a', 446, 448) + entry('b', 446);
    // Which address the application receives is chance.
    const answer = ask(`${ENTRY}${both}`, caller(true), 'tcp://db.example.com:448');
    expect(answer.alternatives).toMatchObject([{ answer: { outcome: 'refused' } }]);
    expect(isPlainYes(answer)).toBe(false);
    expect(outcome(both, 'tcp://db.example.com:446', caller(true))).toBe('answered');
    expect(outcome(both, 'tcp://db.example.com:448', caller(false))).toBe('answered');
  });
});

test('a Service with port 80 in a namespace that a Sidecar imports, and of which no manifest tells', () => {
  const istio = (kind: string, spec: string) => object(kind, 'networking.istio.io/v1', spec);
  const sidecar = istio(
    'Sidecar',
    '{ egress: [{ hosts: ["*/other.example.com", egress/*] }], outboundTrafficPolicy: { mode: ALLOW_ANY } }',
  );
  const route = istio(
    'VirtualService',
    '{ hosts: [other.example.com], http: [{ route: [{ destination: { host: other.example.com } }] }] }',
  );
  const see = (more: string, url = 'http://other.example.com/') => ask(`${sidecar}${more}`, 'shop/app', url);
  expect(see(route)).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringMatching(
      /a Service of namespace egress has an HTTP port 80.*add the Services of namespace egress/,
    ),
  });
  expect(see(route, 'https://other.example.com/')).toMatchObject({ outcome: 'answered', via: 'undeclared' });
  const service = object('Service', 'v1', '{ ports: [{ name: http, port: 80 }] }', 'egress');
  expect(see(route + service).outcome).not.toBe('undetermined');
});

test.each(['NONE', 'STATIC', 'DNS'])(
  'an entry without endpoints, resolution %s, gives none to the Service of its host',
  (resolution) => {
    const date = (text: string) => text.replace('metadata: {', 'metadata: { creationTimestamp: 2020-01-01T00:00:00Z,');
    const sharing = date(
      object(
        'ServiceEntry',
        'networking.istio.io/v1',
        `{ hosts: [exit.egress.svc.cluster.local], resolution: ${resolution}, ports: [{ number: 443, name: tls, protocol: TLS }] }`,
        'egress',
      ),
    );
    const gateways = [EXIT_PODS];
    const yaml = ENTRY + passThroughGateway() + sharing;
    expect(
      ask(yaml, 'shop/cart', 'https://site.example.com/', { ...LOCKED, gateways, undatedAge: 'youngest' }),
    ).toMatchObject({
      outcome: 'answered',
      via: 'gateway',
    });
  },
);

describe('a regular expression', () => {
  const answering = (regex: string, more = '') =>
    object(
      'VirtualService',
      'networking.istio.io/v1',
      `{ hosts: [site.example.com], http: [{ match: [{ uri: { regex: '${regex}' }${more} }], directResponse: { status: 403 } }, { directResponse: { status: 410 } }] }`,
    );
  const see = (regex: string, path: string) => {
    const { symptom, outcome } = ask(ENTRY + answering(regex), 'shop/cart', `http://site.example.com${path}`);
    return symptom ?? outcome;
  };

  test.each([
    '/\\pN+',
    '/[[:alpha:]]+',
    '/\\Qa.b\\E',
    '/(?s).*',
    '/[]a]',
    '/(?P<name>a)',
    '/\\x{61}',
    '/[\\b]',
    '/\\R',
  ])('%s, which RE2 reads and JavaScript does not, or in another way', (regex) =>
    expect(see(regex, '/a')).toBe('undetermined'),
  );

  test('is evaluated otherwise, also without regard to case', () => {
    expect(see('/\\w+\\.[a-c]{2}(?:/.*)?', '/id.ab/c')).toBe(403);
    expect(see('/a', '/A')).toBe(410);
    expect(see('(?i)/a', '/A')).toBe(403);
    expect(see('/\\ba\\b.*\\Bd\\x2e', '/a/cd.')).toBe(403);
    expect(see('/\\ba\\b.*', '/ab')).toBe(410);
    expect(see('/[^\\f\\v]', '/a')).toBe(403);
  });
});

describe('routes that match the same connections', () => {
  const routes = (...matches: string[]) =>
    object(
      'VirtualService',
      'networking.istio.io/v1',
      `{ hosts: [site.example.com, other.example.com], tls: [${matches
        .map((match) => `{ match: [${match}], route: [{ destination: { host: site.example.com } }] }`)
        .join(', ')}] }`,
    );
  const see = (...matches: string[]) =>
    ask(ENTRY + routes(...matches), 'shop/cart', 'https://site.example.com/', {
      ...LOCKED,
      declaredAddresses: true,
    });
  const own = '{ sniHosts: [site.example.com] }';
  const range = '{ sniHosts: [site.example.com], destinationSubnets: [203.0.113.0/28] }';

  test('of which Envoy rejects the listener: what the proxy has then is unknown', () => {
    const overlap = /^two routes match the same connections to port 443 for site\.example\.com: Envoy rejects/;
    const both = '{ sniHosts: [other.example.com, site.example.com] }';
    expect(see(own, both)).toMatchObject({ outcome: 'undetermined', reason: expect.stringMatching(overlap) });
    // The second match inherits the range of the first.
    expect(see(range, own)).toMatchObject({ outcome: 'undetermined', reason: expect.stringMatching(overlap) });
  });

  test('of which istiod leaves one out: not undetermined', () => {
    expect(see(own, own).outcome).toBe('answered');
    expect(see(own, range).outcome).toBe('answered');
  });
});

test('a server name with a "*" and no dot after it is one for which Envoy rejects the listener', () => {
  const entry = ENTRY.replace('site.example.com', '"*ite.example.com"').replace('DNS', 'NONE');
  const see = (scheme: string) => ask(entry, 'shop/cart', `${scheme}://site.example.com/`);
  expect(see('https')).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringMatching(/^the server name \*ite\.example\.com has no dot after the "\*" on port 443: Envoy/),
    causes: [{ kind: 'ServiceEntry' }],
  });
  expect(see('http')).toMatchObject({ outcome: 'answered' });
});

test('a redirect with a status that istiod does not know spoils the routes of all hosts on its port', () => {
  const spoiling = object(
    'VirtualService',
    'networking.istio.io/v1',
    '{ hosts: [elsewhere.example.com], http: [{ redirect: { uri: /x, redirectCode: 300 } }] }',
  );
  for (const host of ['elsewhere', 'site']) {
    expect(ask(ENTRY + spoiling, 'shop/cart', `http://${host}.example.com/`)).toMatchObject({
      outcome: 'undetermined',
      reason: expect.stringMatching(/redirect with 300, and Envoy rejects all routes of the port/),
    });
  }
  expect(ask(ENTRY + spoiling, 'shop/cart', 'https://site.example.com/')).toMatchObject({ outcome: 'answered' });
});

test('TLS that a gateway passes on to a dynamic host goes to port 80, where no TLS is expected', () => {
  const wild = object(
    'ServiceEntry',
    'networking.istio.io/v1',
    '{ hosts: ["*.example.com"], resolution: DYNAMIC_DNS, ports: [{ number: 443, name: tls, protocol: TLS }] }',
    'egress',
  );
  const routes = passThroughGateway().replace(
    'route: [{ destination: { host: site.example.com',
    'route: [{ destination: { host: "*.example.com"',
  );
  const gateways = [{ ...EXIT_PODS, name: 'exit' }];
  expect(ask(ENTRY + wild + routes, 'shop/cart', 'https://site.example.com/', { ...LOCKED, gateways })).toMatchObject({
    outcome: 'refused',
    reason: expect.stringMatching(/site\.example\.com:80 .*expects plaintext HTTP and receives TLS/),
  });
});

describe('a dynamic host with options of HTTP', () => {
  const wild = (port: string) =>
    object(
      'ServiceEntry',
      'networking.istio.io/v1',
      `{ hosts: ["*.example.net"], location: MESH_EXTERNAL, resolution: DYNAMIC_DNS, ports: [${port}] }`,
    );
  const rule = (policy: string) =>
    object('DestinationRule', 'networking.istio.io/v1', `{ host: "*.example.net", trafficPolicy: ${policy} }`);
  const see = (objects: string) => ask(objects, 'shop/cart', 'http://a.example.net/').outcome;
  const http = wild('{ number: 80, name: http, protocol: HTTP }');
  const http2 = wild('{ number: 80, name: http, protocol: HTTP2 }');
  const preserving = object(
    'Deployment',
    'apps/v1',
    '{ template: { metadata: { labels: { app: cart }, annotations: { proxy.istio.io/config: ' +
      '"proxyHeaders: { preserveHttp1HeaderCase: true }" } }, spec: { serviceAccountName: cart } } }',
  );

  test.each([
    ['HTTP/2', http2],
    ['an upgrade', http + rule('{ connectionPool: { http: { h2UpgradePolicy: UPGRADE } } }')],
    ['requests for each connection', http + rule('{ connectionPool: { http: { maxRequestsPerConnection: 1 } } }')],
    ['a timeout', http + rule('{ connectionPool: { tcp: { idleTimeout: 5s } } }')],
    ['the case of headers', http + preserving],
  ])('without TLS Envoy rejects its cluster: %s', (_what, objects) => expect(see(objects)).toBe('undetermined'));

  test('the case of headers, which a gateway preserves', () => {
    const at = (config: string) => {
      const labels = JSON.stringify(EXIT_PODS.labels);
      const template = `{ metadata: { labels: ${labels}, annotations: { proxy.istio.io/config: "${config}" } } }`;
      const route = (gateway: string, host: string) =>
        `{ match: [{ gateways: [${gateway}] }], route: [{ destination: { host: "${host}", port: { number: 80 } } }] }`;
      const server = '{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*.example.net"] }';
      const routes = `${route('mesh', 'x.egress.svc.cluster.local')}, ${route('exit', '*.example.net')}`;
      const objects = [
        object('Deployment', 'apps/v1', `{ template: ${template} }`, 'egress'),
        object('Service', 'v1', `{ selector: ${labels}, ports: [{ name: http, port: 80 }] }`, 'egress'),
        istioObject('Gateway', 'exit', 'egress', `{ selector: ${labels}, servers: [${server}] }`),
        istioObject(
          'VirtualService',
          'out',
          'egress',
          `{ hosts: ["*.example.net"], gateways: [mesh, exit], http: [${routes}] }`,
        ),
      ];
      const world = { ...LOCKED, gateways: [EXIT_PODS] };
      return ask(http + objects.join(''), 'shop/cart', 'http://a.example.net/', world).outcome;
    };
    expect(at('concurrency: 1')).toBe('answered');
    expect(at('proxyHeaders: { preserveHttp1HeaderCase: true }')).toBe('undetermined');
  });

  test('with TLS, and with other limits, it does not', () => {
    expect(see(http2 + rule('{ tls: { mode: SIMPLE } }'))).toBe('answered');
    expect(see(http + preserving + rule('{ tls: { mode: SIMPLE } }'))).toBe('answered');
    expect(see(http + rule('{ connectionPool: { http: { maxRetries: 1 }, tcp: { maxConnections: 1 } } }'))).toBe(
      'answered',
    );
  });
});
