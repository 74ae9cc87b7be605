import { routesBeyond, rulesBeyond } from './beyond';
import {
  each,
  field,
  inPattern,
  isBelowNamespace,
  isInside,
  isOwnService,
  literal,
  mapLiteral,
  noHopNames,
  Validation,
} from './cel';
import { FEW_ENDPOINTS, FEW_PORTS, FEW_ROUTES, FEW_SUBSETS } from './sizes';
import { REVISION } from '../../istio/injection';

/** What the guard is told, or finds in the app at synth. */
export interface GuardFacts {
  /** Whoever writes here is the platform. */
  readonly platformNamespaces: string[];
  readonly gateways: GuardedPods[];
  readonly sharedGateways: string[];
  readonly endpointCidrs: string[];
  readonly machineCidrs: string[];
  readonly clusterDomain: string;
  /** What the images of sidecars are called; none for those of Istio's releases. */
  readonly proxyImages: string[];
  /** Variables of sidecars, beside the usual ones. */
  readonly proxyVariables: string[];
}

/** The pods of a gateway, as far as they are known. */
export interface GuardedPods {
  readonly labels: Record<string, string>;

  /** Labels that they certainly do not carry, as a CEL expression over `key`. */
  readonly lacks: string;
}

/** Where a lock lies in a namespace whose authors could take it off. */
export interface GuardedLocks {
  /** The namespaces that are locked; none for the whole mesh. */
  readonly namespaces?: string[];

  /** Sidecars, as `<namespace>/<name>`. */
  readonly sidecars: string[];
}

/** One ValidatingAdmissionPolicy, but for its name. */
export interface GuardPolicy {
  readonly rules: ResourceRule[];
  readonly namespaces: { operator: 'In' | 'NotIn'; values: string[] };
  readonly conditions?: { name: string; expression: string }[];
  readonly variables?: { name: string; expression: string }[];
  readonly validations: (Validation & { readonly messageExpression?: string })[];
}

interface ResourceRule {
  readonly apiGroups: string[];
  readonly apiVersions: string[];
  readonly operations: string[];
  readonly resources: string[];
}

/** Every version that Istio's CRDs have served; `matchPolicy: Equivalent` takes those to come. */
const ISTIO_VERSIONS = ['v1', 'v1beta1', 'v1alpha3'];

/** Of the Gateway API routes that sidecars can follow, and Gateways, in every version that they have had. */
const GATEWAY_API = {
  gateways: ['v1', 'v1beta1'],
  httproutes: ['v1', 'v1beta1', 'v1alpha2'],
  grpcroutes: ['v1', 'v1alpha2'],
  tlsroutes: ['v1', 'v1alpha3', 'v1alpha2'],
  tcproutes: ['v1', 'v1alpha2'],
};

/**
 * Kubernetes' own writers of endpoints: the controllers, by the accounts that they have one by one or together, and the
 * API server, which writes its own addresses under `default/kubernetes`.
 */
const ENDPOINT_WRITERS = [
  'system:apiserver',
  'system:kube-controller-manager',
  'system:serviceaccount:kube-system:endpoint-controller',
  'system:serviceaccount:kube-system:endpointslice-controller',
  'system:serviceaccount:kube-system:endpointslicemirroring-controller',
];

/** By annotations and labels below this istiod tells apart what it made of other kinds of objects. */
const INTERNAL = 'internal.istio.io/';

const NETWORK = 'topology.istio.io/network';
const labelsOf = (object: string) => field('metadata.labels', '{}', object);
const NO_NETWORK = {
  expression: `!(${literal(NETWORK)} in ${labelsOf('object')})`,
  message:
    `What has the label ${NETWORK} is a gateway to a network of the mesh, through which sidecars of all namespaces send ` +
    'what is for that network: leave it out. Such gateways belong in a namespace of the platform.',
};

const PRIVATE = "['.']";
const HIDDEN = '`exportTo: ["."]`';

export function written(apiGroup: string, apiVersions: string[], ...resources: string[]): ResourceRule {
  return { apiGroups: [apiGroup], apiVersions, operations: ['CREATE', 'UPDATE'], resources };
}

function istio(resource: string): ResourceRule {
  return written('networking.istio.io', ISTIO_VERSIONS, resource);
}

export function outside({ platformNamespaces }: GuardFacts): GuardPolicy['namespaces'] {
  return { operator: 'NotIn', values: platformNamespaces };
}

