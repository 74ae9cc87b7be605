import { isIP } from 'net';
import { idOf, KubeObject } from './kubernetes';

/** A pod as policies see it. */
export interface FilteredPod {
  readonly namespace: string;
  readonly labels: Record<string, string>;
  /** One, or one of each family. */
  readonly addresses: readonly string[];
  /** Ports at which a cluster has it, and where the lab has it instead. */
  readonly elsewhere?: Record<string, string>;
}

/** What is in force: the policies, every pod of the cluster, the labels of its namespaces. */
export interface PolicyWorld {
  readonly policies: KubeObject[];
  readonly pods: FilteredPod[];
  /** Labels by the namespace's name; those that Kubernetes itself gives need not be there. */
  readonly namespaces?: Record<string, Record<string, string>>;
}

type Direction = 'Ingress' | 'Egress';
interface Port {
  readonly protocol: string;
  readonly ports?: string;
}

/**
 * The table that sees packets as the network does: in it they leave after, and come before, the sidecar's redirections.
 */
const OPEN = ['*mangle', ':PREROUTING ACCEPT [0:0]', ':POSTROUTING ACCEPT [0:0]'];

/** The filter of a pod that no policy selects. */
export const UNFILTERED = [...OPEN, 'COMMIT', ''].join('\n');

/**
 * What a network that enforces NetworkPolicy does to one pod's packets of a family, as input of `iptables-restore` or
 * `ip6tables-restore`. It sees what such a
 * network sees: packets that leave the pod or arrive at it, with the addresses and ports of pods. What the sidecar
 * redirects to itself stays on loopback, which policies do not cover.
 *
 * Packets are judged by who opened the connection, also where the connection is older than the policy. Named ports and
 * SCTP are an error.
 */
export function packetFilter(pod: FilteredPod, world: PolicyWorld, family: 4 | 6 = 4): string {
  const chains: string[][] = [];
  const hooks = (['Egress', 'Ingress'] as const).flatMap((direction) => hook(direction, pod, world, family, chains));
  if (hooks.length === 0) return UNFILTERED;
  const declared = chains.map((_chain, index) => `:NP-${index} - [0:0]`);
  const rules = chains.flatMap((chain, index) => chain.map((rule) => `-A NP-${index} ${rule}`));
  return [...OPEN, ...declared, ...rules, ...hooks, 'COMMIT', ''].join('\n');
}

/** The rules of one direction: none where no policy applies to it, otherwise only what one of them allows. */
function hook(direction: Direction, pod: FilteredPod, world: PolicyWorld, family: 4 | 6, chains: string[][]): string[] {
  const selecting = world.policies.filter(
    (policy) => namespaceOf(policy) === pod.namespace && selects(policy.spec.podSelector, pod.labels),
  );
  const policies = selecting.filter((policy) => typesOf(policy).includes(direction));
  if (policies.length === 0) return [];
  const [chain, loopback, side, field] =
    direction === 'Egress' ? ['POSTROUTING', '-o lo', '-d', 'to'] : ['PREROUTING', '-i lo', '-s', 'from'];
  const allowed = policies.flatMap((policy) =>
    (policy.spec[direction.toLowerCase()] ?? []).flatMap((rule: any) => {
      const ports = portsOf(rule.ports, policy);
      const peers: any[] = rule[field] ?? [];
      if (peers.length === 0) return ports.map((port) => `${matchOf(port)} -j ACCEPT`);
      return peers.flatMap((peer) => {
        if (peer.ipBlock) return block(peer.ipBlock, side, ports, family, chains);
        return podsOf(peer, policy, world).flatMap(({ addresses, elsewhere }) =>
          addresses
            .filter((address) => isIP(address) === family)
            .flatMap((address) => ports.map((port) => `${side} ${address} ${matchOf(port, elsewhere)} -j ACCEPT`)),
        );
      });
    }),
  );
  return [
    `${loopback} -j ACCEPT`,
    // Without it no neighbour is found.
    ...(family === 6 ? ['-p icmpv6 -j ACCEPT'] : []),
    // Replies on connections of the other direction.
    '-m conntrack --ctstate ESTABLISHED,RELATED --ctdir REPLY -j ACCEPT',
    ...allowed,
    '-j DROP',
  ].map((rule) => `-A ${chain} ${rule}`);
}

/** A range with exceptions is a chain of its own: an exception is not refused, because another rule may allow it. */
function block(
  { cidr, except = [] }: { cidr: string; except?: string[] },
  side: string,
  ports: Port[],
  family: 4 | 6,
  chains: string[][],
): string[] {
  if (isIP(cidr.split('/')[0]) !== family) return [];
  chains.push([
    ...except.map((range) => `${side} ${range} -j RETURN`),
    ...ports.map((port) => `${side} ${cidr} ${matchOf(port)} -j ACCEPT`),
  ]);
  return [`-j NP-${chains.length - 1}`];
}

function podsOf(peer: any, policy: KubeObject, { pods, namespaces = {} }: PolicyWorld): FilteredPod[] {
  const labelsOf = (name: string) => ({ ...namespaces[name], 'kubernetes.io/metadata.name': name });
  const there = (name: string) =>
    peer.namespaceSelector ? selects(peer.namespaceSelector, labelsOf(name)) : name === namespaceOf(policy);
  return pods.filter((pod) => there(pod.namespace) && selects(peer.podSelector, pod.labels));
}

function namespaceOf({ metadata }: KubeObject): string {
  return metadata.namespace ?? 'default';
}

function portsOf(ports: any[] | undefined, policy: KubeObject): Port[] {
  if (!ports || ports.length === 0) return [{ protocol: 'all' }];
  return ports.map(({ protocol = 'TCP', port, endPort }) => {
    if (!['TCP', 'UDP'].includes(protocol))
      throw new Error(`${idOf(policy)}: the lab does not support the protocol ${protocol}; use TCP or UDP`);
    if (port !== undefined && typeof port !== 'number')
      throw new Error(`${idOf(policy)}: the lab does not support named ports ("${port}"); use the number`);
    if (port === undefined) return { protocol: protocol.toLowerCase() };
    return { protocol: protocol.toLowerCase(), ports: endPort === undefined ? `${port}` : `${port}:${endPort}` };
  });
}

function matchOf({ protocol, ports }: Port, elsewhere: Record<string, string> = {}): string {
  return `-p ${protocol}${ports === undefined ? '' : ` --dport ${elsewhere[ports] ?? ports}`}`;
}

/** Kubernetes' default: every policy covers ingress, and only one with egress rules covers egress. */
function typesOf({ spec }: KubeObject): Direction[] {
  return spec.policyTypes ?? (spec.egress ? ['Ingress', 'Egress'] : ['Ingress']);
}

function selects(selector: any, labels: Record<string, string>): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  if (!Object.entries(matchLabels).every(([key, value]) => labels[key] === value)) return false;
  return matchExpressions.every((one: any) => fits(one, labels[one.key]));
}

function fits({ operator, values = [] }: { operator: string; values?: string[] }, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      throw new Error(`a selector with the operator ${operator}`);
  }
}
