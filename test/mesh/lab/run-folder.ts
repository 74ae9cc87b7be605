import { spawnSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { CACHE } from './binaries';

const RUNS = path.join(CACHE, 'runs');
/** Namespaces of all labs begin like this. */
const MARK = 'eglab';

/** The process that labs belong to: the one that has started the suites, not the jest worker that runs some of them. */
const owningProcess = () => Number(process.env.MESH_OWNER ?? process.pid);

/** The folder and the name prefix of one lab. Several labs, of one process or of several, live side by side. */
export interface RunFolder {
  readonly id: string;
  readonly folder: string;
  /** The network namespace of a name. */
  namespace(name: string): string;
}

/** Makes the folder of a new lab; `removeRun` removes what it starts, or the end of this process does. */
export function newRun(): RunFolder {
  sweep();
  watchForTheEnd();
  const pid = owningProcess();
  if (owner(pid) === `${pid} `) throw new Error(`process ${pid}, which has started these tests, has ended`);
  fs.mkdirSync(RUNS, { recursive: true, mode: 0o755 });
  for (let number = 0; ; number++) {
    const id = `${pid}-${number}`;
    const folder = path.join(RUNS, id);
    try {
      fs.mkdirSync(folder, { mode: 0o755 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw error;
    }
    fs.writeFileSync(path.join(folder, 'owner'), owner(pid));
    return { id, folder, namespace: (name: string) => `${MARK}-${id}-${name}` };
  }
}

/** Kills every process in the run's namespaces, and removes the namespaces and the folder. */
export function removeRun({ id, folder }: Pick<RunFolder, 'id' | 'folder'>): void {
  const kept = process.env.MESH_KEEP_LOGS;
  if (kept && fs.existsSync(folder))
    fs.cpSync(folder, path.join(kept, id), { recursive: true, filter: (from) => !fs.lstatSync(from).isSocket() });
  remove(id);
}

/** Removes the runs whose process is gone. */
export function sweep(): void {
  for (const [id, whose] of runs()) {
    const pid = Number(whose.split(' ')[0]);
    // No owner yet: another process is creating it now, or was killed while it did; its age tells which.
    const gone = whose === '' ? Date.now() - ageOf(id) > 10_000 : owner(pid) !== whose;
    if (gone) remove(id);
  }
}

/**
 * Removes every run of this process. A worker ends before others that work for the same process: it removes nothing.
 */
export function removeOwnRuns(): void {
  for (const [id, whose] of runs()) if (whose === owner(process.pid)) removeRun({ id, folder: path.join(RUNS, id) });
}

/** What is left of this process's runs: folders, namespaces, files below /etc/netns. */
export function leftOvers(): string[] {
  const mine = `${process.pid}-`;
  return [
    ...runs()
      .map(([id]) => id)
      .filter((id) => id.startsWith(mine)),
    ...namespaces().filter((name) => name.startsWith(`${MARK}-${mine}`)),
    ...(fs.existsSync('/etc/netns') ? fs.readdirSync('/etc/netns') : [])
      .filter((name) => name.startsWith(`${MARK}-${mine}`))
      .map((name) => `/etc/netns/${name}`),
  ];
}

let watching = false;
/**
 * Removes everything when this process ends, also on Ctrl-C. Under jest, tests see a copy of `process` without these
 * events; there the global set-up has to call it.
 */
export function watchForTheEnd(): void {
  if (watching) return;
  watching = true;
  process.on('exit', removeOwnRuns);
  const signals: [NodeJS.Signals, number][] = [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ];
  for (const [signal, code] of signals) process.on(signal, () => process.exit(code));
}

function remove(id: string): void {
  const names = namespaces().filter((one) => one.startsWith(`${MARK}-${id}-`));
  // Again until none is left: a process that is being killed may still start another.
  for (let attempt = 0; attempt < 1000; attempt++) {
    const pids = processesIn(names);
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
  const lines = names.map((name) => `netns del ${name}\n`).join('');
  if (names.length > 0) spawnSync('ip', ['-force', '-batch', '-'], { input: lines });
  for (const name of names) fs.rmSync(`/etc/netns/${name}`, { recursive: true, force: true });
  fs.rmSync(path.join(RUNS, id), { recursive: true, force: true });
}

/** The processes in network namespaces, this one left out. */
function processesIn(names: string[]): number[] {
  const inode = (file: string) => {
    try {
      return fs.statSync(file).ino;
    } catch {
      return undefined; // it has ended meanwhile
    }
  };
  const wanted = new Set(names.map((name) => inode(`/run/netns/${name}`)).filter((one) => one !== undefined));
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      const own = inode(`/proc/${pid}/ns/net`);
      return own !== undefined && wanted.has(own);
    })
    .map(Number);
}

function namespaces(): string[] {
  return (spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout ?? '')
    .split('\n')
    .map((line) => line.split(' ')[0])
    .filter(Boolean);
}

/** Every run, with the content of its `owner` file. */
function runs(): [string, string][] {
  return fs.existsSync(RUNS) ? fs.readdirSync(RUNS).map((id) => [id, read(path.join(RUNS, id, 'owner'))]) : [];
}

function ageOf(id: string): number {
  return fs.statSync(path.join(RUNS, id), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** A process and its start time in clock ticks, which tells it from an earlier process with the same number. */
function owner(pid: number): string {
  return `${pid} ${read(`/proc/${pid}/stat`).split(') ').pop()!.split(' ')[19] ?? ''}`;
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
