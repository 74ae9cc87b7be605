import { Ending, Leg } from './journey';
import { Next, ToGateway } from './next';
import { forward, route } from './routing';
import { portOf } from '../registry/scope';
import { isExternal } from '../../manifests/entries';
import { SECTIONS } from '../../manifests/routes';
import { sectionOf, tlsOf, withoutNamespace } from '../../manifests/servers';
import { FieldRef } from '../answer/answer';
import { authorize } from '../policies/authorization';
import { fieldRef } from '../answer/field-ref';
import { firstBytes, Flow, isReadable, Layer, otherHttp, outermost, settingsOf } from './flow';
import { GatewayListener, passesOnToTheMesh, ServerChain } from '../proxies/gateway-listeners';
import { Server } from '../proxies/gateway-servers';
import { GatewayWorkload, knownPort } from '../objects/gateways/workload';
import { hostsOverlap, withoutPort } from '../objects/host-names';
import { headerOf } from '../requests/http-request';
import { atOwnPort } from './own-port';
import { blockedBy } from '../policies/network-policy';
import { badToken, headersOfTokens, withoutTokens } from '../policies/request-authentication';
import { unknownLabels } from '../policies/selection';
import { readAtGateway, withChanged } from './reading-http';
import { identify, terminateTls } from './gateway-handshake';
import { Undetermined } from '../answer/undetermined';
import { waitForCertificates } from './server-certificate';
import { TAKEN_AT_GATEWAYS } from '../../istio/ports';

/** Headers that a gateway adds to every request that it reads. */
const GATEWAY_ADDS = [
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-request-id',
  'x-envoy-attempt-count',
  'x-envoy-external-address',
];

/** The first port that a process without privileges may open. */
const FIRST_UNPRIVILEGED = 1024;

/** A connection to a gateway's pods: to the server that accepts it, through its TLS and policies, to its routes. */
export function arriveAtGateway(leg: Leg, { flow, workload, port, proxyProtocol, decidedBy: led }: ToGateway): Next {
  const { registry } = leg.configuration;
  const { atGateway: before } = leg;
  leg.gateway ??= workload.id;
  if (workload.condition) leg.doubt(workload.condition);
  if (leg.isGoingInCircles(workload, port)) {
    const reason = `${workload.id} sends the request to itself, again and again`;
    const isTimeout = leg.oneOf([true, false], (givesUp) =>
      givesUp
        ? 'the caller gives up first'
        : `the ${flow.http ? 'headers that each round adds' : 'connections'} become too many first`,
    );
    if (!isTimeout) return leg.refuse('gateway', 503, reason, led);
    return { outcome: 'refused', symptom: 'timeout', by: 'gateway', reason, causes: led };
  }
  leg.configuration.unknownKinds.stopAt({ role: 'gateway', ...workload });
  const sender = before ?? leg.pod;
  const blocked =
    blockedBy(registry, 'egress', sender, { pod: workload }, knownPort(workload, port)) ??
    blockedBy(registry, 'ingress', workload, { pod: sender }, knownPort(workload, port));
  if (blocked)
    return leg.dropped(
      before ? 'gateway' : 'sidecar',
      `a NetworkPolicy blocks the connection from ${before?.id ?? 'the caller'} to ${workload.id}, port ${port}`,
      blocked.decidedBy,
    );
  if (workload.unprivileged && port < FIRST_UNPRIVILEGED) {
    const reason = `the pods of ${workload.id} have no privileges, so istiod makes no listener for their port ${port}`;
    leg.step('gateway', 'ends', reason, [workload.unprivileged]);
    return leg.refuse('gateway', 503, reason, [workload.unprivileged]);
  }
  if (proxyProtocol)
    throw new Undetermined('the model does not know whether the gateway expects the PROXY protocol', [proxyProtocol]);
  if (TAKEN_AT_GATEWAYS.has(port)) return atOwnPort(leg, 'gateway', { flow, port }, led);
  const listener = leg.configuration.gatewayListeners(workload, translatedPorts(leg, workload, port)).get(port);
  const first = firstBytes(flow);
  stopAtUnsureGateway(workload, listener, first.serverName ?? flow.http?.authority);
  if (!listener || isEmpty(listener)) {
    const causes = registry
      .gatewaysFor(workload.namespace)
      .filter((gateway) => (gateway.spec.servers ?? []).length > 0)
      .slice(0, 3)
      .map((gateway) => fieldRef(gateway, 'spec.selector'));
    leg.step('gateway', 'ends', `${workload.id} has no server on port ${port}`, causes);
    return leg.refuse(
      'gateway',
      503,
      `no Gateway that selects ${workload.id} has a server on pod port ${port}`,
      causes,
    );
  }
  if (listener.unknown) throw listener.unknown;
  if (listener.rejected) {
    leg.step('gateway', 'ends', listener.rejected.reason, listener.rejected.decidedBy);
    return leg.refuse('gateway', 503, listener.rejected.reason, listener.rejected.decidedBy);
  }
  stopAtServiceOfMesh(leg, workload, listener, first.serverName);
  const chain = listener.finder.find(undefined, first);
  if (!chain) return noServer(leg, flow, workload, port, listener);
  for (const { server, other, reason } of listener.skipped) {
    if (first.serverName === undefined || !server.serverNames.includes(first.serverName)) continue;
    const decidedBy = [
      fieldRef(server.gateway, server.field),
      ...(other ? [fieldRef(other.gateway, other.field)] : []),
    ];
    leg.remark({ code: 'server-left-out', message: reason, decidedBy });
  }
  return throughServer(leg, flow, workload, port, listener, chain);
}

