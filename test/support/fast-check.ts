import * as fc from 'fast-check';

/**
 * Generated tests see the same cases in every run, and properties of the same cases share what they build from them.
 * FC_SEED=<number> chooses other cases; .ci/run sets it anew each time.
 */
fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 1) });

export * from 'fast-check';
