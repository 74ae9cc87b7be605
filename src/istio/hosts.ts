import { serviceHost } from './service-names';

/** Where a name is written, which decides what a short name means. */
export interface NamePlace {
  readonly namespace: string;
  /** @default "cluster.local" */
  readonly clusterDomain?: string;
}

/** Istio completes a name without dots with the object's namespace, and takes all other names as they are. */
export function fullHost(host: string, { namespace, clusterDomain }: NamePlace): string {
  return host.includes('.') || isWildcard(host) ? host : serviceHost(host, namespace, clusterDomain);
}

export function isWildcard(host: string): boolean {
  return host.startsWith('*');
}

/** Whether the `*` stands for a part of the first label only, as in `*pi.example.com`. */
export function isPartialWildcard(host: string): boolean {
  return /^\*[^.]/.test(host);
}

/** Whether a header is the one that says which host a request is for. */
export function isAuthority(header: string): boolean {
  return /^(host|:authority)$/i.test(header);
}

/** Whether the pattern matches every name that the host matches: `*.example.com` covers `api.example.com`. */
export function covers(pattern: string, host: string): boolean {
  return pattern === host || (isWildcard(pattern) && host.endsWith(pattern.slice(1)));
}

/** The label by which a ServiceEntry, as "false" in any case, keeps istiod from giving its hosts addresses. */
export const ALLOCATE_ADDRESSES = 'networking.istio.io/enable-autoallocate-ip';
