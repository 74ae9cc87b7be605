import { spawn } from 'child_process';
import { run } from './processes';
import { AccessRow } from '../../../src/access/access-table';

/** What the application saw: curl's view. */
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
  readonly milliseconds: number;
}

const SECONDS = 8;
const PING = 'ping from the application\n';

/** Sends a row's request from a pod's namespace, as an application there would. */
export function send(namespace: string, row: AccessRow, trusted: string): Promise<CurlView> {
  return row.request.startsWith('tcp:') ? sendTcp(namespace, row) : sendHttp(namespace, row, trusted);
}

async function sendHttp(namespace: string, row: AccessRow, trusted: string): Promise<CurlView> {
  const began = Date.now();
  const ended = await run('ip', ['netns', 'exec', namespace, 'curl', '-sS', '-v', '--noproxy', '*', '-m', String(SECONDS), '--cacert', trusted, '-D', '-',
    ...(row.method === 'HEAD' ? ['--head'] : row.method ? ['-X', row.method] : []),
    ...Object.entries(row.headers ?? {}).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    ...(row.follow ? ['-L'] : []),
    ...(row.dial ? ['--connect-to', `::${row.dial}:`] : []),
    '-w', '\n%{json}', row.request]);
  const json = JSON.parse(ended.out.slice(ended.out.lastIndexOf('\n') + 1) || '{}');
  const sent = ended.err.split('\n').filter(line => line.startsWith('> '));
  const lastRequest = sent.slice(sent.map(line => / HTTP\/[\d.]+\r?$/.test(line)).lastIndexOf(true) + 1);
  const text = (pattern: RegExp) => [...ended.err.matchAll(pattern)].pop()?.[1];
  const subject = text(/^\*  subject: (.*?)\r?$/gm);
  return {
    exitCode: ended.code,
    error: json.errormsg ?? '',
    statuses: [...ended.out.matchAll(/^HTTP\/[\d.]+ (\d{3})/gm)].map(match => Number(match[1])),
    url: json.url_effective ?? row.request,
    sentHeaders: lastRequest.map(line => line.slice(2).split(':')[0].trim().toLowerCase()).filter(name => name !== ''),
    certificate: subject === undefined ? undefined : { subject, issuer: text(/^\*  issuer: (.*?)\r?$/gm) ?? '' },
    body: ended.out,
    localPort: json.local_port ?? 0,
    milliseconds: Date.now() - began,
  };
}

/** Sends a line and waits for its echo. The exit codes are those that curl would have: 7, 28, 52, 56. */
function sendTcp(namespace: string, row: AccessRow): Promise<CurlView> {
  const began = Date.now();
  const { hostname, port } = new URL(row.request.replace(/^tcp:/, 'http:'));
  return new Promise(resolve => {
    const child = spawn('ip', ['netns', 'exec', namespace, 'curl', '-sS', '-v', '-m', String(SECONDS), `telnet://${row.dial ?? hostname}:${port}`]);
    let out = '';
    let error = '';
    child.stdout.on('data', chunk => { out += chunk; });
    child.stderr.on('data', chunk => { error += chunk; });
    child.stdin.on('error', () => undefined);
    child.stdin.write(PING); // and left open: at its end curl would not wait for the answer
    child.on('close', code => resolve({
      exitCode: code === 0 && out !== PING ? 52 : code ?? -1,
      error: error.split('\n').filter(line => line.startsWith('curl:')).join(' '),
      statuses: [],
      url: row.request,
      sentHeaders: [],
      body: out,
      localPort: 0,
      milliseconds: Date.now() - began,
    }));
  });
}
