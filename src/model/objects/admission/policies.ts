import { checkPort, reject, checkRanges, checkSelector } from './names';
import { FieldPath } from '../../../manifests/field-path';
import { IstioSpecs, ItemOf, PolicyRule } from '../../../manifests/specs';

type Policy = IstioSpecs['AuthorizationPolicy'];
type Source = NonNullable<ItemOf<PolicyRule['from']>['source']>;
type Operation = NonNullable<ItemOf<PolicyRule['to']>['operation']>;

export function checkAuthorizationPolicySchema(spec: Policy): void {
  const given = [spec.selector, spec.targetRef, spec.targetRefs].filter((one) => one !== undefined && one !== null);
  if (given.length > 1) reject('spec.selector', 'only one of selector, targetRef and targetRefs can be set');
  checkSelector('spec.selector.matchLabels', spec.selector?.matchLabels);
  for (const [index, rule] of (spec.rules ?? []).entries())
    for (const [at, { source }] of (rule?.from ?? []).entries()) {
      const has = (...names: (keyof Source)[]) => names.some((name) => (source?.[name] ?? undefined) !== undefined);
      if (
        has('serviceAccounts', 'notServiceAccounts') &&
        has('principals', 'notPrincipals', 'namespaces', 'notNamespaces')
      )
        reject(
          `spec.rules[${index}].from[${at}].source`,
          'serviceAccounts cannot be set beside namespaces or principals',
        );
    }
}

export function checkAuthorizationPolicy(spec: Policy): void {
  const { action = 'ALLOW', rules, targetRef, targetRefs = [] } = spec;
  const { provider } = spec as Policy & { readonly provider?: { readonly name?: string } };
  for (const one of [...(targetRef ? [targetRef] : []), ...targetRefs]) {
    if (!TARGETS.includes(`${one.group ?? ''}/${one.kind}`))
      reject('spec.targetRefs', `a policy cannot be for a ${one.kind} of "${one.group ?? ''}"`);
    if (one.namespace) reject('spec.targetRefs', 'a policy is for objects of its own namespace');
  }
  if (!rules && (action === 'DENY' || action === 'CUSTOM'))
    reject('spec.rules', `is missing, without which action ${action} does nothing`);
  if (action === 'CUSTOM' && !provider?.name) reject('spec.provider', 'is missing');
  if (action !== 'CUSTOM' && provider) reject('spec.provider', 'is for action CUSTOM only');
  for (const [index, rule] of (rules ?? []).entries()) checkRule(rule, `spec.rules[${index}]`, action);
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

function checkRule(rule: PolicyRule, field: FieldPath, action: string): void {
  for (const [at, { source }] of (rule?.from ?? []).entries()) {
    const own: FieldPath = `${field}.from[${at}].source`;
    const lists = listsIn(source);
    if (lists.length === 0) reject(own, 'asks for nothing');
    for (const [name, values] of lists) {
      if (action === 'CUSTOM' && !OF_THE_PEER.has(name)) reject(`${own}.${name}`, 'is not for action CUSTOM');
      checkValues(
        `${own}.${name}`,
        values,
        /ipBlocks$/i.test(name) ? 'range' : /serviceAccounts$/i.test(name) ? 'account' : undefined,
      );
      if (/trustDomains$/i.test(name) && values.some((value) => /\/|\*.*\*/.test(value)))
        reject(`${own}.${name}`, 'a trust domain has no "/", and one "*" at most');
    }
  }
  for (const [at, { operation }] of (rule?.to ?? []).entries()) {
    const own: FieldPath = `${field}.to[${at}].operation`;
    const lists = listsIn(operation);
    if (lists.length === 0) reject(own, 'asks for nothing');
    for (const [name, values] of lists)
      checkValues(`${own}.${name}`, values, /ports$/i.test(name) ? 'port' : /paths$/i.test(name) ? 'path' : undefined);
  }
  for (const [at, { key = '', values = [], notValues = [] }] of (rule?.when ?? []).entries()) {
    const own: FieldPath = `${field}.when[${at}]`;
    const kind = KEYS.find(([pattern]) => pattern.test(key));
    if (!kind) reject(`${own}.key`, `there is no condition "${key}"`);
    if (values.length + notValues.length === 0) reject(own, 'has no values');
    if (action === 'CUSTOM' && NOT_CUSTOM.test(key)) reject(`${own}.key`, 'is not for action CUSTOM');
    checkValues(`${own}.values`, values, kind[1]);
    checkValues(`${own}.notValues`, notValues, kind[1]);
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

function checkValues(field: FieldPath, values: readonly string[], kind: Value | undefined): void {
  if (kind === 'range') return checkRanges(field, values);
  for (const [at, value] of values.entries()) {
    const problem = problemOfValue(value, kind);
    if (problem) reject(`${field}[${at}]`, `${JSON.stringify(value)} is ${problem}`);
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

export function checkRequestAuthenticationSchema({ selector, jwtRules }: RequestAuthentication): void {
  checkSelector('spec.selector.matchLabels', selector?.matchLabels);
  for (const [at, rule] of (jwtRules ?? []).entries())
    for (const name of ['jwksUri', 'jwks_uri'] as const)
      if (rule[name] && !/^https?:\/\//i.test(rule[name]))
        reject(`spec.jwtRules[${at}].${name}`, `"${rule[name]}" does not begin with http:// or https://`);
}

export function checkRequestAuthentication({ jwtRules }: RequestAuthentication): void {
  for (const [at, { issuer, jwks, jwksUri, jwks_uri }] of (jwtRules ?? []).entries()) {
    if (!issuer && !jwksUri && !jwks_uri) reject(`spec.jwtRules[${at}].issuer`, 'is missing');
    if (jwks && !isJson(jwks)) reject(`spec.jwtRules[${at}].jwks`, 'is not a set of keys in JSON');
  }
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

export function checkPeerAuthenticationSchema({
  selector,
  portLevelMtls,
}: {
  readonly selector?: Selector;
  readonly portLevelMtls?: Readonly<Record<string, unknown>>;
}): void {
  checkSelector('spec.selector.matchLabels', selector?.matchLabels);
  if (!portLevelMtls) return;
  const field: FieldPath = 'spec.portLevelMtls';
  if (Object.keys(selector?.matchLabels ?? {}).length === 0) reject(field, 'needs a selector');
  for (const port of Object.keys(portLevelMtls)) checkPort(field, Number(port));
}
