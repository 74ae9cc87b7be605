/**
 * The cost of synth: `npm run bench [-- rounds]`. N hosts through a gateway with TLS origination, in three variants
 * that give the same bytes: the constructs, the generated classes, and raw ApiObjects. The variants take turns in one
 * run. Every figure is a line `name: value`. All times are CPU times, so that other load on the machine does not count.
 */
import { execFileSync } from 'child_process';
import * as fs from 'fs';
import { createRequire } from 'module';
import * as os from 'os';
import * as path from 'path';
import { setFlagsFromString } from 'v8';
import { runInNewContext } from 'vm';
import { ApiObject, App, Chart } from 'cdk8s';
import { writtenByHand, Written } from './by-hand';

const ROOT = path.join(__dirname, '..');
const SIZES = [100, 1_000, 2_000, 4_000];
const ROUNDS = Number(process.argv[2] ?? 5);
const VARIANTS: Record<string, (chart: Chart, hosts: string[]) => void> = { constructs, classes, raw };

// The compiled library, as users have it: a loader that compiles on the fly would add its own cost to the figures.
compileLibrary();
const compiled = createRequire(__filename);
const generated: typeof import('../imports/networking.istio.io') = compiled('../lib/imports/networking.istio.io');
const library: typeof import('../src') = compiled('../lib/src');

function constructs(chart: Chart, hosts: string[]): void {
  const { Caller, GatewayEgress, GatewayInstallation, InstalledEgressGateway, TlsOrigination } = library;
  const gateway = InstalledEgressGateway.fromInstallation(
    chart,
    'exit',
    GatewayInstallation.helmChart({ namespace: 'egress' }),
  );
  const egress = new GatewayEgress(chart, 'partners', {
    gateway,
    hosts,
    callers: [Caller.serviceAccount('payments', 'checkout')],
  });
  new TlsOrigination(chart, 'tls', { egress });
}

function classes(chart: Chart, hosts: string[]): void {
  const made = generated as any;
  emit(hosts, ({ kind, metadata, spec }, id) => new made[kind](chart, id, { metadata, spec }));
}

function raw(chart: Chart, hosts: string[]): void {
  emit(
    hosts,
    ({ kind, metadata, spec }, id) =>
      new ApiObject(chart, id, { apiVersion: 'networking.istio.io/v1', kind, metadata, spec }),
  );
}

/** In the order of the constructs: the DestinationRules of the gateway, its other objects, then the caller side. */
function emit(hosts: string[], one: (written: Written, id: string) => ApiObject): void {
  const written = hosts.map((host) => writtenByHand(host, 'payments/partners'));
  // Ids with letters, as users write them: V8's dictionaries are faster with integer keys, which no user's ids are.
  const add = (object: Written) => one(object, `${object.kind}-${object.metadata.namespace}-${object.metadata.name}`);
  for (const { rule } of written) add(rule);
  for (const { gateway } of written) gateway.forEach(add);
  for (const { caller } of written) caller.forEach(add);
}

/** Builds and synthesises one app. */
function measure(variant: string, count: number, outdir: string): { ms: number; text: string } {
  const hosts = Array.from({ length: count }, (_, index) => `host-${index}.example.com`);
  collectGarbage();
  const start = process.cpuUsage();
  const app = new App({ outdir });
  VARIANTS[variant](new Chart(app, 'payments', { namespace: 'payments' }), hosts);
  app.synth();
  const { user, system } = process.cpuUsage(start);
  const ms = (user + system) / 1e3;
  return { ms, text: fs.readFileSync(path.join(outdir, 'payments.k8s.yaml'), 'utf8') };
}

function main(): void {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'egress-bench-'));
  const constructTimes = new Map<number, number>();
  try {
    for (const variant of Object.keys(VARIANTS)) measure(variant, 300, outdir); // warm-up
    for (const size of SIZES) {
      const times: Record<string, number[]> = { constructs: [], classes: [], raw: [] };
      for (let round = 0; round < ROUNDS; round++) {
        const texts = rotated(Object.keys(VARIANTS), round).map((variant) => {
          const { ms, text } = measure(variant, size, outdir);
          times[variant].push(ms);
          return text;
        });
        if (texts.some((text) => text !== texts[0]))
          throw new Error(`${size} hosts: the three variants do not give the same bytes`);
        if (round === 0) print(`objects, ${size} hosts`, `${texts[0].split('\n---\n').length}`);
      }
      for (const variant of Object.keys(VARIANTS))
        print(`${variant}, ${size} hosts`, `${median(times[variant]).toFixed(0)} ms`);
      constructTimes.set(size, median(times.constructs));
      // Ratios within one round, so that a machine that is busy for a while does not distort them.
      print(
        `constructs/classes, ${size} hosts (goal <= 1.10)`,
        median(times.constructs.map((ms, round) => ms / times.classes[round])).toFixed(2),
      );
      print(
        `constructs/raw, ${size} hosts`,
        median(times.constructs.map((ms, round) => ms / times.raw[round])).toFixed(2),
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
      times[moduleName].push(Number(execFileSync(process.execPath, ['-e', script], { cwd: ROOT, encoding: 'utf8' })));
    }
  }
  const [cdk8sMs, libraryMs] = Object.values(times).map(median);
  print('require cdk8s', `${cdk8sMs.toFixed(1)} ms`);
  print('require the library, cdk8s included', `${libraryMs.toFixed(1)} ms`);
  print('require, library/cdk8s (goal <= 1.3)', (libraryMs / cdk8sMs).toFixed(2));
}

function compileLibrary(): void {
  const newest = (folder: string): number =>
    Math.max(
      ...fs
        .readdirSync(folder, { withFileTypes: true })
        .map((entry) =>
          entry.isDirectory()
            ? newest(path.join(folder, entry.name))
            : fs.statSync(path.join(folder, entry.name)).mtimeMs,
        ),
    );
  const built = path.join(ROOT, 'lib/src/index.js');
  if (fs.existsSync(built) && fs.statSync(built).mtimeMs > newest(path.join(ROOT, 'src'))) return;
  console.log('compiling the library');
  execFileSync(process.execPath, [path.join(ROOT, 'node_modules/jsii/bin/jsii'), '--silence-warnings=reserved-word'], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const script of ['test/trim-lib.ts', 'test/join-lib.ts'])
    execFileSync(path.join(ROOT, 'node_modules/.bin/tsx'), [script], { cwd: ROOT, stdio: 'inherit' });
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

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

main();
