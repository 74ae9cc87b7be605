/**
 * The policies of `EgressGuard`, judged by the API server's own admission code: every attack of the other suites is
 * refused in every version in which it can be sent; what constructs write, and what Istio's own pages tell people to
 * write in their namespace, is not. And what the expressions cost.
 */
import { Chart } from 'cdk8s';
import { EgressGateway } from '../../../src/constructs/egress-gateway';
import { EgressGuard, EgressGuardProps, GuardMode } from '../../../src/constructs/egress-guard';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { RegistryOnlyMesh } from '../../../src/constructs/registry-only-mesh';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { meshExamples } from '../examples';
import {
  ATTACKS as INJECTED_ATTACKS,
  CAPTURED,
  DEBUGGERS,
  INSTALLATIONS,
  ORDINARY,
  withIdentity,
  withVault,
} from '../guard/injected';
import { LARGE } from '../guard/large';
import {
  istio,
  many,
  service,
  tcp,
  mutual,
  OUR_PODS,
  THEIR_PODS,
  pod,
  podAt,
  ownRoute,
  ownHash,
  telemetry,
  gatewayApi,
  retryPolicy,
  extension,
  proxyConfig,
  PROXY_USER,
} from '../guard/objects';
import { RECIPES } from '../guard/recipes';
import { UNREADABLE_CONNECTIONS, UNREADABLE_ROUTES, UNREADABLE_RULES } from '../guard/unreadable';
import { idOf, KubeObject } from '../lab';
import { describeMesh, findingText, synthesise } from '../support';

const table = { callers: [{ name: 'nobody', namespace: 'shop', serviceAccount: 'nobody' }], external: [] };

/** Of the builds that the lab is made from. */
const PROXY_IMAGE = 'registry.istio.io/testing/proxyv2';

/** A guard beside a gateway of ours and one that somebody installed, with every namespace locked. */
function guard(props: EgressGuardProps = {}): KubeObject[] {
  return synthesise((app) => {
    const platform = new Chart(app, 'platform');
    new EgressGateway(platform, 'own', { namespace: 'egress' });
    InstalledEgressGateway.fromInstallation(platform, 'helm', GatewayInstallation.helmChart({ namespace: 'egress' }));
    const lock = new RegistryOnlyMesh(platform, 'lock');
    new EgressGuard(platform, 'guard', { locks: [lock], refuseBypass: true, proxyImages: [PROXY_IMAGE], ...props });
  }).filter(({ apiVersion }) => apiVersion.startsWith('admissionregistration'));
}

const NETWORKING = ['v1', 'v1beta1', 'v1alpha3'];

