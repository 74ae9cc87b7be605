import { isIP } from 'net';
import { hostOrAddress, isUnknownAddress } from './addresses';
import { FieldRef } from './answer';
import { fieldRef } from './field-ref';
import { Registry } from './registry';
import { Undetermined } from './undetermined';
import { Indexed } from '../manifests/indexed';
import { contains } from '../manifests/ranges';

interface PodLike {
  readonly namespace: string;
  readonly labels: Record<string, string>;
}

/** The other end of a connection: a pod, or an address. */
export type Peer = { readonly pod: PodLike } | { readonly address: string };

/** The NetworkPolicies that block a connection from leaving or entering a pod; undefined if none does. */
export function blockedBy(
  registry: Registry,
  direction: 'egress' | 'ingress',
  pod: PodLike,
  peer: Peer,
  port: number,
): FieldRef[] | undefined {
  const policies = policiesOf(registry).filter(
    ({ namespace, spec }) =>
      namespace === pod.namespace && hasDirection(spec, direction) && selectorMatches(spec.podSelector, pod.labels),
  );
  if (policies.length === 0) return undefined;
  for (const policy of policies) {
    for (const [index, rule] of ((policy.spec[direction] ?? []) as any[]).entries()) {
      const peers: any[] = rule[direction === 'egress' ? 'to' : 'from'] ?? [];
      const field = `spec.${direction}[${index}]`;
      if (!portMatches(policy, field, rule.ports, port)) continue;
      if (peers.length === 0 || peers.some((one) => peerMatches(registry, policy, field, one, peer))) return undefined;
    }
  }
  return policies.map((policy) => fieldRef(policy, `spec.${direction}`));
}

function policiesOf({ index }: Registry): readonly Indexed[] {
  return (
    index.kinds.find(
      (bucket) =>
        bucket[0]?.kind === 'NetworkPolicy' && String(bucket[0].manifest.apiVersion).startsWith('networking.k8s.io/'),
    ) ?? []
  );
}

function hasDirection({ policyTypes, egress }: any, direction: 'egress' | 'ingress'): boolean {
  const types: string[] = policyTypes ?? (egress ? ['Ingress', 'Egress'] : ['Ingress']);
  return types.some((type) => type.toLowerCase() === direction);
}

function selectorMatches(selector: any, labels: Record<string, string>): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  return (
    Object.entries<string>(matchLabels).every(([key, value]) => labels[key] === value) &&
    (matchExpressions as any[]).every(({ key, operator, values = [] }) => {
      switch (operator) {
        case 'In':
          return values.includes(labels[key]);
        case 'NotIn':
          return !values.includes(labels[key]);
        case 'Exists':
          return key in labels;
        default:
          return !(key in labels);
      }
    })
  );
}

function portMatches(policy: Indexed, field: string, ports: any[] | undefined, port: number): boolean {
  return (
    !ports?.length ||
    ports.some((one) => {
      if ((one.protocol ?? 'TCP') !== 'TCP') return false;
      if (one.port === undefined) return true;
      if (typeof one.port === 'string')
        throw new Undetermined(`the number of the port named ${one.port} is unknown`, [
          fieldRef(policy, `${field}.ports`),
        ]);
      return port >= one.port && port <= (one.endPort ?? one.port);
    })
  );
}

function peerMatches(
  registry: Registry,
  policy: Indexed,
  field: string,
  { ipBlock, podSelector, namespaceSelector }: any,
  peer: Peer,
): boolean {
  if (ipBlock) {
    if ('pod' in peer) return false;
    const { address } = peer;
    if (isUnknownAddress(address)) {
      if (ipBlock.cidr === '0.0.0.0/0') return true;
      if (/^(10\.|127\.|172\.(1[6-9]|2\d|3[01])\.|192\.168\.|100\.64\.)/.test(ipBlock.cidr)) return false;
      throw new Undetermined(`it is unknown whether ${hostOrAddress(address)} has an address in ${ipBlock.cidr}`, [
        fieldRef(policy, field),
      ]);
    }
    return (
      isIP(address) !== 0 &&
      contains(ipBlock.cidr, address) &&
      !((ipBlock.except ?? []) as string[]).some((range) => contains(range, address))
    );
  }
  if (!('pod' in peer)) return false;
  const { namespace, labels } = peer.pod;
  if (
    namespaceSelector
      ? !selectorMatches(namespaceSelector, namespaceLabels(registry, namespace))
      : namespace !== policy.namespace
  )
    return false;
  return podSelector === undefined || selectorMatches(podSelector, labels);
}

function namespaceLabels({ index }: Registry, name: string): Record<string, string> {
  const written = index.kinds.find((bucket) => bucket[0]?.kind === 'Namespace')?.find((object) => object.name === name);
  return { ...written?.manifest.metadata.labels, 'kubernetes.io/metadata.name': name };
}
