import { execFile, spawn, ChildProcess } from 'child_process';
import * as fs from 'fs';

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  readonly timeout?: number;
}

/** Why the lab cannot start, in one line: a missing tool, the wrong system. */
export class NotPossible extends Error {}

/** Runs a command to its end, successful or not. */
export function run(command: string, args: string[], options: RunOptions = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const { cwd, env, timeout } = options;
    const child = execFile(
      command,
      args,
      { cwd, env, timeout, maxBuffer: 256 * 1024 * 1024, encoding: 'utf8' },
      (error, out, err) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, out, err: code === -1 ? `${err}${error!.message}` : err });
      },
    );
    if (options.input !== undefined) child.stdin!.end(options.input);
  });
}

/** Runs a command that has to succeed; returns its output. */
export async function must(command: string, args: string[], options: RunOptions = {}): Promise<string> {
  const ended = await run(command, args, options);
  if (ended.code !== 0)
    throw new Error(`${command} ${args.join(' ')}\nended with ${ended.code}: ${ended.err.trim() || ended.out.trim()}`);
  return ended.out;
}

/** Starts a command that keeps running, with its output in a file. */
export function stay(command: string, args: string[], logFile: string, options: RunOptions = {}): ChildProcess {
  const log = fs.openSync(logFile, 'a');
  // A process group of its own: Ctrl-C reaches only the harness, which then stops everything in order.
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ['ignore', log, log],
    detached: true,
  });
  fs.closeSync(log);
  child.unref();
  return child;
}

/** Polls until a condition holds. */
export async function until<T>(
  what: string,
  condition: () => Promise<T | false> | T | false,
  milliseconds = 20_000,
  step = 10,
): Promise<T> {
  const end = Date.now() + milliseconds;
  let last = '';
  for (;;) {
    try {
      const answer = await condition();
      if (answer) return answer;
    } catch (error) {
      last = `: ${(error as Error).message}`;
    }
    if (Date.now() > end) throw new Error(`${what} did not happen within ${milliseconds} ms${last}`);
    await new Promise((resolve) => setTimeout(resolve, step));
  }
}
