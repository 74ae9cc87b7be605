/** What another author may write: kinds of objects, places and ages. docs/limits.md uses the same words. */
import { AccessRow } from '../../../src/access/access-table';
import { KubeObject } from '../lab';

/**
 * The host behind the gateway, the host straight from the sidecar, two behind a locked gateway, where policies check one
 * caller and a whole namespace; one that nobody declares, one to which an attacker leads traffic, and Azure's metadata
 * service.
 */
export const HOSTS = {
  through: { host: 'api.partner.com', address: '203.0.113.10' },
  straight: { host: 'www.partner.com', address: '203.0.113.11' },
  checked: { host: 'bank.partner.com', address: '203.0.113.12' },
  whole: { host: 'news.partner.com', address: '203.0.113.13' },
  open: { host: 'open.example.com', address: '203.0.113.65' },
  collector: { host: 'collector.example.com', address: '203.0.113.66' },
  metadata: { host: 'metadata.example.com', address: '168.63.129.16' },
} as const;
export const GATEWAY_LABELS = { app: 'istio-egressgateway', istio: 'egressgateway' };
export const LOCKED_LABELS = { 'cdk8s-istio-egress/gateway': 'vault.egress' };

/** Of the mesh's trust domain. */
export const ALIAS = 'former.example';

const HOP = 'istio-egressgateway-hop.egress.svc.cluster.local';

/** When ours were created, and other authors' objects. */
export const OURS = '2024-01-01T00:00:00Z';
export const AGES = { older: '2020-01-01T00:00:00Z', younger: '2026-01-01T00:00:00Z' } as const;

/** In `payments` are the callers, in `egress` the gateway; `elsewhere` is another team's. */
export const PLACES = {
  "the callers' namespace, private": { namespace: 'payments', exportTo: ['.'] },
  "the callers' namespace": { namespace: 'payments', exportTo: undefined },
  'another namespace': { namespace: 'elsewhere', exportTo: undefined },
  "the gateway's namespace": { namespace: 'egress', exportTo: undefined },
  'the root namespace': { namespace: 'istio-system', exportTo: undefined },
} as const;

export type Place = keyof typeof PLACES;
export type Age = keyof typeof AGES;

export interface Kind {
  /** In short, for tables. */
  readonly title: string;
  readonly make: (where: Where) => KubeObject[];
  /** Where it can be. @default - everywhere */
  readonly places?: Place[];
  /** @default - both */
  readonly ages?: Age[];
  /** Requests for the author's own Service by the names of which nobody else is called. @default - none */
  readonly requests?: (host: string) => AccessRow[];
  /** Whether what is sent leaves by the gateway, as from its callers. @default false */
  readonly leavesByGateway?: boolean;
}

interface Where {
  readonly namespace: string;
  readonly exportTo?: readonly string[];
  readonly creationTimestamp: string;
  /** A name of the hop to the gateway. */
  readonly hopName: string;
}

const SHARED: Place[] = [
  "the callers' namespace",
  'another namespace',
  "the gateway's namespace",
  'the root namespace',
];
const DECLARED = [HOSTS.through, HOSTS.straight, HOSTS.checked, HOSTS.whole];

function object(
  kind: string,
  name: string,
  { namespace, creationTimestamp, exportTo }: Where,
  spec: object,
): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata: { name, namespace, creationTimestamp },
    spec: { ...spec, ...(exportTo && { exportTo }) },
  };
}

/** One object for each of our hosts. */
function forEachHost(kind: string, spec: (host: string, address: string) => object) {
  return (where: Where) =>
    DECLARED.map(({ host, address }) =>
      object(kind, `foreign-${host.replace(/\./g, '-')}`, where, spec(host, address)),
    );
}

