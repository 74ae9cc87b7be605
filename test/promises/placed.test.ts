import { forAll, manifestsFor } from './plans';

const HIDDEN = ['ServiceEntry', 'VirtualService', 'DestinationRule'];

test('nothing is visible beyond its own namespace', () => {
  forAll((plans) => {
    for (const { kind, spec } of manifestsFor(plans)) if (HIDDEN.includes(kind)) expect(spec.exportTo).toEqual(['.']);
  });
});

test('gateway objects stand with the gateway, routes of callers with the callers, and nothing anywhere else', () => {
  forAll((plans) => {
    const namespaces = plans.map(({ namespace }) => namespace);
    for (const { kind, metadata, spec } of manifestsFor(plans)) {
      expect(['egress', ...namespaces]).toContain(metadata.namespace);
      if (kind === 'Gateway') expect(metadata.namespace).toBe('egress');
      if (kind === 'VirtualService') expect(metadata.namespace === 'egress').toBe(!spec.gateways.includes('mesh'));
    }
  });
});

test('a gateway route is bound to the gateway by its full name, whose server has it', () => {
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

test("with the gateway's half in another chart, the objects are the same", () => {
  const sorted = (list: any[]) => list.map((manifest) => JSON.stringify(manifest)).sort();
  forAll((plans) => {
    expect(sorted(manifestsFor(plans, { apart: true }))).toEqual(sorted(manifestsFor(plans)));
  });
});
