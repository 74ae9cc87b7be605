import { istioObject } from './_examples';
import { Rule } from './rule';
import { isWildcard } from '../istio/hosts';
import { isHttp, portsOf } from '../istio/protocols';
import { isClosed } from '../manifests/entries';
import { describe, IstioObject } from '../manifests/indexed';
import { someNamespaceSeesBoth } from '../manifests/visibility';
import { Grouping } from '../values/grouping';

const example = (wildcard: string) => `
${istioObject('ServiceEntry', 'shop/partner')}
spec:
  hosts: [api.example.com]
  exportTo: ["."]
  resolution: STATIC
  ports: [{ number: 443, name: tls, protocol: TLS }]
---
${istioObject('ServiceEntry', 'shop/tenants')}
spec:
  hosts: [${wildcard}]
  exportTo: ["."]
  resolution: DYNAMIC_DNS
  ports: [{ number: 443, name: tls, protocol: TLS }]
`;

export const wildcardBesideHost: Rule = {
  code: 'wildcard-beside-host',
  severity: 'warning',
  title: 'A wildcard that covers a host with an egress path of its own',
  reason:
    "The host's own entry takes precedence over the wildcard, but only while it exists: if it is missing, late or " +
    'hidden, requests leave through the sidecar alone, like those for any other name in the domain, without the ' +
    'gateway or TLS origination.',
  cure: 'List the hosts instead of the wildcard, or declare one of the two for another namespace.',
  good: example('"*.example.org"'),
  bad: example('"*.example.com"'),
  *check(index) {
    // Envoy compares server names without regard to case.
    const wildcards = new Grouping<string, { host: string; entry: IstioObject<'ServiceEntry'> }>();
    for (const host of index.entriesByHost.keys())
      if (isWildcard(host))
        for (const entry of index.entriesByHost.get(host)) wildcards.add(host.toLowerCase(), { host, entry });
    for (const entry of wildcards.size > 0 ? index.ofKind('ServiceEntry') : []) {
      const why = needsItsOwn(entry);
      if (why === undefined) continue;
      for (const host of entry.spec.hosts ?? []) {
        if (isWildcard(host)) continue;
        for (const domain of domainsOf(host.toLowerCase())) {
          for (const { host: written, entry: wildcard } of wildcards.get(`*.${domain}`)) {
            if (isClosed(wildcard) || !someNamespaceSeesBoth(wildcard, entry)) continue;
            yield {
              field: `spec.hosts[${wildcard.spec.hosts!.indexOf(written)}]`,
              message: `${describe(wildcard)} covers ${host}, ${why} according to ${describe(entry)}.`,
              objects: [wildcard, entry],
            };
          }
        }
      }
    }
  },
};

/** What would no longer hold for the host if the wildcard replaced its entry. */
function needsItsOwn(entry: IstioObject<'ServiceEntry'>): string | undefined {
  if (isClosed(entry)) return 'which leaves only through a gateway,';
  if (portsOf(entry).some((port) => isHttp(port.protocol) && port.targetPort === 443))
    return 'whose plain HTTP leaves as TLS,';
  return undefined;
}

/** `a.b.example.com`: `b.example.com`, `example.com`, `com`. */
function domainsOf(host: string): string[] {
  const labels = host.split('.');
  return labels.slice(1).map((_label, index) => labels.slice(index + 1).join('.'));
}
