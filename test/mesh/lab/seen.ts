import { AccessLine } from './access-log';
import { Evidence, gatewayAt, gatewayLineOf } from './evidence';
import { ExternalEvent, STRAY } from './external';
import { Expectation, requestHost, Symptom, TlsOriginator, Via } from '../../../src/access/access-table';

/** What happened, in the words of the access table. */
export interface Seen extends Expectation {
  /** Contradictions between the hops; each of them fails a row. */
  readonly contradictions: string[];
}

/** Headers that every request has. */
const OF_THE_REQUEST = new Set(['host', 'connection', 'transfer-encoding', 'http2-settings', 'upgrade']);

/** What the evidence shows about the last request of a row. */
export function seen(evidence: Evidence): Seen {
  const { curl, external } = evidence;
  const tcp = evidence.row.request.startsWith('tcp:');
  const tlsByApplication = curl.url.startsWith('https:');
  const line = lastLine(evidence, tcp || tlsByApplication);
  const event = lastEvent(evidence, line, tcp);
  const gateway = gatewayAt(line?.upstream, evidence.gateways);
  const gatewayLine = line && gatewayLineOf(line, evidence);
  const answered =
    curl.exitCode === 0 &&
    !curl.grpcStatus &&
    event !== undefined &&
    (tcp || curl.statuses[curl.statuses.length - 1] === event.status);
  const hello =
    event &&
    [...external].reverse().find((one) => one.event === 'hello' && one.from === event.from && one.port === event.port);
  const via = viaOf(evidence, line, event);
  return {
    outcome: answered ? 'answered' : 'refused',
    answeredBy: answered ? answererOf(event, evidence) : undefined,
    status: tcp || !answered ? undefined : curl.statuses[curl.statuses.length - 1],
    redirects: curl.statuses.filter(
      (status, index) => status >= 300 && status < 400 && (index < curl.statuses.length - 1 || curl.exitCode !== 0),
    ),
    symptom: answered ? undefined : symptomOf(curl.exitCode, curl.statuses, curl.grpcStatus),
    by: answered ? undefined : refusedBy(evidence, line, gatewayLine),
    via,
    tlsOriginatedBy: event && originator(event, tlsByApplication, via),
    plaintextToHost: external.some(
      (one) => one.event === 'plaintext' || (['not-http', 'request', 'tcp'].includes(one.event) && !one.tls),
    ),
    identityAtGateway: gateway && gatewayLine && identityOf(gatewayLine),
    serverName:
      event?.serverName ??
      hello?.serverName ??
      [...external].reverse().find((one) => one.event === 'hello')?.serverName,
    protocol: event && (event.event === 'tcp' ? 'tcp' : (event.protocol as 'http/1.1' | 'h2')),
    clientCertificate: event && event.event === 'request' ? event.client !== undefined : undefined,
    clientCommonName: event?.client,
    addedHeaders:
      event?.headers &&
      Object.keys(event.headers)
        .filter((name) => !OF_THE_REQUEST.has(name) && !curl.sentHeaders.includes(name))
        .sort(),
    hostHeader: event?.authority,
    removedHeaders:
      event?.headers &&
      Object.keys(evidence.row.headers ?? {})
        .map((name) => name.toLowerCase())
        .filter((name) => name !== 'host' && !(name in event.headers!)),
    contradictions: answered ? contradictions(evidence, via, event, line, tlsByApplication) : [],
  };
}

/** The host that answered; an address where only a row dials it. */
function answererOf({ server }: ExternalEvent, { hosts }: Evidence): string {
  return server.startsWith(STRAY) ? (hosts.find(({ host }) => host === server)?.address ?? server) : server;
}

/** The sidecar's line about the last request: a connection's has no method. */
function lastLine(evidence: Evidence, connection: boolean): AccessLine | undefined {
  const fitting = evidence.sidecar.filter((line) => (line.method === undefined) === connection);
  return (fitting.length > 0 ? fitting : evidence.sidecar).slice(-1)[0];
}

/** The external host's answer to the last request. */
function lastEvent(evidence: Evidence, line: AccessLine | undefined, tcp: boolean): ExternalEvent | undefined {
  const answers = evidence.external.filter((event) => event.event === (tcp ? 'tcp' : 'request'));
  const last = answers[answers.length - 1];
  const gatewayLine = line && gatewayLineOf(line, evidence);
  const ends = [line?.upstreamFrom, gatewayLine?.upstreamFrom];
  // A copy that a proxy has mirrored is none of them.
  const own = answers.filter(({ from, port }) => ends.includes(`${from}:${port}`)).pop();
  if (own) return own;
  // The last of several requests may have reached no host: the last answer then belongs to an earlier one.
  const isAnswered = evidence.curl.exitCode === 0 && (line?.details ?? 'via_upstream') === 'via_upstream';
  return isAnswered ? last : undefined;
}

function viaOf(evidence: Evidence, line: AccessLine | undefined, event: ExternalEvent | undefined): Via | undefined {
  if (line === undefined) return event || evidence.external.length > 0 ? 'direct' : undefined;
  if (event && evidence.caller.addresses.includes(event.from) && line.upstreamFrom !== `${event.from}:${event.port}`)
    return 'direct';
  if (line.cluster === 'PassthroughCluster') return 'undeclared';
  if (gatewayAt(line.upstream, evidence.gateways)) return 'gateway';
  return line.upstream === undefined ? undefined : 'sidecar';
}

