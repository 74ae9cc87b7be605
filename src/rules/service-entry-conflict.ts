import { Rule, Violation } from './rule';
import { portsOf, canonicalProtocol } from '../istio/protocols';
import { groupBy } from '../manifests/grouping';
import { describeAll, canonical, compare, Indexed, ordered } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import {
  EVERYWHERE,
  isPrivateToNamespace,
  isPublic,
  isSeenFrom,
  someNamespaceSeesBoth,
  describeNamespaces,
  visibleIn,
} from '../manifests/visibility';

export const serviceEntryConflict: Rule = {
  code: 'service-entry-conflict',
  title: 'ServiceEntries for one host that contradict each other',
  reason:
    "Within a namespace Istio merges the ports of a host's entries only when resolution, exportTo and labels " +
    'are equal, and shares endpoints and target ports among all of them; ' +
    'of entries in different namespaces a sidecar sees one, its own or the oldest (IST0177 and silent cases).',
  cure: 'Declare a host once for a namespace, with all its ports, and export it no further than needed.',
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
  *check(index) {
    for (const [host, entries] of index.entriesByHost.several) {
      for (const local of groupBy(new Set(entries), (entry) => entry.namespace).several.values())
        yield* inOneNamespace(host, ordered(local));
      yield* acrossNamespaces(index, host, entries);
    }
  },
};

function* inOneNamespace(host: string, entries: Indexed[]): Iterable<Violation> {
  const why = endpointDifference(entries) ?? inPairs(entries, portDifference) ?? inPairs(entries, unmerged);
  if (why) yield { message: `${describeAll(entries)} declare ${host} in one namespace, ${why}.`, objects: entries };
}

/** Endpoints belong to host and namespace, so all entries get them, also those that nobody sees together. */
function endpointDifference(entries: Indexed[]): string | undefined {
  const resolutions = [...new Set(entries.map(resolutionOf))].sort(compare);
  if (resolutions.length > 1)
    return `with resolution ${resolutions.join(' and ')}: one is ignored, and they share their endpoints`;
  return new Set(entries.map(({ spec }) => canonical(spec.endpoints ?? []))).size > 1
    ? 'with different endpoints: each gets those of the others too'
    : undefined;
}

function portDifference(a: Indexed, b: Indexed): string | undefined {
  for (const port of portsOf(a)) {
    const other = portsOf(b).find(({ number }) => number === port.number);
    if (!other) continue;
    if (canonicalProtocol(port.protocol) !== canonicalProtocol(other.protocol)) {
      return (
        `with port ${port.number} as ` +
        `${[port.protocol ?? 'no protocol', other.protocol ?? 'no protocol'].sort(compare).join(' and as ')}`
      );
    }
    const targets = [port.targetPort ?? port.number, other.targetPort ?? other.number].sort((x, y) => x - y);
    if (targets[0] !== targets[1])
      return `with port ${port.number} leading to ${targets.join(' and to ')}: one counts for both`;
  }
  return undefined;
}

/** Entries that a namespace sees, of which it gets the ports of one only. */
function unmerged(a: Indexed, b: Indexed): string | undefined {
  if (!someNamespaceSeesBoth(a, b) || portKey(a) === portKey(b)) return undefined;
  const seen = [a, b].map((entry) => visibleIn(entry).sort(compare).join());
  if (seen[0] !== seen[1])
    return 'with different ports and exportTo: where both are seen, the ports of one are missing';
  // Tools add labels on the way to the cluster; only where both entries have some, is a difference certain.
  const labels = [a, b]
    .map(({ manifest }) => manifest.metadata.labels)
    .filter((known) => known !== undefined && Object.keys(known).length > 0);
  return labels.length === 2 && canonical(labels[0]) !== canonical(labels[1])
    ? 'with different ports and metadata.labels: the ports of one are missing'
    : undefined;
}

/**
 * What each namespace makes of entries of several namespaces. Its own hides the others, on purpose as a rule; only what
 * was exported to it by name, or what everyone sees, is missed.
 */
function* acrossNamespaces(index: ManifestIndex, host: string, entries: readonly Indexed[]): Iterable<Violation> {
  if (entries.every(isPrivateToNamespace)) return;
  const everywhere = entries.filter(isPublic);
  const places = new Set(entries.flatMap(visibleIn));
  const found = new Map<string, { all: Indexed[]; places: string[]; outcome: string; who: string }>();
  for (const place of places) {
    const seen = place === EVERYWHERE ? everywhere : entries.filter((entry) => isSeenFrom(entry, place));
    const own = seen.filter((entry) => entry.namespace === place);
    // A gateway has no home: it takes the oldest entry that it sees.
    const isGateway = place !== EVERYWHERE && index.isRoutedAtGateway(host, place);
    const hasOwn = own.length > 0 && !isGateway;
    const counted = hasOwn ? [...own, ...seen.filter((entry) => entry.namespace !== place && !isPublic(entry))] : seen;
    if (new Set(counted.map((entry) => entry.namespace)).size < 2) continue;
    if (hasOwn ? !hidesPorts(own, counted) : new Set(counted.map(shapeOf)).size < 2) continue;
    const all = ordered(counted);
    const outcome = hasOwn
      ? "its own entry counts there, and the other's ports are missing"
      : 'the oldest counts there';
    const who = isGateway ? 'the gateways of ' : '';
    const key = [outcome, who, ...all.map(({ origin }) => origin)].join(' ');
    const known = found.get(key);
    if (known) known.places.push(place);
    else found.set(key, { all, places: [place], outcome, who });
  }
  for (const { all, places: where, outcome, who } of found.values()) {
    yield {
      message:
        `${describeAll(all)} declare ${host} differently for ${who}${describeNamespaces(where.sort(compare))}: ` +
        `${outcome}.`,
      objects: all,
    };
  }
}

function hidesPorts(own: Indexed[], all: Indexed[]): boolean {
  const known = new Set(own.flatMap((entry) => portsOf(entry).map(({ number }) => number)));
  return all.some((entry) => !own.includes(entry) && portsOf(entry).some(({ number }) => !known.has(number)));
}

function shapeOf(entry: Indexed): string {
  const addresses = [...(entry.spec.addresses ?? [])].sort(compare);
  return canonical([resolutionOf(entry), portKey(entry), entry.spec.endpoints ?? [], addresses]);
}

function portKey(entry: Indexed): string {
  const ports = [...portsOf(entry)].sort((a, b) => a.number - b.number);
  return canonical(
    ports.map(({ number, protocol, targetPort }) => [number, canonicalProtocol(protocol), targetPort ?? number]),
  );
}

function resolutionOf(entry: Indexed): string {
  return entry.spec.resolution ?? 'NONE';
}

function inPairs(entries: Indexed[], find: (a: Indexed, b: Indexed) => string | undefined): string | undefined {
  for (const [position, a] of entries.entries()) {
    for (const b of entries.slice(position + 1)) {
      const found = find(a, b);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
