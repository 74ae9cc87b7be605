import { IConstruct } from 'constructs';
import { Conflict, Declaration } from './conflicts';
import { canonical } from '../values/canonical';

type Fields = Record<string, unknown>;

/**
 * Something that several constructs of one app describe, and must describe alike: a gateway, the mesh.
 */
export class Agreement implements Declaration {
  private readonly statements: { construct: IConstruct; fields: Fields }[] = [];

  /**
   * @param code the rule that begins every problem
   * @param title what is described
   * @param cure what to do when the descriptions differ
   */
  constructor(
    private readonly code: string,
    private readonly title: string,
    private readonly cure: string,
  ) {}

  /** Records the description of one construct. */
  public state(construct: IConstruct, fields: Fields): void {
    this.statements.push({ construct, fields });
  }

  public conflicts(): Conflict[] {
    return disagreements(
      this.statements,
      ({ fields }) => fields,
      (differences, first) =>
        `${this.code}: ${this.title} is described differently here and by [${first.construct.node.path}] ` +
        `(${differences}). ${this.cure}`,
    );
  }
}

/**
 * The conflicts of statements with the first of them.
 *
 * @param say the problem, from what differs, the first statement and the one that is another
 */
export function disagreements<S extends { readonly construct: IConstruct }>(
  [first, ...others]: readonly S[],
  fieldsOf: (statement: S) => Fields,
  say: (differences: string, first: S, other: S) => string,
): Conflict[] {
  return others.flatMap((other) => {
    const differences = differencesOf(fieldsOf(first), fieldsOf(other));
    if (differences.length === 0) return [];
    return [{ construct: other.construct, problem: say(differences.join('; '), first, other) }];
  });
}

/** What differs between two descriptions, by name: `timeout: "5s" there, not set here`. */
function differencesOf(there: Fields, here: Fields): string[] {
  return [...new Set([...Object.keys(there), ...Object.keys(here)])]
    .filter((name) => text(there[name]) !== text(here[name]))
    .map((name) => `${name}: ${text(there[name])} there, ${text(here[name])} here`);
}

/** The order of labels makes no difference. */
function text(value: unknown): string {
  return canonical(value) || 'not set';
}
