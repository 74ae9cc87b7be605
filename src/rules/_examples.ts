/** What the examples of several rules share, as the text that people read. */
import { IstioSpecs } from '../manifests/specs';

export const HTTP_PORT = '{ number: 80, name: http, protocol: HTTP }';
export const TLS_PORT = '{ number: 443, name: tls, protocol: TLS }';

/** The lines of an object before its spec. */
export function istioObject(kind: keyof IstioSpecs, namespacedName: string): string {
  const [namespace, name] = namespacedName.split('/');
  return `apiVersion: ${kind === 'AuthorizationPolicy' ? 'security' : 'networking'}.istio.io/v1
kind: ${kind}
metadata: { name: ${name}, namespace: ${namespace} }`;
}

/** The host that examples are about, with these ports. */
export function exampleEntry(...ports: string[]): string {
  return `${istioObject('ServiceEntry', 'shop/a')}
spec: { hosts: [api.example.com], exportTo: ["."], resolution: DNS, ports: [${ports.join(', ')}] }`;
}