function originator(event: ExternalEvent, tlsByApplication: boolean, via: Via | undefined): TlsOriginator {
  if (!event.tls) return 'none';
  if (tlsByApplication) return 'application';
  return via === 'gateway' ? 'gateway' : 'sidecar';
}

function symptomOf(exitCode: number, statuses: number[], grpcStatus?: number): Symptom {
  if (grpcStatus) return grpcStatus === 14 ? 'grpc-unavailable' : (`grpc ${grpcStatus}` as Symptom);
  if (exitCode === 0) return statuses[statuses.length - 1];
  if (exitCode === 35) return 'tls-closed';
  if (exitCode === 28) return 'timeout';
  if (exitCode === 60) return 'certificate-rejected';
  // 7: nothing listens; 52, 55 and 56: an empty answer or a reset, whichever comes first.
  if ([7, 52, 55, 56].includes(exitCode)) return 'closed';
  // 18: the same for a stream of HTTP/2; after a status it would be an answer that broke off.
  if (exitCode === 18 && statuses.length === 0) return 'closed';
  return `curl ${exitCode}` as Symptom;
}

/** The hop that refused: the last one that the request reached, unless it reports that the next one did. */
function refusedBy(
  evidence: Evidence,
  line: AccessLine | undefined,
  gatewayLine: AccessLine | undefined,
): Expectation['by'] {
  const reachedHost = (one: AccessLine | undefined) => {
    if (one?.upstreamFrom === undefined || one.upstreamFailure !== undefined) return false;
    const heard = evidence.external.filter(
      ({ event, from, port }) => event !== 'connect' && `${from}:${port}` === one.upstreamFrom,
    );
    // With TLS 1.3 a host refuses a client certificate after the proxy has finished its handshake and sent the request,
    // and a reset may overtake the alert. It is still the proxy's own TLS that failed, as when the alert arrives.
    const isTlsFailure =
      one.method !== undefined && heard.every(({ event }) => event === 'hello' || event === 'tls-error');
    return heard.length > 0 && !isTlsFailure;
  };
  if (line === undefined) return evidence.external.length > 0 || evidence.curl.exitCode === 7 ? 'host' : undefined;
  if (gatewayAt(line.upstream, evidence.gateways))
    return reachedHost(gatewayLine && lastOf(gatewayLine, evidence)) ? 'host' : 'gateway';
  return reachedHost(line) ? 'host' : 'sidecar';
}

/** The line of the last of several gateways in a row. One that leads to itself has more of them than anybody follows. */
function lastOf(line: AccessLine, evidence: Evidence, most = 9): AccessLine {
  const next = gatewayAt(line.upstream, evidence.gateways) && gatewayLineOf(line, evidence);
  return next && most > 0 ? lastOf(next, evidence, most - 1) : line;
}

/** The caller that the gateway has accepted: of one whose certificate it refuses it logs the name as well. */
function identityOf({ peer, downstreamFailure }: AccessLine): string | undefined {
  const match = /^spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/(.+)$/.exec(peer ?? '');
  return match && downstreamFailure === undefined ? `${match[1]}/${match[2]}` : undefined;
}

/** What an answered request must never show, whatever its row expects. */
function contradictions(
  evidence: Evidence,
  via: Via | undefined,
  event: ExternalEvent,
  line: AccessLine | undefined,
  tlsByApplication: boolean,
): string[] {
  const found: string[] = [];
  const fromGateway = gatewayAt(`${event.from}:${event.port}`, evidence.gateways);
  if (via === 'gateway' && !fromGateway)
    found.push(`it went to a gateway, but ${event.server} was reached from ${event.from}`);
  if (via !== 'gateway' && !evidence.caller.addresses.includes(event.from))
    found.push(`${event.server} was reached from ${event.from}, which is not the caller`);
  const gatewayLine = line && gatewayLineOf(line, evidence);
  if (via === 'gateway' && gatewayLine?.upstreamFrom !== `${event.from}:${event.port}`)
    found.push("no line of the gateway joins the sidecar's hop with the connection that the external host saw");
  const asked = requestHost(evidence.row);
  const expected = evidence.hosts.find((host) => host.host === asked || host.addresses.includes(asked))?.host;
  const { follow, expect } = evidence.row;
  const mayGoElsewhere = follow || expect.answeredBy !== undefined || via === 'undeclared' || via === 'direct';
  if (!mayGoElsewhere && event.server !== expected)
    found.push(
      `${event.server.startsWith(STRAY) ? 'the listener on the dialled address' : event.server} answered ` +
        `for ${asked}`,
    );
  if (
    tlsByApplication &&
    event.tls &&
    !/lab (public|private|unknown) CA/.test(evidence.curl.certificate?.issuer ?? '')
  ) {
    found.push(
      `the application saw a certificate that is not the external host's: ` +
        `${evidence.curl.certificate?.issuer ?? 'none'}`,
    );
  }
  return found;
}
