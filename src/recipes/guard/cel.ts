/**
 * Expressions of ValidatingAdmissionPolicies. Whatever may be missing is read with `.?` and a value in its place: an
 * expression that fails refuses everybody.
 *
 * Nothing here needs more of CEL than Kubernetes 1.30 has, but for `isIP` and `cidr` (1.31).
 */

import { CHECKED_HOP_DOMAIN, HOP_DOMAIN } from '../../values/host-name';

/** What must be true of an object, and what its author is told where it is not. */
export interface Validation {
  readonly expression: string;
  readonly message: string;
}

/** A field below `object`, or a value where it is missing: `field('spec.hosts', '[]')`. */
export function field(path: string, instead: string, of = 'object'): string {
  return `${of}.?${path.split('.').join('.?')}.orValue(${instead})`;
}

/** A text, or a list of texts. */
export function literal(value: string | readonly string[]): string {
  if (typeof value !== 'string') return `[${value.map((item) => literal(item)).join(', ')}]`;
  return `'${value.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;
}

/** A map of texts. */
export function mapLiteral(labels: Record<string, string>): string {
  const entries = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, value]) => `${literal(key)}: ${literal(value)}`).join(', ')}}`;
}

/** A map from names, each with what it begins with, to the pattern of their values. */
export function patterns(...allowed: readonly [pattern: string, prefix: string, names: string][]): string {
  const entries = allowed.flatMap(([pattern, prefix, names]) => words(names).map((name) => [prefix + name, pattern]));
  return mapLiteral(Object.fromEntries(entries));
}

/** Words with spaces between them. */
export const words = (text: string) => text.split(' ').filter(Boolean);

/** Whether such a map has a name, with a pattern for this value. */
export function matches(name: string, value: string, allowed: string): string {
  return `(${name} in ${allowed} && ${value}.matches(${allowed}[${name}]))`;
}

/** What is true of each item of a list. */
export function each(list: string, of: string, one: string, holds: string): string {
  return `${field(list, '[]', of)}.all(${one}, ${holds})`;
}

/** Whether texts, each in a line, match a pattern. */
export function matchLines(texts: string, pattern: string): string {
  return `${texts}.join('\\n').matches(${literal(pattern)})`;
}

/** A domain as a part of a pattern. */
export function inPattern(domain: string): string {
  return domain.replace(/[.]/g, '[.]');
}

const HOP_NAME = `(^|[./])(${[HOP_DOMAIN, CHECKED_HOP_DOMAIN].map(inPattern).join('|')})[.]?(:[0-9]*)?$`;

/**
 * Whether no name of a list, or none behind `<namespace>/` or before a port, lies in one of the domains of the hop.
 * Istio takes upper case too. Lists may be long: that none of them speaks of egress at all is found out for a fraction of
 * what each would cost.
 */
export function noHopNames(hosts: string): string {
  const noneIs = `${hosts}.all(host, !host.lowerAscii().matches(${literal(HOP_NAME)}))`;
  return `(!${hosts}.join(' ').lowerAscii().contains('egress') || ${noneIs})`;
}

/** The text of an annotation, of the policy's variable `annotations`. */
export function annotation(name: string): string {
  return `(${literal(name)} in variables.annotations ? variables.annotations[${literal(name)}] : '')`;
}

/** Whether a host is a Service of the object's own namespace: by its short name, or below the namespace's domain. */
export function isOwnService(host: string, clusterDomain: string): string {
  return `${host}.matches('^[-A-Za-z0-9]+$') || ${isBelowNamespace(host, clusterDomain)}`;
}

/** Whether a host has the full name of a Service of the object's own namespace. */
export function isBelowNamespace(host: string, clusterDomain: string): string {
  return `${host}.lowerAscii().endsWith('.' + request.namespace + ${literal(`.svc.${clusterDomain}`)})`;
}

/** Whether an address lies in one of the ranges; without any, none does. */
export function isInside(address: string, ranges: readonly string[]): string {
  if (ranges.length === 0) return 'false';
  return `(isIP(${address}) && (${ranges.map((range) => `cidr(${literal(range)}).containsIP(${address})`).join(' || ')}))`;
}
