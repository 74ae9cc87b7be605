import { ApiObjectMetadata } from 'cdk8s';
import {
  AuthorizationPolicy,
  AuthorizationPolicySpec,
  AuthorizationPolicySpecAction,
} from '../../../imports/security.istio.io';
import { GatewayInstallation } from '../../values/gateway-installation';
import { HOP_DOMAIN } from '../../values/host-name';
import { Rank, RecipeObject } from '../recipe';

/** Refuses everything at a gateway but the private server names, whose servers check the callers themselves. */
export function lockdown(installation: GatewayInstallation, given: ApiObjectMetadata): RecipeObject[] {
  const { name, namespace } = installation;
  const metadata = { ...given, name: `${name}-lockdown`, namespace };
  const spec = () => policy(installation);
  return [{ id: 'lockdown', kind: AuthorizationPolicy, side: 'gateway', rank: Rank.FIRST, metadata, spec }];
}

/** No other server has such a name by accident. */
function policy({ labels }: GatewayInstallation): AuthorizationPolicySpec {
  return {
    selector: { matchLabels: labels },
    action: AuthorizationPolicySpecAction.ALLOW,
    rules: [
      { from: [{ source: { principals: ['*'] } }], when: [{ key: 'connection.sni', values: [`*.${HOP_DOMAIN}`] }] },
    ],
  };
}
