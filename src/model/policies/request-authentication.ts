import { JwtRule, Policies } from './applying-policies';
import { PolicyInput } from './rule';
import { SelectablePods, unknownLabels } from './selection';
import { FieldRef } from '../answer/answer';
import { fieldRef } from '../answer/field-ref';
import { Undetermined } from '../answer/undetermined';
import { PERHAPS, Value } from '../requests/patterns';

/** The seconds that Envoy adds to the time at which a token expires. */
const CLOCK_SKEW = 60;

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
  const keyless = rules.find(({ rule }) => rule.jwks && !hasKeys(rule.jwks));
  if (keyless)
    throw new Undetermined(
      'proxies refuse a listener whose jwks has no key: one that runs keeps what it had before, and one that starts has ' +
        'nothing on that port',
      [fieldRef(keyless.object, `spec.jwtRules[${keyless.index}].jwks`)],
    );
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
      for (const name of [rule?.outputPayloadToHeader, ...(rule?.outputClaimToHeaders ?? []).map((one) => one.header)])
        if (name !== undefined) found.set(name.toLowerCase(), found.get(name.toLowerCase()) || applies);
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

/** Why no key can make the token valid for a rule, in the order in which Envoy looks. */
function problemOf(token: string, { issuer, audiences }: JwtRule): { status: 401 | 403; because: string } | undefined {
  const parts = token.split('.');
  const [header, claims] = parts.map(decoded);
  if (parts.length !== 3 || !/^[\w-]+$/.test(parts[2]) || !isHeader(header) || !areClaims(claims))
    return { status: 401, because: 'it is not a JWT' };
  if (issuer && claims.iss !== issuer)
    return { status: 401, because: `its issuer is ${claims.iss ?? 'not given'}, not ${issuer}` };
  const now = Date.now() / 1000;
  if (claims.nbf !== undefined && claims.nbf - CLOCK_SKEW > now) return { status: 401, because: 'it is not valid yet' };
  if (claims.exp !== undefined && claims.exp + CLOCK_SKEW < now) return { status: 401, because: 'it has expired' };
  const own = [claims.aud ?? []].flat();
  if (audiences?.length && !own.some((audience) => audiences.includes(audience)))
    return { status: 403, because: `it is for ${own.join(', ') || 'no audience'}, not for ${audiences.join(' or ')}` };
  return undefined;
}

interface Claims {
  readonly iss?: string;
  readonly nbf?: number;
  readonly exp?: number;
  readonly aud?: string | readonly string[];
}

const SIGNED = /^((ES|HS|PS|RS)(256|384|512)|EdDSA)$/;

function isHeader(header: Decoded): boolean {
  return SIGNED.test(String(header?.alg)) && isOf('string', header?.kid);
}

function areClaims(claims: Decoded): claims is Claims & Record<string, unknown> {
  return (
    claims !== undefined &&
    ['iss', 'sub', 'jti'].every((name) => isOf('string', claims[name])) &&
    ['iat', 'nbf', 'exp'].every((name) => isOf('number', claims[name])) &&
    [claims.aud].flat().every((one) => isOf('string', one))
  );
}

function isOf(type: 'string' | 'number', value: unknown): boolean {
  return value === undefined || typeof value === type;
}

type Decoded = Readonly<Record<string, unknown>> | undefined;

function decoded(part: string): Decoded {
  if (!/^[\w-]+$/.test(part)) return undefined;
  try {
    const value = JSON.parse(Buffer.from(part, 'base64url').toString());
    return value !== null && typeof value === 'object' ? value : undefined;
  } catch {
    return undefined;
  }
}
