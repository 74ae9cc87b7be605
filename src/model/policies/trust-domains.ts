/**
 * A principal of a policy, as istiod writes it for the mesh's trust domain and its aliases: where a principal has all
 * five parts and its trust domain is one of them, or `cluster.local`, it stands for each of them.
 */
export function inTrustDomains(principal: string, domains: readonly string[]): readonly string[] {
  const parts = principal.split('/');
  const [given] = parts;
  if (parts.length !== 5 || given === '*') return [principal];
  if (given !== 'cluster.local' && !domains.some((domain) => isAlike(given, domain))) return [principal];
  const rest = parts.slice(1).join('/');
  return domains.map((domain) =>
    given.startsWith('*') && domain.endsWith(given.slice(1)) ? principal : `${domain}/${rest}`,
  );
}

/** Trust domains of a policy: one of the mesh's stands for all of them. */
export function withAliases(given: readonly string[], domains: readonly string[]): readonly string[] {
  return given.flatMap((one) => (domains.includes(one) ? domains : [one]));
}

function isAlike(given: string, domain: string): boolean {
  if (given === domain) return true;
  if (given.startsWith('*')) return domain.endsWith(given.slice(1));
  return given.endsWith('*') && domain.startsWith(given.slice(0, -1));
}
