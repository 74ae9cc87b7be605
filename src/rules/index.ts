import { defaultSidecarConflict } from './default-sidecar-conflict';
import { destinationRuleConflict } from './destination-rule-conflict';
import { duplicateObject } from './duplicate-object';
import { gatewayNotBound } from './gateway-not-bound';
import { gatewayServerConflict } from './gateway-server-conflict';
import { IndexOptions, ManifestIndex } from './manifest-index';
import { meshRouteConflict } from './mesh-route-conflict';
import { missingSubset } from './missing-subset';
import { rangeTakesNames } from './range-takes-names';
import { rootSidecarWithSelector } from './root-sidecar-with-selector';
import { EgressObject, Finding, Rule } from './rule';
import { serviceEntryConflict } from './service-entry-conflict';
import { sidecarHidesHost } from './sidecar-hides-host';
import { sidecarWithoutMode } from './sidecar-without-mode';
import { tlsPortAsHttp } from './tls-port-as-http';
import { unverifiedName } from './unverified-name';

export { EgressObject, Finding, Rule } from './rule';

/** All rules, by code. */
export const RULES: readonly Rule[] = [
  defaultSidecarConflict,
  destinationRuleConflict,
  duplicateObject,
  gatewayNotBound,
  gatewayServerConflict,
  meshRouteConflict,
  missingSubset,
  rangeTakesNames,
  rootSidecarWithSelector,
  serviceEntryConflict,
  sidecarHidesHost,
  sidecarWithoutMode,
  tlsPortAsHttp,
  unverifiedName,
];

/** What is wrong with these manifests. The order is that of the rules, then that of the objects' origins. */
export function checkManifests(objects: EgressObject[], options: IndexOptions = {}): Finding[] {
  const index = new ManifestIndex(objects, options);
  return RULES.flatMap(rule => [...rule.check(index)]
    .map(({ message, objects: involved, cure }) => ({
      code: rule.code, message, cure: cure ?? rule.cure, origins: involved.map(object => object.origin), see: rule.see,
    }))
    .sort((a, b) => (a.origins.join() + a.message).localeCompare(b.origins.join() + b.message)));
}
