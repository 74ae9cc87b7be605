/** The domain of Kubernetes Services, unless istiod and the cluster are told another one. */
export const DEFAULT_CLUSTER_DOMAIN = 'cluster.local';

/** The full name of a Kubernetes Service, which is also its host in Istio. */
export function serviceHost(name: string, namespace: string, clusterDomain = DEFAULT_CLUSTER_DOMAIN): string {
  return `${name}.${namespace}.svc.${clusterDomain}`;
}

/** The Service that a full name stands for, if it is one of this domain. */
export function serviceOfHost(
  host: string,
  clusterDomain = DEFAULT_CLUSTER_DOMAIN,
): { readonly name: string; readonly namespace: string } | undefined {
  const domain = `.svc.${clusterDomain}`;
  if (!host.endsWith(domain)) return undefined;
  const [name, namespace, more] = host.slice(0, -domain.length).split('.');
  return name && namespace && more === undefined ? { name, namespace } : undefined;
}

/** The domain of a name that looks like a Service's: what follows `<name>.<namespace>.svc.` */
export function domainOfServiceHost(host: string): string | undefined {
  return /^[^.*]+\.[^.]+\.svc\.(.+)$/.exec(host)?.[1];
}

/**
 * The full names that a pod's resolver tries for a name: `name` and `name.namespace` are completed with the search
 * domains that Kubernetes writes into every pod.
 */
export function resolvedServiceHosts(
  name: string,
  namespace: string,
  clusterDomain = DEFAULT_CLUSTER_DOMAIN,
): string[] {
  const parts = name.split('.');
  if (parts.length === 1) return [serviceHost(name, namespace, clusterDomain)];
  if (parts.length === 2 || (parts.length === 3 && parts[2] === 'svc')) {
    return [serviceHost(parts[0], parts[1], clusterDomain)];
  }
  return [];
}
