import { defaultTlsPort, OriginationSettings } from './_origination';
import { PortSettings, TrafficPolicy, EgressPathSettings } from './_settings';
import { EgressProtocol } from '../values/egress-port';
import { HOP_DOMAIN } from '../values/host-name';

/** The subset for traffic that the proxy passes on unchanged. */
export const PLAIN_SUBSET = 'plain';

/** The subset that originates TLS. */
export function originatingSubset(http2: boolean): string {
  return http2 ? 'tls-http2' : 'tls';
}

/** Options of an HTTP route: timeouts, retries and header removal belong on the last hop that reads the request. */
export function routeOptions(settings: EgressPathSettings): { timeout?: string; retries?: any; headers?: any } {
  return {
    timeout: settings.timeout,
    retries: settings.retries,
    headers: settings.removeHeaders.length > 0 ? { request: { remove: settings.removeHeaders } } : undefined,
  };
}

/** The port of the external host to which originated TLS goes. */
export function originationPort(origination: OriginationSettings, ports: PortSettings[]): number {
  return origination.port ?? defaultTlsPort(ports);
}

/** The ports of the external host to which proxies connect. */
export function externalPorts(ports: PortSettings[], origination: OriginationSettings | undefined): number[] {
  return ports.map((port) => (origination && port.http ? originationPort(origination, ports) : port.number));
}

/**
 * A complete traffic policy for one port: Istio uses a port's settings instead of the policy above them, without
 * merging the two.
 *
 * @param http2 for HTTP/2 and gRPC: over originated TLS, Envoy speaks HTTP/1.1 unless told to upgrade
 */
export function portPolicy(number: number, policy: TrafficPolicy | undefined, tls?: any, http2 = false): any {
  const pool = policy?.connectionPool;
  return {
    port: { number },
    ...policy,
    ...(http2 ? { connectionPool: { ...pool, http: { ...pool?.http, h2UpgradePolicy: 'UPGRADE' } } } : {}),
    ...(tls ? { tls } : {}),
  };
}

/** Whether requests on this port are HTTP/2, so that the proxy must ask for it over originated TLS. */
export function speaksHttp2(port: PortSettings): boolean {
  return port.protocol === EgressProtocol.HTTP2 || port.protocol === EgressProtocol.GRPC;
}

/** A private name for an external host, which no other author's object uses. */
export function privateNameOf(host: string, key: string): string {
  const name = `${host}.${key}.${HOP_DOMAIN}`;
  return name.length <= 253 ? name : `outside.${key}.${HOP_DOMAIN}`;
}
