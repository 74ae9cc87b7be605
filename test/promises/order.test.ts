import { build, forAll, identity, manifestsFor } from './plans';

interface Need { readonly who: string; readonly what: string }

/** What an object leads to: until that is in force, its own requests fail. */
function needs(manifest: any): Need[] {
  if (manifest.kind !== 'VirtualService') return [];
  const { namespace } = manifest.metadata;
  const routes = [...manifest.spec.http ?? [], ...manifest.spec.tls ?? [], ...manifest.spec.tcp ?? []];
  return routes.flatMap(({ route }) => route).filter(({ destination }) => destination.subset !== undefined)
    .map(({ destination }) => ({ who: identity(manifest), what: `${namespace} ${destination.host} ${destination.subset}` }));
}

const subsets = ({ kind, metadata, spec }: any): string[] =>
  kind === 'DestinationRule' ? (spec.subsets ?? []).map(({ name }: any) => `${metadata.namespace} ${spec.host} ${name}`) : [];

test('a route comes after the subsets that it leads to', () => {
  let seen = 0;
  forAll(plans => {
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

test('the entry that opens a host to callers comes last among the objects for that host in their namespace', () => {
  forAll(plans => {
    const manifests = manifestsFor(plans);
    manifests.forEach((entry, index) => {
      if (entry.kind !== 'ServiceEntry' || entry.metadata.namespace === 'egress') return;
      const later = manifests.slice(index + 1).filter(other => identity(other).split('/').slice(1).join('/') === identity(entry).split('/').slice(1).join('/'));
      expect(later.map(identity)).toEqual([]);
    });
  });
});

test('the gateway\'s half of a construct comes before its callers\' half, and its Gateway after its routes', () => {
  forAll(plans => {
    const manifests = manifestsFor(plans);
    const key = (manifest: any) => manifest.metadata.name.match(/-([0-9a-f]{12})(-|$)/)[1];
    const place = (found: any[]) => found.map(manifest => manifests.indexOf(manifest));
    for (const gateway of manifests.filter(({ kind }) => kind === 'Gateway')) {
      const same = manifests.filter(manifest => key(manifest) === key(gateway));
      const [ours, theirs] = [same.filter(({ metadata }) => metadata.namespace === 'egress'), same.filter(({ metadata }) => metadata.namespace !== 'egress')];
      expect(Math.max(...place(ours))).toBe(manifests.indexOf(gateway));
      expect(Math.max(...place(ours))).toBeLessThan(Math.min(...place(theirs)));
    }
  });
});

test('no chart depends on another', () => {
  forAll(plans => {
    for (const chart of build(plans, { apart: true }).charts) expect(chart.node.dependencies).toEqual([]);
  });
});
