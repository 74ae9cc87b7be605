/** What Istio makes of a port's protocol. */
export interface ProtocolFacts {
  /**
   * `http`: requests are read. `tls`: the server name is read. `opaque`: no name is read, so connections are routed by
   * address alone. `none`: no outbound listener.
   */
  readonly reads: 'http' | 'tls' | 'opaque' | 'none';
  /** Whether a proxy speaks HTTP/2 to the endpoints. */
  readonly http2?: true;
  /** The protocol as which a sidecar treats it, if not itself. */
  readonly sameAs?: string;
  /** Whether the name of a Service's port may begin with it. */
  readonly inPortNames?: true;
}

/** Every protocol that a port may declare, in capitals; istiod ignores the case. */
const PROTOCOLS = {
  HTTP: { reads: 'http', inPortNames: true },
  HTTP2: { reads: 'http', http2: true, inPortNames: true },
  HTTPS: { reads: 'tls', sameAs: 'TLS', inPortNames: true },
  GRPC: { reads: 'http', http2: true, sameAs: 'HTTP2', inPortNames: true },
  'GRPC-WEB': { reads: 'http', http2: true, inPortNames: true },
  TLS: { reads: 'tls', inPortNames: true },
  TCP: { reads: 'opaque', inPortNames: true },
  UDP: { reads: 'none', inPortNames: true },
  MONGO: { reads: 'opaque', inPortNames: true },
  REDIS: { reads: 'opaque', inPortNames: true },
  MYSQL: { reads: 'opaque', inPortNames: true },
  HBONE: { reads: 'none' },
  // For egress listeners of a Sidecar; no port name begins with it, but an `appProtocol` can.
  HTTP_PROXY: { reads: 'http' },
} as const satisfies Record<string, ProtocolFacts>;

/** The name of a protocol that a port may declare. */
export type IstioProtocol = keyof typeof PROTOCOLS;

export const PROTOCOL_NAMES = Object.keys(PROTOCOLS) as readonly IstioProtocol[];

const facts = new Map<string, ProtocolFacts>(Object.entries(PROTOCOLS));
const byPortName = new Map(
  [...facts].filter(([, { inPortNames }]) => inPortNames).map(([name]) => [name.toLowerCase(), name]),
);

export interface Port {
  readonly number: number;
  readonly protocol?: string;
  readonly targetPort?: number;
}

/** Nearly always it is written in capitals; changing the case of text takes longer than looking it up. */
function factsOf(protocol: unknown): ProtocolFacts | undefined {
  return facts.get(protocol as string) ?? facts.get(upper(protocol));
}

export function isHttp(protocol: unknown): boolean {
  return factsOf(protocol)?.reads === 'http';
}

export function isTls(protocol: unknown): boolean {
  return factsOf(protocol)?.reads === 'tls';
}

/** Whether Istio reads no name in it, so that it routes by address alone. */
export function isOpaque(protocol: unknown): boolean {
  return factsOf(protocol)?.reads === 'opaque';
}

export function isUdp(protocol: unknown): boolean {
  return factsOf(protocol) === PROTOCOLS.UDP;
}

/** Whether proxies speak HTTP/2 to the endpoints of a port that declares it. */
export function isHttp2(protocol: unknown): boolean {
  return factsOf(protocol)?.http2 === true;
}

/** One name per protocol: a sidecar treats HTTPS as TLS, and GRPC as HTTP2. */
export function canonicalProtocol(protocol: unknown): string {
  const name = upper(protocol);
  return facts.get(name)?.sameAs ?? name;
}

/**
 * The protocol of a Kubernetes Service's port: by its `appProtocol`, else by the beginning of its name. Empty where the
 * proxy detects it from the first bytes.
 */
export function protocolOfServicePort(port: { protocol?: string; appProtocol?: string; name?: string }): string {
  if (isUdp(port.protocol)) return 'UDP';
  const app = port.appProtocol?.toLowerCase();
  if (app === 'kubernetes.io/h2c') return 'HTTP2';
  if (app === 'kubernetes.io/ws') return 'HTTP';
  if (app === 'kubernetes.io/wss') return 'HTTPS';
  if (app?.split('-')[0] === 'http_proxy') return 'HTTP_PROXY';
  const name = (app ?? port.name ?? '').toLowerCase();
  return name.startsWith('grpc-web') ? 'GRPC-WEB' : (byPortName.get(name.split('-')[0]) ?? '');
}

/** The ports of a ServiceEntry; none where it has none that can be read. */
export function portsOf({ spec }: { readonly spec: { readonly ports?: unknown } }): readonly Port[] {
  return Array.isArray(spec.ports) ? spec.ports : [];
}

export function upper(protocol: unknown): string {
  return typeof protocol === 'string' ? protocol.toUpperCase() : '';
}
