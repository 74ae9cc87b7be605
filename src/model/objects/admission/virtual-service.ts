import { isIP } from 'net';
import { expressionProblems } from './expressions';
import {
  exportProblems,
  isFullName,
  isLabel,
  isName,
  labelProblems,
  LONGEST_NAME,
  nameProblems,
  portProblems,
  Problems,
  rangeProblems,
  repeatedIn,
  shareProblems,
  subsetNameProblems,
} from './names';
import { millisecondsOf } from '../../../schema/durations';
import { isAuthority, isWildcard } from '../../../istio/hosts';
import { FieldPath } from '../../../manifests/field-path';
import { SECTIONS } from '../../../manifests/routes';
import { HttpRoute, IstioSpecs, ItemOf, Of, Route } from '../../../manifests/specs';

type Spec = IstioSpecs['VirtualService'];
type HttpMatch = ItemOf<HttpRoute['match']>;
type Headers = Of<HttpRoute, 'headers'>;

export function* virtualServiceProblems(spec: Spec, namespace: string): Problems {
  const { hosts = [], gateways = [], http = [], tls = [], tcp = [], exportTo } = spec;
  const isForSidecars = gateways.length === 0 || gateways.includes('mesh');
  if (hosts.length === 0)
    for (const field of ['gateways', 'tls', 'tcp'] as const)
      if (spec[field]?.length) yield { field: `spec.${field}`, problem: 'is not allowed without hosts' };
  yield* gatewayNameProblems('spec.gateways', gateways);
  const twice = repeatedIn(hosts);
  const own = new Set(hosts);
  const suffixes = new Set(hosts.filter(isWildcard).map((host) => host.slice(1)));
  const isOwn = (name: string) => own.has(name) || wildcardFor(name, suffixes) !== undefined;
  for (const [at, host] of hosts.entries()) {
    const field: FieldPath = `spec.hosts[${at}]`;
    if (isForSidecars && host === '*') yield { field, problem: '"*" is not allowed for sidecars, only for a Gateway' };
    if (isIP(host) === 0 && !(host.startsWith('outbound_') && !isForSidecars)) yield* nameProblems(field, host);
    const same = twice.has(at) ? host : wildcardFor(host, suffixes, isWildcard(host) ? 2 : 0);
    if (same !== undefined) yield { field, problem: `${same} stands for ${host} too` };
  }
  if (http.length + tls.length + tcp.length === 0) yield { field: 'spec', problem: 'has no routes' };
  for (const [at, route] of http.entries())
    yield* httpProblems(route, `spec.http[${at}]`, hosts.length === 0, hosts.length === 0 || !isForSidecars);
  for (const [at, route] of tls.entries()) {
    const field: FieldPath = `spec.tls[${at}]`;
    if (!route.match?.length) yield { field: `${field}.match`, problem: 'is missing' };
    for (const [index, match] of (route.match ?? []).entries()) {
      const place: FieldPath = `${field}.match[${index}]`;
      yield* serverNameProblems(match.sniHosts, `${place}.sniHosts`, isOwn, isForSidecars);
      yield* connectionMatchProblems(match, place);
    }
  }
  for (const [at, { match }] of tcp.entries())
    for (const [index, one] of (match ?? []).entries())
      yield* connectionMatchProblems(one, `spec.tcp[${at}].match[${index}]`);
  for (const section of SECTIONS)
    for (const [at, route] of (spec[section] ?? []).entries())
      yield* destinationsProblems(route, `spec.${section}[${at}]`, section !== 'http');
  yield* exportProblems(exportTo, namespace);
}

/** The wildcard with the shortest end that stands for a name too: by what follows its "*", from a place in the name on. */
function wildcardFor(name: string, suffixes: ReadonlySet<string>, from = 0): string | undefined {
  const first = Math.max(from, name.length - LONGEST_NAME);
  if (suffixes.size > 0)
    for (let at = name.length; at >= first; at--) if (suffixes.has(name.slice(at))) return `*${name.slice(at)}`;
  return undefined;
}

