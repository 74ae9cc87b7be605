import {
  ConnectionMatch,
  ConnectionRoute,
  HeaderChanges,
  HttpAction,
  HttpMatch,
  HttpRoute,
  NamedMatch,
  PathChange,
  ProxyMatch,
  Rewrite,
  Routes,
  Target,
  TextMatch,
} from './route';
import { ruleRejectionOf } from './rejected-rules';
import { Delegates, delegatedRules, MergedRule, ownMatches, PlacedMatch, Rule } from './delegation';
import { FieldRef } from '../answer/answer';
import { fieldRef } from '../answer/field-ref';
import { Shape, unknownIn } from '../answer/known-fields';
import { exportedTo } from '../objects/service';
import { isOfConnection, isToken, namesInLowerCase } from '../requests/http-request';
import { Undetermined } from '../answer/undetermined';
import { millisecondsOf } from '../../schema/durations';
import { fullHost } from '../../istio/hosts';
import { FieldPath } from '../../manifests/field-path';
import { Indexed } from '../../manifests/indexed';
import { fullGateway } from '../../manifests/routes';
import { IstioSpecs, ItemOf, Of } from '../../manifests/specs';

type Spec = IstioSpecs['VirtualService'];
type Http = ItemOf<Spec['http']>;
type Match = ItemOf<Http['match']>;
type Connection = ItemOf<Spec['tls']> | ItemOf<Spec['tcp']>;
type Destination = Of<ItemOf<Http['route']>, 'destination'>;
type Text = Of<Match, 'uri'>;
type Headers = Of<Http, 'headers'>;

const MESH = ['mesh'];

/** The routes of a VirtualService; its rules are read when a proxy first needs them. */
export class VirtualServiceRoutes implements Routes {
  public readonly hosts: readonly string[];
  public readonly gateways: readonly string[];
  public readonly exportTo: readonly string[];

  private readonly read: {
    http?: readonly HttpRoute[];
    tls?: readonly ConnectionRoute[];
    tcp?: readonly ConnectionRoute[];
  } = {};

  constructor(
    public readonly object: Indexed<Spec>,
    defaultExportTo: readonly string[],
    private readonly delegates: Delegates,
  ) {
    const { hosts, gateways } = object.spec;
    this.hosts = (hosts ?? []).map((host) => fullHost(host, object));
    this.gateways = gateways?.length ? gateways.map((name) => fullGateway(name, object.namespace)) : MESH;
    this.exportTo = exportedTo(object, defaultExportTo);
  }

  public get http(): readonly HttpRoute[] {
    return (this.read.http ??= (this.object.spec.http ?? []).flatMap((http, index) => {
      const rule: Rule = { object: this.object, http, at: `spec.http[${index}]` };
      const rules = http.delegate ? delegatedRules(rule, this.delegates) : [{ matches: ownMatches(rule), ...rule }];
      return rules.map(httpRoute);
    }));
  }

  public get tls(): readonly ConnectionRoute[] {
    return (this.read.tls ??= connectionRoutes(this.object, 'tls', this.object.spec.tls));
  }

  public get tcp(): readonly ConnectionRoute[] {
    return (this.read.tcp ??= connectionRoutes(this.object, 'tcp', this.object.spec.tcp));
  }
}

