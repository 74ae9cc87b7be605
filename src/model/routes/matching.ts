import { Destination, destinationsFor } from './destination';
import { HttpMatch, HttpRoute, NamedMatch, ProxyMatch, Routes, TextMatch } from './route';
import { FieldRef } from '../answer/answer';
import { headerOf, HttpRequest, parameterOf } from '../requests/http-request';
import { PERHAPS, regularExpression, SOME_VALUE, UNSAID, Value } from '../requests/patterns';
import { ProxyIdentity } from '../objects/proxy';
import { Service } from '../objects/service';
import { Undetermined } from '../answer/undetermined';
import { selects } from '../../manifests/selectors';

/** A route of a proxy: a rule for requests, and one of its matches. */
export interface RouteEntry {
  readonly rule: HttpRoute;
  readonly match?: HttpMatch;
  readonly isCatchAll: boolean;
  readonly destinations: readonly Destination[];
}

/**
 * The entries that a proxy has on a port, in order, up to the first one that matches everything. `lookUp` finds the
 * service of a destination's host.
 */
export function routeEntries(
  { http }: Routes,
  proxy: ProxyIdentity,
  gateway: string,
  port: number,
  lookUp: (host: string) => Service | undefined,
): RouteEntry[] {
  const entries: RouteEntry[] = [];
  for (const rule of http) {
    const own = rule.matches.filter(({ proxies }) => isForProxy(proxies, proxy, gateway, port));
    if (rule.matches.length > 0 && own.length === 0) continue;
    const destinations = rule.action.kind === 'forward' ? destinationsFor(rule.action.targets, port, lookUp) : [];
    for (const match of rule.matches.length > 0 ? own : [undefined]) {
      const isCatchAll = match === undefined || matchesEverything(match);
      entries.push({ rule, match, isCatchAll, destinations });
      if (isCatchAll) return entries;
    }
  }
  return entries;
}

/** Whether a match applies to the proxy at all. If it names gateways, its labels and namespace do not count. */
function isForProxy(
  { port: own, gateways, labels, namespace }: ProxyMatch,
  proxy: ProxyIdentity,
  gateway: string,
  port: number,
): boolean {
  if (own !== undefined && own !== port) return false;
  if (gateways.length > 0) return gateways.includes(gateway);
  return selects(labels, proxy.labels) && (namespace === undefined || namespace === proxy.namespace);
}

/** Whether a match for connections applies to a sidecar at all, before it sees a connection. */
export function isForSidecar(match: ProxyMatch, { labels, namespace }: ProxyIdentity, port: number): boolean {
  return (
    isForServer(match, 'mesh', port) &&
    selects(match.labels, labels) &&
    (match.namespace === undefined || match.namespace === namespace)
  );
}

/** Whether a match for connections applies to a server of a Gateway. */
export function isForServer({ port: own, gateways }: ProxyMatch, gateway: string, port: number): boolean {
  return (own === undefined || own === port) && (gateways.length === 0 || gateways.includes(gateway));
}

function matchesEverything({ path, method, authority, scheme, headers, parameters }: HttpMatch): boolean {
  const anyPath =
    path === undefined ||
    path.kind === 'present' ||
    (path.kind === 'prefix' && path.text === '/') ||
    (path.kind === 'regex' && path.text === '.*');
  return anyPath && !method && !authority && !scheme && headers.length === 0 && parameters.length === 0;
}

/** The first entry that matches the request. */
export function firstMatchingEntry(entries: readonly RouteEntry[], request: HttpRequest): RouteEntry | undefined {
  return entries.find(({ match }) => {
    if (match?.unknown) throw match.unknown;
    return !match || matchesRequest(match, request);
  });
}

function matchesRequest(match: HttpMatch, request: HttpRequest): boolean {
  const { method, path, authority, scheme = 'http' } = request;
  const [plainPath] = path.split('?', 1);
  const fits = (given: Value, wanted: TextMatch | undefined) =>
    wanted === undefined || matchesText(given, wanted, match.where);
  if (
    !fits(plainPath, match.path) ||
    !fits(method, match.method) ||
    !fits(authority, match.authority) ||
    !fits(scheme, match.scheme)
  )
    return false;
  for (const { name, is, isNot, isClaim } of match.headers) {
    // A request with a token either is refused before, or makes the answer undetermined: here it has no claims.
    if (isClaim && is.kind === 'present')
      throw new Undetermined('Envoy rejects routes that ask for any value of a claim, and keeps those before', [
        match.where,
      ]);
    if (isClaim && isNot) continue;
    if (isClaim) return false;
    const given = headerOf(request, name);
    // What is not there is compared as empty text where it must not match.
    const value = isNot && is.kind !== 'present' ? (given ?? '') : given;
    if (fits(value, is) === isNot) return false;
  }
  return match.parameters.every(({ name, is }: NamedMatch) => fits(parameterOf(path, name), is));
}

export function matchesText(given: Value, wanted: TextMatch, where: FieldRef): boolean {
  if (given === undefined) return false;
  if (given === UNSAID)
    throw new Undetermined(
      'a route depends on a header that each client sets itself, and the request does not give it: say it with ' +
        '--header (headers in a test)',
      [where],
    );
  if (given === PERHAPS)
    throw new Undetermined(
      'a route depends on a header that another route computes from the request: there is none where the result is empty',
      [where],
    );
  if (wanted.kind === 'present') return true;
  if (given === SOME_VALUE)
    throw new Undetermined('the model does not know the values of headers that proxies set', [where]);
  if (typeof given !== 'string') return given.some((one) => matchesText(one, wanted, where));
  const { kind, text, ignoreCase } = wanted;
  const fold = (value: string) => (ignoreCase ? value.toLowerCase() : value);
  if (kind === 'exact') return fold(given) === fold(text);
  if (kind === 'prefix') return fold(given).startsWith(fold(text));
  return regularExpression(text, where, true).test(given);
}
