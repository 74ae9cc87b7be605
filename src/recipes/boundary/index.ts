import { Lazy } from 'cdk8s';
import { allowedEgressRules, gatewayIngress, meshRules, peerRules, publicPorts } from './rules';
import { placeKey, PodPlace } from '../../declarations/allowed-egress';
import { Boundary } from '../../declarations/boundary';
import { UNSAFE_ANNOTATION } from '../../declarations/settings';
import { GatewayInstallation } from '../../values/gateway-installation';
import { keyOf, objectName } from '../../values/names';
import { Rank, RecipeObject } from '../recipe';

/** NetworkPolicies: the guards of gateways, then one for each set of pods. */
export function boundary(declared: Boundary): RecipeObject[] {
  const { guarded } = declared.settings;
  return [
    ...guarded.map((gateway) => guard(declared, gateway)),
    ...declared.places.map((place) => fence(declared, place)),
  ];
}

/** Only callers reach the pods of a gateway, and they only reach public addresses. */
function guard(declared: Boundary, gateway: GatewayInstallation): RecipeObject {
  const { cluster, metricsNamespaces } = declared.settings;
  const { namespace, labels, name } = gateway;
  const allowed = () => declared.allowedFor({ namespace, labels });
  return {
    ...policy(declared, { namespace, labels }, `${name}-boundary`, () => exceptionsOf(declared, { namespace, labels })),
    spec: () => ({
      podSelector: { matchLabels: labels },
      policyTypes: ['Ingress', 'Egress'],
      ingress: gatewayIngress(gateway, declared.callersOf(gateway), metricsNamespaces),
      egress: [...meshRules(cluster), ...allowedEgressRules(allowed(), cluster)],
    }),
  };
}

/** What pods of a namespace reach: all of them, or those with egress of their own. */
function fence(declared: Boundary, place: PodPlace): RecipeObject {
  const { cluster, peers } = declared.settings;
  const { namespace, labels } = place;
  const everyPod = () => [
    ...meshRules(cluster),
    ...peerRules(peers && [namespace, ...peers], declared.gatewayNamespaces),
  ];
  return {
    ...policy(declared, place, 'egress-boundary', () => [
      ...opening(declared, place),
      ...exceptionsOf(declared, place),
    ]),
    spec: () => ({
      podSelector: labels ? { matchLabels: labels } : {},
      policyTypes: ['Egress'],
      egress: [...(labels ? [] : everyPod()), ...allowedEgressRules(declared.allowedFor(place), cluster)],
    }),
  };
}

function policy(
  { settings: { owner, labels, annotations } }: Boundary,
  place: PodPlace,
  stem: string,
  weaknesses: () => string[],
) {
  const key = placeKey(place);
  const unsafe = Lazy.any({ produce: () => weaknesses().join('; ') || undefined });
  return {
    id: `${place.namespace}-${keyOf(key)}`,
    kind: { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
    side: 'caller',
    rank: Rank.LAST,
    metadata: {
      name: objectName(stem, keyOf('boundary', owner, key)),
      namespace: place.namespace,
      labels,
      annotations: { ...annotations, [UNSAFE_ANNOTATION]: unsafe },
    },
  } as const;
}

/** What a policy lets through that no proxy is known to have checked. */
function opening(declared: Boundary, place: PodPlace): string[] {
  const ports = publicPorts(declared.allowedFor(place));
  if (!ports) return [];
  return [
    `open to every public address${ports.length > 0 ? ` on port ${ports.join(', ')}` : ''}, past the sidecar too`,
  ];
}

function exceptionsOf(declared: Boundary, place: PodPlace): string[] {
  return [...new Set(declared.allowedFor(place).flatMap(({ unsafe }) => unsafe ?? []))].sort();
}
