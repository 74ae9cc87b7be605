import { AllowedDestination, AllowedEgress, placeKey } from '../../declarations/allowed-egress';
import { ClusterPlaces } from '../../declarations/boundary';
import { GatewayInstallation } from '../../values/gateway-installation';
import { networkOf } from '../../istio/ranges';

/** The label with a namespace's name. Kubernetes sets it on every namespace and rejects any other value. */
const NAMESPACE = 'kubernetes.io/metadata.name';

/** An ingress or egress rule of a NetworkPolicy. */
interface PolicyRule {
  readonly to?: object[];
  readonly from?: object[];
  readonly ports?: { readonly protocol: string; readonly port: number }[];
}

/** What every pod of the mesh needs: DNS, and configuration and certificates from istiod. */
export function meshRules({ dns, istiodNamespace }: ClusterPlaces): PolicyRule[] {
  return [
    {
      to: [pods(dns.namespace, dns.labels), ...dns.addresses.map((cidr) => ({ ipBlock: { cidr: networkOf(cidr) } }))],
      ports: dns.ports.flatMap((port) => [
        { protocol: 'UDP', port },
        { protocol: 'TCP', port },
      ]),
    },
    { to: [pods(istiodNamespace, { app: 'istiod' })], ports: tcp([15012]) },
  ];
}

/**
 * Other pods of the cluster: those of these namespaces, or of all namespaces but the gateways', which are reached on
 * one port only.
 */
export function peerRules(peers: string[] | undefined, gatewayNamespaces: string[]): PolicyRule[] {
  if (peers) return [{ to: [namespacesIn(peers)] }];
  if (gatewayNamespaces.length === 0) return [{ to: [{ namespaceSelector: {} }] }];
  return [
    {
      to: [
        {
          namespaceSelector: {
            matchExpressions: [{ key: NAMESPACE, operator: 'NotIn', values: sorted(gatewayNamespaces) }],
          },
        },
      ],
    },
  ];
}

/** Connections into a gateway. On 15020 its agent has the metrics; on 15090 is the admin interface of its Envoy. */
export function gatewayIngress(gateway: GatewayInstallation, callers: string[], metrics: string[]): PolicyRule[] {
  return [
    ...(callers.length > 0 ? [{ from: [namespacesIn(callers)], ports: tcp([gateway.targetPort]) }] : []),
    ...(metrics.length > 0 ? [{ from: [namespacesIn(metrics)], ports: tcp([15020]) }] : []),
  ];
}

/** What declared egress paths need: each destination once, with all its ports. */
export function allowedEgressRules(allowedEgress: AllowedEgress[], places: ClusterPlaces): PolicyRule[] {
  const gateways = new Map(
    allowedEgress.flatMap(({ gateway }) => (gateway ? [[placeKey(gateway), gateway] as const] : [])),
  );
  const destinations = allowedEgress.flatMap((allowed) => allowed.to?.() ?? []);
  return [
    ...[...gateways]
      .sort(byKey)
      .map(([, { namespace, labels, targetPort }]) => ({ to: [pods(namespace, labels)], ports: tcp([targetPort]) })),
    ...externalRules(destinations, places),
  ];
}

/** The ports on which every public address is allowed: undefined if there are none, empty for all ports. */
export function publicPorts(allowedEgress: AllowedEgress[]): number[] | undefined {
  const open = allowedEgress.flatMap((allowed) => allowed.to?.() ?? []).filter(({ to }) => to === 'public');
  if (open.length === 0) return undefined;
  return open.some(({ ports }) => !ports) ? [] : sortedNumbers(open.flatMap(({ ports }) => ports!));
}

function externalRules(destinations: AllowedDestination[], places: ClusterPlaces): PolicyRule[] {
  const ports = new Map<string, Set<number>>(); // by destination; an empty set stands for all ports
  const allow = (key: string, list: number[] | undefined) => {
    const known = ports.get(key);
    if (!list || known?.size === 0) ports.set(key, new Set());
    else ports.set(key, new Set([...(known ?? []), ...list]));
  };
  for (const { to, ports: list } of destinations) {
    if (to === 'public') allow('public', list);
    else if ('cidrs' in to) to.cidrs.forEach((cidr) => allow(`range ${networkOf(cidr)}`, list));
    else to.namespaces.forEach((namespace) => allow(`namespace ${namespace}`, list));
  }
  const byPorts = new Map<string, { peers: object[]; ports: number[] }>();
  for (const [key, list] of [...ports].sort(byKey)) {
    const group = sortedNumbers([...list]);
    const rule = byPorts.get(group.join()) ?? { peers: [], ports: group };
    byPorts.set(group.join(), { ...rule, peers: [...rule.peers, ...peersOf(key, places)] });
  }
  return [...byPorts.values()].map((rule) => ({
    to: rule.peers,
    ports: rule.ports.length > 0 ? tcp(rule.ports) : undefined,
  }));
}

function peersOf(key: string, { privateRanges: { v4, v6 } }: ClusterPlaces): object[] {
  if (key === 'public')
    return [{ ipBlock: { cidr: '0.0.0.0/0', except: v4 } }, { ipBlock: { cidr: '::/0', except: v6 } }];
  const [kind, value] = key.split(' ');
  return [kind === 'range' ? { ipBlock: { cidr: value } } : namespacesIn([value])];
}

function pods(namespace: string, labels: Record<string, string>): object {
  return { namespaceSelector: { matchLabels: { [NAMESPACE]: namespace } }, podSelector: { matchLabels: labels } };
}

function namespacesIn(names: string[]): object {
  return { namespaceSelector: { matchExpressions: [{ key: NAMESPACE, operator: 'In', values: sorted(names) }] } };
}

function tcp(ports: number[]) {
  return ports.map((port) => ({ protocol: 'TCP', port }));
}

function sortedNumbers(list: number[]): number[] {
  return [...new Set(list)].sort((a, b) => a - b);
}

function sorted(list: string[]): string[] {
  return [...new Set(list)].sort();
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}
