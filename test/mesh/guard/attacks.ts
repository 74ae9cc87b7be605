/** What the policies of `EgressGuard` refuse, by what it is. */
import {
  istio,
  many,
  service,
  tcp,
  mutual,
  OUR_PODS,
  THEIR_PODS,
  pod,
  ownRoute,
  ownHash,
  telemetry,
  GATEWAY_BY_CONFIG_MAP,
  gatewayApi,
  managedGateway,
  retryPolicy,
  tlsPolicy,
  AUTHORITIES_OF_CONFIG_MAP,
  extension,
  proxyConfig,
  PROXY_USER,
} from './objects';
import { UNREADABLE_CONNECTIONS, UNREADABLE_ROUTES, UNREADABLE_RULES } from './unreadable';
import { KubeObject } from '../lab';

/** Pods that take their traffic from their sidecar, or have none. */
export const PODS: Record<string, KubeObject> = {
  'a pod without capture, by the configuration of its proxy': pod({
    annotations: { 'proxy.istio.io/config': '{"interceptionMode":"NONE"}' },
  }),
  'a pod whose proxy obeys somebody else': pod({
    annotations: { 'proxy.istio.io/config': 'discovery_address: xds.other.svc:15012' },
  }),
  'a pod whose proxy captures no group': pod({
    annotations: { 'proxy.istio.io/config': '{"proxyMetadata":{"ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE":"*"}}' },
  }),
  'a pod that istio-cni leaves alone': pod({
    annotations: { 'proxy.istio.io/config': 'proxyMetadata: { DISABLE_ENVOY: "true" }' },
  }),
  "a pod that writes into the injector's template": pod({
    annotations: { 'istio.io/reroute-virtual-interfaces': 'x"\n    command: ["true"]\n    unknown: ["' },
  }),
  'the same, and no more of it': pod({
    annotations: {
      'proxy.istio.io/config':
        "proxyMetadata:\n  ISTIO_META_A: 'x\"\n\n    spec: { containers: [] }\n\n    ...\n\n    '",
    },
  }),
  'the same by the name of its owner': pod({
    ownerReferences: [{ apiVersion: 'a/v1', kind: 'A', name: 'x"\n    command: ["true"]', uid: 'a' }],
  }),
  'the same by the name of a volume': pod({
    annotations: { 'sidecar.istio.io/userVolume': '{"a\\"\\n  b: \\"": {}}' },
  }),
  'the same by the configuration of its proxy': pod({
    annotations: { 'proxy.istio.io/config': 'proxyMetadata:\n  ISTIO_META_A: |\n    x"\n        command: ["true"]' },
  }),
  'a container called like one that the injector did not write': pod(
    { annotations: { 'sidecar.istio.io/status': '{"initContainers":["istio-init"],"containers":["istio-proxy"]}' } },
    { containers: [{ name: 'istio-validation', image: 'none', ...PROXY_USER }] },
  ),
  "a debug container called like one of the injector's": pod(
    { annotations: { 'sidecar.istio.io/status': '{"initContainers":["istio-init"],"containers":["istio-proxy"]}' } },
    { ephemeralContainers: [{ name: 'istio-init', image: 'none', ...PROXY_USER }] },
  ),
  'a pod that may change the capture': pod(
    {},
    { containers: [{ name: 'app', image: 'none', securityContext: { capabilities: { add: ['NET_ADMIN'] } } }] },
  ),
  'a debug container of the profile general': pod(
    { annotations: { 'sidecar.istio.io/status': '{"containers":["istio-proxy"]}' } },
    {
      ephemeralContainers: [
        { name: 'debugger', image: 'none', securityContext: { capabilities: { add: ['SYS_PTRACE'] } } },
      ],
    },
  ),
  'a pod of a gateway': pod({ annotations: { 'inject.istio.io/templates': 'gateway' } }),
  'a privileged pod': pod({}, { containers: [{ name: 'app', image: 'none', securityContext: { privileged: true } }] }),
  'a pod without injection, spelt otherwise': pod({ labels: { 'sidecar.istio.io/inject': 'False' } }),
  'a pod that excludes a port': pod({ annotations: { 'traffic.sidecar.istio.io/excludeOutboundPorts': '443' } }),
  'a pod that captures some ranges': pod({
    annotations: { 'traffic.sidecar.istio.io/includeOutboundIPRanges': '10.0.0.0/8' },
  }),
  'a pod without capture': pod({ annotations: { 'sidecar.istio.io/interceptionMode': 'NONE' } }),
  'a pod without a sidecar': pod({ labels: { 'sidecar.istio.io/inject': 'false' } }),
  "a pod on the host's network": pod({}, { hostNetwork: true }),
  "a pod with the proxy's user": pod({}, { securityContext: { runAsUser: 1337 } }),
  'a pod whose probe leads elsewhere': pod(
    {},
    {
      containers: [
        { name: 'app', image: 'none', livenessProbe: { httpGet: { host: '203.0.113.66', path: '/', port: 80 } } },
      ],
    },
  ),
  'a pod whose hook leads elsewhere': pod(
    {},
    {
      containers: [
        { name: 'app', image: 'none', lifecycle: { postStart: { httpGet: { host: 'a.example.com', port: 80 } } } },
      ],
    },
  ),
  'a pod whose sidecar comes up after its first containers': pod({
    annotations: { 'sidecar.istio.io/nativeSidecar': 'false' },
  }),
  'a pod whose application could write what its proxy starts with': pod(
    {},
    { containers: [{ name: 'app', image: 'none', volumeMounts: [{ name: 'istio-envoy', mountPath: '/mnt' }] }] },
  ),
  'a pod whose proxy reports to a host': pod({
    annotations: { 'proxy.istio.io/config': 'envoyMetricsService: { address: "open.example.com:80" }' },
  }),
  'a pod whose proxy reports to a collector by its name': pod({
    annotations: { 'proxy.istio.io/config': 'tracing: { zipkin: { address: "zipkin.istio-system:9411" } }' },
  }),
  "a pod that writes into Envoy's bootstrap": pod({
    annotations: { 'sidecar.istio.io/extraStatTags': 'a"}]}, "static_resources": {"listeners": []}, "b": {"c": "' },
  }),
  'the same by a setting of its proxy': pod({
    annotations: {
      'proxy.istio.io/config': `extraStatTags: ['a"}]}, "static_resources": {"listeners": []}, "b": {"c": "']`,
    },
  }),
  'a pod with an annotation of Istio that nobody knows': pod({ annotations: { 'sidecar.istio.io/next': 'true' } }),
  'a pod with a label of Istio that nobody knows': pod({ labels: { 'sidecar.istio.io/next': 'true' } }),
  'a pod whose proxy has a variable that nobody knows': pod({
    annotations: { 'proxy.istio.io/config': 'proxyMetadata: { ISTIO_META_GENERATOR: grpc }' },
  }),
  'a pod whose proxy finds another address under the name of an istiod': pod(
    {},
    { hostAliases: [{ ip: '203.0.113.66', hostnames: ['erp.example.com', 'istiod-canary.istio-system.svc'] }] },
  ),
  "a container with the proxy's group": pod(
    {},
    { containers: [{ name: 'app', image: 'none', securityContext: { runAsGroup: 1337 } }] },
  ),
};

