import { Answer } from './answer';
import { Expectation } from '../access/access-table';

/** Where an answer is not what a row expects; whatever the row does not name is not compared. */
export function differences(expected: Expectation, answer: Answer): string[] {
  return (Object.keys(expected) as (keyof Expectation)[])
    .filter(field => text(expected[field]) !== text(answer[field]))
    .map(field =>
      `${field}: expected ${text(expected[field])}, the model says ${text(answer[field])}${field === 'outcome' ? ` (${answer.reason})` : ''}`);
}

function text(value: unknown): string {
  if (value === undefined) return 'nothing';
  return Array.isArray(value) ? `[${[...value].sort().join(', ')}]` : String(value);
}
