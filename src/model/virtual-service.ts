import { createdAt, exportedTo } from './service';
import { fullHost } from '../istio/hosts';
import { Indexed } from '../manifests/indexed';

/** A VirtualService with the full names of its hosts and gateways. */
export interface VirtualService {
  readonly object: Indexed;
  readonly hosts: readonly string[];
  /** `mesh`, or `<namespace>/<name>`. */
  readonly gateways: readonly string[];
  readonly exportTo: readonly string[];
  readonly created: string;
}

const MESH = ['mesh'];

export function virtualServiceOf(object: Indexed, defaultExportTo: readonly string[]): VirtualService {
  const gateways: string[] | undefined = object.spec.gateways;
  return {
    object: object,
    hosts: (object.spec.hosts ?? []).map((host: string) => fullHost(host, object)),
    gateways: gateways?.length ? gateways.map((name) => fullGateway(name, object.namespace)) : MESH,
    exportTo: exportedTo(object, defaultExportTo),
    created: createdAt(object),
  };
}

/** A Gateway named without a namespace is in the namespace of the VirtualService. */
export function fullGateway(name: string, namespace: string): string {
  return name === 'mesh' || name.includes('/') ? name : `${namespace}/${name}`;
}

/** The hosts of all its destinations, with their ports; 0 for a destination without a port. */
export function destinationsOf({ object }: VirtualService): Map<string, Set<number>> {
  const found = new Map<string, Set<number>>();
  const add = (destination: any) => {
    if (!destination?.host) return;
    const host = fullHost(destination.host, object);
    const ports = found.get(host);
    const port = destination.port?.number ?? 0;
    if (ports) ports.add(port);
    else found.set(host, new Set([port]));
  };
  for (const section of ['http', 'tls', 'tcp']) {
    for (const route of object.spec[section] ?? []) {
      for (const { destination } of route.route ?? []) add(destination);
      add(route.mirror);
      for (const mirror of route.mirrors ?? []) add(mirror.destination);
    }
  }
  return found;
}