function* gatewayNameProblems(field: FieldPath, names: readonly string[] | undefined): Problems {
  for (const name of names ?? []) {
    const [namespace, ...rest] = name.split('/');
    const isGateway = rest.length === 0 ? isFullName(name) : isLabel(namespace) && isLabel(rest.join('/'));
    if (!isGateway) yield { field, problem: `"${name}" is not a Gateway's name, nor <namespace>/<name>` };
    // Istio looks no further than the first one without a namespace.
    if (rest.length === 0) return;
  }
}

function* serverNameProblems(
  names: readonly string[] | undefined,
  field: FieldPath,
  isOwn: (name: string) => boolean,
  isForSidecars: boolean,
): Problems {
  if (!names?.length) yield { field, problem: 'is missing' };
  for (const name of names ?? []) {
    // Of an address, Istio only warns.
    if (isIP(name) !== 0 || (name.startsWith('outbound_') && !isForSidecars)) continue;
    if (!isName(name)) yield { field, problem: `"${name}" is not the name of a host` };
    if (!isOwn(name)) yield { field, problem: `${name} is not one of the hosts of the VirtualService` };
  }
}

type ConnectionMatch = ItemOf<ItemOf<Spec['tls']>['match']> | ItemOf<ItemOf<Spec['tcp']>['match']>;

function* connectionMatchProblems(match: ConnectionMatch, field: FieldPath): Problems {
  yield* rangeProblems(`${field}.destinationSubnets`, match.destinationSubnets);
  yield* callerProblems(match, field);
}

/** What all matches ask of the caller and its connection. */
function* callerProblems(match: ConnectionMatch | HttpMatch, field: FieldPath): Problems {
  if (match.port !== 0) yield* portProblems(`${field}.port`, match.port);
  yield* labelProblems(`${field}.sourceLabels`, match.sourceLabels);
  yield* gatewayNameProblems(`${field}.gateways`, match.gateways);
}

function* destinationsProblems({ route = [] }: Route, field: FieldPath, isNeeded: boolean): Problems {
  if (isNeeded && route.length === 0) yield { field: `${field}.route`, problem: 'is missing' };
  for (const [at, { destination, weight = 0 }] of route.entries()) {
    const own: FieldPath = `${field}.route[${at}]`;
    yield* destinationProblems(destination, `${own}.destination`);
    if (weight < 0) yield { field: `${own}.weight`, problem: `${weight} is below 0` };
  }
  if (route.length > 1 && route.every(({ weight }) => !weight))
    yield { field: `${field}.route`, problem: 'none of the destinations has a weight' };
}

function* destinationProblems(
  destination: Of<ItemOf<HttpRoute['route']>, 'destination'> | undefined,
  field: FieldPath,
): Problems {
  if (!destination) return;
  const { host = '', subset, port } = destination;
  if (isIP(host) !== 0) yield { field: `${field}.host`, problem: `${host} is an address, not the name of a service` };
  if (host === '*' || !isName(host)) yield { field: `${field}.host`, problem: `"${host}" is not the name of a host` };
  if (subset) yield* subsetNameProblems(`${field}.subset`, subset);
  if (port) yield* portProblems(`${field}.port.number`, port.number ?? 0);
}

/** What a rule does with a request, of which it can do one. */
const ACTIONS = ['route', 'redirect', 'directResponse'] as const;

