import { destinationRuleProblems, destinationRuleSchemaProblems } from './destination-rule';
import { gatewayProblems, gatewaySchemaProblems } from './gateway';
import { FieldProblem, firstOf, Problems } from './names';
import {
  authorizationPolicyProblems,
  authorizationPolicySchemaProblems,
  peerAuthenticationSchemaProblems,
  requestAuthenticationProblems,
  requestAuthenticationSchemaProblems,
} from './policies';
import { serviceEntryProblems, serviceEntrySchemaProblems } from './service-entry';
import { sidecarProblems, sidecarSchemaProblems } from './sidecar';
import { virtualServiceProblems } from './virtual-service';
import { IstioSpecs } from '../../../manifests/specs';

export { FieldProblem, firstOf } from './names';

/** What is wrong with a spec whose types are right. */
type Checks = { readonly [Kind in keyof IstioSpecs]?: (spec: IstioSpecs[Kind], namespace: string) => Problems };

const IN_SCHEMA: Checks & Readonly<Record<string, unknown>> = {
  ServiceEntry: serviceEntrySchemaProblems,
  DestinationRule: destinationRuleSchemaProblems,
  Gateway: gatewaySchemaProblems,
  Sidecar: sidecarSchemaProblems,
  AuthorizationPolicy: authorizationPolicySchemaProblems,
  RequestAuthentication: requestAuthenticationSchemaProblems,
  PeerAuthentication: peerAuthenticationSchemaProblems,
};

const BY_WEBHOOK: Checks & Readonly<Record<string, unknown>> = {
  ServiceEntry: serviceEntryProblems,
  DestinationRule: destinationRuleProblems,
  Gateway: gatewayProblems,
  VirtualService: virtualServiceProblems,
  Sidecar: sidecarProblems,
  AuthorizationPolicy: authorizationPolicyProblems,
  RequestAuthentication: requestAuthenticationProblems,
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
  return firstOf((check as ((of: unknown, namespace: string) => Problems) | undefined)?.(spec, namespace) ?? []);
}
