import { ApiObjectMetadata } from 'cdk8s';
import { Telemetry, TelemetrySpecTracingMatchMode as Mode } from '../../imports/telemetry.istio.io';
import { GatewayInstallation } from '../values/gateway-installation';
import { IstioVersion } from '../values/istio-version';
import { Rank, RecipeObject } from './recipe';

/**
 * The label that Istio's injection gives to every pod with a proxy. With a selector the object adds to the Telemetry of
 * others; without one, it would count only if it were the oldest of its namespace.
 */
const INJECTED = { 'security.istio.io/tlsMode': 'istio' };

/**
 * Keeps proxies from telling the next hop where a request comes from: those of a gateway, or the sidecars of a
 * namespace on the way out. They write these headers after the route, so that no route can remove them (measured).
 * Their spans are still reported, except where Istio can only switch off both.
 */
export function noTraceContext(
  gateway: GatewayInstallation | undefined,
  version: IstioVersion,
  given: ApiObjectMetadata,
): RecipeObject[] {
  const off = { [tracingSwitches(version)[0]]: true };
  const metadata = { ...given, name: gateway ? `${gateway.name}-trace-context` : 'trace-context' };
  const spec = () => ({
    selector: { matchLabels: gateway?.labels ?? INJECTED },
    tracing: [gateway ? off : { match: { mode: Mode.CLIENT }, ...off }],
  });
  return [
    { id: 'trace-context', kind: Telemetry, side: gateway ? 'gateway' : 'caller', rank: Rank.FIRST, metadata, spec },
  ];
}

/** The fields that keep a proxy from writing headers of tracing; the first is what this version goes by. */
export function tracingSwitches(version: IstioVersion): string[] {
  return version.has('traceContextAlone')
    ? ['disableContextPropagation']
    : ['disableSpanReporting', 'disableContextPropagation'];
}