function* httpProblems(rule: HttpRoute, field: FieldPath, isDelegate: boolean, isForGateways: boolean): Problems {
  const given = ACTIONS.filter((name) => (name === 'route' ? rule.route?.length : rule[name]));
  if (rule.delegate && isDelegate)
    yield { field: `${field}.delegate`, problem: 'a VirtualService without hosts cannot delegate' };
  if (rule.delegate && !isDelegate) {
    const beside = rule.route?.length ? 'route' : rule.redirect && 'redirect';
    if (beside) yield { field: `${field}.${beside}`, problem: 'is not allowed beside delegate' };
  } else {
    if (given.length === 0) yield { field, problem: 'has neither route nor redirect nor directResponse' };
    if (given.length > 1) yield { field: `${field}.${given[1]}`, problem: `is not allowed beside ${given[0]}` };
    const aside = given[0] === 'route' ? undefined : (['fault', 'rewrite'] as const).find((name) => rule[name]);
    if (aside) yield { field: `${field}.${aside}`, problem: `is not allowed beside ${given[0]}` };
    if (rule.mirror && rule.mirrors?.length)
      yield { field: `${field}.mirrors`, problem: 'is not allowed beside mirror' };
  }
  for (const [at, match] of (rule.match ?? []).entries())
    yield* httpMatchProblems(match, `${field}.match[${at}]`, isForGateways);
  if (rule.headers) yield* headersProblems(rule.headers, `${field}.headers`);
  for (const [at, { headers }] of (rule.route ?? []).entries())
    if (headers) yield* headersProblems(headers, `${field}.route[${at}].headers`);
  yield* corsProblems(rule, field);
  yield* faultProblems(rule, field);
  yield* mirrorProblems(rule, field);
  yield* redirectProblems(rule, field);
  yield* statusProblems(`${field}.directResponse.status`, rule.directResponse?.status);
  yield* retryProblems(rule, field);
  yield* rewriteProblems(rule, field);
}

/** As Istio reads them, whatever is between the brackets or after the dot. */
const CLAIM = /^@request\.auth\.claims(\.[^]|\[[^]+\]$)/i;

function* httpMatchProblems(match: HttpMatch, field: FieldPath, isForGateways: boolean): Problems {
  if (match.uri) yield* expressionProblems(`${field}.uri.regex`, match.uri.regex);
  for (const name of ['scheme', 'method', 'authority'] as const)
    if (match[name]) yield* textMatchProblems(`${field}.${name}`, match[name]);
  for (const name of ['headers', 'withoutHeaders', 'queryParams'] as const)
    for (const [key, one] of Object.entries(match[name] ?? {})) {
      const own: FieldPath = `${field}.${name}["${key}"]`;
      const isClaim = name !== 'queryParams' && CLAIM.test(key);
      if (isClaim && !isForGateways)
        yield { field: own, problem: 'claims are only known at a Gateway: gateways must name one, and not mesh' };
      if (name !== 'queryParams' && !isClaim && !/^[^\s]+$/.test(key))
        yield { field: own, problem: `"${key}" is not the name of a header` };
      // As the value of a header that must be missing, it stands for any.
      if (name !== 'withoutHeaders' || one?.regex !== '*') yield* textMatchProblems(own, one);
    }
  yield* callerProblems(match, field);
  if (match.sourceNamespace && !isLabel(match.sourceNamespace))
    yield { field: `${field}.sourceNamespace`, problem: `"${match.sourceNamespace}" is not a namespace` };
}

type TextMatch = { readonly prefix?: string; readonly regex?: string } | null | undefined;

function* textMatchProblems(field: FieldPath, match: TextMatch): Problems {
  if (match?.prefix === '') yield { field: `${field}.prefix`, problem: 'is empty' };
  yield* expressionProblems(`${field}.regex`, match?.regex);
}

const IN_TEXT = String.raw`(?:\\[^]|[^\\)"])*`;
const ARGUMENTS = String.raw` *(?:\[ *"|[^[ ])(?:${IN_TEXT}" *, *")*${IN_TEXT}(?:" *\] *)?`;
/** Text in which "%%" stands for "%", and what else is between two of them, for a variable that may have arguments. */
const HEADER_VALUE = new RegExp(String.raw`^(?:[^%]|%%|%[^%(]+%|%[^%(]*\(${ARGUMENTS}\) *%)*$`);

/** Of longer ones than any object may be, the expression takes too much memory. */
const LONGEST_VALUE = 2 ** 20;

