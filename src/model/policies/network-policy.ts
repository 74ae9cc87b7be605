import { Address, holds } from '../objects/addresses';
import { FieldRef } from '../answer/answer';
import { Condition, isNotAt, SAY_ADDRESS, together } from '../answer/conditions';
import { fieldRef } from '../answer/field-ref';
import { hostsOverlap } from '../objects/host-names';
import { selectorMatches } from '../objects/label-selectors';
import { both, Certainty, not, someOf } from '../answer/certainty';
import { SelectablePods } from './selection';
import { DEFAULT_ROOT_NAMESPACE } from '../../istio/root-namespace';
import { Registry } from '../registry/registry';
import { Undetermined } from '../answer/undetermined';
import { LabelSelector } from '../../access/access-table';
import {
  contains,
  familyHeld,
  holdsUnknownAddress,
  isPartOfPrivateNetwork,
  overlap,
  PRIVATE_NETWORKS,
} from '../../istio/ranges';
import { Indexed } from '../../manifests/indexed';

interface PolicySpec {
  readonly podSelector?: LabelSelector;
  readonly policyTypes?: readonly string[];
  readonly egress?: readonly PolicyRule[];
  readonly ingress?: readonly PolicyRule[];
}

interface PolicyRule {
  readonly ports?: readonly PolicyPort[];
  readonly to?: readonly PolicyPeer[];
  readonly from?: readonly PolicyPeer[];
}

interface PolicyPort {
  readonly protocol?: string;
  readonly port?: number | string;
  readonly endPort?: number;
}

interface PolicyPeer {
  readonly ipBlock?: IpBlock;
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
}

interface IpBlock {
  readonly cidr: string;
  readonly except?: readonly string[];
}

/** The other end of a connection: a pod, or an address. */
export type Peer = { readonly pod: SelectablePods } | { readonly address: Address };

/** Why a connection is blocked, and what must be so for that. */
export interface Blocked {
  readonly decidedBy: readonly FieldRef[];
  readonly condition?: Condition;
}

/**
 * The NetworkPolicies that block a connection from leaving or entering a pod; undefined if none does. Undetermined only
 * where what the manifests do not tell decides.
 */
export function blockedBy(
  registry: Registry,
  direction: 'egress' | 'ingress',
  pod: SelectablePods,
  peer: Peer,
  port: number | undefined,
): Blocked | undefined {
  const policies = policiesFor(registry, direction, pod);
  if (policies.length === 0) return undefined;
  const open: Open[] = [];
  const unknown = 'address' in peer && peer.address.kind === 'unknown' ? peer.address : undefined;
  const families = new Set<'ipv4' | 'ipv6' | undefined>();
  const unless: Condition[] = [];
  const allows = ({ policy, applies }: Selecting) =>
    someOf(policy.spec[direction] ?? [], (rule, index) => {
      const at = fieldRef(policy, `spec.${direction}[${index}]`);
      const peers = rule[direction === 'egress' ? 'to' : 'from'] ?? [];
      const found: Open[] = [];
      const isPort = portMatches(rule.ports, port, at, found);
      if (unknown && isPort !== false)
        for (const { ipBlock } of peers) {
          if (!ipBlock) continue;
          if (applies && isPort) families.add(familyHeld(ipBlock.cidr, ipBlock.except));
          if (!registry.world.declaredAddresses && isPartOfPrivateNetwork(ipBlock.cidr))
            unless.push(isNotAt(unknown.host, [ipBlock.cidr], policy));
        }
      const matches = both(
        isPort,
        peers.length === 0 || someOf(peers, (one) => peerMatches(registry, policy, at, one, peer, found)),
      );
      if (matches === undefined) open.push(...found);
      return matches;
    });
  const certain = policies.filter(({ applies }) => applies);
  const others = policies.filter(({ applies }) => !applies);
  const allowed = someOf(certain, allows);
  if (allowed || (families.has('ipv4') && families.has('ipv6'))) return undefined;
  // Of those that may not apply, all must allow it, and none may be needed.
  const byOthers = others.map(allows);
  if (certain.length === 0 && byOthers.every((one) => one === true)) return undefined;
  if (certain.length > 0 && allowed === false && byOthers.every((one) => one === false))
    return {
      decidedBy: policies.map(({ policy }) => fieldRef(policy, `spec.${direction}`)),
      condition: together(unless),
    };
  const [unsure] = others;
  const [first] = open;
  throw first
    ? new Undetermined(first.unknown, [first.at])
    : new Undetermined(
        `a NetworkPolicy decides if it selects the pods of namespace ${pod.namespace}, and the manifests do not tell ` +
          'all their labels: add their Deployment',
        [fieldRef(unsure!.policy, 'spec.podSelector')],
      );
}

