import { FieldRef } from './answer';
import { Destination, destinationOf } from './destination';
import { fieldRef } from './field-ref';
import { unknownField } from './known-fields';
import { SOME_VALUE, Value } from './policies/patterns';
import { Scope } from './scope';
import { Service } from './service';
import { Undetermined } from './undetermined';
import { VirtualService } from './virtual-service';
import { Indexed } from '../manifests/indexed';
import { selects } from '../manifests/selectors';

/** A route of a proxy: a rule in the http section of a VirtualService, and one of its matches. */
export interface RouteEntry {
  readonly object: Indexed;
  /** Field path of the rule. */
  readonly field: string;
  readonly http: any;
  readonly match?: any;
  readonly matchField?: string;
  readonly isCatchAll: boolean;
  readonly destinations: readonly (Destination & { readonly headers?: any })[];
}

/** A request as a proxy reads it. */
export interface HttpRequest {
  method: string;
  path: string;
  authority: string;
  /** Names in lower case. */
  headers: Map<string, string>;
  /** What the proxy that reads it now takes for its scheme. @default "http" */
  readonly scheme?: 'http' | 'https';
  /** The header x-forwarded-proto, as the proxy that reads it now sets or passes it. */
  readonly forwardedProto?: string;
  /** Headers that proxies have set to values of their own. */
  readonly setByProxies?: ReadonlySet<string>;
}

/** The entries that a proxy has on a port, in order, up to the first one that matches everything. */
export function routeEntries(
  scope: Scope,
  virtualServices: readonly VirtualService[],
  gateway: string,
  port: number,
): RouteEntry[] {
  const entries: RouteEntry[] = [];
  for (const { object } of virtualServices) {
    ruleLoop: for (const [index, http] of ((object.spec.http ?? []) as any[]).entries()) {
      const field = `spec.http[${index}]`;
      if (!http.match?.length) {
        entries.push({ object, field, http, isCatchAll: true, destinations: [] });
        break;
      }
      for (const [at, match] of http.match.entries()) {
        if (!httpMatchAppliesToProxy(match, scope, gateway, port, object.namespace)) continue;
        const isCatchAll = matchesEverything(match);
        entries.push({ object, field, http, match, matchField: `${field}.match[${at}]`, isCatchAll, destinations: [] });
        if (isCatchAll) break ruleLoop;
      }
    }
  }
  return entries;
}

/** The entry with the clusters that its route leads to. `lookUp` finds the service of a destination's host. */
export function withDestinations(
  scope: Scope,
  entry: RouteEntry,
  port: number,
  lookUp: (host: string) => Service | undefined,
): RouteEntry {
  const routes: any[] = entry.http.route ?? [];
  const isSingle = routes.length === 1;
  return {
    ...entry,
    destinations: routes.flatMap((route, index) => {
      if (!isSingle && !route.weight) return [];
      const field = `${entry.field}.route[${index}].destination`;
      const weight = isSingle ? 100 : route.weight;
      const destination = destinationOf(scope, entry.object, field, route.destination ?? {}, weight, port, lookUp);
      return [{ ...destination, headers: route.headers }];
    }),
  };
}

/** Whether a match applies to the proxy at all. If it names gateways, its labels and namespace do not count. */
function httpMatchAppliesToProxy(
  match: any,
  { proxy }: Scope,
  gateway: string,
  port: number,
  namespace: string,
): boolean {
  if (match.port && match.port !== port) return false;
  if (match.gateways?.length)
    return match.gateways.some((name: string) => name === gateway || `${namespace}/${name}` === gateway);
  return (
    selects(match.sourceLabels, proxy.labels) && (!match.sourceNamespace || match.sourceNamespace === proxy.namespace)
  );
}

function matchesEverything({ uri, method, authority, scheme, headers, withoutHeaders, queryParams }: any): boolean {
  const anyPath = !uri || uri.prefix === '/' || uri.regex === '.*';
  return anyPath && !method && !authority && !scheme && !size(headers) && !size(withoutHeaders) && !size(queryParams);
}

function size(value: any): number {
  return value ? Object.keys(value).length : 0;
}

/** The first entry that matches the request. */
export function firstMatchingEntry(entries: readonly RouteEntry[], request: HttpRequest): RouteEntry | undefined {
  return entries.find((entry) => {
    const unknown = entry.match && unknownField(entry.match, 'httpMatch');
    if (unknown) {
      throw new Undetermined(
        `the model does not know the field ${entry.matchField}.${unknown} of ${entry.object.kind}`,
        [fieldRef(entry.object, `${entry.matchField}.${unknown}`)],
      );
    }
    return !entry.match || matchesRequest(entry.match, request, fieldRef(entry.object, entry.matchField));
  });
}

function matchesRequest(match: any, request: HttpRequest, where: FieldRef): boolean {
  const { method, path, authority, scheme = 'http' } = request;
  const [plainPath, query = ''] = path.split('?');
  const text = (given: Value, wanted: any, ignoreCase = false) => {
    if (given === SOME_VALUE)
      throw new Undetermined('the model does not know the values of headers that proxies set', [where]);
    return given !== undefined && matchesText(given, wanted, where, ignoreCase);
  };
  if (match.uri && !text(plainPath, match.uri, match.ignoreUriCase)) return false;
  if (match.method && !text(method, match.method)) return false;
  if (match.authority && !text(authority, match.authority)) return false;
  if (match.scheme && !text(scheme, match.scheme)) return false;
  for (const [name, wanted] of Object.entries<any>(match.headers ?? {})) {
    if (name.startsWith('@')) throw new Undetermined('the model does not evaluate JWT claims', [where]);
    const value = headerOf(request, name);
    if (isPresence(wanted) ? value === undefined : !text(value, wanted)) return false;
  }
  for (const [name, wanted] of Object.entries<any>(match.withoutHeaders ?? {})) {
    const value = headerOf(request, name);
    if (isPresence(wanted) ? value !== undefined : text(value ?? '', wanted)) return false;
  }
  const parameters = new URLSearchParams(query);
  for (const [name, wanted] of Object.entries<any>(match.queryParams ?? {})) {
    const value = parameters.get(name) ?? undefined;
    if (isPresence(wanted) ? value === undefined : !text(value, wanted)) return false;
  }
  return true;
}

/** The value of a header as the proxy that reads the request knows it. */
export function headerOf(request: HttpRequest, name: string): Value {
  const key = name.toLowerCase();
  switch (key) {
    case ':authority':
    case 'host':
      return request.authority;
    case ':method':
      return request.method;
    case ':scheme':
      return request.scheme ?? 'http';
    case ':path':
      return request.path;
    case 'x-forwarded-proto':
      return request.forwardedProto ?? request.headers.get(key);
    default:
      return request.headers.get(key) ?? (request.setByProxies?.has(key) ? SOME_VALUE : undefined);
  }
}

function isPresence(wanted: any): boolean {
  return !wanted || size(wanted) === 0 || wanted.regex === '*';
}

export function matchesText(
  value: string,
  { exact, prefix, regex }: any,
  where: FieldRef,
  ignoreCase = false,
): boolean {
  const fold = (text: string) => (ignoreCase ? text.toLowerCase() : text);
  if (exact !== undefined) return fold(value) === fold(exact);
  if (prefix !== undefined) return fold(value).startsWith(fold(prefix));
  try {
    return new RegExp(`^(?:${regex})$`, ignoreCase ? 'i' : '').test(value);
  } catch {
    throw new Undetermined(`the model cannot evaluate the regular expression ${regex}`, [where]);
  }
}
