import { Expectation } from './access-table';

/** A field in which what happened is not what a row expects, both as text. */
export interface Difference {
  readonly field: keyof Expectation;
  readonly expected: string;
  readonly seen: string;
}

/**
 * Holds a row's expectation against what a judge has seen, in the same words. Whatever the row does not name is not
 * compared.
 */
export function differingFields(
  expected: Expectation,
  seen: { readonly [field in keyof Expectation]?: unknown },
): Difference[] {
  return (Object.keys(expected) as (keyof Expectation)[])
    .map((field) => ({ field, expected: text(expected[field]), seen: text(seen[field]) }))
    .filter((difference) => difference.expected !== difference.seen);
}

function text(value: unknown): string {
  if (value === undefined) return 'nothing';
  return Array.isArray(value) ? `[${[...value].sort().join(', ')}]` : String(value);
}
