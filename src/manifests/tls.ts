import { IstioObject } from './indexed';
import { FieldPath } from './field-path';
import type { TlsSettings, TrafficPolicy } from './specs';

/** The TLS settings of a traffic policy for a port. Port-level settings replace the policy's; none are inherited. */
export function tlsFor(policy: TrafficPolicy | undefined, port: number): TlsSettings | undefined {
  const own = policy?.portLevelSettings?.find((settings) => settings.port?.number === port);
  return own ? own.tls : policy?.tls;
}

/** Whether the settings make the proxy originate TLS. */
export function originates(tls: TlsSettings | null | undefined): boolean {
  return (
    tls !== undefined && tls !== null && (tls.mode === 'SIMPLE' || tls.mode === 'MUTUAL' || tls.mode === 'ISTIO_MUTUAL')
  );
}

/** Whether any policy of the rule, its own or a subset's, makes the proxy originate TLS on the port. */
export function originatesOn(rule: IstioObject<'DestinationRule'>, port: number): boolean {
  return (
    originates(tlsFor(rule.spec.trafficPolicy, port)) ||
    (rule.spec.subsets ?? []).some((subset) => subset.trafficPolicy && originates(tlsFor(subset.trafficPolicy, port)))
  );
}

/** Visits all TLS settings of a DestinationRule. */
export function eachTls(rule: IstioObject<'DestinationRule'>, visit: (tls: TlsSettings) => void): void {
  for (const { tls } of tlsPlaces(rule)) visit(tls);
}

/** The path of the first TLS settings that the condition holds for. */
export function tlsField(rule: IstioObject<'DestinationRule'>, condition: (tls: TlsSettings) => boolean): FieldPath {
  for (const { tls, field } of tlsPlaces(rule)) if (condition(tls)) return field();
  return 'spec';
}

/** TLS settings, and where they are. */
interface TlsPlace {
  readonly tls: TlsSettings;
  readonly field: () => FieldPath;
}

export function* tlsPlaces({ spec }: IstioObject<'DestinationRule'>): Iterable<TlsPlace> {
  yield* placesIn(spec.trafficPolicy, () => 'spec');
  if (spec.subsets)
    for (const [index, subset] of spec.subsets.entries())
      yield* placesIn(subset.trafficPolicy, () => `spec.subsets[${index}]`);
}

function* placesIn(policy: TrafficPolicy | undefined, at: () => FieldPath): Iterable<TlsPlace> {
  if (!policy) return;
  if (policy.tls) yield { tls: policy.tls, field: () => `${at()}.trafficPolicy.tls` };
  if (policy.portLevelSettings)
    for (const [index, { tls }] of policy.portLevelSettings.entries())
      if (tls) yield { tls, field: () => `${at()}.trafficPolicy.portLevelSettings[${index}].tls` };
}
