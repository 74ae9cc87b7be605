import { isIP } from 'net';
import { Address, ipAddress } from './addresses';
import { Condition, SAY_ADDRESSES } from '../answer/conditions';
import { podTemplateOf } from '../../istio/pod-templates';
import { Indexed, nameOf } from '../../manifests/indexed';
import { addTo } from '../../values/grouping';
import { listOf } from '../../values/list-of';

/** How the pods of a template look up names, where they do not do it as pods usually do. */
export interface PodDns {
  readonly template: Indexed;
  /**
   * The addresses of names in the hosts file of each container (`hostAliases`). Applications and Envoy look there before
   * they ask any DNS, that of a sidecar included.
   */
  readonly hostsFile: ReadonlyMap<string, readonly Address[]>;
  /** Whose DNS they ask instead of the cluster's: that of servers of their own, or that of the node. */
  readonly asks?: 'own' | 'node';
  /** The number of dots from which on a name is not completed first. */
  readonly ndots: number;
}

/** A name that pods look up. */
interface NameAsked {
  /** Undefined where they dial an address. */
  readonly name?: string;
  /** Whether only the DNS of the cluster knows it. */
  readonly isOfCluster: boolean;
  /** Whether they have a proxy, which finds istiod by the DNS of the cluster. */
  readonly needsIstiod: boolean;
}

/** What Kubernetes sets. */
const USUAL_NDOTS = 5;

/** Undefined where a template says nothing of it. */
export function podDnsOf(template: Indexed): PodDns | undefined {
  const { hostAliases, dnsPolicy, dnsConfig, hostNetwork } = podTemplateOf(template.manifest)?.spec ?? {};
  if ((hostAliases ?? dnsPolicy ?? dnsConfig ?? hostNetwork) === undefined) return undefined;
  const options = listOf(dnsConfig?.options);
  const ofNode = hostNetwork === true ? ['Default', 'ClusterFirst', undefined] : ['Default'];
  return {
    template,
    hostsFile: hostsFileOf(template, listOf(hostAliases)),
    asks: dnsPolicy === 'None' ? 'own' : ofNode.includes(dnsPolicy) ? 'node' : undefined,
    ndots: Number(options.find((option) => option?.name === 'ndots')?.value ?? USUAL_NDOTS),
  };
}

function hostsFileOf(template: Indexed, aliases: readonly (HostAlias | undefined)[]): Map<string, Address[]> {
  const file = new Map<string, Address[]>();
  for (const alias of aliases)
    for (const hostname of listOf(alias?.hostnames)) {
      const ip = String(alias?.ip);
      if (isIP(ip) === 0) continue;
      const holds = `${ip} is ${hostname}, as the hostAliases of ${nameOf(template)} say`;
      addTo(file, String(hostname).toLowerCase(), { ...ipAddress(ip), claim: { holds, say: SAY_ADDRESSES } });
    }
  return file;
}

/** What must be so for pods to find a name, and their proxies to find istiod, as pods usually do. */
export function dnsCondition(
  { template, hostsFile, asks, ndots }: PodDns,
  { name: dialled, isOfCluster, needsIstiod }: NameAsked,
): Condition | undefined {
  const name = dialled !== undefined && hostsFile.has(dialled.toLowerCase()) ? undefined : dialled;
  const sought = [
    ...(name !== undefined && (isOfCluster || asks === 'own') ? [name] : []),
    ...(needsIstiod ? ['istiod'] : []),
  ];
  if (asks !== undefined && sought.length > 0)
    return {
      holds: `the DNS that ${nameOf(template)} asks instead of the cluster's gives the same address for ${sought.join(' and ')}`,
      say: 'leave out its dnsPolicy, or write ClusterFirst, or ClusterFirstWithHostNet on the network of the node',
    };
  const dots = (name?.split('.').length ?? 1) - 1;
  // With more dots it is a full name.
  if (name === undefined || !isOfCluster || dots < ndots || dots > 2) return undefined;
  return {
    holds: `the resolver of ${nameOf(template)} completes ${name}, although its ndots is ${ndots}`,
    say: 'ask for the full name of the Service, or leave out its ndots',
  };
}

interface HostAlias {
  readonly ip?: string;
  readonly hostnames?: readonly string[];
}