/** The policies that every guard has, by what they are about. Each is small, so that none comes near CEL's budget. */
export const GUARD_POLICIES: Record<string, (facts: GuardFacts) => GuardPolicy> = {
  'service-entries': (facts) => ({
    rules: [istio('serviceentries')],
    namespaces: outside(facts),
    validations: [
      {
        expression: `${field('spec.exportTo', '[]')} == ${PRIVATE}`,
        message:
          `A ServiceEntry is for its own namespace: write ${HIDDEN}. Seen by other namespaces, its hosts and ` +
          'addresses would take over their traffic. What all may use belongs in a namespace of the platform.',
      },
      {
        // istiod keeps endpoints, and the clusters that it has worked out, by host and namespace: those of an entry for a
        // Service become the Service's. Lists may be long. A longer name is that of a pod.
        expression:
          `!${field('spec.hosts', '[]')}.join(' ').contains(${literal(`.svc.${facts.clusterDomain}`)}) || ` +
          `!${field('spec.hosts', '[]')}.exists(host, host.matches('^[^.]+[.]' + request.namespace + ` +
          `${literal(`[.]svc[.]${inPattern(facts.clusterDomain)}$`)}))`,
        message:
          'A ServiceEntry must not name a Service of its own namespace: what it says can apply to the Service itself, ' +
          'which all namespaces see. Give the entry another host, and the Service a `selector`.',
      },
      FEW_ENDPOINTS,
    ],
  }),

  'virtual-services': (facts) => ({
    rules: [istio('virtualservices')],
    namespaces: outside(facts),
    variables: [
      { name: 'gateways', expression: field('spec.gateways', '[]') },
      { name: 'hosts', expression: field('spec.hosts', '[]') },
      {
        name: 'isSeen',
        expression:
          "(variables.gateways.size() == 0 || 'mesh' in variables.gateways) && " +
          `${field('spec.exportTo', '[]')} != ${PRIVATE}`,
      },
    ],
    validations: [
      {
        expression: `!variables.isSeen || variables.hosts.all(host, ${isOwnService('host', facts.clusterDomain)})`,
        message:
          "A VirtualService for sidecars whose hosts are not its own namespace's Services, by their short or full names, " +
          `is for its own namespace: write ${HIDDEN}, and what a gateway serves into another VirtualService, without "mesh" ` +
          'among its `gateways`.',
      },
      {
        expression:
          "variables.gateways.all(gateway, gateway == 'mesh' || gateway.matches('^([.]/)?[-a-z0-9]+$') || " +
          `gateway.startsWith(request.namespace + '/')` +
          `${facts.sharedGateways.length > 0 ? ` || gateway in ${literal(facts.sharedGateways)}` : ''})`,
        message:
          'A VirtualService is bound to a Gateway that is not for everybody: write "mesh" or the name of a Gateway ' +
          `of its own namespace${
            facts.sharedGateways.length > 0 ? `, or one of ${facts.sharedGateways.join(', ')}` : ''
          }. Hosts behind the egress gateway are declared with GatewayEgress.`,
      },
      {
        expression:
          `${noHopNames('variables.hosts')} && ${field('spec.tls', '[]')}.all(route, ` +
          `${field('match', '[]', 'route')}.all(match, ${noHopNames(field('sniHosts', '[]', 'match'))}))`,
        message:
          'Names below egress.internal and egress-checked.internal belong to the hop to the egress gateway: give the ' +
          'VirtualService the host that applications call.',
      },
      ...FEW_ROUTES,
      ...whereSeen(routesBeyond(facts.clusterDomain)),
      {
        expression: `${field('metadata.annotations', '{}')}.all(key, !key.startsWith(${literal(INTERNAL)}))`,
        message:
          `Annotations below ${INTERNAL} are istiod's own: with them it would read this VirtualService otherwise, and ` +
          'write values that the sidecars of all who see it refuse. Leave them out.',
      },
    ],
  }),

  // Their other fields could do what the policy for VirtualServices refuses, and are not read one by one.
  'gateway-api': (facts) => ({
    rules: Object.entries(GATEWAY_API).map(([resource, versions]) =>
      written('gateway.networking.k8s.io', versions, resource),
    ),
    namespaces: outside(facts),
    validations: [
      {
        // Sidecars of other namespaces follow TCP and TLS also where the Service is not the route's own.
        expression: `${field('spec.parentRefs', '[]')}.all(parent, ${[
          `${field('kind', "'Gateway'", 'parent')} in ['Gateway', 'ListenerSet', 'XListenerSet']`,
          `request.resource.resource in ['httproutes', 'grpcroutes'] && ` +
            `${field('namespace', 'request.namespace', 'parent')} != request.namespace`,
        ].join(' || ')})`,
        message:
          'A route of the Gateway API for a Service or ServiceEntry is followed by the sidecars of all namespaces: write ' +
          'a VirtualService, or bind the route to a Gateway.',
      },
      {
        // CRDs take any text for a name.
        expression: `${field('spec.rules', '[]')}.all(rule, ${each('backendRefs', 'rule', 'backend', "!backend.name.contains('/')")})`,
        message:
          'A route of the Gateway API leads to Services by names without "/": any other ends istiod. Write the name alone, ' +
          'and its namespace into `namespace`.',
      },
      NO_NETWORK,
    ],
  }),

  'destination-rules': (facts) => ({
    rules: [istio('destinationrules')],
    namespaces: outside(facts),
    variables: [
      { name: 'host', expression: field('spec.host', "''") },
      { name: 'isSeen', expression: `${field('spec.exportTo', '[]')} != ${PRIVATE}` },
    ],
    validations: [
      {
        expression: `!variables.isSeen || ${isOwnService('variables.host', facts.clusterDomain)}`,
        message:
          "A DestinationRule whose host is not one of its own namespace's Services, by its short or full name, is for its " +
          `own namespace: write ${HIDDEN}. Seen by other namespaces, it would decide how their sidecars speak to that host.`,
      },
      FEW_SUBSETS,
      ...whereSeen(rulesBeyond()),
    ],
  }),

  'workload-entries': (facts) => ({
    rules: [istio('workloadentries')],
    namespaces: outside(facts),
    validations: [
      {
        expression: isInside('variables.address', facts.machineCidrs),
        message:
          'The address of a WorkloadEntry becomes an endpoint of Services that the whole mesh sees, and the proxy that ' +
          `has it takes its ports from there${ranges(facts.machineCidrs)}: write external addresses as \`endpoints\` ` +
          `of a ServiceEntry that says ${HIDDEN}. The ranges of virtual machines in the mesh, without any of pods, ` +
          'belong in `machineCidrs` of the guard.',
      },
    ],
    variables: [{ name: 'address', expression: field('spec.address', "''") }],
  }),

  gateways: (facts) => ({
    rules: [istio('gateways')],
    namespaces: outside(facts),
    variables: [{ name: 'selector', expression: field('spec.selector', '{}') }],
    validations: [
      {
        expression: selectsOthers(facts.gateways),
        message:
          "A Gateway is for pods of its own team, and this one's selector is empty or may match those of the " +
          "platform's egress gateway: select your gateway's pods by a label whose value differs there" +
          `${facts.gateways.length > 0 ? ` (${suggestions(facts.gateways)})` : ''}. Hosts behind the egress gateway ` +
          'are declared with GatewayEgress.',
      },
      {
        expression: `${field('spec.servers', '[]')}.all(server, ${noHopNames(field('hosts', '[]', 'server'))})`,
        message:
          'Names below egress.internal and egress-checked.internal belong to the hop to the egress gateway: give the ' +
          "Gateway's servers the hosts that its callers ask for.",
      },
    ],
  }),

  'request-authentications': (facts) => ({
    rules: [written('security.istio.io', ['v1', 'v1beta1'], 'requestauthentications')],
    namespaces: outside(facts),
    validations: [
      {
        expression:
          `${field('spec.jwtRules', '[]')}.all(rule, ` +
          `${field('jwks', "''", 'rule')} != '' || ${field('jwksUri', "''", 'rule')} != '' || ` +
          `${field('jwks_uri', "''", 'rule')} != '')`,
        message:
          'Where a RequestAuthentication names no keys, istiod asks the issuer for them, and holds up the configuration ' +
          'of proxies meanwhile: write `jwksUri` or `jwks` in each rule.',
      },
    ],
  }),

  telemetries: (facts) => ({
    rules: [written('telemetry.istio.io', ['v1', 'v1alpha1'], 'telemetries')],
    namespaces: outside(facts),
    validations: [
      {
        expression:
          `${field('spec.tracing', '[]')}.all(tracing, ` +
          `${field('disableContextPropagation', 'true', 'tracing')} != false)`,
        message:
          'Where NoTraceContext or the platform keeps the headers of tracing inside, they stay inside: leave out ' +
          '`disableContextPropagation: false`, which is what holds anyway where nobody says otherwise.',
      },
    ],
  }),

  services: (facts) => ({
    rules: [written('', ['v1'], 'services', 'services/status')],
    namespaces: outside(facts),
    // Whoever writes the status can change labels, and is asked only then.
    conditions: [
      {
        name: 'not-only-status',
        expression: `${field('subResource', "''", 'request')} != 'status' || ${labelsOf('object')} != ${labelsOf('oldObject')}`,
      },
    ],
    validations: [
      {
        expression: `${field('spec.externalIPs', '[]')}.size() == 0`,
        message:
          'A Service with `externalIPs` takes over what any pod sends to these addresses: leave them out. For calls ' +
          'from outside use a load balancer or an ingress gateway.',
      },
      {
        expression:
          `${field('spec.type', "'ClusterIP'")} in ['ClusterIP', 'NodePort', 'LoadBalancer'] || ` +
          isBelowNamespace(field('spec.externalName', "''"), facts.clusterDomain),
        message:
          'Sidecars of all namespaces that know the host of a Service of type ExternalName know it by the name of the ' +
          'Service as well, whatever its annotations say, and send there what is for the Service: give applications ' +
          'the name of the host itself, or let `externalName` be a Service of its own namespace.',
      },
      {
        expression:
          `${field('spec.ports', '[]')}.all(port, ` +
          `!${field('appProtocol', "''", 'port')}.lowerAscii().matches('^http_proxy(-|$)'))`,
        message:
          'A port with the `appProtocol` http_proxy takes the place of all that sidecars of all namespaces listen for on ' +
          'a port of that number: write `appProtocol: http`.',
      },
      {
        expression:
          `${field('spec.ports', '[]')}.all(port, ${field('protocol', "'TCP'", 'port')} != 'SCTP' || ` +
          `!${field('spec.ports', '[]')}.exists(other, other.port == port.port && ` +
          `${field('protocol', "'TCP'", 'other')} == 'TCP'))`,
        message:
          'Where a Service has a port for SCTP and one for TCP of the same number, no proxy of the mesh takes a change ' +
          'of its clusters any more: write two Services.',
      },
      {
        expression: `!${labelsOf('object')}.exists(key, key.startsWith(${literal(INTERNAL)}))`,
        message:
          `Labels below ${INTERNAL} are istiod's own: with them it would write clusters for this Service that the ` +
          'egress gateway refuses. Leave them out.',
      },
      FEW_PORTS,
      NO_NETWORK,
    ],
  }),

  endpoints: (facts) => ({
    rules: [written('', ['v1'], 'endpoints')],
    namespaces: outside(facts),
    conditions: BY_HAND,
    validations: [
      {
        expression:
          `${field('subsets', '[]')}.all(subset, ` +
          `${field('addresses', '[]', 'subset')}.all(address, ${isInside('address.ip', facts.endpointCidrs)}) && ` +
          `${field('notReadyAddresses', '[]', 'subset')}.all(address, ${isInside('address.ip', facts.endpointCidrs)}))`,
        message: endpointMessage(facts),
      },
    ],
  }),

  'pod-addresses': (facts) => ({
    rules: [written('', ['v1'], 'pods/status')],
    namespaces: outside(facts),
    conditions: [
      { name: 'by-hand', expression: `!(${literal(NODES)} in ${field('userInfo.groups', '[]', 'request')})` },
    ],
    variables: [
      { name: 'addresses', expression: addressesOf('object') },
      { name: 'former', expression: addressesOf('oldObject') },
    ],
    validations: [
      {
        expression:
          'variables.addresses == variables.former || ' +
          `variables.addresses.all(address, ${isInside('address', facts.endpointCidrs)})`,
        message: `Only its node gives a pod addresses${
          facts.endpointCidrs.length > 0 ? ` outside ${facts.endpointCidrs.join(', ')}` : ''
        }, since they become endpoints of the Services that select it: leave \`status.podIPs\` as it is.`,
      },
    ],
  }),

  'endpoint-slices': (facts) => ({
    rules: [written('discovery.k8s.io', ['v1', 'v1beta1'], 'endpointslices')],
    namespaces: outside(facts),
    conditions: BY_HAND,
    validations: [
      {
        // Without endpoints the API server shows `endpoints: null` here.
        expression:
          '!has(object.endpoints) || dyn(object.endpoints) == null || object.endpoints.all(endpoint, ' +
          `endpoint.addresses.all(address, ${isInside('address', facts.endpointCidrs)}))`,
        message: endpointMessage(facts),
      },
    ],
  }),
};

