import { Ending, Journey } from './journey';
import { Next, ToGateway } from './next';
import { forward, route } from './routing';
import { sectionOf } from '../../manifests/servers';
import { FieldRef } from '../answer';
import { rulesByIdentity, authorize } from '../authorization';
import { settingsOf } from '../external-host';
import { fieldRef } from '../field-ref';
import { firstBytes, Flow, isReadable, Layer, outermost } from '../flow';
import { GatewayListener, ServerChain } from '../gateway-listeners';
import { Server } from '../gateway-servers';
import { GatewayWorkload, knownPort, sayGateway } from '../gateway-workloads';
import { hostsOverlap } from '../host-names';
import { headerOf } from '../http-route';
import { blockedBy } from '../network-policy';
import { badToken } from '../policies/request-authentication';
import { unknownLabels } from '../policies/selection';
import { readAtGateway } from '../reading-http';
import { Undetermined } from '../undetermined';
import { stopAtUnknownKind } from '../unknown-kinds';
import { withoutPort } from '../virtual-hosts';

/** Headers that a gateway adds to every request that it reads. */
const GATEWAY_ADDS = [
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-request-id',
  'x-envoy-attempt-count',
  'x-envoy-external-address',
];

/** A connection to a gateway's pods: to the server that accepts it, through its TLS and policies, to its routes. */
export function arriveAtGateway(journey: Journey, { flow, workload, port }: ToGateway): Next {
  if (journey.atGateway) throw new Undetermined('the model does not follow requests from one gateway to another', []);
  const { registry } = journey.configuration;
  journey.gateway = workload.id;
  stopAtUnknownKind(registry, { ...workload, role: 'gateway' });
  const blocked =
    blockedBy(registry, 'egress', journey.pod, { pod: workload }, knownPort(workload, port)) ??
    blockedBy(registry, 'ingress', workload, { pod: journey.pod }, knownPort(workload, port));
  if (blocked)
    return journey.dropped(
      'sidecar',
      `a NetworkPolicy blocks the connection from the caller to ${workload.id}, port ${port}`,
      blocked,
    );
  const listener = journey.configuration.gatewayListeners(workload).get(port);
  const first = firstBytes(flow);
  stopAtUnsureGateway(workload, listener, first.serverName ?? flow.http?.authority);
  if (!listener || isEmpty(listener)) {
    const causes = registry.gateways
      .filter((gateway) => (gateway.spec.servers ?? []).length > 0)
      .slice(0, 3)
      .map((gateway) => fieldRef(gateway, 'spec.selector'));
    journey.step('gateway', `${workload.id} has no server on port ${port}`, causes);
    return journey.refuse(
      'gateway',
      503,
      `no Gateway that selects ${workload.id} has a server on pod port ${port}`,
      causes,
    );
  }
  if (listener.rejected) {
    journey.step('gateway', listener.rejected.reason, listener.rejected.decidedBy);
    return journey.refuse('gateway', 503, listener.rejected.reason, listener.rejected.decidedBy);
  }
  const chain = listener.finder.find('', first) as ServerChain | undefined;
  if (!chain) return noServer(journey, flow, workload, port, listener);
  for (const { server, other, reason } of listener.skipped) {
    if (first.serverName === undefined || !server.serverNames.includes(first.serverName)) continue;
    const decidedBy = [
      fieldRef(server.gateway, server.field),
      ...(other ? [fieldRef(other.gateway, other.field)] : []),
    ];
    journey.remark({ code: 'server-left-out', message: reason, decidedBy });
  }
  return throughServer(journey, flow, workload, port, chain);
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
    hosts.some((host) => name === undefined || hostsOverlap(host.slice(host.indexOf('/') + 1), withoutPort(name))),
  );
  if (!unsure) return;
  const { gateway } = unsure;
  throw new Undetermined(
    `Gateway ${gateway.namespace}/${gateway.name} decides if it selects the pods of ${workload.id}, and the manifests ` +
      `do not say whether they have the label ${unknownLabels(gateway.spec.selector, workload)}: add their Deployment, ` +
      'or an access table with their `gateways`',
    [fieldRef(gateway, 'spec.selector')],
  );
}

