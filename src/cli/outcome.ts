/** What a run of the command line prints, and how it ends. */
export interface Outcome {
  readonly code: 0 | 1 | 2 | 3;
  readonly out: string;
  readonly err: string;
}

/** Wrong usage; the message says what to write instead. */
export class Usage extends Error {}
