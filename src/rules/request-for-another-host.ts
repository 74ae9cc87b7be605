import { istioObject } from './_examples';
import { Rule } from './rule';
import { covers, isAuthority, isWildcard } from '../istio/hosts';
import { describe } from '../manifests/indexed';
import { hopField } from '../manifests/routes';
import type { HttpRoute, IstioSpecs } from '../manifests/specs';
import { isForExternalHost, tlsOfSubset } from '../manifests/tls';

const example = (http: string) => `
${istioObject('VirtualService', 'egress/a')}
spec:
  hosts: [a.internal]
  exportTo: ["."]
  gateways: [exit]
${http}
---
${istioObject('DestinationRule', 'egress/a')}
spec:
  host: api.example.com
  exportTo: ["."]
  trafficPolicy: { tls: { mode: SIMPLE, sni: api.example.com, subjectAltNames: [api.example.com] } }
`;

export const requestForAnotherHost: Rule = {
  code: 'request-for-another-host',
  severity: 'warning',
  title: 'A request for another host than the one whose certificate is verified',
  reason:
    'The `Host` header of a request is what the caller or the last `rewrite.authority` wrote; `sni` does not change ' +
    'it. A host that receives a name which is not its own answers 421 or 404, or for another of its sites.',
  cure: "Rewrite the authority to the host's name, the same as in sni, on the route that originates TLS.",
  good: example(`  http:
    - rewrite: { authority: api.example.com }
      route: [{ destination: { host: api.example.com, port: { number: 443 } } }]`),
  bad: example('  http: [{ route: [{ destination: { host: api.example.com, port: { number: 443 } } }] }]'),
  *check(index) {
    // With several rules it depends on the proxy which one it uses.
    const toOneRule = index.hops.filter(
      ({ section, port, host }) => section === 'http' && port !== undefined && index.rulesFor(host).length === 1,
    );
    for (const hop of toOneRule) {
      const rules = index.rulesFor(hop.host);
      const tls = tlsOfSubset(rules[0], hop.subset, hop.port!);
      if (!tls?.sni || !isForExternalHost(tls)) continue;
      const { sni } = tls;
      const route = hop.route as HttpRoute;
      if (route.rewrite?.authority === sni && !sni.includes(':')) continue; // as nearly always
      // A host that is declared may well be at a server that has another name.
      const asked = authorities(hop.virtualService.spec, route).find(
        (authority) =>
          authority !== sni &&
          ![sni, ...(tls.subjectAltNames ?? [])].some((name) => covers(name.toLowerCase(), authority)) &&
          index.entriesByHost.get(authority).length === 0,
      );
      if (asked === undefined) continue;
      yield {
        message:
          `${describe(hop.virtualService)} sends requests for ${asked} to ${hop.host}, where ${describe(rules[0])} ` +
          `asks for ${tls.sni} in TLS.`,
        field: hopField(hop),
        objects: [hop.virtualService, rules[0]],
      };
    }
  },
};

/** The hosts that requests on the route are for, as far as the manifests tell. */
function authorities({ hosts = [] }: IstioSpecs['VirtualService'], { rewrite, headers }: HttpRoute): string[] {
  const set = Object.entries(headers?.request?.set ?? {}).find(([name]) => isAuthority(name));
  const written = rewrite?.authority ?? set?.[1];
  return (written === undefined ? hosts : [written])
    .filter((name) => typeof name === 'string' && !isWildcard(name) && name.includes('.'))
    .map((name) => name.replace(/:\d+$/, '').toLowerCase());
}
