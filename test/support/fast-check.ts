import * as fc from 'fast-check';

const chosen = process.env.FC_SEED;

/**
 * Generated tests see the same cases in every run, and properties of the same cases share what they build from them.
 * FC_SEED=<number> chooses other cases; .ci/run sets it anew each time.
 */
fc.configureGlobal({ seed: Number(chosen ?? 1) });

/**
 * How many cases a property sees: all of them with a chosen seed, as in `.ci/run`. Without one the cases are the same
 * each time, and half of them keep `npm test` short.
 */
export const cases = (count: number) => ({ numRuns: chosen === undefined ? Math.ceil(count / 2) : count });

export * from 'fast-check';
