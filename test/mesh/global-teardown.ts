import { leftOvers } from './lab';

/** Fails the run where a lab has left something behind. */
export default async function globalTeardown(): Promise<void> {
  const left = leftOvers();
  if (left.length > 0) throw new Error(`labs have left behind:\n  ${left.join('\n  ')}`);
}
