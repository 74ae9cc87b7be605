import { Answer } from './answer';
import { Expectation } from '../access/access-table';
import { differingFields } from '../access/expectation';

/** Where an answer is not what a row expects; whatever the row does not name is not compared. */
export function unmetExpectations(expected: Expectation, answer: Answer): string[] {
  return differingFields(expected, answer).map(
    ({ field, expected: wanted, seen }) =>
      `${field}: expected ${wanted}, the model says ${seen}${field === 'outcome' ? ` (${answer.reason})` : ''}`,
  );
}