/** Whether NetworkPolicies let pods connect to a port of public addresses, but not surely to that of private ones. */
export function needsPublicAddress(registry: Registry, pod: SelectablePods, port: number): boolean {
  const rules = policiesFor(registry, 'egress', pod)
    .flatMap(({ policy, applies }) =>
      (policy.spec.egress ?? []).map(({ ports, to }) => ({
        isCertain: both(applies, portMatches(ports, port, fieldRef(policy, 'spec.egress'), [])),
        to: to ?? [],
      })),
    )
    .filter(({ isCertain }) => isCertain !== false);
  const isWhole = ({ ipBlock }: PolicyPeer) =>
    ipBlock && !ipBlock.except?.length && familyHeld(ipBlock.cidr) === 'ipv4';
  if (rules.some(({ isCertain, to }) => isCertain && (to.length === 0 || to.some(isWhole)))) return false;
  return rules.some(({ to }) => to.some(({ ipBlock }) => ipBlock && familyHeld(ipBlock.cidr, ipBlock.except)));
}

/**
 * What pods connect to beside the destination: the ports of it, and the networks and namespaces in which it may be.
 * Some distributions resolve names at 5353, and nodes may have a cache of DNS.
 */
interface Need {
  readonly what: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly ports: readonly number[];
  readonly networks: readonly string[];
  readonly namespaces: readonly string[];
  /** Labels of its pods that are known; they may have others. */
  readonly labels: Readonly<Record<string, string>>;
}

/** What pods need beside the destination of a request. */
export type LifelineKind = 'names' | 'istiod';

function needOf(kind: LifelineKind, { rootNamespace }: Registry): Need {
  return kind === 'names'
    ? {
        what: 'resolve names (UDP 53)',
        protocol: 'UDP',
        ports: [53, 5353],
        networks: [...PRIVATE_NETWORKS, '169.254.0.0/16'],
        namespaces: ['kube-system', 'openshift-dns'],
        labels: { 'k8s-app': 'kube-dns' },
      }
    : {
        what: 'reach istiod (TCP 15012)',
        protocol: 'TCP',
        ports: [15012],
        networks: PRIVATE_NETWORKS,
        namespaces: [...new Set([rootNamespace, DEFAULT_ROOT_NAMESPACE])],
        labels: { app: 'istiod' },
      };
}

/** That other policies let a pod do what it needs, where those that certainly select it do not. */
export function lifeline(
  registry: Registry,
  pod: SelectablePods,
  kinds: readonly LifelineKind[],
): Condition | undefined {
  const { namespace } = pod;
  const policies = policiesFor(registry, 'egress', pod).filter(({ applies }) => applies);
  if (policies.length === 0) return undefined;
  const rules = policies.flatMap(({ policy }) => policy.spec.egress ?? []);
  const needs = kinds.map((kind) => needOf(kind, registry));
  const met = needs.map((need) => someOf(rules, (rule) => isOpen(registry, namespace, rule, need)));
  const those = (wanted: Certainty) => needs.filter((_, index) => met[index] === wanted);
  const [missing, unsure] = [those(false), those(undefined)];
  const what = (some: readonly Need[]) => some.map((one) => one.what).join(' and ');
  return together([
    ...(missing.length > 0
      ? [
          {
            holds: `another NetworkPolicy lets the pods of ${namespace} ${what(missing)}`,
            say: `add the NetworkPolicy of ${namespace} that does`,
          },
        ]
      : []),
    ...(unsure.length > 0
      ? [
          {
            holds: `what the NetworkPolicies of ${namespace} select lets its pods ${what(unsure)}`,
            say:
              `add the Namespace ${unsure.map(({ namespaces }) => namespaces[0]).join(' and the Namespace ')}, ` +
              'with its labels, or select those pods by no other label than k8s-app=kube-dns and app=istiod',
          },
        ]
      : []),
  ]);
}

