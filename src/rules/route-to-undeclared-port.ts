import { Rule } from './rule';
import { covers, isWildcard } from '../istio/hosts';
import { portsOf } from '../istio/protocols';
import { describe, describeAll, joinWords, ordered } from '../manifests/indexed';
import { hopField } from '../manifests/routes';
import { valueIn } from '../values/grouping';

const example = (number: number) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a, namespace: shop }
spec:
  hosts: [api.example.com]
  exportTo: ["."]
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a, namespace: shop }
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
    'connection. It is a warning where no entry for the host is in the namespace of the route.',
  cure: 'Add the port to the ServiceEntry, with the protocol that the host speaks there, or route to one that it has.',
  see: 'https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination',
  good: example(80),
  bad: example(8080),
  *check(index) {
    const wildcards = index
      .ofKind('ServiceEntry')
      .flatMap(({ spec }) => (spec.hosts ?? []).filter((host) => isWildcard(host)));
    const ports = new Map<string, ReadonlySet<number>>();
    const reported = new Set<string>();
    for (const hop of index.hops) {
      const { host, port, virtualService } = hop;
      if (port === undefined) continue;
      const entries = index.entriesByHost.get(host);
      // If the manifests have no entry at all, another repository may have it.
      if (entries.length === 0) continue;
      const declared = valueIn(
        ports,
        host,
        () => new Set(entries.flatMap((entry) => portsOf(entry).map(({ number }) => number))),
      );
      if (declared.has(port) || declared.size === 0 || wildcards.some((wildcard) => covers(wildcard, host))) continue;
      const all = ordered(entries);
      const message =
        `${describe(virtualService)} routes to port ${port} of ${host}, and all ports in ${describeAll(all)} are ` +
        `${joinWords([...declared].sort((a, b) => a - b).map(String))}.`;
      // Entries of the route's own namespace come before those of others, of which some may not be among the manifests.
      const isOwn = all.some(({ namespace }) => namespace === virtualService.namespace);
      const severity = isOwn ? 'error' : 'warning';
      if (!reported.has(message)) yield { message, field: hopField(hop), objects: [virtualService, ...all], severity };
      reported.add(message);
    }
  },
};