/** Who gives a pod its addresses. */
const NODES = 'system:nodes';

function addressesOf(pod: string): string {
  return (
    `[${field('status.podIP', "''", pod)}].filter(address, address != '') + ` +
    `${field('status.podIPs', '[]', pod)}.map(address, ${field('ip', "''", 'address')})`
  );
}

const BY_HAND = [{ name: 'by-hand', expression: `!(request.userInfo.username in ${literal(ENDPOINT_WRITERS)})` }];

function ranges(cidrs: string[]): string {
  return cidrs.length > 0 ? `, so addresses are of ${cidrs.join(', ')} only` : '';
}

function endpointMessage(facts: GuardFacts): string {
  return (
    `Endpoints that are written by hand become listeners of every sidecar in the mesh${ranges(facts.endpointCidrs)}: ` +
    `give the Service a \`selector\`, or declare the host with SidecarEgress, or with a ServiceEntry that says ${HIDDEN}. Where operators ` +
    "write their pods' addresses, the ranges of pods belong in `endpointCidrs` of the guard."
  );
}

/** The same conditions, for objects that other namespaces see. */
function whereSeen(validations: GuardPolicy['validations']): GuardPolicy['validations'] {
  return validations.map(({ expression, message }) => ({
    expression: `!variables.isSeen || (${expression})`,
    message,
  }));
}

