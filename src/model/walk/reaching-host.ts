import { isIP } from 'net';
import { Ending, Journey, NOWHERE } from './journey';
import { ToExternalHost } from './next';
import { ExternalHost } from '../../access/access-table';
import { SAY_ADDRESSES } from '../conditions';
import { clientCommonNameOf, receive } from '../external-host';
import { FieldRef } from '../answer';
import { uniqueRefs } from '../field-ref';
import { Flow, outermost } from '../flow';
import { blockedBy } from '../network-policy';
import { isAllocatedAddress, isServiceAddress } from '../service';
import { Undetermined } from '../undetermined';
import { covers, isWildcard } from '../../istio/hosts';
import { isTls } from '../../istio/protocols';

/** How hosts are called that stand for an address that a row of an access table dials. */
const STRAY = 'stray-';

/** Headers that a proxy with `envoyDebugHeaders.disabled` does not add. */
const ABOUT_ENVOY = new Set([
  'x-envoy-original-host',
  'x-envoy-original-path',
  'x-envoy-attempt-count',
  'x-envoy-expected-rq-timeout-ms',
]);

/** The last hop: a connection to an external host, and how it ends. */
export function reachHost(journey: Journey, target: ToExternalHost): Ending {
  const { from, flow, address, name, port, decidedBy } = target;
  const { registry, addressBook: places } = journey.configuration;
  const by = from === 'application' ? 'host' : (from as 'sidecar' | 'gateway');
  if (address === undefined) {
    journey.step(from, `${name} has no address`, decidedBy);
    return journey.refuse(by, 503, `${name} cannot be resolved`, decidedBy);
  }
  if (isServiceAddress(address)) throw new Undetermined(`${address} is inside the mesh`, decidedBy);
  if (isAllocatedAddress(address))
    return { outcome: 'refused', symptom: 'timeout', by, reason: `${address} leads nowhere`, causes: decidedBy };
  const sender = from === 'gateway' && journey.atGateway ? journey.atGateway : journey.pod;
  const blocked = blockedBy(registry, 'egress', sender, { address }, port);
  if (blocked) {
    return journey.dropped(
      by,
      `a NetworkPolicy blocks the connection from ${from === 'gateway' ? 'the gateway' : 'the caller'} to ` +
        `${name}:${port}`,
      blocked,
    );
  }
  const known = places.at(address) ?? places.host(name);
  if (!known && places.isComplete && isIP(address) === 0)
    return journey.refuse(by, 503, `${name} cannot be resolved`, decidedBy);
  journey.destination = `${isIP(name) !== 0 && known && !known.host.startsWith(STRAY) ? known.host : name}:${port}`;
  findAnswerer(journey, target, known);
  const isDeclaredTls = known === undefined && (isTls(target.protocol) || declaresTls(journey, port));
  const reception = receive(registry, known, known?.host ?? journey.answeredBy!, port, flow, isDeclaredTls);
  for (const remark of reception.remarks) journey.remark(remark);
  for (const condition of reception.conditions) journey.require(condition);
  const layer = outermost(flow);
  if (reception.kind !== 'not-listening') {
    journey.plaintext ||= reception.plaintext;
    journey.serverName = layer?.serverName;
  }
  if (reception.plaintext && flow.payload === 'http' && (port === 443 || isDeclaredTls)) {
    const code = port === 443 ? 'plaintext-to-443' : 'plaintext-to-tls-port';
    journey.remark({ code, message: 'the request is sent in plaintext to a TLS port', decidedBy });
  }
  const at = `${name}:${port}`;
  const text = reception.reason.startsWith(`${at} `) ? reception.reason : `${at}: ${reception.reason}`;
  journey.step('host', text, reception.decidedBy);
  // Both what was wrong with the TLS, and what led the request here.
  const causes = uniqueRefs([...reception.decidedBy, ...decidedBy]);
  const byHost = (status?: number) => journey.refuse('host', status, reception.reason, causes);
  switch (reception.kind) {
    case 'answers':
      return answered(journey, flow, causes, reception.status, reception.clientCertificate);
    case 'not-listening':
    case 'handshake':
      return journey.refuse(by, 503, reception.reason, causes);
    case 'distrusted':
      return { ...byHost(), symptom: 'certificate-rejected' };
    case 'unauthenticated':
      // curl ends its side of the handshake first; the clients of gRPC and WebSockets wait for the host's.
      if (layer!.by === 'application')
        return { ...byHost(), symptom: flow.speak === 'grpc' || flow.speak === 'websocket' ? 'tls-closed' : 'closed' };
      journey.clientCertificate = reception.clientCertificate;
      return journey.refuse(by, 503, reception.reason, causes);
    default: {
      if (flow.speak === 'websocket' && layer === undefined)
        throw new Undetermined(`the model does not know what ${at} answers to a WebSocket that it does not understand`);
      const status = reception.status ?? 400;
      const isClearHttp = layer === undefined && flow.payload === 'http' && !reception.isNoHttp;
      return { ...byHost(status), ...(isClearHttp && { symptom: status }) };
    }
  }
}

