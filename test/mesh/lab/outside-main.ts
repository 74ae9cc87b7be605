/**
 * The outside world, as a process of its own in a network namespace of its own: `outside-main.ts <hosts.json> <log.jsonl>`.
 * It writes one JSON line for everything it sees.
 */
import * as fs from 'fs';
import * as http from 'http';
import * as http2 from 'http2';
import * as net from 'net';
import type { TLSSocket } from 'tls';
import { clientHello } from './client-hello';
import type { OutsideEvent, OutsideListener } from './outside';

const [hostsFile, logFile] = process.argv.slice(2);
const log = fs.openSync(logFile, 'a');
const write = (event: OutsideEvent) => fs.writeSync(log, `${JSON.stringify(event)}\n`);

type Seen = Pick<OutsideEvent, 'server' | 'from' | 'port' | 'at'>;
const peers = new WeakMap<object, Seen>();

for (const host of JSON.parse(fs.readFileSync(hostsFile, 'utf8')) as OutsideListener[]) {
  if (host.http !== 'none') serveHttp(host);
  if (host.https !== 'none') serveHttps(host);
  for (const port of host.tcp) serveTcp(host, port);
}
write({ event: 'up', server: '', from: '', port: 0, at: 0 });

function serveHttp(host: OutsideListener): void {
  const server = http.createServer(answer(host));
  // 400 for what is no HTTP, and a note of it: somebody's TLS, for example.
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    write({ event: 'not-http', ...of(host, socket as net.Socket), error: error.code });
    socket.destroy();
  });
  listen(host, 80, socket => {
    server.emit('connection', socket);
    socket.resume(); // a TLS server does that itself
  });
}

function serveHttps(host: OutsideListener): void {
  const server = http2.createSecureServer({
    allowHTTP1: true,
    cert: fs.readFileSync(host.certificate!),
    key: fs.readFileSync(host.key!),
    ...(host.https === 'client-certificate' && { requestCert: true, rejectUnauthorized: true, ca: fs.readFileSync(host.clientAuthority!) }),
  }, answer(host) as unknown as (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void);
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => write({ event: 'tls-error', ...of(host, socket), error: error.code ?? error.message }));
  server.on('sessionError', () => undefined);
  listen(host, 443, (socket, first) => {
    const hello = clientHello(first);
    if (hello) {
      write({ event: 'hello', ...of(host, socket), tls: true, serverName: hello.serverName, alpn: hello.alpn });
      server.emit('connection', socket);
      return;
    }
    write({ event: 'plaintext', ...of(host, socket), head: first.toString('latin1').split('\r\n')[0].slice(0, 80) });
    socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
  });
}

/** Sends back what it receives, once, and closes. */
function serveTcp(host: OutsideListener, port: number): void {
  listen(host, port, (socket, first) => {
    const hello = clientHello(first);
    write({ event: 'tcp', ...of(host, socket), tls: hello !== undefined, serverName: hello?.serverName });
    socket.once('data', bytes => socket.end(bytes));
    socket.resume();
  });
}

/** Looks at the first bytes, puts them back, and hands the connection on. */
function listen(host: OutsideListener, port: number, take: (socket: net.Socket, first: Buffer) => void): void {
  net.createServer(socket => {
    peers.set(socket, { server: host.host, from: socket.remoteAddress ?? '', port: socket.remotePort ?? 0, at: port });
    write({ event: 'connect', ...of(host, socket) });
    socket.on('error', () => undefined);
    socket.once('data', first => {
      socket.pause();
      socket.unshift(first);
      take(socket, first as Buffer);
    });
  }).listen(port, host.address);
}

function answer(host: OutsideListener): http.RequestListener {
  return (request, response) => {
    const session = (request as unknown as http2.Http2ServerRequest).stream?.session;
    const socket = (session?.socket ?? request.socket) as TLSSocket;
    const secure = 'encrypted' in socket && socket.encrypted;
    const headers = Object.entries(request.headers).filter(([name]) => !name.startsWith(':'));
    const authority = (request.headers[':authority'] as string | undefined) ?? request.headers.host ?? '';
    const status = !secure && host.http === 'redirect-to-https' ? 301 : 200;
    write({
      event: 'request',
      ...of(host, socket),
      tls: secure,
      protocol: request.httpVersion === '2.0' ? 'h2' : `http/${request.httpVersion}`,
      ...(secure && tlsOf(socket)),
      method: request.method,
      path: request.url,
      authority,
      status,
      headers: Object.fromEntries(headers.map(([name, value]) => [name, String(value)])),
    });
    if (status === 301) response.setHeader('location', `https://${authority.replace(/:80$/, '')}${request.url}`);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify({ host: host.host, headers: Object.fromEntries(headers) })}\n`);
  };
}

function tlsOf(socket: TLSSocket): Pick<OutsideEvent, 'serverName' | 'tlsVersion' | 'client'> {
  return {
    serverName: (socket as { servername?: string }).servername || undefined,
    tlsVersion: socket.getProtocol() ?? undefined,
    client: (socket.getPeerCertificate()?.subject as { CN?: string } | undefined)?.CN,
  };
}

/** Who is at the other end; a TLS socket may have forgotten by now, the connection below it has not. */
function of(host: OutsideListener, socket: net.Socket): Seen {
  const below = (socket as { _parent?: net.Socket })._parent;
  return peers.get(socket) ?? (below && peers.get(below)) ?? { server: host.host, from: socket.remoteAddress ?? '', port: socket.remotePort ?? 0, at: socket.localPort ?? 0 };
}
