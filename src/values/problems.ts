/**
 * Gathers everything that is wrong with one set of props, so that a person fixes it in one go.
 */
export class Problems {
  private readonly found: string[] = [];

  /**
   * @param where who was asked for the impossible: a construct path with its type, or a factory such as
   * `EgressPort.http`
   */
  public constructor(private readonly where: string) {}

  /** @param what the value, why it cannot work, and what to write instead */
  public add(what: string): void {
    this.found.push(what);
  }

  /** Runs a check that throws and keeps its message, named after the prop it belongs to. */
  public check<T>(prop: string, attempt: () => T): T | undefined {
    try {
      return attempt();
    } catch (error) {
      this.add(`${prop}: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** Throws one error that lists all problems; does nothing when there are none. */
  public throwIfAny(): void {
    if (this.found.length === 0) return;
    if (this.found.length === 1) throw new Error(`${this.where}: ${this.found[0]}`);
    throw new Error(
      `${this.where}: ${this.found.length} ` +
        `problems:\n${this.found.map((problem) => `  - ${problem.replace(/\n/g, '\n  ')}`).join('\n')}`,
    );
  }
}
