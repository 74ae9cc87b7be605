import { hops, judge, KubeObject, Lab, rowText, seenText, up, without } from './lab';
import { AccessRow, AccessTable } from '../../src/access/access-table';

/** The result of the rows of one table. */
export interface Result {
  readonly passed: number;
  /** Rows that failed, and other failures. */
  readonly failed: number;
}

/** Sends the rows of a table through a mesh with these manifests, and prints each with its result. */
export async function runTable(table: AccessTable, manifests: KubeObject[]): Promise<Result> {
  const lab = await up({ table, manifests });
  const tally = new Tally();
  try {
    for (const rows of groups(table.access, (row) => row)) await runGroup(lab, manifests, rows, tally);
    const errors = lab.errors();
    if (errors.length > 0) tally.fail('istiod or a proxy reported errors', errors);
    return tally;
  } finally {
    lab.down();
  }
}

/** Groups rows that are sent with the same objects: a change of configuration takes longer than a request. */
export function groups<T>(items: T[], rowOf: (item: T) => AccessRow): T[][] {
  const by = new Map<string, T[]>();
  for (const item of items) {
    const key = JSON.stringify(rowOf(item).without ?? '');
    by.set(key, [...(by.get(key) ?? []), item]);
  }
  return [...by.values()];
}

async function runGroup(lab: Lab, manifests: KubeObject[], rows: AccessRow[], tally: Tally): Promise<void> {
  try {
    const warnings = await lab.apply('manifests', without(manifests, rows[0].without));
    if (warnings.length > 0)
      tally.fail(
        'warnings from admission',
        warnings.map((finding) => `${finding.object}: ${finding.warnings?.join('; ')}`),
      );
    await lab.converge();
  } catch (error) {
    // Objects that do not come into force fail all their rows: a request would show some other configuration.
    rows.forEach((row) => tally.fail(rowText(row), (error as Error).message.split('\n')));
    return;
  }
  for (const row of rows) {
    const evidence = await lab.send(row);
    const judgement = judge(evidence);
    const what = `${rowText(row)}  ->  ${seenText(judgement)}`;
    if (judgement.passed) tally.pass(what);
    else tally.fail(what, [...judgement.differences, ...hops(evidence)]);
  }
}

class Tally implements Result {
  public passed = 0;
  public failed = 0;

  public pass(what: string): void {
    this.passed++;
    console.log(`  ok     ${what}`);
  }

  public fail(what: string, details: string[]): void {
    this.failed++;
    console.log(`  FAILED ${what}`);
    details.forEach((line) => console.log(`         ${line}`));
  }
}
