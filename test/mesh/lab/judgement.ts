import { Evidence } from './evidence';
import { Seen, seen } from './seen';
import { differingFields } from '../../../src/access/expectation';

/** What the mesh says about a row. */
export interface Judgement {
  readonly passed: boolean;
  readonly seen: Seen;
  /** One sentence each: what was expected and what was seen. */
  readonly differences: string[];
}

/** Compares a row's expectation with what was seen. Fields that the row does not have are not compared. */
export function judge(evidence: Evidence): Judgement {
  const saw = seen(evidence);
  const differences = [
    ...differingFields(evidence.row.expect, saw).map(
      ({ field, expected, seen: got }) => `${field}: expected ${expected}, seen ${got}`,
    ),
    ...saw.contradictions,
  ];
  return { passed: differences.length === 0, seen: saw, differences };
}
