import { ApiObjectMetadata } from 'cdk8s';
import { Telemetry, TelemetrySpecAccessLoggingMatchMode as Mode } from '../../imports/telemetry.istio.io';
import { GatewayInstallation } from '../values/gateway-installation';
import { Rank, RecipeObject } from './recipe';

const ANSWERED = 'has(response.code) && response.code < 400 && (response.code == 101 || response.code >= 200)';
const BROKEN_OFF = ['downstream_', 'http2.remote_reset', 'upstream_reset_after_response_started']
  .map((start) => `response.code_details.startsWith("${start}")`)
  .concat('response.code_details.startsWith("response_timeout") && response.size > 0')
  .join(' || ');

/**
 * What was refused: requests that no external host answered, and connections through which no bytes came back.
 *
 * Answers of an external host have the details `via_upstream`, whatever their status; the last of several attempts has a
 * response flag too. One that is broken off, as most WebSockets and streams of gRPC are in the end, has its status and
 * the details of that; so has a refusal of a proxy of which the application takes no byte, with a status of 4xx or 5xx,
 * and "100 Continue" is no answer. A gRPC call that is refused has the status 200, but no body: a timeout may be either.
 * Connections have no status; a flag may be of how one ended that was answered.
 */
const REFUSED =
  'has(response.code_details) ? ' +
  `response.code_details != "via_upstream" && !(${ANSWERED} && (${BROKEN_OFF})) : ` +
  'response.size == 0';

/** Logs refused calls: of the sidecars of a namespace, or of a gateway. */
export function refusalLog(
  gateway: GatewayInstallation | undefined,
  provider: string,
  given: ApiObjectMetadata,
): RecipeObject[] {
  const metadata = { ...given, name: gateway ? `${gateway.name}-refused-calls` : 'refused-calls' };
  const spec = () => ({
    selector: gateway && { matchLabels: gateway.labels },
    accessLogging: [{ match: { mode: Mode.CLIENT }, providers: [{ name: provider }], filter: { expression: REFUSED } }],
  });
  return [{ id: 'Resource', kind: Telemetry, side: gateway ? 'gateway' : 'caller', rank: Rank.FIRST, metadata, spec }];
}
