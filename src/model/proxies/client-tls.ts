import { MergedRule, MergedSubset } from '../objects/destination-rules';
import { stopAtUnknownField } from '../answer/known-fields';
import { Registry } from '../registry/registry';
import { isExternal } from '../../manifests/entries';
import { FieldPath } from '../../manifests/field-path';
import { Indexed, IstioObject } from '../../manifests/indexed';
import { selects } from '../../manifests/selectors';
import { EntryEndpoint, TlsSettings, TrafficPolicy } from '../../manifests/specs';

/** The TLS settings with which a cluster originates TLS. */
export interface ClientTls {
  readonly value: TlsSettings;
  readonly object: Indexed;
  readonly field: FieldPath;
}

export const TLS_MODE = 'security.istio.io/tlsMode';

/**
 * The mutual TLS of the mesh that proxies use by themselves, where no DestinationRule gives other settings: towards
 * endpoints of an entry in the mesh that are labelled as having a sidecar, or have a service account and no label.
 */
export function automaticTls(
  registry: Registry,
  { object }: { readonly object: IstioObject<'ServiceEntry'> },
  { labels, serviceAccount }: EntryEndpoint,
  field: FieldPath,
  port: number,
): ClientTls | undefined {
  const isLabelled = labels?.[TLS_MODE] !== undefined;
  const hasSidecar = isLabelled ? labels[TLS_MODE] === 'istio' : !!serviceAccount;
  if (isExternal(object) || !hasSidecar || isMutualTlsOff(registry, object.namespace, labels, port)) return undefined;
  return {
    value: { mode: 'ISTIO_MUTUAL' },
    object,
    field: isLabelled ? `${field}.labels` : `${field}.serviceAccount`,
  };
}

/** Whether PeerAuthentications turn mutual TLS off: the oldest of the workload, of its namespace, and of the mesh. */
export function isMutualTlsOff(
  { peerAuthentications, rootNamespace }: Registry,
  namespace: string,
  labels: Record<string, string> | undefined,
  port: number,
): boolean {
  const oldest = (where: string, isFor: (wanted: Record<string, string>) => boolean) =>
    peerAuthentications.find((one) => one.namespace === where && isFor(one.spec?.selector?.matchLabels ?? {}))?.spec;
  const isForAll = (wanted: Record<string, string>) => Object.keys(wanted).length === 0;
  const own = oldest(namespace, (wanted) => !isForAll(wanted) && selects(wanted, labels));
  const levels = [
    own?.portLevelMtls?.[port],
    ...[own, oldest(namespace, isForAll), oldest(rootNamespace, isForAll)].map((one) => one?.mtls),
  ];
  return levels.find((one) => one?.mode && one.mode !== 'UNSET')?.mode === 'DISABLE';
}

/**
 * The TLS settings in force: a port's settings replace those of its policy. A subset's TLS counts before the rule's,
 * and settings for a port of the subset replace the rule's even if they have no TLS.
 */
export function tlsOf(
  rule: MergedRule | undefined,
  subset: MergedSubset | undefined,
  port: number,
): ClientTls | undefined {
  if (!rule) return undefined;
  const host = rule.policy && policyFor(rule.policy.object, rule.policy.value, 'spec.trafficPolicy', port);
  const own =
    subset?.value.trafficPolicy &&
    policyFor(subset.object, subset.value.trafficPolicy, `spec.subsets[${subset.index}].trafficPolicy`, port);
  if (subset) stopAtUnknownField(subset.object, subset.value, 'subset', `spec.subsets[${subset.index}]`);
  for (const object of rule.from) stopAtUnknownField(object, object.spec, 'destinationRule');
  const found = own && (own.value.tls || own.isPort) ? own : host;
  if (!found?.value.tls) return undefined;
  stopAtUnknownField(found.object, found.value.tls, 'clientTls', `${found.field}.tls`);
  return { value: found.value.tls, object: found.object, field: `${found.field}.tls` };
}

function policyFor(object: Indexed, policy: TrafficPolicy, field: FieldPath, port: number) {
  stopAtUnknownField(object, policy, 'trafficPolicy', field);
  const settings = policy.portLevelSettings ?? [];
  const index = settings.findIndex((one) => one.port?.number === port);
  if (index < 0) return { object, value: policy, field, isPort: false };
  const own: FieldPath = `${field}.portLevelSettings[${index}]`;
  stopAtUnknownField(object, settings[index], 'trafficPolicy', own);
  return { object, value: settings[index], field: own, isPort: true };
}
