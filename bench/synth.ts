/**
 * What synth costs: `npm run bench [-- rounds]`. N hosts through a gateway with TLS origination, made by the
 * constructs, written with the generated classes, and written as raw ApiObjects; the same bytes, in one run, in turn.
 * Every figure is a line `name: value`. All times are of the CPU, whatever else the machine does meanwhile.
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
const VIAS: Record<string, (chart: Chart, hosts: string[]) => void> = { constructs, classes, raw };

// Compiled, as users have it: a loader that compiles on the way would put its own cost into the figures.
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

/** In the order of the constructs: all rules of the gateway, its other objects, then the callers' half. */
function emit(hosts: string[], one: (written: Written, id: string) => ApiObject): void {
  const written = hosts.map(writtenByHand);
  // Ids as people give them: words. (Whole numbers would be faster than anybody's ids are, in V8's dictionaries.)
  const add = (object: Written) => one(object, `${object.kind}-${object.metadata.namespace}-${object.metadata.name}`);
  for (const { rule } of written) add(rule);
  for (const { gateway } of written) gateway.forEach(add);
  for (const { caller } of written) caller.forEach(add);
}

/** Builds and writes one app. */
function measure(via: string, count: number, outdir: string): { ms: number; text: string } {
  const hosts = Array.from({ length: count }, (_, index) => `host-${index}.example.com`);
  collectGarbage();
  const start = process.cpuUsage();
  const app = new App({ outdir });
  VIAS[via](new Chart(app, 'payments', { namespace: 'payments' }), hosts);
  app.synth();
  const { user, system } = process.cpuUsage(start);
  const ms = (user + system) / 1e3;
  return { ms, text: fs.readFileSync(path.join(outdir, 'payments.k8s.yaml'), 'utf8') };
}

function main(): void {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'egress-bench-'));
  const ours = new Map<number, number>();
  try {
    for (const via of Object.keys(VIAS)) measure(via, 300, outdir); // warm
    for (const size of SIZES) {
      const times: Record<string, number[]> = { constructs: [], classes: [], raw: [] };
      for (let round = 0; round < ROUNDS; round++) {
        const texts = turned(Object.keys(VIAS), round).map((via) => {
          const { ms, text } = measure(via, size, outdir);
          times[via].push(ms);
          return text;
        });
        if (texts.some((text) => text !== texts[0]))
          throw new Error(`${size} hosts: the three ways do not give the same bytes`);
        if (round === 0) say(`objects, ${size} hosts`, `${texts[0].split('\n---\n').length}`);
      }
      for (const via of Object.keys(VIAS)) say(`${via}, ${size} hosts`, `${median(times[via]).toFixed(0)} ms`);
      ours.set(size, median(times.constructs));
      // Neighbours in time are compared, so that a machine that is busy for a while does not decide.
      say(
        `constructs/classes, ${size} hosts (goal <= 1.10)`,
        median(times.constructs.map((ms, round) => ms / times.classes[round])).toFixed(2),
      );
      say(
        `constructs/raw, ${size} hosts`,
        median(times.constructs.map((ms, round) => ms / times.raw[round])).toFixed(2),
      );
    }
  } finally {
    fs.rmSync(outdir, { recursive: true, force: true });
  }
  say('t(4000)/t(2000) (goal <= 2.1)', (ours.get(4_000)! / ours.get(2_000)!).toFixed(2));
  requireCost();
}

function requireCost(): void {
  const times: Record<string, number[]> = { cdk8s: [], [path.join(ROOT, 'lib/src')]: [] };
  for (let round = 0; round < 2 * ROUNDS + 1; round++) {
    for (const what of turned(Object.keys(times), round)) {
      const script =
        `const start = process.cpuUsage(); require(${JSON.stringify(what)}); const { user, system } = ` +
        'process.cpuUsage(start); console.log((user + system) / 1e3)';
      times[what].push(Number(execFileSync(process.execPath, ['-e', script], { cwd: ROOT, encoding: 'utf8' })));
    }
  }
  const [cdk8s, own] = Object.values(times).map(median);
  say('require cdk8s', `${cdk8s.toFixed(1)} ms`);
  say('require the library, cdk8s included', `${own.toFixed(1)} ms`);
  say('require, library/cdk8s (goal <= 1.3)', (own / cdk8s).toFixed(2));
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
}

function say(name: string, value: string): void {
  console.log(`${name}: ${value}`);
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Each round begins with another one. */
function turned<T>(list: T[], by: number): T[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

main();
