import { reject } from './names';
import { FieldPath } from '../../../manifests/field-path';

/** Quoted text, escapes and classes of an expression of RE2. */
const ATOMS =
  /\\Q[^]*?(?:\\E|$)|\\x\{[\da-fA-F]+\}|\\[0-7]{1,3}|\\[^]|\[(?:\^?\]|(?!\^?\]))(?:\[:\^?\w+:\]|\\[^]|[^\]\\])*\]/g;
/** Escapes that JavaScript reads and RE2 does not. */
const NOT_RE2 = /^\\(?:[89ceg-moquyE-ORT-VX-Z]|[1-7]$)/;
/** Beginnings of groups that RE2 reads and JavaScript may not. */
const GROUPS = /\(\?(?:P?<[^=!>][^>]*>|[imsU]*(?:-[imsU]+)?:)/g;
const FLAGS = /\(\?[imsU]*(?:-[imsU]+)?\)/g;

/** A regular expression that RE2 reads. In doubt, it is a good one. */
export function checkExpression(field: FieldPath, text: string | undefined): void {
  if (text === undefined) return;
  if (text === '') reject(field, 'is empty');
  if (text.length > 1024) reject(field, 'is longer than 1024 characters');
  const atoms = text.match(ATOMS) ?? [];
  // What an atom is does not matter to what is around it. RE2 repeats "^" and "$" too.
  const around = text.replace(ATOMS, 'a').replace(/[$^]/g, 'a').replace(FLAGS, '(?:)').replace(GROUPS, '(');
  const counts = [...around.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].map(([, from, to]) => Number(to || from));
  const most = Math.max(...counts, 0);
  if (most > 1000) reject(field, `RE2 repeats at most 1000 times, not ${most}`);
  if (/\(\?<?[=!]|\[/.test(around) || !isExpression(around) || !atoms.every(isAtom))
    reject(field, `${JSON.stringify(text)} is not a regular expression of RE2`);
}

function isAtom(atom: string): boolean {
  if (atom.startsWith('\\')) return !NOT_RE2.test(atom);
  // Classes that hold what only RE2 reads are good ones, and JavaScript takes a character such as an emoji for two.
  return /\\[^-dswDSW\]\\]|\[:|[\ud800-\udfff]/.test(atom) || isExpression(atom.replace(/^(\[\^?)\]/, '$1\\]'));
}

function isExpression(text: string): boolean {
  try {
    return new RegExp(text) !== undefined;
  } catch {
    return false;
  }
}
