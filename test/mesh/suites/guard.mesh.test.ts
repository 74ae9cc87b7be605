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
import { idOf, KubeObject } from '../lab';
import { describeMesh, findingText, synthesise } from '../support';

const table = { callers: [{ name: 'nobody', namespace: 'shop', serviceAccount: 'nobody' }], external: [] };

/** A guard beside a gateway of ours and one that somebody installed, with every namespace locked. */
function guard(props: EgressGuardProps = {}): KubeObject[] {
  return synthesise((app) => {
    const platform = new Chart(app, 'platform');
    new EgressGateway(platform, 'own', { namespace: 'egress' });
    InstalledEgressGateway.fromInstallation(platform, 'helm', GatewayInstallation.helmChart({ namespace: 'egress' }));
    const lock = new RegistryOnlyMesh(platform, 'lock');
    new EgressGuard(platform, 'guard', { locks: [lock], refuseBypass: true, ...props });
  }).filter(({ apiVersion }) => apiVersion.startsWith('admissionregistration'));
}

const NETWORKING = ['v1', 'v1beta1', 'v1alpha3'];

function istio(kind: string, spec: object, metadata: object = {}): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata: { name: 'x', namespace: 'other', ...metadata },
    spec,
  };
}

const tcp = { number: 80, name: 'tcp', protocol: 'TCP' };
const mutual = (name: string, host: string) => ({
  port: { number: 443, name, protocol: 'HTTPS' },
  hosts: [host],
  tls: { mode: 'ISTIO_MUTUAL' },
});
const OUR_PODS = { 'cdk8s-istio-egress/gateway': 'egress-gateway.egress' };
const THEIR_PODS = { app: 'istio-egressgateway', istio: 'egressgateway' };

function pod(metadata: object, spec: object = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'x', namespace: 'other', ...metadata },
    spec: { containers: [{ name: 'app', image: 'none' }], ...spec },
  };
}

/** A route of the namespace's own Service `x`, which other namespaces see. */
function ownRoute(http: object): KubeObject {
  return istio('VirtualService', { hosts: ['x'], http: [{ route: [{ destination: { host: 'x' } }], ...http }] });
}

function telemetry(...tracing: object[]): KubeObject {
  return { ...istio('Telemetry', { tracing }), apiVersion: 'telemetry.istio.io/v1' };
}

const PROXY_USER = { securityContext: { runAsUser: 1337 } };

/** Pods that take their traffic from their sidecar, or have none. */
const PODS: Record<string, KubeObject> = {
  'a pod without capture, by the configuration of its proxy': pod({
    annotations: { 'proxy.istio.io/config': '{"interceptionMode":"NONE"}' },
  }),
  'a pod whose proxy obeys somebody else': pod({
    annotations: { 'proxy.istio.io/config': 'discovery_address: xds.other.svc:15012' },
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
  "a container with the proxy's group": pod(
    {},
    { containers: [{ name: 'app', image: 'none', securityContext: { runAsGroup: 1337 } }] },
  ),
};

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
  ...PODS,
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
  'a Service with the address of a host': {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'x', namespace: 'other' },
    spec: { externalIPs: ['203.0.113.10'], selector: { app: 'x' }, ports: [{ name: 'tcp', port: 80 }] },
  },
  'a Service that is another name for a host of the callers': {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'x', namespace: 'other' },
    spec: { type: 'ExternalName', externalName: 'www.partner.com', ports: [{ name: 'http', port: 80 }] },
  },
  'a Service that is another name for a private one': {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'x', namespace: 'other', annotations: { 'networking.istio.io/exportTo': '.' } },
    spec: { type: 'ExternalName', externalName: 'http-80.0123.egress.internal' },
  },
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
  'a route of an own Service with a status that Envoy does not know': ownRoute({
    fault: { abort: { httpStatus: 600, percentage: { value: 100 } } },
  }),
  'the same as an answer': ownRoute({ route: undefined, directResponse: { status: 600 } }),
  'a route of an own Service with a regular expression that only Go takes': ownRoute({
    match: [{ uri: { regex: '/\\p{Letter}+' } }],
  }),
  'the same in a header': ownRoute({ match: [{ headers: { a: { regex: '\\pL{1000}'.repeat(20) } } }] }),
  'a route of an own Service with a command that Envoy does not know': ownRoute({
    headers: { response: { set: { 'x-a': '%BOGUS%' } } },
  }),
  'a route of an own Service with a redirect that Envoy does not know': ownRoute({
    route: undefined,
    redirect: { uri: '/', redirectCode: 399 },
  }),
  'a route of an own Service with weights beyond what Envoy adds up': ownRoute({
    route: [1, 2, 3].map(() => ({ destination: { host: 'x' }, weight: 2_000_000_000 })),
  }),
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
  'a rule of an own Service that hashes by no header': istio('DestinationRule', {
    host: 'x',
    trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: 'a\nb' } } },
  }),
  'a rule of an own Service with a cookie in two lines': istio('DestinationRule', {
    host: 'x',
    trafficPolicy: {
      loadBalancer: { consistentHash: { httpCookie: { name: 'a', attributes: [{ name: 'b', value: 'c\nd' }] } } },
    },
  }),
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