/**
 * Whether a rule opens one of the ports to pods or to the networks in which clusters have them. A network that is
 * excepted as a whole may well be the cluster's.
 */
function isOpen(registry: Registry, own: string, { to, ports }: PolicyRule, need: Need): Certainty {
  const isPort =
    !ports?.length ||
    ports.some(
      ({ protocol = 'TCP', port, endPort }) =>
        protocol === need.protocol &&
        (typeof port !== 'number' || need.ports.some((one) => one >= port && one <= (endPort ?? port))),
    );
  if (!isPort) return false;
  const isTo = ({ ipBlock, podSelector, namespaceSelector }: PolicyPeer): Certainty => {
    if (ipBlock)
      return reachesInto(need.networks, ipBlock) && !PRIVATE_NETWORKS.some((network) => isExcepted(network, ipBlock));
    const isInside = namespaceSelector
      ? someOf(need.namespaces, (name) => namespaceIs(registry, namespaceSelector, name))
      : need.namespaces.includes(own);
    return both(isInside, podSelector === undefined || selectorMatches(podSelector, need.labels, true));
  };
  return !to?.length || someOf(to, isTo);
}

/** Whether a block holds a part of one of these networks, or a whole one. */
function reachesInto(networks: readonly string[], block: IpBlock): boolean {
  return networks.some((network) => overlap(block.cidr, network) && !isExcepted(network, block));
}

function isExcepted(network: string, { except = [] }: IpBlock): boolean {
  return except.some((exception) => contains(exception, network));
}

/** What would have to be known. */
interface Open {
  readonly unknown: string;
  readonly at: FieldRef;
}

/** A policy, and whether it surely applies to the pods. */
interface Selecting {
  readonly policy: Indexed<PolicySpec>;
  readonly applies: Certainty;
}

/** The policies for a direction that apply to pods, or may. */
function policiesFor({ index }: Registry, direction: 'egress' | 'ingress', pod: SelectablePods): Selecting[] {
  return index.inGroup<PolicySpec>('networking.k8s.io', 'NetworkPolicy').flatMap((policy) => {
    const { namespace, spec } = policy;
    if (namespace !== pod.namespace || !hasDirection(spec, direction)) return [];
    const applies = selectorMatches(spec.podSelector, pod.labels, pod.hasOtherLabels);
    return applies === false ? [] : [{ policy, applies }];
  });
}

function hasDirection({ policyTypes, egress }: PolicySpec, direction: 'egress' | 'ingress'): boolean {
  const types = policyTypes ?? (egress ? ['Ingress', 'Egress'] : ['Ingress']);
  return types.some((type) => type.toLowerCase() === direction);
}

function portMatches(
  ports: readonly PolicyPort[] | undefined,
  port: number | undefined,
  at: FieldRef,
  open: Open[],
): Certainty {
  if (!ports?.length) return true;
  return someOf(ports, (one) => {
    if ((one.protocol ?? 'TCP') !== 'TCP') return false;
    if (one.port === undefined) return true;
    if (typeof one.port === 'string') {
      open.push({ unknown: `the number of the port named ${one.port} is unknown`, at });
      return undefined;
    }
    if (port === undefined) {
      open.push({ unknown: 'it is unknown on which port the gateway pods listen: add their Service', at });
      return undefined;
    }
    return port >= one.port && port <= (one.endPort ?? one.port);
  });
}

