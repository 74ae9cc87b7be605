import { portProblems, Problems, rangeProblems, selectorProblems } from './names';
import { FieldPath } from '../../../manifests/field-path';
import { IstioSpecs, ItemOf, PolicyRule } from '../../../manifests/specs';

type Policy = IstioSpecs['AuthorizationPolicy'];
type Source = NonNullable<ItemOf<PolicyRule['from']>['source']>;
type Operation = NonNullable<ItemOf<PolicyRule['to']>['operation']>;

export function* authorizationPolicySchemaProblems(spec: Policy): Problems {
  const given = [spec.selector, spec.targetRef, spec.targetRefs].filter((one) => one !== undefined && one !== null);
  if (given.length > 1)
    yield { field: 'spec.selector', problem: 'only one of selector, targetRef and targetRefs can be set' };
  yield* selectorProblems('spec.selector.matchLabels', spec.selector?.matchLabels);
  for (const [index, rule] of (spec.rules ?? []).entries())
    for (const [at, { source }] of (rule?.from ?? []).entries()) {
      const has = (...names: (keyof Source)[]) => names.some((name) => (source?.[name] ?? undefined) !== undefined);
      if (
        has('serviceAccounts', 'notServiceAccounts') &&
        has('principals', 'notPrincipals', 'namespaces', 'notNamespaces')
      )
        yield {
          field: `spec.rules[${index}].from[${at}].source`,
          problem: 'serviceAccounts cannot be set beside namespaces or principals',
        };
    }
}

export function* authorizationPolicyProblems(spec: Policy): Problems {
  const { action = 'ALLOW', rules, targetRef, targetRefs = [] } = spec;
  const { provider } = spec as Policy & { readonly provider?: { readonly name?: string } };
  for (const one of [...(targetRef ? [targetRef] : []), ...targetRefs]) {
    if (!TARGETS.includes(`${one.group ?? ''}/${one.kind}`))
      yield { field: 'spec.targetRefs', problem: `a policy cannot be for a ${one.kind} of "${one.group ?? ''}"` };
    if (one.namespace) yield { field: 'spec.targetRefs', problem: 'a policy is for objects of its own namespace' };
  }
  if (!rules && (action === 'DENY' || action === 'CUSTOM'))
    yield { field: 'spec.rules', problem: `is missing, without which action ${action} does nothing` };
  if (action === 'CUSTOM' && !provider?.name) yield { field: 'spec.provider', problem: 'is missing' };
  if (action !== 'CUSTOM' && provider) yield { field: 'spec.provider', problem: 'is for action CUSTOM only' };
  for (const [index, rule] of (rules ?? []).entries()) yield* ruleProblems(rule, `spec.rules[${index}]`, action);
}

const TARGETS: readonly string[] = [
  '/Service',
  'core/Service',
  'networking.istio.io/ServiceEntry',
  'gateway.networking.k8s.io/Gateway',
  'gateway.networking.k8s.io/GatewayClass',
];

/** What a rule for an external authorizer can ask of the caller. */
const OF_THE_PEER: ReadonlySet<string> = new Set(['ipBlocks', 'notIpBlocks', 'remoteIpBlocks', 'notRemoteIpBlocks']);

function* ruleProblems(rule: PolicyRule, field: FieldPath, action: string): Problems {
  for (const [at, { source }] of (rule?.from ?? []).entries()) {
    const own: FieldPath = `${field}.from[${at}].source`;
    const lists = listsIn(source);
    if (lists.length === 0) yield { field: own, problem: 'asks for nothing' };
    for (const [name, values] of lists) {
      if (action === 'CUSTOM' && !OF_THE_PEER.has(name))
        yield { field: `${own}.${name}`, problem: 'is not for action CUSTOM' };
      yield* valueProblems(
        `${own}.${name}`,
        values,
        /ipBlocks$/i.test(name) ? 'range' : /serviceAccounts$/i.test(name) ? 'account' : undefined,
      );
      if (/trustDomains$/i.test(name) && values.some((value) => /\/|\*.*\*/.test(value)))
        yield { field: `${own}.${name}`, problem: 'a trust domain has no "/", and one "*" at most' };
    }
  }
  for (const [at, { operation }] of (rule?.to ?? []).entries()) {
    const own: FieldPath = `${field}.to[${at}].operation`;
    const lists = listsIn(operation);
    if (lists.length === 0) yield { field: own, problem: 'asks for nothing' };
    for (const [name, values] of lists)
      yield* valueProblems(
        `${own}.${name}`,
        values,
        /ports$/i.test(name) ? 'port' : /paths$/i.test(name) ? 'path' : undefined,
      );
  }
  for (const [at, { key = '', values = [], notValues = [] }] of (rule?.when ?? []).entries()) {
    const own: FieldPath = `${field}.when[${at}]`;
    const kind = KEYS.find(([pattern]) => pattern.test(key));
    if (!kind) yield { field: `${own}.key`, problem: `there is no condition "${key}"` };
    if (values.length + notValues.length === 0) yield { field: own, problem: 'has no values' };
    if (action === 'CUSTOM' && NOT_CUSTOM.test(key)) yield { field: `${own}.key`, problem: 'is not for action CUSTOM' };
    yield* valueProblems(`${own}.values`, values, kind?.[1]);
    yield* valueProblems(`${own}.notValues`, notValues, kind?.[1]);
  }
}