const entry = forEachHost('ServiceEntry', (host) => ({
  hosts: [host],
  resolution: 'DNS',
  ports: [
    { number: 80, name: 'http', protocol: 'HTTP' },
    { number: 443, name: 'tls', protocol: 'TLS' },
  ],
}));
const route = forEachHost('VirtualService', (host) => ({
  hosts: [host],
  http: [{ match: [{ port: 80 }], route: [{ destination: { host, port: { number: 80 } } }] }],
  tls: [{ match: [{ port: 443, sniHosts: [host] }], route: [{ destination: { host, port: { number: 443 } } }] }],
}));
/** Plain HTTP to the TLS port. */
const astray = forEachHost('VirtualService', (host) => ({
  hosts: [host],
  http: [{ route: [{ destination: { host, port: { number: 443 } } }] }],
}));
const off = forEachHost('DestinationRule', (host) => ({
  host,
  trafficPolicy: { tls: { mode: 'DISABLE' } },
  subsets: [{ name: 'tls' }],
}));
const offAtHop = (where: Where) => [
  object('DestinationRule', 'foreign-hop', where, { host: HOP, trafficPolicy: { tls: { mode: 'DISABLE' } } }),
];

const TCP = [80, 443].map((number) => ({ number, name: `tcp-${number}`, protocol: 'TCP' }));
const claims = (spec: object) => (where: Where) => [
  object('ServiceEntry', 'foreign-addresses', where, {
    hosts: ['x.elsewhere.internal'],
    location: 'MESH_EXTERNAL',
    resolution: 'NONE',
    ports: TCP,
    ...spec,
  }),
];
const addresses = DECLARED.map(({ address }) => address);

const headlessService = ({ namespace, creationTimestamp }: Where, selector?: object): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'foreign', namespace, creationTimestamp },
  spec: {
    clusterIP: 'None',
    ...(selector && { selector }),
    ports: TCP.map(({ number, name }) => ({ name, port: number, targetPort: number })),
  },
});

/** The addresses belong to a Service without a selector. */
const headless = (where: Where): KubeObject[] => [
  headlessService(where),
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'foreign',
      namespace: where.namespace,
      creationTimestamp: where.creationTimestamp,
      labels: { 'kubernetes.io/service-name': 'foreign' },
    },
    addressType: 'IPv4',
    ports: TCP.map(({ number, name }) => ({ name, port: number, protocol: 'TCP' })),
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  } as unknown as KubeObject,
];

const unexported = (kind: string, where: Where, spec: object) =>
  object(kind, 'foreign', { ...where, exportTo: undefined }, spec);

/** The addresses are given to a Service by an entry for it that only its own namespace sees. */
const sharing = (where: Where): KubeObject[] => [
  headlessService(where),
  object(
    'ServiceEntry',
    'foreign',
    { ...where, exportTo: ['.'] },
    {
      hosts: [nameOf(where)],
      resolution: 'STATIC',
      ports: TCP,
      endpoints: addresses.map((address) => ({ address })),
    },
  ),
];

/** A Service whose selector matches WorkloadEntries with these addresses. */
const selectedEntries = (where: Where): KubeObject[] => [
  headlessService(where, { app: 'foreign' }),
  ...addresses.map((address, index) => ({
    ...unexported('WorkloadEntry', where, { address, labels: { app: 'foreign' } }),
    metadata: {
      name: `foreign-${index}`,
      namespace: where.namespace,
      creationTimestamp: where.creationTimestamp,
    },
  })),
];

