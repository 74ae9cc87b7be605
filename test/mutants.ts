/**
 * `npm run mutants [-- example…]`: how well access tables and rules pin the manifests. Of the mutants that change any
 * answer, the share that a row or a rule notices; the others by field, and why the rest change none. Below the floor,
 * or where a reason is missing or idle, it ends with 1.
 */
import { mutants } from './mutants/mutate';
import { probesOf, seen } from './mutants/probes';
import { isHidden, reasonFor, WITHOUT_EFFECT } from './mutants/without-effect';
import { Example, examples, golden, objectsIn } from '../examples/examples';
import { judgeTable } from '../src/explain';
import { EgressObject } from '../src/model';
import { checkManifests } from '../src/rules';

/** Of the mutants with an effect. */
const FLOOR = 0.95;

/** Mutants by kind and field, with the example of the first. */
class Groups {
  private readonly groups = new Map<string, { count: number; readonly first: string }>();
  public count = 0;

  public add(label: string, first: string): void {
    const group = this.groups.get(label) ?? { count: 0, first };
    group.count++;
    this.groups.set(label, group);
    this.count++;
  }

  public get labels(): string[] {
    return [...this.groups.keys()];
  }

  public print(title: string, note: (label: string, first: string) => string): void {
    console.log(`\n${title}: ${this.count}`);
    for (const [label, { count, first }] of [...this.groups].sort(([, a], [, b]) => b.count - a.count))
      console.log(`  ${String(count).padStart(5)}  ${label}: ${note(label, first)}`);
  }
}

class Tally {
  public byRow = 0;
  public byRule = 0;
  /** Reported by a rule, although no answer differs. */
  public ruleAlone = 0;
  public readonly unpinned = new Groups();
  public readonly without = new Groups();

  public get share(): number {
    return (this.byRow + this.byRule) / (this.byRow + this.byRule + this.unpinned.count);
  }
}

/** What somebody sees of a mutant; an error is something to see too. */
function view(look: () => unknown): string {
  try {
    return JSON.stringify(look());
  } catch (error) {
    return `error: ${error}`;
  }
}

function judge({ name, table }: Example, objects: readonly EgressObject[], tally: Tally): void {
  const rows = (given: readonly EgressObject[]) =>
    view(() => judgeTable(given, table).map(({ wrong }) => wrong.length === 0));
  const findings = (given: readonly EgressObject[]) =>
    view(() => checkManifests(given).map(({ code, message }) => [code, message]));
  const asked = [table, ...probesOf(table)];
  const answers = (given: readonly EgressObject[], index: number) => view(() => seen(given, asked[index]));
  const good = { rows: rows(objects), findings: findings(objects), answers: asked.map((_, i) => answers(objects, i)) };
  const broken = Object.values(good)
    .flat()
    .find((one) => one.startsWith('error'));
  if (broken !== undefined) throw new Error(`${name}: without any mutation, ${broken}`);
  for (const { label, objects: mutant } of mutants(objects)) {
    if (rows(mutant) !== good.rows) {
      tally.byRow++;
      continue;
    }
    const isReported = findings(mutant) !== good.findings;
    const hasEffect = !isHidden(label) && good.answers.some((answer, index) => answers(mutant, index) !== answer);
    if (hasEffect && isReported) tally.byRule++;
    else if (hasEffect) tally.unpinned.add(label, name);
    else if (isReported) tally.ruleAlone++;
    else tally.without.add(label, name);
  }
}

function main(): void {
  const wanted = process.argv.slice(2);
  const tally = new Tally();
  for (const example of examples()) {
    if (wanted.length > 0 && !wanted.includes(example.name)) continue;
    const objects = objectsIn(golden(example)).map((manifest, index) => ({ manifest, origin: `object ${index}` }));
    judge(example, objects, tally);
  }
  const { byRow, byRule, ruleAlone, unpinned, without } = tally;
  without.print('without effect', (label) => reasonFor(label)?.reason ?? 'NO REASON');
  unpinned.print('with effect, and neither row nor rule notices', (_label, first) => first);
  const all = byRow + byRule + ruleAlone + unpinned.count + without.count;
  console.log(
    `\n${all} mutants. With effect: ${byRow} noticed by a row, ${byRule} more by a rule, ${unpinned.count} by neither: ` +
      `${(100 * tally.share).toFixed(1)} % noticed. Without: ${ruleAlone} noticed by a rule, ${without.count} by none.`,
  );
  const failures = [
    ...(tally.share < FLOOR ? [`fewer than ${100 * FLOOR} % of the mutants with effect are noticed`] : []),
    ...without.labels.filter((label) => !reasonFor(label)).map((label) => `no reason why without effect: ${label}`),
    ...(wanted.length > 0 ? [] : WITHOUT_EFFECT)
      .filter((one) => !without.labels.some((label) => reasonFor(label) === one))
      .map(({ fields }) => `a reason for what does not occur: ${fields.source}`),
  ];
  console.log(failures.length === 0 ? 'above the floor, and the rest has its reasons' : failures.join('\n'));
  process.exitCode = failures.length === 0 ? 0 : 1;
}

main();
