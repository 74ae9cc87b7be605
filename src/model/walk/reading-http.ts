import { Flow, withHeaders } from './flow';
import { Undetermined } from '../answer/undetermined';
import { isOfGrpc } from '../requests/http-request';
import { isKnownToHttp1 } from '../requests/methods';
import { normalizedPath } from '../requests/path-normalization';
import { Registry } from '../registry/registry';

/** Headers that a sidecar has set before it looks for a route. */
const BY_SIDECAR = new Set(['x-forwarded-proto', 'x-request-id']);

/** What every proxy takes from a request before anything looks at it: clients may not tell Envoy what to do. */
const TAKEN: ReadonlySet<string> = new Set([
  'keep-alive',
  'proxy-connection',
  'x-forwarded-client-cert',
  ...[
    'expected-rq-timeout-ms',
    'force-trace',
    'hedge-on-per-try-timeout',
    'internal',
    'ip-tags',
    'max-retries',
    'original-url',
    'retriable-header-names',
    'retriable-status-codes',
    'retry-grpc-on',
    'retry-on',
    'upstream-alt-stat-name',
    'upstream-rq-per-try-timeout-ms',
    'upstream-rq-timeout-alt-response',
    'upstream-rq-timeout-ms',
  ].map((name) => `x-envoy-${name}`),
]);

/** What gateways take as well, since they trust nobody. */
const TAKEN_AT_GATEWAY: ReadonlySet<string> = new Set([
  ...TAKEN,
  ...[
    'decorator-operation',
    'downstream-service-cluster',
    'downstream-service-node',
    'original-host',
    'original-path',
    'upstream-stream-duration-ms',
  ].map((name) => `x-envoy-${name}`),
]);

/** In which proxies of Istio tell each other who they are; Envoy alone leaves them as they are. */
const ABOUT_PEERS = ['x-envoy-peer-metadata', 'x-envoy-peer-metadata-id'];

/** The request as a sidecar reads it; undefined where it refuses the path or the method. */
export function readAtSidecar(registry: Registry, flow: Flow): Flow | undefined {
  const given = flow.http!.headers.get('x-forwarded-proto')?.toLowerCase();
  const scheme = given === 'https' ? 'https' : 'http';
  return reading(registry, without(flow, TAKEN), { scheme, forwardedProto: given ?? scheme, set: BY_SIDECAR });
}

/**
 * The request as a gateway reads it, with the headers that it adds; undefined where it refuses the path or the
 * method. The scheme is that of the connection, unless HTTP/2 brings along the one that the sidecar has read.
 */
export function readAtGateway(
  registry: Registry,
  flow: Flow,
  { isTls, wasRead, adds }: { isTls: boolean; wasRead: boolean; adds: readonly string[] },
): Flow | undefined {
  const forwardedProto = isTls ? 'https' : 'http';
  const scheme = flow.http2 && wasRead ? (flow.http!.scheme ?? 'http') : forwardedProto;
  // To what a request brings along of these, gateways add a value of their own, or put it in its place.
  const own = adds.filter((name) => name !== 'x-forwarded-proto');
  const left = withChanged(without(flow, TAKEN_AT_GATEWAY), own, 'unknown');
  const arrived = withHeaders(withChanged(left, ABOUT_PEERS, 'perhaps'), adds);
  return reading(registry, arrived, { scheme, forwardedProto, set: arrived.added });
}

function reading(
  registry: Registry,
  flow: Flow,
  { scheme, forwardedProto, set }: { scheme: 'http' | 'https'; forwardedProto: string; set: ReadonlySet<string> },
): Flow | undefined {
  const { method, headers } = flow.http!;
  if (flow.speak !== 'grpc' && isOfGrpc(headers.get('content-type') ?? ''))
    throw new Undetermined('proxies answer calls of gRPC in their own way: say that the request is one (speak: grpc)');
  if (method === 'CONNECT') throw new Undetermined('the model does not know what proxies do with CONNECT');
  const path = normalizedPath(flow.http!.path, registry.world.mesh?.pathNormalization);
  if (path === undefined || !(flow.http2 || isKnownToHttp1(method))) return undefined;
  return { ...flow, http: { ...flow.http!, path, scheme, forwardedProto, setByProxies: set } };
}

function without(flow: Flow, names: ReadonlySet<string>): Flow {
  const http = flow.http!;
  if (!hasAny(http.headers.keys(), names) && !hasAny(flow.added, names)) return flow;
  const left = <Value>(headers: ReadonlyMap<string, Value> = new Map()) =>
    new Map([...headers].filter(([name]) => !names.has(name)));
  return {
    ...flow,
    added: new Set([...flow.added].filter((name) => !names.has(name))),
    http: { ...http, headers: left(http.headers), further: left(http.further), changed: left(http.changed) },
  };
}

function hasAny(found: Iterable<string>, names: ReadonlySet<string>): boolean {
  for (const name of found) if (names.has(name)) return true;
  return false;
}

/** The flow with headers of which nobody knows the value from here on, or whether they are there at all. */
export function withChanged(flow: Flow, names: Iterable<string>, how: 'unknown' | 'perhaps'): Flow {
  const http = flow.http!;
  const found = [...names].filter((name) => http.headers.has(name));
  if (found.length === 0) return flow;
  const changed = new Map([...(http.changed ?? []), ...found.map((name) => [name, how] as const)]);
  return { ...flow, http: { ...http, changed } };
}