const plainService = (where: Where, spec: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'foreign', namespace: where.namespace, creationTimestamp: where.creationTimestamp },
  spec: { selector: { app: 'foreign' }, ports: [{ name: 'http', port: 80, targetPort: 80 }], ...spec },
});
const nameOf = ({ namespace }: Where) => `foreign.${namespace}.svc.cluster.local`;
/** A rule for the author's own Service. */
const ownRule = (trafficPolicy: object) => (where: Where) => [
  plainService(where),
  object('DestinationRule', 'foreign', where, { host: nameOf(where), trafficPolicy }),
];
const passing = ownRule({ loadBalancer: { simple: 'PASSTHROUGH' }, tls: { mode: 'DISABLE' } });
const external = (where: Where) => [
  plainService(where),
  {
    ...unexported('WorkloadEntry', where, { address: HOSTS.open.address, labels: { app: 'foreign' } }),
    metadata: { name: 'foreign', namespace: where.namespace, creationTimestamp: where.creationTimestamp },
  },
];
/** A route of the author's own Service. */
const ownRoute = (http: object) => (where: Where) => [
  plainService(where),
  object('VirtualService', 'foreign', where, { hosts: [nameOf(where)], http: [http] }),
];
/** A route into the path of somebody else. */
const misled = (where: Where, host = HOP, named: object = { rewrite: { authority: where.hopName } }) => {
  const [port, key] = where.hopName.split('.');
  const destination = { host, subset: `${key}-${port}`, port: { number: 443 } };
  return ownRoute({ ...named, route: [{ destination }] })(where);
};
const alias = (
  { namespace, creationTimestamp }: Where,
  name: string,
  externalName: string,
  annotations?: Record<string, string>,
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace, creationTimestamp, annotations },
  spec: { type: 'ExternalName', externalName, ports: [{ name: 'http', port: 80 }] },
});
/** What is asked of the author's Service is sent to an address that nobody has declared, or to a host of others. */
const asked = (host: string): AccessRow[] =>
  [
    { from: 'refunds', request: `http://${HOSTS.through.host}/` },
    { from: 'checkout', request: `http://${HOSTS.open.host}/` },
  ].map((request) => ({ ...request, headers: { Host: host }, expect: { outcome: 'refused' } }));

const server = (value: object) => (where: Where) => [
  unexported('Gateway', where, { selector: GATEWAY_LABELS, servers: [value] }),
];
const mutual = (host: string, tls: object = {}) => ({
  port: { number: 443, name: 'foreign', protocol: 'HTTPS' },
  hosts: [host],
  tls: { mode: 'ISTIO_MUTUAL', ...tls },
});
/** A path of the author's own through the locked gateway, under a name like those that its lock lets in. */
const privateName = (where: Where): KubeObject[] => {
  const [name, hop] = ['foreign.egress.internal', 'vault-hop.egress.svc.cluster.local'];
  const { host } = HOSTS.open;
  return [
    object('ServiceEntry', 'foreign-open', where, {
      hosts: [host],
      resolution: 'DNS',
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    }),
    object('DestinationRule', 'foreign-hop', where, {
      host: hop,
      trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', sni: name } },
    }),
    object('VirtualService', 'foreign-to', where, {
      hosts: [host],
      http: [{ rewrite: { authority: name }, route: [{ destination: { host: hop, port: { number: 443 } } }] }],
    }),
    unexported('Gateway', where, { selector: LOCKED_LABELS, servers: [mutual(name)] }),
    object('VirtualService', 'foreign-from', where, {
      hosts: [name],
      gateways: ['foreign'],
      http: [{ rewrite: { authority: host }, route: [{ destination: { host, port: { number: 80 } } }] }],
    }),
  ];
};
const takesPort = (protocol: string) => server({ port: { number: 443, name: 'foreign', protocol }, hosts: ['*'] });

const sidecar = (spec: object) => (where: Where) => [unexported('Sidecar', where, spec)];
const OPEN = { outboundTrafficPolicy: { mode: 'ALLOW_ANY' }, egress: [{ hosts: ['istio-system/*'] }] };

