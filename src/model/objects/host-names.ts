import { ModelRequest } from '../requests/request';
import { urlOf } from '../../access/request-url';
import { isWildcard } from '../../istio/hosts';

/** Whether some host matches both names, each of which may be a wildcard. */
export function hostsOverlap(a: string, b: string): boolean {
  if (isWildcard(a)) {
    if (isWildcard(b)) return a.length < b.length ? b.slice(1).endsWith(a.slice(1)) : a.slice(1).endsWith(b.slice(1));
    return b.endsWith(a.slice(1));
  }
  return isWildcard(b) ? a.endsWith(b.slice(1)) : a === b;
}

/** The value of the most specific pattern that matches: the name itself, else the longest wildcard. */
export function mostSpecific<V>(
  name: string,
  exact: ReadonlyMap<string, V>,
  wildcards: ReadonlyMap<string, V>,
): V | undefined {
  const own = (isWildcard(name) ? wildcards : exact).get(name);
  if (own !== undefined) return own;
  if (wildcards.size === 0) return undefined;
  const needle = isWildcard(name) ? name.slice(1) : name;
  let best: string | undefined;
  for (const pattern of wildcards.keys()) {
    if (needle.endsWith(pattern.slice(1)) && (best === undefined || pattern.length > best.length)) best = pattern;
  }
  return best === undefined ? undefined : wildcards.get(best);
}

/** The name in an authority, whose port may be empty. */
export function withoutPort(authority: string): string {
  return authority.replace(/:\d*$/, '');
}

/** The names by which a proxy may route a request, in lower case and without a dot at the end. */
export function namesOfRequest({ url, headers = {} }: ModelRequest, { hostname } = urlOf(url)): string[] {
  const given = Object.entries(headers).filter(([name]) => name.toLowerCase() === 'host');
  const names = [hostname, ...given.map(([, authority]) => withoutPort(authority.trim()).toLowerCase())];
  return names.map((name) => name.replace(/\.$/, ''));
}
