import { FieldPath } from '../../../manifests/field-path';
import { IstioSpecs, TrafficPolicy } from '../../../manifests/specs';

type Settings = Pick<TrafficPolicy, 'connectionPool' | 'outlierDetection' | 'loadBalancer' | 'retryBudget' | 'tls'>;

/** What a DestinationRule says of traffic: as a whole, for ports, and for subsets, each with its place. */
export function trafficSettings({
  trafficPolicy,
  subsets = [],
}: IstioSpecs['DestinationRule']): (readonly [Settings, FieldPath])[] {
  return [
    ...settingsIn(trafficPolicy, 'spec.trafficPolicy'),
    ...subsets.flatMap((subset, at) => settingsIn(subset?.trafficPolicy, `spec.subsets[${at}].trafficPolicy`)),
  ];
}

function settingsIn(policy: TrafficPolicy | undefined, field: FieldPath): (readonly [Settings, FieldPath])[] {
  if (!policy) return [];
  const ofPorts = policy.portLevelSettings ?? [];
  return [
    [policy, field],
    ...ofPorts.flatMap((port, at) => (port ? [[port, `${field}.portLevelSettings[${at}]`] as const] : [])),
  ];
}