/** What Istio's own pages and charts tell people to write, inside their own namespace. */
const RECIPES: Record<string, KubeObject[]> = {
  'an ingress gateway': [
    istio('Gateway', {
      selector: { istio: 'ingressgateway' },
      servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
    }),
    istio('VirtualService', {
      hosts: ['*'],
      gateways: ['x'],
      http: [{ match: [{ uri: { prefix: '/a' } }], route: [{ destination: { host: 'reviews' } }] }],
    }),
  ],
  'a canary': [
    istio('VirtualService', {
      hosts: ['reviews'],
      http: [
        {
          route: [
            { destination: { host: 'reviews', subset: 'v1' }, weight: 90 },
            { destination: { host: 'reviews', subset: 'v2' }, weight: 10 },
          ],
        },
      ],
    }),
    istio('DestinationRule', {
      host: 'reviews.other.svc.cluster.local',
      subsets: [
        { name: 'v1', labels: { version: 'v1' } },
        { name: 'v2', labels: { version: 'v2' } },
      ],
    }),
  ],
  'faults and a mirror': [
    istio('VirtualService', {
      hosts: ['ratings', 'ratings.other.svc.cluster.local'],
      http: [
        {
          fault: { delay: { percentage: { value: 100 }, fixedDelay: '7s' } },
          mirror: { host: 'ratings-next' },
          route: [{ destination: { host: 'ratings' } }],
        },
      ],
    }),
  ],
  'a canary for some, a CORS policy and headers': [
    istio('VirtualService', {
      hosts: ['reviews.other.svc.cluster.local'],
      http: [
        {
          match: [{ headers: { cookie: { regex: '^(.*?;)?(user=jason)(;.*)?$' } } }],
          headers: { request: { add: { 'x-canary': 'true' } }, response: { remove: ['server'] } },
          corsPolicy: { allowOrigins: [{ exact: 'https://example.com' }], allowMethods: ['POST'], maxAge: '24h' },
          rewrite: { uri: '/v2' },
          retries: { attempts: 3, perTryTimeout: '2s', retryOn: 'gateway-error' },
          route: [{ destination: { host: 'reviews', subset: 'v2' }, headers: { response: { set: { a: 'b' } } } }],
        },
        { match: [{ uri: { exact: '/old' } }], redirect: { uri: '/new', redirectCode: 302 } },
        { route: [{ destination: { host: 'reviews', subset: 'v1' } }], timeout: '10s' },
      ],
    }),
    istio('DestinationRule', {
      host: 'reviews',
      trafficPolicy: {
        loadBalancer: { consistentHash: { httpHeaderName: 'x-user', minimumRingSize: 1024 } },
        tls: { mode: 'ISTIO_MUTUAL' },
        portLevelSettings: [{ port: { number: 9080 }, loadBalancer: { simple: 'LEAST_REQUEST' } }],
      },
      subsets: [{ name: 'v2', labels: { version: 'v2' }, trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' } } }],
    }),
  ],
  'TCP traffic moved step by step': [
    istio('VirtualService', {
      hosts: ['tcp-echo'],
      tcp: [
        {
          match: [{ port: 31400 }],
          route: [
            { destination: { host: 'tcp-echo', port: { number: 9000 }, subset: 'v1' }, weight: 80 },
            { destination: { host: 'tcp-echo', port: { number: 9000 }, subset: 'v2' }, weight: 20 },
          ],
        },
      ],
    }),
  ],
  'an external host, with a timeout': [
    istio('ServiceEntry', {
      hosts: ['httpbin.org'],
      exportTo: ['.'],
      location: 'MESH_EXTERNAL',
      resolution: 'DNS',
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    }),
    istio('VirtualService', {
      hosts: ['httpbin.org'],
      exportTo: ['.'],
      http: [{ timeout: '3s', route: [{ destination: { host: 'httpbin.org' } }] }],
    }),
    istio('DestinationRule', {
      host: 'httpbin.org',
      exportTo: ['.'],
      trafficPolicy: { connectionPool: { tcp: { maxConnections: 1 } } },
    }),
  ],
  'an external database by address': [
    istio('ServiceEntry', {
      hosts: ['mongo.example.com'],
      exportTo: ['.'],
      addresses: ['203.0.113.20'],
      location: 'MESH_EXTERNAL',
      resolution: 'STATIC',
      ports: [{ number: 27017, name: 'mongo', protocol: 'MONGO' }],
      endpoints: [{ address: '203.0.113.20' }],
    }),
  ],
  'a Sidecar that imports less': [
    istio('Sidecar', {
      egress: [{ hosts: ['./*', 'istio-system/*'] }],
      outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
    }),
  ],
  'tracing, as a team wants it': [
    telemetry(
      { providers: [{ name: 'zipkin' }], randomSamplingPercentage: 100, disableSpanReporting: false },
      { disableContextPropagation: true, customTags: { team: { literal: { value: 'x' } } } },
      { disableContextPropagation: null },
    ),
    { ...telemetry(), spec: { accessLogging: [{ providers: [{ name: 'envoy' }] }] } },
  ],
  'a pod as the injector leaves it': [
    pod(
      {
        annotations: {
          'traffic.sidecar.istio.io/includeOutboundIPRanges': '*',
          'proxy.istio.io/config':
            '{"holdApplicationUntilProxyStarts":true,"proxyMetadata":{"ISTIO_META_DNS_CAPTURE":"true"}}',
          'sidecar.istio.io/status': '{"initContainers":["istio-init","istio-proxy"],"containers":null,"volumes":null}',
        },
        labels: { 'sidecar.istio.io/inject': 'true' },
      },
      {
        initContainers: [
          {
            name: 'istio-init',
            image: 'none',
            securityContext: { runAsUser: 0, runAsGroup: 1337, capabilities: { add: ['NET_ADMIN', 'NET_RAW'] } },
          },
          { name: 'istio-proxy', image: 'none', securityContext: { runAsUser: 1337, runAsGroup: 1337 } },
        ],
      },
    ),
  ],
  'the same with istio-cni': [
    pod(
      {
        annotations: {
          'sidecar.istio.io/interceptionMode': 'REDIRECT',
          'sidecar.istio.io/status': '{"initContainers":["istio-validation"],"containers":["istio-proxy"]}',
        },
      },
      {
        initContainers: [{ name: 'istio-validation', image: 'none', ...PROXY_USER }],
        containers: [
          { name: 'app', image: 'none', securityContext: { capabilities: { drop: ['ALL'] } } },
          { name: 'istio-proxy', image: 'none', ...PROXY_USER },
        ],
      },
    ),
  ],
  'debug containers, as baseline and as restricted': [
    pod(
      { annotations: { 'sidecar.istio.io/status': '{"containers":["istio-proxy"]}' } },
      {
        ephemeralContainers: [
          { name: 'debugger-a', image: 'none' },
          {
            name: 'debugger-b',
            image: 'none',
            securityContext: {
              allowPrivilegeEscalation: false,
              capabilities: { drop: ['ALL'] },
              runAsNonRoot: true,
              seccompProfile: { type: 'RuntimeDefault' },
            },
          },
        ],
      },
    ),
  ],
  'another name for an external host': [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'search', namespace: 'other', annotations: { 'networking.istio.io/exportTo': '.' } },
      spec: { type: 'ExternalName', externalName: 'www.example.com' },
    } as any,
  ],
  'faults, answers and cookies': [
    istio('VirtualService', {
      hosts: ['ratings'],
      http: [
        { match: [{ uri: { exact: '/gone' } }], directResponse: { status: 503, body: { string: 'gone' } } },
        {
          fault: { abort: { httpStatus: 500, percentage: { value: 10 } } },
          headers: { request: { set: { Host: 'ratings.example.com' } } },
          route: [{ destination: { host: 'ratings' } }],
        },
      ],
    }),
    istio('DestinationRule', {
      host: 'ratings',
      trafficPolicy: {
        loadBalancer: {
          consistentHash: {
            httpCookie: { name: 'user', ttl: '0s', attributes: [{ name: 'SameSite', value: 'Strict' }] },
          },
        },
      },
    }),
  ],
  'a headless Service with its pods': [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'db', namespace: 'other' },
      spec: { clusterIP: 'None', selector: { app: 'db' }, ports: [{ name: 'tcp', port: 5432 }] },
    },
  ],
  'a Service without a selector, whose endpoints nobody has written yet': [
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'none', namespace: 'other' },
      addressType: 'IPv4',
      endpoints: [],
    } as any,
  ],
};

