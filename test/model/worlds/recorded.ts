import { Request, World } from './world';
import { Expectation } from '../../../src/access/access-table';

/** What a mesh answered to one request: the words of an access table, and which host outside gave the answer. */
export interface MeshAnswer extends Omit<Expectation, 'addedHeaders'> {
  readonly answeredBy?: string;
}

export interface Answered {
  readonly request: Request;
  readonly answer: MeshAnswer;
}

/** What became of a world on a real mesh. */
export interface RecordedWorld extends Omit<World, 'requests'> {
  /**
   * Why it never came into force: an object that admission does not let in, or a proxy that takes not what it is sent.
   */
  readonly refused?: { readonly by: 'admission' | 'proxy'; readonly why: string };
  readonly answers: Answered[];
}
