import * as fs from 'fs';

/** The fields that every proxy logs for each request or connection. */
export const ACCESS_LOG_FORMAT = {
  lab: 'access',
  start: '%START_TIME(%s.%6f)%',
  method: '%REQ(:METHOD)%',
  authority: '%REQ(:AUTHORITY)%',
  path: '%REQ(:PATH)%',
  code: '%RESPONSE_CODE%',
  flags: '%RESPONSE_FLAGS%',
  details: '%RESPONSE_CODE_DETAILS%',
  termination: '%CONNECTION_TERMINATION_DETAILS%',
  serverName: '%REQUESTED_SERVER_NAME%',
  tls: '%DOWNSTREAM_TLS_VERSION%',
  peer: '%DOWNSTREAM_PEER_URI_SAN%',
  downstreamFailure: '%DOWNSTREAM_TRANSPORT_FAILURE_REASON%',
  from: '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%',
  to: '%DOWNSTREAM_LOCAL_ADDRESS%',
  cluster: '%UPSTREAM_CLUSTER_RAW%',
  upstream: '%UPSTREAM_HOST%',
  upstreamFrom: '%UPSTREAM_LOCAL_ADDRESS%',
  upstreamTls: '%UPSTREAM_TLS_VERSION%',
  upstreamFailure: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
  route: '%ROUTE_NAME%',
};

/** One line of a proxy's access log, without the fields for which Envoy has no value. */
export type AccessLine = { readonly [field in keyof typeof ACCESS_LOG_FORMAT]?: string };

/** A position in a growing file: reads the JSON lines after it. */
export class Tail<T> {
  private readonly start: number;

  public constructor(private readonly file: string) {
    this.start = fs.existsSync(file) ? fs.statSync(file).size : 0;
  }

  public read(): T[] {
    if (!fs.existsSync(this.file)) return [];
    const handle = fs.openSync(this.file, 'r');
    try {
      const bytes = Buffer.alloc(Math.max(0, fs.fstatSync(handle).size - this.start));
      fs.readSync(handle, bytes, 0, bytes.length, this.start);
      const text = bytes.toString('utf8');
      const whole = text.slice(0, text.lastIndexOf('\n') + 1);
      return whole
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line));
    } finally {
      fs.closeSync(handle);
    }
  }
}

/** The address in `address:port`. */
export function addressOf(socket: string): string {
  return socket.slice(0, socket.lastIndexOf(':'));
}

/** Removes the placeholders that Envoy writes where it has no value, and the brackets of IPv6 addresses. */
export function known(line: Record<string, unknown>): AccessLine {
  return Object.fromEntries(
    Object.entries(line)
      .filter(([, value]) => value !== null && value !== '-' && value !== '')
      .map(([key, value]) => [key, String(value).replace(/^\[([\da-f:.]+)\](?=:\d+$)/, '$1')]),
  );
}
