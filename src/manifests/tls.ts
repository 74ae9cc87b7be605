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
  const place = tlsPlaces(rule).find(({ tls }) => condition(tls));
  return place === undefined ? 'spec' : fieldOf(place);
}

/** TLS settings, and where they are: in a subset, or the rule's own; for one port, or for all. */
interface TlsPlace {
  readonly tls: TlsSettings;
  readonly subset: number | undefined;
  readonly port: number | undefined;
}

/** All TLS settings of a DestinationRule. */
export function tlsPlaces({ spec }: IstioObject<'DestinationRule'>): TlsPlace[] {
  const found: TlsPlace[] = [];
  addPlaces(spec.trafficPolicy, undefined, found);
  spec.subsets?.forEach(({ trafficPolicy }, subset) => addPlaces(trafficPolicy, subset, found));
  return found;
}

/** The path of TLS settings. */
export function fieldOf({ subset, port }: TlsPlace): FieldPath {
  const policy = subset === undefined ? 'spec.trafficPolicy' : (`spec.subsets[${subset}].trafficPolicy` as const);
  return port === undefined ? `${policy}.tls` : `${policy}.portLevelSettings[${port}].tls`;
}

function addPlaces(policy: TrafficPolicy | undefined, subset: number | undefined, found: TlsPlace[]): void {
  if (policy?.tls) found.push({ tls: policy.tls, subset, port: undefined });
  policy?.portLevelSettings?.forEach(({ tls }, port) => {
    if (tls) found.push({ tls, subset, port });
  });
}
