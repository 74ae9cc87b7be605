import { entry, route, rule } from './objects';
import {
  DestinationRuleSpec,
  ServiceEntrySpec,
  ServiceEntrySpecLocation,
  ServiceEntrySpecResolution,
  VirtualServiceSpec,
} from '../../../imports/networking.istio.io';
import { SidecarEgressPath } from '../../declarations/sidecar-egress-path';
import { isWildcardHost } from '../../values/host-name';
import { Rank, RecipeObject } from '../recipe';
import { entryPort, istioPolicy, routeOptions } from '../traffic';

/**
 * One host straight from the sidecars, as applications speak to it. The entry comes before the route to it: the other
 * way round, a host that is already in use without a declaration would be unreachable until the entry arrives.
 */
export function plain(path: SidecarEgressPath): RecipeObject[] {
  const { policy, ports } = path.settings;
  const objects: RecipeObject[] = [{ ...entry(path, Rank.BASE), spec: () => hostEntry(path) }];
  if (policy) objects.push({ ...rule(path), spec: () => policyRule(path) });
  if (ports.some((port) => port.http)) objects.push({ ...route(path), spec: () => hostRoute(path) });
  return objects;
}

/**
 * The proxy resolves a wildcard by the name in each request, which is possible only without addresses, endpoints and
 * subsets.
 */
function hostEntry({ host, settings, addresses }: SidecarEgressPath): ServiceEntrySpec {
  return {
    hosts: [host],
    exportTo: ['.'],
    location: ServiceEntrySpecLocation.MESH_UNDERSCORE_EXTERNAL,
    resolution: isWildcardHost(host)
      ? ServiceEntrySpecResolution.DYNAMIC_UNDERSCORE_DNS
      : (settings.resolution as string as ServiceEntrySpecResolution),
    addresses,
    endpoints: settings.endpoints?.map((address) => ({ address })),
    ports: settings.ports.map(entryPort),
  };
}

/**
 * For a wildcard Envoy takes the port from the name too: `Host: a.example.com:22` on port 80 goes to port 22
 * (measured), so each route accepts only its own port.
 */
function hostRoute({ host, settings }: SidecarEgressPath): VirtualServiceSpec {
  const authority = (number: number) => (isWildcardHost(host) ? { regex: `[^:]+(:${number})?` } : undefined);
  return {
    hosts: [host],
    exportTo: ['.'],
    gateways: ['mesh'],
    http: settings.ports
      .filter((port) => port.http)
      .map(({ number }) => ({
        match: [{ port: number, authority: authority(number) }],
        ...routeOptions(settings),
        route: [{ destination: { host, port: { number } } }],
      })),
  };
}

function policyRule({ host, settings }: SidecarEgressPath): DestinationRuleSpec {
  return { host, exportTo: ['.'], trafficPolicy: istioPolicy(settings.policy) };
}
