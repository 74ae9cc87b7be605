import * as istio from '../../../imports/networking.istio.io';
import { CertificateOwner } from '../../declarations/origination';
import { annotationsFor } from '../../declarations/settings';
import { SidecarEgressPath } from '../../declarations/sidecar-egress-path';
import { ALLOCATE_ADDRESSES } from '../../istio/hosts';
import { isWildcardHost } from '../../values/host-name';
import { keyOf, objectName } from '../../values/names';
import { sharedDomain } from '../../values/shared-suffixes';
import { ObjectKind, Rank, RecipeObject } from '../recipe';

/** The rule for all pods without one of their own. */
export function rule(path: SidecarEgressPath, spec: () => istio.DestinationRuleSpec): RecipeObject {
  return object(path, istio.DestinationRule, ruleId(path.host), Rank.FIRST, spec);
}

/** The host as applications know it. */
export function entry(path: SidecarEgressPath, rank: Rank, spec: () => istio.ServiceEntrySpec): RecipeObject {
  const made = object(path, istio.ServiceEntry, `${path.host}-service-entry`, rank, spec);
  if (!isWildcardHost(path.host)) return made;
  // With one address for all names below a domain, TLS without a server name could go to any of them.
  const labels = { ...made.metadata.labels, [ALLOCATE_ADDRESSES]: 'false' };
  return { ...made, metadata: { ...made.metadata, labels } };
}

export function route(path: SidecarEgressPath, spec: () => istio.VirtualServiceSpec): RecipeObject {
  return object(path, istio.VirtualService, `${path.host}-virtual-service`, Rank.ROUTE, spec);
}

export function object(
  { host, key, namespace, settings }: SidecarEgressPath,
  kind: ObjectKind,
  id: string,
  rank: Rank,
  spec: () => object,
  suffix?: string,
): RecipeObject {
  const { namePrefix, labels, unsafeSharedDomains } = settings;
  const shared = unsafeSharedDomains && isWildcardHost(host) && sharedDomain(host.slice(2)) !== undefined;
  const annotations = annotationsFor(host, settings, shared ? [`shared domain: ${host}`] : []);
  const name = objectName(namePrefix ?? host.replace('*', 'any'), key, suffix);
  return { id, kind, side: 'caller', rank, metadata: { name, namespace, labels, annotations }, spec };
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
