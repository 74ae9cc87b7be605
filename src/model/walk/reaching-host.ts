import { isIP } from 'net';
import { Ending, Leg, NOWHERE } from './journey';
import { ToExternalHost } from './next';
import { Condition, isAt, SAY_ADDRESSES, sayAddress } from '../answer/conditions';
import { ipAddress, textOf } from '../objects/addresses';
import { dnsCondition } from '../objects/pod-dns';
import { clientCommonNameOf } from './credentials';
import { receive } from './external-host';
import { provesToBe } from './host-certificate';
import { FieldRef } from '../answer/answer';
import { uniqueRefs } from '../answer/field-ref';
import { hostOf } from '../../access/request-url';
import { Flow, outermost } from './flow';
import { blockedBy, needsPublicAddress } from '../policies/network-policy';
import { isKnownToHttp1 } from '../requests/methods';
import { Undetermined } from '../answer/undetermined';
import { DescribedHost } from '../objects/world';
import { covers, isWildcard } from '../../istio/hosts';
import { contains, STAND_INS } from '../../istio/ranges';
import { isTls } from '../../istio/protocols';
import { resolvedServiceHosts } from '../../istio/service-names';

/** Headers that do not leave a gateway with `envoyDebugHeaders.disabled`. That of attempts does: a sidecar wrote it. */
const ABOUT_ENVOY = new Set(['x-envoy-original-host', 'x-envoy-original-path', 'x-envoy-expected-rq-timeout-ms']);

/** How long applications wait at least, in milliseconds. */
const PATIENCE = 8000;

