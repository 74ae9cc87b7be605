/**
 * Collects everything that is wrong with one set of props, so that it can be fixed in one go.
 */
export class Problems {
  private readonly found: string[] = [];

  /**
   * @param where what was given wrong values: a construct's path and class, or a factory such as `EgressPort.http`
   */
  public constructor(private readonly where: string) {}

  /**
   * Whether something is wrong with this prop already, so that its consequences need not be reported.
   *
   * @param part only with the prop itself, or also with anything in it
   */
  public has(prop: string, part: 'itself' | 'anywhere' = 'anywhere'): boolean {
    const next = part === 'itself' ? /^:/ : /^[[.:]/;
    return this.found.some((problem) => problem.startsWith(prop) && next.test(problem.slice(prop.length)));
  }

  /** @param what the prop, its value, why it cannot work, and what to write instead */
  public add(what: string): void {
    this.found.push(what);
  }

  /** Runs a check that throws, and adds its message under the name of the prop. */
  public check<T>(prop: string, attempt: () => T): T | undefined {
    try {
      return attempt();
    } catch (error) {
      this.add(`${prop}: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** Throws one error that lists all problems, if there are any. */
  public throwIfAny(): void {
    if (this.found.length === 0) return;
    if (this.found.length === 1) throw new Error(`${this.where}: ${this.found[0]}`);
    throw new Error(
      `${this.where}: ${this.found.length} ` +
        `problems:\n${this.found.map((problem) => `  - ${problem.replace(/\n/g, '\n  ')}`).join('\n')}`,
    );
  }
}
