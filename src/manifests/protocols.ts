const HTTP = new Set(['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB', 'HTTP_PROXY']);
const TLS = new Set(['TLS', 'HTTPS']);
// Protocols in which Istio reads no host name, so that it routes by address alone.
const OPAQUE = new Set(['TCP', 'MONGO', 'MYSQL', 'REDIS']);

export interface Port {
  readonly number: number;
  readonly protocol?: string;
  readonly targetPort?: number;
}

export function isHttp(protocol: unknown): boolean {
  return HTTP.has(upper(protocol));
}

export function isTls(protocol: unknown): boolean {
  return TLS.has(upper(protocol));
}

export function isOpaque(protocol: unknown): boolean {
  return OPAQUE.has(upper(protocol));
}

export function isUdp(protocol: unknown): boolean {
  return upper(protocol) === 'UDP';
}

/** One name per protocol: a sidecar treats HTTPS as TLS, and GRPC as HTTP2. */
export function canonicalProtocol(protocol: unknown): string {
  const name = upper(protocol);
  return name === 'HTTPS' ? 'TLS' : name === 'GRPC' ? 'HTTP2' : name;
}

export function portsOf(object: { spec: any }): readonly Port[] {
  return Array.isArray(object.spec.ports) ? object.spec.ports : [];
}

export function upper(protocol: unknown): string {
  return typeof protocol === 'string' ? protocol.toUpperCase() : '';
}
