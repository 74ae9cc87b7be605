import { IMAGE_TYPE, QUOTED } from './annotations';
import { FEW_NAMES, ownDestinations, routesBeyond, rulesBeyond } from './beyond';
import { each, field, inPattern, isInside, isOwnService, literal, mapLiteral, noHopNames } from './cel';
import {
  annotationsOf,
  GuardedPods,
  GuardPolicies,
  GuardPolicy,
  HIDDEN,
  istio,
  NO_NETWORK,
  NOT_ISTIODS_OWN,
  outside,
  PRIVATE,
  ranges,
  written,
} from './policy';
import { COUNTED, FEW_ENDPOINTS, FEW_ROUTES, FEW_SUBSETS } from './sizes';
import { ALLOCATED } from '../../istio/ranges';

/** Of the Gateway API routes that sidecars can follow, and Gateways, in every version that they have had. */
const GATEWAY_API = {
  gateways: ['v1', 'v1beta1'],
  httproutes: ['v1', 'v1beta1', 'v1alpha2'],
  grpcroutes: ['v1', 'v1alpha2'],
  tlsroutes: ['v1', 'v1alpha3', 'v1alpha2'],
  tcproutes: ['v1', 'v1alpha2'],
};

/** Annotations of a Gateway that istiod writes into the template of its pods. */
const IN_TEMPLATE = [
  'gateway.istio.io/agentgatewayImage',
  'gateway.istio.io/name-override',
  'gateway.istio.io/service-account',
  'sidecar.istio.io/proxyImage',
  'sidecar.istio.io/proxyImageType',
];

