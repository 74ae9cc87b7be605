import { Leg } from './journey';
import { AtProxy, Next } from './next';
import { toCluster } from './connecting';
import { forward, route } from './routing';
import { Address, ANY_ADDRESS, holds, hostOrAddress } from '../objects/addresses';
import { isCaptured } from '../proxies/capture';
import { withoutPort } from '../objects/host-names';
import { SAY_POLICY } from '../answer/conditions';
import { firstBytes, Flow, isReadable, withHeaders } from './flow';
import { listenerFor } from '../proxies/listener';
import { Destination } from '../routes/destination';
import { NearMiss, nearMisses } from './near-misses';
import { atOwnPort } from './own-port';
import { policiesAtCaller } from '../policies/at-the-caller';
import { readAtSidecar } from './reading-http';
import { Scope } from '../registry/scope';
import { Undetermined } from '../answer/undetermined';
import { OWN_PAGES, PORTS_WITHOUT_LISTENER } from '../../istio/ports';

const SIDECAR_ADDS = ['x-forwarded-proto', 'x-request-id', 'x-envoy-attempt-count'];

const REJECTED = 'Envoy rejects the listener and keeps the one that it had before';

/**
 * From the application: past the sidecar, or into it and to the listener, filter chain and virtual host that take the
 * request.
 */
export function leavePod(leg: Leg, scope: Scope | undefined, flow: Flow, address: Address, port: number): Next {
  const { configuration, pod } = leg;
  if (holds('127.0.0.0/8', address) || holds('::1/128', address))
    throw new Undetermined('the model does not know what listens in the pod of the caller', []);
  const { captured, cause } = isCaptured(pod, address, port);
  if (!captured || !scope) {
    leg.via = 'direct';
    if (cause) leg.step('application', 'bypasses-sidecar', 'goes past the sidecar', [cause]);
    return { to: 'host', from: 'application', flow, address, name: hostOrAddress(address), port, decidedBy: [] };
  }
  const { doubt } = pod.injection;
  // An access table lists callers with sidecars.
  if (doubt && !configuration.addressBook.isComplete) leg.doubt(doubt);
  for (const remark of policiesAtCaller(configuration.policies, pod, leg.url.hostname)) leg.remark(remark);
  const at: AtSidecar = { hop: 'sidecar', scope, flow, address, port };
  const listener = listenerFor(configuration.listeners(scope, port), address);
  if ((listener?.bind ?? ANY_ADDRESS) === ANY_ADDRESS && PORTS_WITHOUT_LISTENER.has(port)) {
    const declared = listener?.chains.flatMap(({ decidedBy }) => decidedBy) ?? [];
    // 15001 and 15006 are listeners of istiod's own: a second one at the same address is rejected.
    if (listener && !OWN_PAGES.has(port))
      throw new Undetermined(`port ${port} at every address is the sidecar's own: ${REJECTED}`, declared);
    return atOwnPort(leg, 'sidecar', at, declared);
  }
  const { overlap, partial } = listener?.finder ?? {};
  if (overlap)
    throw new Undetermined(
      `two routes match the same connections to port ${port}${overlap.name && ` for ${overlap.name}`}: ${REJECTED}`,
      [...overlap.one.decidedBy, ...overlap.other.decidedBy],
    );
  if (partial)
    throw new Undetermined(
      `the server name ${partial.name} has no dot after the "*" on port ${port}: ${REJECTED}`,
      partial.chain.decidedBy,
    );
  const chain = listener?.finder!.find(address, firstBytes(flow));
  if (!chain) return fallThrough(leg, at, listener !== undefined);
  if (!chain.http) return forward(leg, at, chain.forward!, chain.decidedBy);
  leg.isRead = isReadable(flow);
  if (!leg.isRead)
    return leg.refuse('sidecar', 400, 'the listener expects HTTP and receives something else', chain.decidedBy);
  const read = readAtSidecar(configuration.registry, flow);
  if (!read) return leg.refuse('sidecar', 400, 'the sidecar refuses the path or the method', chain.decidedBy);
  const routed = leg.oneOf(configuration.sharingRoutes(scope, port), mixedUp, true)!;
  const host = chain.http.own
    ? configuration.ownHost(routed, port, chain.http.own)
    : configuration.virtualHosts(routed, port).find(flow.http!.authority);
  if (!host) return unknownHost(leg, { ...at, flow: read }, routed);
  return route(leg, { ...at, flow: withHeaders(read, SIDECAR_ADDS) }, host);
}