/** A selector that says something which none of the gateways' pods has. */
function selectsOthers(gateways: GuardedPods[]): string {
  const differs = gateways.map(({ labels, lacks }) => {
    const known = mapLiteral(labels);
    return `variables.selector.exists(key, key in ${known} ? ${known}[key] != variables.selector[key] : ${lacks})`;
  });
  return [...new Set(['variables.selector.size() > 0', ...differs])].join(' && ');
}

function suggestions(gateways: GuardedPods[]): string {
  const texts = gateways.map(({ labels }) =>
    Object.entries(labels)
      .filter(([key]) => !key.includes('istio.io/'))
      .map(([key, value]) => `${key}: ${value}`)
      .join(', '),
  );
  return [...new Set(texts)].join('; ');
}

/** Sidecars of locked namespaces stay locked. */
export function sidecarPolicy(facts: GuardFacts, { namespaces }: GuardedLocks): GuardPolicy {
  return {
    rules: [istio('sidecars')],
    namespaces: namespaces ? { operator: 'In', values: namespaces } : outside(facts),
    validations: [
      {
        expression:
          `has(object.spec) && has(object.spec.outboundTrafficPolicy) && ` +
          `${field('spec.outboundTrafficPolicy.mode', "'REGISTRY_ONLY'")} == 'REGISTRY_ONLY'`,
        message:
          'This namespace is locked: a Sidecar says `outboundTrafficPolicy: { mode: REGISTRY_ONLY }`, for it takes ' +
          'the place of the lock. Declare the hosts that are called with SidecarEgress or GatewayEgress.',
      },
      {
        expression:
          `${field('spec.egress', '[]')}.all(listener, !has(listener.port) || ` +
          `${field('port.protocol', "''", 'listener')}.upperAscii() in ['HTTP', 'HTTP2', 'GRPC'])`,
        message:
          'This namespace is locked: an egress listener of a Sidecar that has a port speaks HTTP, HTTP2 or GRPC; any ' +
          'other would let everything on that port out. Leave `port` out.',
      },
    ],
  };
}