function* headersProblems(headers: Headers, field: FieldPath): Problems {
  for (const part of ['request', 'response'] as const) {
    const { add = {}, set = {}, remove = [] } = headers[part] ?? {};
    const values = [...Object.entries(add), ...Object.entries(set)];
    for (const [name] of [...values, ...remove.map((one) => [one])]) {
      const mayBeHost = part === 'request' && !remove.includes(name);
      if (name === '' || (isAuthority(name) ? !mayBeHost : name.startsWith(':')))
        yield { field: `${field}.${part}`, problem: `"${name}" is not a header that a route can change` };
    }
    for (const [name, value] of values)
      if (value.length < LONGEST_VALUE && !HEADER_VALUE.test(value))
        yield { field: `${field}.${part}`, problem: `${name} has a "%" that is not written "%%"` };
  }
}

function* corsProblems({ corsPolicy }: HttpRoute, rule: FieldPath): Problems {
  if (!corsPolicy) return;
  const field: FieldPath = `${rule}.corsPolicy`;
  for (const [at, origin] of (corsPolicy.allowOrigins ?? []).entries()) {
    const own: FieldPath = `${field}.allowOrigins[${at}]`;
    if (!origin?.exact && !origin?.prefix && !origin?.regex) yield { field: own, problem: 'matches nothing' };
    yield* expressionProblems(`${own}.regex`, origin?.regex);
  }
  const method = corsPolicy.allowMethods?.find((one) => !METHODS.includes(one));
  if (method !== undefined) yield { field: `${field}.allowMethods`, problem: `${method} is not a method of HTTP` };
  for (const name of ['allowHeaders', 'exposeHeaders'] as const)
    if (corsPolicy[name]?.some((header) => !/^[^\s]+$/.test(header)))
      yield { field: `${field}.${name}`, problem: 'has something that is not the name of a header' };
  const nanoseconds = Math.round(millisecondsOf(corsPolicy.maxAge ?? '') * 1e6);
  if (nanoseconds % 1e9 !== 0)
    yield { field: `${field}.maxAge`, problem: `${corsPolicy.maxAge} is not in whole seconds` };
}

const METHODS: readonly string[] = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE'],
  '*',
];

function* faultProblems({ fault }: HttpRoute, rule: FieldPath): Problems {
  if (!fault) return;
  const field: FieldPath = `${rule}.fault`;
  const { abort, delay } = fault;
  if (!abort && !delay) yield { field, problem: 'has neither abort nor delay' };
  for (const name of ['abort', 'delay'] as const) {
    const percentage = fault[name]?.percentage?.value ?? 0;
    if (percentage !== 0 && (percentage < 0.0001 || percentage > 100))
      yield { field: `${field}.${name}.percentage`, problem: `${percentage} is not a percentage from 0.0001 to 100` };
  }
  yield* statusProblems(`${field}.abort.httpStatus`, abort?.httpStatus);
  if (abort?.http2Error !== undefined) yield { field: `${field}.abort.http2Error`, problem: 'is not supported' };
  if (abort?.grpcStatus !== undefined && !GRPC_STATUSES.includes(abort.grpcStatus))
    yield { field: `${field}.abort.grpcStatus`, problem: `${abort.grpcStatus} is not a status of gRPC` };
  if (delay?.exponentialDelay) yield { field: `${field}.delay.exponentialDelay`, problem: 'is not supported' };
}

const GRPC_STATUSES: readonly string[] = [
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS',
  'UNAUTHENTICATED',
].flatMap((line) => line.split(' '));

function* statusProblems(field: FieldPath, status: number | undefined): Problems {
  if (status !== undefined && (status < 200 || status > 600))
    yield { field, problem: `${status} is not a status from 200 to 599` };
}

