import { exampleEntry, HTTP_PORT, istioObject } from './_examples';
import { Rule, Violation } from './rule';
import { canonicalProtocol, isTls, portsOf } from '../istio/protocols';
import { serviceHost } from '../istio/service-names';
import { groupBy } from '../values/grouping';
import { canonical, compare, describe, describeAll, IstioObject, joinWords, ordered } from '../manifests/indexed';
import { givesEndpoints } from '../manifests/entries';
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

const example = (second: string) => `
${exampleEntry(HTTP_PORT)}
---
${istioObject('ServiceEntry', 'shop/b')}
${second}
`;

export const serviceEntryConflict: Rule = {
  code: 'service-entry-conflict',
  severity: 'warning',
  title: 'ServiceEntries for one host that contradict each other',
  reason:
    "Within a namespace, Istio merges the ports of a host's entries only if resolution, exportTo and labels are " +
    'equal, and shares endpoints and target ports among all of them, and endpoints with a Service of that host. Of ' +
    'entries in different namespaces, a sidecar uses its own or else the oldest (IST0177, and cases without a warning). ' +
    'Names that differ in case only are one name to Envoy.',
  cure: 'Declare a host once per namespace, with all its ports, and export it no further than needed.',
  see: 'https://github.com/istio/istio/issues/51466',
  good: example(
    'spec: { hosts: [api.example.com], exportTo: ["."], resolution: DNS, ports: [{ number: 443, name: tls, protocol: TLS }] }',
  ),
  bad: example(`spec:
  hosts: [api.example.com]
  exportTo: ["."]
  resolution: STATIC
  ports: [{ number: 443, name: tls, protocol: TLS }]`),
  *check(index) {
    for (const [host, entries] of index.entriesByHost.several) {
      for (const local of groupBy(new Set(entries), (entry) => entry.namespace).several.values())
        yield* inOneNamespace(host, ordered(local));
      yield* acrossNamespaces(index, host, entries);
    }
    yield* besideServices(index);
    yield* spelledOtherwise(index);
  },
};

/** Envoy compares server names without regard to case: sidecars then take no change of the listener at all. */
function* spelledOtherwise(index: ManifestIndex): Iterable<Violation> {
  const capitals = [...index.entriesByHost.keys()].filter((host) => /[A-Z]/.test(host)).map((host) => ({ host }));
  const byName = groupBy(capitals, ({ host }) => host.toLowerCase());
  for (const name of byName.keys()) {
    const spelled = [{ host: name }, ...byName.get(name)].flatMap(({ host }) =>
      index.entriesByHost.get(host).map((entry) => ({ host, entry })),
    );
    const found = spelled.filter((a) => spelled.some((b) => a.host !== b.host && shareListener(a.entry, b.entry)));
    if (found.length === 0) continue;
    const entries = ordered(found.map(({ entry }) => entry));
    yield {
      message:
        `TLS ports are declared for ${joinWords([...new Set(found.map(({ host }) => host))])}, which differ in case ` +
        `only, by ${describeAll(entries)}: sidecars that see both, and do not answer DNS, reject the listener, and go ` +
        'on with the one that they have.',
      field: 'spec.hosts',
      objects: entries,
      severity: 'error',
    };
  }
}

function shareListener(a: IstioObject<'ServiceEntry'>, b: IstioObject<'ServiceEntry'>): boolean {
  return tlsPorts(a).some((number) => tlsPorts(b).includes(number)) && (a === b || someNamespaceSeesBoth(a, b));
}

/** The ports at which sidecars know the host by its name alone. */
function tlsPorts(entry: IstioObject<'ServiceEntry'>): number[] {
  if (entry.spec.addresses?.length) return [];
  return portsOf(entry).flatMap(({ number, protocol }) => (isTls(protocol) ? [number] : []));
}

/** Endpoints belong to host and namespace, so an entry for a Service gives it endpoints, whoever sees the entry. */
function* besideServices(index: ManifestIndex): Iterable<Violation> {
  for (const service of index.services) {
    const host = serviceHost(service.name, service.namespace, index.clusterDomain);
    for (const entry of index.entriesByHost.get(host)) {
      if (entry.namespace === service.namespace && givesEndpoints(entry))
        yield {
          message: `${describe(entry)} has the host of ${describe(service)}: every proxy that sees the Service sends to the endpoints of both.`,
          field: 'spec.hosts',
          objects: [entry],
        };
    }
  }
}

function* inOneNamespace(host: string, entries: IstioObject<'ServiceEntry'>[]): Iterable<Violation> {
  const why = endpointDifference(entries) ?? inPairs(entries, portDifference) ?? inPairs(entries, unmerged);
  if (why)
    yield {
      message: `${describeAll(entries)} declare ${host} in one namespace, ${why}.`,
      field: 'spec.hosts',
      objects: entries,
    };
}

/** Endpoints belong to host and namespace, so all entries share them, even those that no namespace sees together. */
function endpointDifference(entries: IstioObject<'ServiceEntry'>[]): string | undefined {
  const resolutions = [...new Set(entries.map(resolutionOf))].sort(compare);
  if (resolutions.length > 1)
    return `with resolution ${resolutions.join(' and ')}: Istio ignores one, and the entries share their endpoints`;
  return new Set(entries.map(({ spec }) => canonical(spec.endpoints ?? []))).size > 1
    ? 'with different endpoints: each also gets those of the others'
    : undefined;
}

