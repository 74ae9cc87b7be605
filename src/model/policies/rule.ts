import { Shape, unknownField } from '../answer/known-fields';
import { both, Certainty, not, someOf } from '../answer/certainty';
import { isAmong, isNotAmong, matchesPath, matchesPattern, PERHAPS, UNSAID, Value } from '../requests/patterns';
import { inTrustDomains, withAliases } from './trust-domains';
import { ItemOf, Of, PolicyRule } from '../../manifests/specs';

type Source = Of<ItemOf<PolicyRule['from']>, 'source'>;
type Operation = Of<ItemOf<PolicyRule['to']>, 'operation'>;
type Condition = ItemOf<PolicyRule['when']>;

/** What a proxy knows of a request or connection when it evaluates policies. */
export interface PolicyInput {
  /** `<trust domain>/ns/<namespace>/sa/<service account>`; undefined without mutual TLS. */
  readonly principal?: string;
  readonly serverName?: string;
  /** The port of the pod, which is not that of its Service; undefined where the manifests do not tell it. */
  readonly port: number | undefined;
  /** Only where the proxy reads HTTP. */
  readonly http?: {
    readonly method: string;
    /** Normalised, with its query. */
    readonly path: string;
    readonly authority: string;
    /** The value of a header, by its name in lower case. */
    header(name: string): Value;
  };
}

/** The mesh in which a rule is evaluated. */
export interface RuleContext {
  /** The namespace of the policy, in which service accounts without a namespace are. */
  readonly namespace: string;
  /** The mesh's trust domain and its aliases. */
  readonly trustDomains: readonly string[];
  /** Whether the rule denies: then what it cannot compare on a connection is ignored. */
  readonly denies: boolean;
}

/** A condition that does not hold, or of which that is unknown. */
export interface Unmet {
  /** Field path below the rule, such as `to[0].operation.paths`. */
  readonly field: string;
  readonly isUnknown: boolean;
  readonly text: string;
}

/**
 * Whether a rule matches. On a connection that the proxy does not read as HTTP, an ALLOW rule with HTTP fields never
 * matches, and the HTTP fields of a DENY rule are ignored.
 *
 * `unmet` receives the conditions that do not hold; of several sources or operations, those of the one with the
 * fewest.
 */
export function ruleMatches(
  context: RuleContext,
  rule: PolicyRule | null | undefined,
  input: PolicyInput,
  unmet?: Unmet[],
): Certainty {
  if (rule === null || rule === undefined) return false;
  if (input.http === undefined && !context.denies && hasHttpFields(rule)) {
    unmet?.push({
      field: '',
      isUnknown: false,
      text: 'it has conditions about HTTP, and the gateway does not read this connection as HTTP',
    });
    return false;
  }
  const from = oneOf(rule.from, 'from', unmet, ({ source }, field, found) =>
    sourceMatches(context, source ?? {}, `${field}.source`, input, found),
  );
  const to = oneOf(rule.to, 'to', unmet, ({ operation }, field, found) =>
    operationMatches(operation ?? {}, `${field}.operation`, input, found),
  );
  const conditions = new Conditions(unmet);
  for (const [index, condition] of (rule.when ?? []).entries())
    whenMatches(context, condition, `when[${index}]`, input, conditions);
  return both(both(from, to), conditions.hold);
}

const HTTP_OPERATION = ['hosts', 'notHosts', 'methods', 'notMethods', 'paths', 'notPaths'] as const;
const HTTP_SOURCE = ['requestPrincipals', 'notRequestPrincipals'] as const;

function hasHttpFields(rule: PolicyRule): boolean {
  const has = <T extends object>(values: T | undefined, names: readonly (keyof T)[]) =>
    names.some((name) => (values?.[name] as readonly string[] | undefined)?.length);
  return (
    (rule.to ?? []).some(({ operation }) => has(operation, HTTP_OPERATION)) ||
    (rule.from ?? []).some(({ source }) => has(source, HTTP_SOURCE)) ||
    (rule.when ?? []).some(({ key }) => String(key).startsWith('request.'))
  );
}

type Test = (value: string) => Certainty;

/** Conditions that must all hold. */
class Conditions {
  public hold: Certainty = true;

  constructor(private readonly unmet?: Unmet[]) {}