/** The last hop: a connection to an external host, and how it ends. */
export function reachHost(leg: Leg, target: ToExternalHost): Ending {
  const { from, flow, address, name, port, decidedBy, proxyProtocol } = target;
  const { registry, addressBook: places } = leg.configuration;
  const by = from === 'application' ? 'host' : (from as 'sidecar' | 'gateway');
  if (address === undefined) {
    leg.step(from, 'ends', `${name} has no address`, decidedBy);
    return leg.refuse(by, 503, `${name} cannot be resolved`, decidedBy);
  }
  if (address.kind === 'service') throw new Undetermined(`${textOf(address)} is inside the mesh`, decidedBy);
  const isStandIn = address.kind === 'ip' && contains(STAND_INS, address.ip) && !places.at(address);
  if (address.kind === 'allocated' || isStandIn) {
    const reason = `${textOf(address)} leads nowhere`;
    const first = from === 'application' ? undefined : leg.firstToGiveUp(by, PATIENCE);
    if (first) return leg.refuse(by, first.status, `${reason}, and ${first.says}`, [...first.causes, ...decidedBy]);
    return { outcome: 'refused', symptom: 'timeout', by, reason, causes: decidedBy };
  }
  const sender = from === 'gateway' && leg.atGateway ? leg.atGateway : leg.pod;
  const blocked = blockedBy(registry, 'egress', sender, { address }, port);
  if (blocked) {
    const whose = from === 'gateway' ? 'the gateway' : 'the caller';
    const reason = `a NetworkPolicy blocks the connection from ${whose} to ${name}:${port}`;
    return { ...leg.dropped(by, reason, blocked.decidedBy), condition: blocked.condition };
  }
  if (address.kind === 'unknown' && !registry.world.declaredAddresses && needsPublicAddress(registry, sender, port))
    leg.require({ holds: `${name} has a public address`, say: from === 'application' ? sayAddress() : SAY_ADDRESSES });
  const claim = address.kind === 'ip' ? (address.claim ?? claimOfOwn(leg, address.ip)) : undefined;
  const known = places.at(address) ?? (claim ? undefined : places.host(name));
  if (!known && places.isComplete && address.kind === 'unknown')
    return leg.refuse(by, 503, `${name} cannot be resolved`, decidedBy);
  if (address.kind === 'ip' && !known && places.isComplete)
    throw new Undetermined(
      `the access table has no host at ${textOf(address)}${claim ? `: ${claim.holds}` : ''}`,
      decidedBy,
    );
  leg.destination = `${isIP(name) !== 0 && known && !known.isUnnamed ? known.host : name}:${port}`;
  findAnswerer(leg, target, known);
  // Who has a good certificate for the name is that host.
  if (claim && !known && !registry.world.declaredAddresses && !provesToBe(leg.answeredBy!, outermost(flow)))
    leg.require(claim);
  const declared = known ? [] : [target.protocol, ...declaredProtocols(leg, port)];
  const isNamedByEnd = isIP(name) === 0 && provesToBe(name.toLowerCase(), outermost(flow));
  const shown = known?.host ?? (isNamedByEnd ? name : leg.answeredBy!);
  const reception = receive(registry, known, shown, port, flow, declared);
  for (const remark of reception.remarks) leg.remark(remark);
  for (const condition of reception.conditions) leg.require(condition);
  const layer = outermost(flow);
  if (reception.kind !== 'not-listening' && reception.kind !== 'handshake') leg.handshakeEnds();
  if (reception.kind !== 'not-listening') {
    leg.plaintext ||= reception.plaintext;
    leg.serverName = layer?.serverName;
  }
  if (reception.plaintext && flow.payload === 'http' && (port === 443 || declared.some(isTls))) {
    const code = port === 443 ? 'plaintext-to-443' : 'plaintext-to-tls-port';
    leg.remark({ code, message: 'the request is sent in plaintext to a TLS port', decidedBy });
  }
  const at = `${name}:${port}`;
  const text = reception.about === at ? reception.reason : `${at}: ${reception.reason}`;
  leg.step('host', 'receives', text, reception.decidedBy);
  // Both what was wrong with the TLS, and what led the request here.
  const causes = uniqueRefs([...reception.decidedBy, ...decidedBy]);
  const byHost = (status?: number) => leg.refuse('host', status, reception.reason, causes);
  if (proxyProtocol && reception.kind !== 'not-listening') {
    if (!places.isComplete || flow.payload === 'bytes')
      throw new Undetermined(`the model does not know whether ${name} expects the PROXY protocol`, [proxyProtocol]);
    leg.plaintext = true;
    const status = layer === undefined && flow.http2 ? 502 : 503;
    const isOwnHandshake = layer !== undefined && layer.by !== 'application';
    return leg.refuse(isOwnHandshake ? by : 'host', status, `${name} does not expect the PROXY protocol`, [
      proxyProtocol,
    ]);
  }
  switch (reception.kind) {
    case 'answers':
      return answered(leg, flow, causes, reception.status, reception.clientCertificate);
    case 'not-listening':
    case 'handshake':
      return { ...leg.refuse(by, 503, reception.reason, causes), condition: reception.condition };
    case 'distrusted':
      return { ...byHost(), symptom: 'certificate-rejected' };
    case 'unauthenticated':
      // curl ends its side of the handshake first; the clients of gRPC and WebSockets wait for the host's.
      if (layer!.by === 'application')
        return { ...byHost(), symptom: flow.speak === 'grpc' || flow.speak === 'websocket' ? 'tls-closed' : 'closed' };
      leg.clientCertificate = reception.clientCertificate;
      return leg.refuse(by, 503, reception.reason, causes);
    default: {
      const isClearHttp = layer === undefined && flow.payload === 'http' && !reception.isNoHttp;
      // The answer of a TLS port to plaintext is not HTTP/2, so the proxy cannot read it.
      if (isClearHttp && flow.http2) return byHost(502);
      const status = reception.status ?? 400;
      return { ...byHost(status), ...(isClearHttp && { symptom: status }) };
    }
  }
}

/** What must be so for the host to be at the address that the application dials, if an endpoint leads there too. */
function claimOfOwn({ ownAddress: own }: Leg, ip: string): Condition | undefined {
  return own?.kind === 'ip' && own.ip === ip ? own.claim : undefined;
}

/**
 * Finds out which host is at the end of the connection, and whether it is the one that was asked for. Where the world
 * does not describe it, the manifests say who it is: the endpoints of a ServiceEntry are places where its host is.
 */
function findAnswerer(leg: Leg, target: ToExternalHost, known: DescribedHost | undefined): void {
  const { addressBook } = leg.configuration;
  const asked = hostOf(leg.url).toLowerCase().replace(/\.$/, '');
  const own = isIP(asked) === 0 ? undefined : addressBook.at(ipAddress(asked));
  const meant = addressBook.meaning(asked, leg.pod.namespace);
  const found = known?.isUnnamed
    ? known.address!
    : (known?.host ?? undescribed(leg, target, asked, meant)).toLowerCase();
  leg.answeredBy = found;
  // Past the sidecar, or let through, the application is answered by the host that it dials itself.
  const isOwnChoice = leg.via === 'direct' || leg.via === 'undeclared';
  const isAsked = found === asked || found === meant || found === own?.host || isOwnChoice;
  leg.insteadOf = isAsked ? undefined : asked;
}

