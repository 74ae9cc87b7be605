import { Indexed } from './_indexed';

export interface Destination {
  readonly host: string;
  readonly subset?: string;
  readonly port?: { readonly number?: number };
}

/** Which proxies follow a route: sidecars, and the gateways named. */
export interface Followers {
  readonly sidecars: boolean;
  /** As written: `namespace/name`, or a name in the VirtualService's own namespace. */
  readonly gateways: readonly string[];
}

const SECTIONS = ['http', 'tls', 'tcp'] as const;
const SIDECARS: Followers = { sidecars: true, gateways: [] };

/** Whether sidecars follow the VirtualService: without gateways it is for them alone. */
export function isOnMesh(service: Indexed): boolean {
  const gateways: string[] | undefined = service.spec.gateways;
  return !gateways?.length || gateways.includes('mesh');
}

/** Visits every place a VirtualService sends or mirrors requests to. */
export function eachDestination(service: Indexed, visit: (destination: Destination, route: any, section: typeof SECTIONS[number]) => void): void {
  for (const section of SECTIONS) {
    const routes = service.spec[section];
    if (!Array.isArray(routes)) continue;
    for (const route of routes) {
      if (route.route) for (const { destination } of route.route) if (destination?.host) visit(destination, route, section);
      if (route.mirror?.host) visit(route.mirror, route, section);
      if (route.mirrors) for (const { destination } of route.mirrors) if (destination?.host) visit(destination, route, section);
    }
  }
}

/** The proxies that follow one route: its matches may name gateways, else the VirtualService does. */
export function followers(service: Indexed, route: any): Followers {
  const matches: any[] = route.match ?? [];
  const isOwn = matches.length > 0 && matches.every(match => match.gateways?.length > 0);
  const own = isOwn ? matches.flatMap(match => match.gateways) : service.spec.gateways;
  if (!own?.length) return SIDECARS;
  return { sidecars: own.includes('mesh'), gateways: own.filter((name: string) => name !== 'mesh') };
}

/** The namespace in which a VirtualService looks for a Gateway. */
export function gatewayNamespace(service: Indexed, gateway: string): string {
  const slash = gateway.indexOf('/');
  return slash < 0 ? service.namespace : gateway.slice(0, slash);
}