const toX = { route: [{ destination: { host: 'x' } }] };
const site = (n: number) => `a${n}.example.com`;
const uris = (count: number) => many(count, (n) => ({ uri: { exact: `/${n}` } }));
const accounts = (kind: string) =>
  service(
    { selector: { app: 'x' }, ports: [{ name: 'http', port: 80 }] },
    { annotations: { [`alpha.istio.io/${kind}-serviceaccounts`]: many(21, (n) => `a${n}`).join(',') } },
  );
const privateRoute = (hosts: number, http: object[]) =>
  istio('VirtualService', { exportTo: ['.'], hosts: many(hosts, site), http });
const manyHeaders = (count: number) => Object.fromEntries(many(count, (n) => [`x-${n}`, 'a']));

/** Each is what breaks a promise when it is stored; some are one object of several that only work together. */
export const ATTACKS: Record<string, KubeObject> = {
  'an entry with the address of a host': istio('ServiceEntry', {
    hosts: ['x.other.internal'],
    addresses: ['203.0.113.10'],
    location: 'MESH_EXTERNAL',
    resolution: 'NONE',
    ports: [tcp],
  }),
  'an entry with every address': istio('ServiceEntry', {
    hosts: ['x.other.internal'],
    addresses: ['0.0.0.0/1', '128.0.0.0/1'],
    resolution: 'NONE',
    ports: [tcp],
  }),
  'an entry that leads to a pod': istio('ServiceEntry', {
    hosts: ['x.other.internal'],
    addresses: ['203.0.113.0/24'],
    resolution: 'STATIC',
    ports: [tcp],
    endpoints: [{ address: '10.244.1.1' }],
  }),
  'an entry for one other namespace': istio('ServiceEntry', {
    hosts: ['x.other.internal'],
    addresses: ['203.0.113.10'],
    exportTo: ['.', 'shop'],
    resolution: 'NONE',
    ports: [tcp],
  }),
  'an entry that gives an own Service its endpoints': istio('ServiceEntry', {
    hosts: ['x.other.svc.cluster.local'],
    exportTo: ['.'],
    resolution: 'STATIC',
    ports: [tcp],
    endpoints: [{ address: '203.0.113.10' }],
  }),
  'an entry that makes one of the name of an own Service': istio('ServiceEntry', {
    hosts: ['x.other.svc.cluster.local'],
    exportTo: ['.'],
    resolution: 'DNS',
    ports: [tcp],
  }),
  'an entry for an own Service that leads where the caller wanted': istio('ServiceEntry', {
    hosts: ['x.other.svc.cluster.local'],
    exportTo: ['.'],
    resolution: 'NONE',
    ports: [tcp],
  }),
  'the same beside another host': istio('ServiceEntry', {
    hosts: ['www.example.com', 'x.other.svc.cluster.local'],
    exportTo: ['.'],
    resolution: 'STATIC',
    ports: [tcp],
    workloadSelector: { labels: { app: 'x' } },
  }),
  ...Object.fromEntries(
    Object.entries({
      'an entry with an address that ends istiod': '::ffff:240.240.0.9',
      'the same address in other digits': '0:0::0:FFFF:f0f0:9',
      'an entry with an address that istiod allocates to others': '240.240.0.1',
      'the same by IPv6': '2001:0002:0::1',
    }).map(([what, address]) => [
      what,
      istio('ServiceEntry', {
        hosts: ['x.other.internal'],
        exportTo: ['.'],
        addresses: ['198.51.100.1', address],
        resolution: 'STATIC',
        ports: [tcp],
        endpoints: [{ address: '203.0.113.10' }],
      }),
    ]),
  ),
  ...PODS,
  'a TrafficExtension that runs a program in the sidecar': extension({ lua: { inlineCode: 'os.execute("id")' } }),
  'an EnvoyFilter, which could bring one': {
    ...istio('EnvoyFilter', { configPatches: [] }),
    apiVersion: 'networking.istio.io/v1alpha3',
  },
  'a ProxyConfig that captures no group': proxyConfig({ ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE: '*' }),
  'a ProxyConfig whose image is more than one': {
    ...proxyConfig({}),
    spec: { image: { imageType: 'a"\n    command: ["true"]' } },
  },
  "a ProxyConfig that writes into the injector's template": proxyConfig({ ISTIO_META_A: 'x"\n command: ["true"]' }),
  'an EndpointSlice with the address of a host': {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'x', namespace: 'other', labels: { 'kubernetes.io/service-name': 'x' } },
    addressType: 'IPv4',
    ports: [{ name: 'tcp', port: 80 }],
    endpoints: [{ addresses: ['203.0.113.10'] }],
  },
  'Endpoints with the address of a host': {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'x', namespace: 'other' },
    subsets: [{ addresses: [{ ip: '203.0.113.10' }], ports: [{ name: 'tcp', port: 80 }] }],
  },
  'a Service with the address of a host': service({
    externalIPs: ['203.0.113.10'],
    selector: { app: 'x' },
    ports: [{ name: 'tcp', port: 80 }],
  }),
  'a Service that is a gateway to a network': service(
    { selector: { app: 'x' }, ports: [{ name: 'tls', port: 15443 }] },
    { labels: { 'topology.istio.io/network': 'a' } },
  ),
  'a Service that takes the place of what sidecars listen for': service({
    selector: { app: 'x' },
    ports: [{ name: 'a', port: 443, appProtocol: 'http_proxy' }],
  }),
  'a Service with a port for SCTP beside one for TCP': service({
    selector: { app: 'x' },
    ports: [
      { name: 'http', port: 80 },
      { name: 'sctp', port: 80, protocol: 'SCTP' },
    ],
  }),
  'a Service that istiod takes for one of its own': service(
    { selector: { app: 'x' }, ports: [{ name: 'http', port: 80 }] },
    { labels: { 'internal.istio.io/service-semantics': 'inferencepool' } },
  ),
  'a Service with ports for more clusters than proxies hold': service({
    selector: { app: 'x' },
    ports: many(101, (n) => ({ name: `http-${n}`, port: 8000 + n })),
  }),
  'a rule of an own Service with subsets for more clusters than proxies hold': istio('DestinationRule', {
    host: 'x',
    subsets: many(51, (n) => ({ name: `v${n}` })),
  }),
  'a private rule with subsets for more clusters than that': istio('DestinationRule', {
    exportTo: ['.'],
    host: 'a.example.com',
    subsets: many(1001, (n) => ({ name: `v${n}` })),
  }),
  'the same for more clusters, for every Service': istio('DestinationRule', {
    exportTo: ['.'],
    host: '*.svc.cluster.local',
    subsets: many(11, (n) => ({ name: `v${n}` })),
  }),
  'a rule of an own Service with more names than proxies hold': istio('DestinationRule', {
    host: 'x',
    trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', subjectAltNames: many(21, site) } },
  }),
  'a private rule with as many, for a port of a subset': istio('DestinationRule', {
    exportTo: ['.'],
    host: '*.svc.cluster.local',
    subsets: [
      {
        name: 'a',
        trafficPolicy: {
          portLevelSettings: [{ port: { number: 80 }, tls: { mode: 'SIMPLE', subjectAltNames: many(21, site) } }],
        },
      },
    ],
  }),
  'a rule of an own Service with more attributes of a cookie than proxies hold': ownHash({
    httpCookie: { name: 'a', attributes: many(21, (n) => ({ name: `a${n}` })) },
  }),
  'a rule of an own Service with one name longer than proxies hold': istio('DestinationRule', {
    host: 'x',
    trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', subjectAltNames: ['a'.repeat(5001)] } },
  }),
  'the same as what is sent in the clear, private': istio('DestinationRule', {
    exportTo: ['.'],
    host: 'a.example.com',
    subsets: [{ name: 'a', trafficPolicy: { tls: { mode: 'SIMPLE', sni: 'a'.repeat(5001) } } }],
  }),
  'the same as a file, private': istio('DestinationRule', {
    exportTo: ['.'],
    host: 'a.example.com',
    trafficPolicy: {
      portLevelSettings: [{ port: { number: 80 }, tls: { mode: 'SIMPLE', caCertificates: `/${'a'.repeat(5000)}` } }],
    },
  }),
  'a rule of an own Service with a cookie longer than routes hold': ownHash({
    httpCookie: { name: 'a'.repeat(501), ttl: '0s' },
  }),
  'the same with its path': ownHash({ httpCookie: { name: 'a', path: `/${'a'.repeat(500)}`, ttl: '0s' } }),
  'the same with an attribute': ownHash({
    httpCookie: { name: 'a', attributes: [{ name: 'b', value: 'c'.repeat(500) }] },
  }),
  'a private rule that hashes by a header longer than routes hold': istio('DestinationRule', {
    exportTo: ['.'],
    host: 'a.example.com',
    trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: 'a'.repeat(501) } } },
  }),
  'a Service with one account longer than proxies hold': service(
    { selector: { app: 'x' }, ports: [{ name: 'http', port: 80 }] },
    { annotations: { 'alpha.istio.io/canonical-serviceaccounts': 'a'.repeat(5001) } },
  ),
  'a Service with more accounts of both kinds than proxies hold': service(
    { selector: { app: 'x' }, ports: [{ name: 'http', port: 80 }] },
    {
      annotations: Object.fromEntries(
        ['canonical', 'kubernetes'].map((kind) => [
          `alpha.istio.io/${kind}-serviceaccounts`,
          many(11, (n) => `${kind}${n}`).join(','),
        ]),
      ),
    },
  ),
  'a Service with more accounts than proxies hold': accounts('canonical'),
  'the same by names': accounts('kubernetes'),
  'a rule of an own Service with more priorities than Envoy knows': istio('DestinationRule', {
    host: 'x',
    trafficPolicy: { loadBalancer: { localityLbSetting: { failoverPriority: many(21, (n) => `l${n}=1`) } } },
  }),
  'the same for a port, by zones': istio('DestinationRule', {
    host: 'x',
    trafficPolicy: {
      portLevelSettings: [
        {
          port: { number: 80 },
          loadBalancer: { zoneAwareLbSetting: { failoverPriority: many(21, (n) => `l${n}=1`) } },
        },
      ],
    },
  }),
  'a private route whose prefixes fill the memory of istiod': istio('VirtualService', {
    exportTo: ['.'],
    hosts: ['a.example.com'],
    http: [{ match: many(501, (n) => ({ uri: { prefix: '/'.repeat(n + 1) } })), ...toX }],
  }),
  'a private route whose rules fill it, for each host': privateRoute(
    50,
    many(401, () => toX),
  ),
  'the same by its matches': privateRoute(50, [{ match: uris(401), ...toX }]),
  'a private route with more matches than sidecars hold, for each port': privateRoute(1, [
    { match: uris(2001), ...toX },
  ]),
  'the same by its rules, for each host': privateRoute(
    50,
    many(41, () => toX),
  ),
  'a private route with a long header for each match and port': privateRoute(1, [
    { match: uris(100), ...toX, headers: { request: { set: { a: 'b'.repeat(5000) } } } },
  ]),
  ...Object.fromEntries(
    Object.entries({
      'with a header for a destination': {
        route: [{ ...toX.route[0], headers: { response: { add: { a: 'b'.repeat(5000) } } } }],
      },
      'with headers to remove': { ...toX, headers: { response: { remove: many(10, () => 'b'.repeat(501)) } } },
      'with a long answer': { directResponse: { status: 200, body: { string: 'b'.repeat(5001) } } },
      'with a long answer of bytes': { directResponse: { status: 200, body: { bytes: 'YmJi'.repeat(2500) } } },
      'with a long rewrite': { ...toX, rewrite: { uri: `/${'b'.repeat(5000)}` } },
      'with a long redirect': { redirect: { uri: `/${'b'.repeat(5000)}` } },
      'with a long origin': { ...toX, corsPolicy: { allowOrigins: [{ exact: 'b'.repeat(5001) }] } },
      'with long methods': { ...toX, corsPolicy: { allowMethods: many(10, () => 'b'.repeat(501)) } },
      'with many mirrors': {
        ...toX,
        mirrors: many(51, (n) => ({ destination: { host: 'x', subset: `v${n}` }, percentage: { value: 1 } })),
      },
    }).map(([what, http]) => [`the same ${what}`, privateRoute(2, [{ match: uris(50), ...http }])]),
  ),
  'a private route whose matches are long, for each host and port': privateRoute(50, [
    { match: [{ headers: { a: { exact: 'b'.repeat(10_000) } } }], ...toX },
  ]),
  'the same with a path': privateRoute(50, [{ match: [{ uri: { prefix: `/${'b'.repeat(10_000)}` } }], ...toX }]),
  'a route with a long header for every Service': istio('VirtualService', {
    exportTo: ['.'],
    hosts: ['*.svc.cluster.local'],
    http: [{ ...toX, headers: { request: { set: { a: 'b'.repeat(10_000) } } } }],
  }),
  'a long header that is delegated to': privateRoute(0, [
    { ...toX, headers: { request: { set: { a: 'b'.repeat(10_000) } } } },
  ]),
  'a long header beside what delegates': privateRoute(1, [
    { delegate: { name: 'y' }, headers: { request: { set: { a: 'b'.repeat(10_000) } } } },
  ]),
  'a private route with many destinations for each match and port': privateRoute(1, [
    {
      match: uris(501),
      route: many(10, (n) => ({ destination: { host: 'x', subset: `v${n}` }, weight: 10 })),
    },
  ]),
  'a route at a gateway with a long header for each match and host': istio('VirtualService', {
    exportTo: ['.'],
    hosts: many(50, site),
    gateways: ['mine'],
    http: [{ match: uris(4), ...toX, headers: { request: { set: { a: 'b'.repeat(25_000) } } } }],
  }),
  'a private route with a large answer for each host': privateRoute(51, [toX]),
  'a route of an own Service with a large answer for each match': ownRoute({
    match: uris(201),
    route: undefined,
    directResponse: { status: 200, body: { string: 'much' } },
  }),
  ...Object.fromEntries(
    Object.entries({
      'with many destinations': {
        route: many(11, (n) => ({ destination: { host: 'x', subset: `v${n}` }, weight: 1 })),
      },
      'with headers': { ...toX, headers: { request: { set: { a: 'much' } } } },
      'with headers for a destination': { route: [{ ...toX.route[0], headers: { request: { set: { a: 'much' } } } }] },
      'with a long name': { ...toX, name: 'a'.repeat(101) },
    }).map(([what, http]) => [`the same ${what}, private`, privateRoute(3, [{ match: uris(67), ...http }])]),
  ),
  'the same with bytes': istio('VirtualService', {
    exportTo: ['.'],
    hosts: ['a.example.com'],
    tcp: [
      {
        match: many(201, (n) => ({ port: 1000 + n })),
        route: many(11, (n) => ({ destination: { host: 'x', subset: `v${n}` }, weight: 1 })),
      },
    ],
  }),
  'a private route for more hosts than istiod compares in time': istio('VirtualService', {
    exportTo: ['.'],
    hosts: many(5001, site),
    tls: [{ match: [{ sniHosts: [site(0)] }], ...toX }],
  }),
  'a private route of bytes with more matches than hosts may have': istio('VirtualService', {
    exportTo: ['.'],
    hosts: many(200, site),
    tls: [{ match: many(101, (n) => ({ sniHosts: [site(n)] })), ...toX }],
  }),
  'a route with more rules for every Service': istio('VirtualService', {
    exportTo: ['.'],
    hosts: ['*.svc.cluster.local'],
    tcp: [{ match: many(11, (n) => ({ port: 1000 + n })), ...toX }],
  }),
  'an answer for every Service': istio('VirtualService', {
    exportTo: ['.'],
    hosts: ['*.svc.cluster.local'],
    http: [{ directResponse: { status: 200, body: { string: 'much' } } }],
  }),
  'a private entry with more endpoints than istiod holds': istio('ServiceEntry', {
    exportTo: ['.'],
    resolution: 'STATIC',
    hosts: many(21, site),
    ports: many(10, (n) => ({ number: 8000 + n, name: `http-${n}`, protocol: 'HTTP' })),
    endpoints: many(100, (n) => ({ address: `203.0.113.${n}` })),
  }),
  'a private entry with more names than istiod holds': istio('ServiceEntry', {
    exportTo: ['.'],
    hosts: ['a.example.com'],
    subjectAltNames: many(21, site),
  }),
  'a private entry with one name longer than istiod holds': istio('ServiceEntry', {
    exportTo: ['.'],
    hosts: ['a.example.com'],
    subjectAltNames: ['a'.repeat(5001)],
  }),
  'a private entry with more accounts than proxies hold': istio('ServiceEntry', {
    exportTo: ['.'],
    resolution: 'STATIC',
    hosts: ['a.example.com'],
    ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    endpoints: many(22, (n) => ({ address: `203.0.113.${n}`, serviceAccount: `a${n}` })),
  }),
  'an entry with a selector that may find as many': istio('ServiceEntry', {
    exportTo: ['.'],
    resolution: 'STATIC',
    hosts: many(21, site),
    ports: many(10, (n) => ({ number: 8000 + n, name: `http-${n}`, protocol: 'HTTP' })),
    workloadSelector: { labels: { app: 'x' } },
  }),
  'a private route whose delegates fill the memory of istiod': privateRoute(
    1,
    many(51, () => ({ delegate: { name: 'y' } })),
  ),
  'the same by the matches of one rule': privateRoute(1, [{ match: uris(51), delegate: { name: 'y' } }]),
  'the same for each host': privateRoute(6, [{ delegate: { name: 'y' } }]),
  'the same for all hosts together': privateRoute(
    5,
    many(11, () => ({ delegate: { name: 'y' } })),
  ),
  'what it delegates to': privateRoute(
    0,
    many(101, () => toX),
  ),
  'a RequestAuthentication whose keys istiod asks of the issuer': {
    ...istio('RequestAuthentication', { jwtRules: [{ issuer: 'http://203.0.113.66' }] }),
    apiVersion: 'security.istio.io/v1',
  },
  'a Gateway of the Gateway API that is one': {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: 'x', namespace: 'other', labels: { 'topology.istio.io/network': 'a' } },
    spec: { gatewayClassName: 'istio-remote', listeners: [{ name: 'tls', port: 15443, protocol: 'TLS' }] },
  },
  'a Service that is another name for a host of the callers': service(
    { type: 'ExternalName', externalName: 'www.partner.com', ports: [{ name: 'http', port: 80 }] },
    { annotations: { 'networking.istio.io/exportTo': '.' } },
  ),
  'a Service that is another name for a private one': service(
    { type: 'ExternalName', externalName: 'http-80.0123.egress.internal' },
    { annotations: { 'networking.istio.io/exportTo': '.' } },
  ),
  'a server on a locked gateway': istio('Gateway', {
    selector: OUR_PODS,
    servers: [mutual('mine', 'open.example.com')],
  }),
  'a server under a private name': istio('Gateway', {
    selector: { istio: 'mine' },
    servers: [mutual('mine', 'mine.egress.internal')],
  }),
  'a second server under one of our names': istio('Gateway', {
    selector: THEIR_PODS,
    servers: [mutual('mine', 'http-80.460ccd3cedab.egress.internal')],
  }),
  'a server with a hash that no listener takes': istio('Gateway', {
    selector: THEIR_PODS,
    servers: [{ ...mutual('mine', 'open.example.com'), tls: { mode: 'ISTIO_MUTUAL', verifyCertificateHash: ['zz'] } }],
  }),
  'a server whose Secret does not exist': istio('Gateway', {
    selector: THEIR_PODS,
    servers: [{ ...mutual('mine', 'open.example.com'), tls: { mode: 'MUTUAL', credentialName: 'none' } }],
  }),
  'an older server on the same port': istio(
    'Gateway',
    { selector: THEIR_PODS, servers: [{ port: { number: 443, name: 'mine', protocol: 'HTTP' }, hosts: ['*'] }] },
    { creationTimestamp: '2020-01-01T00:00:00Z' },
  ),
  'a server on all gateways': istio('Gateway', { servers: [mutual('mine', 'open.example.com')] }),
  'a server on all that Istio injects': istio('Gateway', {
    selector: { 'sidecar.istio.io/inject': 'true' },
    servers: [mutual('mine', 'open.example.com')],
  }),
  'a Gateway that istiod takes for one of its own': istio(
    'Gateway',
    { selector: { istio: 'mine' }, servers: [mutual('mine', 'open.example.com')] },
    { annotations: { 'internal.istio.io/gateway-service': 'egress-gateway.egress.svc.cluster.local' } },
  ),
  'a route from a private name': istio('VirtualService', {
    hosts: ['mine.egress.internal'],
    gateways: ['free'],
    http: [{ route: [{ destination: { host: 'free.example.com' } }] }],
  }),
  'a route on a Gateway of the platform': istio('VirtualService', {
    hosts: ['open.example.com'],
    gateways: ['egress/www-partner-com'],
    http: [{ route: [{ destination: { host: 'open.example.com' } }] }],
  }),
  'a route for a host of everybody': istio('VirtualService', {
    hosts: ['www.partner.com'],
    http: [{ route: [{ destination: { host: 'x.other.svc.cluster.local' } }] }],
  }),
  "a route of an own Service to a private host of its callers'": ownRoute({
    rewrite: { authority: 'www.partner.com' },
    route: [{ destination: { host: 'www.partner.com.0123.egress.internal', port: { number: 443 } } }],
  }),
  'a route of an own Service to the hop': ownRoute({
    route: [{ destination: { host: 'egress-gateway-hop.egress.svc.cluster.local', subset: '0123-http-80' } }],
  }),
  'a route of an own Service, by another object': ownRoute({ route: undefined, delegate: { name: 'hidden' } }),
  'a route of an own Service under a private name': ownRoute({ rewrite: { authority: 'x.0123.egress.internal' } }),
  'a route of an own Service with a private name as its Host': ownRoute({
    headers: { request: { set: { Host: 'x.0123.egress.internal' } } },
  }),
  'the same for one destination': ownRoute({
    route: [{ destination: { host: 'x' }, headers: { request: { add: { ':Authority': 'x.0123.egress.internal' } } } }],
  }),
  ...UNREADABLE_ROUTES,
  ...UNREADABLE_CONNECTIONS,
  ...UNREADABLE_RULES,
  'a route of an own Service that istiod takes for one of its own': {
    ...ownRoute({ match: [{ uri: { prefix: '/a?b' } }] }),
    metadata: { name: 'x', namespace: 'other', annotations: { 'internal.istio.io/route-semantics': 'ingress' } },
  },
  'a route of an own Service with more headers than Envoy takes': ownRoute({
    headers: { request: { set: manyHeaders(201) } },
  }),
  'as many for one destination': ownRoute({
    route: [{ destination: { host: 'x' }, headers: { response: { add: manyHeaders(201) } } }],
  }),
  'a route of an own Service for a part of a label': istio('VirtualService', {
    hosts: ['*-x.other.svc.cluster.local'],
    tls: [{ match: [{ sniHosts: ['*-x.other.svc.cluster.local'] }], ...toX }],
  }),
  'a route of the Gateway API for an own Service': gatewayApi(
    'HTTPRoute',
    { group: '', kind: 'Service', name: 'x', port: 80 },
    { matches: [{ path: { type: 'RegularExpression', value: '/\\p{Letter}+' } }] },
  ),
  'the same for gRPC': gatewayApi('GRPCRoute', { group: '', kind: 'Service', name: 'x', namespace: 'other' }),
  'a route of the Gateway API for the TLS of others': gatewayApi('TLSRoute', {
    group: 'networking.istio.io',
    kind: 'ServiceEntry',
    name: 'partner',
    namespace: 'egress',
  }),
  'the same for TCP': gatewayApi(
    'TCPRoute',
    { group: '', kind: 'Service', name: 'partner', namespace: 'egress' },
    {},
    'v1alpha2',
  ),
  'a route of the Gateway API that ends istiod': gatewayApi(
    'HTTPRoute',
    { name: 'x' },
    { backendRefs: [{ name: 'x/y', port: 80 }] },
  ),
  'the same for bytes': gatewayApi('TCPRoute', { name: 'x' }, { backendRefs: [{ name: 'x/y', port: 80 }] }, 'v1alpha2'),
  'a policy of the Gateway API that ends istiod': retryPolicy({ interval: '1s' }),
  'a policy of the Gateway API that pods of others wait for': tlsPolicy(AUTHORITIES_OF_CONFIG_MAP),
  'a Gateway with a ConfigMap that ends istiod': GATEWAY_BY_CONFIG_MAP,
  'a Gateway whose image brings other pods': managedGateway({
    'sidecar.istio.io/proxyImage': 'x/y"\n---\nkind: Deployment',
  }),
  'the same by its name': managedGateway({ 'gateway.istio.io/name-override': 'x"\n' }),
  'the same by a variable': proxyConfig({ A: '"\n---\nkind: Deployment' }),
  'the same by what a variable is called': proxyConfig({ 'A\n': '' }),
  'a rule of an own Service that leads where the caller wanted': istio('DestinationRule', {
    host: 'x.other.svc.cluster.local',
    trafficPolicy: { loadBalancer: { simple: 'PASSTHROUGH' }, tls: { mode: 'DISABLE' } },
  }),
  'the same on a port of a subset': istio('DestinationRule', {
    host: 'x',
    subsets: [
      {
        name: 'a',
        trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, loadBalancer: { simple: 'PASSTHROUGH' } }] },
      },
    ],
  }),
  'a rule of an own Service with files that nobody has': istio('DestinationRule', {
    host: 'x',
    trafficPolicy: {
      tls: { mode: 'MUTUAL', clientCertificate: '/none', privateKey: '/none', caCertificates: '/none' },
    },
  }),
  'a rule of an own Service under a private name': istio('DestinationRule', {
    host: 'x',
    trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', sni: 'http-80.0123.egress.internal' } },
  }),
  'a rule of an own Service with a ring that fills the memory of proxies': ownHash({
    useSourceIp: true,
    minimumRingSize: 8_388_608,
  }),
  'the same by its new name': ownHash({ useSourceIp: true, ringHash: { minimumRingSize: 65_538 } }),
  'a table that fills the memory of proxies': ownHash({ useSourceIp: true, maglev: { tableSize: 4_999_999 } }),
  'a WorkloadEntry with the address of a host': istio('WorkloadEntry', {
    address: '203.0.113.10',
    labels: { app: 'x' },
  }),
  'a WorkloadEntry with the name of a host': istio('WorkloadEntry', {
    address: 'www.partner.com',
    labels: { app: 'x' },
  }),
  'a rule for a host of everybody': istio('DestinationRule', {
    host: 'www.partner.com',
    trafficPolicy: { tls: { mode: 'DISABLE' } },
  }),
  'a rule for the hop': istio('DestinationRule', {
    host: 'egress-gateway-hop.egress.svc.cluster.local',
    trafficPolicy: { tls: { mode: 'DISABLE' } },
  }),
  'a Sidecar that opens the namespace': istio('Sidecar', {
    egress: [{ hosts: ['*/*'] }],
    outboundTrafficPolicy: { mode: 'ALLOW_ANY' },
  }),
  'a Sidecar that opens it for one workload': istio('Sidecar', {
    workloadSelector: { labels: { app: 'x' } },
    egress: [{ hosts: ['*/*'] }],
    outboundTrafficPolicy: { mode: 'ALLOW_ANY' },
  }),
  'a Telemetry that sends the headers of tracing again': telemetry({ disableContextPropagation: false }),
  'a Sidecar with a TCP listener': istio('Sidecar', {
    egress: [{ port: tcp, hosts: ['./*'] }, { hosts: ['*/*'] }],
    outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
  }),
};
