import { forAll, manifestsFor } from './plans';

const WITH_EXPORT_TO = ['ServiceEntry', 'VirtualService', 'DestinationRule'];

test('nothing is visible beyond its own namespace', () => {
  forAll((plans) => {
    for (const { kind, spec } of manifestsFor(plans))
      if (WITH_EXPORT_TO.includes(kind)) expect(spec.exportTo).toEqual(['.']);
  });
});

test("every object is in the gateway's namespace or in its callers', Gateways and their routes in the gateway's", () => {
  forAll((plans) => {
    const namespaces = plans.map(({ namespace }) => namespace);
    for (const { kind, metadata, spec } of manifestsFor(plans)) {
      expect(['egress', ...namespaces]).toContain(metadata.namespace);
      if (kind === 'Gateway') expect(metadata.namespace).toBe('egress');
      if (kind === 'VirtualService') expect(metadata.namespace === 'egress').toBe(!spec.gateways.includes('mesh'));
    }
  });
});

test('a gateway route names its Gateway with the namespace, and that Gateway has a server for its host', () => {
  forAll((plans) => {
    const manifests = manifestsFor(plans);
    const servers = new Map(
      manifests
        .filter(({ kind }) => kind === 'Gateway')
        .map(({ metadata, spec }) => [
          `${metadata.namespace}/${metadata.name}`,
          spec.servers.flatMap((server: any) => server.hosts),
        ]),
    );
    for (const { kind, metadata, spec } of manifests) {
      if (kind === 'VirtualService' && metadata.namespace === 'egress')
        expect(servers.get(spec.gateways[0])).toContain(`egress/${spec.hosts[0]}`);
    }
  });
});

test('with the gateway side in another chart, the objects are the same', () => {
  const sorted = (list: any[]) => list.map((manifest) => JSON.stringify(manifest)).sort();
  forAll((plans) => {
    expect(sorted(manifestsFor(plans, { separateGatewayChart: true }))).toEqual(sorted(manifestsFor(plans)));
  });
});