  /** `what` names the value that is compared, as in `the path /x`. */
  public compare(holds: Certainty, field: string, what: () => string, isNegative = false): void {
    if (holds === true) return;
    this.hold = both(this.hold, holds);
    const text = () =>
      holds === undefined
        ? `it is unknown whether ${what()} is in ${field}`
        : `${what()} is ${isNegative ? '' : 'not '}in ${field}`;
    this.unmet?.push({ field, isUnknown: holds === undefined, text: text() });
  }

  /** The list of a name, of which one must match, and that with `not` before the name, of which none may. */
  public compareLists(lists: object, name: string, at: string, what: () => string, matches: Test): void {
    const given = lists as Readonly<Record<string, readonly string[] | undefined>>;
    const notName = `not${name[0].toUpperCase()}${name.slice(1)}`;
    const [own, others] = [given[name], given[notName]];
    if (own?.length) this.compare(someOf(own, matches), `${at}.${name}`, what);
    if (others?.length) this.compare(not(someOf(others, matches)), `${at}.${notName}`, what, true);
  }

  public unknown(field: string, text: string): void {
    this.hold = both(this.hold, undefined);
    this.unmet?.push({ field, isUnknown: true, text });
  }
}

/** One of several alternatives; without any, everything matches. */
function oneOf<Alternative extends object>(
  alternatives: readonly Alternative[] | undefined,
  name: string,
  unmet: Unmet[] | undefined,
  matches: (alternative: Alternative, field: string, found: Unmet[] | undefined) => Certainty,
): Certainty {
  if (!alternatives?.length) return true;
  let fewest: Unmet[] | undefined;
  const result = someOf(alternatives, (alternative, index) => {
    const found: Unmet[] | undefined = unmet && [];
    const holds = matches(alternative ?? ({} as Alternative), `${name}[${index}]`, found);
    if (found && (fewest === undefined || isNearer(found, fewest))) fewest = found;
    return holds;
  });
  if (result !== true) unmet?.push(...(fewest ?? []));
  return result;
}

/** What is only unknown is nearer to a match than what fails; then the number of conditions counts. */
export function isNearer(a: readonly Unmet[], b: readonly Unmet[]): boolean {
  const failed = (unmet: readonly Unmet[]) => unmet.filter(({ isUnknown }) => !isUnknown).length;
  return failed(a) < failed(b) || (failed(a) === failed(b) && a.length < b.length);
}

/** Addresses decide, and no manifest tells those of pods. */
const ADDRESSES = ['ipBlocks', 'notIpBlocks', 'remoteIpBlocks', 'notRemoteIpBlocks'] as const;

function sourceMatches(
  context: RuleContext,
  source: Source,
  at: string,
  input: PolicyInput,
  unmet: Unmet[] | undefined,
): Certainty {
  const { principal, http } = input;
  const conditions = new Conditions(unmet);
  const caller = () => (principal === undefined ? 'a caller without an identity' : `the caller ${principal}`);
  const compare = (name: 'principals' | 'namespaces' | 'serviceAccounts' | 'trustDomains', matches: Test) =>
    conditions.compareLists(source, name, at, caller, matches);
  compare('principals', (value) => isPrincipal(context, value, principal));
  compare('namespaces', (value) => isInNamespace(value, principal));
  compare('serviceAccounts', (value) => isServiceAccount(context, value, principal));
  compare('trustDomains', (value) => isInTrustDomain(context, value, principal));
  // A request with a token either is refused before, or makes the answer undetermined: here it has no principal.
  if (http !== undefined && source.requestPrincipals?.length)
    conditions.compare(false, `${at}.requestPrincipals`, () => 'a request without a token');
  for (const name of ADDRESSES)
    if (source[name]?.length) {
      // Every caller has an address.
      const holds = source[name].includes('0.0.0.0/0') ? !name.startsWith('not') : undefined;
      if (holds === undefined) conditions.unknown(`${at}.${name}`, 'it is unknown what address the caller has');
      else conditions.compare(holds, `${at}.${name}`, () => "the caller's address", !holds);
    }
  stopAtOther(conditions, source, 'source', at);
  return conditions.hold;
}