/** The locks themselves are not taken away, unless their namespace goes. */
export function lockPolicy({ sidecars }: GuardedLocks): GuardPolicy {
  const isLock = `(oldObject.metadata.namespace + '/' + oldObject.metadata.name) in ${literal(sidecars)}`;
  return {
    rules: [{ ...istio('sidecars'), operations: ['UPDATE', 'DELETE'] }],
    namespaces: { operator: 'In', values: [...new Set(sidecars.map((sidecar) => sidecar.split('/')[0]))].sort() },
    validations: [
      {
        expression: `request.operation != 'DELETE' || !(${isLock}) || has(namespaceObject.metadata.deletionTimestamp)`,
        message:
          'This Sidecar is a lock of the platform: it goes when the platform no longer declares it, and its guard ' +
          'goes first.',
      },
      {
        expression: `request.operation != 'UPDATE' || !(${isLock}) || ${[
          '?spec.?workloadSelector.?labels.orValue({})',
          // An istiod of another revision would not read it.
          `?metadata.?labels[?${literal(REVISION)}].orValue('')`,
        ]
          .map((path) => `object.${path} == oldObject.${path}`)
          .join(' && ')}`,
        message:
          'This Sidecar is a lock of the platform: leave the workloads that it selects, and the label istio.io/rev, as ' +
          'they are, unless its guard goes first.',
      },
    ],
  };
}
