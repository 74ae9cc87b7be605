import { FieldPath } from '../../../manifests/field-path';
import { IstioSpecs, TrafficPolicy } from '../../../manifests/specs';

type Settings = Pick<TrafficPolicy, 'connectionPool' | 'outlierDetection' | 'loadBalancer' | 'retryBudget' | 'tls'>;

/** What a DestinationRule says of traffic: as a whole, for ports, and for subsets, each with its place. */
export function* trafficSettings({
  trafficPolicy,
  subsets,
}: Partial<IstioSpecs['DestinationRule']>): Generator<readonly [Settings, FieldPath]> {
  const policies: (readonly [TrafficPolicy | undefined, FieldPath])[] = [
    [trafficPolicy, 'spec.trafficPolicy'],
    ...(subsets ?? []).map((subset, at) => [subset?.trafficPolicy, `spec.subsets[${at}].trafficPolicy`] as const),
  ];
  for (const [policy, field] of policies) {
    if (!policy) continue;
    yield [policy, field];
    for (const [at, port] of (policy.portLevelSettings ?? []).entries())
      if (port) yield [port, `${field}.portLevelSettings[${at}]`];
  }
}
