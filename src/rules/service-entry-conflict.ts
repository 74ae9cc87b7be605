import { called, canonical, Indexed, pairs, seenTogether, visibleIn } from './manifest-index';
import { Rule } from './rule';

export const serviceEntryConflict: Rule = {
  code: 'service-entry-conflict',
  title: 'ServiceEntries for one host that contradict each other',
  reason: 'Istio merges entries of one host and namespace only when resolution and exportTo are equal, shares their endpoints, and takes the younger target port; ' +
    'of entries in different namespaces a sidecar sees one, its own or the oldest (IST0177 and silent cases).',
  cure: 'Declare a host once for a namespace, with all its ports.',
  see: 'https://github.com/istio/istio/issues/51466',
  good: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["."], resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP }] }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: b, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["."], resolution: DNS, ports: [{ number: 443, name: tls, protocol: TLS }] }
`,
  bad: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["."], resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP }] }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: b, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["."], resolution: STATIC, ports: [{ number: 443, name: tls, protocol: TLS }] }
`,
  check(index) {
    return [...index.entriesByHost].filter(([, entries]) => entries.length > 1).flatMap(([host, entries]) =>
      pairs([...new Set(entries)]).flatMap(([a, b]) => {
        const why = a.namespace === b.namespace ? differentInOneNamespace(a, b) : differentAcross(a, b);
        return why ? [{ message: `${called(a)} and ${called(b)} both declare ${host}, ${why}.`, objects: [a, b] }] : [];
      }));
  },
};

function differentInOneNamespace(a: Indexed, b: Indexed): string | undefined {
  if ((a.spec.resolution ?? 'NONE') !== (b.spec.resolution ?? 'NONE')) return `with resolution ${a.spec.resolution ?? 'NONE'} and ${b.spec.resolution ?? 'NONE'}: the later is ignored`;
  if (canonical(visibleIn(a).sort()) !== canonical(visibleIn(b).sort())) return 'with different exportTo: their ports are not merged';
  const port = differentPort(a, b);
  if (port) return port;
  if (canonical(a.spec.endpoints ?? []) !== canonical(b.spec.endpoints ?? [])) return 'with different endpoints: each gets the other\'s too';
  return undefined;
}

/** An entry that only its own namespace sees hides the others there, on purpose. */
function differentAcross(a: Indexed, b: Indexed): string | undefined {
  const isPrivate = (entry: Indexed) => visibleIn(entry).every(namespace => namespace === entry.namespace);
  if (isPrivate(a) || isPrivate(b) || !seenTogether(a, b)) return undefined;
  if ((a.spec.resolution ?? 'NONE') !== (b.spec.resolution ?? 'NONE')) return 'with different resolutions, for namespaces that see both: the oldest counts';
  return differentPort(a, b);
}

function differentPort(a: Indexed, b: Indexed): string | undefined {
  const others = new Map<number, any>((b.spec.ports ?? []).map((port: any) => [port.number, port]));
  for (const port of a.spec.ports ?? []) {
    const other = others.get(port.number);
    if (!other) continue;
    if (String(port.protocol).toUpperCase() !== String(other.protocol).toUpperCase()) return `with port ${port.number} as ${port.protocol} and as ${other.protocol}`;
    if ((port.targetPort ?? port.number) !== (other.targetPort ?? other.number)) return `with port ${port.number} leading to ${port.targetPort ?? port.number} and to ${other.targetPort ?? other.number}: the younger counts for both`;
  }
  return undefined;
}
