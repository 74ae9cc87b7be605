/**
 * Can the proofs that README and docs name fail? Two of them are drawn by the seed, or all are tried with `--everything`; the row is
 * run by itself, and once more while what the promise rests on is missing from the manifests (`mutations.ts`): it must fail then.
 */
import { spawnSync } from 'child_process';
import * as path from 'path';
import { allMarkers } from '../../docs/promises';
import { sample, seed } from '../cover';
import { Mutation, MUTATIONS } from '../mutations';

const MAIN = path.join(__dirname, '../main.ts');

const all = allMarkers().filter(({ key }) => MUTATIONS[key] !== undefined);
const drawn = process.env.MESH_EVERYTHING === undefined ? sample(all, 2, seed()) : all;

test.each(drawn.map((marker) => [marker.key, marker] as const))('%s', (key, { suite, row }) => {
  const { example, like } = MUTATIONS[key];
  const isExample = suite.startsWith('examples/');
  const args = [
    ...['--suite', isExample ? 'examples' : suite],
    ...(isExample ? [suite.slice('examples/'.length)] : example === undefined ? [] : [example]),
    ...['--everything', '--test', pattern(row, like)],
  ];
  const { passed, failed, output } = run(args);
  expect({ failed, output }).toEqual({ failed: 0, output });
  expect(passed).toBeGreaterThan(0);
  const mutated = run(args, key);
  expect({ isRed: mutated.failed > 0, output: mutated.output }).toEqual({ isRed: true, output: mutated.output });
  // Nothing but the row itself may be what failed.
  expect(mutated.output).not.toMatch(/was refused \((schema|istio)\)|the lab is not running|Exceeded timeout of/i);
});

/** The tests of a row: what a title leaves open may be anything. */
function pattern(row: string, like: Mutation['like']): string {
  const literally = (text: string) =>
    text
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replace(/%s/g, '.*')
      .replace(/ /g, '\\s+');
  return [row, ...(like === undefined ? [] : [like])].map((part) => `(?=.*${literally(part)})`).join('');
}

function run(args: string[], key?: string): { passed: number; failed: number; output: string } {
  const env = { ...process.env, ...(key !== undefined && { MESH_MUTATION: key }) };
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', MAIN, ...args], { env, encoding: 'utf8' });
  const [, passed, failed] = /^(\d+) passed, (\d+) failed in /m.exec(stdout) ?? [];
  if (passed === undefined) throw new Error(`this run did not end: ${args.join(' ')}\n${stdout}${stderr}`);
  return { passed: Number(passed), failed: Number(failed), output: stdout + stderr };
}
