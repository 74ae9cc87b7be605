import { MergedRule } from './delegation';
import { FieldRef } from '../answer/answer';
import { Undetermined } from '../answer/undetermined';
import { END_OF_LINE, hasUnknownCommand, isCommonRegex, isKnownDuration, LONGEST_HEADER } from '../../istio/envoy';
import { ItemOf, IstioSpecs, Of } from '../../manifests/specs';

type Http = ItemOf<IstioSpecs['VirtualService']['http']>;
type Match = ItemOf<Http['match']>;
type Headers = Of<Http, 'headers'>;

/** The statuses of redirects that istiod knows. */
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** The highest status that Envoy gives; admission takes 600 too. */
const LAST_STATUS = 599;

/** The most bytes of a parameter's name, and the highest sum of weights. */
const LONGEST_PARAMETER = 1024;
const HIGHEST_SUM = 4_294_967_295;

/** The most headers that a route, or one of several destinations, sets and adds, of requests or of responses. */
const MOST_HEADERS = 1000;

/**
 * Why Envoy rejects a rule that admission takes, and with it all routes of its port, of which it keeps those that it had
 * before.
 */
export function ruleRejectionOf(merged: MergedRule, where: (field: keyof Http) => FieldRef): Undetermined | undefined {
  const [found] = problemsOf(merged);
  if (!found) return undefined;
  const { field, why, isUnsure } = found;
  return new Undetermined(
    isUnsure
      ? `it is unknown whether Envoy ${why}: if it does not, it rejects all routes of the port`
      : `${why}, and Envoy rejects all routes of the port and keeps those before`,
    [where(field)],
  );
}

interface Problem {
  readonly field: keyof Http;
  readonly why: string;
  /** Whether Envoy may take it all the same. */
  readonly isUnsure?: boolean;
}

function* problemsOf({ http, matches: placed }: MergedRule): Generator<Problem> {
  const matches = placed.map(({ match }) => match);
  yield* problemsOfActions(http);
  yield* problemsOfMatches(matches);
  yield* problemsOfDurations(http);
  yield* problemsOfHeaders(http);
  yield* problemsOfExpressions(http, matches);
}

function* problemsOfActions({ redirect, directResponse, fault, rewrite, route = [] }: Http): Generator<Problem> {
  const { redirectCode } = redirect ?? {};
  if (redirectCode && !REDIRECTS.includes(redirectCode))
    yield { field: 'redirect', why: `Istio makes no route of a redirect with ${redirectCode}` };
  const statuses = [
    ['directResponse', redirect ? undefined : directResponse?.status] as const,
    ['fault', fault?.abort?.httpStatus] as const,
  ];
  for (const [field, status = 0] of statuses)
    if (status > LAST_STATUS) yield { field, why: `${status} is not a status` };
  const texts = [
    ['redirect', Object.values(redirect ?? {})] as const,
    ['rewrite', [rewrite?.uri, rewrite?.authority, rewrite?.uriRegexRewrite?.rewrite]] as const,
  ];
  for (const [field, values] of texts)
    if (values.some((text) => typeof text === 'string' && END_OF_LINE.test(text)))
      yield { field, why: `a ${field} holds the end of a line` };
  if (route.reduce((sum, { weight = 0 }) => sum + weight, 0) > HIGHEST_SUM)
    yield { field: 'route', why: `the weights make more than ${HIGHEST_SUM}` };
}

function* problemsOfMatches(matches: readonly Match[]): Generator<Problem> {
  for (const { queryParams, headers, withoutHeaders } of matches) {
    const parameters = Object.keys(queryParams ?? {});
    if (parameters.includes('')) yield { field: 'match', why: 'a match asks for a parameter without a name' };
    if (parameters.some((name) => Buffer.byteLength(name) > LONGEST_PARAMETER))
      yield { field: 'match', why: `a match asks for a parameter of more than ${LONGEST_PARAMETER} bytes` };
    if (Object.keys({ ...headers, ...withoutHeaders }).some((name) => END_OF_LINE.test(name)))
      yield { field: 'match', why: 'a match asks for a header whose name holds the end of a line' };
  }
}

function* problemsOfDurations({ timeout, retries, fault, corsPolicy }: Http): Generator<Problem> {
  const durations = [
    ['timeout', timeout] as const,
    ['retries', retries?.perTryTimeout] as const,
    ['retries', retries?.backoff] as const,
    ['fault', fault?.delay?.fixedDelay] as const,
    ['corsPolicy', corsPolicy?.maxAge] as const,
  ];
  for (const [field, duration] of durations)
    if (duration !== undefined && !isKnownDuration(duration))
      yield { field, why: `the duration ${duration} is not one that Envoy knows` };
}

function* problemsOfHeaders({ headers, route = [] }: Http): Generator<Problem> {
  const all = [headers, ...route.map((one) => one.headers)];
  // Of an only destination, they come to those of the rule.
  const places = route.length === 1 ? [all] : all.map((one) => [one]);
  for (const part of ['request', 'response'] as const) {
    const changed = (one: Headers | undefined) => [
      ...Object.entries(one?.[part]?.set ?? {}),
      ...Object.entries(one?.[part]?.add ?? {}),
    ];
    for (const place of places)
      if (place.flatMap(changed).length > MOST_HEADERS)
        yield { field: 'headers', why: `more than ${MOST_HEADERS} headers are set and added` };
    const names = all.flatMap((one) => [...changed(one).map(([name]) => name), ...(one?.[part]?.remove ?? [])]);
    if (names.some((name) => END_OF_LINE.test(name)))
      yield { field: 'headers', why: 'the name of a header holds the end of a line' };
    const texts = [...names, ...all.flatMap(changed).map(([, value]) => value)];
    if (texts.some((text) => Buffer.byteLength(text) > LONGEST_HEADER))
      yield { field: 'headers', why: `a header has a name or a value of more than ${LONGEST_HEADER} bytes` };
    for (const [, value] of all.flatMap(changed))
      if (hasUnknownCommand(value))
        yield { field: 'headers', why: `knows what a header is computed from (${value.slice(0, 60)})`, isUnsure: true };
  }
}

function* problemsOfExpressions(http: Http, matches: readonly Match[]): Generator<Problem> {
  const ofMatches = matches.flatMap(
    ({ uri, scheme, method, authority, headers = {}, queryParams = {}, withoutHeaders = {} }) =>
      [
        uri,
        scheme,
        method,
        authority,
        ...[headers, queryParams, withoutHeaders].flatMap((one) => Object.values(one)),
      ].map((one) => one?.regex),
  );
  const expressions = [
    ['match', ofMatches] as const,
    ['corsPolicy', (http.corsPolicy?.allowOrigins ?? []).map((one) => one?.regex)] as const,
    ['rewrite', [http.rewrite?.uriRegexRewrite?.match]] as const,
  ];
  for (const [field, texts] of expressions) {
    // Istio makes no expression of one that is only a star.
    const unsure = texts.find((text) => text !== undefined && text !== '*' && !isCommonRegex(`${text}`));
    if (unsure !== undefined)
      yield { field, why: `compiles the regular expression ${`${unsure}`.slice(0, 60)}`, isUnsure: true };
  }
}
