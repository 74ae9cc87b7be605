import { Request, World } from './world';
import { Expectation } from '../../../src/access/access-table';

/** What a mesh answered to a request: the fields of an access table, and which external host answered. */
export interface MeshAnswer extends Omit<Expectation, 'addedHeaders' | 'removedHeaders' | 'hostHeader'> {
  readonly answeredBy?: string;
}

export interface Answered {
  readonly request: Request;
  readonly answer: MeshAnswer;
}

/** A world with the answers of a real mesh. */
export interface RecordedWorld extends Omit<World, 'requests'> {
  /** Why it never took effect: admission rejected an object, or a proxy rejected its configuration. */
  readonly refused?: { readonly by: 'admission' | 'proxy'; readonly why: string };
  readonly answers: Answered[];
}
