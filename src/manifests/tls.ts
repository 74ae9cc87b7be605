import { credentialPlace } from '../istio/credentials';
import { IstioObject } from './indexed';
import { FieldPath } from './field-path';
import type { TlsSettings, TrafficPolicy } from './specs';

/** The TLS settings of a traffic policy for a port. Port-level settings replace the policy's; none are inherited. */
export function tlsFor(policy: TrafficPolicy | undefined, port: number): TlsSettings | undefined {
  const own = policy?.portLevelSettings?.find((settings) => settings.port?.number === port);
  return own ? own.tls : policy?.tls;
}

/** The TLS settings for a destination: those of its subset's policy take the place of the rule's own. */
export function tlsOfSubset(
  { spec }: IstioObject<'DestinationRule'>,
  subset: string | undefined,
  port: number,
): TlsSettings | undefined {
  const own = spec.subsets?.find(({ name }) => name === subset)?.trafficPolicy;
  return (own && tlsFor(own, port)) ?? tlsFor(spec.trafficPolicy, port);
}

/** Whether the settings are for an external host: ISTIO_MUTUAL is terminated by a proxy. */
export function isForExternalHost(tls: TlsSettings | null | undefined): boolean {
  return tls?.mode === 'SIMPLE' || tls?.mode === 'MUTUAL';
}

/** Whether the settings make the proxy originate TLS. */
export function originates(tls: TlsSettings | null | undefined): boolean {
  return isForExternalHost(tls) || tls?.mode === 'ISTIO_MUTUAL';
}

/** Whether any policy of the rule, its own or a subset's, makes the proxy originate TLS on the port. */
export function originatesOn(rule: IstioObject<'DestinationRule'>, port: number): boolean {
  return (
    originates(tlsFor(rule.spec.trafficPolicy, port)) ||
    (rule.spec.subsets ?? []).some((subset) => subset.trafficPolicy && originates(tlsFor(subset.trafficPolicy, port)))
  );
}

/**
 * Whether sidecars ignore the settings, as those that name a Secret in a rule for no particular workloads: then they
 * neither originate TLS nor wrap it. Names with configmap:// hold only CA certificates, and every proxy uses them.
 */
export function isIgnoredBySidecars(
  { spec: { workloadSelector } }: IstioObject<'DestinationRule'>,
  { credentialName }: TlsSettings,
): boolean {
  return !workloadSelector && !!credentialName && credentialPlace(credentialName, '').kind === 'Secret';
}

/** The path of the first TLS settings that the condition holds for. */
export function tlsField(rule: IstioObject<'DestinationRule'>, condition: (tls: TlsSettings) => boolean): FieldPath {
  const place = tlsPlaces(rule).find(({ tls }) => condition(tls));
  return place === undefined ? 'spec' : fieldOf(place);
}

/** TLS settings, and their positions in lists: of the subset, unless they are the rule's own; of the port, unless for all. */
interface TlsPlace {
  readonly tls: TlsSettings;
  readonly subsetAt: number | undefined;
  readonly portAt: number | undefined;
}

/** All TLS settings of a DestinationRule. */
export function tlsPlaces({ spec }: IstioObject<'DestinationRule'>): TlsPlace[] {
  const found: TlsPlace[] = [];
  addPlaces(spec.trafficPolicy, undefined, found);
  spec.subsets?.forEach(({ trafficPolicy }, at) => addPlaces(trafficPolicy, at, found));
  return found;
}

/** The path of TLS settings. */
export function fieldOf({ subsetAt, portAt }: TlsPlace): FieldPath {
  const policy = subsetAt === undefined ? 'spec.trafficPolicy' : (`spec.subsets[${subsetAt}].trafficPolicy` as const);
  return portAt === undefined ? `${policy}.tls` : `${policy}.portLevelSettings[${portAt}].tls`;
}

function addPlaces(policy: TrafficPolicy | undefined, subsetAt: number | undefined, found: TlsPlace[]): void {
  if (policy?.tls) found.push({ tls: policy.tls, subsetAt, portAt: undefined });
  policy?.portLevelSettings?.forEach(({ tls }, portAt) => {
    if (tls) found.push({ tls, subsetAt, portAt });
  });
}
