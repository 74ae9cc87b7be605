/**
 * The cost of synth: `npm run bench [-- rounds]`. N hosts through a gateway with TLS origination, in two variants that
 * give the same bytes: the constructs, and the generated classes. Each app has a process of its own, as with users: in
 * a process that has built several, the code of one variant is compiled for what the others did, and what a garbage
 * collection between them throws away is compiled again. The variants take turns. Every figure is a line `name: value`.
 * All times are CPU times, so that other load on the machine does not count.
 */
import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { compiled, ROOT } from './compiled';

const SIZES = [100, 1_000, 2_000, 4_000];
const ROUNDS = Number(process.argv[2] ?? 5);
const VARIANTS = ['constructs', 'classes'];
const ONE_APP = compiled('one-app');

/** Builds and synthesises one app. */
function measure(variant: string, count: number, outdir: string): { ms: number; text: string } {
  const ms = Number(run(ONE_APP, variant, `${count}`, outdir));
  return { ms, text: fs.readFileSync(path.join(outdir, 'payments.k8s.yaml'), 'utf8') };
}

function main(): void {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'egress-bench-'));
  const constructTimes = new Map<number, number>();
  try {
    for (const size of SIZES) {
      const times: Record<string, number[]> = { constructs: [], classes: [] };
      for (let round = 0; round < ROUNDS; round++) {
        const texts = rotated(VARIANTS, round).map((variant) => {
          const { ms, text } = measure(variant, size, outdir);
          times[variant].push(ms);
          return text;
        });
        if (texts[0] !== texts[1]) throw new Error(`${size} hosts: the two variants do not give the same bytes`);
        if (round === 0) print(`objects, ${size} hosts`, `${texts[0].split('\n---\n').length}`);
      }
      for (const variant of VARIANTS) print(`${variant}, ${size} hosts`, `${median(times[variant]).toFixed(0)} ms`);
      constructTimes.set(size, median(times.constructs));
      // Ratios within one round, so that a machine that is busy for a while does not distort them.
      print(
        `constructs/classes, ${size} hosts (goal <= 1.10)`,
        median(times.constructs.map((ms, round) => ms / times.classes[round])).toFixed(2),
      );
    }
  } finally {
    fs.rmSync(outdir, { recursive: true, force: true });
  }
  print('t(4000)/t(2000) (goal <= 2.1)', (constructTimes.get(4_000)! / constructTimes.get(2_000)!).toFixed(2));
  measureRequire();
}

function measureRequire(): void {
  const times: Record<string, number[]> = { cdk8s: [], [path.join(ROOT, 'lib/src')]: [] };
  for (let round = 0; round < 2 * ROUNDS + 1; round++) {
    for (const moduleName of rotated(Object.keys(times), round)) {
      const script =
        `const start = process.cpuUsage(); require(${JSON.stringify(moduleName)}); const { user, system } = ` +
        'process.cpuUsage(start); console.log((user + system) / 1e3)';
      times[moduleName].push(Number(run('-e', script)));
    }
  }
  const [cdk8sMs, libraryMs] = Object.values(times).map(median);
  print('require cdk8s', `${cdk8sMs.toFixed(1)} ms`);
  print('require the library, cdk8s included', `${libraryMs.toFixed(1)} ms`);
  print('require, library/cdk8s (goal <= 1.3)', (libraryMs / cdk8sMs).toFixed(2));
}

function print(name: string, value: string): void {
  console.log(`${name}: ${value}`);
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The list rotated by some places, so that each round starts with a different item. */
function rotated<T>(list: T[], by: number): T[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

function run(...args: string[]): string {
  return execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
}

main();
