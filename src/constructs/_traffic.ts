import { defaultTlsPort, OriginationSettings } from './_origination';
import { PortSettings, TrafficPolicy, EgressPathSettings } from './_settings';
import { EgressProtocol } from '../values/egress-port';
import { HOP_DOMAIN } from '../values/host-name';

/** One HTTP route: timeouts, retries and header removal belong to the last hop that reads the request. */
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

/** The ports of the external host that are dialled in the end. */
export function externalPorts(ports: PortSettings[], origination: OriginationSettings | undefined): number[] {
  return ports.map((port) => (origination && port.http ? originationPort(origination, ports) : port.number));
}

/**
 * A traffic policy for one port, with everything in it: Istio takes a port's settings instead of those above it, it
 * does not merge the two.
 *
 * @param port the port, for HTTP/2 and gRPC: behind originated TLS Envoy speaks HTTP/1.1 unless told to upgrade
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

/** Whether requests on this port are HTTP/2, so that behind originated TLS the proxy must ask for it. */
export function speaksHttp2(port: PortSettings): boolean {
  return port.protocol === EgressProtocol.HTTP2 || port.protocol === EgressProtocol.GRPC;
}

/** A private name for an external host, under which no object of anybody else is found. */
export function privateNameOf(host: string, key: string): string {
  const name = `${host}.${key}.${HOP_DOMAIN}`;
  return name.length <= 253 ? name : `outside.${key}.${HOP_DOMAIN}`;
}