/** Why no server accepts the connection. */
function noServer(
  journey: Journey,
  flow: Flow,
  workload: GatewayWorkload,
  port: number,
  listener: GatewayListener,
): Ending {
  const first = firstBytes(flow);
  const skipped = listener.skipped.filter(
    ({ server }) => first.serverName === undefined || server.serverNames.some((name) => name === first.serverName),
  );
  const unrouted = listener.unrouted.filter(
    ({ serverNames }) => first.serverName !== undefined && serverNames.includes(first.serverName),
  );
  if (unrouted.length > 0) {
    return closed(
      journey,
      `no VirtualService has a route that the server for ${first.serverName} uses`,
      unrouted.flatMap((server) => [
        fieldRef(server.gateway, server.field),
        ...routesInOtherSections(journey, workload, server),
      ]),
    );
  }
  if (skipped.length > 0) {
    return closed(
      journey,
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
  const servers = [...new Set(listener.chains.map(({ server }) => server))].slice(0, 3);
  return closed(journey, reason, [
    ...settingsOf(outermost(flow) ?? { by: 'application' }, 'sni'),
    ...servers.map(({ gateway, field }) => fieldRef(gateway, `${field}.hosts`)),
  ]);
}

/** Routes that a server ignores because they are not in the section that it reads for its protocol. */
function routesInOtherSections({ configuration }: Journey, workload: GatewayWorkload, server: Server): FieldRef[] {
  const section = sectionOf(server.value);
  return configuration.registry
    .virtualServicesSeenFrom(workload.namespace, server.gatewayName)
    .filter(({ hosts }) => hosts.some((host) => server.serverNames.includes(host)))
    .flatMap(({ object }) =>
      ['http', 'tls', 'tcp']
        .filter((name) => name !== section && object.spec[name])
        .map((name) => fieldRef(object, `spec.${name}`)),
    );
}

function throughServer(
  journey: Journey,
  flow: Flow,
  workload: GatewayWorkload,
  port: number,
  chain: ServerChain,
): Next {
  const { configuration } = journey;
  const { registry } = configuration;
  const { server } = chain;
  const tls = server.value.tls?.httpsRedirect ? undefined : server.value.tls;
  let arrived = flow;
  let peer: string | undefined;
  if (tls && tls.mode !== 'PASSTHROUGH') {
    const terminated = terminateTls(journey, flow, workload, server);
    if ('outcome' in terminated) return terminated;
    peer = terminated.identity;
    arrived = { ...flow, layers: flow.layers.slice(0, -1) };
  }
  const reads = chain.http !== undefined;
  const identity = identify(journey, workload, server, peer);
  if (reads && !isReadable(arrived)) return unreadable(journey, arrived, chain);
  const read = reads
    ? readAtGateway(registry, arrived, {
        isTls: tls !== undefined,
        wasRead: journey.isRead,
        adds: identity ? [...GATEWAY_ADDS, 'x-forwarded-client-cert'] : GATEWAY_ADDS,
      })
    : arrived;
  if (!read) return journey.refuse('gateway', 400, 'the gateway refuses the path', chain.decidedBy);
  const request = read.http;
  const http = reads && request ? { ...request, header: (name: string) => headerOf(request, name) } : undefined;
  const token = http && badToken(registry, workload, http);
  if (token) {
    journey.step('gateway', `${token.reason}: ${token.status}`, token.decidedBy);
    return journey.refuse('gateway', token.status, token.reason, token.decidedBy);
  }
  const verdict = authorize(registry, workload, {
    port: knownPort(workload, port),
    ...(identity !== undefined && { principal: identity }),
    ...(tls && { serverName: firstBytes(flow).serverName }),
    ...(http && { http }),
  });
  if (!verdict.allowed) {
    journey.step('gateway', `${verdict.reason}: ${reads ? '403' : 'closed'}`, verdict.decidedBy);
    return journey.refuse('gateway', reads ? 403 : 503, verdict.reason, verdict.decidedBy);
  }
  if (verdict.decidedBy.length > 0) journey.step('gateway', verdict.reason, verdict.decidedBy);
  journey.atGateway = workload;
  const at = { hop: 'gateway', scope: configuration.gatewayScope(workload), address: '' } as const;
  if (!reads) return forward(journey, { ...at, flow: arrived, port }, chain.destinations!, chain.decidedBy);
  journey.isRead = true;
  const { authority } = request!;
  const host = chain.hosts!.find(authority);
  if (host?.toHttps) return redirectToHttps(journey, read, host.toHttps);
  if (!host) {
    const causes = [fieldRef(server.gateway, `${server.field}.hosts`)];
    journey.step('gateway', `no route for ${authority}: 404`, causes);
    return journey.refuse(
      'gateway',
      404,
      `no VirtualService bound to Gateway ${server.gatewayName} has a route for ${authority} that the server's ` +
        'hosts admit',
      causes,
    );
  }
  return route(journey, { ...at, flow: read, port: server.value.port.number }, host);
}

/**
 * Something that is not HTTP, at a server that reads HTTP. To a proxy that has made the hop TLS, the answer in plaintext
 * is no handshake.
 */
function unreadable(journey: Journey, flow: Flow, { server, decidedBy }: ServerChain): Ending {
  const layer = outermost(flow);
  if (!layer || layer.by === 'application')
    return journey.refuse('gateway', 400, 'the server expects HTTP and receives something else', decidedBy);
  return closed(journey, 'the server expects plaintext and the hop to it is TLS', [
    ...settingsOf(layer, 'mode'),
    fieldRef(server.gateway, `${server.field}.port.protocol`),
  ]);
}

/** What a server that only redirects to HTTPS does to a request that nothing else refuses. */
function redirectToHttps(journey: Journey, flow: Flow, cause: FieldRef): Ending {
  const { authority, path } = flow.http!;
  journey.location = `https://${authority.replace(/:\d+$/, '')}${path}`;
  journey.step('gateway', `redirects with 301 to ${journey.location}`, [cause]);
  return journey.refuse('gateway', 301, 'the server redirects to HTTPS', [cause]);
}

/** The layer of TLS that the server terminates, or why the handshake fails. */
function terminateTls(journey: Journey, flow: Flow, workload: GatewayWorkload, server: Server): Layer | Ending {
  const { tls } = server.value;
  const at = (field: string) => [fieldRef(server.gateway, `${server.field}.tls${field}`)];
  if (tls.mode === 'AUTO_PASSTHROUGH')
    throw new Undetermined('the model does not support AUTO_PASSTHROUGH', at('.mode'));
  const layer = outermost(flow);
  if (!layer) return journey.refuse('gateway', 503, 'the server expects TLS and receives plaintext', at(''));
  if (tls.mode !== 'ISTIO_MUTUAL') {
    throw new Undetermined(
      `the model does not know which certificate the server presents in mode ${tls.mode ?? 'PASSTHROUGH'}`,
      at(''),
    );
  }
  // The application is shown a certificate of the mesh before it would have to present one of its own.
  if (layer.by === 'application') {
    const reason = 'the server presents a certificate of the mesh, which the application does not trust';
    journey.step('gateway', reason, at('.mode'));
    return { outcome: 'refused', symptom: 'certificate-rejected', by: 'gateway', reason, causes: at('.mode') };
  }
  if (layer.identity === undefined) {
    return closed(journey, 'the server requires mutual TLS of the mesh and receives other TLS', [
      ...settingsOf(layer, 'mode'),
      ...at('.mode'),
    ]);
  }
  const wanted: string[] = layer.settings!.value.subjectAltNames ?? [];
  const { trustDomain } = journey.configuration.registry;
  const own = `spiffe://${trustDomain}/ns/${workload.namespace}/sa/${workload.serviceAccount ?? workload.usualAccount ?? 'unknown'}`;
  const accounts = accountsAmong(wanted, workload, trustDomain);
  if (wanted.length > 0 && workload.serviceAccount === undefined && accounts.length > 0) {
    if (!accounts.includes(workload.usualAccount))
      journey.require({
        holds: `the pods of ${workload.id} run as service account ${accounts.join(' or ')}`,
        say: `${sayGateway(workload.id, accounts[0])}, or add their Deployment`,
      });
  } else if (wanted.length > 0 && !wanted.includes(own)) {
    return closed(
      journey,
      `the identity of the gateway is ${own}, but the caller accepts only ${wanted.join(' or ')}`,
      settingsOf(layer, 'subjectAltNames'),
    );
  }
  const allowed: string[] = tls.subjectAltNames ?? [];
  if (allowed.length > 0 && !allowed.includes(layer.identity)) {
    return closed(
      journey,
      `the server accepts only ${allowed.join(', ')}, but the caller is ${layer.identity}`,
      at('.subjectAltNames'),
    );
  }
  return layer;
}

/** The service accounts of the gateway's namespace among the identities that a caller accepts. */
function accountsAmong(wanted: readonly string[], { namespace }: GatewayWorkload, trustDomain: string) {
  const prefix = `spiffe://${trustDomain}/ns/${namespace}/sa/`;
  return wanted.filter((one) => one.startsWith(prefix)).map((one): string | undefined => one.slice(prefix.length));
}

/** The caller's principal as the gateway knows it: from the certificate of the hop, or not at all. */
function identify(
  journey: Journey,
  workload: GatewayWorkload,
  { gateway, field, value, serverNames, hosts }: Server,
  peer: string | undefined,
): string | undefined {
  const identity = /^spiffe:\/\/([^/]+)\/ns\/([^/]+)\/sa\/(.+)$/.exec(peer ?? '');
  const isListed = identity !== null && value.tls.subjectAltNames?.length > 0;
  const caller = identity ? `caller ${isListed ? 'allowed by name' : 'known'}` : 'caller not known';
  journey.step('gateway', `${workload.id}: server for ${serverNames.join(', ') || hosts.join(', ')}, ${caller}`, [
    fieldRef(gateway, isListed ? `${field}.tls.subjectAltNames` : field),
  ]);
  if (identity) {
    const [, trustDomain, namespace, serviceAccount] = identity;
    journey.identity = `${namespace}/${serviceAccount}`;
    return `${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
  }
  journey.remark({
    code: 'no-identity',
    message: "the gateway does not know the caller's identity: the hop to it is not mutual TLS of the mesh",
    decidedBy: [fieldRef(gateway, `${field}${value.tls ? '.tls.mode' : ''}`)],
  });
  for (const rule of rulesByIdentity(journey.configuration.registry, workload)) {
    journey.remark({
      code: 'identity-asked-for',
      message:
        "a policy rule tests the caller's identity, which the gateway does not know here: the rule never matches",
      decidedBy: [rule],
    });
  }
  return undefined;
}

function closed(journey: Journey, reason: string, causes: readonly FieldRef[]): Ending {
  journey.step('gateway', `${reason}: closed`, causes);
  return journey.refuse('gateway', 503, reason, causes);
}
