import { FieldRef } from './answer';
import { stopAtUnknownField } from './cluster';
import { fieldRef } from './field-ref';
import { GatewayWorkload } from './gateway-workloads';
import { unknownField } from './known-fields';
import { Registry } from './registry';
import { Undetermined } from './undetermined';
import { Indexed } from '../manifests/indexed';
import { selects } from '../manifests/selectors';

/** What a proxy knows of a request or connection when it evaluates policies. */
export interface PolicyInput {
  /** `<trust domain>/ns/<namespace>/sa/<service account>`; undefined without mutual TLS. */
  readonly principal?: string;
  readonly namespace?: string;
  readonly serviceAccount?: string;
  readonly serverName?: string;
  readonly port: number;
  readonly trustDomain: string;
  /** Only where the proxy reads HTTP. */
  readonly http?: {
    readonly method: string;
    readonly path: string;
    readonly authority: string;
    readonly headers: ReadonlyMap<string, string>;
  };
}

export interface Verdict {
  readonly allowed: boolean;
  readonly decidedBy: readonly FieldRef[];
  readonly reason: string;
}

/** The pods that policies may select. */
type Workload = Pick<GatewayWorkload, 'namespace' | 'labels'>;

/** The verdict of the AuthorizationPolicies for a workload: DENY first; then, if there are any, ALLOW. */
export function authorize(registry: Registry, workload: Workload, input: PolicyInput): Verdict {
  const policies = policiesFor(registry, workload);
  for (const policy of policies) stopAtUnknownField(policy, policy.spec, 'authorizationPolicy');
  const acting = (action: string) => policies.filter(({ spec }) => (spec.action ?? 'ALLOW') === action);
  const custom = acting('CUSTOM')[0];
  if (custom)
    throw new Undetermined(
      'an AuthorizationPolicy with action CUSTOM asks an external authorizer, whose answer the model does not ' +
        'know',
      [fieldRef(custom, 'spec.action')],
    );
  const what = input.http ? 'request' : 'connection';
  for (const policy of acting('DENY')) {
    const rule = firstMatchingRule(policy, input, true);
    if (rule !== undefined)
      return {
        allowed: false,
        decidedBy: [fieldRef(policy, `spec.rules[${rule}]`)],
        reason: `an AuthorizationPolicy denies the ${what}`,
      };
  }
  const allowing = acting('ALLOW');
  if (allowing.length === 0) return { allowed: true, decidedBy: [], reason: 'no policy' };
  for (const policy of allowing) {
    const rule = firstMatchingRule(policy, input, false);
    if (rule !== undefined)
      return {
        allowed: true,
        decidedBy: [fieldRef(policy, `spec.rules[${rule}]`)],
        reason: 'allowed by an AuthorizationPolicy',
      };
  }
  const sorted = [...allowing].sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
  return {
    allowed: false,
    decidedBy: sorted.map((policy) => fieldRef(policy, 'spec.rules')),
    reason: `no rule of an ALLOW AuthorizationPolicy matches the ${what}`,
  };
}

/** The rules that test the caller's identity, which a proxy knows only from mutual TLS. */
export function rulesByIdentity(registry: Registry, workload: Workload): FieldRef[] {
  return policiesFor(registry, workload).flatMap((policy) =>
    ((policy.spec.rules ?? []) as any[]).flatMap((rule, index) =>
      (rule?.from ?? []).some(({ source }: any) => IDENTITY.some((name) => source?.[name]?.length))
        ? [fieldRef(policy, `spec.rules[${index}].from`)]
        : [],
    ),
  );
}

function policiesFor(registry: Registry, workload: Workload): Indexed[] {
  return registry.index
    .ofKind('AuthorizationPolicy')
    .filter(
      ({ namespace, spec }) =>
        (namespace === workload.namespace || namespace === registry.rootNamespace) &&
        !spec.targetRefs?.length &&
        !spec.targetRef &&
        selects(spec.selector?.matchLabels, workload.labels),
    );
}

function firstMatchingRule(policy: Indexed, input: PolicyInput, denies: boolean): number | undefined {
  const rules: any[] = policy.spec.rules ?? [];
  const found = rules.findIndex((rule, index) =>
    ruleMatches(policy, rule ?? {}, `spec.rules[${index}]`, input, denies),
  );
  return found < 0 ? undefined : found;
}

/**
 * On a connection that the proxy does not read as HTTP, an ALLOW rule with HTTP fields never matches, and the HTTP
 * fields of a DENY rule are ignored.
 */
function ruleMatches(policy: Indexed, rule: any, field: string, input: PolicyInput, denies: boolean): boolean {
  const isOpaque = input.http === undefined;
  const httpFields = (values: any, names: readonly string[]) => names.some((name) => values?.[name]?.length);
  const uses =
    (rule.to ?? []).some(({ operation }: any) => httpFields(operation, HTTP_OPERATION)) ||
    (rule.from ?? []).some(({ source }: any) => httpFields(source, HTTP_SOURCE)) ||
    (rule.when ?? []).some(({ key }: any) => isHttpKey(key));
  if (isOpaque && uses && !denies) return false;
  const from =
    !rule.from?.length || rule.from.some(({ source }: any) => sourceMatches(policy, source ?? {}, field, input));
  const to =
    !rule.to?.length || rule.to.some(({ operation }: any) => operationMatches(policy, operation ?? {}, field, input));
  return from && to && (rule.when ?? []).every((condition: any) => conditionMatches(policy, condition, field, input));
}