function peerMatches(
  registry: Registry,
  policy: Indexed,
  at: FieldRef,
  { ipBlock, podSelector, namespaceSelector }: PolicyPeer,
  peer: Peer,
  open: Open[],
): Certainty {
  if (ipBlock) return ipBlockMatches(registry, ipBlock, peer, at, open);
  if (!('pod' in peer)) return false;
  const { namespace, labels, hasOtherLabels } = peer.pod;
  const inNamespace = namespaceSelector
    ? namespaceMatches(registry, namespaceSelector, namespace, at, open)
    : namespace === policy.namespace;
  if (podSelector === undefined) return inNamespace;
  const isPod = selectorMatches(podSelector, labels, hasOtherLabels);
  if (isPod === undefined) {
    open.push({
      unknown:
        `it is unknown whether the pods of namespace ${namespace} have the labels that a NetworkPolicy names: add ` +
        'their Deployment',
      at,
    });
  }
  return both(inNamespace, isPod);
}

function ipBlockMatches(
  registry: Registry,
  { cidr, except: excepted = [] }: IpBlock,
  peer: Peer,
  at: FieldRef,
  open: Open[],
): Certainty {
  if ('address' in peer) {
    const { address } = peer;
    if (address.kind !== 'unknown')
      return both(holds(cidr, address), not(someOf(excepted, (range) => holds(range, address))));
    const isHeld = holdsUnknownAddress(cidr, excepted);
    if (isHeld === false || (isHeld === true && !registry.world.mesh?.dualStack)) return isHeld;
    if (isOfOtherHost(registry, cidr, address.host)) return false;
    open.push({ unknown: `it is unknown whether ${address.host} has an address in ${cidr}: ${SAY_ADDRESS}`, at });
    return undefined;
  }
  // Whether a block of addresses selects pods at all, each network decides for itself.
  if (!reachesInto(PRIVATE_NETWORKS, { cidr, except: excepted })) return false;
  open.push({ unknown: `it is unknown whether ${cidr} stands for pods of namespace ${peer.pod.namespace}`, at });
  return undefined;
}

/** Whether the address is that of another host, where hosts are nowhere but where manifests say. */
function isOfOtherHost({ index, world }: Registry, cidr: string, host: string): boolean {
  if (!world.declaredAddresses) return false;
  const [ip, bits] = cidr.split('/');
  const declaring = index
    .ofKind('ServiceEntry')
    .filter(({ spec: { addresses = [], endpoints = [] } }) =>
      [...addresses, ...endpoints.map(({ address }) => address)].some((one) => one === ip || one === cidr),
    );
  const isOwn = declaring.some(({ spec: { hosts = [] } }) => hosts.some((one) => hostsOverlap(one, host)));
  return bits === '32' && declaring.length > 0 && !isOwn;
}

/**
 * Whether a namespace is selected. Every one has the label with its name; its others are those of its Namespace, if
 * that is among the manifests.
 */
function namespaceIs({ index, world }: Registry, selector: LabelSelector, name: string): Certainty {
  const written = index.namespace(name);
  const labels = { ...written?.manifest.metadata.labels, 'kubernetes.io/metadata.name': name };
  // An access table describes everything, and what it does not give is not there.
  return selectorMatches(selector, labels, written === undefined && world.external === undefined);
}

function namespaceMatches(
  registry: Registry,
  selector: LabelSelector,
  name: string,
  at: FieldRef,
  open: Open[],
): Certainty {
  const matches = namespaceIs(registry, selector, name);
  if (matches === undefined) {
    const keys = [
      ...Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`),
      ...(selector.matchExpressions ?? []).map(({ key }) => key),
    ].filter((key) => !key.startsWith('kubernetes.io/metadata.name'));
    open.push({
      unknown: `it is unknown whether namespace ${name} has the label ${keys.join(', ')}: add its Namespace`,
      at,
    });
  }
  return matches;
}
