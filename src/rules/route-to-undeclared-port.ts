import { exampleEntry, HTTP_PORT, istioObject } from './_examples';
import { Rule } from './rule';
import { covers, isWildcard } from '../istio/hosts';
import { portsOf } from '../istio/protocols';
import { serviceOfHost } from '../istio/service-names';
import { describe, describeAll, joinWords, ordered } from '../manifests/indexed';
import { followers, hopField } from '../manifests/routes';
import { isSeenFrom } from '../manifests/visibility';

const example = (number: number) => `
${exampleEntry(HTTP_PORT)}
---
${istioObject('VirtualService', 'shop/a')}
spec:
  hosts: [api.example.com]
  exportTo: ["."]
  http: [{ timeout: 5s, route: [{ destination: { host: api.example.com, port: { number: ${number} } } }] }]
`;

export const routeToUndeclaredPort: Rule = {
  code: 'route-to-undeclared-port',
  severity: 'error',
  title: 'A route to a port that no ServiceEntry declares for the host',
  reason:
    'A proxy has a cluster for each declared port of a host, and none for others: the request ends with 503, or a closed ' +
    'connection. It is a warning where an entry elsewhere may have the port: at gateways, and where the namespace of the ' +
    'route has no entry of its own for the host.',
  cure: 'Add the port to the ServiceEntry, with the protocol that the host speaks there, or route to one that it has.',
  see: 'https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination',
  good: example(80),
  bad: example(8080),
  *check(index) {
    const undeclared = index.declaredHops.filter(
      ({ hop: { port }, entries }) =>
        port !== undefined && !entries.some((entry) => portsOf(entry).some(({ number }) => number === port)),
    );
    if (undeclared.length === 0) return;
    const wildcards = [...index.entriesByHost.keys()].filter(isWildcard);
    const reported = new Set<string>();
    for (const { hop, entries } of undeclared) {
      const { host, port, virtualService, route, destination } = hop;
      // A Kubernetes Service of this name has ports of its own.
      if (serviceOfHost(host, index.clusterDomain)) continue;
      // Requests are answered without their copies.
      if (!route.route?.some((one) => one.destination === destination)) continue;
      const declared = new Set(entries.flatMap((entry) => portsOf(entry).map(({ number }) => number)));
      if (declared.size === 0 || wildcards.some((wildcard) => covers(wildcard, host))) continue;
      const all = ordered(entries);
      const message =
        `${describe(virtualService)} routes to port ${port} of ${host}, and all ports in ${describeAll(all)} are ` +
        `${joinWords([...declared].sort((a, b) => a - b).map(String))}.`;
      // To sidecars, entries of their own namespace come before those of others, of which some may not be among the
      // manifests. Gateways have the ports of all entries that they see.
      const { namespace } = virtualService;
      const isOwn =
        followers(virtualService, route).sidecars &&
        all.some((one) => one.namespace === namespace && isSeenFrom(one, namespace));
      const severity = isOwn ? 'error' : 'warning';
      const said = `${severity} ${message}`;
      if (!reported.has(said)) yield { message, field: hopField(hop), objects: [virtualService, ...all], severity };
      reported.add(said);
    }
  },
};
