/**
 * Shared parts of the applications for rows with `speak`. Each runs as a process of its own in the network namespace of
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

/** Reads the task, and ends the process when its time is up. */
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
  return {
    ...given,
    at,
    host: given.dial ?? at.hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    authorities: fs.readFileSync(given.trusted),
  };
}

export function finish(exitCode: number, answer: ClientAnswer): void {
  fs.writeSync(1, JSON.stringify(answer));
  process.exit(exitCode);
}

/** Ends with curl's exit code for the failure: 6 unknown name, 7 refused, 35 TLS, 56 everything else. */
export function fail(error: NodeJS.ErrnoException, secured: boolean, known: ClientAnswer = {}): void {
  const code = error.code ?? '';
  const tls = !secured || /^ERR_(SSL|TLS)|CERT|SIGNATURE/.test(code);
  finish(code === 'ENOTFOUND' || code === 'EAI_AGAIN' ? 6 : code === 'ECONNREFUSED' ? 7 : tls ? 35 : 56, {
    ...known,
    error: `${code} ${error.message}`,
  });
}

/** The issuer of the host's certificate; a socket that is gone has none. */
export function issuerOf(socket: Socket | undefined): string | undefined {
  return (socket as TLSSocket | undefined)?.getPeerCertificate?.()?.issuer?.CN as string | undefined;
}