/**
 * Where two Services of a gateway map a port to different pod ports, a server for it listens on one of those: on
 * which, is chance.
 */
function translatedPorts(leg: Leg, workload: GatewayWorkload, port: number): Map<number, number> {
  const taken = new Map<number, number>();
  for (const [number, targets] of leg.configuration.podPorts(workload))
    if (targets.length > 1 && targets.includes(port)) {
      const because = (target: number) =>
        `Services of ${workload.id} map port ${number} to different pod ports, and istiod listens on one of them, ` +
        `here ${target}`;
      taken.set(number, leg.oneOf(targets, because, true)!);
    }
  return taken;
}

function isEmpty({ chains, skipped, unrouted }: GatewayListener): boolean {
  return chains.length === 0 && skipped.length === 0 && unrouted.length === 0;
}

/** A Gateway that may select the pods, and has a server for the name, decides. */
function stopAtUnsureGateway(
  workload: GatewayWorkload,
  listener: GatewayListener | undefined,
  name: string | undefined,
) {
  const unsure = listener?.unsure.find(({ hosts }) =>
    hosts.some((host) => name === undefined || hostsOverlap(withoutNamespace(host), withoutPort(name))),
  );
  if (!unsure) return;
  const { gateway } = unsure;
  throw new Undetermined(
    `Gateway ${gateway.namespace}/${gateway.name} decides if it selects the pods of ${workload.id}, and the ` +
      `manifests do not say whether they have the label ${unknownLabels(gateway.spec.selector, workload)}: add their ` +
      'Deployment, or an access table with their `gateways`',
    [fieldRef(gateway, 'spec.selector')],
  );
}

/** Through a server that passes on what is for Services of the mesh, by the name that proxies give to a cluster. */
function stopAtServiceOfMesh(
  { configuration }: Leg,
  workload: GatewayWorkload,
  { unrouted }: GatewayListener,
  name = '',
): void {
  const server = unrouted.find(passesOnToTheMesh);
  const [, port, host] = /^outbound_\.(\d+)_\.[^_]*_\.(.*)$/.exec(name) ?? [];
  const service = server && host && configuration.gatewayScope(workload).services.get(host);
  if (!service || (!service.kubernetes && isExternal(service.object)) || !portOf(service, Number(port))) return;
  throw new Undetermined('the model does not follow what a server with AUTO_PASSTHROUGH passes on', [
    fieldRef(server.gateway, `${server.field}.tls.mode`),
  ]);
}