/** A request at the sidecar, which knows the address that was dialled. */
type AtSidecar = AtProxy & { readonly address: Address };

/** A connection that no filter chain takes. */
function fallThrough(leg: Leg, at: AtSidecar, hasListener: boolean): Next {
  const { scope, address, port } = at;
  const first = firstBytes(at.flow);
  const target = hostOrAddress(address);
  const named = first.serverName === undefined ? ' without a server name' : ` for ${first.serverName}`;
  const what =
    first.kind === 'tls'
      ? `TLS${first.serverName === target ? '' : named}`
      : first.kind === 'http'
        ? 'plaintext HTTP'
        : 'a TCP connection';
  const missed = nearMisses(leg.configuration.registry, scope, {
    kind: first.kind,
    name: first.serverName ?? leg.url.hostname,
    address,
    port,
  });
  const why =
    (hasListener
      ? `nothing visible to the caller accepts ${what} to ${target} on port ${port}`
      : `nothing visible to the caller declares port ${port}`) + inParentheses(missed);
  return undeclared(leg, at, missed, {
    why,
    passes: 'let through unchanged',
    closes: 'closed',
    refused: `${why}, and undeclared traffic is refused (REGISTRY_ONLY)`,
    egressProxy: scope.egressProxy,
  });
}

/** A request that the sidecar reads, for a host that it does not know. */
function unknownHost(leg: Leg, at: AtSidecar, { egressProxy }: Scope): Next {
  const { scope, address, port } = at;
  const { authority } = at.flow.http!;
  const missed = nearMisses(leg.configuration.registry, scope, {
    kind: 'http',
    name: withoutPort(authority),
    address,
    port,
  });
  const why = `no host visible to the caller on port ${port} matches ${authority}${inParentheses(missed)}`;
  return undeclared(leg, { ...at, flow: withHeaders(at.flow, SIDECAR_ADDS), reads: true }, missed, {
    why,
    passes: `let through to ${hostOrAddress(address)}`,
    closes: '502',
    status: 502,
    refused: `${why}, and undeclared hosts are refused (REGISTRY_ONLY)`,
    egressProxy,
  });
}

/** Undeclared traffic: the outbound traffic policy decides. */
function undeclared(
  leg: Leg,
  at: AtSidecar,
  missed: readonly NearMiss[],
  says: {
    readonly why: string;
    readonly passes: string;
    readonly closes: string;
    readonly status?: number;
    readonly refused: string;
    readonly egressProxy?: Destination;
  },
): Next {
  const { scope, flow, address, port } = at;
  const { egressProxy } = says;
  if (
    scope.policy.kind === 'MeshConfig' &&
    leg.configuration.registry.world.mesh?.outboundTrafficPolicy === undefined
  ) {
    leg.require({ holds: 'the mesh lets undeclared traffic through (ALLOW_ANY)', say: SAY_POLICY });
  }
  if (scope.unknownPolicy) throw scope.unknownPolicy;
  const causes = [...missed.map(({ cause }) => cause), scope.policy];
  if (!scope.allowsAny) {
    leg.step('sidecar', 'undeclared', `${says.why}: ${says.closes}`, causes);
    return leg.refuse('sidecar', says.status, says.refused, causes);
  }
  if (egressProxy) {
    leg.step('sidecar', 'undeclared', `${says.why}: sent to the egressProxy of a Sidecar`, causes);
    return toCluster(leg, at, egressProxy, egressProxy.decidedBy);
  }
  leg.via = 'undeclared';
  leg.step('sidecar', 'undeclared', `${says.why}: ${says.passes}`, causes);
  return { to: 'host', from: 'sidecar', flow, address, name: hostOrAddress(address), port, decidedBy: [] };
}

/** What chance decides where istiod's cache has one set of routes for several proxies of a namespace. */
function mixedUp({ sidecar }: Scope): string {
  return (
    'istiod may give a proxy the routes that another one of its namespace asked for, where their Sidecars differ only in ' +
    `the egressProxy or in which entries of a host they import: here those by ${sidecar ? `Sidecar ${sidecar.name}` : 'no Sidecar'}`
  );
}

function inParentheses(missed: readonly NearMiss[]): string {
  return missed.length === 0 ? '' : ` (${missed.map(({ because }) => because).join('; ')})`;
}