/** The fields that are lists with something in them. */
function listsIn(of: Source | Operation | undefined): [string, readonly string[]][] {
  return Object.entries(of ?? {}).filter(([, list]) => Array.isArray(list) && list.length > 0);
}

type Value = 'range' | 'port' | 'account' | 'path';

/** The keys of conditions, and what their values are. */
const KEYS: readonly (readonly [RegExp, Value?])[] = [
  [/^(source|remote|destination)\.ip$/, 'range'],
  [/^destination\.port$/, 'port'],
  [/^source\.serviceAccount$/, 'account'],
  [/^source\.(namespace|principal|trustDomain)$/],
  [/^request\.auth\.(principal|audiences|presenter)$/],
  [/^connection\.sni$/],
  [/^request\.(headers|auth\.claims)\[.+\]$/],
  [/^experimental\..*\[.+\]$/],
];
const NOT_CUSTOM = /^(source\.(namespace|serviceAccount|trustDomain|principal)$|request\.auth\.)/;

function* valueProblems(field: FieldPath, values: readonly string[], kind: Value | undefined): Problems {
  if (kind === 'range') return yield* rangeProblems(field, values);
  for (const [at, value] of values.entries()) {
    const problem = problemOfValue(value, kind);
    if (problem) yield { field: `${field}[${at}]`, problem: `${JSON.stringify(value)} is ${problem}` };
  }
}

function problemOfValue(value: string, kind: Value | undefined): string | undefined {
  if (value === '') return 'empty';
  if (kind === 'port') return /^\d{1,5}$/.test(value) && Number(value) < 65536 ? undefined : 'not a port';
  if (kind === 'account')
    return /^[^*/]+(\/[^*/]+)?$/.test(value)
      ? undefined
      : 'neither a service account nor <namespace>/<service account>';
  return kind === 'path' && !isTemplate(value) ? 'not a path that Istio knows' : undefined;
}

/** A path whose braces are those of a template: `{**}` is the last one. */
function isTemplate(path: string): boolean {
  const segments = path.replace(/^\/|\/$/g, '').split('/');
  const rest = segments.indexOf('{**}');
  return segments.every((segment, at) =>
    segment === '{*}' ? rest < 0 || at < rest : segment === '{**}' ? at === rest : !/[{}]/.test(segment),
  );
}

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
}

interface RequestAuthentication {
  readonly selector?: Selector;
  readonly jwtRules?: readonly JwtRule[];
}

interface JwtRule {
  readonly issuer?: string;
  readonly jwks?: string;
  readonly jwksUri?: string;
  /** The same, as the API's own files call it. */
  readonly jwks_uri?: string;
}

export function* requestAuthenticationSchemaProblems({ selector, jwtRules }: RequestAuthentication): Problems {
  yield* selectorProblems('spec.selector.matchLabels', selector?.matchLabels);
  for (const [at, rule] of (jwtRules ?? []).entries())
    for (const name of ['jwksUri', 'jwks_uri'] as const)
      if (rule[name] && !/^https?:\/\//i.test(rule[name]))
        yield {
          field: `spec.jwtRules[${at}].${name}`,
          problem: `"${rule[name]}" does not begin with http:// or https://`,
        };
}

export function* requestAuthenticationProblems({ jwtRules }: RequestAuthentication): Problems {
  for (const [at, { issuer, jwks, jwksUri, jwks_uri }] of (jwtRules ?? []).entries()) {
    if (!issuer && !jwksUri && !jwks_uri) yield { field: `spec.jwtRules[${at}].issuer`, problem: 'is missing' };
    if (jwks && !isJson(jwks)) yield { field: `spec.jwtRules[${at}].jwks`, problem: 'is not a set of keys in JSON' };
  }
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

export function* peerAuthenticationSchemaProblems({
  selector,
  portLevelMtls,
}: {
  readonly selector?: Selector;
  readonly portLevelMtls?: Readonly<Record<string, unknown>>;
}): Problems {
  yield* selectorProblems('spec.selector.matchLabels', selector?.matchLabels);
  if (!portLevelMtls) return;
  const field: FieldPath = 'spec.portLevelMtls';
  if (Object.keys(selector?.matchLabels ?? {}).length === 0) yield { field, problem: 'needs a selector' };
  for (const port of Object.keys(portLevelMtls)) yield* portProblems(field, Number(port));
}
