/**
 * An application that sends exactly the bytes that it is told, each time on a connection of its own, all at once:
 * `raw-client <connections.json>`. It prints what came back, by connection.
 */
import * as fs from 'fs';
import * as net from 'net';
import * as tls from 'tls';

export interface RawConnection {
  readonly to: string;
  readonly port: number;
  /** In latin1. */
  readonly bytes: string;
  /** What the connection begins with, if the bytes go into TLS. */
  readonly tls?: { readonly serverName?: string; readonly certificate?: string; readonly key?: string };
}

/** How long nothing happens on any of them before the application hangs up. */
const SILENCE = 3000;
const open = new Set<net.Socket>();
let silence: NodeJS.Timeout | undefined;
function heard(): void {
  clearTimeout(silence);
  silence = setTimeout(() => open.forEach((socket) => socket.destroy()), SILENCE);
}

const read = (file?: string) => (file === undefined ? undefined : fs.readFileSync(file));

function exchange({ to, port, bytes, tls: secured }: RawConnection): Promise<string> {
  return new Promise((resolve) => {
    const socket = secured
      ? tls.connect({
          host: to,
          port,
          servername: secured.serverName ?? '',
          cert: read(secured.certificate),
          key: read(secured.key),
          rejectUnauthorized: false,
        })
      : net.connect(port, to);
    let answer = '';
    open.add(socket);
    socket.on('connect', heard).on('data', heard).on('close', heard);
    socket.on(secured ? 'secureConnect' : 'connect', () => socket.write(Buffer.from(bytes, 'latin1')));
    socket.on('data', (more) => (answer += more.toString('latin1')));
    socket.on('error', () => undefined); // `close` follows
    socket.on('close', () => {
      open.delete(socket);
      resolve(answer);
    });
  });
}

const connections: RawConnection[] = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
heard();
void Promise.all(connections.map(exchange)).then((answers) => {
  clearTimeout(silence);
  fs.writeSync(1, JSON.stringify(answers));
});
