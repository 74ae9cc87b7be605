import { Evidence } from './evidence';
import { Seen, seen } from './seen';
import { Expectation } from '../../../src/access/access-table';

/** What the mesh says about a row. */
export interface Judgement {
  readonly passed: boolean;
  readonly seen: Seen;
  /** Each a sentence: what was expected and what was seen. */
  readonly differences: string[];
}

/** Holds a row's expectation against what was seen. Whatever the row does not name is not compared. */
export function judge(evidence: Evidence): Judgement {
  const saw = seen(evidence);
  const differences = [
    ...(Object.keys(evidence.row.expect) as (keyof Expectation)[])
      .filter(field => text(evidence.row.expect[field]) !== text(saw[field]))
      .map(field => `${field}: expected ${text(evidence.row.expect[field])}, seen ${text(saw[field])}`),
    ...saw.contradictions,
  ];
  return { passed: differences.length === 0, seen: saw, differences };
}

function text(value: unknown): string {
  if (value === undefined) return 'nothing';
  return Array.isArray(value) ? `[${[...value].sort().join(', ')}]` : String(value);
}