function* mirrorProblems(
  { mirror, mirrors, mirrorPercentage, mirrorPercent, ...older }: HttpRoute & { readonly mirror_percent?: number },
  rule: FieldPath,
): Problems {
  yield* destinationProblems(mirror, `${rule}.mirror`);
  yield* shareProblems(`${rule}.mirrorPercentage`, mirrorPercentage?.value);
  yield* shareProblems(`${rule}.mirrorPercent`, mirrorPercent ?? older.mirror_percent);
  for (const [at, { destination, percentage }] of (mirrors ?? []).entries()) {
    yield* destinationProblems(destination, `${rule}.mirrors[${at}].destination`);
    yield* shareProblems(`${rule}.mirrors[${at}].percentage`, percentage?.value);
  }
}

function* redirectProblems({ redirect, match }: HttpRoute, rule: FieldPath): Problems {
  if (!redirect) return;
  const field: FieldPath = `${rule}.redirect`;
  const { uri, prefixRewrite, authority, scheme, port, derivePort, redirectCode } = redirect;
  if (uri && prefixRewrite) yield { field, problem: 'only one of uri and prefixRewrite can be set' };
  if (prefixRewrite && match?.some((one) => one.uri && one.uri.prefix === undefined))
    yield { field: `${field}.prefixRewrite`, problem: 'needs matches by prefix' };
  if (!uri && !prefixRewrite && !authority && !scheme && port === undefined && derivePort === undefined)
    yield { field, problem: 'changes nothing' };
  if (redirectCode && (redirectCode < 300 || redirectCode > 399))
    yield { field: `${field}.redirectCode`, problem: `${redirectCode} is not a status of a redirect` };
  if (scheme && scheme !== 'http' && scheme !== 'https')
    yield { field: `${field}.scheme`, problem: `${scheme} is not allowed; it is http or https` };
  if (port) yield* portProblems(`${field}.port`, port);
}

const RETRIED: ReadonlySet<string> = new Set([
  ...['5xx', 'gateway-error', 'reset', 'reset-before-request', 'connect-failure', 'retriable-4xx', 'refused-stream'],
  ...['retriable-status-codes', 'retriable-headers', 'envoy-ratelimited', 'http3-post-connect-failure', 'cancelled'],
  ...['deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable'],
]);

function* retryProblems({ retries }: HttpRoute, rule: FieldPath): Problems {
  if (!retries) return;
  const field: FieldPath = `${rule}.retries`;
  const { attempts = 0, perTryTimeout, retryOn, retryRemoteLocalities } = retries;
  if (attempts < 0) yield { field: `${field}.attempts`, problem: `${attempts} is below 0` };
  if (attempts === 0 && (perTryTimeout !== undefined || retryOn || (retryRemoteLocalities ?? undefined) !== undefined))
    yield { field, problem: 'has settings, and no attempts' };
  const wrong = retryOn?.split(',').find((one) => !RETRIED.has(one) && !/^[1-5]\d\d$/.test(one));
  if (retryOn && wrong !== undefined)
    yield { field: `${field}.retryOn`, problem: `"${wrong}" is not a reason to try again` };
}

function* rewriteProblems({ rewrite, headers }: HttpRoute, rule: FieldPath): Problems {
  const authorities = [
    ...(rewrite?.authority ? [rewrite.authority] : []),
    ...[headers?.request?.set, headers?.request?.add].flatMap((values) =>
      Object.entries(values ?? {}).flatMap(([name, value]) => (isAuthority(name) ? [value] : [])),
    ),
  ];
  if (authorities.length > 1) yield { field: rule, problem: `the authority is set twice: ${authorities.join(', ')}` };
  if (!rewrite) return;
  const field: FieldPath = `${rule}.rewrite`;
  const { uri, uriRegexRewrite, authority } = rewrite;
  if (uri && uriRegexRewrite) yield { field, problem: 'only one of uri and uriRegexRewrite can be set' };
  if (!uri && !uriRegexRewrite && !authority) yield { field, problem: 'changes nothing' };
  if (!uriRegexRewrite) return;
  if (!uriRegexRewrite.match || !uriRegexRewrite.rewrite)
    yield { field: `${field}.uriRegexRewrite`, problem: 'needs match and rewrite' };
  yield* expressionProblems(`${field}.uriRegexRewrite.match`, uriRegexRewrite.match);
}
