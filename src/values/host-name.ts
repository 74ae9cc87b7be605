import { isIP } from 'net';
import { domainToASCII } from 'url';
import { sharedDomain } from './shared-suffixes';

/** Names of the hop between sidecar and gateway end so; no external host may. */
export const HOP_DOMAIN = 'egress.internal';

/**
 * So end those whose server leaves it to a policy who may call. They lie outside the other domain, which a gateway that
 * is locked down lets in.
 */
export const CHECKED_HOP_DOMAIN = 'egress-checked.internal';

/**
 * Refuses everything that is not the plain, fully qualified, lower-case name of one external host, and returns the name.
 *
 * Envoy compares names with what applications send, in lower case and without a trailing dot (measured: `Host`
 * with a port, in upper case, or with a trailing dot still finds its route), so there is one way to write a name.
 *
 * @param addressProps where the construct takes the addresses of a host
 */
export function assertHostName(host: string, addressProps = '`addresses` or `endpoints`'): string {
  if (typeof host !== 'string' || host === '')
    throw new Error(`${JSON.stringify(host)} is no host name: write one, such as "api.example.com"`);
  const refuse = (why: string): never => {
    throw new Error(`"${host}" ${why}`);
  };
  const instead = (name: string): string => assertHostName(name, addressProps); // whatever an error suggests would be taken
  if (host !== host.trim()) refuse(`has blanks around it: write "${instead(host.trim())}"`);
  if (host.includes('://'))
    refuse(`is a URL: write only its host, "${instead(hostOfUrl(host))}", and the port under \`ports\``);
  if (isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0) {
    refuse(
      'is an IP address, not a host name: name the host and give the address under ' +
        addressProps +
        ', or let named workloads past the sidecar with DirectEgress',
    );
  }
  if (/[,;]/.test(host))
    refuse(
      `names several hosts in one text: write each by itself: ${host
        .split(/[\s,;]+/)
        .filter(Boolean)
        .map((name) => JSON.stringify(name))
        .join(', ')}`,
    );
  if (host.includes('*')) {
    refuse('is a wildcard: name every host. Wildcards are for the hosts of a SidecarEgress');
  }
  if (/:\d+$/.test(host))
    refuse(`carries a port: write "${instead(host.replace(/:\d+$/, ''))}" and give the port under \`ports\``);
  if (host.includes('/')) refuse('carries a path: write only the host name');
  if (host.endsWith('.'))
    refuse(
      `ends with a dot: write "${instead(host.replace(/\.+$/, ''))}"; applications that send the dot are served as well`,
    );
  // eslint-disable-next-line no-control-regex
  if (/[^\x00-\x7f]/.test(host))
    refuse(
      'is internationalised: ' +
        `${domainToASCII(host) ? `certificates and DNS know it as "${domainToASCII(host)}"; write that` : 'write its ASCII form, "xn--…"'}`,
    );
  if (/\s/.test(host)) refuse('has a blank inside: write the host name alone');
  if (host.length > 253) refuse(`is ${host.length} characters long; DNS names have at most 253`);
  const name = host.toLowerCase();
  const labels = name.split('.');
  for (const label of labels) {
    if (label.length > 63)
      refuse(`has a label of ${label.length} characters ("${label.slice(0, 20)}…"); DNS labels have at most 63`);
    if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(label)) {
      refuse(
        `is no DNS name: "${label}" is not a label of letters, digits and "-", beginning and ending with a ` +
          'letter or digit',
      );
    }
  }
  if (labels.length < 2)
    refuse('is a short name, which Kubernetes would complete with its own domains: write the fully qualified name');
  if (/^\d+$/.test(labels[labels.length - 1]))
    refuse('ends with a number, so it cannot be a DNS name: is it a mistyped IP address?');
  if (labels[2] === 'svc') refuse('is the name of a Kubernetes Service: calls inside the mesh need no egress');
  for (const domain of [HOP_DOMAIN, CHECKED_HOP_DOMAIN]) {
    if (name === domain || name.endsWith(`.${domain}`))
      refuse(`lies in ${domain}, which names the hop between sidecar and gateway`);
  }
  if (host !== name) refuse(`has upper-case letters: write "${name}"; applications may send either`);
  return host;
}

/** Whether a name stands for every name below a domain. */
export function isWildcardHost(host: string): boolean {
  return host.startsWith('*.');
}

/**
 * Refuses what is neither the name of one host nor `*.` and a domain, and domains below which anybody can get a name.
 *
 * @param shared whether domains that many parties share are allowed
 */
export function assertHostPattern(host: string, shared: boolean): string {
  if (typeof host !== 'string' || !host.includes('*')) return assertHostName(host);
  const domain = host.slice(2);
  if (!isWildcardHost(host) || domain.includes('*')) {
    throw new Error(
      `"${host}" is no wildcard that Istio resolves: "*." and a domain, such as "*.example.com"; it stands for ` +
        'every name below the domain, not for the domain itself',
    );
  }
  if (!domain.includes('.'))
    throw new Error(
      `"${host}" is a whole top-level domain: name the domain of the partner, such as "*.partner.${domain || 'com'}"`,
    );
  assertHostName(domain);
  const party = sharedDomain(domain);
  if (party !== undefined && !shared) {
    throw new Error(
      `"${host}" covers names that anybody can rent ` +
        `(${party === domain ? `below ${domain}` : `"${party}" among them`}), so it would let data out to ` +
        'whoever does: ' +
        'name the hosts one by one, or say `unsafeSharedDomains: true`',
    );
  }
  return host;
}

function hostOfUrl(url: string): string {
  return url.replace(/^.*:\/\//, '').replace(/[:/?#].*$/, '');
}
