import { Indexed } from './indexed';

/** The TLS settings of a traffic policy for a port. Port-level settings replace the policy's; none are inherited. */
export function tlsFor(policy: any, port: number): any {
  const own = policy?.portLevelSettings?.find((settings: any) => settings.port?.number === port);
  return own ? own.tls : policy?.tls;
}

/** Whether the settings make the proxy originate TLS. */
export function originates(tls: any): boolean {
  return (
    tls !== undefined && tls !== null && (tls.mode === 'SIMPLE' || tls.mode === 'MUTUAL' || tls.mode === 'ISTIO_MUTUAL')
  );
}

/** Whether any policy of the rule, its own or a subset's, makes the proxy originate TLS on the port. */
export function originatesOn(rule: Indexed, port: number): boolean {
  return (
    originates(tlsFor(rule.spec.trafficPolicy, port)) ||
    (rule.spec.subsets ?? []).some(
      (subset: any) => subset.trafficPolicy && originates(tlsFor(subset.trafficPolicy, port)),
    )
  );
}

/** Visits all TLS settings of a DestinationRule. */
export function eachTls(rule: Indexed, visit: (tls: any) => void): void {
  eachIn(rule.spec.trafficPolicy, visit);
  if (rule.spec.subsets) for (const subset of rule.spec.subsets) eachIn(subset.trafficPolicy, visit);
}

function eachIn(policy: any, visit: (tls: any) => void): void {
  if (!policy) return;
  if (policy.tls) visit(policy.tls);
  if (policy.portLevelSettings) for (const port of policy.portLevelSettings) if (port.tls) visit(port.tls);
}
