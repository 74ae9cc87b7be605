import { Journey } from './journey';
import { AtProxy, Next } from './next';
import { forward, route } from './routing';
import { hostOrAddress } from '../addresses';
import { isCaptured } from '../capture';
import { firstBytes, Flow, isReadable, withHeaders } from '../flow';
import { listenerFor } from '../listener';
import { NearMiss, nearMisses } from '../near-misses';
import { Scope } from '../scope';

const SIDECAR_ADDS = ['x-forwarded-proto', 'x-request-id', 'x-envoy-attempt-count'];

/**
 * From the application: past the sidecar, or into it and to the listener, chain and virtual host that take the request.
 */
export function leavePod(journey: Journey, scope: Scope | undefined, flow: Flow, address: string, port: number): Next {
  const { configuration, pod } = journey;
  const { captured, cause } = isCaptured(pod, address, port);
  if (!captured || !scope) {
    journey.via = 'direct';
    if (cause) journey.step('application', 'goes past the sidecar', [cause]);
    return { to: 'host', from: 'application', flow, address, name: hostOrAddress(address), port, decidedBy: [] };
  }
  const at: AtProxy = { hop: 'sidecar', scope, flow, address, port };
  const listener = listenerFor(configuration.listeners(scope, port), address);
  const chain = listener?.finder!.find(address, firstBytes(flow));
  if (!chain) return fallThrough(journey, at, listener !== undefined);
  if (!chain.http) return forward(journey, at, chain.forward!, chain.decidedBy);
  journey.isRead = isReadable(flow);
  if (!journey.isRead)
    return journey.refuse('sidecar', 400, 'the listener reads HTTP and gets something else', chain.decidedBy);
  const host = chain.http.own
    ? configuration.ownHost(scope, port, chain.http.own)
    : configuration.virtualHosts(scope, port).find(flow.http!.authority);
  if (!host) return catchAll(journey, at);
  return route(journey, { ...at, flow: withHeaders(flow, SIDECAR_ADDS) }, host);
}

/** A connection that no chain takes. */
function fallThrough(journey: Journey, at: AtProxy, hasListener: boolean): Next {
  const { scope, address, port } = at;
  const first = firstBytes(at.flow);
  const what =
    first.kind === 'tls'
      ? `TLS${first.serverName === undefined ? ' without a server name' : ` for ${first.serverName}`}`
      : first.kind === 'http'
        ? 'clear HTTP'
        : 'a TCP connection';
  const missed = nearMisses(journey.configuration.registry, scope, {
    kind: first.kind,
    name: first.serverName ?? journey.url.hostname,
    address,
    port,
  });
  const why =
    (hasListener
      ? `nothing that the caller sees takes ${what} to ${hostOrAddress(address)} on port ${port}`
      : `nothing that the caller sees has port ${port}`) + becauseOf(missed);
  return undeclared(journey, at, missed, {
    why,
    passes: 'let through as it is',
    closes: 'closed',
    refused: `${why}, and undeclared traffic is refused`,
  });
}

/** A request that the sidecar reads, for a host that it does not know. */
function catchAll(journey: Journey, at: AtProxy): Next {
  const { scope, address, port } = at;
  const { authority } = at.flow.http!;
  const missed = nearMisses(journey.configuration.registry, scope, {
    kind: 'http',
    name: authority.replace(/:\d+$/, ''),
    address,
    port,
  });
  const why = `no host that the caller sees on port ${port} is called ${authority}${becauseOf(missed)}`;
  return undeclared(journey, { ...at, flow: withHeaders(at.flow, SIDECAR_ADDS) }, missed, {
    why,
    passes: `let through to ${hostOrAddress(address)}`,
    closes: '502',
    status: 502,
    refused: `${why}, and undeclared hosts are refused`,
  });
}

/** What nothing declares goes as the outbound policy says. */
function undeclared(
  journey: Journey,
  { scope, flow, address, port }: AtProxy,
  missed: readonly NearMiss[],
  says: {
    readonly why: string;
    readonly passes: string;
    readonly closes: string;
    readonly status?: number;
    readonly refused: string;
  },
): Next {
  if (
    scope.policy.kind === 'MeshConfig' &&
    journey.configuration.registry.world.mesh?.outboundTrafficPolicy === undefined
  ) {
    journey.assume('the mesh lets undeclared traffic pass, as Istio does unless told otherwise (ALLOW_ANY)');
  }
  const causes = [...missed.map(({ cause }) => cause), scope.policy];
  if (!scope.allowsAny) {
    journey.step('sidecar', `${says.why}: ${says.closes}`, causes);
    return journey.refuse('sidecar', says.status, says.refused, causes);
  }
  journey.via = 'undeclared';
  journey.step('sidecar', `${says.why}: ${says.passes}`, causes);
  return { to: 'host', from: 'sidecar', flow, address, name: hostOrAddress(address), port, decidedBy: [] };
}

function becauseOf(missed: readonly NearMiss[]): string {
  return missed.length === 0 ? '' : ` (${missed.map(({ because }) => because).join('; ')})`;
}
