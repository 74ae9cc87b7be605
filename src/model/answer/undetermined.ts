import { FieldRef } from './answer';

/** Thrown where an answer would be a guess; the message says what is unknown. */
export class Undetermined extends Error {
  constructor(
    reason: string,
    public readonly decidedBy: readonly FieldRef[] = [],
  ) {
    super(reason);
  }
}
