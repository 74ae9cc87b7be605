import { checkDestinationRule, checkDestinationRuleSchema } from './destination-rule';
import { checkGateway, checkGatewaySchema } from './gateway';
import { Checks } from './names';
import {
  checkAuthorizationPolicy,
  checkAuthorizationPolicySchema,
  checkPeerAuthenticationSchema,
  checkRequestAuthentication,
  checkRequestAuthenticationSchema,
} from './policies';
import {
  checkServiceEntry,
  checkServiceEntrySchema,
  checkWorkloadEntry,
  checkWorkloadEntrySchema,
} from './service-entry';
import { checkSidecar, checkSidecarSchema } from './sidecar';
import { checkVirtualService } from './virtual-service';

export { annotationProblem } from './annotations';
export { FieldProblem, problemBy } from './names';
export { LATER_FIELDS, NEWER_FIELDS, NEWER_VALUES } from './newer';

/** Why the API server rejects an object by the rules in its schema, although its types are right. */
export const IN_SCHEMA: Checks & Readonly<Record<string, unknown>> = {
  ServiceEntry: checkServiceEntrySchema,
  WorkloadEntry: checkWorkloadEntrySchema,
  DestinationRule: checkDestinationRuleSchema,
  Gateway: checkGatewaySchema,
  Sidecar: checkSidecarSchema,
  AuthorizationPolicy: checkAuthorizationPolicySchema,
  RequestAuthentication: checkRequestAuthenticationSchema,
  PeerAuthentication: checkPeerAuthenticationSchema,
};

/** Why Istio's validating webhook rejects an object of a kind of egress, although its types are right. */
export const BY_WEBHOOK: Checks & Readonly<Record<string, unknown>> = {
  ServiceEntry: checkServiceEntry,
  WorkloadEntry: checkWorkloadEntry,
  DestinationRule: checkDestinationRule,
  Gateway: checkGateway,
  VirtualService: checkVirtualService,
  Sidecar: checkSidecar,
  AuthorizationPolicy: checkAuthorizationPolicy,
  RequestAuthentication: checkRequestAuthentication,
};
