import { IstioObject } from './indexed';
import type { Of, Route, HttpRoute, ItemOf } from './specs';
import { fullHost } from '../istio/hosts';

export type Section = 'http' | 'tls' | 'tcp';

/** A route, and where it is written. */
export interface PlacedRoute {
  readonly virtualService: IstioObject<'VirtualService'>;
  readonly section: Section;
  readonly route: Route;
  readonly position: number;
}

/** A destination to which a VirtualService routes or mirrors requests. */
export interface Hop {
  readonly virtualService: IstioObject<'VirtualService'>;
  readonly section: Section;
  readonly route: Route;
  readonly destination: Destination;
  /** The full name of the host. */
  readonly host: string;
  readonly subset?: string;
  readonly port?: number;
}

/** The proxies that use a route: sidecars, and gateways by name. */
export interface Followers {
  readonly sidecars: boolean;
  /** As written: `namespace/name`, or a name in the VirtualService's own namespace. */
  readonly gateways: readonly string[];
}

type Destination = Of<ItemOf<HttpRoute['route']>, 'destination'>;

export const SECTIONS: readonly Section[] = ['http', 'tls', 'tcp'];
const SIDECARS: Followers = { sidecars: true, gateways: [] };

/** Whether sidecars use the VirtualService. Without `gateways`, only they do. */
export function isOnMesh(virtualService: IstioObject<'VirtualService'>): boolean {
  const gateways: readonly string[] | undefined = virtualService.spec.gateways;
  return !gateways?.length || gateways.includes('mesh');
}

/** Every route of the VirtualService. */
export function routesOf(virtualService: IstioObject<'VirtualService'>, found: PlacedRoute[] = []): PlacedRoute[] {
  for (const section of SECTIONS) {
    const routes: readonly Route[] | undefined = virtualService.spec[section];
    if (Array.isArray(routes))
      for (let position = 0; position < routes.length; position++)
        found.push({ virtualService, section, route: routes[position], position });
  }
  return found;
}

/** Every destination of the VirtualService. */
export function hopsOf(virtualService: IstioObject<'VirtualService'>): Hop[] {
  return hopsOfRoutes(routesOf(virtualService));
}

/** Every destination of the routes. */
export function hopsOfRoutes(routes: readonly PlacedRoute[]): Hop[] {
  const hops: Hop[] = [];
  for (const placed of routes) {
    const { route, mirror, mirrors } = placed.route as HttpRoute;
    if (route) for (const { destination } of route) addHop(destination, placed, hops);
    if (mirror) addHop(mirror, placed, hops);
    if (mirrors) for (const { destination } of mirrors) addHop(destination, placed, hops);
  }
  return hops;
}

/** The path of the route of a destination. */
export function hopField({ virtualService: { spec }, section, route }: Hop): string {
  return `spec.${section}[${(spec[section] as readonly Route[]).indexOf(route)}]`;
}

/** The path of the subset that a destination names. */
export function subsetField(hop: Hop): string {
  const { route, mirror, mirrors } = hop.route as HttpRoute;
  const at = (all: HttpRoute['route']) => (all ?? []).findIndex(({ destination }) => destination === hop.destination);
  const own =
    mirror === hop.destination
      ? 'mirror'
      : at(route) >= 0
        ? `route[${at(route)}].destination`
        : `mirrors[${at(mirrors)}].destination`;
  return `${hopField(hop)}.${own}.subset`;
}

/** The proxies that use a route: those that all its matches name, as far as the VirtualService is theirs. */
export function followers(virtualService: IstioObject<'VirtualService'>, route: Route): Followers {
  const matches: readonly { readonly gateways?: readonly string[] }[] = route.match ?? [];
  const isOwn = matches.length > 0 && matches.every((match) => !!match?.gateways?.length);
  const names: readonly string[] | undefined = isOwn
    ? matches.flatMap((match) => match.gateways ?? []).filter((name) => isListed(virtualService, name))
    : virtualService.spec.gateways;
  if (!isOwn && !names?.length) return SIDECARS;
  return names!.includes('mesh')
    ? { sidecars: true, gateways: names!.filter((name) => name !== 'mesh') }
    : { sidecars: false, gateways: names! };
}

/** Whether a gateway that a match names, or `mesh`, is one of those that use the VirtualService. */
export function isListed({ spec, namespace }: IstioObject<'VirtualService'>, gateway: string): boolean {
  // A delegate is used by those that use the VirtualService which delegates to it.
  if (!spec.hosts?.length) return true;
  const listed: readonly string[] = spec.gateways?.length ? spec.gateways : ['mesh'];
  if (listed.includes(gateway)) return true;
  const full = fullGateway(gateway, namespace);
  return listed.some((name) => fullGateway(name, namespace) === full);
}

/**
 * A Gateway as `<namespace>/<name>`. Named without a namespace, or as `./<name>`, it is in that of the VirtualService;
 * formerly it was written as the name of a Service.
 */
export function fullGateway(name: string, namespace: string): string {
  if (name === 'mesh') return name;
  if (name.startsWith('./')) return `${namespace}${name.slice(1)}`;
  if (name.includes('/')) return name;
  const [own, of = namespace] = name.split('.');
  return `${of}/${own}`;
}

/** The namespace of a Gateway that a VirtualService names. */
export function gatewayNamespace(virtualService: IstioObject<'VirtualService'>, gateway: string): string {
  return fullGateway(gateway, virtualService.namespace).split('/')[0];
}

function addHop(destination: Destination | undefined, placed: PlacedRoute, hops: Hop[]): void {
  if (!destination?.host) return;
  const { virtualService, section, route } = placed;
  const { subset, port } = destination;
  const host = fullHost(destination.host, virtualService);
  hops.push({ virtualService, section, route, destination, host, subset, port: port?.number });
}