/**
 * Finds out which host is at the end of the connection, and whether it is the one that was asked for. Where the world
 * does not describe it, the manifests say who it is: the endpoints of a ServiceEntry are places where its host is.
 */
function findAnswerer(journey: Journey, target: ToExternalHost, known: ExternalHost | undefined): void {
  const { addressBook } = journey.configuration;
  const isStray = known?.host.startsWith(STRAY) === true;
  const asked = journey.url.hostname.toLowerCase().replace(/\.$/, '');
  const own = isIP(asked) === 0 ? asked : (addressBook.at(asked)?.host ?? asked);
  const found = isStray ? known.address! : (known?.host ?? undescribed(journey, target, asked)).toLowerCase();
  journey.answeredBy = found;
  // Past the sidecar, or let through, the application is answered by the host that it dials itself.
  const isOwnChoice = journey.via === 'direct' || journey.via === 'undeclared';
  const isAsked = found === own || found === asked || (own.startsWith(STRAY) && found === asked) || isOwnChoice;
  journey.insteadOf = isAsked ? undefined : asked;
}

/** The host at the end of a connection that the world does not describe. */
function undescribed(journey: Journey, { name, service }: ToExternalHost, asked: string): string {
  const end = name.toLowerCase().replace(/\.$/, '');
  if (end === asked || end === journey.ownAddress) return asked;
  if (service && covers(service.host.toLowerCase(), asked)) {
    const { kind, namespace, name: entry } = service.object;
    if (!journey.configuration.registry.world.declaredAddresses)
      journey.require({
        holds: `${end} is ${asked}, as ${kind} ${namespace}/${entry} says`,
        say: isIP(end) === 0 ? SAY_ADDRESSES : `--dial ${end} (dial in a test), or ${SAY_ADDRESSES}`,
      });
    return asked;
  }
  return isIP(end) !== 0 && service && !isWildcard(service.host) ? service.host : end;
}

const CLOSE = 100;

function all(limits: Journey['limits']): number[] {
  return limits.map(({ milliseconds }) => milliseconds);
}

/** What the query of a table's request tells the host to do. Without a table, a query is just a query. */
function wishOf(journey: Journey, { http, payload }: Flow): { status: number; delay: number; grpcStatus: number } {
  const usual = { status: 200, delay: 0, grpcStatus: 0 };
  const query = new URLSearchParams(http?.path.split('?')[1]);
  if (payload !== 'http' || !journey.configuration.addressBook.isComplete || query.size === 0) return usual;
  if (query.get('times') !== null) {
    if (Number(query.get('times')) < 1) return usual;
    if (journey.retries || (journey.isRead && query.get('grpc-status') !== null))
      throw new Undetermined(
        'the model does not count how often a request is tried',
        journey.retries && [journey.retries],
      );
  }
  return {
    status: Number(query.get('status') ?? 200),
    delay: Number(query.get('delay') ?? 0),
    grpcStatus: Number(query.get('grpc-status') ?? 0),
  };
}

