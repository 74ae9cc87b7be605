import { meshAmong, meshOf } from '../../src/explain/mesh-config';

describe('what istiod is told beside the mesh configuration', () => {
  const istiod = (...env: object[]) => ({
    origin: 'istiod.yaml',
    manifest: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'istiod-1-31', namespace: 'istio-system' },
      spec: { template: { spec: { containers: [{ args: ['--domain', 'corp.example'], env }] } } },
    },
  });
  const scope = (value: unknown) => ({ name: 'PILOT_SCOPE_GATEWAY_TO_NAMESPACE', value });

  test('is read from its Deployment', () => {
    expect(meshAmong([istiod(scope('true'))]).world.mesh).toMatchObject({
      clusterDomain: 'corp.example',
      scopeGatewayToNamespace: true,
    });
    for (const value of ['false', '0', undefined])
      expect(meshAmong([istiod(scope(value))]).world.mesh?.scopeGatewayToNamespace).toBeUndefined();
  });

  test('is read from Helm values, also those of an IstioOperator', () => {
    const values = { pilot: { env: { PILOT_SCOPE_GATEWAY_TO_NAMESPACE: true } }, meshConfig: {} };
    for (const value of [values, { spec: { values } }])
      expect(meshOf(value, 'values.yaml').mesh?.scopeGatewayToNamespace).toBe(true);
    expect(meshOf({ meshConfig: {} }, 'values.yaml').mesh?.scopeGatewayToNamespace).toBeUndefined();
  });
});

describe('serviceEntryVisibility', () => {
  const policies = [{ visibility: 'PUBLIC', matchingRules: [{ namespaceSelector: { matchLabels: { a: 'b' } } }] }];

  test('is read as it is', () => {
    const serviceEntryVisibility = { defaultVisibility: 'NAMESPACE', applyToSidecars: true, policies };
    expect(meshOf({ serviceEntryVisibility }, 'mesh.yaml').mesh).toMatchObject({ serviceEntryVisibility });
  });

  test.each([{ defaultVisibility: 'namespace' }, { applyToSidecar: true }, { policies: [{ rules: [] }] }])(
    '%j is refused',
    (serviceEntryVisibility) => {
      expect(() => meshOf({ serviceEntryVisibility }, 'mesh.yaml')).toThrow(/mesh.yaml: .*serviceEntryVisibility/);
    },
  );
});
