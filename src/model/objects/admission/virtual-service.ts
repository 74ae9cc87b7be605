import { isIP } from 'net';
import { checkExpression } from './expressions';
import {
  checkExport,
  isFullName,
  isLabel,
  isName,
  checkLabels,
  LONGEST_NAME,
  checkName,
  checkPort,
  reject,
  checkRanges,
  repeatedIn,
  checkShare,
  checkSubsetName,
} from './names';
import { millisecondsOf } from '../../../schema/durations';
import { CONTROL } from '../../../istio/envoy';
import { isAuthority, isWildcard } from '../../../istio/hosts';
import { FieldPath } from '../../../manifests/field-path';
import { SECTIONS } from '../../../manifests/routes';
import { HttpRoute, IstioSpecs, ItemOf, Of, Route } from '../../../manifests/specs';

type Spec = IstioSpecs['VirtualService'];
type HttpMatch = ItemOf<HttpRoute['match']>;
type Headers = Of<HttpRoute, 'headers'>;

export function checkVirtualService(spec: Spec, namespace: string): void {
  const { hosts = [], gateways = [], http = [], tls = [], tcp = [], exportTo } = spec;
  const isForSidecars = gateways.length === 0 || gateways.includes('mesh');
  if (hosts.length === 0)
    for (const field of ['gateways', 'tls', 'tcp'] as const)
      if (spec[field]?.length) reject(`spec.${field}`, 'is not allowed without hosts');
  checkGatewayNames('spec.gateways', gateways);
  const twice = repeatedIn(hosts);
  const own = new Set(hosts);
  const suffixes = new Set(hosts.filter(isWildcard).map((host) => host.slice(1)));
  const isOwn = (name: string) => own.has(name) || wildcardFor(name, suffixes) !== undefined;
  for (const [at, host] of hosts.entries()) {
    const field: FieldPath = `spec.hosts[${at}]`;
    if (isForSidecars && host === '*') reject(field, '"*" is not allowed for sidecars, only for a Gateway');
    if (isIP(host) === 0 && !(host.startsWith('outbound_') && !isForSidecars)) checkName(field, host);
    const same = twice.has(at) ? host : wildcardFor(host, suffixes, isWildcard(host) ? 2 : 0);
    if (same !== undefined) reject(field, `${same} stands for ${host} too`);
  }
  if (http.length + tls.length + tcp.length === 0) reject('spec', 'has no routes');
  for (const [at, route] of http.entries())
    checkHttp(route, `spec.http[${at}]`, hosts.length === 0, hosts.length === 0 || !isForSidecars);
  for (const [at, route] of tls.entries()) {
    const field: FieldPath = `spec.tls[${at}]`;
    if (!route.match?.length) reject(`${field}.match`, 'is missing');
    for (const [index, match] of route.match.entries()) {
      const place: FieldPath = `${field}.match[${index}]`;
      checkServerNames(match.sniHosts, `${place}.sniHosts`, isOwn, isForSidecars);
      checkConnectionMatch(match, place);
    }
  }
  for (const [at, { match }] of tcp.entries())
    for (const [index, one] of (match ?? []).entries()) checkConnectionMatch(one, `spec.tcp[${at}].match[${index}]`);
  for (const section of SECTIONS)
    for (const [at, route] of (spec[section] ?? []).entries())
      checkDestinations(route, `spec.${section}[${at}]`, section !== 'http');
  checkExport(exportTo, namespace);
}

/** The wildcard with the shortest end that stands for a name too: by what follows its "*", from a place in the name on. */
function wildcardFor(name: string, suffixes: ReadonlySet<string>, from = 0): string | undefined {
  const first = Math.max(from, name.length - LONGEST_NAME);
  if (suffixes.size > 0)
    for (let at = name.length; at >= first; at--) if (suffixes.has(name.slice(at))) return `*${name.slice(at)}`;
  return undefined;
}

function checkGatewayNames(field: FieldPath, names: readonly string[] | undefined): void {
  for (const name of names ?? []) {
    const [namespace, ...rest] = name.split('/');
    const isGateway = rest.length === 0 ? isFullName(name) : isLabel(namespace) && isLabel(rest.join('/'));
    if (!isGateway) reject(field, `"${name}" is not a Gateway's name, nor <namespace>/<name>`);
    // Istio looks no further than the first one without a namespace.
    if (rest.length === 0) return;
  }
}

function checkServerNames(
  names: readonly string[] | undefined,
  field: FieldPath,
  isOwn: (name: string) => boolean,
  isForSidecars: boolean,
): void {
  if (!names?.length) reject(field, 'is missing');
  for (const name of names) {
    // Of an address, Istio only warns.
    if (isIP(name) !== 0 || (name.startsWith('outbound_') && !isForSidecars)) continue;
    if (!isName(name)) reject(field, `"${name}" is not the name of a host`);
    if (!isOwn(name)) reject(field, `${name} is not one of the hosts of the VirtualService`);
  }
}

