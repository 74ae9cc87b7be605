import { Address, holds } from '../objects/addresses';
import { FieldRef } from '../answer/answer';
import { SAY_ADDRESS } from '../answer/conditions';
import { fieldRef } from '../answer/field-ref';
import { hostsOverlap } from '../objects/host-names';
import { selectorMatches } from '../objects/label-selectors';
import { both, Certainty, someOf } from '../answer/certainty';
import { SelectablePods } from './selection';
import { Registry } from '../registry/registry';
import { Undetermined } from '../answer/undetermined';
import { LabelSelector } from '../../access/access-table';
import { contains, holdsUnknownAddress } from '../../istio/ranges';
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
): FieldRef[] | undefined {
  const policies = policiesOf(registry).flatMap((policy) => {
    const { namespace, spec } = policy;
    if (namespace !== pod.namespace || !hasDirection(spec, direction)) return [];
    const applies = selectorMatches(spec.podSelector, pod.labels, pod.hasOtherLabels);
    return applies === false ? [] : [{ policy, applies }];
  });
  if (policies.length === 0) return undefined;
  const open: Open[] = [];
  const allowed = someOf(policies, ({ policy }) =>
    someOf(policy.spec[direction] ?? [], (rule, index) => {
      const at = fieldRef(policy, `spec.${direction}[${index}]`);
      const peers = rule[direction === 'egress' ? 'to' : 'from'] ?? [];
      const found: Open[] = [];
      const matches = both(
        portMatches(rule.ports, port, at, found),
        peers.length === 0 || someOf(peers, (one) => peerMatches(registry, policy, at, one, peer, found)),
      );
      if (matches === undefined) open.push(...found);
      return matches;
    }),
  );
  if (allowed) return undefined;
  const isRestricted = policies.some(({ applies }) => applies);
  if (allowed === false && isRestricted) return policies.map(({ policy }) => fieldRef(policy, `spec.${direction}`));
  const unsure = policies.find(({ applies }) => !applies);
  const [first] = open;
  throw first
    ? new Undetermined(first.unknown, [first.at])
    : new Undetermined(
        `a NetworkPolicy decides if it selects the pods of namespace ${pod.namespace}, and the manifests do not tell ` +
          'all their labels: add their Deployment',
        [fieldRef(unsure!.policy, 'spec.podSelector')],
      );
}

/** What would have to be known. */
interface Open {
  readonly unknown: string;
  readonly at: FieldRef;
}

function policiesOf({ index }: Registry): readonly Indexed<PolicySpec>[] {
  return index.inGroup('networking.k8s.io', 'NetworkPolicy');
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

/** Networks in which clusters usually have their pods. */
const OF_PODS = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'];

function ipBlockMatches(
  registry: Registry,
  { cidr, except: excepted = [] }: IpBlock,
  peer: Peer,
  at: FieldRef,
  open: Open[],
): Certainty {
  if ('address' in peer) {
    const { address } = peer;
    if (address.kind !== 'unknown') return holds(cidr, address) && !excepted.some((range) => holds(range, address));
    const isHeld = holdsUnknownAddress(cidr, excepted);
    if (isHeld === false || (isHeld === true && !registry.world.mesh?.dualStack)) return isHeld;
    if (isOfOtherHost(registry, cidr, address.host)) return false;
    open.push({ unknown: `it is unknown whether ${address.host} has an address in ${cidr}: ${SAY_ADDRESS}`, at });
    return undefined;
  }
  // Whether a block of addresses selects pods at all, each network decides for itself.
  const mayHold = OF_PODS.some(
    (range) =>
      (contains(cidr, range) || contains(range, cidr)) && !excepted.some((exception) => contains(exception, range)),
  );
  if (!mayHold) return false;
  open.push({ unknown: `it is unknown whether ${cidr} stands for pods of namespace ${peer.pod.namespace}`, at });
  return undefined;
}

/** Whether the address is that of another host, where hosts are nowhere but where ServiceEntries say. */
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
 * Every namespace has the label with its name; its others are those of its Namespace, if that is among the manifests.
 */
function namespaceMatches(
  { index, world }: Registry,
  selector: LabelSelector,
  name: string,
  at: FieldRef,
  open: Open[],
): Certainty {
  const written = index.inGroup('', 'Namespace').find((object) => object.name === name);
  const labels = { ...written?.manifest.metadata.labels, 'kubernetes.io/metadata.name': name };
  // An access table describes everything, and what it does not give is not there.
  const matches = selectorMatches(selector, labels, written === undefined && world.external === undefined);
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
