import { ask, ENTRY, LOCKED } from './support';
import { isPlainYes } from '../../src/explain/changes';

const object = (kind: string, apiVersion: string, spec: string, namespace = 'shop') =>
  `---\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: x, namespace: ${namespace} }\nspec: ${spec}\n`;

const PATCH = '{ applyTo: HTTP_FILTER, match: { context: SIDECAR_OUTBOUND }, patch: { operation: REMOVE } }';

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
    /trafficPolicy\.proxyProtocol/,
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
  expect(ask(`${ENTRY}${rule}`, 'shop/app', 'http://site.example.com/')).toMatchObject({
    outcome: 'answered',
    via: 'sidecar',
  });
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
  const HEADLESS = service(`{ clusterIP: None, ${PORTS} }`);
  const SLICE =
    '---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: { name: x, namespace: other, labels: { kubernetes.io/service-name: x } }\n' +
    'addressType: IPv4\nports: [{ name: tcp, port: 443 }]\nendpoints: [{ addresses: [203.0.113.10] }]\n';
  const passing = (policy: string) => PLAIN + istio('DestinationRule', `{ host: x, trafficPolicy: ${policy} }`);
  const named = { url: 'http://site.example.com/', headers: { Host: 'x.other' }, dial: '203.0.113.10' };
  const locked = {
    ...LOCKED,
    gateways: [{ namespace: 'egress', labels: { app: 'exit' }, serviceAccount: 'exit', targetPort: 443 }],
  };

  test.each([
    ['a headless Service', HEADLESS, named, /is headless: .* whatever address was dialled/],
    [
      'one by the address of an endpoint',
      HEADLESS + SLICE,
      { url: 'https://site.example.com/', dial: '203.0.113.10' },
      /headless/,
    ],
    ['a WorkloadEntry', EXTERNAL, named, /selects WorkloadEntry x/],
    [
      'one by the address of its Service',
      EXTERNAL,
      { url: 'https://site.example.com/', dial: '10.96.9.9' },
      /selects WorkloadEntry x/,
    ],
    ['one by that address as the name', EXTERNAL, 'https://10.96.9.9/', /selects WorkloadEntry x/],
    ['PASSTHROUGH', passing('{ loadBalancer: { simple: PASSTHROUGH } }'), named, /load balancer PASSTHROUGH/],
    [
      'PASSTHROUGH on a port',
      passing('{ portLevelSettings: [{ port: { number: 80 }, loadBalancer: { simple: PASSTHROUGH } }] }'),
      named,
      /load balancer PASSTHROUGH/,
    ],
  ])('%s', (_what, yaml, request, why) => {
    for (const world of [LOCKED, locked])
      expect(ask(`${ENTRY}${yaml}`, 'shop/app', request, world)).toMatchObject({
        outcome: 'undetermined',
        reason: expect.stringMatching(why),
      });
  });
});

test('an EnvoyFilter that does not apply to the caller leaves the answer unchanged', () => {
  const elsewhere = object('EnvoyFilter', 'networking.istio.io/v1alpha3', `{ configPatches: [${PATCH}] }`, 'other');
  const unselected = object(
    'EnvoyFilter',
    'networking.istio.io/v1alpha3',
    `{ workloadSelector: { labels: { app: other } }, configPatches: [${PATCH}] }`,
  );
  expect(ask(`${ENTRY}${elsewhere}${unselected}`, 'shop/app', 'http://site.example.com/')).toMatchObject({
    outcome: 'answered',
    via: 'sidecar',
  });
});

describe('what is unknown touches only requests that it can reach', () => {
  const istio = (kind: string, name: string, spec: string, namespace = 'shop') =>
    `---\napiVersion: networking.istio.io/v1\nkind: ${kind}\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec: ${spec}\n`;
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

test('an unknown address and a range that could contain it', () => {
  const range = object(
    'ServiceEntry',
    'networking.istio.io/v1',
    '{ hosts: [range.example.com], addresses: [198.51.100.0/24], resolution: STATIC, endpoints: [{ address: 203.0.113.77 }], ports: [{ number: 443, ' +
      'name: tcp, protocol: TCP }] }',
  );
  expect(ask(`${ENTRY}${range}`, 'shop/app', 'https://site.example.com/')).toMatchObject({
    condition: { holds: expect.stringMatching(/does not have an address in 198\.51\.100\.0\/24/) },
  });
  const described = {
    external: [{ host: 'site.example.com', address: '203.0.113.10', https: 'ok' as const }],
    mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' as const },
  };
  expect(ask(`${ENTRY}${range}`, 'shop/app', 'https://site.example.com/', described)).toMatchObject({
    outcome: 'answered',
    via: 'sidecar',
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