type ConnectionMatch = ItemOf<ItemOf<Spec['tls']>['match']> | ItemOf<ItemOf<Spec['tcp']>['match']>;

function checkConnectionMatch(match: ConnectionMatch, field: FieldPath): void {
  checkRanges(`${field}.destinationSubnets`, match.destinationSubnets);
  checkCaller(match, field);
}

/** What all matches ask of the caller and its connection. */
function checkCaller(match: ConnectionMatch | HttpMatch, field: FieldPath): void {
  if (match.port !== 0) checkPort(`${field}.port`, match.port);
  checkLabels(`${field}.sourceLabels`, match.sourceLabels);
  checkGatewayNames(`${field}.gateways`, match.gateways);
}

function checkDestinations({ route = [] }: Route, field: FieldPath, isNeeded: boolean): void {
  if (isNeeded && route.length === 0) reject(`${field}.route`, 'is missing');
  for (const [at, { destination, weight = 0 }] of route.entries()) {
    const own: FieldPath = `${field}.route[${at}]`;
    checkDestination(destination, `${own}.destination`);
    if (weight < 0) reject(`${own}.weight`, `${weight} is below 0`);
  }
  if (route.length > 1 && route.every(({ weight }) => !weight))
    reject(`${field}.route`, 'none of the destinations has a weight');
}

function checkDestination(
  destination: Of<ItemOf<HttpRoute['route']>, 'destination'> | undefined,
  field: FieldPath,
): void {
  if (!destination) return;
  const { host = '', subset, port } = destination;
  if (isIP(host) !== 0) reject(`${field}.host`, `${host} is an address, not the name of a service`);
  if (host === '*' || !isName(host)) reject(`${field}.host`, `"${host}" is not the name of a host`);
  if (subset) checkSubsetName(`${field}.subset`, subset);
  if (port) checkPort(`${field}.port.number`, port.number ?? 0);
}

/** What a rule does with a request, of which it can do one. */
const ACTIONS = ['route', 'redirect', 'directResponse'] as const;

function checkHttp(rule: HttpRoute, field: FieldPath, isDelegate: boolean, isForGateways: boolean): void {
  const given = ACTIONS.filter((name) => (name === 'route' ? rule.route?.length : rule[name]));
  if (rule.delegate && isDelegate) reject(`${field}.delegate`, 'a VirtualService without hosts cannot delegate');
  if (rule.delegate && !isDelegate) {
    const beside = rule.route?.length ? 'route' : rule.redirect && 'redirect';
    if (beside) reject(`${field}.${beside}`, 'is not allowed beside delegate');
  } else {
    if (given.length === 0) reject(field, 'has neither route nor redirect nor directResponse');
    if (given.length > 1) reject(`${field}.${given[1]}`, `is not allowed beside ${given[0]}`);
    const aside = given[0] === 'route' ? undefined : (['fault', 'rewrite'] as const).find((name) => rule[name]);
    if (aside) reject(`${field}.${aside}`, `is not allowed beside ${given[0]}`);
    if (rule.mirror && rule.mirrors?.length) reject(`${field}.mirrors`, 'is not allowed beside mirror');
  }
  for (const [at, match] of (rule.match ?? []).entries()) checkHttpMatch(match, `${field}.match[${at}]`, isForGateways);
  if (rule.headers) checkHeaders(rule.headers, `${field}.headers`);
  for (const [at, { headers }] of (rule.route ?? []).entries())
    if (headers) checkHeaders(headers, `${field}.route[${at}].headers`);
  checkCors(rule, field);
  checkFault(rule, field);
  checkMirror(rule, field);
  checkRedirect(rule, field);
  checkStatus(`${field}.directResponse.status`, rule.directResponse?.status);
  checkRetries(rule, field);
  checkRewrite(rule, field);
}

/** As Istio reads them, whatever is between the brackets or after the dot. */
const CLAIM = /^@request\.auth\.claims(\.[^]|\[[^]+\]$)/i;

