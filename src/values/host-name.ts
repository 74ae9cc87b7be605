import { isIP } from 'net';
import { domainToASCII } from 'url';
import { internalMeaning } from './internal-host';
import { sharedDomain } from './shared-suffixes';
import { shown } from './shown';

/** The domain of the private names for the hop between sidecar and gateway. No external host may be in it. */
export const HOP_DOMAIN = 'egress.internal';

/**
 * The domain of those private names whose server leaves the check of the caller to a policy. It is separate from the
 * other, which a locked gateway lets in.
 */
export const CHECKED_HOP_DOMAIN = 'egress-checked.internal';

/** What a host may be. */
export interface HostNameOptions {
  /** The props under which the construct takes the addresses of a host. */
  readonly addressProps?: string;
  /** Whether it may name something inside the cluster or the machine. */
  readonly internal?: boolean;
  /** The domain of Kubernetes Services, where it is known. */
  readonly clusterDomain?: string;
}

/** Names as nearly all are written: nothing is wrong with their form. */
const USUAL = /^(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/;

/**
 * Refuses everything but the plain, fully qualified, lower-case name of one external host, and returns the name.
 *
 * Envoy matches names without regard to case, port or trailing dot in the `Host` header (measured), so there is one
 * way to write a name.
 */
export function assertHostName(host: string, options: HostNameOptions = {}): string {
  if (typeof host !== 'string' || !USUAL.test(host) || host.length > 253) assertForm(host, options);
  const name = host.toLowerCase();
  for (const domain of [HOP_DOMAIN, CHECKED_HOP_DOMAIN]) {
    if (name === domain || name.endsWith(`.${domain}`))
      refuse(host, `is in ${domain}, which is reserved for the hop between sidecar and gateway; name an external host`);
  }
  const inside = options.internal ? undefined : internalMeaning(name, options.clusterDomain);
  if (inside !== undefined) refuse(host, `${inside}; ${INTERNAL_CURE}`);
  if (host !== name)
    refuse(host, `has upper-case letters; write "${name}", which also matches what applications send in upper case`);
  return host;
}

function refuse(host: string, why: string): never {
  throw new Error(`"${host}" ${why}`);
}

/** Refuses what is not the fully qualified name of one host, in either case. */
function assertForm(host: string, options: HostNameOptions): void {
  if (typeof host !== 'string' || host === '')
    throw new Error(`${shown(host)} is not a valid host name; write one such as "api.example.com"`);
  const instead = (name: string): string => assertHostName(name, options); // A suggestion must itself be accepted.
  if (host !== host.trim()) refuse(host, `has blanks around it; write "${instead(host.trim())}"`);
  if (host.includes('://'))
    refuse(host, `is a URL; write only its host, "${instead(hostOfUrl(host))}", and the port under \`ports\``);
  if (isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0) {
    const { addressProps = '`addresses` or `endpoints`' } = options;
    refuse(
      host,
      `is an IP address, not a host name; name the host and give the address under ${addressProps}, or let named ` +
        'workloads bypass the sidecar with DirectEgress',
    );
  }
  if (/[,;]/.test(host))
    refuse(
      host,
      `contains several hosts; write each one separately: ${host
        .split(/[\s,;]+/)
        .filter(Boolean)
        .map((name) => JSON.stringify(name))
        .join(', ')}`,
    );
  if (host.includes('*')) {
    refuse(host, 'is a wildcard; name every host. Only the hosts of a SidecarEgress may be wildcards');
  }
  if (/:\d+$/.test(host))
    refuse(host, `contains a port; write "${instead(host.replace(/:\d+$/, ''))}" and give the port under \`ports\``);
  if (host.includes('/')) refuse(host, 'contains a path; write only the host name');
  if (host.endsWith('.')) refuse(host, `ends with a dot; write "${instead(host.replace(/\.+$/, ''))}"`);
  // eslint-disable-next-line no-control-regex
  if (/[^\x00-\x7f]/.test(host))
    refuse(
      host,
      `is internationalised; write its ASCII form, as in certificates and DNS: "${domainToASCII(host) || 'xn--…'}"`,
    );
  if (/\s/.test(host)) refuse(host, 'contains a blank; write only the host name');
  if (host.length > 253) refuse(host, `is ${host.length} characters long; write a DNS name of at most 253`);
  const labels = host.toLowerCase().split('.');
  for (const label of labels) {
    if (label.length > 63)
      refuse(host, `has a label of ${label.length} characters ("${label.slice(0, 20)}…"); write labels of at most 63`);
    if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(label)) {
      refuse(
        host,
        `is not a DNS name: "${label}" is not a label of letters, digits and "-" that begins and ends with a letter ` +
          'or digit; write the name that DNS knows',
      );
    }
  }
  if (labels.length < 2)
    refuse(host, 'is a short name, to which Kubernetes would add its own domains; write the fully qualified name');
  if (/^\d+$/.test(labels[labels.length - 1]))
    refuse(host, 'ends with a number, so it is not a DNS name but perhaps a mistyped IP address; write the host name');
}

/** What to do about a host that names something inside. */
export const INTERNAL_CURE = 'leave it out, or add `unsafeInternalHosts: true` if it really is the host that you mean';

/** Whether a host is a wildcard, which stands for all names below a domain. */
export function isWildcardHost(host: string): boolean {
  return host.startsWith('*.');
}

/**
 * Refuses everything but the name of one host, or `*.` and a domain; and domains below which anyone can register a
 * name.
 *
 * @param shared whether such shared domains are allowed
 */
export function assertHostPattern(host: string, shared: boolean, internal: boolean): string {
  if (typeof host !== 'string' || !host.includes('*')) return assertHostName(host, { internal });
  const domain = host.slice(2);
  if (!isWildcardHost(host) || domain.includes('*')) {
    throw new Error(
      `"${host}" is not a wildcard that Istio resolves; write "*." and a domain, such as "*.example.com", which ` +
        'stands for all names below the domain, but not for the domain itself',
    );
  }
  if (!domain.includes('.'))
    throw new Error(
      `"${host}" is a whole top-level domain; write the domain of the partner, such as "*.partner.${domain || 'com'}"`,
    );
  assertHostName(domain, { internal: true });
  const inside = internal ? undefined : internalMeaning(host);
  if (inside !== undefined) throw new Error(`"${host}" ${inside}; ${INTERNAL_CURE}`);
  const party = sharedDomain(domain);
  if (party !== undefined && !shared) {
    throw new Error(
      `"${host}" covers names that anyone can register ` +
        `(${party === domain ? `below ${domain}` : `for example below ${party}`}), so data could leave for a ` +
        'host of an attacker; name the hosts one by one, or add `unsafeSharedDomains: true`',
    );
  }
  return host;
}

function hostOfUrl(url: string): string {
  return url.replace(/^.*:\/\//, '').replace(/[:/?#].*$/, '');
}
