import { IConstruct } from 'constructs';
import { perApp } from './app';

/** What declarations disagree about, and which construct reports it. */
export interface Conflict {
  readonly construct: IConstruct;
  readonly problem: string;
  /**
   * The constructs whose objects conflict because of this. Findings of the rules between only these constructs are left
   * out: they would repeat it.
   */
  readonly between?: readonly IConstruct[];
}

/** Something that several constructs may declare together, such as the egress path of one host from one namespace. */
export interface Declaration {
  conflicts(): Conflict[];
}

const watched = perApp(() => [] as Declaration[]);

/** Makes the conflicts of a declaration part of what its app reports at synth. */
export function watch<T extends Declaration>(construct: IConstruct, declaration: T): T {
  watched(construct).push(declaration);
  return declaration;
}

/** Every conflict of an app, in the order of the declarations. */
export function conflictsOf(construct: IConstruct): Conflict[] {
  return watched(construct).flatMap((declaration) => declaration.conflicts());
}