const many = <T>(count: number, make: (n: number) => T) => Array.from({ length: count }, (_, n) => make(n));
const site = (n: number) => `host-${n}.example.com`;
const manyServers = (count: number) =>
  istio('Gateway', {
    selector: { istio: 'mine' },
    servers: many(count, (n) => mutual(`tls-${n}`, `other/http-80.${site(n)}`)),
  });

/** One of many for an own Service. */
const ownRule = (n: number) => ({
  match: [{ uri: { regex: `/v${n}/[a-z]+` }, headers: { 'x-team': { exact: `team-${n}` }, 'x-b': { regex: 'a|b' } } }],
  rewrite: { uri: `/${n}` },
  headers: { request: { set: { 'x-a': `${n}` }, add: { 'x-b': `${n}` } }, response: { remove: ['server'] } },
  route: [{ destination: { host: 'x', subset: `v${n}` }, headers: { response: { add: { 'x-c': `${n}` } } } }],
});

/**
 * What 2,000 hosts come to, and what comes near the 1.5 MiB that etcd takes; `share` is of what one expression may
 * cost.
 */
const LARGE: Record<string, { object: KubeObject; share: number }> = {
  'an entry for 2,000 hosts': {
    object: istio('ServiceEntry', { exportTo: ['.'], hosts: many(2000, site) }),
    share: 0.001,
  },
  'a route for 2,000 hosts': {
    object: istio('VirtualService', { exportTo: ['.'], hosts: many(2000, site) }),
    share: 0.02,
  },
  'a Gateway with 2,000 servers': { object: manyServers(2000), share: 0.05 },
  'a route for 50,000 hosts, 1.2 MB': {
    object: istio('VirtualService', { exportTo: ['.'], hosts: many(50_000, site) }),
    share: 0.5,
  },
  'a route with 10,000 matches, 1.2 MB': {
    object: istio('VirtualService', {
      exportTo: ['.'],
      hosts: ['*.example.com'],
      tls: many(10_000, (n) => ({
        match: [{ port: 443, sniHosts: [site(n)] }],
        route: [{ destination: { host: site(n) } }],
      })),
    }),
    share: 0.25,
  },
  'a route of an own Service with 500 rules that others see': {
    object: istio('VirtualService', { hosts: ['x'], http: many(500, ownRule) }),
    share: 0.1,
  },
  'a route of an own Service with 3,000 rules, 1.1 MB': {
    object: istio('VirtualService', { hosts: ['x'], http: many(3000, ownRule) }),
    share: 0.7,
  },
  'a rule of an own Service with 2,000 subsets': {
    object: istio('DestinationRule', {
      host: 'x',
      subsets: many(2000, (n) => ({
        name: `v${n}`,
        labels: { version: `v${n}` },
        trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' }, tls: { mode: 'ISTIO_MUTUAL' } },
      })),
    }),
    share: 0.1,
  },
  'a Gateway with 10,000 servers, 1.3 MB': { object: manyServers(10_000), share: 0.25 },
};

