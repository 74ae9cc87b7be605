import type { Server } from './specs';
import { isHttp, isTls, upper } from '../istio/protocols';

/** A host of a server, or the name of a Gateway, without the namespace that may stand before it. */
export function withoutNamespace(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}

/** How a Gateway's server treats connections. */
export type ServerKind = 'TLS' | 'HTTP' | 'TCP';

export function kindOf(server: Server): ServerKind {
  const protocol = server.port?.protocol;
  if (isTls(protocol)) return 'TLS';
  return isHttp(protocol) ? 'HTTP' : 'TCP';
}

/** What a server does with TLS. At an HTTP port the settings only say whether it redirects. */
export function tlsOf(server: Server): Server['tls'] {
  return kindOf(server) === 'HTTP' ? undefined : server.tls;
}

/** For TLS that is not terminated, filter chains are made from routes, not from servers. It is what no mode means. */
export function passesThrough({ tls }: Server): boolean {
  return tls !== undefined && ['PASSTHROUGH', 'AUTO_PASSTHROUGH'].includes(tls.mode ?? 'PASSTHROUGH');
}

/** The section of a VirtualService that the server reads. It silently ignores the others. */
export function sectionOf(server: Server): 'http' | 'tls' | 'tcp' {
  const kind = kindOf(server);
  if (kind === 'HTTP') return 'http';
  if (kind === 'TCP') return 'tcp';
  if (passesThrough(server)) return 'tls';
  return upper(server.port?.protocol) === 'HTTPS' ? 'http' : 'tcp';
}
