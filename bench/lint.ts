/**
 * `npm run bench:lint [-- rounds]`: what `lint` costs beyond reading the YAML, at 2,000 to 16,000 objects, in two
 * worlds: one without findings, as the constructs write it, and one in which every host has findings. Every figure is a
 * line `name: value`. All times are CPU times, so that other load on the machine does not count.
 */
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { stringify } from 'yaml';
import { writtenByHand } from './by-hand';
import { lintRead } from '../src/lint/lint-files';
import { readAll } from '../src/reading/read-manifests';

const SIZES = [2_000, 4_000, 8_000, 16_000];
const ROUNDS = Number(process.argv[2] ?? 5);
const NAMESPACES = 40;
const OBJECTS_PER_HOST = 8;
const GOAL_MS = 2_000;

const WORLDS: Record<string, (count: number) => object[]> = { clean, faulty };

/** A host through a gateway, in one of many namespaces. */
function clean(count: number): object[] {
  return Array.from({ length: count / OBJECTS_PER_HOST }, (_, index) => {
    const { rule, gateway, caller } = writtenByHand(`host-${index}.example.com`, 'payments/partners');
    const mine = (object: any) => ({ apiVersion: 'networking.istio.io/v1', ...object });
    return [rule, ...gateway, ...caller].map(mine);
  }).flat();
}

/** Shortened recipes: what leaves in clear text, names that are not verified, routes that nobody takes. */
function faulty(count: number): object[] {
  return Array.from({ length: count / 4 }, (_, index) => {
    const host = `host-${index}.example.com`;
    const one = (kind: string, spec: object) => ({
      apiVersion: 'networking.istio.io/v1',
      kind,
      metadata: { name: `host-${index}`, namespace: `team-${index % NAMESPACES}` },
      spec,
    });
    return [
      one('ServiceEntry', {
        hosts: [host],
        ports: [
          { number: 80, name: 'http', protocol: 'HTTP', targetPort: 443 },
          { number: 443, name: 'https', protocol: 'HTTP' },
        ],
      }),
      one('DestinationRule', {
        host,
        trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, tls: { mode: 'SIMPLE', sni: host } }] },
      }),
      one('VirtualService', {
        hosts: [host],
        gateways: ['mesh', 'exit'],
        http: [{ route: [{ destination: { host, subset: 'missing' } }] }],
      }),
      one('Gateway', {
        selector: { istio: 'exit' },
        servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: [host] }],
      }),
    ];
  }).flat();
}

function main(): void {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'egress-bench-'));
  try {
    for (const world of Object.keys(WORLDS)) {
      const times = SIZES.map((size) => {
        const file = path.join(folder, `${world}.yaml`);
        fs.writeFileSync(
          file,
          WORLDS[world](size)
            .map((object) => stringify(object))
            .join('---\n'),
        );
        return measure(world, size, file);
      });
      for (const [index, size] of SIZES.slice(1).entries())
        print(`${world}, t(${size})/t(${SIZES[index]}) (goal <= 2.5)`, (times[index + 1] / times[index]).toFixed(2));
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The median time beyond reading, in milliseconds. */
function measure(world: string, size: number, file: string): number {
  const reading = process.cpuUsage();
  const read = readAll([file], { objectsOnly: true });
  print(`${world}, ${size} objects, reading`, `${since(reading).toFixed(0)} ms`);
  if (read.objects.length !== size) throw new Error(`${read.objects.length} objects were read instead of ${size}`);
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = process.cpuUsage();
    const { findings } = lintRead(read)!;
    return { ms: since(start), findings: findings.length };
  });
  if (world === 'clean' && rounds[0].findings > 0) throw new Error(`${rounds[0].findings} findings in a clean world`);
  const ms = rounds.map((round) => round.ms).sort((a, b) => a - b)[Math.floor(ROUNDS / 2)];
  print(
    `${world}, ${size} objects, ${rounds[0].findings} findings, beyond reading` +
      (size === SIZES[SIZES.length - 1] ? ` (goal <= ${GOAL_MS} ms)` : ''),
    `${ms.toFixed(0)} ms`,
  );
  return ms;
}

function since(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}

function print(name: string, value: string): void {
  console.log(`${name}: ${value}`);
}

main();
