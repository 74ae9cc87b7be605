/** Istio completes a name without dots with the object's namespace, and takes all other names as they are. */
export function fullHost(host: string, namespace: string): string {
  return host.includes('.') || host.startsWith('*') ? host : `${host}.${namespace}.svc.cluster.local`;
}

export function isWildcard(host: string): boolean {
  return host.startsWith('*');
}

/** Whether the pattern matches every name that the host matches: `*.example.com` covers `api.example.com`. */
export function covers(pattern: string, host: string): boolean {
  return pattern === host || (isWildcard(pattern) && host.endsWith(pattern.slice(1)));
}