function portDifference(a: IstioObject<'ServiceEntry'>, b: IstioObject<'ServiceEntry'>): string | undefined {
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
      return `with target ports ${targets.join(' and ')} for port ${port.number}: one of them counts for both`;
  }
  return undefined;
}

/** Entries visible in one namespace, which gets the ports of only one of them. */
function unmerged(a: IstioObject<'ServiceEntry'>, b: IstioObject<'ServiceEntry'>): string | undefined {
  if (!someNamespaceSeesBoth(a, b) || portKey(a) === portKey(b)) return undefined;
  const seen = [a, b].map((entry) => visibleIn(entry).sort(compare).join());
  if (seen[0] !== seen[1])
    return 'with different ports and exportTo: where both are visible, the ports of one are missing';
  // Deployment tools add labels; a difference is certain only if both entries have labels.
  const labels = [a, b]
    .map(({ manifest }) => manifest.metadata.labels)
    .filter((known) => known !== undefined && Object.keys(known).length > 0);
  return labels.length === 2 && canonical(labels[0]) !== canonical(labels[1])
    ? 'with different ports and metadata.labels: the ports of one are missing'
    : undefined;
}

/**
 * Conflicts between entries in several namespaces, for each namespace that sees them. Its own entry hides public ones,
 * usually on purpose; it is a conflict if it hides ports that were exported to the namespace by name.
 */
function* acrossNamespaces(
  index: ManifestIndex,
  host: string,
  entries: readonly IstioObject<'ServiceEntry'>[],
): Iterable<Violation> {
  if (entries.every(isPrivateToNamespace)) return;
  const everywhere = entries.filter(isPublic);
  const observers = new Set(entries.flatMap(visibleIn));
  const found = new Map<
    string,
    { all: IstioObject<'ServiceEntry'>[]; namespaces: string[]; outcome: string; proxies: string }
  >();
  for (const namespace of observers) {
    const seen = namespace === EVERYWHERE ? everywhere : entries.filter((entry) => isSeenFrom(entry, namespace));
    const own = seen.filter((entry) => entry.namespace === namespace);
    // A gateway does not prefer entries of its own namespace: it uses the oldest one that it sees.
    const isGateway = namespace !== EVERYWHERE && index.isRoutedAtGateway(host, namespace);
    const hasOwn = own.length > 0 && !isGateway;
    const counted = hasOwn
      ? [...own, ...seen.filter((entry) => entry.namespace !== namespace && !isPublic(entry))]
      : seen;
    if (new Set(counted.map((entry) => entry.namespace)).size < 2) continue;
    if (hasOwn ? !hidesPorts(own, counted) : new Set(counted.map(shapeOf)).size < 2) continue;
    const all = ordered(counted);
    const outcome = hasOwn
      ? "its own entry counts there, and the other's ports are missing"
      : 'the oldest counts there';
    const proxies = isGateway ? 'the gateways of ' : '';
    const key = [outcome, proxies, ...all.map(({ origin }) => origin)].join(' ');
    const known = found.get(key);
    if (known) known.namespaces.push(namespace);
    else found.set(key, { all, namespaces: [namespace], outcome, proxies });
  }
  for (const { all, namespaces, outcome, proxies } of found.values()) {
    yield {
      message:
        `${describeAll(all)} declare ${host} differently for ` +
        `${proxies}${describeNamespaces(namespaces.sort(compare))}: ` +
        `${outcome}.`,
      field: 'spec.hosts',
      objects: all,
    };
  }
}

function hidesPorts(own: IstioObject<'ServiceEntry'>[], all: IstioObject<'ServiceEntry'>[]): boolean {
  const known = new Set(own.flatMap((entry) => portsOf(entry).map(({ number }) => number)));
  return all.some((entry) => !own.includes(entry) && portsOf(entry).some(({ number }) => !known.has(number)));
}

function shapeOf(entry: IstioObject<'ServiceEntry'>): string {
  const addresses = [...(entry.spec.addresses ?? [])].sort(compare);
  return canonical([resolutionOf(entry), portKey(entry), entry.spec.endpoints ?? [], addresses]);
}

function portKey(entry: IstioObject<'ServiceEntry'>): string {
  const ports = [...portsOf(entry)].sort((a, b) => a.number - b.number);
  return canonical(
    ports.map(({ number, protocol, targetPort }) => [number, canonicalProtocol(protocol), targetPort ?? number]),
  );
}

function resolutionOf(entry: IstioObject<'ServiceEntry'>): string {
  return entry.spec.resolution ?? 'NONE';
}

function inPairs(
  entries: IstioObject<'ServiceEntry'>[],
  find: (a: IstioObject<'ServiceEntry'>, b: IstioObject<'ServiceEntry'>) => string | undefined,
): string | undefined {
  for (const [position, a] of entries.entries()) {
    for (const b of entries.slice(position + 1)) {
      const found = find(a, b);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
