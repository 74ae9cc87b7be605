import { forTls, ignoredCredential, misplacedRules, missingTls } from './destination-rules';
import { forEntry, invisible, undeclared } from './entries';
import { forServer, unselected } from './gateways';
import { tlsThroughGateway } from './hops';
import { forNetworkPolicy, forPolicy } from './policies';
import { Asked, Candidate, find, Question } from './question';
import { forDestination, forRoute, forSubset, unboundRoutes, unreadSections } from './routes';
import { hostOf, isTcpRequest, portOfRequest, urlOf } from '../../access/request-url';
import { DEFAULT_CLUSTER_DOMAIN } from '../../istio/service-names';
import { lastOf, upTo } from '../../manifests/field-path';
import { Indexed, IstioObject } from '../../manifests/indexed';
import { FieldRef } from '../../model';

export type { Candidate, Question, Wanted } from './question';

/** Changes worth trying, by what decided the answer. The model decides which of them help. */
export function candidates(question: Question): Candidate[] {
  const { request, caller, world } = question;
  const url = urlOf(request.url);
  const scheme = isTcpRequest(request.url) ? 'tcp' : url.protocol === 'https:' ? 'https' : 'http';
  const trustDomain = world.mesh?.trustDomain ?? DEFAULT_CLUSTER_DOMAIN;
  const asked: Asked = {
    host: hostOf(url),
    scheme,
    port: portOfRequest(request.url) ?? 80,
    principal: `spiffe://${trustDomain}/ns/${caller.namespace}/sa/${caller.serviceAccount}`,
  };
  return [
    ...undeclared(question, asked),
    ...question.answer.causes.flatMap((cause) => forCause(question, asked, cause)),
    ...invisible(question, asked),
    ...unboundRoutes(question, asked),
    ...unselected(question),
    ...missingTls(question),
    ...ignoredCredential(question),
    ...misplacedRules(question, asked),
    ...unreadSections(question),
    ...tlsThroughGateway(question, asked),
  ];
}

/** Changes to the object that decided, at the field that did. */
function forCause(question: Question, asked: Asked, cause: FieldRef): Candidate[] {
  const object = find(question.index, cause);
  const { field } = cause;
  if (!object) return [];
  const destination = field && upTo(field, 'destination');
  if (destination)
    return lastOf(field) === 'subset'
      ? forSubset(question, object as IstioObject<'VirtualService'>, destination)
      : forDestination(question, object as IstioObject<'VirtualService'>, destination, asked);
  switch (cause.kind) {
    case 'Gateway':
      return forServer(question, object as IstioObject<'Gateway'>, field, asked);
    case 'DestinationRule':
      return forTls(question, object as IstioObject<'DestinationRule'>, field, asked);
    case 'ServiceEntry':
      return forEntry(question, object as IstioObject<'ServiceEntry'>, asked);
    case 'AuthorizationPolicy':
      return forPolicy(question, object as IstioObject<'AuthorizationPolicy'>, asked);
    case 'NetworkPolicy':
      return forNetworkPolicy(question, object as Indexed<{ readonly egress?: readonly unknown[] }>, asked);
    case 'VirtualService':
      return forRoute(object as IstioObject<'VirtualService'>, field);
    default:
      return [];
  }
}
