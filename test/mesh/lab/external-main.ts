/**
 * All external hosts, as one process in a network namespace of its own: `external-main <hosts.json> <log.jsonl> <socket>`.
 * It writes one JSON line for everything that it sees. Whoever connects to the socket is hung up on when there are lines
 * for all bytes that had arrived by then.
 */
import { createHash } from 'crypto';
import { once } from 'events';
import * as fs from 'fs';
import * as http from 'http';
import * as http2 from 'http2';
import * as net from 'net';
import type { TlsOptions, Server as TlsServer, TLSSocket } from 'tls';
import { clientHello } from './client-hello';
import type { ExternalEvent, ExternalListener } from './external';

const [hostsFile, logFile, socketFile] = process.argv.slice(2);
const log = fs.openSync(logFile, 'a');
const write = (event: ExternalEvent) => fs.writeSync(log, `${JSON.stringify(event)}\n`);

type Seen = Pick<ExternalEvent, 'server' | 'from' | 'port' | 'at'>;
/** Connections that began with TLS on a port for plain HTTP. */
const encrypted = new WeakSet<object>();
const peers = new WeakMap<object, Seen>();

const secured = new Map<string, TlsServer>();
const listeners = (): ExternalListener[] => JSON.parse(fs.readFileSync(hostsFile, 'utf8'));

const opened: Promise<unknown>[] = [];
for (const host of listeners()) {
  if (host.http !== 'none') serveHttp(host);
  if (host.https !== 'none') serveHttps(host);
  for (const port of host.tcp) serveTcp(host, port);
}

// A changed hosts file has other certificates. A new context has its own keys for session tickets, so no TLS session
// survives it, unless the file says so.
process.on('SIGHUP', () => {
  for (const host of listeners()) secured.get(host.host)?.setSecureContext(credentials(host));
  write({ event: 'renewed', server: '', from: '', port: 0, at: 0 });
});
// A world without hosts has nothing that keeps this process running, and whoever started it takes its end for a
// failure.
setInterval(() => undefined, 60_000);
/** In one turn a connection is accepted, in the next its first bytes are read, and so on. */
const TURNS = 10;
const inSomeTurns = (act: () => void, turns = TURNS): unknown =>
  setImmediate(() => (turns === 0 ? act() : inSomeTurns(act, turns - 1)));
opened.push(once(net.createServer((asker) => inSomeTurns(() => asker.end())).listen(socketFile), 'listening'));
void Promise.all(opened).then(() => write({ event: 'up', server: '', from: '', port: 0, at: 0 }));

const HTTP2_PREFACE = 'PRI * HTTP/2.0';
const WEBSOCKET_KEY = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // RFC 6455 1.3

function serveHttp(host: ExternalListener): void {
  const server = http.createServer(answer(host)).on('upgrade', upgrade(host));
  const http2Server = http2.createServer(answer(host) as unknown as Http2Answer).on('sessionError', () => undefined);
  // Bytes that are not HTTP, for example TLS.
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // A proxy that closes an idle connection has sent nothing wrong.
    if (error.code !== 'ECONNRESET')
      write({ event: 'not-http', ...of(host, socket as net.Socket), error: error.code, tls: encrypted.has(socket) });
    socket.destroy();
  });
  listen(host, 80, (socket, first) => {
    if (clientHello(first)) encrypted.add(socket);
    if (first.toString('latin1').startsWith(HTTP2_PREFACE)) {
      // It reads on by itself.
      if (host.plaintextHttp2) http2Server.emit('connection', socket);
      else socket.destroy();
      return;
    }
    server.emit('connection', socket);
    socket.resume();
  });
}

function serveHttps(host: ExternalListener): void {
  const server = http2.createSecureServer(
    {
      allowHTTP1: true,
      ...credentials(host),
      ...(host.https === 'client-certificate' && { requestCert: true, rejectUnauthorized: true }),
    },
    answer(host) as unknown as Http2Answer,
  );
  secured.set(host.host, server as unknown as TlsServer);
  server.on('upgrade', upgrade(host));
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) =>
    write({ event: 'tls-error', ...of(host, socket), error: error.code ?? error.message }),
  );
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