/** Pods that take their traffic from their sidecar, or have none. */
const PODS: Record<string, KubeObject> = {
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
const privateRoute = (hosts: number, http: object[]) =>
  istio('VirtualService', { exportTo: ['.'], hosts: many(hosts, site), http });
const manyHeaders = (count: number) => Object.fromEntries(many(count, (n) => [`x-${n}`, 'a']));

/** Each is what breaks a promise when it is stored; some are one object of several that only work together. */
const ATTACKS: Record<string, KubeObject> = {
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
  'the same by its matches': privateRoute(50, [{ match: many(401, (n) => ({ uri: { exact: `/${n}` } })), ...toX }]),
  'a private route with a large answer for each host': privateRoute(51, [toX]),
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
  'the same by the matches of one rule': privateRoute(1, [
    { match: many(51, (n) => ({ uri: { exact: `/${n}` } })), delegate: { name: 'y' } },
  ]),
  'the same for each host': privateRoute(6, [{ delegate: { name: 'y' } }]),
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

/** What else is served of an apiVersion. */
const VERSIONS: Readonly<Record<string, string[]>> = {
  'networking.istio.io/v1': NETWORKING,
  'telemetry.istio.io/v1': ['v1', 'v1alpha1'],
  'security.istio.io/v1': ['v1', 'v1beta1'],
};
const versionsOf = ({ apiVersion }: KubeObject) => VERSIONS[apiVersion] ?? [apiVersion.split('/').pop()!];
const inVersion = (object: KubeObject, version: string): KubeObject => ({
  ...object,
  apiVersion: [...object.apiVersion.split('/').slice(0, -1), version].join('/'),
});
const attacks = Object.entries(ATTACKS).flatMap(([what, object]) =>
  versionsOf(object).map((version): [string, string, KubeObject] => [what, version, inVersion(object, version)]),
);

describeMesh('guard', { table }, (mesh) => {
  const enforce = async (props?: EgressGuardProps) => mesh.lab.apply('guard', guard(props));
  const create = (object: KubeObject, more: object = {}) =>
    mesh.lab.istiod.review({ operation: 'CREATE', object, user: 'somebody', ...more });
  const writeStatus = (object: KubeObject, oldObject: KubeObject, more: object = {}) =>
    create(object, { operation: 'UPDATE', subresource: 'status', oldObject, ...more });

  describe('enforced', () => {
    beforeAll(async () => {
      await enforce();
    });

    test.each(attacks)('%s is refused, as %s', async (_what, _version, object) => {
      expect(await create(object)).toEqual({ refused: expect.stringMatching(/denied request: .*[.]$/) });
    });

    // Of a pod that runs, only annotations and labels can still change what its sidecar sees.
    const updates = attacks.filter(
      ([, , { kind, metadata }]) =>
        kind !== 'Pod' || Object.keys({ ...metadata.annotations, ...metadata.labels }).length > 0,
    );
    test.each(updates)('%s is refused as an update of something harmless, as %s', async (_what, _version, object) => {
      const oldObject = { ...object, metadata: { name: 'x', namespace: 'other' }, spec: {} };
      const answer = await create(object, { operation: 'UPDATE', oldObject });
      expect(answer.refused).toMatch(/denied request/);
    });

    test.each(attacks)('%s passes in a namespace of the platform, as %s', async (_what, _version, object) => {
      for (const namespace of ['egress', 'istio-system'])
        expect(await create({ ...object, metadata: { ...object.metadata, namespace } })).toEqual({});
    });

    test('it does not matter who writes, or what the namespace is labelled', async () => {
      const object = ATTACKS['an entry with the address of a host'];
      const namespace = { metadata: { name: 'other', labels: { 'kubernetes.io/metadata.name': 'egress' } } };
      for (const more of [{ user: 'system:admin', groups: ['system:masters'] }, { namespace }])
        expect((await create(object, more)).refused).toMatch(/ServiceEntry is for its own namespace/);
    });

    test.each(Object.entries(RECIPES))('%s passes, in every version', async (_what, objects) => {
      for (const object of objects)
        for (const version of versionsOf(object)) expect(await create(inVersion(object, version))).toEqual({});
    });

    test.each(meshExamples().map(({ name, manifests, handWritten }) => [name, manifests, handWritten] as const))(
      'the example %s: what constructs write passes',
      async (_name, manifests, handWritten) => {
        const ours = manifests.filter(
          (object) => !handWritten.includes(object) && !object.apiVersion.startsWith('admissionregistration'),
        );
        const refused: string[] = [];
        for (const object of ours) {
          const { refused: why } = await create(object);
          if (why !== undefined) refused.push(`${idOf(object)}: ${why}`);
        }
        expect(refused).toEqual([]);
      },
    );

    test('admission of the lab asks the policies too', async () => {
      const findings = await mesh.lab.validate([ATTACKS['a server on a locked gateway']]);
      expect(findings.map(findingText)).toEqual([expect.stringMatching(/\(policy\): .*select your gateway's pods/)]);
    });

    test('endpoints are for the controllers of Kubernetes, and nobody else', async () => {
      const object = ATTACKS['an EndpointSlice with the address of a host'];
      const controller = 'system:serviceaccount:kube-system:endpointslice-controller';
      expect(await create(object, { user: controller })).toEqual({});
      expect((await create(object, { user: 'system:serviceaccount:other:endpointslice-controller' })).refused).toMatch(
        /selector/,
      );
    });

    test('whoever writes the status of a pod gives it no annotation', async () => {
      const object = PODS['a pod that excludes a port'];
      expect((await writeStatus(object, pod({}))).refused).toMatch(/takes traffic from/);
      expect(await writeStatus(object, object)).toEqual({});
      const annotations = { ...object.metadata.annotations, 'cni.example.com/podIP': '10.244.1.1' };
      const plugged = { ...object, metadata: { ...object.metadata, annotations } };
      expect(await writeStatus(plugged, object)).toEqual({});
    });

    test('whoever writes the status of a Service does not make it a gateway to a network', async () => {
      const object = ATTACKS['a Service that is a gateway to a network'];
      const before = { ...object, metadata: { name: 'x', namespace: 'other' } };
      expect((await writeStatus(object, before)).refused).toMatch(/is a gateway to a network/);
      expect(await writeStatus(object, object)).toEqual({});
    });

    test('whoever writes the status of an entry does not end istiod', async () => {
      const entry = { ...istio('ServiceEntry', { hosts: ['x.other.internal'] }), status: {} };
      const allocated = (value: string) => ({ ...entry, status: { addresses: [{ host: 'x.other.internal', value }] } });
      for (const value of ['240.240.0.9', '2001:2::9']) expect(await writeStatus(allocated(value), entry)).toEqual({});
      expect((await writeStatus(allocated('::ffff:240.240.0.9'), entry)).refused).toMatch(/crash istiod/);
    });

    test('the addresses of a pod are for its node, and nobody else', async () => {
      const [external, internal] = [podAt('203.0.113.10'), podAt('10.244.1.1')];
      for (const before of [internal, podAt()])
        expect((await writeStatus(external, before)).refused).toMatch(/Only its node gives a pod addresses/);
      expect(await writeStatus(internal, internal)).toEqual({});
      expect(await writeStatus(internal, podAt(), { user: 'system:node:a', groups: ['system:nodes'] })).toEqual({});
    });

    test('what schedules a pod gives it no annotation that takes traffic from its sidecar', async () => {
      const binding = (annotations: Record<string, string>) =>
        ({
          apiVersion: 'v1',
          kind: 'Binding',
          metadata: { name: 'x', namespace: 'other', annotations },
          target: { kind: 'Node', name: 'a' },
        }) as KubeObject;
      for (const more of [{}, { subresource: 'binding' }]) {
        expect(await create(binding({ 'scheduler.example.com/by': 'mine' }), more)).toEqual({});
        const excluding = binding({ 'traffic.sidecar.istio.io/excludeOutboundPorts': '443' });
        expect((await create(excluding, more)).refused).toMatch(/takes traffic from the sidecar/);
        const without = { ...excluding.metadata, annotations: {}, labels: { 'sidecar.istio.io/inject': 'false' } };
        expect((await create({ ...excluding, metadata: without }, more)).refused).toMatch(
          /sidecar.istio.io\/inject takes traffic/,
        );
      }
    });

    describe.each(Object.entries(INSTALLATIONS))('after Istio has injected its sidecar, with %s', (name, injection) => {
      const sent = Object.entries(INJECTED_ATTACKS).filter(([, { at }]) => at.includes(name));
      const before = Object.entries(ORDINARY);

      test.each(before)('%s passes', async (_what, object) => {
        const injected = await mesh.lab.istiod.inject(object, injection);
        expect(await create(injected)).toEqual({});
        const debugged = { ...injected, spec: { ...injected.spec, ephemeralContainers: DEBUGGERS } };
        const update = { operation: 'UPDATE', oldObject: injected, subresource: 'ephemeralcontainers' };
        expect(await create({ ...debugged, status: CAPTURED }, update)).toEqual({});
        expect((await create(debugged, update)).refused).toMatch(/not captured yet/);
      });

      test.each(Object.entries({ 'the agent injector of Vault': withVault, 'the identities of AWS': withIdentity }))(
        'what the webhook for %s adds passes',
        async (_what, webhook) => {
          const injected = await mesh.lab.istiod.inject(ORDINARY['a pod'], injection);
          expect(await create(webhook(injected))).toEqual({});
        },
      );

      test('where all pods are injected, one without a sidecar is refused', async () => {
        const object = ORDINARY['a pod'];
        const injected = await mesh.lab.istiod.inject(object, injection);
        for (const labels of [{ 'istio-injection': 'enabled' }, { 'istio.io/rev': 'stable' }]) {
          const namespace = { metadata: { name: 'other', labels } };
          expect((await create(object, { namespace })).refused).toMatch(/would have no sidecar/);
          expect(await create(injected, { namespace })).toEqual({});
        }
        const labels = { 'istio-injection': 'disabled', 'istio.io/rev': 'stable' };
        expect(await create(object, { namespace: { metadata: { name: 'other', labels } } })).toEqual({});
      });

      test('the image of the proxy is not replaced by another', async () => {
        const injected = await mesh.lab.istiod.inject(ORDINARY['a pod'], injection);
        const withImage = (image: string) => ({
          ...injected,
          spec: {
            ...injected.spec,
            containers: injected.spec.containers.map((one: any) =>
              one.name === 'istio-proxy' ? { ...one, image } : one,
            ),
          },
        });
        const update = { operation: 'UPDATE', oldObject: injected };
        expect((await create(withImage('mine'), update)).refused).toMatch(/has another image than/);
        expect(await create(withImage(`${PROXY_IMAGE}:1.31.1`), update)).toEqual({});
      });

      if (sent.length > 0)
        test.each(sent)('%s is refused', async (_what, { sent: object }) => {
          const injected = await mesh.lab.istiod.inject(object, injection);
          expect((await create(injected)).refused).toMatch(/denied request: .*[.]$/);
        });
    });

    test('nobody runs a program beside the proxy, but for its own requests', async () => {
      const exec = (container: string | undefined, ...command: string[]) =>
        create(
          {
            apiVersion: 'v1',
            kind: 'PodExecOptions',
            metadata: { name: 'x', namespace: 'other' },
            container,
            command,
          } as any,
          { operation: 'CONNECT', subresource: 'exec' },
        );
      expect((await exec('istio-proxy', 'curl', 'http://open.example.com')).refused).toMatch(
        /choose another container/,
      );
      expect((await exec('istio-proxy', 'sh', '-c', 'pilot-agent request GET stats')).refused).toMatch(
        /choose another/,
      );
      for (const capture of ['istio-init', 'istio-validation'])
        expect((await exec(capture, 'pilot-agent', 'request', 'GET', 'stats')).refused).toMatch(/choose another/);
      expect(await exec('istio-proxy', 'pilot-agent', 'request', 'GET', 'stats')).toEqual({});
      expect(await exec('app', 'sh')).toEqual({});
      expect(await exec(undefined, 'sh')).toEqual({});
    });

    test('the expressions compile in every release from 1.30, and every field that they read has the right type', async () => {
      const { policies, types, problems } = await mesh.lab.istiod.checkPolicies();
      expect(policies).toBe(19);
      expect(types).toEqual({
        'egress-guard-service-entries': 3,
        'egress-guard-service-entry-statuses': 0,
        'egress-guard-virtual-services': 3,
        'egress-guard-gateway-api': 0,
        'egress-guard-destination-rules': 3,
        'egress-guard-workload-entries': 3,
        'egress-guard-gateways': 3,
        'egress-guard-request-authentications': 2,
        'egress-guard-telemetries': 2,
        'egress-guard-services': 1,
        'egress-guard-endpoints': 1,
        'egress-guard-pod-addresses': 0,
        'egress-guard-endpoint-slices': 1,
        'egress-guard-pods': 1,
        'egress-guard-bindings': 1,
        'egress-guard-execs': 0,
        'egress-guard-programs': 2,
        'egress-guard-proxy-configs': 1,
        'egress-guard-sidecars': 3,
      });
      expect(Object.keys(problems)).toContain('1.30');
      expect(Object.values(problems).flatMap((list) => list ?? [])).toEqual([]);
    });

    test.each(Object.entries(LARGE))(
      '%s costs a part of what it may',
      async (_what, { object, share }) => {
        for (const { policy, error, ofBudget, ofCallLimit } of await mesh.lab.istiod.costs(object)) {
          expect({ policy, error }).toEqual({ policy });
          expect(ofCallLimit).toBeLessThan(share);
          expect(ofBudget).toBeLessThan(share / 5);
        }
      },
      900_000,
    );
  });

  test('with ranges, endpoints by hand pass inside them; that takes Kubernetes 1.31', async () => {
    await enforce({ endpointCidrs: ['10.244.0.0/16'] });
    const write = (ip: string) => writeStatus(podAt(ip), podAt('10.244.9.9'));
    expect(await write('10.244.1.1')).toEqual({});
    expect((await write('203.0.113.10')).refused).toMatch(/addresses outside 10[.]244[.]0[.]0\/16/);
    const slice = (address: string) => ({
      ...ATTACKS['an EndpointSlice with the address of a host'],
      endpoints: [{ addresses: [address] }],
    });
    expect(await create(slice('10.244.1.1'))).toEqual({});
    expect((await create(slice('::ffff:10.244.1.1'))).refused).toMatch(/of 10[.]244[.]0[.]0\/16 only/);
    expect((await create(slice('203.0.113.10'))).refused).toMatch(/denied request/);
    const { problems } = await mesh.lab.istiod.checkPolicies();
    expect(Object.entries(problems).flatMap(([release, list]) => (list?.length ? [release] : []))).toEqual(['1.30']);
    const endpoints = Array.from({ length: 1000 }, (_, n) => ({
      addresses: [`10.244.${Math.floor(n / 250)}.${n % 250}`],
    }));
    const [cost] = await mesh.lab.istiod.costs({ ...slice(''), endpoints });
    expect(cost.ofCallLimit).toBeLessThan(0.02);
  });

  test('with ranges, a WorkloadEntry has no address of a pod', async () => {
    await enforce({ endpointCidrs: ['10.244.0.0/16'], machineCidrs: ['10.250.0.0/16'] });
    const workload = (address: string) => istio('WorkloadEntry', { address });
    expect(await create(workload('10.250.1.1'))).toEqual({});
    for (const address of ['10.244.1.1', '::ffff:10.250.1.1', '203.0.113.10', 'db.example.com', 'unix:///x'])
      expect((await create(workload(address))).refused).toMatch(/of 10[.]250[.]0[.]0\/16 only/);
  });

  test('a mode that warns stores the object and says why', async () => {
    await enforce({ mode: GuardMode.WARN });
    const answer = await create(ATTACKS['a rule for the hop']);
    expect(answer).toEqual({ warnings: [expect.stringMatching(/DestinationRule .* is for its own namespace/)] });
  });

  test('a mode that audits stores the object and writes it down', async () => {
    await enforce({ mode: GuardMode.AUDIT });
    const { refused, warnings, audit = {} } = await create(ATTACKS['a rule for the hop']);
    expect([refused, warnings]).toEqual([undefined, undefined]);
    expect(Object.values(audit)).toEqual([expect.stringMatching(/is for its own namespace/)]);
  });

  test('a lock in a namespace of others cannot be deleted, unless the namespace goes', async () => {
    const manifests = synthesise((app) => {
      const platform = new Chart(app, 'platform');
      const lock = new RegistryOnlyMesh(platform, 'lock', { namespaces: ['shop'] });
      new EgressGuard(platform, 'guard', { locks: [lock] });
    });
    const lock = manifests.find(({ kind }) => kind === 'Sidecar')!;
    await mesh.lab.apply(
      'guard',
      manifests.filter((object) => object !== lock),
    );
    for (const version of NETWORKING) {
      const remove = { operation: 'DELETE' as const, object: inVersion(lock, version) };
      expect((await mesh.lab.istiod.review(remove)).refused).toMatch(/a lock of the platform/);
      const namespace = { metadata: { name: 'shop', deletionTimestamp: '2026-01-01T00:00:00Z' } };
      expect(await mesh.lab.istiod.review({ ...remove, namespace })).toEqual({});
      const update = (metadata: object) => ({
        operation: 'UPDATE' as const,
        object: inVersion({ ...lock, metadata: { ...lock.metadata, ...metadata } }, version),
        oldObject: inVersion(lock, version),
      });
      expect(await mesh.lab.istiod.review(update({ labels: { team: 'shop' } }))).toEqual({});
      const unread = await mesh.lab.istiod.review(update({ labels: { 'istio.io/rev': 'none' } }));
      expect(unread.refused).toMatch(/leave .* the label istio.io\/rev, as they are/);
      const other = { ...lock, metadata: { ...lock.metadata, name: 'mine' } };
      expect(await mesh.lab.istiod.review({ ...remove, object: other })).toEqual({});
    }
    const { problems } = await mesh.lab.istiod.checkPolicies();
    expect(Object.values(problems).flatMap((list) => list ?? [])).toEqual([]);
  });
});
