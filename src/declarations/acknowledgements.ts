import { IConstruct } from 'constructs';
import { perApp, touch } from './app';

/** A finding that is accepted at a construct and all below it. */
export interface Acknowledgement {
  readonly scope: IConstruct;
  readonly code: string;
  readonly reason: string;
}

const given = perApp((): Acknowledgement[] => []);

export function acknowledge(acknowledgement: Acknowledgement): void {
  given(acknowledgement.scope).push(acknowledgement);
  touch(acknowledgement.scope);
}

/** What is accepted in an app. */
export function acknowledgementsOf(construct: IConstruct): readonly Acknowledgement[] {
  return given(construct);
}