function operationMatches(
  operation: Operation,
  at: string,
  { http, port }: PolicyInput,
  unmet: Unmet[] | undefined,
): Certainty {
  const conditions = new Conditions(unmet);
  const compare = (name: 'hosts' | 'ports' | 'methods' | 'paths', what: () => string, matches: Test) =>
    conditions.compareLists(operation, name, at, what, matches);
  compare(
    'ports',
    () => portText(port),
    (value) => (port === undefined ? undefined : value === String(port)),
  );
  if (http) {
    const [path] = http.path.split(/[?#]/, 1);
    compare(
      'hosts',
      () => `the host ${http.authority}`,
      (value) => matchesPattern(value, http.authority, true),
    );
    compare(
      'methods',
      () => `the method ${http.method}`,
      (value) => matchesPattern(value, http.method),
    );
    compare(
      'paths',
      () => `the path ${path}`,
      (value) => matchesPath(value, path),
    );
  }
  stopAtOther(conditions, operation, 'operation', at);
  return conditions.hold;
}

function whenMatches(
  context: RuleContext,
  { key, values, notValues }: Condition,
  at: string,
  { serverName, principal, port, http }: PolicyInput,
  conditions: Conditions,
): void {
  const compare = (what: () => string, matches: (value: string) => Certainty) => {
    if (values?.length) conditions.compare(someOf(values, matches), `${at}.values`, what);
    if (notValues?.length) conditions.compare(not(someOf(notValues, matches)), `${at}.notValues`, what, true);
  };
  const caller = () => (principal === undefined ? 'a caller without an identity' : `the caller ${principal}`);
  if (String(key).startsWith('request.')) {
    if (!http) return;
    const header = /^request\.headers\[(.+)\]$/.exec(String(key))?.[1].toLowerCase();
    if (header !== undefined) {
      const value = http.header(header);
      const what = () =>
        `the header ${header}${typeof value === 'string' ? ` (${value})` : ''}` +
        (value === UNSAID ? ', which each client sets itself (say it with --header, headers in a test),' : '') +
        (value === PERHAPS ? ', which a route computes from the request and leaves out where it is empty,' : '');
      conditions.compare(isAmong(values, value), `${at}.values`, what);
      conditions.compare(isNotAmong(notValues, value), `${at}.notValues`, what, true);
      return;
    }
    // What a token would give, and there is none.
    if (String(key).startsWith('request.auth.'))
      return compare(
        () => 'a request without a token',
        () => false,
      );
  }
  switch (key) {
    case 'connection.sni':
      return compare(
        () => (serverName === undefined ? 'a connection without a server name' : `the server name ${serverName}`),
        (value) => matchesPattern(value, serverName),
      );
    case 'source.principal':
      return compare(caller, (value) => isPrincipal(context, value, principal));
    case 'source.namespace':
      return compare(caller, (value) => isInNamespace(value, principal));
    case 'source.serviceAccount':
      return compare(caller, (value) => isServiceAccount(context, value, principal));
    case 'source.trustDomain':
      return compare(caller, (value) => isInTrustDomain(context, value, principal));
    case 'destination.port':
      return compare(
        () => portText(port),
        (value) => (port === undefined ? undefined : value === String(port)),
      );
    default:
      conditions.unknown(`${at}.key`, `the model does not know whether the condition ${key} holds`);
  }
}

function portText(port: number | undefined): string {
  return port === undefined ? 'the port of the gateway pods' : `the pod port ${port}`;
}

function isPrincipal({ trustDomains }: RuleContext, value: string, principal: string | undefined): Certainty {
  return someOf(inTrustDomains(value, trustDomains), (one) => matchesPattern(one, principal));
}

/** In a namespace, `*` stands for any text wherever it is. */
function isInNamespace(value: string, principal: string | undefined): boolean {
  if (principal === undefined) return false;
  if (!value.includes('*')) return principal.includes(`/ns/${value}/`);
  const [first, ...rest] = value.split('*').map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`/ns/${[first, ...rest].join('.*')}/`).test(principal);
}

function isServiceAccount({ namespace }: RuleContext, value: string, principal: string | undefined): boolean {
  const slash = value.indexOf('/');
  const own = slash < 0 ? [namespace, value] : [value.slice(0, slash), value.slice(slash + 1)];
  return principal !== undefined && principal.endsWith(`/ns/${own[0]}/sa/${own[1]}`);
}

function isInTrustDomain({ trustDomains }: RuleContext, value: string, principal: string | undefined): Certainty {
  return someOf(withAliases([value], trustDomains), (one) => matchesPattern(one, principal?.split('/')[0]));
}

/** A field that the model does not know. */
function stopAtOther(conditions: Conditions, value: object, shape: Shape, at: string): void {
  const name = unknownField(value, shape);
  if (name !== undefined) conditions.unknown(`${at}.${name}`, `the model does not know the field ${name}`);
}
