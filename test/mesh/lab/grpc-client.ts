/** An application that makes one unary gRPC call: `grpc-client <task>`. The host echoes the message. */
import * as http2 from 'http2';
import { fail, finish, issuerOf, task } from './client';

const { at, host, port, headers, authorities } = task();
const secure = at.protocol === 'https:';
const MESSAGE = Buffer.from('ping from the application');
const FRAME = Buffer.concat([Buffer.from([0, 0, 0, 0, MESSAGE.length]), MESSAGE]);

const session = http2.connect(`${at.protocol}//${host}:${port}`, { ca: authorities, servername: at.hostname });
let secured = !secure;
const localPort = () => session.socket?.localPort;
session.on('connect', () => {
  secured = true;
});
session.on('error', (error: NodeJS.ErrnoException) => fail(error, secured, { localPort: localPort() }));

const sent = { 'content-type': 'application/grpc', te: 'trailers', ...headers };
const path = at.pathname === '/' ? '/lab.Echo/Say' : at.pathname;
const stream = session.request({ ':method': 'POST', ':authority': at.host, ':path': `${path}${at.search}`, ...sent });
const chunks: Buffer[] = [];
let status: number | undefined;
let grpcStatus: number | undefined;
const take = (fields: http2.IncomingHttpHeaders) => {
  if (fields['grpc-status'] !== undefined) grpcStatus = Number(fields['grpc-status']);
};
stream.on('response', (fields) => {
  status = fields[':status'];
  take(fields);
});
stream.on('trailers', take);
stream.on('data', (chunk) => chunks.push(chunk));
stream.on('error', (error: NodeJS.ErrnoException) => fail(error, secured, { localPort: localPort() }));
stream.on('close', () => {
  const known = {
    localPort: localPort(),
    sentHeaders: Object.keys(sent),
    issuer: secure ? issuerOf(session.socket) : undefined,
  };
  const body = Buffer.concat(chunks);
  if (status === undefined) finish(52, known);
  else
    finish(grpcStatus === 0 && !body.equals(FRAME) ? 56 : 0, {
      ...known,
      status,
      grpcStatus,
      body: body.toString('latin1'),
    });
});
stream.end(FRAME);