function checkHttpMatch(match: HttpMatch, field: FieldPath, isForGateways: boolean): void {
  if (match.uri) checkExpression(`${field}.uri.regex`, match.uri.regex);
  for (const name of ['scheme', 'method', 'authority'] as const)
    if (match[name]) checkTextMatch(`${field}.${name}`, match[name]);
  for (const name of ['headers', 'withoutHeaders', 'queryParams'] as const)
    for (const [key, one] of Object.entries(match[name] ?? {})) {
      const own: FieldPath = `${field}.${name}["${key}"]`;
      const isClaim = name !== 'queryParams' && CLAIM.test(key);
      if (isClaim && !isForGateways)
        reject(own, 'claims are only known at a Gateway: gateways must name one, and not mesh');
      if (name !== 'queryParams' && !isClaim && !/^[^\s]+$/.test(key))
        reject(own, `"${key}" is not the name of a header`);
      // As the value of a header that must be missing, it stands for any.
      if (name !== 'withoutHeaders' || one?.regex !== '*') checkTextMatch(own, one);
    }
  checkCaller(match, field);
  if (match.sourceNamespace && !isLabel(match.sourceNamespace))
    reject(`${field}.sourceNamespace`, `"${match.sourceNamespace}" is not a namespace`);
}

type TextMatch = { readonly prefix?: string; readonly regex?: string } | null | undefined;

function checkTextMatch(field: FieldPath, match: TextMatch): void {
  if (match?.prefix === '') reject(`${field}.prefix`, 'is empty');
  checkExpression(`${field}.regex`, match?.regex);
}

const IN_TEXT = String.raw`(?:\\[^]|[^\\)"])*`;
const ARGUMENTS = String.raw` *(?:\[ *"|[^[ ])(?:${IN_TEXT}" *, *")*${IN_TEXT}(?:" *\] *)?`;
/** Text in which "%%" stands for "%", and what else is between two of them, for a variable that may have arguments. */
const HEADER_VALUE = new RegExp(String.raw`^(?:[^%]|%%|%[^%(]+%|%[^%(]*\(${ARGUMENTS}\) *%)*$`);

/** Of longer ones than any object may be, the expression takes too much memory. */
const LONGEST_VALUE = 2 ** 20;

function checkHeaders(headers: Headers, field: FieldPath): void {
  for (const part of ['request', 'response'] as const) {
    const { add = {}, set = {}, remove = [] } = headers[part] ?? {};
    const values = [...Object.entries(add), ...Object.entries(set)];
    for (const [name] of [...values, ...remove.map((one) => [one])]) {
      const mayBeHost = part === 'request' && !remove.includes(name);
      if (name === '' || (isAuthority(name) ? !mayBeHost : name.startsWith(':')))
        reject(`${field}.${part}`, `"${name}" is not a header that a route can change`);
    }
    const controlled = values.find(([, value]) => CONTROL.test(value));
    if (controlled) reject(`${field}.${part}`, `${controlled[0]} has a value with a control character`);
    for (const [name, value] of values)
      if (value.length < LONGEST_VALUE && !HEADER_VALUE.test(value))
        reject(`${field}.${part}`, `${name} has a "%" that is not written "%%"`);
  }
}

function checkCors({ corsPolicy }: HttpRoute, rule: FieldPath): void {
  if (!corsPolicy) return;
  const field: FieldPath = `${rule}.corsPolicy`;
  for (const [at, origin] of (corsPolicy.allowOrigins ?? []).entries()) {
    const own: FieldPath = `${field}.allowOrigins[${at}]`;
    if (!origin?.exact && !origin?.prefix && !origin?.regex) reject(own, 'matches nothing');
    checkExpression(`${own}.regex`, origin?.regex);
  }
  const method = corsPolicy.allowMethods?.find((one) => !METHODS.includes(one));
  if (method !== undefined) reject(`${field}.allowMethods`, `${method} is not a method of HTTP`);
  for (const name of ['allowHeaders', 'exposeHeaders'] as const)
    if (corsPolicy[name]?.some((header) => !/^[^\s]+$/.test(header)))
      reject(`${field}.${name}`, 'has something that is not the name of a header');
  const nanoseconds = Math.round(millisecondsOf(corsPolicy.maxAge ?? '') * 1e6);
  if (nanoseconds % 1e9 !== 0) reject(`${field}.maxAge`, `${corsPolicy.maxAge} is not in whole seconds`);
}

const METHODS: readonly string[] = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE'],
  '*',
];

function checkFault({ fault }: HttpRoute, rule: FieldPath): void {
  if (!fault) return;
  const field: FieldPath = `${rule}.fault`;
  const { abort, delay } = fault;
  if (!abort && !delay) reject(field, 'has neither abort nor delay');
  for (const name of ['abort', 'delay'] as const) {
    const percentage = fault[name]?.percentage?.value ?? 0;
    if (percentage !== 0 && (percentage < 0.0001 || percentage > 100))
      reject(`${field}.${name}.percentage`, `${percentage} is not a percentage from 0.0001 to 100`);
  }
  checkStatus(`${field}.abort.httpStatus`, abort?.httpStatus);
  if (abort?.http2Error !== undefined) reject(`${field}.abort.http2Error`, 'is not supported');
  if (abort?.grpcStatus !== undefined && !GRPC_STATUSES.includes(abort.grpcStatus))
    reject(`${field}.abort.grpcStatus`, `${abort.grpcStatus} is not a status of gRPC`);
  if (delay?.exponentialDelay) reject(`${field}.delay.exponentialDelay`, 'is not supported');
}

