import { FieldRef } from '../answer/answer';
import { Certainty, not, someOf } from '../answer/certainty';
import { Undetermined } from '../answer/undetermined';

/** Stands for the value of a header that a proxy sets and the model does not know. */
export const SOME_VALUE = Symbol('some value');

/** Stands for a header that applications set themselves and the request does not give: there is one, or none. */
export const UNSAID = Symbol('unsaid');

/** Stands for a header that a route computes: there is none where the result is empty. */
export const PERHAPS = Symbol('perhaps');

/** What a policy compares with its lists; undefined where there is nothing to compare. Of several, any may match. */
export type Value = string | readonly string[] | typeof SOME_VALUE | typeof UNSAID | typeof PERHAPS | undefined;

/** Whether an item of the list matches the value of a header; a missing or empty list matches everything. */
export function isAmong(wanted: readonly string[] | undefined, value: Value): Certainty {
  return !wanted?.length || someOf(wanted, (pattern) => matchesHeader(pattern, value));
}

/** Whether no item of the list matches. */
export function isNotAmong(unwanted: readonly string[] | undefined, value: Value): Certainty {
  return !unwanted?.length || not(someOf(unwanted, (pattern) => matchesHeader(pattern, value)));
}

/** A header without a value is present all the same. */
function matchesHeader(pattern: string, value: Value): Certainty {
  return (pattern === '*' && value === '') || matchesPattern(pattern, value);
}

/** `*` matches any value that is not empty; elsewhere it counts only at the beginning or the end. */
export function matchesPattern(given: string, value: Value, ignoreCase = false): Certainty {
  if (value === undefined || value === '') return false;
  if (value === UNSAID || value === PERHAPS) return undefined;
  if (given === '*') return true;
  if (value === SOME_VALUE) return undefined;
  if (typeof value !== 'string') return someOf(value, (one) => matchesPattern(given, one, ignoreCase));
  const pattern = ignoreCase ? given.toLowerCase() : given;
  const text = ignoreCase ? value.toLowerCase() : value;
  if (pattern.startsWith('*')) return text.endsWith(pattern.slice(1));
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}

/** As `matchesPattern`; in a template `{*}` is one segment of the path that is not empty, and `{**}` is any text. */
export function matchesPath(pattern: string, path: string): Certainty {
  if (!pattern.includes('{*}') && !pattern.includes('{**}')) return matchesPattern(pattern, path);
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  const source = escaped.replace(/\\{\*\*\\}|\*\*/g, '\0').replace(/\\{\*\\}|\*/g, '[^/]+');
  return new RegExp(`^${source.replace(/\0/g, '.*')}$`, 's').test(path);
}

/** What RE2 reads in another way than JavaScript, or JavaScript not at all. */
const ONLY_RE2 = /\\[^\WbBdDfnrsStvwWx]|\\x(?![\da-fA-F]{2})|\[[^\]]*\\[bB]|\(\?(?!:)|\[:|\[\^?\]/;

/** A regular expression as Envoy evaluates it; `whole` where it must match all of a text. */
export function regularExpression(text: string, where: FieldRef, whole: boolean): RegExp {
  const source = text.replace(/^\(\?i\)/, '');
  try {
    if (!ONLY_RE2.test(source))
      return new RegExp(whole ? `^(?:${source})$` : source, `${source === text ? '' : 'i'}${whole ? '' : 'g'}`);
  } catch {
    // As below.
  }
  throw new Undetermined(`the model cannot evaluate the regular expression ${text}`, [where]);
}
