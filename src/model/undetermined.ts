import { FieldRef } from './answer';

/** Thrown where an answer would be a guess; says what is not understood. */
export class Undetermined extends Error {
  constructor(
    reason: string,
    public readonly decidedBy: readonly FieldRef[] = [],
  ) {
    super(reason);
  }
}
