import { DestinationRule, ServiceEntry, VirtualService } from '../../../imports/networking.istio.io';
import { CertificateOwner } from '../../declarations/origination';
import { withUnsafe } from '../../declarations/settings';
import { SidecarEgressPath } from '../../declarations/sidecar-egress-path';
import { isWildcardHost } from '../../values/host-name';
import { keyOf, objectName } from '../../values/names';
import { sharedDomain } from '../../values/shared-suffixes';
import { Rank, RecipeObject } from '../recipe';

/* The objects of a host without their specs: the same in both recipes, since TLS may be originated later. */

export function rule(path: SidecarEgressPath): Omit<RecipeObject, 'spec'> {
  return { id: ruleId(path.host), kind: DestinationRule, side: 'caller', rank: Rank.FIRST, metadata: metadata(path) };
}

export function entry(path: SidecarEgressPath, rank: Rank): Omit<RecipeObject, 'spec'> {
  const common = metadata(path);
  // With one address for all names below a domain, TLS without a server name could go to any of them.
  const labels = isWildcardHost(path.host)
    ? { ...common.labels, 'networking.istio.io/enable-autoallocate-ip': 'false' }
    : common.labels;
  return {
    id: `${path.host}-service-entry`,
    kind: ServiceEntry,
    side: 'caller',
    rank,
    metadata: { ...common, labels },
  };
}

export function route(path: SidecarEgressPath): Omit<RecipeObject, 'spec'> {
  return {
    id: `${path.host}-virtual-service`,
    kind: VirtualService,
    side: 'caller',
    rank: Rank.ROUTE,
    metadata: metadata(path),
  };
}

/** The id of the rule for all pods without one of their own. */
export function ruleId(host: string): string {
  return `${host}-destination-rule`;
}

/** The id of the rule by which some pods present a client certificate. */
export function certificateRuleId(host: string, owner: CertificateOwner): string {
  return `${host}-certificate-${podsKey(owner)}`;
}

/** Stands for the pods of a certificate owner in names. */
export function podsKey({ podLabels }: CertificateOwner): string {
  return keyOf('holder', ...Object.entries(podLabels).sort().flat());
}

export function metadata({ host, key, namespace, settings }: SidecarEgressPath, suffix?: string) {
  const { namePrefix, labels, unsafeSharedDomains, annotations } = settings;
  const shared = unsafeSharedDomains && isWildcardHost(host) && sharedDomain(host.slice(2)) !== undefined;
  return {
    name: objectName(namePrefix ?? host.replace('*', 'any'), key, suffix),
    namespace,
    labels,
    annotations: shared ? withUnsafe(annotations, `shared domain: ${host}`) : annotations,
  };
}
