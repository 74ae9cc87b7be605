import { JwtRule, Policies } from './applying-policies';
import { problemOf } from './json-web-token';
import { PolicyInput } from './rule';
import { SelectablePods, unknownLabels } from './selection';
import { FieldRef } from '../answer/answer';
import { fieldRef } from '../answer/field-ref';
import { Undetermined } from '../answer/undetermined';
import { isOfConnection } from '../requests/http-request';
import { PERHAPS, Value } from '../requests/patterns';
import { END_OF_LINE } from '../../istio/envoy';
import { listOf } from '../../values/list-of';

/** Why a gateway refuses a request for its token. */
export interface BadToken {
  readonly status: 401 | 403;
  readonly reason: string;
  readonly decidedBy: readonly FieldRef[];
}

/**
 * What the RequestAuthentications of a workload do to a request that its proxy reads. One without a token passes, and
 * one with a token that no issuer can have signed is refused. Whether a signature is valid, the model does not
 * know.
 */
export function badToken(
  policies: Policies,
  workload: SelectablePods & { readonly id?: string },
  http: NonNullable<PolicyInput['http']>,
): BadToken | undefined {
  const rules = policies
    .for(workload, 'RequestAuthentication')
    .flatMap((policy) =>
      (policy.object.spec.jwtRules ?? []).map((rule, index) => ({ ...policy, rule: rule ?? {}, index })),
    );
  const refused = rules.find(({ rule }) => (rule.jwks && !hasKeys(rule.jwks)) || isUnreadable(rule));
  if (refused)
    throw new Undetermined(
      'proxies refuse a listener whose jwks has no key, or with the end of a line in the name or prefix of a header: ' +
        'one that runs keeps what it had before, and one that starts has nothing on that port',
      [fieldRef(refused.object, `spec.jwtRules[${refused.index}]`)],
    );
  const taking = rules.find(({ rule }) =>
    outputsOf(rule).some((name) => /^(:|host$)/.test(name) || isOfConnection(name)),
  );
  if (taking)
    throw new Undetermined('what is in a token replaces, or removes, a header that requests need', [
      fieldRef(taking.object, `spec.jwtRules[${taking.index}]`),
    ]);
  const found = rules.flatMap((one) => tokensFor(one.rule, http).map((token) => ({ ...one, token })));
  if (found.length === 0) return undefined;
  const [{ object, index }] = found;
  const uncertain = found.find(({ applies }) => !applies);
  if (uncertain) {
    const { namespace, name, spec } = uncertain.object;
    throw new Undetermined(
      `the request has a token, and the manifests do not say whether RequestAuthentication ${namespace}/${name} ` +
        `selects the pods of ${workload.id ?? workload.namespace}: do they have the label ` +
        `${unknownLabels(spec.selector?.matchLabels, workload)}?`,
      [fieldRef(uncertain.object, 'spec.selector.matchLabels')],
    );
  }
  const decidedBy = [fieldRef(object, `spec.jwtRules[${index}]`)];
  // With several rules, one that accepts the token is enough.
  const problems = found.map(({ rule, token }) => problemOf(token, rule));
  const [first] = problems;
  if (first === undefined || problems.some((problem) => problem?.status !== first.status))
    throw new Undetermined('the model does not know whether the token of the request is valid', decidedBy);
  return { status: first.status, reason: `the token of the request is not valid: ${first.because}`, decidedBy };
}

/**
 * The headers into which rules put what tokens say, in lower case, with whether that is certain. They are taken from a
 * request without a token, before policies see it.
 */
export function headersOfTokens(policies: Policies, workload: SelectablePods): ReadonlyMap<string, boolean> {
  const found = new Map<string, boolean>();
  for (const { object, applies = false } of policies.for(workload, 'RequestAuthentication'))
    for (const rule of object.spec.jwtRules ?? [])
      for (const name of outputsOf(rule ?? {})) found.set(name, found.get(name) || applies);
  return found;
}

/** The headers of a request without a token, as policies see them. */
export function withoutTokens(
  ofTokens: ReadonlyMap<string, boolean>,
  header: (name: string) => Value,
): (name: string) => Value {
  return (name) => {
    const value = header(name);
    const isTaken = value === undefined ? undefined : ofTokens.get(name.toLowerCase());
    return isTaken === undefined ? value : isTaken ? undefined : PERHAPS;
  };
}

/** The headers into which a rule puts what a token says, in lower case. */
function outputsOf({ outputPayloadToHeader, outputClaimToHeaders }: JwtRule): string[] {
  return [outputPayloadToHeader, ...listOf(outputClaimToHeaders).map((one) => one?.header)].flatMap(
    (name) => name?.toLowerCase() ?? [],
  );
}

function isUnreadable({ fromHeaders, outputPayloadToHeader }: JwtRule): boolean {
  return END_OF_LINE.test(
    [outputPayloadToHeader, ...listOf(fromHeaders).flatMap((one) => [one?.name, one?.prefix])].join(' '),
  );
}

function hasKeys(jwks: string): boolean {
  try {
    return JSON.parse(jwks)?.keys?.length > 0;
  } catch {
    return false;
  }
}

/** The tokens in the places where a rule looks for them: those that it names, else the usual two. */
function tokensFor(rule: JwtRule, http: NonNullable<PolicyInput['http']>): string[] {
  const isUsual = !rule.fromHeaders?.length && !rule.fromParams?.length && !rule.fromCookies?.length;
  const headers: readonly { readonly name: string; readonly prefix?: string }[] = isUsual
    ? [{ name: 'authorization', prefix: 'Bearer ' }]
    : (rule.fromHeaders ?? []);
  const parameters = isUsual ? ['access_token'] : (rule.fromParams ?? []);
  const cookies = rule.fromCookies ?? [];
  const text = (header: string) => {
    const value = http.header(header.toLowerCase());
    if (value !== undefined && typeof value !== 'string')
      throw new Undetermined(`the model does not know the header ${header}, in which there may be a token`, []);
    return value?.trim();
  };
  const query = new URLSearchParams(/\?(.*)/s.exec(http.path)?.[1]);
  // An empty one is a token too.
  return [
    ...headers.map(({ name, prefix }) => tokenAfter(prefix, text(name))),
    ...parameters.map((name) => query.get(name)),
    ...cookies.map((name) => cookie(text('cookie'), name)),
  ].filter((token) => typeof token === 'string');
}

/** What may be in a token; what follows the prefix, wherever that is, is read from the first of these to the last. */
const IN_TOKENS = /[\w.-]+/;

function tokenAfter(prefix: string | undefined, value: string | undefined): string | undefined {
  if (!prefix || value === undefined) return value;
  const at = value.indexOf(prefix);
  return at < 0 ? undefined : (IN_TOKENS.exec(value.slice(at + prefix.length))?.[0] ?? value);
}

function cookie(header = '', name: string): string | undefined {
  const pairs = header.split(';').map((pair) => pair.trim());
  const value = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
  return value?.replace(/^"(.*)"$/, '$1');
}