/** The host at the end of a connection that the world does not describe, where a name may stand for another one. */
function undescribed(leg: Leg, { name, service, flow }: ToExternalHost, asked: string, meant: string): string {
  const { clusterDomain } = leg.configuration.registry;
  const end = name.toLowerCase().replace(/\.$/, '');
  if (end === meant) return meant;
  if (end === asked || (leg.ownAddress?.kind === 'ip' && end === leg.ownAddress.ip)) return asked;
  const isAskedService =
    service?.kubernetes && resolvedServiceHosts(asked, leg.pod.namespace, clusterDomain).includes(service.host);
  const host = service && [asked, meant].find((one) => covers(service.host.toLowerCase(), one));
  if (service && (isAskedService || host !== undefined)) {
    const wanted = host ?? asked;
    // What is reached by another name may well have a certificate for that name alone.
    const isProven = isIP(end) !== 0 && provesToBe(wanted, outermost(flow));
    if (!leg.configuration.registry.world.declaredAddresses && !isProven)
      leg.require(isAt(wanted, end, service.object));
    return wanted;
  }
  return isIP(end) !== 0 && service && !isWildcard(service.host) ? service.host : end;
}

/** What the query of a table's request tells the host to do. Without a table, a query is just a query. */
function wishOf(leg: Leg, { http, payload }: Flow): { status: number; delay: number; grpcStatus: number } {
  const usual = { status: 200, delay: 0, grpcStatus: 0 };
  const query = new URLSearchParams(http?.path.split('?')[1]);
  if (payload !== 'http' || !leg.configuration.addressBook.isComplete || query.size === 0) return usual;
  const wish = {
    status: Number(query.get('status') ?? 200),
    delay: Number(query.get('delay') ?? 0),
    grpcStatus: Number(query.get('grpc-status') ?? 0),
  };
  const times = query.get('times');
  if (times === null) return wish;
  if (leg.ejects)
    throw new Undetermined('the model does not know when a host that fails is ejected (outlierDetection)', [
      leg.ejects,
    ]);
  if (leg.isRead && [...http!.headers.keys()].some((name) => /^x-envoy-(retr|max-retries)/.test(name)))
    throw new Undetermined('the model does not count how often a request is tried that says so itself');
  if (leg.isRead && wish.grpcStatus !== 0)
    throw new Undetermined('the model does not count how often a call of gRPC is tried');
  if (leg.retries.length > 0 && wish.delay !== 0)
    throw new Undetermined(
      'the model does not count how often a request that takes long is tried',
      leg.retries.map(({ where }) => where),
    );
  return triesOf(leg, wish.status) > Number(times) ? usual : wish;
}

/** How often the host is asked if it always gives this status: each proxy tries again what the next one has tried. */
function triesOf({ retries }: Leg, status: number): number {
  return retries.reduce((tries, { attempts, on }) => (on.some(isFor(status)) ? tries * (attempts + 1) : tries), 1);
}

/** Whether a reason to try again is this status. */
function isFor(status: number): (reason: string) => boolean {
  return (reason) =>
    reason === String(status) ||
    (reason === '5xx' && status >= 500) ||
    (reason === 'gateway-error' && [502, 503, 504].includes(status)) ||
    (reason === 'retriable-4xx' && status === 409);
}

/** The protocols with which ServiceEntries declare the port of the host that answers. */
function declaredProtocols({ configuration, answeredBy }: Leg, port: number): string[] {
  const services = configuration.registry.servicesByNamespace(answeredBy!)?.values() ?? [];
  return [...services].flatMap(({ ports }) => ports.filter(({ number }) => number === port).map((one) => one.protocol));
}

