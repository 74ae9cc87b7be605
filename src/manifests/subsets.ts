import { IstioObject } from './indexed';

/** Whether a DestinationRule defines a subset of its host. */
export function definesSubset(rule: IstioObject<'DestinationRule'>, name: string | undefined): boolean {
  return rule.spec.subsets?.some((subset) => subset.name === name) ?? false;
}