const versionsOf = ({ apiVersion }: KubeObject) =>
  apiVersion.startsWith('networking.istio.io/')
    ? NETWORKING
    : apiVersion.startsWith('telemetry.istio.io/')
      ? ['v1', 'v1alpha1']
      : [apiVersion.split('/').pop()!];
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

  describe('enforced', () => {
    beforeAll(async () => {
      await enforce();
    });

    test.each(attacks)('%s is refused, as %s', async (_what, _version, object) => {
      expect(await create(object)).toEqual({ refused: expect.stringMatching(/denied request: .*[.]$/) });
    });

    // Of a pod that runs, only annotations can still change what its sidecar sees.
    const updates = attacks.filter(([, , { kind, metadata }]) => kind !== 'Pod' || metadata.annotations !== undefined);
    test.each(updates)('%s is refused as an update of something harmless, as %s', async (_what, _version, object) => {
      const oldObject = { ...object, metadata: { name: 'x', namespace: 'other' }, spec: {} };
      const answer = await mesh.lab.istiod.review({ operation: 'UPDATE', object, oldObject, user: 'somebody' });
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

    test('the expressions compile in every release from 1.30, and every field that they read has the right type', async () => {
      const { policies, types, problems } = await mesh.lab.istiod.checkPolicies();
      expect(policies).toBe(11);
      expect(types).toEqual({
        'egress-guard-service-entries': 3,
        'egress-guard-virtual-services': 3,
        'egress-guard-destination-rules': 3,
        'egress-guard-workload-entries': 3,
        'egress-guard-gateways': 3,
        'egress-guard-telemetries': 2,
        'egress-guard-services': 1,
        'egress-guard-endpoints': 1,
        'egress-guard-endpoint-slices': 1,
        'egress-guard-pods': 1,
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
      120_000,
    );
  });

  test('with ranges, endpoints by hand pass inside them; that takes Kubernetes 1.31', async () => {
    await enforce({ endpointCidrs: ['10.244.0.0/16'] });
    const slice = (address: string) => ({
      ...ATTACKS['an EndpointSlice with the address of a host'],
      endpoints: [{ addresses: [address] }],
    });
    expect(await create(slice('10.244.1.1'))).toEqual({});
    expect((await create(slice('::ffff:10.244.1.1'))).refused).toMatch(/of 10[.]244[.]0[.]0\/16 only/);
    expect((await create(slice('203.0.113.10'))).refused).toMatch(/denied request/);
    const workload = (address: string) => istio('WorkloadEntry', { address });
    expect(await create(workload('10.244.1.1'))).toEqual({});
    for (const address of ['::ffff:10.244.1.1', '203.0.113.10', 'db.example.com', 'unix:///x'])
      expect((await create(workload(address))).refused).toMatch(/of 10[.]244[.]0[.]0\/16 only/);
    const { problems } = await mesh.lab.istiod.checkPolicies();
    expect(Object.entries(problems).flatMap(([release, list]) => (list?.length ? [release] : []))).toEqual(['1.30']);
    const endpoints = Array.from({ length: 1000 }, (_, n) => ({
      addresses: [`10.244.${Math.floor(n / 250)}.${n % 250}`],
    }));
    const [cost] = await mesh.lab.istiod.costs({ ...slice(''), endpoints });
    expect(cost.ofCallLimit).toBeLessThan(0.02);
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
      const other = { ...lock, metadata: { ...lock.metadata, name: 'mine' } };
      expect(await mesh.lab.istiod.review({ ...remove, object: other })).toEqual({});
    }
    const { problems } = await mesh.lab.istiod.checkPolicies();
    expect(Object.values(problems).flatMap((list) => list ?? [])).toEqual([]);
  });
});
