import { isIPv6 } from 'net';
import type { ClientAnswer, ClientTask } from './client';
import { PodShell } from './pod-shell';
import { program } from './programs';
import { AccessRow, requestHost } from '../../../src/access/access-table';
import { portOfRequest } from '../../../src/access/request-url';

/** What the application saw, as curl reports it. */
export interface CurlView {
  readonly exitCode: number;
  readonly error: string;
  /** Every status, redirects included. */
  readonly statuses: number[];
  /** The URL of the last request. */
  readonly url: string;
  /** Header names that the last request carried, in lower case. */
  readonly sentHeaders: string[];
  /** Subject and issuer of the last certificate that it was shown. */
  readonly certificate?: { readonly subject: string; readonly issuer: string };
  readonly body: string;
  /** Local port of the last connection. */
  readonly localPort: number;
  /** The status of a gRPC call: the HTTP status is 200 even when it failed. */
  readonly grpcStatus?: number;
}

const SECONDS = 8;
const PING = 'ping from the application\n';

/** Sends a row's request in a pod, as its application would. */
export function send(shell: PodShell, row: AccessRow, trusted: string): Promise<CurlView> {
  if (row.request.startsWith('tcp:')) return sendTcp(shell, row);
  return row.speak === 'grpc' || row.speak === 'websocket'
    ? sendByNode(shell, row, trusted)
    : sendHttp(shell, row, trusted);
}

async function sendHttp(shell: PodShell, row: AccessRow, trusted: string): Promise<CurlView> {
  const ended = await shell.run('curl', [
    '-sS',
    '-v',
    '--noproxy',
    '*',
    '-m',
    String(SECONDS),
    '--cacert',
    trusted,
    '-D',
    '-',
    ...(row.method === 'HEAD' ? ['--head'] : row.method ? ['-X', row.method] : []),
    ...Object.entries(row.headers ?? {}).flatMap(([name, value]) => [
      '-H',
      value === '' ? `${name};` : `${name}: ${value}`,
    ]),
    ...(row.speak === 'http2' ? ['--http2-prior-knowledge'] : []),
    ...(row.follow ? ['-L'] : []),
    ...(row.dial ? ['--connect-to', `::${isIPv6(row.dial) ? `[${row.dial}]` : row.dial}:`] : []),
    '-w',
    '\n%{json}',
    row.request,
  ]);
  const json = JSON.parse(ended.out.slice(ended.out.lastIndexOf('\n') + 1) || '{}');
  const sent = ended.err.split('\n').filter((line) => line.startsWith('> '));
  const lastRequest = sent.slice(sent.map((line) => / HTTP\/[\d.]+\r?$/.test(line)).lastIndexOf(true) + 1);
  const text = (pattern: RegExp) => [...ended.err.matchAll(pattern)].pop()?.[1];
  const subject = text(/^\*  subject: (.*?)\r?$/gm);
  return {
    exitCode: ended.code,
    error: json.errormsg ?? '',
    statuses: [...ended.out.matchAll(/^HTTP\/[\d.]+ (\d{3})/gm)].map((match) => Number(match[1])),
    url: json.url_effective ?? row.request,
    sentHeaders: lastRequest
      .map((line) => line.slice(2).split(':')[0].trim().toLowerCase())
      .filter((name) => name !== ''),
    certificate: subject === undefined ? undefined : { subject, issuer: text(/^\*  issuer: (.*?)\r?$/gm) ?? '' },
    body: ended.out,
    localPort: json.local_port ?? 0,
  };
}

/**
 * An application that sends a line and waits for its echo. It ends with curl's exit codes for the same failures: 6, 7,
 * 28, 52, 56.
 */
const TCP_CLIENT = `
  const [host, port, ping, seconds] = process.argv.slice(1);
  let out = '', own; // a connection that was reset no longer says its port
  const socket = require('net').connect({ host, port: Number(port), timeout: seconds * 1000 });
  const end = code => {
    process.stdout.write(JSON.stringify({ out, port: own }));
    process.exitCode = code;
    socket.destroy();
  };
  socket.on('connect', () => { own = socket.localPort; socket.write(ping); });
  socket.on('data', bytes => { out += bytes; if (out === ping) end(0); });
  socket.on('end', () => end(52));
  socket.on('timeout', () => end(28));
  socket.on('error', error => end(error.code === 'ECONNREFUSED' ? 7 : error.syscall === 'getaddrinfo' ? 6 : 56));
`;

async function sendTcp(shell: PodShell, row: AccessRow): Promise<CurlView> {
  const ended = await shell.run(process.execPath, [
    '-e',
    TCP_CLIENT,
    row.dial ?? requestHost(row),
    String(portOfRequest(row.request)),
    PING,
    String(SECONDS),
  ]);
  const { out = '', port: localPort = 0 } = JSON.parse(ended.out || '{}');
  return {
    exitCode: ended.code,
    error: ended.err.trim().split('\n')[0],
    statuses: [],
    url: row.request,
    sentHeaders: [],
    body: out,
    localPort,
  };
}

/**
 * Applications that curl cannot be: one unary gRPC call, or a WebSocket with one message and its echo. They end with
 * curl's exit codes.
 */
async function sendByNode(shell: PodShell, row: AccessRow, trusted: string): Promise<CurlView> {
  const ended = await shell.run(process.execPath, [
    program(`${row.speak as 'grpc' | 'websocket'}-client`),
    JSON.stringify({
      url: row.request,
      dial: row.dial,
      headers: row.headers ?? {},
      trusted,
      seconds: SECONDS,
    } satisfies ClientTask),
  ]);
  const answer: ClientAnswer = JSON.parse(ended.out || '{}');
  return {
    exitCode: ended.code,
    error: answer.error ?? ended.err.trim().split('\n')[0],
    statuses: answer.status === undefined ? [] : [answer.status],
    url: row.request,
    sentHeaders: [...(answer.sentHeaders ?? []), ...Object.keys(row.headers ?? {}).map((name) => name.toLowerCase())],
    certificate: answer.issuer === undefined ? undefined : { subject: '', issuer: answer.issuer },
    body: answer.body ?? '',
    localPort: answer.localPort ?? 0,
    grpcStatus: answer.grpcStatus,
  };
}
