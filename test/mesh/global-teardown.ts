import { leftOvers } from './lab';

/** Every lab has taken down what it made: the suites fail otherwise. */
export default async function globalTeardown(): Promise<void> {
  const left = leftOvers();
  if (left.length > 0) throw new Error(`labs have left behind:\n  ${left.join('\n  ')}`);
}
