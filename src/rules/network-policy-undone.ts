import { Rule } from './rule';
import { describe, describeAll, Indexed, ordered } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { selectorsOverlap } from '../manifests/selectors';
import { groupBy } from '../values/grouping';

const example = (egress: string) => `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: only-the-gateway, namespace: shop }
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress: [{ to: [{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: egress } } }] }]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: till, namespace: shop }
spec: { podSelector: { matchLabels: { app: till } }, policyTypes: [Egress], egress: [${egress}] }
`;

export const networkPolicyUndone: Rule = {
  code: 'network-policy-undone',
  severity: 'warning',
  title: 'A NetworkPolicy that opens what another one keeps shut',
  reason:
    'NetworkPolicies add up: what one of them allows is allowed, whatever the others say. One that allows all egress ' +
    'of a pod undoes every other that selects it, and the pod can pass its sidecar and the gateway.',
  cure: 'Allow only what the pods need; or select other pods.',
  see: 'https://kubernetes.io/docs/concepts/services-networking/network-policies/',
  good: example('{ to: [{ ipBlock: { cidr: 192.0.2.0/24 } }] }'),
  bad: example('{}'),
  *check(index) {
    const policies = (index.inGroup('networking.k8s.io', 'NetworkPolicy') as readonly NetworkPolicy[]).filter(
      limitsEgress,
    );
    for (const all of groupBy(policies, ({ namespace }) => namespace).several.values()) {
      const shutting = all.filter((policy) => openRule(policy) < 0);
      for (const policy of all) {
        const position = openRule(policy);
        if (position < 0 || isOfGateway(policy, index)) continue;
        const isForAll = Object.keys(labelsOf(policy)).length === 0;
        // One that allows nothing at all is there to have exceptions.
        const undone = ordered(
          shutting.filter((other) => (isForAll || other.spec.egress?.length) && overlap(policy, other)),
        );
        if (undone.length > 0)
          yield {
            message: `${describe(policy)} allows all egress of pods to which ${describeAll(undone)} allows less.`,
            field: `spec.egress[${position}]`,
            objects: [policy, ...undone],
          };
      }
    }
  },
};

type NetworkPolicy = Indexed<{
  readonly podSelector?: {
    readonly matchLabels?: Record<string, string>;
    readonly matchExpressions?: readonly unknown[];
  };
  readonly policyTypes?: readonly string[];
  readonly egress?: readonly {
    readonly ports?: readonly unknown[];
    readonly to?: readonly { readonly ipBlock?: { readonly cidr?: string; readonly except?: readonly string[] } }[];
  }[];
}>;

function limitsEgress({ spec: { policyTypes, egress } }: NetworkPolicy): boolean {
  return policyTypes ? policyTypes.includes('Egress') : (egress?.length ?? 0) > 0;
}

function labelsOf({ spec }: NetworkPolicy): Readonly<Record<string, string>> {
  return spec.podSelector?.matchLabels ?? {};
}

/** Whether it is for the pods of a gateway, which may leave. */
function isOfGateway(policy: NetworkPolicy, index: ManifestIndex): boolean {
  const labels = labelsOf(policy);
  return (
    Object.keys(labels).length > 0 &&
    index.ofKind('Gateway').some((gateway) => gateway.spec.selector && selectorsOverlap(gateway.spec.selector, labels))
  );
}

/** The rule that allows everything; -1 if there is none. */
function openRule({ spec }: NetworkPolicy): number {
  return (spec.egress ?? []).findIndex(
    (rule) =>
      !rule?.ports?.length &&
      (!rule?.to?.length ||
        rule.to.some((peer) => peer?.ipBlock?.cidr === '0.0.0.0/0' && !peer.ipBlock.except?.length)),
  );
}

/** Whether some pod is certainly selected by both. */
function overlap(one: NetworkPolicy, other: NetworkPolicy): boolean {
  const isTold = ({ spec }: NetworkPolicy) => !spec.podSelector?.matchExpressions?.length;
  return isTold(one) && isTold(other) && selectorsOverlap(labelsOf(one), labelsOf(other));
}
