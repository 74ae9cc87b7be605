import { isIP } from 'net';
import { AccessTable } from '../../../src/access/access-table';
import { PlacedHost, placedHosts } from '../../../src/access/placed-hosts';

/** What the process that plays the external hosts listens on. */
export interface ExternalListener {
  readonly host: string;
  readonly addresses: readonly string[];
  readonly http: 'ok' | 'redirect-to-https' | 'none';
  readonly https: 'ok' | 'client-certificate' | 'none';
  readonly tcp: number[];
  /** Whether it speaks HTTP/2 without TLS. */
  readonly plaintextHttp2: boolean;
  readonly certificate?: string;
  readonly key?: string;
  /** Whether TLS sessions, of TLS 1.2, survive another certificate. */
  readonly resumes?: boolean;
  readonly clientAuthority?: string;
}

/** What an external host saw. */
export interface ExternalEvent {
  /**
   * `connect`: a connection; `hello`: TLS began; `plaintext`: bytes that are not TLS on a TLS port; `request`, `tcp`:
   * it was answered.
   */
  readonly event: 'up' | 'renewed' | 'connect' | 'hello' | 'tls-error' | 'plaintext' | 'not-http' | 'request' | 'tcp';
  /** The host that listens there. */
  readonly server: string;
  /** Address and port of the peer. */
  readonly from: string;
  readonly port: number;
  /** The port that it came to. */
  readonly at: number;
  readonly tls?: boolean;
  readonly tlsVersion?: string;
  readonly serverName?: string;
  readonly alpn?: string[];
  readonly protocol?: string;
  /** Common name of the client's certificate. */
  readonly client?: string;
  readonly method?: string;
  readonly path?: string;
  readonly authority?: string;
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** The names of headers as they were written. */
  readonly written?: string[];
  /** Those of HTTP/2. */
  readonly trailers?: Record<string, string>;
  readonly head?: string;
  readonly error?: string;
}

/** An external host with its addresses. */
export type Placed = PlacedHost;

/** The start of the name of a host that listens where a row dials an address that belongs to no declared host. */
export const STRAY = 'stray';

/**
 * Every host with addresses of its own. Dialled addresses that belong to no host get a listener too, so that a request
 * that really goes there is seen there.
 */
export function placed(table: AccessTable): Placed[] {
  const { hosts, strays } = placedHosts(table);
  if (hosts.some(({ address }) => isIP(address) === 0))
    throw new Error('more external hosts than 203.0.113.0/24 has addresses: give some an `address`');
  return [
    ...hosts,
    ...strays.map((address, i): Placed => ({
      host: `${STRAY}-${i}.invalid`,
      address,
      addresses: [address],
      http: 'ok',
      https: 'ok',
    })),
  ];
}
