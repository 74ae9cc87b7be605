/**
 * `npm run usefulness`: how often the model answers without an access table, as people ask it, and why it does not.
 * With shares below the floors, or a plain yes that the mesh did not give, it ends with 1.
 */
import * as fs from 'fs';
import * as path from 'path';
import { parse } from 'yaml';
import { AccessTable } from '../src/access/access-table';
import { placedHosts } from '../src/access/placed-hosts';
import { hostOf, urlOf } from '../src/access/request-url';
import { readManifests } from '../src/reading/read-manifests';
import { Answer, World } from '../src/model';
import {
  exampleAsker,
  folders,
  askerOf,
  falseYesText,
  kindOfReason,
  newTallied,
  tallyWithoutTable,
} from './model/without-table';
import { generateWorld } from './model/worlds/generate';
import { readRecorded } from './model/worlds/recorded-file';
import { tableOf } from './model/worlds/table';

/** Of generated requests, with what the flags of the command line can say. */
const GENERATED = 0.95;
/** Of the requests of ordinary folders, with `--gateway` and `--assume`. */
const ORDINARY = 0.97;
const WORLDS = Number(process.argv[2] ?? 400);
const FIRST_SEED = 500_000;
const MOST_REASONS = 10;
const EXAMPLES = path.join(__dirname, '../examples');

class Share {
  public asked = 0;
  public plain = 0;
  public undetermined = 0;
  private readonly reasons = new Map<string, number>();

  constructor(public readonly name: string) {}

  public add({ outcome, condition, reason }: Answer): void {
    this.asked++;
    if (outcome === 'undetermined') this.undetermined++;
    else if (condition === undefined) return void this.plain++;
    const kind = kindOfReason(condition ? `if ${condition.holds}` : reason);
    this.reasons.set(kind, (this.reasons.get(kind) ?? 0) + 1);
  }

  public get determined(): number {
    return this.plain / this.asked;
  }

  public print(): void {
    const percent = (count: number) => `${((100 * count) / this.asked).toFixed(1)} %`;
    const open = this.asked - this.plain - this.undetermined;
    console.log(
      `${this.name}: ${this.asked} requests, ${percent(this.plain)} determined, ${percent(open)} on a condition, ` +
        `${percent(this.undetermined)} undetermined`,
    );
    for (const [kind, count] of [...this.reasons].sort(([, a], [, b]) => b - a).slice(0, MOST_REASONS))
      console.log(`  ${String(count).padStart(5)}  ${kind}`);
  }
}

/** Generated worlds, in each of the ways in which people have their manifests. */
function generated(): Share[] {
  const shares = new Map<string, Share>();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + WORLDS; seed++) {
    const world = generateWorld(seed);
    for (const folder of folders(world)) {
      const share = shares.get(folder.name) ?? new Share(folder.name);
      shares.set(folder.name, share);
      const ask = askerOf(folder, tableOf(world.mesh));
      for (const request of world.requests) share.add(ask(request));
    }
  }
  return [...shares.values()];
}

/**
 * The examples: a team's manifests, with the mesh configuration, and `--gateway` for gateways that are not among them.
 *
 * @param assumed what `--assume` says besides
 * @param dials whether a question is asked again with `--dial` and the address of the host if its answer asks for that
 */
function ordinary(name: string, assumed: World = {}, dials = false): Share {
  const share = new Share(name);
  for (const example of fs.readdirSync(EXAMPLES)) {
    const file = path.join(EXAMPLES, example, 'access.yaml');
    if (!fs.existsSync(file)) continue;
    const table: AccessTable = parse(fs.readFileSync(file, 'utf8'));
    const { objects } = readManifests([path.join(EXAMPLES, example, 'manifests')]);
    const ask = exampleAsker(objects, table, assumed);
    const addresses = new Map(placedHosts(table).hosts.map(({ host, address }) => [host, address]));
    for (const row of table.access) {
      if (row.without !== undefined) continue;
      const answer = ask(row);
      const isAskedFor = dials && asksForAddress(answer);
      share.add(isAskedFor ? ask(row, addresses.get(hostOf(urlOf(row.request)))) : answer);
    }
  }
  return share;
}

function asksForAddress({ outcome, condition, reason }: Answer): boolean {
  return (condition?.say ?? (outcome === 'undetermined' ? reason : '')).includes('--dial ');
}

function main(): void {
  const shares = generated();
  const plain = ordinary('ordinary folders, with --gateway and --mesh');
  const dialled = ordinary(
    'ordinary folders, with --gateway, --mesh, and --dial where the answer asks for it',
    {},
    true,
  );
  const assumed = { goodCredentials: true, declaredAddresses: true };
  const folder = ordinary(
    'ordinary folders, with --gateway, --mesh and --assume credentials=good, addresses=declared',
    assumed,
  );
  const all = ordinary('ordinary folders, with all of these', assumed, true);
  const total = newTallied();
  for (const world of readRecorded()) tallyWithoutTable(total, world);
  for (const share of [...shares, plain, dialled, folder, all]) share.print();
  for (const lie of total.falseYes) console.log(`false yes: ${falseYesText(lie)}`);
  const said = shares.find(({ name }) => name.includes('--assume'))!;
  const failures = [
    ...(said.determined < GENERATED ? [`${said.name}: below ${100 * GENERATED} %`] : []),
    ...(folder.determined < ORDINARY ? [`${folder.name}: below ${100 * ORDINARY} %`] : []),
    ...(total.falseYes.length > 0 ? [`${total.falseYes.length} plain answers that the mesh did not give`] : []),
  ];
  console.log(failures.length === 0 ? 'above the floors, and no false yes' : failures.join('\n'));
  process.exitCode = failures.length === 0 ? 0 : 1;
}

main();
