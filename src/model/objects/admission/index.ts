import { checkDestinationRule, checkDestinationRuleSchema } from './destination-rule';
import { checkGateway, checkGatewaySchema } from './gateway';
import { FieldProblem, firstRejected } from './names';
import {
  checkAuthorizationPolicy,
  checkAuthorizationPolicySchema,
  checkPeerAuthenticationSchema,
  checkRequestAuthentication,
  checkRequestAuthenticationSchema,
} from './policies';
import { checkServiceEntry, checkServiceEntrySchema } from './service-entry';
import { checkSidecar, checkSidecarSchema } from './sidecar';
import { checkVirtualService } from './virtual-service';
import { IstioSpecs } from '../../../manifests/specs';

export { FieldProblem, firstRejected } from './names';

/** Each rejects a spec whose types are right at its first wrong field. */
type Checks = { readonly [Kind in keyof IstioSpecs]?: (spec: IstioSpecs[Kind], namespace: string) => void };

const IN_SCHEMA: Checks & Readonly<Record<string, unknown>> = {
  ServiceEntry: checkServiceEntrySchema,
  DestinationRule: checkDestinationRuleSchema,
  Gateway: checkGatewaySchema,
  Sidecar: checkSidecarSchema,
  AuthorizationPolicy: checkAuthorizationPolicySchema,
  RequestAuthentication: checkRequestAuthenticationSchema,
  PeerAuthentication: checkPeerAuthenticationSchema,
};

const BY_WEBHOOK: Checks & Readonly<Record<string, unknown>> = {
  ServiceEntry: checkServiceEntry,
  DestinationRule: checkDestinationRule,
  Gateway: checkGateway,
  VirtualService: checkVirtualService,
  Sidecar: checkSidecar,
  AuthorizationPolicy: checkAuthorizationPolicy,
  RequestAuthentication: checkRequestAuthentication,
};

/** Why the API server rejects an object by the rules in its schema, although its types are right. */
export function schemaProblem(kind: string, spec: unknown, namespace: string): FieldProblem | undefined {
  return problemBy(IN_SCHEMA, kind, spec, namespace);
}

/** Why Istio's validating webhook rejects an object of a kind of egress, although its types are right. */
export function webhookProblem(kind: string, spec: unknown, namespace: string): FieldProblem | undefined {
  return problemBy(BY_WEBHOOK, kind, spec, namespace);
}

function problemBy(checks: Checks, kind: string, spec: unknown, namespace: string): FieldProblem | undefined {
  const check = Object.hasOwn(checks, kind) ? checks[kind as keyof IstioSpecs] : undefined;
  return firstRejected(() => (check as ((of: unknown, namespace: string) => void) | undefined)?.(spec, namespace));
}
