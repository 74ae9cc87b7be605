import { isIP } from 'net';
import { isPartialWildcard } from '../../../istio/hosts';
import { Manifest } from '../../../manifests/egress-object';
import { FieldPath } from '../../../manifests/field-path';
import { IstioSpecs } from '../../../manifests/specs';

/** A field that makes the API server or a webhook refuse an object. */
export interface FieldProblem {
  readonly field: FieldPath;
  readonly problem: string;
  /** Whether the API server would take it, and Istio's webhook does not. */
  readonly isForWebhook?: boolean;
}

/** Thrown at the first field that is rejected. */
class Rejection extends Error implements FieldProblem {
  constructor(
    public readonly field: FieldPath,
    public readonly problem: string,
  ) {
    super(problem);
  }
}

export function reject(field: FieldPath, problem: string): never {
  throw new Rejection(field, problem);
}

/** For each kind, what rejects a spec, whose types are right, at its first wrong field. */
export type Checks = { readonly [Kind in keyof IstioSpecs]?: (spec: IstioSpecs[Kind], namespace: string) => void };

/** The first field of an object that the check for its kind rejects. */
export function problemBy(checks: Checks, { apiVersion, kind, metadata, spec }: Manifest): FieldProblem | undefined {
  if (!spec || !Object.hasOwn(checks, kind) || !/^(networking|security)\.istio\.io\//.test(apiVersion))
    return undefined;
  const check = checks[kind as keyof IstioSpecs] as (of: unknown, namespace: string) => void;
  try {
    check(spec, String(metadata?.namespace ?? 'default'));
    return undefined;
  } catch (error) {
    if (error instanceof Rejection) return error;
    throw error;
  }
}

/** The most characters that the name of a host has. */
export const LONGEST_NAME = 255;

/** As Istio reads them: unlike Kubernetes, with capitals. */
const ONE = '[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?';
/** The other labels of a name, and the dot that a full one may end with. */
const OTHERS = `(?:\\.${ONE})*\\.?`;
const LABEL = new RegExp(`^${ONE}$`);
const FULL_NAME = new RegExp(`^${ONE}${OTHERS}$`);
const NAME = new RegExp(`^(?:${ONE}|\\*(?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)${OTHERS}$`);
const LABEL_KEY = /^([-a-zA-Z0-9.]+\/)?[a-zA-Z0-9]([-\w.]{0,61}[a-zA-Z0-9])?$/;
const LABEL_VALUE = /^([a-zA-Z0-9]([-\w.]{0,61}[a-zA-Z0-9])?)?$/;

export function isLabel(name: string): boolean {
  return LABEL.test(name);
}

/** Whether it is a name of labels; the dot at the end of a full name is allowed. */
export function isFullName(name: string): boolean {
  return name.length <= LONGEST_NAME && FULL_NAME.test(name) && !/(^|\.)\d+$/.test(name);
}

/** Whether it is a name whose first label may be or begin with `*`. */
export function isName(name: string): boolean {
  return name.length <= LONGEST_NAME && NAME.test(name) && !/\.\d+$/.test(name);
}

/** The name of a host. */
export function checkName(field: FieldPath, name: string | undefined): void {
  if (name !== undefined && !isName(name)) reject(field, `${JSON.stringify(name)} is not the name of a host`);
}

export function checkSubsetName(field: FieldPath, name: string | undefined): void {
  if (name !== undefined && !isLabel(name))
    reject(field, `"${name}" is not made of letters, digits and "-", as names of subsets are`);
}

/** `<namespace>/<name>`, as servers of a Gateway and Sidecars have it. */
export function checkScopedName(field: FieldPath, written: string, isGateway: boolean): void {
  const slash = written.indexOf('/');
  const [namespace, name] = slash < 0 ? ['*', written] : [written.slice(0, slash), written.slice(slash + 1)];
  const scope = isGateway ? namespace : namespace.replace(/^~/, '');
  if (slash < 0 && !isGateway) reject(field, `${JSON.stringify(written)} is not of the form <namespace>/<name>`);
  if (scope !== '*' && scope !== '.' && !isLabel(scope) && !(scope === '' && namespace === '~'))
    reject(field, `${JSON.stringify(namespace)} is not a namespace`);
  const isFull = name.includes('.') && isName(name) && !isPartialWildcard(name);
  const isHost = name === '*' || isFull || (isGateway && isIP(name) === 4);
  if (!isHost) reject(field, `${JSON.stringify(name)} is not the full name of a host`);
}

/** The places of values that an earlier place has too. */
export function repeatedIn(values: readonly unknown[]): ReadonlySet<number> {
  const seen = new Set<unknown>();
  return new Set(values.flatMap((value, at) => (seen.size === seen.add(value).size ? [at] : [])));
}

export function checkPort(field: FieldPath, port: number | undefined): void {
  if (port !== undefined && (port < 1 || port > 65535)) reject(field, `${port} is not a port from 1 to 65535`);
}

/** Whether an address is that of a socket in the file system. */
export function isSocket(address: string): boolean {
  return address.startsWith('unix://');
}

/** Where something listens. */
export function checkBind(field: FieldPath, bind: string): void {
  if (bind !== '' && !isSocket(bind) && isIP(bind) === 0) reject(field, `"${bind}" is not an address`);
}

export function checkShare(field: FieldPath, value = 0): void {
  if (value < 0 || value > 100) reject(field, `${value} is not a percentage from 0 to 100`);
}

/** An address or a range. */
export function checkRanges(field: FieldPath, ranges: readonly string[] | undefined): void {
  for (const [at, range] of (ranges ?? []).entries()) {
    const [address, length, more] = range.split('/');
    const bits = isIP(address) === 6 ? 128 : 32;
    const isRange = length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= bits);
    if (isIP(address) === 0 || !isRange || more !== undefined)
      reject(`${field}[${at}]`, `${JSON.stringify(range)} is neither an address nor a range`);
  }
}

export function checkLabels(field: FieldPath, labels: Readonly<Record<string, string>> | undefined): void {
  for (const [key, value] of Object.entries(labels ?? {}))
    if (!LABEL_KEY.test(key) || !LABEL_VALUE.test(value))
      reject(field, `${JSON.stringify(`${key}=${value}`)} is not a label`);
}

/** A selector, in which Istio allows no wildcards. */
export function checkSelector(field: FieldPath, labels: Readonly<Record<string, string>> | undefined): void {
  const wild = Object.entries(labels ?? {}).find(([key, value]) => key === '' || `${key}${value}`.includes('*'));
  if (wild) reject(field, `${JSON.stringify(wild.join('='))} is not a label`);
}

export function checkExport(exportTo: readonly string[] | undefined, namespace: string, isEntry = false): void {
  const field = 'spec.exportTo';
  const meant = (exportTo ?? []).map((one) => (one === '.' ? namespace : one));
  const wrong = meant.find((one) => one !== '*' && !(isEntry && one === '~') && !isLabel(one));
  if (wrong !== undefined) reject(field, `${JSON.stringify(wrong)} is not allowed; it is ".", "*" or a namespace`);
  for (const at of repeatedIn(meant)) reject(field, `${meant[at]} is listed twice`);
  const alone = meant.find((one) => one === '*' || one === '~');
  if (alone !== undefined && meant.length > 1) reject(field, `"${alone}" is not allowed beside other values`);
}
