import { Flow, withHeaders } from './flow';
import { normalizedPath } from '../requests/path-normalization';
import { Registry } from '../registry/registry';

/** Headers that a sidecar has set before it looks for a route. */
const BY_SIDECAR = new Set(['x-forwarded-proto', 'x-request-id']);

/** The request as a sidecar reads it; undefined where it refuses the path. */
export function readAtSidecar(registry: Registry, flow: Flow): Flow | undefined {
  const http = flow.http!;
  const given = http.headers.get('x-forwarded-proto')?.toLowerCase();
  const scheme = given === 'https' ? 'https' : 'http';
  return reading(registry, flow, { scheme, forwardedProto: given ?? scheme, set: BY_SIDECAR });
}

/**
 * The request as a gateway reads it, with the headers that it adds; undefined where it refuses the path. The scheme is
 * that of the connection, unless HTTP/2 brings along the one that the sidecar has read.
 */
export function readAtGateway(
  registry: Registry,
  flow: Flow,
  { isTls, wasRead, adds }: { isTls: boolean; wasRead: boolean; adds: readonly string[] },
): Flow | undefined {
  const forwardedProto = isTls ? 'https' : 'http';
  const scheme = flow.http2 && wasRead ? (flow.http!.scheme ?? 'http') : forwardedProto;
  const arrived = withHeaders(flow, adds);
  return reading(registry, arrived, { scheme, forwardedProto, set: arrived.added });
}

function reading(
  registry: Registry,
  flow: Flow,
  { scheme, forwardedProto, set }: { scheme: 'http' | 'https'; forwardedProto: string; set: ReadonlySet<string> },
): Flow | undefined {
  const path = normalizedPath(flow.http!.path, registry.world.mesh?.pathNormalization);
  if (path === undefined) return undefined;
  return { ...flow, http: { ...flow.http!, path, scheme, forwardedProto, setByProxies: set } };
}
