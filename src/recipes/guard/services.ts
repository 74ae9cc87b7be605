import { field, isBelowNamespace, isInside, literal } from './cel';
import {
  annotationsOf,
  GuardFacts,
  GuardPolicies,
  HIDDEN,
  labelsOf,
  NO_NETWORK,
  outside,
  ranges,
  written,
} from './policy';
import { FEW_ACCOUNTS, FEW_PORTS } from './sizes';
import { ISTIODS_OWN } from '../../istio/annotations';

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

/** What is refused of Services and of their endpoints. */
export const SERVICE_POLICIES: GuardPolicies = {
  services: (facts) => ({
    rules: [written('', ['v1'], 'services', 'services/status')],
    namespaces: outside(facts),
    // Whoever writes the status can change labels and annotations, and is asked only then.
    conditions: [
      {
        name: 'not-only-status',
        expression: [
          `${field('subResource', "''", 'request')} != 'status'`,
          `${labelsOf('object')} != ${labelsOf('oldObject')}`,
          `${annotationsOf('object')} != ${annotationsOf('oldObject')}`,
        ].join(' || '),
      },
    ],
    variables: [{ name: 'annotations', expression: annotationsOf('object') }],
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
        expression: `!${labelsOf('object')}.exists(key, key.startsWith(${literal(ISTIODS_OWN)}))`,
        message:
          `Labels below ${ISTIODS_OWN} are istiod's own: with them istiod would write clusters for this Service ` +
          'that the egress gateway rejects. Leave them out.',
      },
      FEW_PORTS,
      FEW_ACCOUNTS,
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

function endpointMessage(facts: GuardFacts): string {
  return (
    `Endpoints that are written by hand become listeners of every sidecar in the mesh${ranges(facts.endpointCidrs)}: ` +
    `give the Service a \`selector\`, or declare the host with SidecarEgress, or with a ServiceEntry that says ${HIDDEN}. Where operators ` +
    "write their pods' addresses, the ranges of pods belong in `endpointCidrs` of the guard."
  );
}
