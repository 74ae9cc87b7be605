import { egressListenerFor, servicesOnPort } from './virtual-hosts';
import { Registry } from '../registry/registry';
import { EgressListener, portOf, Scope } from '../registry/scope';
import { ProxyMatch } from '../routes/route';
import { valueIn } from '../../values/grouping';

/** Proxies by what istiod's cache tells their routes on a port apart by; of those, one for each other content. */
export type CachedRoutes = ReadonlyMap<string, ReadonlyMap<string, Scope>>;

/**
 * The labels of workloads of a namespace whose routes may be mixed up. istiod's cache tells the routes of a namespace
 * apart by the hosts and the VirtualServices that they are made of. It does not tell which of several entries for a host
 * it was, nor the egressProxy of the Sidecar. So which routes a proxy gets depends on which one asked first.
 */
export function labelsOfMixedUp(
  { sidecars, rootNamespace, hasSeveralOfOneHost }: Registry,
  namespace: string,
): readonly Readonly<Record<string, string>>[] {
  const selecting = sidecars.filter((one) => one.namespace === namespace && one.spec.workloadSelector);
  const mayDiffer =
    hasSeveralOfOneHost ||
    sidecars.some(
      (one) =>
        (one.namespace === namespace || one.namespace === rootNamespace) && one.spec.outboundTrafficPolicy?.egressProxy,
    );
  return selecting.length === 0 || !mayDiffer
    ? []
    : [{}, ...selecting.map(({ spec }) => spec.workloadSelector?.labels ?? {})];
}

export function cachedRoutes(scopes: readonly Scope[], port: number): CachedRoutes {
  const found = new Map<string, Map<string, Scope>>();
  for (const scope of scopes) {
    const key = cacheKey(scope, port);
    if (key === undefined) continue;
    const sharing = valueIn(found, key, () => new Map<string, Scope>());
    valueIn(sharing, content(scope, port), () => scope);
  }
  return found;
}

/** The proxies of whose routes on a port a sidecar may get any, itself first. */
export function sharingRoutes(scope: Scope, port: number, cached: CachedRoutes): readonly Scope[] {
  const key = cached.size === 0 ? undefined : cacheKey(scope, port);
  if (key === undefined) return [scope];
  const others = new Map(cached.get(key));
  others.delete(content(scope, port));
  return [scope, ...others.values()];
}

/**
 * What the cache tells routes apart by. Those that are for some workloads or namespaces are not in it, and those of a
 * listener of HTTP_PROXY the model does not know.
 */
function cacheKey(scope: Scope, number: number): string | undefined {
  const { port, services = [], routes = [] }: Partial<EgressListener> = egressListenerFor(scope, number) ?? {};
  if (port?.protocol === 'HTTP_PROXY') return undefined;
  const isForSome = ({ labels, namespace }: ProxyMatch) =>
    namespace !== undefined || Object.keys(labels ?? {}).length > 0;
  if (routes.some(({ http }) => http.some(({ matches }) => matches.some(({ proxies }) => isForSome(proxies)))))
    return undefined;
  const hosts = services.filter((one) => portOf(one, number)).map(({ namespace, host }) => `${namespace}/${host}`);
  return JSON.stringify([
    scope.allowsAny,
    [...new Set(hosts)].sort(),
    routes.map(({ object: { namespace, name } }) => `${namespace}/${name}`),
  ]);
}

/** What such routes have that the cache does not look at. */
function content(scope: Scope, number: number): string {
  const { host, port, subset } = scope.egressProxy ?? {};
  const services = [...servicesOnPort(egressListenerFor(scope, number), number).values()];
  return JSON.stringify([
    [host, port, subset],
    services.map(({ service, port: { protocol } }) => `${service.host} ${service.object.name} ${protocol}`).sort(),
  ]);
}
