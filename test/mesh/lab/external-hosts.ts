import { ChildProcess } from 'child_process';
import * as fs from 'fs';
import { connect } from 'net';
import * as path from 'path';
import { setTimeout as sleep } from 'timers/promises';
import { ExternalEvent, ExternalListener, Placed } from './external';
import { EXTERNAL } from './network';
import { Pair, Pki } from './pki';
import { stay, until } from './processes';
import { program } from './programs';
import { tail } from './proxy';
import { RunFolder } from './run-folder';

/** The process that plays all external hosts. */
export class ExternalHosts {
  public static async start(
    run: RunFolder,
    hosts: Placed[],
    pki: Pki,
    plaintextHttp2: boolean,
  ): Promise<ExternalHosts> {
    const listeners = await Promise.all(
      hosts.map(async (host): Promise<ExternalListener> => {
        const https = host.https ?? 'none';
        return {
          host: host.host,
          addresses: host.addresses,
          http: host.http ?? 'none',
          https,
          tcp: host.tcp ?? [],
          plaintextHttp2,
          ...(https !== 'none' && (await pki.server(host))),
          clientAuthority: pki.authority('private'),
        };
      }),
    );
    const hostsFile = path.join(run.folder, 'external.json');
    const events = path.join(run.folder, 'external.jsonl');
    fs.writeFileSync(hostsFile, JSON.stringify(listeners));
    const log = path.join(run.folder, 'external.log');
    const main = program('external-main');
    const socket = path.join(run.folder, 'external.sock');
    const inside = ['netns', 'exec', run.namespace(EXTERNAL)];
    const child = stay('ip', [...inside, process.execPath, main, hostsFile, events, socket], log);
    await until('the external hosts', () => {
      if (child.exitCode !== null) throw new Error(`it ended: ${tail(log)}`);
      return countOf('up', events) > 0;
    });
    return new ExternalHosts(child, hostsFile, events, socket, listeners);
  }

  private constructor(
    private readonly child: ChildProcess,
    private readonly hostsFile: string,
    public readonly events: string,
    private readonly socket: string,
    private listeners: ExternalListener[],
  ) {}

  /** Returns when `events` has everything that had arrived at a host: without it, nothing there is no evidence. */
  public caughtUp(): Promise<void> {
    return new Promise((resolve, reject) => {
      connect(this.socket)
        .resume()
        .on('error', reject)
        .on('close', () => resolve());
    });
  }

  /** Lets the process do nothing for so long, as on a busy machine: the kernel accepts connections and bytes for it. */
  public async pause(milliseconds: number): Promise<void> {
    this.child.kill('SIGSTOP');
    await sleep(milliseconds);
    this.child.kill('SIGCONT');
  }

  /** Other certificates for some hosts. */
  public async show(pairs: ({ readonly host: string; readonly resumes?: boolean } & Pair)[]): Promise<void> {
    this.listeners = this.listeners.map((listener) => ({
      ...listener,
      resumes: false,
      ...pairs.find(({ host }) => host === listener.host),
    }));
    const before = countOf('renewed', this.events);
    fs.writeFileSync(this.hostsFile, JSON.stringify(this.listeners));
    this.child.kill('SIGHUP');
    await until('external hosts showing other certificates', () => countOf('renewed', this.events) > before);
  }
}

function countOf(event: ExternalEvent['event'], file: string): number {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split(`{"event":"${event}"`).length - 1 : 0;
}
