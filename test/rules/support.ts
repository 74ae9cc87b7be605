import { parseAllDocuments } from 'yaml';
import { checkManifests, EgressObject, Finding, IndexOptions } from '../../src/rules';

/** The documents of a YAML text, with their index as origin. */
export function objectsOf(yaml: string): EgressObject[] {
  return parseAllDocuments(yaml).map((document, index) => ({ manifest: document.toJS(), origin: `file#${index}` }));
}

/** An object whose fields a test may change. */
export type Changeable = EgressObject & { readonly manifest: { spec: any } };

/** An Istio object: `istio('ServiceEntry', 'shop/site', { ... })`. Its origin is its name. */
export function istio(kind: string, place: string, spec: object, metadata: object = {}): Changeable {
  const [namespace, name] = place.split('/');
  return {
    manifest: { apiVersion: 'networking.istio.io/v1', kind, metadata: { name, namespace, ...metadata }, spec },
    origin: place,
  };
}

export function entry(place: string, spec: object, metadata: object = {}): Changeable {
  const site = {
    hosts: ['a.example.com'],
    exportTo: ['.'],
    resolution: 'DNS',
    ports: [{ number: 443, name: 'tls', protocol: 'TLS' }],
  };
  return istio('ServiceEntry', place, { ...site, ...spec }, metadata);
}

/** A VirtualService that routes HTTP for a host to a destination. */
export function route(place: string, spec: object, destination: object = { host: 'a.example.com' }): Changeable {
  return istio('VirtualService', place, {
    hosts: ['a.example.com'],
    exportTo: ['.'],
    http: [{ route: [{ destination }] }],
    ...spec,
  });
}

/** A Gateway with one mutual TLS server on 443. */
export function gateway(
  place: string,
  hosts: string[],
  server: object = {},
  selector: object = { istio: 'exit' },
): Changeable {
  const mutual = { port: { number: 443, name: 'tls', protocol: 'HTTPS' }, hosts, tls: { mode: 'ISTIO_MUTUAL' } };
  return istio('Gateway', place, { selector, servers: [{ ...mutual, ...server }] });
}

/** The findings of one rule, as the origins that they name. */
export function reported(code: string, objects: EgressObject[], options: IndexOptions = {}): string[] {
  return findings(code, objects, options).map((finding) => [...finding.origins].sort().join(' '));
}

export function findings(code: string, objects: EgressObject[], options: IndexOptions = {}): Finding[] {
  return checkManifests(objects, options).filter((finding) => finding.code === code);
}
