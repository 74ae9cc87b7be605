import { ApiObjectMetadata } from 'cdk8s';
import * as istio from '../../../imports/security.istio.io';
import { CallerSet } from '../../declarations/caller-set';
import { GatewayEgressPath } from '../../declarations/gateway-egress-path';
import { GatewayInstallation } from '../../values/gateway-installation';
import { CHECKED_HOP_DOMAIN, HOP_DOMAIN } from '../../values/host-name';
import { objectName } from '../../values/names';
import { Rank, RecipeObject } from '../recipe';

const Action = istio.AuthorizationPolicySpecAction;

type Source = istio.AuthorizationPolicySpecRulesFromSource;
type Condition = istio.AuthorizationPolicySpecRulesWhen;

/**
 * Checks callers that a gateway's server cannot check by itself. A server compares whole identities and closes the
 * connection without an answer, so it can neither admit a whole namespace nor answer with 403. There is one DENY for
 * each such set of callers and each gateway. It matches its servers by the suffix of their private names, so its size
 * does not depend on the number of hosts, and it does not affect any other server. Since Istio evaluates it before
 * every ALLOW, it holds whatever else is allowed on these pods, for instance by a policy of the root namespace.
 *
 * If that DENY were missing, a namespace that adds a caller side of its own would be admitted. On a gateway that is
 * locked down there is an ALLOW as well, without which nothing passes (the lockdown itself admits only names whose
 * servers check the callers). On any other gateway an ALLOW would close the hosts of all other owners, so there only
 * whole namespaces may rely on a policy.
 */
export function callerPolicies({ callerSet, installation, settings }: GatewayEgressPath): RecipeObject[] {
  if (!callerSet) return [];
  const { stem, key, gateway } = callerSet;
  const { labels, annotations } = settings;
  const object = (id: string, spec: () => object, suffix?: string): RecipeObject => ({
    id: `${id}-${stem}`,
    kind: istio.AuthorizationPolicy,
    side: 'gateway',
    rank: Rank.FIRST,
    metadata: { name: objectName(stem, key, suffix), namespace: installation.namespace, labels, annotations },
    shared: true,
    spec,
  });
  const grant = object('grant', () => callersIn(callerSet), 'grant');
  return [...(gateway.isLockedDown ? [grant] : []), object('callers', () => callersOnly(callerSet))];
}

function callersIn(set: CallerSet): istio.AuthorizationPolicySpec {
  const { named, any } = principalsOf(set);
  const when = [sni('values', set.hopDomain), ...(named ? [{ key: 'source.principal', values: [any] }] : [])];
  return policy(set.gateway.installation, Action.ALLOW, [{ from: [{ principals: named ?? [any] }], when }]);
}

function callersOnly(set: CallerSet): istio.AuthorizationPolicySpec {
  const { named, any } = principalsOf(set);
  const from = [{ notPrincipals: [any] }, ...(named ? [{ notPrincipals: named }] : [])];
  return policy(set.gateway.installation, Action.DENY, [{ from, when: [sni('values', set.hopDomain)] }]);
}

/**
 * The callers of a set by name, unless they are all of their namespace, and a pattern for all of their namespace.
 * istiod extends each principal of five parts to the aliases of the trust domain; the pattern has four, so it stands
 * for the namespace in this trust domain alone.
 */
function principalsOf({ gateway: { installation }, callers, namespace }: CallerSet): { named?: string[]; any: string } {
  const ids = callers.map((caller) => caller.spiffeId(installation.trustDomain).replace('spiffe://', ''));
  const whole = callers.some(({ serviceAccountName }) => serviceAccountName === undefined);
  return { named: whole ? undefined : [...new Set(ids)].sort(), any: `${installation.trustDomain}/ns/${namespace}/*` };
}

/**
 * Refuses everything at a gateway but the private server names, whose servers check the callers themselves. No other
 * server has such a name by accident. The ALLOW also refuses names whose callers a policy checks, until that policy
 * lets them in; the DENY holds beside the ALLOW policies of others.
 */
export function lockdown(installation: GatewayInstallation, given: ApiObjectMetadata): RecipeObject[] {
  const { name, namespace } = installation;
  const object = (id: string, spec: () => object): RecipeObject => ({
    id,
    kind: istio.AuthorizationPolicy,
    side: 'gateway',
    rank: Rank.FIRST,
    metadata: { ...given, name: `${name}-${id}`, namespace },
    spec,
  });
  const allowed = [{ from: [{ principals: ['*'] }], when: [sni('values', HOP_DOMAIN)] }];
  const denied = [{ from: [{ notPrincipals: ['*'] }] }, { when: [sni('notValues', HOP_DOMAIN, CHECKED_HOP_DOMAIN)] }];
  return [
    object('lockdown', () => policy(installation, Action.ALLOW, allowed)),
    object('lockdown-deny', () => policy(installation, Action.DENY, denied)),
  ];
}

/** Compares the server name with private domains. */
function sni(field: 'values' | 'notValues', ...domains: string[]): Condition {
  return { key: 'connection.sni', [field]: domains.map((domain) => `*.${domain}`) };
}

function policy(
  { labels }: GatewayInstallation,
  action: istio.AuthorizationPolicySpecAction,
  rules: { from?: Source[]; when?: Condition[] }[],
): istio.AuthorizationPolicySpec {
  return {
    selector: { matchLabels: labels },
    action,
    rules: rules.map(({ from, when }) => ({ from: from?.map((source) => ({ source })), when })),
  };
}