/** What is refused of Istio's kinds, and of the Gateway API. */
export const ISTIO_POLICIES: GuardPolicies = {
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
      NONE_ALLOCATED,
      FEW_ENDPOINTS,
    ],
  }),

  // istiod itself writes it, for entries without addresses.
  'service-entry-statuses': (facts) => ({
    rules: [istio('serviceentries/status')],
    namespaces: outside(facts),
    validations: [NONE_MAPPED],
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
      // What proxies of others cannot read harms a shared gateway as it does sidecars; where it leads is for its owner.
      {
        name: 'isRead',
        expression:
          `variables.isSeen || ${field('spec.exportTo', '[]')} != ${PRIVATE} && ` +
          `variables.gateways.exists(gateway, gateway in ${literal(facts.sharedGateways)})`,
      },
      ...COUNTED,
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
      ...where('isSeen', ownDestinations(facts.clusterDomain)),
      ...where('isRead', ...routesBeyond()),
      NOT_ISTIODS_OWN,
    ],
  }),

  // Their other fields could do what the policy for VirtualServices refuses, and are not read one by one.
  'gateway-api': (facts) => ({
    rules: [
      ...Object.entries(GATEWAY_API).map(([resource, versions]) =>
        written('gateway.networking.k8s.io', versions, resource),
      ),
      written('gateway.networking.k8s.io', ['v1', 'v1alpha3'], 'backendtlspolicies'),
      written('gateway.networking.x-k8s.io', ['v1alpha1'], 'xbackendtrafficpolicies'),
    ],
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
          'A name in `backendRefs` of a Gateway API route must not contain "/", which can crash istiod. Write the name ' +
          'alone, and its namespace in `namespace`.',
      },
      {
        // istiod reads the number, where this is switched on, without asking whether it is there.
        expression:
          '!dyn(object).?spec.?retryConstraint.?minRetryRate.hasValue() || ' +
          'dyn(object).spec.retryConstraint.minRetryRate.?count.hasValue()',
        message: 'A `minRetryRate` of an XBackendTrafficPolicy without `count` can crash istiod: write it.',
      },
      {
        expression: `${field('spec.validation.caCertificateRefs', '[]', 'dyn(object)')}.size() == 0`,
        message:
          'Authorities in a BackendTLSPolicy go to the proxies of all namespaces, whose pods wait for them when they ' +
          `start: write a DestinationRule with \`credentialName\` and ${HIDDEN}, or \`wellKnownCACertificates\`.`,
      },
      NO_NETWORK,
    ],
  }),

  // What istiod makes pods, Services and Deployments from, and fails on if it is not what its template expects.
  'managed-gateways': (facts) => ({
    rules: [
      written('gateway.networking.k8s.io', GATEWAY_API.gateways, 'gateways'),
      written('networking.istio.io', ['v1beta1'], 'proxyconfigs'),
    ],
    namespaces: outside(facts),
    variables: [
      { name: 'annotations', expression: annotationsOf('object') },
      { name: 'environment', expression: field('spec.environmentVariables', '{}', 'dyn(object)') },
    ],
    validations: [
      {
        expression: '!dyn(object).?spec.?infrastructure.?parametersRef.hasValue()',
        message:
          'What the ConfigMap of `infrastructure.parametersRef` says about the pods of a Gateway can crash istiod: leave ' +
          'it out, or have the platform write it for the class (gateway.istio.io/defaults-for-class).',
      },
      {
        expression:
          `${literal(IN_TEMPLATE)}.all(key, variables.annotations[?key].orValue('').matches('^[-_.:/@a-zA-Z0-9]*$')) && ` +
          "variables.environment.all(name, name.matches('^[-_.a-zA-Z0-9]*$') && " +
          `variables.environment[name].matches(${literal(QUOTED)})) && ` +
          `${field('spec.image.imageType', "''", 'dyn(object)')}.matches(${literal(IMAGE_TYPE)})`,
        message:
          'istiod writes the images, names and variables of a Gateway into the YAML of its pods as they are, and another ' +
          'text can crash it: leave out quotation marks, backslashes, blanks in names and images, and line breaks.',
      },
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
      FEW_NAMES,
      ...where('isSeen', ...rulesBeyond()),
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
      NOT_ISTIODS_OWN,
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
        expression: `${field('spec.tracing', '[]')}.all(tracing, ${facts.tracingSwitches
          .map((name) => `${field(name, 'true', 'tracing')} != false`)
          .join(' && ')})`,
        message:
          'Where NoTraceContext or the platform keeps the headers of tracing inside, they stay inside: leave out ' +
          `${facts.tracingSwitches.map((name) => `\`${name}: false\``).join(' and ')}, which is what holds anyway where ` +
          'nobody says otherwise.',
      },
    ],
  }),
};

/** How IPv4 addresses that are written as IPv6 begin, and those in `ALLOCATED`; in lower case. */
const MAPPED = '[0:]*:ffff:';
const IN_ALLOCATED = '240[.]240[.]|2001:0{0,3}2:(:|0{1,4}:)';

const noneBegins = (addresses: string, beginning: string) =>
  `${addresses}.all(address, !address.lowerAscii().matches(${literal(`^(${beginning})`)}))`;

/**
 * istiod looks for who has an address that it would allocate, and ends where it finds nobody: it reads IPv4 that is
 * written as IPv6 in one way, and looks for it in the other.
 */
const NONE_MAPPED = {
  expression: noneBegins(`${field('status.addresses', '[]')}.map(address, ${field('value', "''", 'address')})`, MAPPED),
  message:
    'Two entries with the same IPv4 address that is written as IPv6 (`::ffff:…`) crash istiod, which writes these ' +
    'addresses itself: leave the status of a ServiceEntry to istiod.',
};

const NONE_ALLOCATED = {
  expression: noneBegins(field('spec.addresses', '[]'), `${MAPPED}|${IN_ALLOCATED}`),
  message:
    'Two ServiceEntries with the same IPv4 address that is written as IPv6 (`::ffff:…`) crash istiod, and addresses in ' +
    `${ALLOCATED.v4} and ${ALLOCATED.v6}, from which istiod allocates, take them from the entries of others, private ` +
    'ones too. Write IPv4 addresses as such, and other ones.',
};

/** The same conditions, for objects of which a variable says that they reach others. */
function where(variable: 'isSeen' | 'isRead', ...validations: GuardPolicy['validations']): GuardPolicy['validations'] {
  return validations.map(({ expression, message }) => ({
    expression: `!variables.${variable} || (${expression})`,
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
