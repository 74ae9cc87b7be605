import { Expectation } from './access-table';

/** A field whose value differs from the one that a row expects, both as text. */
export interface Difference {
  readonly field: keyof Expectation;
  readonly expected: string;
  readonly seen: string;
}

/** The word of a table for what was not seen. */
const ABSENT: { readonly [field in keyof Expectation]?: string } = { identityAtGateway: 'none' };

/**
 * Compares a row's expectation with what was seen, in the same words. Fields that the row does not give are ignored.
 */
export function differingFields(
  expected: Expectation,
  seen: { readonly [field in keyof Expectation]?: unknown },
): Difference[] {
  return (Object.keys(expected) as (keyof Expectation)[])
    .map((field) => ({ field, expected: text(expected[field]), seen: text(seen[field] ?? ABSENT[field]) }))
    .filter((difference) => difference.expected !== difference.seen);
}

function text(value: unknown): string {
  if (value === undefined) return 'nothing';
  return Array.isArray(value) ? `[${[...value].sort().join(', ')}]` : String(value);
}