const GRPC_STATUSES: readonly string[] = [
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS',
  'UNAUTHENTICATED',
].flatMap((line) => line.split(' '));

function checkStatus(field: FieldPath, status: number | undefined): void {
  if (status !== undefined && (status < 200 || status > 600))
    reject(field, `${status} is not a status from 200 to 599`);
}

function checkMirror(
  { mirror, mirrors, mirrorPercentage, mirrorPercent, ...older }: HttpRoute & { readonly mirror_percent?: number },
  rule: FieldPath,
): void {
  checkDestination(mirror, `${rule}.mirror`);
  checkShare(`${rule}.mirrorPercentage`, mirrorPercentage?.value);
  checkShare(`${rule}.mirrorPercent`, mirrorPercent ?? older.mirror_percent);
  for (const [at, { destination, percentage }] of (mirrors ?? []).entries()) {
    checkDestination(destination, `${rule}.mirrors[${at}].destination`);
    checkShare(`${rule}.mirrors[${at}].percentage`, percentage?.value);
  }
}

function checkRedirect({ redirect, match }: HttpRoute, rule: FieldPath): void {
  if (!redirect) return;
  const field: FieldPath = `${rule}.redirect`;
  const { uri, prefixRewrite, authority, scheme, port, derivePort, redirectCode } = redirect;
  if (uri && prefixRewrite) reject(field, 'only one of uri and prefixRewrite can be set');
  if (prefixRewrite && match?.some((one) => one.uri && one.uri.prefix === undefined))
    reject(`${field}.prefixRewrite`, 'needs matches by prefix');
  if (!uri && !prefixRewrite && !authority && !scheme && port === undefined && derivePort === undefined)
    reject(field, 'changes nothing');
  if (redirectCode && (redirectCode < 300 || redirectCode > 399))
    reject(`${field}.redirectCode`, `${redirectCode} is not a status of a redirect`);
  if (scheme && scheme !== 'http' && scheme !== 'https')
    reject(`${field}.scheme`, `${scheme} is not allowed; it is http or https`);
  if (port) checkPort(`${field}.port`, port);
}

const RETRIED: ReadonlySet<string> = new Set([
  ...['5xx', 'gateway-error', 'reset', 'reset-before-request', 'connect-failure', 'retriable-4xx', 'refused-stream'],
  ...['retriable-status-codes', 'retriable-headers', 'envoy-ratelimited', 'http3-post-connect-failure', 'cancelled'],
  ...['deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable'],
]);

function checkRetries({ retries }: HttpRoute, rule: FieldPath): void {
  if (!retries) return;
  const field: FieldPath = `${rule}.retries`;
  const { attempts = 0, perTryTimeout, retryOn, retryRemoteLocalities } = retries;
  if (attempts < 0) reject(`${field}.attempts`, `${attempts} is below 0`);
  if (attempts === 0 && (perTryTimeout !== undefined || retryOn || (retryRemoteLocalities ?? undefined) !== undefined))
    reject(field, 'has settings, and no attempts');
  const wrong = retryOn?.split(',').find((one) => !RETRIED.has(one) && !/^[1-5]\d\d$/.test(one));
  if (retryOn && wrong !== undefined) reject(`${field}.retryOn`, `"${wrong}" is not a reason to try again`);
}

function checkRewrite({ rewrite, headers }: HttpRoute, rule: FieldPath): void {
  const authorities = [
    ...(rewrite?.authority ? [rewrite.authority] : []),
    ...[headers?.request?.set, headers?.request?.add].flatMap((values) =>
      Object.entries(values ?? {}).flatMap(([name, value]) => (isAuthority(name) ? [value] : [])),
    ),
  ];
  if (authorities.length > 1) reject(rule, `the authority is set twice: ${authorities.join(', ')}`);
  if (!rewrite) return;
  const field: FieldPath = `${rule}.rewrite`;
  const { uri, uriRegexRewrite, authority } = rewrite;
  if (uri && uriRegexRewrite) reject(field, 'only one of uri and uriRegexRewrite can be set');
  if (!uri && !uriRegexRewrite && !authority) reject(field, 'changes nothing');
  if (!uriRegexRewrite) return;
  if (!uriRegexRewrite.match || !uriRegexRewrite.rewrite) reject(`${field}.uriRegexRewrite`, 'needs match and rewrite');
  checkExpression(`${field}.uriRegexRewrite.match`, uriRegexRewrite.match);
}