function credentials(host: ExternalListener): TlsOptions {
  const own: TlsOptions = {
    cert: fs.readFileSync(host.certificate!),
    key: fs.readFileSync(host.key!),
    ...(host.resumes && { ticketKeys: Buffer.alloc(48, 1), maxVersion: 'TLSv1.2' }),
  };
  return host.https === 'client-certificate' ? { ...own, ca: fs.readFileSync(host.clientAuthority!) } : own;
}

/** Echoes what it receives, once, and closes: with a RST where it is asked to. */
function serveTcp(host: ExternalListener, port: number): void {
  listen(host, port, (socket, first) => {
    const hello = clientHello(first);
    write({ event: 'tcp', ...of(host, socket), tls: hello !== undefined, serverName: hello?.serverName });
    socket.once('data', (bytes) => {
      if (bytes.toString() !== 'reset') socket.end(bytes);
      else socket.write(bytes, () => setTimeout(() => socket.resetAndDestroy(), 100));
    });
    socket.resume();
  });
}

/** Looks at the first bytes of a connection, puts them back, and passes it on. */
function listen(host: ExternalListener, port: number, take: (socket: net.Socket, first: Buffer) => void): void {
  for (const address of host.addresses) listenAt(address, host, port, take);
}

function listenAt(
  address: string,
  host: ExternalListener,
  port: number,
  take: (socket: net.Socket, first: Buffer) => void,
): void {
  const server = net
    .createServer((socket) => {
      peers.set(socket, {
        server: host.host,
        from: socket.remoteAddress ?? '',
        port: socket.remotePort ?? 0,
        at: port,
      });
      write({ event: 'connect', ...of(host, socket) });
      socket.on('error', () => undefined);
      socket.once('data', (first) => {
        socket.pause();
        socket.unshift(first);
        take(socket, first as Buffer);
      });
    })
    .listen(port, address);
  opened.push(once(server, 'listening'));
}