/** Whether a ServiceEntry declares the port of the host that answers as TLS. */
function declaresTls({ configuration, answeredBy }: Journey, port: number): boolean {
  const services = configuration.registry.servicesByNamespace(answeredBy!)?.values() ?? [];
  return [...services].some(({ ports }) => ports.some((one) => one.number === port && isTls(one.protocol)));
}

function answered(
  journey: Journey,
  flow: Flow,
  causes: readonly FieldRef[],
  given: number | undefined,
  clientCertificate: boolean | undefined,
): Ending {
  const layer = outermost(flow);
  const isOwnTls = layer?.by === 'application';
  journey.originator = layer ? layer.by : 'none';
  journey.protocol =
    flow.payload === 'bytes' ? 'tcp' : flow.speak !== 'websocket' && (isOwnTls || flow.http2) ? 'h2' : 'http/1.1';
  if (flow.speak === 'websocket' && flow.http2 && !isOwnTls) {
    if (!journey.configuration.addressBook.isComplete || journey.gateway !== undefined)
      throw new Undetermined('it is unknown whether the host takes WebSockets over HTTP/2');
    return journey.refuse('sidecar', 502, 'the host takes no WebSockets over HTTP/2', causes);
  }
  if (flow.speak === 'grpc' && journey.protocol !== 'h2') {
    throw new Undetermined('gRPC needs HTTP/2 to the host, but the last proxy uses HTTP/1.1');
  }
  journey.clientCommonName = layer && clientCommonNameOf(journey.configuration.registry, layer);
  if (flow.payload === 'http') {
    journey.clientCertificate = clientCertificate ?? false;
    journey.addedHeaders = isOwnTls
      ? []
      : [...flow.added].filter((name) => !journey.atGateway?.hidesEnvoyHeaders || !ABOUT_ENVOY.has(name)).sort();
  }
  const wish = wishOf(journey, flow);
  const limit = journey.limits.find(({ milliseconds }) => milliseconds <= Math.min(...all(journey.limits)));
  if (limit && Math.abs(wish.delay - limit.milliseconds) < CLOSE)
    throw new Undetermined(`the host takes about as long as the timeout: ${wish.delay} ms`, [limit.cause]);
  if (limit && wish.delay > limit.milliseconds) {
    const reason = `the host takes ${wish.delay} ms, and the route waits ${limit.milliseconds} ms`;
    return journey.refuse('host', 504, reason, [limit.cause]);
  }
  if (flow.speak === 'grpc' && wish.grpcStatus !== 0) {
    if (wish.grpcStatus !== 14) throw new Undetermined(`access tables have no word for gRPC status ${wish.grpcStatus}`);
    return { outcome: 'refused', symptom: 'grpc-unavailable', by: 'host', reason: 'the host says so', causes };
  }
  const status = flow.speak === 'websocket' ? 101 : given === 200 && flow.speak !== 'grpc' ? wish.status : given;
  if (given === 200 && status !== given) journey.location = NOWHERE;
  const via = {
    direct: 'past the sidecar',
    undeclared: 'let through by the sidecar',
    sidecar: 'through the sidecar',
    gateway: `through ${journey.gateway}`,
  }[journey.via!];
  const tls = isOwnTls
    ? ", with the application's own TLS"
    : layer
      ? `, TLS originated at the ${layer.by}`
      : ', in plaintext';
  const instead = journey.insteadOf === undefined ? '' : ` instead of ${journey.insteadOf}`;
  return {
    outcome: 'answered',
    ...(status !== undefined && { status }),
    reason: `${status === undefined ? 'answered by' : `${status} from`} ${journey.answeredBy}${instead}, ${via}${tls}`,
    causes: [],
  };
}
