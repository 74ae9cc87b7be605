import { entry, route, rule } from './objects';
import * as istio from '../../../imports/networking.istio.io';
import { SidecarEgressPath } from '../../declarations/sidecar-egress-path';
import { isWildcardHost } from '../../values/host-name';
import { Rank, RecipeObject } from '../recipe';
import { hostPorts, istioPolicy, istioResolution, meshRoute, Resolution, routeOptions, serviceEntry } from '../traffic';

/**
 * One host straight from the sidecars, as applications speak to it. The entry comes before the route to it: the other
 * way round, a host that is already in use without a declaration would be unreachable until the entry arrives.
 */
export function plain(path: SidecarEgressPath): RecipeObject[] {
  const { host, settings } = path;
  const objects = [entry(path, Rank.BASE, () => hostEntry(path))];
  if (settings.policy)
    objects.push(rule(path, () => ({ host, exportTo: ['.'], trafficPolicy: istioPolicy(settings.policy) })));
  if (settings.ports.some((port) => port.http)) objects.push(route(path, () => hostRoute(path)));
  return objects;
}

/**
 * The proxy resolves a wildcard by the name in each request, which is possible only without addresses, endpoints and
 * subsets.
 */
function hostEntry({ host, settings, addresses }: SidecarEgressPath): istio.ServiceEntrySpec {
  const resolution = isWildcardHost(host) ? Resolution.DYNAMIC_UNDERSCORE_DNS : istioResolution(settings.resolution);
  const { endpoints, ports } = settings;
  return serviceEntry(host, resolution, hostPorts(ports), { addresses, endpoints });
}

/**
 * For a wildcard Envoy takes the port from the name too: `Host: a.example.com:22` on port 80 goes to port 22
 * (measured), so each route accepts only its own port.
 */
function hostRoute({ host, settings }: SidecarEgressPath): istio.VirtualServiceSpec {
  const authority = (number: number) => (isWildcardHost(host) ? { regex: `[^:]+(:${number})?` } : undefined);
  return meshRoute(host, {
    http: settings.ports
      .filter((port) => port.http)
      .map(({ number }) => ({
        match: [{ port: number, authority: authority(number) }],
        ...routeOptions(settings),
        route: [{ destination: { host, port: { number } } }],
      })),
  });
}
