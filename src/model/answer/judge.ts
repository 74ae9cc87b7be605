import { Answer } from './answer';
import { Expectation } from '../../access/access-table';
import { differingFields } from '../../access/expectation';

/**
 * Where an answer differs from what a row expects; fields that the row does not name are not compared. An answer on a
 * condition is none. Of alternatives with a weight, the likeliest one counts; where nothing but chance decides, each.
 */
export function unmetExpectations(expected: Expectation, answer: Answer): string[] {
  const own = differing(expected, answer);
  if (own.length > 0) return own;
  if (answer.condition !== undefined) return [`only if ${answer.condition.holds}`];
  for (const { weight, because, answer: other } of answer.alternatives) {
    const differences = weight === undefined ? differing(expected, other) : [];
    if (differences.length > 0) return differences.map((one) => `${one}, by chance: ${because}`);
  }
  return [];
}

function differing(expected: Expectation, answer: Answer): string[] {
  const differences = differingFields(expected, answer).map(
    ({ field, expected: wanted, seen }) =>
      `${field}: expected ${wanted}, the model says ${seen}${field === 'outcome' ? ` (${answer.reason})` : ''}`,
  );
  if (expected.outcome === 'answered' && expected.answeredBy === undefined && answer.insteadOf !== undefined)
    differences.push(`answeredBy: expected ${answer.insteadOf}, the model says ${answer.answeredBy}`);
  return differences;
}
