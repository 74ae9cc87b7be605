/**
 * An application that opens a WebSocket and sends one message: `websocket-client <task>`. The host echoes it.
 */
import { randomBytes } from 'crypto';
import * as http from 'http';
import * as https from 'https';
import { fail, finish, issuerOf, task } from './client';

const { at, host, port, headers, authorities } = task();
const secure = at.protocol === 'https:';
const MESSAGE = 'ping from the application';

const sent = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-key': randomBytes(16).toString('base64'),
  'sec-websocket-version': '13',
};
const request = (secure ? https : http).request({
  host,
  port,
  path: `${at.pathname}${at.search}`,
  headers: { host: at.host, ...sent, ...headers },
  ca: authorities,
  servername: at.hostname,
});
let secured = !secure;
const known = () => ({
  localPort: request.socket?.localPort,
  sentHeaders: Object.keys(sent),
  issuer: secure ? issuerOf(request.socket!) : undefined,
});
request.on('socket', (socket) =>
  socket.on('secureConnect', () => {
    secured = true;
  }),
);
request.on('error', (error: NodeJS.ErrnoException) => fail(error, secured, known()));
request.on('response', (response) => finish(0, { ...known(), status: response.statusCode }));
request.on('upgrade', (response, socket) => {
  // One short text frame, masked with zeros.
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 + MESSAGE.length, 0, 0, 0, 0]), Buffer.from(MESSAGE)]));
  socket.once('data', (frame: Buffer) => {
    const body = frame.subarray(2).toString();
    finish(body === MESSAGE ? 0 : 56, { ...known(), status: response.statusCode, body });
  });
  socket.on('end', () => finish(52, known()));
});
request.end();
