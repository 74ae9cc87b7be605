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

/** All TLS settings of a DestinationRule. */
export function tlsPlaces({ spec }: IstioObject<'DestinationRule'>): TlsPlace[] {
  const found: TlsPlace[] = [];
  addPlaces(spec.trafficPolicy, () => 'spec', found);
  spec.subsets?.forEach(({ trafficPolicy }, index) => addPlaces(trafficPolicy, () => `spec.subsets[${index}]`, found));
  return found;
}

function addPlaces(policy: TrafficPolicy | undefined, at: () => FieldPath, found: TlsPlace[]): void {
  if (policy?.tls) found.push({ tls: policy.tls, field: () => `${at()}.trafficPolicy.tls` });
  policy?.portLevelSettings?.forEach(({ tls }, index) => {
    if (tls) found.push({ tls, field: () => `${at()}.trafficPolicy.portLevelSettings[${index}].tls` });
  });
}
