import { exampleEntry, HTTP_PORT, istioObject, TLS_PORT } from './_examples';
import { Rule } from './rule';
import { isHttp, isTls, portsOf } from '../istio/protocols';
import { isClosed, isExternal } from '../manifests/entries';
import { describe, describeAll, IstioObject, ordered } from '../manifests/indexed';
import { followers, Hop, hopField } from '../manifests/routes';
import { definesSubset } from '../manifests/subsets';
import { originatesOn } from '../manifests/tls';
import { describeNamespaces, isSeenFrom } from '../manifests/visibility';

const example = (route: string) => `
${exampleEntry(HTTP_PORT, TLS_PORT)}
---
${istioObject('VirtualService', 'shop/a')}
spec:
  hosts: [api.example.com]
  exportTo: ["."]
${route}
`;

export const httpRouteToTlsPort: Rule = {
  code: 'http-route-to-tls-port',
  severity: 'error',
  title: 'An HTTP route to a TLS port of an external host, without TLS origination',
  reason:
    'What an `http` route forwards is plain HTTP. Unless a DestinationRule originates TLS on the port, it leaves in ' +
    'clear text, headers included, and the host answers 400 or closes the connection. It is a warning where no HTTP ' +
    'port of the host is declared (its https:// is not affected), and where TLS is originated, but not for the ' +
    "namespaces of the gateway's pods: it may have others, which are not among the manifests.",
  cure: "Add a DestinationRule for the host with TLS settings for the port, in the namespace of the route's proxies.",
  see: 'https://istio.io/latest/docs/tasks/traffic-management/egress/egress-gateway-tls-origination/',
  good: example(`  http: [{ route: [{ destination: { host: api.example.com, subset: tls, port: { number: 443 } } }] }]
---
${istioObject('DestinationRule', 'shop/a')}
spec:
  host: api.example.com
  exportTo: ["."]
  subsets: [{ name: tls, trafficPolicy: { tls: { mode: SIMPLE, sni: api.example.com, subjectAltNames: [api.example.com] } } }]`),
  bad: example('  http: [{ route: [{ destination: { host: api.example.com, port: { number: 443 } } }] }]'),
  *check(index) {
    const toPorts = index.declaredHops.filter(({ hop }) => hop.section === 'http' && hop.port !== undefined);
    for (const { hop, entries } of toPorts) {
      const { host, subset, virtualService } = hop;
      const number = hop.port!;
      const declaring = entries.filter(
        (entry) =>
          isExternal(entry) &&
          portsOf(entry).some((declared) => declared.number === number && isTls(declared.protocol)),
      );
      if (declaring.every(isClosed) || declaring.length < entries.length) continue;
      const originating = index.rulesFor(host).filter((rule) => originatesOn(rule, number));
      const places = originating.length > 0 ? index.gatewayHops.placesOf(hop) : undefined;
      if (originating.some((rule) => !places || places.some((place) => isSeenFrom(rule, place)))) continue;
      const rules = index.rulesFor(host);
      // Nothing is sent to a subset that is missing, and the rule that defines it may be in another repository.
      if (subset !== undefined && !rules.some((rule) => definesSubset(rule, subset))) continue;
      const all = ordered(declaring);
      const unseen = ordered(originating);
      yield {
        message:
          `${describe(virtualService)} forwards HTTP in clear text to port ${number} of ${host}, a TLS port ` +
          `according to ${describeAll(all)}, and ` +
          (unseen.length === 0
            ? 'no DestinationRule originates TLS there.'
            : `what originates TLS there is not exported to ${describeNamespaces([...new Set(places)])}, where the gateway's pods are: ${describeAll(unseen)}.`),
        field: hopField(hop),
        objects: [virtualService, ...all, ...unseen],
        severity: unseen.length === 0 && reaches(hop, entries) ? 'error' : 'warning',
      };
    }
  },
};

/** Whether requests are meant to take the route: it is a gateway's, or the host has a port for HTTP. */
function reaches({ virtualService, route }: Hop, entries: readonly IstioObject<'ServiceEntry'>[]): boolean {
  return (
    followers(virtualService, route).gateways.length > 0 ||
    entries.some((entry) => portsOf(entry).some(({ protocol }) => isHttp(protocol)))
  );
}
