import { certificateRuleId, ruleId } from './objects';
import { originated } from './originated';
import { plain } from './plain';
import { OriginationSettings } from '../../declarations/origination';
import { SidecarEgressPath } from '../../declarations/sidecar-egress-path';
import { RecipeObject } from '../recipe';

/** The objects of one host straight from the sidecars of a namespace. */
export function sidecarEgress(path: SidecarEgressPath): RecipeObject[] {
  return path.originations.length > 0 ? originated(path) : plain(path);
}

/** The ids of the rules that originate TLS. */
export function originatingRules({ host }: SidecarEgressPath, { certificateOwners }: OriginationSettings): string[] {
  return certificateOwners?.map((owner) => certificateRuleId(host, owner)) ?? [ruleId(host)];
}