/** Where no table describes everything, policies that let pods resolve names and reach istiod may be missing. */
function requireLifelines(leg: Leg): void {
  const { configuration } = leg;
  if (configuration.addressBook.isComplete) return;
  const host = hostOf(leg.url);
  const name = isIP(host) === 0 ? host : undefined;
  const names = name === undefined ? [] : (['names'] as const);
  const needsIstiod = leg.via !== 'direct';
  const conditions = [
    configuration.lifeline(leg.pod, [...names, ...(needsIstiod ? (['istiod'] as const) : [])]),
    leg.pod.dns &&
      dnsCondition(leg.pod.dns, {
        name,
        isOfCluster: configuration.addressBook.isOfCluster(host, leg.pod.namespace),
        needsIstiod,
      }),
    leg.atGateway && configuration.lifeline(leg.atGateway, [...names, 'istiod']),
    leg.atGateway?.dns && dnsCondition(leg.atGateway.dns, { name, isOfCluster: false, needsIstiod: true }),
  ];
  for (const condition of conditions) if (condition) leg.require(condition);
}

function answered(
  leg: Leg,
  flow: Flow,
  causes: readonly FieldRef[],
  given: number | undefined,
  clientCertificate: boolean | undefined,
): Ending {
  const layer = outermost(flow);
  const isOwnTls = layer?.by === 'application';
  requireLifelines(leg);
  if (leg.isRead && flow.http && !isKnownToHttp1(flow.http.method))
    throw new Undetermined(`the model does not know whether the host takes the method ${flow.http.method}`);
  leg.originator = layer ? layer.by : 'none';
  leg.protocol =
    flow.payload === 'bytes' ? 'tcp' : flow.speak !== 'websocket' && (isOwnTls || flow.http2) ? 'h2' : 'http/1.1';
  if (flow.speak === 'websocket' && flow.http2 && !isOwnTls) {
    if (!leg.configuration.addressBook.isComplete)
      throw new Undetermined('it is unknown whether the host takes WebSockets over HTTP/2');
    return leg.refuse(leg.atGateway ? 'gateway' : 'sidecar', 502, 'the host takes no WebSockets over HTTP/2', causes);
  }
  if (flow.payload === 'http') leg.clientCertificate = clientCertificate ?? false;
  if (flow.speak === 'grpc' && leg.protocol !== 'h2')
    return leg.refuse('host', 503, 'gRPC needs HTTP/2 to the host, and the last proxy speaks HTTP/1.1', causes);
  leg.clientCommonName = layer && clientCommonNameOf(leg.configuration.registry, layer);
  if (flow.payload === 'http') {
    leg.addedHeaders = isOwnTls
      ? []
      : [...flow.added].filter((name) => !leg.atGateway?.hidesEnvoyHeaders || !ABOUT_ENVOY.has(name)).sort();
    leg.hostHeader = flow.http!.authority;
    leg.removedHeaders = leg.sentHeaders?.filter((name) => !flow.http!.headers.has(name));
  }
  const wish = wishOf(leg, flow);
  const limit = leg.limitWithin(wish.delay);
  if (limit) {
    const passed = limit.passed === undefined ? '' : `, of which ${limit.passed} ms have passed`;
    const reason = `the host takes ${wish.delay} ms, and the route waits ${limit.milliseconds} ms${passed}`;
    return leg.refuse('host', 504, reason, [limit.cause]);
  }
  if (flow.speak === 'grpc' && wish.grpcStatus !== 0) {
    if (wish.grpcStatus !== 14) throw new Undetermined(`access tables have no word for gRPC status ${wish.grpcStatus}`);
    return { outcome: 'refused', symptom: 'grpc-unavailable', by: 'host', reason: 'the host says so', causes };
  }
  const status = flow.speak === 'websocket' ? 101 : given === 200 && flow.speak !== 'grpc' ? wish.status : given;
  if (given === 200 && status !== given) leg.location = NOWHERE;
  const via = {
    direct: 'past the sidecar',
    undeclared: 'let through by the sidecar',
    sidecar: 'through the sidecar',
    gateway: `through ${leg.gateway}`,
  }[leg.via!];
  const tls = isOwnTls
    ? ", with the application's own TLS"
    : layer
      ? `, TLS originated at the ${layer.by}`
      : ', in plaintext';
  const instead = leg.insteadOf === undefined ? '' : ` instead of ${leg.insteadOf}`;
  return {
    outcome: 'answered',
    ...(status !== undefined && { status }),
    reason: `${status === undefined ? 'answered by' : `${status} from`} ${leg.answeredBy}${instead}, ${via}${tls}`,
    causes: [],
  };
}
