/** What the examples of several rules share, as the text that people read. */

export const HTTP_PORT = '{ number: 80, name: http, protocol: HTTP }';
export const TLS_PORT = '{ number: 443, name: tls, protocol: TLS }';

/** The host that examples are about, with these ports. */
export function exampleEntry(...ports: string[]): string {
  return `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["."], resolution: DNS, ports: [${ports.join(', ')}] }`;
}
