import { AccessLine, addressOf } from './access-log';
import { ExternalEvent, Placed } from './external';
import { CurlView } from './request';
import { Workload } from './world';
import { AccessRow } from '../../../src/access/access-table';

/** Everything that was seen of one request. */
export interface Evidence {
  readonly row: AccessRow;
  readonly caller: Workload;
  readonly gateways: Workload[];
  readonly hosts: Placed[];
  readonly curl: CurlView;
  /** What the external hosts saw, in order. */
  readonly external: ExternalEvent[];
  /** The caller's sidecar, in order. */
  readonly sidecar: AccessLine[];
  /** The gateways' lines, in order, by the id of the gateway. */
  readonly atGateway: { readonly gateway: string; readonly line: AccessLine }[];
}

/** The gateway whose pod has this `address:port`. */
export function gatewayAt(address: string | undefined, gateways: Workload[]): Workload | undefined {
  return gateways.find(({ addresses }) => address !== undefined && addresses.includes(addressOf(address)));
}

/**
 * The gateway's line about a request that a sidecar sent it. Hops are joined by their ports: the sidecar's local port
 * is the gateway's remote port, and the gateway's local port is the external host's remote port. (Request ids cannot
 * join them: a gateway generates new ones.)
 */
export function gatewayLineOf(line: AccessLine, evidence: Pick<Evidence, 'atGateway'>): AccessLine | undefined {
  return evidence.atGateway
    .map((one) => one.line)
    .filter((one) => one.from !== undefined && one.from === line.upstreamFrom)
    .pop();
}

/** Whether a sidecar sent something to a gateway that has no line about it. */
export function lacksGatewayLine(evidence: Evidence): boolean {
  return evidence.sidecar.some(
    (line) => gatewayAt(line.upstream, evidence.gateways) && gatewayLineOf(line, evidence) === undefined,
  );
}

/**
 * Whether the proxies have written all their lines: a sidecar one for each request that it captured, a gateway one for
 * each request that it answered or forwarded. A line is written milliseconds after the answer, or after the end of the
 * connection.
 */
export function complete(evidence: Omit<Evidence, 'row'>, captured: boolean): boolean {
  const direct = new Set(
    evidence.external
      .filter(
        (event) =>
          evidence.caller.addresses.includes(event.from) &&
          !evidence.sidecar.some((line) => line.upstreamFrom === `${event.from}:${event.port}`),
      )
      .map((event) => event.port),
  );
  const legs = Math.max(
    1,
    evidence.curl.statuses.length + (evidence.curl.exitCode === 0 || evidence.curl.statuses.length === 0 ? 0 : 1),
  );
  // A connection that the host saw come from the pod itself is either the application's, which bypassed the sidecar, or
  // an attempt of the sidecar: of several attempts its line names only the last one, and none where all have failed.
  const { localPort } = evidence.curl;
  const isSidecarsAttempt = evidence.sidecar.some(({ from }) =>
    evidence.caller.addresses.some((address) => from === `${address}:${localPort}`),
  );
  if (captured && direct.size === 0 && evidence.sidecar.length < legs) return false;
  if (captured && direct.size > 0 && localPort !== 0 && !direct.has(localPort) && !isSidecarsAttempt) return false;
  const passedOn = evidence.sidecar.filter(
    (line) => gatewayAt(line.upstream, evidence.gateways) && line.details === 'via_upstream',
  );
  if (passedOn.some((line) => gatewayLineOf(line, evidence) === undefined)) return false;
  const fromGateways = evidence.external.filter(
    (event) => event.event !== 'connect' && gatewayAt(`${event.from}:${event.port}`, evidence.gateways),
  );
  const lineOf = ({ from, port }: ExternalEvent) =>
    evidence.atGateway.find(({ line }) => line.upstreamFrom === `${from}:${port}`)?.line;
  return fromGateways.every(
    (event, index) =>
      event.event === 'tls-error' ||
      lineOf(event) !== undefined ||
      evidence.atGateway.some(({ line }) => line.flags?.includes('UF') || line.flags?.includes('URX')) ||
      // Of several attempts the line of a request names only the last.
      fromGateways.slice(index).some((later) => lineOf(later)?.method !== undefined),
  );
}
