import {
  tlsPolicy,
  extension,
  istio,
  managedGateway,
  many,
  pod,
  service,
  telemetry,
  gatewayApi,
  proxyConfig,
  retryPolicy,
} from './objects';
import { KubeObject } from '../lab';

/** What Istio's own pages and charts tell people to write, inside their own namespace. */
export const RECIPES: Record<string, KubeObject[]> = {
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
  'a policy of the Gateway API for retries': [retryPolicy({ count: 5, interval: '1s' })],
  'a policy of the Gateway API for TLS': [tlsPolicy({ wellKnownCACertificates: 'System' })],
  'a Gateway for which istiod makes the pods': [
    managedGateway({ 'sidecar.istio.io/proxyImage': 'registry.example.com:5000/proxyv2@sha256:0123' }),
    proxyConfig({ ISTIO_META_HTTP10: '1' }),
  ],
  'a route of the Gateway API at an ingress gateway': [
    gatewayApi('HTTPRoute', { name: 'public', namespace: 'istio-ingress' }),
    gatewayApi('TLSRoute', { name: 'public', namespace: 'istio-ingress' }),
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
  'TLS and redirects of an own Service': [
    istio('VirtualService', {
      hosts: ['*.db.other.svc.cluster.local'],
      tls: [
        {
          match: [{ sniHosts: ['*.db.other.svc.cluster.local'] }],
          route: [{ destination: { host: 'db' } }],
        },
      ],
    }),
    istio('VirtualService', {
      hosts: ['secure.other.svc.cluster.local'],
      tls: [
        {
          match: [{ port: 443, sniHosts: ['secure.other.svc.cluster.local'] }],
          route: [{ destination: { host: 'secure', subset: 'v1' } }],
        },
      ],
      http: [
        { match: [{ uri: { prefix: '/old' } }], redirect: { prefixRewrite: '/new' } },
        { route: [{ destination: { host: 'secure' } }] },
      ],
    }),
  ],
  'much of what istiod multiplies, within bounds': [
    istio('VirtualService', {
      hosts: many(50, (n) => `x${n}.other.svc.cluster.local`),
      http: many(40, (n) => ({ match: [{ uri: { prefix: `/${n}` } }], route: [{ destination: { host: 'x' } }] })),
    }),
    istio('VirtualService', {
      exportTo: ['.'],
      hosts: many(5, (n) => `x${n}.example.com`),
      http: many(10, () => ({ delegate: { name: 'y' } })),
    }),
    istio('VirtualService', {
      exportTo: ['.'],
      hosts: ['x.example.com'],
      http: many(50, (n) => ({ match: [{ uri: { prefix: `/team-${n}` } }], delegate: { name: `team-${n}` } })),
    }),
    istio('VirtualService', {
      hosts: many(50, (n) => `x${n}.example.com`),
      gateways: ['mine'],
      http: many(400, (n) => ({ match: [{ uri: { prefix: `/${n}` } }], route: [{ destination: { host: 'x' } }] })),
    }),
    istio('VirtualService', {
      exportTo: ['.'],
      hosts: ['x.example.com'],
      http: [
        { match: many(1000, (n) => ({ uri: { exact: `/${n}` } })), route: [{ destination: { host: 'x' } }] },
        {
          match: many(200, (n) => ({ uri: { exact: `/${n}` } })),
          headers: { request: { set: { 'x-a': 'b'.repeat(2_450) } } },
          route: [{ destination: { host: 'x' } }],
        },
      ],
    }),
    istio('VirtualService', {
      exportTo: ['.'],
      hosts: ['x.example.com'],
      http: [{ directResponse: { status: 200, body: { string: 'a'.repeat(500_000) } } }],
    }),
    istio('VirtualService', {
      hosts: many(50, (n) => `x${n}.example.com`),
      gateways: ['mine'],
      http: [
        {
          headers: { response: { set: { 'content-security-policy': 'a'.repeat(99_900) } } },
          route: [{ destination: { host: 'x' } }],
        },
      ],
    }),
    istio('VirtualService', {
      exportTo: ['.'],
      hosts: ['*.example.com'],
      tls: many(10, (n) => ({ match: [{ sniHosts: [`x${n}.example.com`] }], route: [{ destination: { host: 'x' } }] })),
    }),
    istio('VirtualService', {
      hosts: many(60, (n) => `x${n}.example.com`),
      gateways: ['mine'],
      tls: many(60, (n) => ({ match: [{ sniHosts: [`x${n}.example.com`] }], route: [{ destination: { host: 'x' } }] })),
    }),
    istio('ServiceEntry', {
      exportTo: ['.'],
      resolution: 'STATIC',
      hosts: many(20, (n) => `x${n}.example.com`),
      ports: many(10, (n) => ({ number: 8000 + n, name: `http-${n}`, protocol: 'HTTP' })),
      endpoints: many(100, (n) => ({ address: `203.0.113.${n}` })),
    }),
    istio('VirtualService', { http: many(100, () => ({ route: [{ destination: { host: 'x' } }] })) }),
    istio('VirtualService', { hosts: ['x'], http: many(1000, () => ({ route: [{ destination: { host: 'x' } }] })) }),
    istio('DestinationRule', {
      host: 'x',
      trafficPolicy: {
        loadBalancer: { localityLbSetting: { failoverPriority: many(20, (n) => `l${n}`) } },
        outlierDetection: { consecutive5xxErrors: 5 },
      },
      subsets: many(50, (n) => ({ name: `v${n}` })),
    }),
    istio('DestinationRule', {
      host: 'a.example.com',
      exportTo: ['.'],
      subsets: many(300, (n) => ({ name: `v${n}` })),
    }),
    istio('DestinationRule', {
      host: 'a.example.com',
      exportTo: ['.'],
      trafficPolicy: {
        tls: { mode: 'SIMPLE', sni: 'a.example.com', subjectAltNames: many(20, (n) => `${n}.`.padEnd(249, 'a')) },
        loadBalancer: {
          consistentHash: {
            httpCookie: { name: 'a', attributes: many(20, (n) => ({ name: `a${n}`, value: 'b'.repeat(20) })) },
          },
        },
      },
    }),
    istio('DestinationRule', {
      host: 'x',
      trafficPolicy: {
        loadBalancer: { consistentHash: { httpCookie: { name: 'a'.repeat(499), path: '/', ttl: '0s' } } },
      },
    }),
    istio('ServiceEntry', {
      exportTo: ['.'],
      resolution: 'STATIC',
      hosts: ['x.example.com'],
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      subjectAltNames: many(20, () => 'a'.repeat(250)),
      endpoints: [
        ...many(100, (n) => ({ address: `203.0.113.${n}`, serviceAccount: 'x' })),
        ...many(20, (n) => ({ address: `203.0.113.${100 + n}`, serviceAccount: `x${n}` })),
      ],
    }),
    service(
      { selector: { app: 'x' }, ports: [{ name: 'http', port: 80 }] },
      {
        annotations: Object.fromEntries(
          ['canonical', 'kubernetes'].map((kind) => [
            `alpha.istio.io/${kind}-serviceaccounts`,
            many(10, (n) => `${n}`.padEnd(248, 'a')).join(','),
          ]),
        ),
      },
    ),
    service({ selector: { app: 'x' }, ports: many(100, (n) => ({ name: `http-${n}`, port: 8000 + n })) }),
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
  'the pods of a StatefulSet': [
    istio('ServiceEntry', {
      hosts: ['mysql-0.mysql.other.svc.cluster.local'],
      exportTo: ['.'],
      location: 'MESH_INTERNAL',
      resolution: 'STATIC',
      ports: [{ number: 3306, name: 'mysql', protocol: 'MYSQL' }],
      endpoints: [{ address: '10.244.1.1' }],
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
  'an extension in WebAssembly': [extension({ wasm: { url: 'oci://registry.example.com/filter:1' } })],
  'another name for an own Service': [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'search', namespace: 'other' },
      spec: { type: 'ExternalName', externalName: 'index.other.svc.cluster.local' },
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
  'metadata of proxies, and how long they drain': [
    proxyConfig({ ISTIO_META_DNS_CAPTURE: 'true', MINIMUM_DRAIN_DURATION: '5s' }),
    { ...proxyConfig({}), spec: { concurrency: 2 } },
    pod({
      annotations: {
        'proxy.istio.io/config':
          'drainDuration: 20s\nproxyMetadata: { EXIT_ON_ZERO_ACTIVE_CONNECTIONS: "true", ISTIO_META_IDLE_TIMEOUT: "1h" }',
        'sidecar.istio.io/userVolume': '[\n{"name":"a","emptyDir":{}}]',
        'sidecar.istio.io/proxyCPU': '100m',
      },
    }),
    pod({
      annotations: {
        'proxy.istio.io/config':
          'tracing: { zipkin: { address: $(HOST_IP):9411 }, tlsSettings: { mode: ISTIO_MUTUAL } }\n' +
          'proxyStatsMatcher: { inclusionPrefixes: ["cluster.outbound|80||catalog.other"] }',
      },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'x-5d4', uid: 'a' }],
    }),
  ],
  'names and nameservers of a pod': [
    pod(
      {},
      {
        hostAliases: [{ ip: '10.1.2.3', hostnames: ['erp.corp.example.com', 'db'] }],
        dnsPolicy: 'None',
        dnsConfig: { nameservers: ['169.254.20.10'], searches: ['other.svc.cluster.local'] },
      },
    ),
    pod(
      { annotations: { 'proxy.istio.io/config': 'tracing: { zipkin: { address: "$(HOST_IP):9411" } }' } },
      { dnsConfig: { options: [{ name: 'ndots', value: '2' }] } },
    ),
  ],
  'tokens of an issuer, with its keys': [
    {
      ...istio('RequestAuthentication', {
        jwtRules: [
          { issuer: 'https://accounts.example.com', jwksUri: 'https://accounts.example.com/keys' },
          { issuer: 'testing@example.com', jwks: '{ "keys": [] }' },
        ],
      }),
      apiVersion: 'security.istio.io/v1',
    },
  ],
  'a port for SCTP, and one for TCP and UDP': [
    service({
      selector: { app: 'x' },
      ports: [
        { name: 'tcp-dns', port: 53 },
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'sctp', port: 38412, protocol: 'SCTP' },
      ],
    }),
  ],
  'protocols of ports': [
    service({
      selector: { app: 'x' },
      ports: ['http', 'kubernetes.io/h2c', 'mysql', 'example.com/mine'].map((appProtocol, index) => ({
        name: `p-${index}`,
        port: 80 + index,
        appProtocol,
      })),
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