/** Why no server accepts the connection. */
function noServer(leg: Leg, flow: Flow, workload: GatewayWorkload, port: number, listener: GatewayListener): Ending {
  const first = firstBytes(flow);
  const skipped = listener.skipped.filter(
    ({ server }) => first.serverName === undefined || server.serverNames.some((name) => name === first.serverName),
  );
  const unrouted = listener.unrouted.filter(
    ({ serverNames }) => first.serverName !== undefined && serverNames.includes(first.serverName),
  );
  if (unrouted.length > 0) {
    return leg.closedAtGateway(
      unrouted.every(passesOnToTheMesh)
        ? `the server for ${first.serverName} passes on only what is for Services of the mesh (AUTO_PASSTHROUGH)`
        : `no VirtualService has a route that the server for ${first.serverName} uses`,
      unrouted.flatMap((server) => [
        fieldRef(server.gateway, server.field),
        ...routesInOtherSections(leg, workload, server),
      ]),
    );
  }
  if (skipped.length > 0) {
    return leg.closedAtGateway(
      skipped[0].reason,
      skipped.flatMap(({ server, other }) => [
        fieldRef(server.gateway, server.field),
        ...(other ? [fieldRef(other.gateway, other.field)] : []),
      ]),
    );
  }
  const reason =
    first.serverName === undefined
      ? `no server of ${workload.id} on port ${port} accepts ` +
        `${first.kind === 'tls' ? 'TLS without a server name' : 'plaintext'}`
      : `no server of ${workload.id} on port ${port} matches the server name ${first.serverName}`;
  const servers = [...new Set([...listener.chains.map(({ server }) => server), ...listener.unrouted])].slice(0, 3);
  return leg.closedAtGateway(reason, [
    ...settingsOf(outermost(flow) ?? { by: 'application' }, 'sni'),
    ...servers.map(({ gateway, field }) => fieldRef(gateway, `${field}.hosts`)),
  ]);
}

/** Routes that a server ignores because they are not in the section that it reads for its protocol. */
function routesInOtherSections({ configuration }: Leg, workload: GatewayWorkload, server: Server): FieldRef[] {
  const read = sectionOf(server.value);
  return configuration.registry
    .routesSeenFrom(workload.namespace, server.gatewayName)
    .filter(({ hosts }) => hosts.some((host) => server.serverNames.includes(host)))
    .flatMap((routes) =>
      SECTIONS.filter((name) => name !== read && routes[name].length > 0).map((name) =>
        fieldRef(routes.object, `spec.${name}`),
      ),
    );
}

