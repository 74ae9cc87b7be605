import { spawnSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { CACHE } from './binaries';

const RUNS = path.join(CACHE, 'runs');
/** Namespaces of all labs begin like this. */
const MARK = 'eglab';

/** The folder and the name prefix of one lab. Several labs, of one process or of several, live side by side. */
export interface RunFolder {
  readonly id: string;
  readonly folder: string;
  /** The network namespace of a name. */
  namespace(name: string): string;
}

const live = new Set<RunFolder>();
let counter = 0;

export function newRun(): RunFolder {
  sweep();
  const id = `${process.pid.toString(36)}x${(counter++).toString(36)}`;
  const folder = path.join(RUNS, id);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true, mode: 0o755 });
  fs.writeFileSync(path.join(folder, 'owner'), `${process.pid} ${startOf(process.pid)}`);
  const made = { id, folder, namespace: (name: string) => `${MARK}-${id}-${name}` };
  live.add(made);
  watchForTheEnd();
  return made;
}

/** Ends every process in the run's namespaces, and removes the namespaces and the folder. */
export function removeRun(run: RunFolder): void {
  const kept = process.env.MESH_KEEP_LOGS;
  if (kept) fs.cpSync(run.folder, path.join(kept, run.id), { recursive: true, filter: from => !fs.lstatSync(from).isSocket() });
  remove(run.id);
  live.delete(run);
}

/** Removes what runs have left behind whose process is gone. */
export function sweep(): void {
  if (!fs.existsSync(RUNS)) return;
  for (const id of fs.readdirSync(RUNS)) {
    const [pid, start] = read(path.join(RUNS, id, 'owner')).split(' ');
    if (pid === '' || startOf(Number(pid)) !== start) remove(id);
  }
}

function remove(id: string): void {
  const names = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout.split('\n').map(line => line.split(' ')[0]).filter(name => name.startsWith(`${MARK}-${id}-`));
  for (const name of names) {
    for (let attempt = 0; attempt < 100; attempt++) {
      const pids = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean).map(Number).filter(pid => pid !== process.pid);
      if (pids.length === 0) break;
      for (const pid of pids) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // it has ended by itself
        }
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
    spawnSync('ip', ['netns', 'del', name]);
    fs.rmSync(`/etc/netns/${name}`, { recursive: true, force: true });
  }
  fs.rmSync(path.join(RUNS, id), { recursive: true, force: true });
}

let watching = false;
function watchForTheEnd(): void {
  if (watching) return;
  watching = true;
  process.on('exit', () => [...live].forEach(removeRun));
  const signals: [NodeJS.Signals, number][] = [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]];
  for (const [signal, code] of signals) process.on(signal, () => process.exit(code));
}

/** When a process began, in clock ticks since boot: a process id alone may have been given to another. */
function startOf(pid: number): string {
  return read(`/proc/${pid}/stat`).split(') ').pop()!.split(' ')[19] ?? '';
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