function httpRoute(merged: MergedRule): HttpRoute {
  const { object, http, at, matches, root } = merged;
  const { fault, redirect, rewrite, retries, timeout } = http;
  const placeOf = (field: keyof Http) =>
    root && root.inherits.has(field) ? { object: root.object, at: root.at } : { object, at };
  const where = (field: keyof Http, below = '') => {
    const place = placeOf(field);
    return fieldRef(place.object, `${place.at}.${field}${below}`);
  };
  const unknown = (value: object | undefined, shape: Shape, field: keyof Http, below = '') => {
    const place = placeOf(field);
    return unknownIn(place.object, value, shape, `${place.at}.${field}${below}`);
  };
  const limits = [
    { kind: 'all' as const, given: timeout, cause: () => where('timeout') },
    { kind: 'try' as const, given: retries?.perTryTimeout, cause: () => where('retries', '.perTryTimeout') },
  ].flatMap(({ kind, given, cause }) => {
    const milliseconds = given === undefined ? 0 : millisecondsOf(given);
    return milliseconds > 0 ? [{ kind, milliseconds, cause: cause() }] : [];
  });
  const mirrorsOf = (
    field: 'mirror' | 'mirrors',
    destination: Destination | undefined,
    percentage: { readonly value?: number } | undefined,
    below = '',
  ) => {
    const place = placeOf(field);
    return targetOf(
      place.object,
      destination,
      `${place.at}.${field}${below}`,
      percentage ? (percentage.value ?? 0) : 100,
    );
  };
  return {
    object,
    matches: matches.map((match) => httpMatch(match)),
    unknown:
      unknownIn(object, object.spec, 'virtualService', 'spec') ??
      unknownIn(object, http, 'httpRoute', at) ??
      (root && unknownIn(root.object, root.object.spec, 'virtualService', 'spec')) ??
      (root && unknownIn(root.object, root.http, 'httpRoute', root.at)) ??
      (fault?.abort && unknown(fault, 'fault', 'fault')) ??
      unknown(fault?.abort, 'abort', 'fault', '.abort') ??
      unknown(redirect, 'redirect', 'redirect') ??
      unknown(rewrite, 'rewrite', 'rewrite') ??
      doubtOfResponse(http, where('headers')),
    rejected: ruleRejectionOf(merged, where),
    ...(http.corsPolicy && { preflights: preflightsOf(http.corsPolicy, where('corsPolicy')) }),
    ...(fault?.delay?.fixedDelay && {
      delay: {
        share: fault.delay.percentage?.value ?? fault.delay.percent ?? 0,
        milliseconds: millisecondsOf(fault.delay.fixedDelay),
        where: where('fault', '.delay'),
      },
    }),
    // Without a status, or without a percentage, Istio aborts nothing.
    ...(fault?.abort &&
      (fault.abort.httpStatus ?? fault.abort.grpcStatus) !== undefined && {
        abort: {
          share: fault.abort.percentage?.value ?? 0,
          status: fault.abort.httpStatus ?? 200,
          grpcStatus: fault.abort.grpcStatus,
          where: where('fault', '.abort'),
        },
      }),
    action: actionOf(object, http, at, where('directResponse')),
    ...((http.mirror || http.mirrors?.length) && { mirror: where(http.mirror ? 'mirror' : 'mirrors') }),
    mirrors: [
      ...(http.mirror ? [mirrorsOf('mirror', http.mirror, http.mirrorPercentage ?? ofWhole(http.mirrorPercent))] : []),
      ...(http.mirrors ?? []).map(({ destination, percentage }, index) =>
        mirrorsOf('mirrors', destination, percentage, `[${index}].destination`),
      ),
    ],
    limits,
    tellsLimit: timeout !== undefined && millisecondsOf(timeout) > 0,
    ...(retries && {
      retries: {
        attempts: retries.attempts ?? 0,
        on: (retries.retryOn ?? '').split(',').map((one) => one.trim()),
        where: where('retries'),
      },
    }),
    ...(rewrite && { rewrite: rewriteOf(rewrite, where('rewrite', '.uriRegexRewrite')) }),
    ...headerChanges(http.headers),
    responses: setInResponse(http.headers),
    ...([http, ...(http.route ?? [])].some(({ headers }) => changesLocation(headers)) && {
      relocates: where('headers'),
    }),
  };
}

function preflightsOf({ allowOrigins, allowOrigin, unmatchedPreflights }: Of<Http, 'corsPolicy'>, where: FieldRef) {
  const origins = allowOrigins ?? (allowOrigin ?? []).map((exact) => ({ exact }));
  return { origins: origins.map((one) => textMatch(one)), ignoresOthers: unmatchedPreflights === 'IGNORE', where };
}

/** What is not known of responses, since a route sets their headers. */
function doubtOfResponse({ headers, route = [] }: Http, where: FieldRef): Undetermined | undefined {
  const set = [headers, ...route.map((one) => one.headers)].flatMap(setInResponse);
  if (set.some(([name]) => isOfConnection(name.toLowerCase())))
    return new Undetermined('a route sets a header of responses that is about the connection or their length', [where]);
  const odd = set.find(([name, value]) => value !== '' && !isToken(name));
  return (
    odd &&
    new Undetermined(
      `a route sets the header ${JSON.stringify(odd[0])} of responses, which is not a name that everybody reads`,
      [where],
    )
  );
}

function setInResponse(headers: Headers | undefined): [name: string, value: string][] {
  return Object.entries({ ...headers?.response?.add, ...headers?.response?.set });
}

function changesLocation(headers: Headers | undefined): boolean {
  const names = setInResponse(headers).map(([name]) => name);
  return [...names, ...(headers?.response?.remove ?? [])].some((name) => name.toLowerCase() === 'location');
}

function actionOf(
  object: Indexed<Spec>,
  { redirect, directResponse, route = [] }: Http,
  at: FieldPath,
  responseWhere: FieldRef,
): HttpAction {
  if (redirect) {
    const { uri, authority, scheme, port, derivePort, redirectCode, prefixRewrite } = redirect;
    const path: PathChange | undefined = prefixRewrite
      ? { kind: 'matched', by: prefixRewrite }
      : uri
        ? { kind: 'whole', path: uri }
        : undefined;
    return {
      kind: 'redirect',
      where: fieldRef(object, `${at}.redirect`),
      status: redirectCode || 301,
      ...(scheme && { scheme }),
      ...(authority && { authority }),
      port: port ?? (derivePort === 'FROM_REQUEST_PORT' ? 'as-asked' : undefined),
      path,
    };
  }
  if (directResponse) return { kind: 'respond', where: responseWhere, status: directResponse.status! };
  return {
    kind: 'forward',
    where: fieldRef(object, `${at}.route`),
    targets: route.map(({ destination, weight, headers }, index) =>
      targetOf(object, destination, `${at}.route[${index}].destination`, weight, headers),
    ),
  };
}

