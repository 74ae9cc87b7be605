import { ApiObjectMetadata } from 'cdk8s';
import * as istio from '../../../imports/security.istio.io';
import { CallerSet } from '../../declarations/caller-set';
import { GatewayEgressPath } from '../../declarations/gateway-egress-path';
import { GatewayInstallation } from '../../values/gateway-installation';
import { HOP_DOMAIN } from '../../values/host-name';
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
      kind: istio.AuthorizationPolicy,
      side: 'gateway',
      rank: Rank.FIRST,
      metadata: { name: objectName(stem, key), namespace: installation.namespace, labels, annotations },
      shared: true,
      spec: () => callersOnly(callerSet),
    },
  ];
}

function callersOnly({ gateway, callers, hopDomain }: CallerSet): istio.AuthorizationPolicySpec {
  const { installation, isLockedDown } = gateway;
  const named = callers.map((caller) => caller.spiffeId(installation.trustDomain).replace('spiffe://', ''));
  const principals = [...new Set(named)].sort();
  return isLockedDown
    ? policy(installation, istio.AuthorizationPolicySpecAction.ALLOW, { principals }, hopDomain)
    : policy(installation, istio.AuthorizationPolicySpecAction.DENY, { notPrincipals: principals }, hopDomain);
}

/**
 * Refuses everything at a gateway but the private server names, whose servers check the callers themselves. No other
 * server has such a name by accident.
 */
export function lockdown(installation: GatewayInstallation, given: ApiObjectMetadata): RecipeObject[] {
  const { name, namespace } = installation;
  const metadata = { ...given, name: `${name}-lockdown`, namespace };
  const anyone = { principals: ['*'] };
  const spec = () => policy(installation, istio.AuthorizationPolicySpecAction.ALLOW, anyone, HOP_DOMAIN);
  return [{ id: 'lockdown', kind: istio.AuthorizationPolicy, side: 'gateway', rank: Rank.FIRST, metadata, spec }];
}

/** A policy for the servers below a private domain. */
function policy(
  { labels }: GatewayInstallation,
  action: istio.AuthorizationPolicySpecAction,
  source: istio.AuthorizationPolicySpecRulesFromSource,
  domain: string,
): istio.AuthorizationPolicySpec {
  const when = [{ key: 'connection.sni', values: [`*.${domain}`] }];
  return { selector: { matchLabels: labels }, action, rules: [{ from: [{ source }], when }] };
}
