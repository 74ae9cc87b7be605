import { build, forAll, identity, manifestsFor } from './plans';

interface Need {
  readonly who: string;
  readonly what: string;
}

/** What an object leads to: until that is in force, its own requests fail. */
function needs(manifest: any): Need[] {
  if (manifest.kind !== 'VirtualService') return [];
  const { namespace } = manifest.metadata;
  const routes = [...(manifest.spec.http ?? []), ...(manifest.spec.tls ?? []), ...(manifest.spec.tcp ?? [])];
  return routes
    .flatMap(({ route }) => route)
    .filter(({ destination }) => destination.subset !== undefined)
    .map(({ destination }) => ({
      who: identity(manifest),
      what: `${namespace} ${destination.host} ${destination.subset}`,
    }));
}

const subsets = ({ kind, metadata, spec }: any): string[] =>
  kind === 'DestinationRule'
    ? (spec.subsets ?? []).map(({ name }: any) => `${metadata.namespace} ${spec.host} ${name}`)
    : [];

test('a route comes after the subsets that it leads to', () => {
  let seen = 0;
  forAll((plans) => {
    const there = new Set<string>();
    for (const manifest of manifestsFor(plans)) {
      for (const { who, what } of needs(manifest)) {
        seen++;
        expect(`${who} needs ${what}: ${there.has(what)}`).toBe(`${who} needs ${what}: true`);
      }
      for (const subset of subsets(manifest)) there.add(subset);
    }
  });
  expect(seen).toBeGreaterThan(40);
});

/**
 * Whether a route leads to its own host, so that the host's entry has to be there first; elsewhere the entry opens the
 * host.
 */
const leadsToItself = ({ spec }: any): boolean =>
  (spec.http ?? []).some(({ route }: any) => route[0].destination.host === spec.hosts[0]);

test('the entry that opens a host comes after the route that leads it elsewhere, and before one that leads to it', () => {
  forAll((plans) => {
    const manifests = manifestsFor(plans);
    for (const route of manifests) {
      if (route.kind !== 'VirtualService' || !route.spec.gateways.includes('mesh')) continue;
      const entry = manifests.findIndex(
        ({ kind, metadata, spec }) =>
          kind === 'ServiceEntry' &&
          metadata.namespace === route.metadata.namespace &&
          spec.hosts[0] === route.spec.hosts[0],
      );
      expect(`${identity(route)} after its entry: ${manifests.indexOf(route) > entry}`).toBe(
        `${identity(route)} after its entry: ${leadsToItself(route)}`,
      );
    }
  });
});

test("the gateway's half of a construct comes before its callers' half, and its Gateway after its routes", () => {
  forAll((plans) => {
    const manifests = manifestsFor(plans);
    const key = (manifest: any) => manifest.metadata.name.match(/-([0-9a-f]{12})(-|$)/)[1];
    const place = (found: any[]) => found.map((manifest) => manifests.indexOf(manifest));
    for (const gateway of manifests.filter(({ kind }) => kind === 'Gateway')) {
      const same = manifests.filter((manifest) => key(manifest) === key(gateway));
      const [ours, theirs] = [
        same.filter(({ metadata }) => metadata.namespace === 'egress'),
        same.filter(({ metadata }) => metadata.namespace !== 'egress'),
      ];
      expect(Math.max(...place(ours))).toBe(manifests.indexOf(gateway));
      expect(Math.max(...place(ours))).toBeLessThan(Math.min(...place(theirs)));
    }
  });
});

test('no chart depends on another', () => {
  forAll((plans) => {
    for (const chart of build(plans, { apart: true }).charts) expect(chart.node.dependencies).toEqual([]);
  });
});