/** Lets the sidecars' connections for what is not declared go where they were sent. */
const filter = (where: Where) => [
  {
    ...unexported('EnvoyFilter', where, {
      configPatches: [
        {
          applyTo: 'CLUSTER',
          match: { context: 'SIDECAR_OUTBOUND', cluster: { name: 'BlackHoleCluster' } },
          patch: { operation: 'MERGE', value: { type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED' } },
        },
      ],
    }),
    apiVersion: 'networking.istio.io/v1alpha3',
  },
];

/** Has the sidecars run a program for each request, which calls a host by itself. */
const program = (where: Where) => [
  {
    ...unexported('TrafficExtension', where, {
      match: [{ mode: 'CLIENT' }],
      lua: {
        inlineCode: `function envoy_on_request() io.popen("curl -s -m 1 http://${HOSTS.open.address}/"):read("*a") end`,
      },
    }),
    apiVersion: 'extensions.istio.io/v1alpha1',
  },
];

/** An older route alone, to a host that another namespace offers to all. */
const elsewhere = (where: Where): KubeObject[] => [
  object(
    'ServiceEntry',
    'foreign-offer',
    { ...where, namespace: 'elsewhere', exportTo: undefined },
    {
      hosts: ['offer.example.com'],
      resolution: 'DNS',
      endpoints: [{ address: HOSTS.through.host }],
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    },
  ),
  object('VirtualService', 'foreign-route', where, {
    hosts: [HOSTS.through.host],
    http: [{ route: [{ destination: { host: 'offer.example.com', port: { number: 80 } } }] }],
  }),
];

/** Traces every request, with the provider that tells most, and wants it told. */
const TRACING = {
  tracing: [{ providers: [{ name: 'skywalking' }], randomSamplingPercentage: 100, disableContextPropagation: false }],
};
const telemetry = (selected: boolean) => (where: Where) => {
  const matchLabels = where.namespace === 'egress' ? GATEWAY_LABELS : { app: 'checkout' };
  const spec = { ...(selected && { selector: { matchLabels } }), ...TRACING };
  const tracer: KubeObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'tracer', namespace: 'tracing', creationTimestamp: where.creationTimestamp },
    spec: { ports: [{ name: 'grpc', port: 11800 }] },
  };
  return [tracer, { ...unexported('Telemetry', where, spec), apiVersion: 'telemetry.istio.io/v1' }];
};

const policy = (rule: object) => (where: Where) => [
  { ...unexported('AuthorizationPolicy', where, { rules: [rule] }), apiVersion: 'security.istio.io/v1' },
];
const from = (principal: string) => ({ from: [{ source: { principals: [principal] } }] });