function rewriteOf({ authority, uri, uriRegexRewrite }: Of<Http, 'rewrite'>, where: FieldRef): Rewrite {
  const path: PathChange | undefined = uriRegexRewrite
    ? {
        kind: 'found',
        expression: uriRegexRewrite.match ?? '',
        by: uriRegexRewrite.rewrite ?? '',
        where,
      }
    : uri
      ? { kind: 'matched', by: uri }
      : undefined;
  return { ...(authority && { authority }), ...(path && { path }) };
}

function headerChanges(headers: Headers | undefined): { headers?: HeaderChanges } {
  if (!headers) return {};
  const { add, set, remove } = headers.request ?? {};
  const names = (remove ?? []).map((name) => name.toLowerCase());
  return { headers: { add: namesInLowerCase(add), set: namesInLowerCase(set), remove: names } };
}

function httpMatch({ object, match, at }: PlacedMatch): HttpMatch {
  return {
    where: fieldRef(object, at),
    proxies: proxyMatch(object, match),
    unknown: unknownIn(object, match, 'httpMatch', at),
    ...(match.uri && { path: textMatch(match.uri, match.ignoreUriCase) }),
    ...(match.method && { method: textMatch(match.method) }),
    ...(match.authority && { authority: textMatch(match.authority) }),
    ...(match.scheme && { scheme: textMatch(match.scheme) }),
    headers: [
      ...named(match.headers).map((one) => ({ isNot: false, ...one })),
      ...named(match.withoutHeaders).map((one) => ({ isNot: true, ...one })),
    ],
    parameters: named(match.queryParams),
  };
}

function named(matches: Readonly<Record<string, Text | null>> | undefined): NamedMatch[] {
  return Object.entries(matches ?? {}).map(([name, wanted]) => ({
    name,
    is: wanted?.regex === '*' ? { kind: 'present' } : textMatch(wanted ?? {}),
    // A name that begins with @ asks for a claim: @request.auth.claims.group
    ...(name.startsWith('@') && { isClaim: true }),
  }));
}

/** Whether case is ignored is not asked of a regular expression. A pattern that says nothing fits any value. */
function textMatch({ exact, prefix, regex }: Text, ignoreCase?: boolean): TextMatch {
  const how = ignoreCase ? { ignoreCase } : {};
  if (exact !== undefined) return { kind: 'exact', text: exact, ...how };
  if (prefix !== undefined) return { kind: 'prefix', text: prefix, ...how };
  return regex === undefined ? { kind: 'present' } : { kind: 'regex', text: `${regex}` };
}

function connectionRoutes(
  object: Indexed<Spec>,
  section: 'tls' | 'tcp',
  routes: readonly Connection[] | undefined,
): ConnectionRoute[] {
  return (routes ?? []).map(({ match, route }, index): ConnectionRoute => {
    const at: FieldPath = `spec.${section}[${index}]`;
    return {
      where: fieldRef(object, at),
      matches: (match ?? []).map((one, place): ConnectionMatch => ({
        where: fieldRef(object, `${at}.match[${place}]`),
        proxies: proxyMatch(object, one),
        serverNames: ('sniHosts' in one ? one.sniHosts : undefined) ?? [],
        ranges: one.destinationSubnets ?? [],
      })),
      targets: (route ?? []).map(({ destination, weight }, place) =>
        targetOf(object, destination, `${at}.route[${place}].destination`, weight),
      ),
    };
  });
}

function proxyMatch(
  { namespace }: Indexed,
  { port, gateways, sourceLabels, sourceNamespace }: Match | ItemOf<Connection['match']>,
): ProxyMatch {
  return {
    gateways: (gateways ?? []).map((name) => fullGateway(name, namespace)),
    ...(port && { port }),
    ...(sourceLabels && { labels: sourceLabels as Readonly<Record<string, string>> }),
    ...(sourceNamespace && { namespace: sourceNamespace }),
  };
}

/** The older form of a percentage. */
function ofWhole(value: number | undefined): { readonly value: number } | undefined {
  return value === undefined ? undefined : { value };
}

function targetOf(
  object: Indexed<Spec>,
  destination: Destination | undefined,
  at: FieldPath,
  weight = 0,
  headers?: Headers,
): Target {
  const { host, port, subset } = destination ?? {};
  return {
    host: host ? fullHost(host, object) : '',
    ...(port?.number && { port: port.number }),
    ...(subset && { subset, subsetWhere: fieldRef(object, `${at}.subset`) }),
    weight,
    where: fieldRef(object, at),
    ...headerChanges(headers),
    responses: setInResponse(headers),
  };
}
