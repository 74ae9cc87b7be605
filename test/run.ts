/**
 * `npm test [-- <arguments for Jest>]`: types and lint, layout, and tests, side by side. Each is shown when it ends.
 */
import { spawn } from 'child_process';
import * as path from 'path';

const ROOT = path.join(__dirname, '..');

interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

const CHECKS: readonly Check[] = [
  { name: 'types and lint', command: [require.resolve('tsx/cli'), 'test/check.ts'] },
  { name: 'layout', command: [require.resolve('prettier/bin/prettier.cjs'), '--check', '--log-level=warn', '**/*.ts'] },
  { name: 'tests', command: [require.resolve('jest/bin/jest'), '--ci', ...process.argv.slice(2)] },
];

/** Runs a check, prints what it says in one piece, and tells whether it succeeded. */
function run({ name, command }: Check): Promise<boolean> {
  const begin = Date.now();
  const env = process.stdout.isTTY ? { FORCE_COLOR: '1', ...process.env } : process.env;
  const child = spawn(process.execPath, command, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
  return new Promise((resolve) => {
    child.on('close', (code) => {
      const seconds = ((Date.now() - begin) / 1000).toFixed(1);
      const text = Buffer.concat(output).toString().trim();
      console.log(`== ${name}: ${code === 0 ? 'passed' : 'FAILED'} (${seconds} s)${text ? `\n${text}\n` : ''}`);
      resolve(code === 0);
    });
  });
}

async function main() {
  console.log(CHECKS.map(({ name }) => name).join(' | '));
  const passed = await Promise.all(CHECKS.map(run));
  const failed = CHECKS.filter((_, index) => !passed[index]).map(({ name }) => name);
  if (failed.length === 0) return;
  console.error(`FAILED: ${failed.join(', ')}`);
  process.exitCode = 1;
}

void main();
