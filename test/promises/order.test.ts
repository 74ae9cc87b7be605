import { build, forAll, identity, manifestsFor } from './plans';

interface Need {
  readonly who: string;
  readonly what: string;
}

/** The subsets that an object routes to: until they are in force, its requests fail. */
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

const subsetsOf = ({ kind, metadata, spec }: any): string[] =>
  kind === 'DestinationRule'
    ? (spec.subsets ?? []).map(({ name }: any) => `${metadata.namespace} ${spec.host} ${name}`)
    : [];

test('a VirtualService comes after the subsets that it routes to', () => {
  let seen = 0;
  forAll((plans) => {
    const emitted = new Set<string>();
    for (const manifest of manifestsFor(plans)) {
      for (const { who, what } of needs(manifest)) {
        seen++;
        expect(`${who} needs ${what}: ${emitted.has(what)}`).toBe(`${who} needs ${what}: true`);
      }
      for (const subset of subsetsOf(manifest)) emitted.add(subset);
    }
  });
  expect(seen).toBeGreaterThan(40);
});

/** Whether a VirtualService routes to its own host, so that the host's ServiceEntry must exist first. */
const routesToOwnHost = ({ spec }: any): boolean =>
  (spec.http ?? []).some(({ route }: any) => route[0].destination.host === spec.hosts[0]);

test('the entry of a host comes before a route to the host itself, and after a route that sends it elsewhere', () => {
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
        `${identity(route)} after its entry: ${routesToOwnHost(route)}`,
      );
    }
  });
});

test('the gateway side of a construct comes before its caller side, and its Gateway after its VirtualServices', () => {
  forAll((plans) => {
    const manifests = manifestsFor(plans);
    const key = (manifest: any) => manifest.metadata.name.match(/-([0-9a-f]{20})(-|$)/)[1];
    const positions = (found: any[]) => found.map((manifest) => manifests.indexOf(manifest));
    for (const gateway of manifests.filter(({ kind }) => kind === 'Gateway')) {
      const same = manifests.filter((manifest) => key(manifest) === key(gateway));
      const [gatewaySide, callerSide] = [
        same.filter(({ metadata }) => metadata.namespace === 'egress'),
        same.filter(({ metadata }) => metadata.namespace !== 'egress'),
      ];
      expect(Math.max(...positions(gatewaySide))).toBe(manifests.indexOf(gateway));
      expect(Math.max(...positions(gatewaySide))).toBeLessThan(Math.min(...positions(callerSide)));
    }
  });
});

test('no chart depends on another', () => {
  forAll((plans) => {
    for (const chart of build(plans, { separateGatewayChart: true }).charts)
      expect(chart.node.dependencies).toEqual([]);
  });
});
