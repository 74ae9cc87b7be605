import { callerSide } from './caller-side';
import { gatewaySide } from './gateway-side';
import { callerPolicies } from './policies';
import { GatewayEgressPath } from '../../declarations/gateway-egress-path';
import { RecipeObject } from '../recipe';

/**
 * The objects of one host, for one namespace of callers, through one gateway: two sides that share only private names.
 *
 * Every object is visible in its own namespace only, and servers, routes and subsets are per port: if one of them
 * served several hosts, the first host would take all requests (measured).
 */
export function gatewayEgress(path: GatewayEgressPath): RecipeObject[] {
  return [...gatewaySide(path), ...callerPolicies(path), ...callerSide(path)];
}

export { externalRule } from './gateway-side';
