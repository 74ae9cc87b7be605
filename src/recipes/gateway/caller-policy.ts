import {
  AuthorizationPolicy,
  AuthorizationPolicySpec,
  AuthorizationPolicySpecAction as Action,
} from '../../../imports/security.istio.io';
import { CallerSet } from '../../declarations/caller-set';
import { GatewayEgressPath } from '../../declarations/gateway-egress-path';
import { objectName } from '../../values/names';
import { Rank, RecipeObject } from '../recipe';

/**
 * Checks callers that a gateway's server cannot check by itself. A server compares whole identities and closes the
 * connection without an answer, so it can neither admit a whole namespace nor answer with 403. There is one policy for
 * each such set of callers and each gateway. It matches its servers by the suffix of their private names, so its size
 * does not depend on the number of hosts, and it does not affect any other server.
 *
 * On a gateway that is locked down the policy is an ALLOW, without which nothing passes (the lockdown itself admits
 * only names whose servers check the callers). On any other gateway an ALLOW would close the hosts of all other owners,
 * so there the policy is a DENY for everyone else. If that DENY were missing, a namespace that adds a caller side of
 * its own would be admitted, so only whole namespaces may rely on it.
 */
export function callerPolicy({ callerSet, installation, settings }: GatewayEgressPath): RecipeObject[] {
  if (!callerSet) return [];
  const { stem, key } = callerSet;
  const { labels, annotations } = settings;
  return [
    {
      id: `callers-${stem}`,
      kind: AuthorizationPolicy,
      side: 'gateway',
      rank: Rank.FIRST,
      metadata: { name: objectName(stem, key), namespace: installation.namespace, labels, annotations },
      shared: true,
      spec: () => policy(callerSet),
    },
  ];
}

function policy({ gateway, callers, hopDomain }: CallerSet): AuthorizationPolicySpec {
  const { labels, trustDomain } = gateway.installation;
  const named = callers.map((caller) => caller.spiffeId(trustDomain).replace('spiffe://', ''));
  const principals = [...new Set(named)].sort();
  const [action, source] = gateway.isLockedDown
    ? [Action.ALLOW, { principals }]
    : [Action.DENY, { notPrincipals: principals }];
  return {
    selector: { matchLabels: labels },
    action,
    rules: [{ from: [{ source }], when: [{ key: 'connection.sni', values: [`*.${hopDomain}`] }] }],
  };
}
