import { ChildProcess, spawn } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { createInterface } from 'readline';
import { Ended } from './processes';
import { RunFolder } from './run-folder';

/** The running commands, by number. */
type Waiting = Map<string, (code: number) => void>;

/**
 * A shell that keeps running in the network namespace of a pod and runs commands there, several at a time. Entering the
 * namespace for each command costs more than most of the commands themselves.
 */
export class PodShell {
  public static start(run: RunFolder, pod: string): PodShell {
    const folder = path.join(run.folder, 'shells', pod);
    fs.mkdirSync(folder, { recursive: true });
    const child = spawn('ip', ['netns', 'exec', run.namespace(pod), 'bash', '--noprofile', '--norc', '-s'], {
      cwd: run.folder,
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    });
    return new PodShell(pod, folder, child);
  }

  private readonly waiting: Waiting = new Map();
  private next = 0;

  private constructor(
    private readonly pod: string,
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const [number, code] = line.split(' ');
      this.waiting.get(number)?.(Number(code));
    });
    child.stdin!.on('error', () => undefined); // the shell has ended: `exit` says so
    child.on('exit', () => this.waiting.forEach((end) => end(-1)));
    child.on('error', () => this.waiting.forEach((end) => end(-1)));
  }

  /** Runs a command to its end, successful or not. */
  public async run(command: string, args: string[], input?: string): Promise<Ended> {
    if (this.child.exitCode !== null || this.child.signalCode !== null)
      return { code: -1, out: '', err: `the shell of ${this.pod} has ended` };
    const number = String(this.next++);
    const file = path.join(this.folder, number);
    if (input !== undefined) fs.writeFileSync(`${file}.in`, input);
    const from = input === undefined ? '/dev/null' : `${file}.in`;
    const line =
      `${[command, ...args].map(quoted).join(' ')} ` +
      `<${quoted(from)} >${quoted(`${file}.out`)} 2>${quoted(`${file}.err`)}`;
    const code = await new Promise<number>((resolve) => {
      this.waiting.set(number, resolve);
      this.child.stdin!.write(`{ ${line}; echo "${number} $?"; } &\n`);
    });
    this.waiting.delete(number);
    fs.rmSync(`${file}.in`, { force: true });
    return { code, out: taken(`${file}.out`), err: taken(`${file}.err`) };
  }

  /** Runs a command that has to succeed; returns its output. */
  public async must(command: string, args: string[], input?: string): Promise<string> {
    const ended = await this.run(command, args, input);
    const { code, out, err } = ended;
    if (code !== 0)
      throw new Error(`${command} ${args.join(' ')} in ${this.pod}\nended with ${code}: ${err.trim() || out.trim()}`);
    return out;
  }
}

function quoted(text: string): string {
  return `'${text.replace(/'/g, `'\\''`)}'`;
}

/** Reads a file and removes it. */
function taken(file: string): string {
  if (!fs.existsSync(file)) return '';
  const text = fs.readFileSync(file, 'utf8');
  fs.rmSync(file);
  return text;
}