const HTTP_OPERATION = ['hosts', 'notHosts', 'methods', 'notMethods', 'paths', 'notPaths'];
const IDENTITY = ['principals', 'namespaces', 'serviceAccounts'];
const HTTP_SOURCE = ['requestPrincipals', 'notRequestPrincipals'];

function isHttpKey(key: string): boolean {
  return key.startsWith('request.');
}

function sourceMatches(
  policy: Indexed,
  source: any,
  field: string,
  { principal, namespace, serviceAccount, http, trustDomain }: PolicyInput,
): boolean {
  const unknown = unknownField(source, 'source');
  if (unknown)
    throw new Undetermined(`the model does not know the source field ${unknown} of an AuthorizationPolicy`, [
      fieldRef(policy, `${field}.from`),
    ]);
  const account =
    namespace !== undefined && serviceAccount !== undefined ? `${namespace}/${serviceAccount}` : undefined;
  const accounts = (values: string[] | undefined) =>
    values?.map((value) => (value.includes('/') ? value : `${policy.namespace}/${value}`));
  // Istio reads the trust domain `cluster.local` in a principal as the mesh's own.
  const principals = (values: string[] | undefined) =>
    values?.map((value) => value.replace(/^cluster\.local\//, `${trustDomain}/`));
  return (
    matchesAny(principals(source.principals), principal) &&
    matchesNone(principals(source.notPrincipals), principal) &&
    matchesAny(source.namespaces, namespace) &&
    matchesNone(source.notNamespaces, namespace) &&
    matchesAny(accounts(source.serviceAccounts), account) &&
    matchesNone(accounts(source.notServiceAccounts), account) &&
    // Requests carry no JWT, so there is no request principal.
    (http === undefined ||
      (matchesAny(source.requestPrincipals, undefined) && matchesNone(source.notRequestPrincipals, undefined)))
  );
}

function operationMatches(policy: Indexed, operation: any, field: string, { http, port }: PolicyInput): boolean {
  const unknown = unknownField(operation, 'operation');
  if (unknown) {
    throw new Undetermined(`the model does not know the operation field ${unknown} of an AuthorizationPolicy`, [
      fieldRef(policy, `${field}.to`),
    ]);
  }
  const ports = matchesAny(operation.ports, String(port)) && matchesNone(operation.notPorts, String(port));
  if (http === undefined) return ports;
  const path = http.path.split('?')[0];
  return (
    ports &&
    matchesAny(operation.hosts, http.authority, true) &&
    matchesNone(operation.notHosts, http.authority, true) &&
    matchesAny(operation.methods, http.method) &&
    matchesNone(operation.notMethods, http.method) &&
    matchesAny(operation.paths, path) &&
    matchesNone(operation.notPaths, path)
  );
}

function conditionMatches(
  policy: Indexed,
  { key, values, notValues }: any,
  field: string,
  { serverName, principal, namespace, port, http }: PolicyInput,
): boolean {
  const header = /^request\.headers\[(.+)\]$/.exec(key)?.[1];
  if (header !== undefined) {
    return (
      http === undefined ||
      (matchesAny(values, http.headers.get(header.toLowerCase())) &&
        matchesNone(notValues, http.headers.get(header.toLowerCase())))
    );
  }
  const known: Record<string, string | undefined> = {
    'connection.sni': serverName,
    'source.principal': principal,
    'source.namespace': namespace,
    'destination.port': String(port),
  };
  if (!(key in known)) {
    if (isHttpKey(key) && http === undefined) return true;
    throw new Undetermined(`the model does not know the condition ${key} of an AuthorizationPolicy`, [
      fieldRef(policy, `${field}.when`),
    ]);
  }
  return matchesAny(values, known[key]) && matchesNone(notValues, known[key]);
}

function matchesAny(wanted: string[] | undefined, value: string | undefined, ignoreCase = false): boolean {
  return !wanted?.length || wanted.some((pattern) => matchesPattern(pattern, value, ignoreCase));
}

function matchesNone(unwanted: string[] | undefined, value: string | undefined, ignoreCase = false): boolean {
  return !unwanted?.length || !unwanted.some((pattern) => matchesPattern(pattern, value, ignoreCase));
}

/** `*` matches any value that is present. */
function matchesPattern(given: string, value: string | undefined, ignoreCase: boolean): boolean {
  if (value === undefined || value === '') return false;
  const pattern = ignoreCase ? given.toLowerCase() : given;
  const text = ignoreCase ? value.toLowerCase() : value;
  if (pattern === '*') return true;
  if (pattern.startsWith('*')) return text.endsWith(pattern.slice(1));
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}
