import type { Server } from './specs';
import { isHttp, isTls, upper } from '../istio/protocols';

/** How a Gateway's server treats connections. */
export type ServerKind = 'TLS' | 'HTTP' | 'TCP';

export function kindOf(server: Server): ServerKind {
  const protocol = server.port?.protocol;
  if (isTls(protocol)) return 'TLS';
  return isHttp(protocol) ? 'HTTP' : 'TCP';
}

/** For TLS that is not terminated, filter chains are made from routes, not from servers. */
export function passesThrough(server: Server): boolean {
  return server.tls?.mode === 'PASSTHROUGH' || server.tls?.mode === 'AUTO_PASSTHROUGH';
}

/** The section of a VirtualService that the server reads. It silently ignores the others. */
export function sectionOf(server: Server): 'http' | 'tls' | 'tcp' {
  const kind = kindOf(server);
  if (kind === 'HTTP') return 'http';
  if (kind === 'TCP') return 'tcp';
  if (passesThrough(server)) return 'tls';
  return upper(server.port?.protocol) === 'HTTPS' ? 'http' : 'tcp';
}