export const KINDS = {
  entry: { title: 'a ServiceEntry for the host', make: entry },
  route: { title: 'a VirtualService for the host', make: route },
  astray: { title: 'a VirtualService that sends HTTP to the TLS port', make: astray },
  off: { title: 'a DestinationRule for the host, without TLS', make: off },
  hop: { title: 'a DestinationRule for the hop Service, without TLS', make: offAtHop },
  entryAndRoute: { title: 'an entry and a route', make: (where) => [...entry(where), ...route(where)] },
  entryAndRule: { title: 'an entry and a rule without TLS', make: (where) => [...entry(where), ...off(where)] },
  elsewhere: {
    title: "a route to another namespace's entry",
    make: elsewhere,
    places: ["the callers' namespace, private", "the callers' namespace"],
  },
  address: { title: "an entry with the host's address, as TCP", make: claims({ addresses }) },
  everyAddress: {
    title: 'an entry with every address, as TCP',
    make: claims({ addresses: ['0.0.0.0/1', '128.0.0.0/1'] }),
  },
  leadsElsewhere: {
    title: "an entry with the host's address that leads to another server",
    make: claims({ addresses, resolution: 'STATIC', endpoints: [{ address: HOSTS.collector.address }] }),
  },
  byName: {
    title: "an entry with the host's address, exported by name",
    make: (where) => claims({ addresses })({ ...where, exportTo: ['payments', 'nobody'] }),
    places: ['another namespace', "the gateway's namespace", 'the root namespace'],
  },
  headless: { title: "a headless Service with the host's address", make: headless, places: SHARED },
  sharing: {
    title: "a private ServiceEntry that gives the author's headless Service the host's address",
    make: sharing,
    places: SHARED,
    ages: ['older'],
  },
  workload: {
    title: "a headless Service that selects a WorkloadEntry with the host's address",
    make: selectedEntries,
    places: SHARED,
  },
  headlessHttp: {
    title: 'a headless Service with an HTTP port, and a request that names it',
    make: (where) => [plainService(where, { clusterIP: 'None' })],
    places: SHARED,
    ages: ['older'],
    requests: asked,
  },
  passing: {
    title: 'a Service with a DestinationRule `PASSTHROUGH`, and a request that names it',
    make: passing,
    ages: ['older'],
    requests: asked,
  },
  external: {
    title: 'a Service that selects a WorkloadEntry with an external address, and a request that names it',
    make: external,
    places: SHARED,
    ages: ['older'],
    requests: asked,
  },
  misled: {
    title: "a VirtualService that sends what is for the author's Service through the gateway, as from its callers",
    make: misled,
    ages: ['older'],
    requests: asked,
    leavesByGateway: true,
  },
  misledByHeader: {
    title: 'the same, where a header `Host` says the private name',
    make: (where) => misled(where, HOP, { headers: { request: { set: { Host: where.hopName } } } }),
    ages: ['older'],
    requests: asked,
    leavesByGateway: true,
  },
  misledByAlias: {
    title: 'the same, by a Service of type `ExternalName` that stands for the gateway',
    make: (where) => [alias(where, 'alias', HOP), ...misled(where, `alias.${where.namespace}.svc.cluster.local`)],
    ages: ['older'],
    requests: asked,
    leavesByGateway: true,
  },
  proxyPort: {
    title: 'a Service with the `appProtocol` http_proxy on the ports of the hosts',
    make: (where) => [
      plainService(where, {
        ports: TCP.map(({ number, name }) => ({ name, port: number, targetPort: number, appProtocol: 'http_proxy' })),
      }),
    ],
    places: SHARED,
  },
  sctp: {
    title: 'a Service with ports for SCTP and TCP of one number',
    make: (where) => [
      plainService(where, {
        ports: ['TCP', 'SCTP'].map((protocol) => ({
          name: protocol.toLowerCase(),
          port: 80,
          protocol,
          targetPort: 80,
        })),
      }),
    ],
    places: SHARED,
    ages: ['older'],
  },
  semantics: {
    title:
      "a Service with a label of istiod's own (`internal.istio.io/…`), and a DestinationRule with `zoneAwareLbSetting`",
    make: (where) => {
      const [service, rule] = ownRule({ loadBalancer: { zoneAwareLbSetting: { enabled: true } } })(where);
      const labels = { 'internal.istio.io/service-semantics': 'inferencepool' };
      return [{ ...service, metadata: { ...service.metadata, labels } }, rule];
    },
    places: SHARED,
    ages: ['older'],
  },
  alias: {
    title:
      "a Service of type `ExternalName`, private by its annotation, that stands for the callers' host, and a request " +
      'that names it',
    make: (where) => [alias(where, 'foreign', HOSTS.through.host, { 'networking.istio.io/exportTo': '.' })],
    places: SHARED,
    ages: ['older'],
    requests: asked,
    leavesByGateway: true,
  },
  unreadable: {
    title: "a VirtualService for the author's Service that istiod takes and Envoy does not",
    make: ownRoute({ match: [{ uri: { regex: '/\\p{Letter}+' } }], route: [{ destination: { host: 'foreign' } }] }),
    ages: ['older'],
  },
  unreadableMatch: {
    title: 'one whose annotation has istiod read it otherwise',
    make: (where) => {
      const [service, made] = ownRoute({
        match: [{ uri: { prefix: '/a?b' } }],
        route: [{ destination: { host: nameOf(where), port: { number: 80 } } }],
      })(where);
      const annotations = { 'internal.istio.io/route-semantics': 'ingress' };
      return [service, { ...made, metadata: { ...made.metadata, annotations } }];
    },
    ages: ['older'],
  },
  unreadableRule: {
    title: 'a DestinationRule of that kind',
    make: ownRule({ loadBalancer: { consistentHash: { httpHeaderName: '' } } }),
    ages: ['older'],
  },
  unreadableDuration: {
    title: 'a DestinationRule with a duration of that kind',
    make: ownRule({ connectionPool: { tcp: { connectTimeout: '9223372036s' } } }),
    ages: ['older'],
  },
  sameName: {
    title: 'a Gateway server with the name of a hop',
    make: (where) => server(mutual(where.hopName))(where),
    places: SHARED,
  },
  sameNameAnywhere: {
    title: 'a Gateway server with the name of a hop, as `*/name`',
    make: (where) => server(mutual(`*/${where.hopName}`))(where),
    places: SHARED,
  },
  privateName: {
    title: "a path under a private name of the author's own, through a locked gateway",
    make: privateName,
  },
  httpServer: { title: "a Gateway server for HTTP on the hop's port", make: takesPort('HTTP'), places: SHARED },
  tcpServer: { title: "a Gateway server for TCP on the hop's port", make: takesPort('TCP'), places: SHARED },
  openSidecar: {
    title: 'a Sidecar with ALLOW_ANY that imports less',
    make: sidecar(OPEN),
    places: ["the callers' namespace", 'the root namespace'],
  },
  openWorkload: {
    title: 'the same Sidecar for one workload',
    make: sidecar({ workloadSelector: { labels: { app: 'checkout' } }, ...OPEN }),
    places: ["the callers' namespace"],
  },
  tcpListener: {
    title: 'a Sidecar with TCP listeners on 80 and 443',
    make: sidecar({
      outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
      egress: [...TCP.map((port) => ({ port, hosts: ['./*'] })), { hosts: ['*/*'] }],
    }),
    places: ["the callers' namespace"],
  },
  filter: {
    title: 'an EnvoyFilter that lets undeclared connections out',
    make: filter,
    places: SHARED,
  },
  program: {
    title: 'a TrafficExtension whose `lua` runs a program',
    make: program,
    places: SHARED,
    ages: ['older'],
  },
  metadata: {
    title: 'an entry with the address of a metadata service, as TCP',
    make: claims({ addresses: [HOSTS.metadata.address] }),
  },
  traced: { title: 'a Telemetry that traces every request', make: telemetry(false), places: SHARED },
  tracedWorkload: {
    title: 'the same Telemetry for one workload',
    make: telemetry(true),
    places: ["the callers' namespace", 'another namespace', "the gateway's namespace"],
  },
  allows: { title: 'an AuthorizationPolicy that allows every identity', make: policy(from('*')), places: SHARED },
  allowsAll: { title: 'an AuthorizationPolicy that allows everything', make: policy({}), places: SHARED },
  allowsAlias: {
    title: 'an AuthorizationPolicy that allows an alias of the trust domain',
    make: policy(from(`${ALIAS}/*`)),
    places: SHARED,
  },
  allowsOne: {
    title: 'an AuthorizationPolicy that allows somebody else',
    make: policy(from('cluster.local/ns/elsewhere/sa/default')),
    places: SHARED,
  },
} satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;

/** A kind of objects in one place, at one age. */
export interface Foreign {
  readonly kind: KindName;
  readonly place: Place;
  readonly age: Age;
}

export const FOREIGN: Foreign[] = (Object.entries(KINDS) as [KindName, Kind][]).flatMap(([kind, { places, ages }]) =>
  (places ?? (Object.keys(PLACES) as Place[])).flatMap((place) =>
    (ages ?? (Object.keys(AGES) as Age[])).map((age) => ({ kind, place, age })),
  ),
);

/** Requests by which its effect shows, beside those that are sent in any case. */
export function requestsOf({ kind, place }: Foreign): AccessRow[] {
  const { requests }: Kind = KINDS[kind];
  return requests?.(`foreign.${PLACES[place].namespace}.svc.cluster.local`) ?? [];
}

export function objectsOf({ kind, place, age }: Foreign, hopName: string): KubeObject[] {
  const { make }: Kind = KINDS[kind];
  const made = make({ ...PLACES[place], creationTimestamp: AGES[age], hopName });
  const texts = made.map((one) => JSON.stringify(one));
  return made.filter((_, index) => texts.indexOf(texts[index]) === index);
}
