/** A few lines to run checks one after another and say plainly how each ended. */
export class Checks {
  private passed = 0;
  private failed = 0;

  /** Runs a check; whatever it throws is its failure. What it returns is shown beside its name. */
  public async run(name: string, check: () => string | void | Promise<string | void>): Promise<void> {
    const start = Date.now();
    try {
      const detail = await check();
      this.passed++;
      console.log(`ok    ${name}${detail ? `: ${detail}` : ''} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
    } catch (error) {
      this.failed++;
      const { message, stdout, stderr } = error as Error & { stdout?: Buffer; stderr?: Buffer };
      console.log(`FAIL  ${name}\n${[message, stdout, stderr].filter(Boolean).join('\n').replace(/^/gm, '      ')}`);
    }
  }

  /** The last line of the output, and the exit code. */
  public finish(): void {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    if (this.failed > 0 || this.passed === 0) process.exitCode = 1;
  }
}

/** Fails a check, with the reason. */
export function demand(condition: unknown, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise);
}
