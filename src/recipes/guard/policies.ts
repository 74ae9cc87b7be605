import { routesBeyond, rulesBeyond } from './beyond';
import { annotation, field, isInside, isOwnService, literal, mapLiteral, noHopNames } from './cel';

/** What the guard is told, or finds in the app at synth. */
export interface GuardFacts {
  /** Whoever writes here is the platform. */
  readonly platformNamespaces: string[];
  readonly gateways: GuardedPods[];
  readonly sharedGateways: string[];
  readonly endpointCidrs: string[];
  readonly clusterDomain: string;
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
  readonly validations: { expression: string; message: string }[];
}

interface ResourceRule {
  readonly apiGroups: string[];
  readonly apiVersions: string[];
  readonly operations: string[];
  readonly resources: string[];
}

/** Every version that Istio's CRDs have served; `matchPolicy: Equivalent` takes those to come. */
const ISTIO_VERSIONS = ['v1', 'v1beta1', 'v1alpha3'];

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

const PRIVATE = "['.']";
const HIDDEN = '`exportTo: ["."]`';

function written(apiGroup: string, apiVersions: string[], ...resources: string[]): ResourceRule {
  return { apiGroups: [apiGroup], apiVersions, operations: ['CREATE', 'UPDATE'], resources };
}

function istio(resource: string): ResourceRule {
  return written('networking.istio.io', ISTIO_VERSIONS, resource);
}

function outside({ platformNamespaces }: GuardFacts): GuardPolicy['namespaces'] {
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
          "A VirtualService for sidecars whose hosts are not its own namespace's Services is for its own " +
          `namespace: write ${HIDDEN}, and what a gateway serves into another VirtualService, without "mesh" ` +
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
      ...whereSeen(routesBeyond(facts.clusterDomain)),
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
          "A DestinationRule whose host is not one of its own namespace's Services is for its own namespace: write " +
          `${HIDDEN}. Seen by other namespaces, it would decide how their sidecars speak to that host.`,
      },
      ...whereSeen(rulesBeyond()),
    ],
  }),

  'workload-entries': (facts) => ({
    rules: [istio('workloadentries')],
    namespaces: outside(facts),
    validations: [
      {
        expression: isInside('variables.address', facts.endpointCidrs),
        message:
          'The address of a WorkloadEntry becomes an endpoint of Services that the whole mesh sees' +
          `${ranges(facts)}: write external addresses as \`endpoints\` of a ServiceEntry that says ${HIDDEN}. The ` +
          'ranges of virtual machines in the mesh belong in `endpointCidrs` of the guard.',
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
    rules: [written('', ['v1'], 'services')],
    namespaces: outside(facts),
    variables: [
      { name: 'isAlias', expression: `${field('spec.type', "''")} == 'ExternalName'` },
      { name: 'annotations', expression: field('metadata.annotations', '{}') },
      { name: 'exportTo', expression: annotation('networking.istio.io/exportTo') },
    ],
    validations: [
      {
        expression: `${field('spec.externalIPs', '[]')}.size() == 0`,
        message:
          'A Service with `externalIPs` takes over what any pod sends to these addresses: leave them out. For calls ' +
          'from outside use a load balancer or an ingress gateway.',
      },
      {
        expression: `!variables.isAlias || variables.exportTo in ['.', '~']`,
        message:
          'A Service of type ExternalName is for its own namespace: give it the annotation ' +
          '`networking.istio.io/exportTo: "."`. Seen by other namespaces, a route to it would lead their sidecars to ' +
          'whatever host it names.',
      },
      {
        expression: `!variables.isAlias || ${noHopNames(`[${field('spec.externalName', "''")}]`)}`,
        message:
          'Names below egress.internal and egress-checked.internal belong to the hop to the egress gateway: give the ' +
          'Service the `externalName` that applications call.',
      },
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

const BY_HAND = [{ name: 'by-hand', expression: `!(request.userInfo.username in ${literal(ENDPOINT_WRITERS)})` }];

function ranges({ endpointCidrs }: GuardFacts): string {
  return endpointCidrs.length > 0 ? `, so addresses are of ${endpointCidrs.join(', ')} only` : '';
}

function endpointMessage(facts: GuardFacts): string {
  return (
    `Endpoints that are written by hand become listeners of every sidecar in the mesh${ranges(facts)}: give the Service a ` +
    `\`selector\`, or declare the host with SidecarEgress, or with a ServiceEntry that says ${HIDDEN}.`
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
        expression:
          `request.operation != 'UPDATE' || !(${isLock}) || ` +
          'object.?spec.?workloadSelector.?labels.orValue({}) == oldObject.?spec.?workloadSelector.?labels.orValue({})',
        message: 'This Sidecar is a lock of the platform: leave the workloads that it selects as they are.',
      },
    ],
  };
}