function throughServer(
  leg: Leg,
  flow: Flow,
  workload: GatewayWorkload,
  port: number,
  listener: GatewayListener,
  chain: ServerChain,
): Next {
  const { configuration } = leg;
  const { registry } = configuration;
  const { server } = chain;
  const tls = tlsOf(server.value);
  let arrived = flow;
  let ended: Layer | undefined;
  if (tls && (tls.mode ?? 'PASSTHROUGH') !== 'PASSTHROUGH') {
    const terminated = terminateTls(leg, flow, workload, chain, tls);
    if ('outcome' in terminated) return terminated;
    ended = terminated;
    arrived = { ...flow, layers: flow.layers.slice(0, -1) };
  }
  waitForCertificates(leg, workload, listener, server);
  const reads = chain.http !== undefined;
  const identity = identify(leg, workload, server, ended?.identity);
  if (reads) leg.handshakeEnds();
  if (reads && !isReadable(arrived)) return unreadable(leg, arrived, chain);
  // It reads what the handshake agreed on; without an agreement, it looks at what arrives.
  const other = reads && ended?.offersHttp2 ? otherHttp(arrived, ended) : undefined;
  if (other !== undefined) return leg.closedAtGateway(other, [...settingsOf(ended!), ...chain.decidedBy]);
  if (reads && arrived.speak === 'websocket' && arrived.http2) {
    const reason = 'the gateway takes no WebSockets over HTTP/2';
    leg.isRead = true;
    leg.step('gateway', 'ends', `${reason}: 503`, chain.decidedBy);
    return leg.refuse('gateway', 503, reason, chain.decidedBy);
  }
  const read = reads
    ? readAtGateway(registry, withChanged(arrived, leg.ofTokens, 'perhaps'), {
        isTls: tls !== undefined,
        wasRead: leg.isRead,
        adds: identity ? [...GATEWAY_ADDS, 'x-forwarded-client-cert'] : GATEWAY_ADDS,
      })
    : arrived;
  // From here on, the gateway answers with a status.
  leg.isRead ||= reads;
  if (!read) return leg.refuse('gateway', 400, 'the gateway refuses the path or the method', chain.decidedBy);
  const request = read.http;
  const http = reads && request ? { header: (name: string) => headerOf(request, name), ...request } : undefined;
  const token = http && badToken(configuration.policies, workload, http);
  if (token) {
    leg.step('gateway', 'ends', `${token.reason}: ${token.status}`, token.decidedBy);
    return leg.refuse('gateway', token.status, token.reason, token.decidedBy);
  }
  const ofTokens = headersOfTokens(configuration.policies, workload);
  const verdict = authorize(configuration.policies, workload, {
    port: knownPort(workload, port),
    principal: identity,
    serverName: tls && firstBytes(flow).serverName,
    http: http && { ...http, header: withoutTokens(ofTokens, http.header) },
  });
  const scope = configuration.gatewayScope(workload);
  if (!verdict.allowed) {
    leg.handshakeEnds();
    // Where no request is read, the connection is opened first, and the proxy at its end is asked for a tunnel.
    const clusters = reads ? [] : chain.destinations!.flatMap((one) => configuration.clustersFor(scope, one));
    leg.plaintext ||= clusters.some((one) => 'tunnel' in one && one.tunnel && !one.tls);
    leg.step('gateway', 'ends', `${verdict.reason}: ${reads ? '403' : 'closed'}`, verdict.decidedBy);
    return leg.refuse('gateway', reads ? 403 : 503, verdict.reason, verdict.decidedBy);
  }
  if (verdict.decidedBy.length > 0) leg.step('gateway', 'allows', verdict.reason, verdict.decidedBy);
  leg.atGateway = workload;
  for (const name of ofTokens.keys()) leg.ofTokens.add(name);
  const hop = 'gateway';
  if (!reads) return forward(leg, { hop, scope, flow: arrived, port, ended }, chain.destinations!, chain.decidedBy);
  const { authority } = request!;
  const host = chain.hosts!().find(authority);
  if (host?.toHttps) return redirectToHttps(leg, read, host.toHttps);
  if (!host) {
    const causes = [fieldRef(server.gateway, `${server.field}.hosts`)];
    leg.step('gateway', 'ends', `no route for ${authority}: 404`, causes);
    return leg.refuse(
      'gateway',
      404,
      `no VirtualService bound to Gateway ${server.gatewayName} has a route for ${authority} that the server's ` +
        'hosts admit',
      causes,
    );
  }
  return route(leg, { hop, scope, flow: read, port: server.port }, host);
}

/**
 * Something that is not HTTP, at a server that reads HTTP. To a proxy that has made the hop TLS, the answer in
 * plaintext is no handshake.
 */
function unreadable(leg: Leg, flow: Flow, { server, decidedBy }: ServerChain): Ending {
  const layer = outermost(flow);
  if (!layer || layer.by === 'application')
    return leg.refuse('gateway', 400, 'the server expects HTTP and receives something else', decidedBy);
  return leg.closedAtGateway('the server expects plaintext and the hop to it is TLS', [
    ...settingsOf(layer, 'mode'),
    fieldRef(server.gateway, `${server.field}.port.protocol`),
  ]);
}

/** What a server that only redirects to HTTPS does to a request that nothing else refuses. */
function redirectToHttps(leg: Leg, flow: Flow, cause: FieldRef): Ending {
  const { authority, path } = flow.http!;
  leg.location = `https://${authority}${path}`;
  leg.step('gateway', 'ends', `redirects with 301 to ${leg.location}`, [cause]);
  return leg.refuse('gateway', 301, 'the server redirects to HTTPS', [cause]);
}
