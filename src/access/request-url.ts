import { isIPv6 } from 'net';

/** Whether it is a request for bytes: `tcp://host:port`. */
export function isTcpRequest(request: string): boolean {
  return request.startsWith('tcp:');
}

/** The URL of a request. `tcp:` is read as `http:`, since URLs of other schemes have no host of their own. */
export function urlOf(request: string): URL {
  return new URL(request.replace(/^tcp:/, 'http:'));
}

/** The host of a URL: an IPv6 address without its brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

/** A host as URLs have it: an IPv6 address in brackets. */
export function inUrl(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

/** The port of a request: as written, else 80 or 443. A tcp request has none unless it is written. */
export function portOfRequest(request: string, { port, protocol } = urlOf(request)): number | undefined {
  if (port !== '') return Number(port);
  if (protocol === 'https:') return 443;
  // URL leaves out port 80 of http:, which tcp: is read as.
  return isTcpRequest(request) && !/^tcp:\/\/[^/]*:80(\/|$)/.test(request) ? undefined : 80;
}
