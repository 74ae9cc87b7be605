/**
 * The command line of the mesh tests, `npm run test:mesh -- …`:
 *
 *     (nothing)                every row of every example
 *     <example> [row]          one example, by its name or the start of it; a row by its number or a part of its URL
 *     --suite <name> [example] one suite
 *     --test <pattern>         of what is chosen, the tests whose full name matches this regular expression
 *     --all                    every suite; of a product of dimensions, a pairwise cover
 *     --everything             every suite, or the named one, with every product in full
 *     --istio <line>           another release line of Istio than the newest, with its Envoy, for example 1.30
 *     --proxies <line>         proxies of another release line than the control plane's, as while a mesh is upgraded
 *     --seed <number>          what the covers choose and which worlds are generated; printed at the start of each run
 *     --worlds <number>        how many worlds the suites `differential` and `proposals` generate
 *     --times <number>         the same run, so many times in a row
 */
import * as fs from 'fs';
import * as path from 'path';
import { runCLI } from 'jest';
import { exampleNames, meshExamples, numberedRows } from './examples';
import { binaries, ISTIO_LINES, NotPossible, requireSystem, watchForTheEnd } from './lab';

const SUITES = path.join(__dirname, 'suites');
const ENDING = '.mesh.test.ts';

async function main(args: string[]): Promise<boolean> {
  watchForTheEnd();
  const everything = args.includes('--everything');
  const { left, values } = withoutValues(
    args.filter((arg) => arg !== '--everything'),
    ['--seed', '--worlds', '--times', '--istio', '--proxies', '--test'],
  );
  const seed = numberOf(values, '--seed') ?? Math.floor(Date.now() / 1000);
  const worlds = numberOf(values, '--worlds');
  const times = numberOf(values, '--times') ?? 1;
  const line = lineOf(values, '--istio') ?? ISTIO_LINES[0];
  const proxies = lineOf(values, '--proxies') ?? line;
  const { suite, example, row } = everything && left.length === 0 ? {} : choice(left);
  if (worlds !== undefined && suite !== 'differential' && suite !== 'proposals')
    throw new NotPossible(
      '--worlds is an option of --suite differential and --suite proposals: add one, or leave --worlds out',
    );
  // The workers inherit it.
  process.env.MESH_ISTIO = line;
  process.env.MESH_PROXIES = proxies;
  // Checked here so that a missing tool is reported in one line, without jest's output around it.
  await requireSystem();
  await binaries();
  if (example !== undefined) process.env.MESH_EXAMPLE = example;
  if (row !== undefined) process.env.MESH_ROW = row;
  process.env.MESH_SEED = String(seed);
  if (everything) process.env.MESH_EVERYTHING = 'true';
  if (worlds !== undefined) process.env.MESH_WORLDS = String(worlds);
  console.log(
    `Istio ${line}${proxies === line ? '' : ` with proxies of ${proxies}`}, seed ${seed}: --seed ${seed} repeats ` +
      'this choice',
  );
  const runs: string[] = [];
  let good = true;
  for (let time = 1; time <= times; time++) {
    const { passed, failed, seconds } = await run(suite, values.get('--test'));
    good &&= failed === 0;
    runs.push(
      `${times > 1 ? `run ${time} of ${times}: ` : ''}${passed} passed, ${failed} failed in ${seconds.toFixed(1)} s`,
    );
    console.log(runs[runs.length - 1]);
  }
  if (times > 1) console.log(`\n${runs.join('\n')}`);
  return good;
}

/** Runs one suite, or all of them, or only some tests. */
async function run(
  suite: string | undefined,
  test: string | undefined,
): Promise<{ passed: number; failed: number; seconds: number }> {
  const began = Date.now();
  const root = path.join(__dirname, '../..');
  const options = {
    config: path.join(__dirname, 'jest.config.js'),
    testPathPatterns: suite === undefined ? [] : [`/suites/${suite}\\.mesh\\.`],
    testNamePattern: test,
    _: [],
    $0: 'test:mesh',
  };
  const { results } = await runCLI(options as unknown as Parameters<typeof runCLI>[0], [root]);
  // A suite that does not compile, or whose clean-up fails, has no failed test.
  const broken = results.testResults.filter(
    (one) => one.testExecError !== undefined || (one.numFailingTests === 0 && one.failureMessage),
  );
  for (const one of results.testResults) {
    console.log(
      `${path.basename(one.testFilePath, ENDING)}: ${one.numPassingTests} of ${one.testResults.length} in ` +
        `${((one.perfStats.end - one.perfStats.start) / 1000).toFixed(1)} s`,
    );
  }
  const failed = results.numFailedTests + broken.length;
  return {
    passed: results.numPassedTests,
    failed: failed === 0 && !results.success ? 1 : failed,
    seconds: (Date.now() - began) / 1000,
  };
}

/** Separates the options that take a value from the other arguments. */
function withoutValues(args: string[], options: string[]): { left: string[]; values: Map<string, string> } {
  const left = [...args];
  const values = new Map<string, string>();
  for (const option of options) {
    const at = left.indexOf(option);
    if (at < 0) continue;
    const [, value = 'nothing'] = left.splice(at, 2);
    values.set(option, value);
  }
  return { left, values };
}

function numberOf(values: Map<string, string>, option: string): number | undefined {
  const value = values.get(option);
  if (value === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(value)) throw new NotPossible(`${option} takes a whole number from 1 on, not ${value}`);
  return Number(value);
}

function lineOf(values: Map<string, string>, option: string): string | undefined {
  const value = values.get(option);
  if (value === undefined || (ISTIO_LINES as string[]).includes(value)) return value;
  throw new NotPossible(`${option} takes a release line of Istio, ${ISTIO_LINES.join(' or ')}, not ${value}`);
}

function choice(args: string[]): { suite?: string; example?: string; row?: string } {
  const suites = fs
    .readdirSync(SUITES)
    .filter((name) => name.endsWith(ENDING))
    .map((name) => name.slice(0, -ENDING.length));
  if (args.includes('--all')) {
    if (args.length > 1)
      throw new NotPossible('--all runs every suite on every example: remove the other arguments, or --all');
    return {};
  }
  const at = args.indexOf('--suite');
  const suite = at < 0 ? undefined : (args[at + 1] ?? '');
  if (suite !== undefined && !suites.includes(suite))
    throw new NotPossible(`unknown suite "${suite}"; the suites are ${suites.join(', ')}`);
  const [example, row] = at < 0 ? args : args.filter((_, index) => index !== at && index !== at + 1);
  if (example === undefined) return { suite: suite ?? 'examples' };
  const chosen = meshExamples(example);
  if (chosen.length === 0)
    throw new NotPossible(`unknown example "${example}"; the examples are ${exampleNames().join(', ')}`);
  if (row !== undefined && !chosen.some(({ table }) => numberedRows(table, row).length > 0))
    throw new NotPossible(`${chosen.map(({ name }) => name).join(', ')} has no row "${row}"`);
  return { suite: suite ?? 'examples', example, row };
}

main(process.argv.slice(2)).then(
  (good) => process.exit(good ? 0 : 1),
  (error) => {
    console.error(error instanceof NotPossible ? error.message : error);
    process.exit(2);
  },
);
