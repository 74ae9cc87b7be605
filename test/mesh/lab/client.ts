/**
 * What the applications of rows with `speak` have in common. Each is a process of its own, in the network namespace of
 * its pod.
 */
import * as fs from 'fs';
import type { Socket } from 'net';
import type { TLSSocket } from 'tls';

export interface ClientTask {
  readonly url: string;
  readonly dial?: string;
  readonly headers: Record<string, string>;
  /** The file with the authorities that applications trust. */
  readonly trusted: string;
  readonly seconds: number;
}

export interface ClientAnswer {
  readonly status?: number;
  readonly grpcStatus?: number;
  readonly body?: string;
  readonly sentHeaders?: string[];
  readonly issuer?: string;
  readonly localPort?: number;
  readonly error?: string;
}

/** Reads the task and sees that the process ends in time. */
export function task(): ClientTask & {
  readonly at: URL;
  readonly host: string;
  readonly port: number;
  readonly authorities: Buffer;
} {
  const given: ClientTask = JSON.parse(process.argv[2]);
  setTimeout(() => finish(28, {}), given.seconds * 1000).unref();
  const at = new URL(given.url);
  const port = Number(at.port || (at.protocol === 'https:' ? 443 : 80));
  return { ...given, at, host: given.dial ?? at.hostname, port, authorities: fs.readFileSync(given.trusted) };
}

export function finish(exitCode: number, answer: ClientAnswer): void {
  fs.writeSync(1, JSON.stringify(answer));
  process.exit(exitCode);
}

/** Ends as curl does when a connection fails: 6 no such name, 7 refused, 35 TLS, 56 all else. */
export function fail(error: NodeJS.ErrnoException, secured: boolean, known: ClientAnswer = {}): void {
  const code = error.code ?? '';
  const tls = !secured || /^ERR_(SSL|TLS)|CERT|SIGNATURE/.test(code);
  finish(code === 'ENOTFOUND' || code === 'EAI_AGAIN' ? 6 : code === 'ECONNREFUSED' ? 7 : tls ? 35 : 56, {
    ...known,
    error: `${code} ${error.message}`,
  });
}

export function issuerOf(socket: Socket | undefined): string | undefined {
  return (socket as TLSSocket | undefined)?.getPeerCertificate?.().issuer?.CN as string | undefined;
}
