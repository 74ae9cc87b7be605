import { FieldRef } from '../answer/answer';
import { fieldRef } from '../answer/field-ref';
import { MergedRule, MergedSubset } from '../objects/destination-rules';
import { TrafficPolicy } from '../../manifests/specs';

/** What has the settings of one kind that are in force. */
export function whereInForce(
  name: Setting,
  rule: MergedRule | undefined,
  subset: MergedSubset | undefined,
  port: number,
): FieldRef | undefined {
  if (!inForce(name, rule, subset, port)) return undefined;
  return inForce(name, undefined, subset, port)
    ? fieldRef(subset!.object, `spec.subsets[${subset!.index}].trafficPolicy`)
    : fieldRef(rule!.policy!.object, 'spec.trafficPolicy');
}

export type Setting = 'connectionPool' | 'loadBalancer' | 'outlierDetection';

/** The settings of one kind in force: those of a port replace all others of their policy. */
export function inForce<Name extends Setting>(
  name: Name,
  rule: MergedRule | undefined,
  subset: MergedSubset | undefined,
  port: number,
): TrafficPolicy[Name] {
  const settings = (policy: TrafficPolicy | undefined) => {
    const own = policy?.portLevelSettings?.find((one) => one.port?.number === port);
    return own ? { found: true, value: own[name] } : { found: policy?.[name] !== undefined, value: policy?.[name] };
  };
  const own = settings(subset?.value.trafficPolicy);
  return (own.found ? own : settings(rule?.policy?.value)).value;
}

/** The policy of the subset, and that of the host. */
export function placesOf(rule: MergedRule | undefined, subset: MergedSubset | undefined) {
  return [
    {
      policy: subset?.value.trafficPolicy,
      where: () => fieldRef(subset!.object, `spec.subsets[${subset!.index}].trafficPolicy`),
    },
    { policy: rule?.policy?.value, where: () => fieldRef(rule!.policy!.object, 'spec.trafficPolicy') },
  ];
}