type Http2Answer = (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void;

function answer(host: ExternalListener): http.RequestListener {
  return (request, response) => {
    const chunks: Buffer[] = [];
    request
      .on('error', () => undefined)
      .on('data', (chunk) => chunks.push(chunk))
      .on('end', () => {
        const wish = wishOf(host, request);
        const redirected = !isSecure(request) && host.http === 'redirect-to-https';
        const status = redirected ? 301 : wish.status;
        const isGrpc = request.headers['content-type'] === 'application/grpc';
        // Servers of gRPC speak nothing but HTTP/2.
        if (isGrpc && request.httpVersionMajor < 2) {
          record(host, request, 0);
          request.socket.destroy();
          return;
        }
        record(host, request, status);
        if (wish.refused) {
          (response as unknown as http2.Http2ServerResponse).stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
          return;
        }
        setTimeout(() => {
          if (wish.cut) {
            request.socket.destroy();
            return;
          }
          if (wish.garbled) {
            request.socket.end('nonsense');
            return;
          }
          if (redirected)
            response.setHeader('location', `https://${authorityOf(request).replace(/:80$/, '')}${request.url}`);
          if (isGrpc && wish.isStream) {
            streamGrpc(response as unknown as http2.Http2ServerResponse, Buffer.concat(chunks));
            return;
          }
          if (isGrpc) {
            answerGrpc(response as unknown as http2.Http2ServerResponse, wish.grpcStatus, Buffer.concat(chunks));
            return;
          }
          if (wish.grpcStatus !== 0) response.setHeader('grpc-status', String(wish.grpcStatus));
          response.writeHead(status, { 'content-type': 'application/json' });
          if (wish.unfinished) {
            response.write('{');
            return;
          }
          response.end(`${JSON.stringify({ host: host.host, headers: Object.fromEntries(headersOf(request)) })}\n`);
        }, wish.delay);
      });
  };
}

/** A unary call: echoes the message, followed by the status. */
function answerGrpc(response: http2.Http2ServerResponse, grpcStatus: number, message: Buffer): void {
  response.setHeader('content-type', 'application/grpc');
  if (grpcStatus !== 0) {
    response.setHeader('grpc-status', String(grpcStatus)); // trailers only, as servers that refuse at once answer
    response.end();
    return;
  }
  response.addTrailers({ 'grpc-status': '0' });
  response.end(message);
}

/** A stream of the server's: repeats the message ten times a second, for as long as somebody takes it. */
function streamGrpc(response: http2.Http2ServerResponse, message: Buffer): void {
  response.setHeader('content-type', 'application/grpc');
  const repeating = setInterval(() => response.write(message), 100);
  response.on('close', () => clearInterval(repeating));
  response.write(message);
}

/** Accepts a WebSocket and echoes the first message, which is short. */
function upgrade(host: ExternalListener): (request: http.IncomingMessage, socket: net.Socket) => void {
  return (request, socket) => {
    record(host, request, 101);
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}${WEBSOCKET_KEY}`)
      .digest('base64');
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ' +
        `${accept}\r\n\r\n`,
    );
    socket
      .on('error', () => undefined)
      .once('data', (frame: Buffer) => {
        const text = frame.subarray(6); // the client masks with zeros
        socket.write(Buffer.concat([Buffer.from([0x81, text.length]), text]));
      });
  };
}

const asked = new Map<string, number>();

/** What the URL tells the host to do: `?status=503&times=2&delay=300`, `?grpc-status=14`, `?stream` (gRPC), `?refused` (HTTP/2), `?cut`, `?garbled`, `?unfinished`. */
function wishOf(
  host: ExternalListener,
  request: http.IncomingMessage,
): {
  status: number;
  grpcStatus: number;
  delay: number;
  refused: boolean;
  cut: boolean;
  garbled: boolean;
  isStream: boolean;
  unfinished: boolean;
} {
  const wish = new URLSearchParams(request.url?.split('?')[1]);
  const count = (asked.get(`${host.host} ${request.url}`) ?? 0) + 1;
  asked.set(`${host.host} ${request.url}`, count);
  const over = count > Number(wish.get('times') ?? Infinity);
  return {
    status: over ? 200 : Number(wish.get('status') ?? 200),
    grpcStatus: over ? 0 : Number(wish.get('grpc-status') ?? 0),
    delay: over ? 0 : Number(wish.get('delay') ?? 0),
    refused: !over && wish.has('refused'),
    cut: wish.has('cut'),
    garbled: wish.has('garbled'),
    isStream: wish.has('stream'),
    unfinished: wish.has('unfinished'),
  };
}

function record(host: ExternalListener, request: http.IncomingMessage, status: number): void {
  const socket = socketOf(request);
  write({
    event: 'request',
    ...of(host, socket),
    tls: isSecure(request),
    protocol: request.httpVersion === '2.0' ? 'h2' : `http/${request.httpVersion}`,
    ...(isSecure(request) && tlsOf(socket)),
    method: request.method,
    path: request.url,
    authority: authorityOf(request),
    status,
    headers: Object.fromEntries(headersOf(request)),
    written: request.rawHeaders.filter((_, index) => index % 2 === 0),
    ...(request.httpVersion === '2.0' && { trailers: { ...request.trailers } as Record<string, string> }),
  });
}

function socketOf(request: http.IncomingMessage): TLSSocket {
  return ((request as unknown as http2.Http2ServerRequest).stream?.session?.socket ?? request.socket) as TLSSocket;
}

function isSecure(request: http.IncomingMessage): boolean {
  const socket = socketOf(request);
  return 'encrypted' in socket && Boolean(socket.encrypted);
}

function authorityOf(request: http.IncomingMessage): string {
  return (request.headers[':authority'] as string | undefined) ?? request.headers.host ?? '';
}

function headersOf(request: http.IncomingMessage): [string, string][] {
  return Object.entries(request.headers)
    .filter(([name]) => !name.startsWith(':'))
    .map(([name, value]) => [name, String(value)]);
}

function tlsOf(socket: TLSSocket): Pick<ExternalEvent, 'serverName' | 'tlsVersion' | 'client'> {
  return {
    serverName: (socket as { servername?: string }).servername || undefined,
    tlsVersion: socket.getProtocol() ?? undefined,
    client: (socket.getPeerCertificate()?.subject as { CN?: string } | undefined)?.CN,
  };
}

/** The peer; a TLS socket may no longer know it, the connection below it still does. */
function of(host: ExternalListener, socket: net.Socket): Seen {
  const below = (socket as { _parent?: net.Socket })._parent;
  return (
    peers.get(socket) ??
    (below && peers.get(below)) ?? {
      server: host.host,
      from: socket.remoteAddress ?? '',
      port: socket.remotePort ?? 0,
      at: socket.localPort ?? 0,
    }
  );
}
