import { certificateNotVerified } from './certificate-not-verified';
import { credentialSecret } from './credential-secret';
import { defaultSidecarConflict } from './default-sidecar-conflict';
import { denyHostWithoutPort } from './deny-host-without-port';
import { denyTakesTls } from './deny-takes-tls';
import { destinationRuleConflict } from './destination-rule-conflict';
import { doubleTls } from './double-tls';
import { duplicateObject } from './duplicate-object';
import { environmentInRoute } from './environment-in-route';
import { gatewayNotBound } from './gateway-not-bound';
import { gatewayNotInjected } from './gateway-not-injected';
import { gatewayRouteUnresolved } from './gateway-route-unresolved';
import { gatewayServerConflict } from './gateway-server-conflict';
import { gatewayWithoutSelector } from './gateway-without-selector';
import { hopWithoutSni } from './hop-without-sni';
import { httpRouteToTlsPort } from './http-route-to-tls-port';
import { matchGatewayNotListed } from './match-gateway-not-listed';
import { meshRouteConflict } from './mesh-route-conflict';
import { missingSubset } from './missing-subset';
import { networkPolicyUndone } from './network-policy-undone';
import { pastTheGateway } from './past-the-gateway';
import { plaintextToTlsPort } from './plaintext-to-tls-port';
import { policyAtTheCaller } from './policy-at-the-caller';
import { publicRouteTakesHost } from './public-route-takes-host';
import { rangeTakesNames } from './range-takes-names';
import { requestForAnotherHost } from './request-for-another-host';
import { reservedPort } from './reserved-port';
import { rootSidecarWithSelector } from './root-sidecar-with-selector';
import { routeToUndeclaredPort } from './route-to-undeclared-port';
import { Finding, Rule, Violation } from './rule';
import { serviceEntryConflict } from './service-entry-conflict';
import { sharedGatewayServer } from './shared-gateway-server';
import { sharedTcpAddress } from './shared-tcp-address';
import { sidecarCredential } from './sidecar-credential';
import { sidecarHidesHost } from './sidecar-hides-host';
import { sidecarHidesService } from './sidecar-hides-service';
import { sidecarWithoutMode } from './sidecar-without-mode';
import { tcpAddressBesideNames } from './tcp-address-beside-names';
import { tcpPortCapture } from './tcp-port-capture';
import { tlsPortAsHttp } from './tls-port-as-http';
import { unknownField } from './unknown-field';
import { unverifiedGateway } from './unverified-gateway';
import { unverifiedName } from './unverified-name';
import { wildcardBesideHost } from './wildcard-beside-host';
import { EgressObject, Manifest } from '../manifests/egress-object';
import { compare } from '../manifests/indexed';
import { IndexOptions, ManifestIndex } from '../manifests/manifest-index';

export type { IndexOptions } from '../manifests/manifest-index';
export type { EgressObject } from '../manifests/egress-object';
export { SEVERITIES } from './rule';
export type { Finding, Rule, Severity, Violation } from './rule';

/** All rules, by code. */
export const RULES: readonly Rule[] = [
  certificateNotVerified,
  credentialSecret,
  defaultSidecarConflict,
  denyHostWithoutPort,
  denyTakesTls,
  destinationRuleConflict,
  doubleTls,
  duplicateObject,
  environmentInRoute,
  gatewayNotBound,
  gatewayNotInjected,
  gatewayRouteUnresolved,
  gatewayServerConflict,
  gatewayWithoutSelector,
  hopWithoutSni,
  httpRouteToTlsPort,
  matchGatewayNotListed,
  meshRouteConflict,
  missingSubset,
  networkPolicyUndone,
  pastTheGateway,
  plaintextToTlsPort,
  policyAtTheCaller,
  publicRouteTakesHost,
  rangeTakesNames,
  requestForAnotherHost,
  reservedPort,
  rootSidecarWithSelector,
  routeToUndeclaredPort,
  serviceEntryConflict,
  sharedGatewayServer,
  sharedTcpAddress,
  sidecarCredential,
  sidecarHidesHost,
  sidecarHidesService,
  sidecarWithoutMode,
  tcpAddressBesideNames,
  tcpPortCapture,
  tlsPortAsHttp,
  unknownField,
  unverifiedGateway,
  unverifiedName,
  wildcardBesideHost,
];

/**
 * The violations of rules, ordered by message. They depend on the order of the objects only where an object is defined
 * several times: the last definition is the one that exists.
 */
export function violations(
  objects: Iterable<EgressObject>,
  options: IndexOptions = {},
  rules: readonly Rule[] = RULES,
): { readonly rule: Rule; readonly violation: Violation }[] {
  const all = [...objects];
  const index = new ManifestIndex(all, options);
  const former = new Set(index.redefined.flatMap((definitions) => definitions.slice(0, -1)).map(manifestOf));
  const existing =
    former.size === 0
      ? index
      : new ManifestIndex(
          all.filter((object) => !former.has(manifestOf(object))),
          options,
        );
  return rules.flatMap((rule) =>
    [...rule.check(rule === duplicateObject ? index : existing)]
      .sort((a, b) => compare(a.message, b.message))
      .map((violation) => ({ rule, violation })),
  );
}

function manifestOf({ manifest }: EgressObject): Manifest {
  return manifest;
}

/** Findings on manifests, ordered by rule and then by message. */
export function checkManifests(objects: Iterable<EgressObject>, options: IndexOptions = {}): Finding[] {
  return violations(objects, options).map(({ rule, violation }) => ({
    code: rule.code,
    severity: violation.severity ?? rule.severity,
    message: violation.message,
    cure: violation.cure ?? rule.cure,
    origins: [...new Set(violation.objects.map((object) => object.origin))],
    field: violation.field,
    see: rule.see,
  }));
}
