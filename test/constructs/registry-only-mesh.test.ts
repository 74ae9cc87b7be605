import { readFileSync } from 'fs';
import * as path from 'path';
import { Chart, JsonPatch } from 'cdk8s';
import { parse } from 'yaml';
import { RegistryOnlyMesh, RegistryOnlyMeshProps, WorkloadSelection } from '../../src/constructs/registry-only-mesh';
import { admissionProblems } from '../support/admission';
import { allManifests, errorOf, manifestsOf, newApp, objectsBelow } from '../support/app';

function locks(props?: RegistryOnlyMeshProps): any[] {
  const manifests = manifestsOf((chart) => new RegistryOnlyMesh(chart, 'lock', props), undefined);
  expect(manifests.flatMap(admissionProblems)).toEqual([]);
  return manifests;
}

const LOCKED = { egress: [{ hosts: ['*/*'] }], outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } };
const sidecar = (namespace: string, name: string, spec: object = {}) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'Sidecar',
  metadata: {
    name,
    namespace,
    labels: { 'cdk8s-istio-egress/owner': 'payments' },
    annotations: { 'cdk8s-istio-egress/constructs': 'chart/lock' },
  },
  spec: { ...LOCKED, ...spec },
});

test('the whole mesh is locked by the default Sidecar of its root namespace, whatever namespace the chart has', () => {
  expect(locks()).toEqual([sidecar('istio-system', 'default')]);
  expect(locks({ rootNamespace: 'mesh' })).toEqual([sidecar('mesh', 'default')]);
});

test('only the named namespaces are locked', () => {
  expect(locks({ namespaces: ['payments', 'web'] })).toEqual([
    sidecar('payments', 'default'),
    sidecar('web', 'default'),
  ]);
});

test('only the named workloads are locked, under names that depend on their labels alone', () => {
  const workloads: WorkloadSelection[] = [
    { namespace: 'web', labels: { 'app.kubernetes.io/name': 'crawler', tier: 'b' } },
    { namespace: 'web', labels: { app: 'sync' } },
  ];
  const manifests = locks({ workloads });
  expect(manifests).toEqual([
    sidecar('web', manifests[0].metadata.name, { workloadSelector: { labels: workloads[0].labels } }),
    sidecar('web', manifests[1].metadata.name, { workloadSelector: { labels: workloads[1].labels } }),
  ]);
  for (const { metadata } of manifests) expect(metadata.name).toMatch(/^default-[0-9a-f]{20}$/);
  const turned = locks({
    workloads: [workloads[1], { namespace: 'web', labels: { tier: 'b', 'app.kubernetes.io/name': 'crawler' } }],
  });
  expect(turned.map(({ metadata }) => metadata.name)).toEqual([manifests[1].metadata.name, manifests[0].metadata.name]);
});

test('namespaces and workloads may be locked together', () => {
  expect(
    locks({ namespaces: ['web'], workloads: [{ namespace: 'shop', labels: { app: 'sync' } }] }).map(
      ({ metadata }) => metadata.namespace,
    ),
  ).toEqual(['web', 'shop']);
});

test('the hosts that are visible to locked workloads are always written out', () => {
  expect(
    locks({ imports: ['./*', 'istio-system/*', 'web/*.example.com', '*/reviews.web.svc.cluster.local'] })[0].spec
      .egress,
  ).toEqual([{ hosts: ['./*', 'istio-system/*', 'web/*.example.com', '*/reviews.web.svc.cluster.local'] }]);
});

test('names, labels and annotations can be set, and every object can be reached and patched', () => {
  const chart = new Chart(newApp(), 'chart');
  const lock = new RegistryOnlyMesh(chart, 'lock', {
    name: 'locked',
    labels: { team: 'platform' },
    annotations: { why: 'policy 3' },
    namespaces: ['web'],
    workloads: [{ namespace: 'shop', labels: { app: 'sync' } }],
  });
  expect(lock.apiObjects).toEqual(objectsBelow(chart));
  lock.apiObjects[0].addJsonPatch(JsonPatch.add('/spec/outboundTrafficPolicy/mode', 'ALLOW_ANY'));
  const [web, shop] = chart.toJson();
  expect(web.spec.outboundTrafficPolicy.mode).toBe('ALLOW_ANY');
  expect([web, shop].map(({ metadata }) => [metadata.name, metadata.labels, metadata.annotations])).toEqual([
    [
      'locked',
      { team: 'platform', 'cdk8s-istio-egress/owner': 'web' },
      { why: 'policy 3', 'cdk8s-istio-egress/constructs': 'chart/lock' },
    ],
    [
      expect.stringMatching(/^locked-/),
      { team: 'platform', 'cdk8s-istio-egress/owner': 'shop' },
      { why: 'policy 3', 'cdk8s-istio-egress/constructs': 'chart/lock' },
    ],
  ]);
});

test('the same lock as Helm values is text, and never among the manifests', () => {
  const app = newApp();
  const lock = new RegistryOnlyMesh(new Chart(app, 'chart'), 'lock');
  const before = allManifests(app);
  const outboundTrafficPolicy = { mode: 'REGISTRY_ONLY' };
  const isolated = { defaultVisibility: 'NAMESPACE', applyToSidecars: true };
  expect(parse(lock.helmValues())).toEqual({ meshConfig: { outboundTrafficPolicy, serviceEntryVisibility: isolated } });
  expect(parse(lock.helmValues({ unsafeCaptureOnlyCidrs: ['10.0.0.0/8', '2001:db8::/32'] })).global).toEqual({
    proxy: { includeIPRanges: '10.0.0.0/8,2001:db8::/32' },
  });
  const sharing = parse(lock.helmValues({ namespacesThatShareEntries: ['shared', 'hosts'] }));
  expect(sharing.meshConfig.serviceEntryVisibility).toEqual({
    ...isolated,
    policies: [
      {
        visibility: 'PUBLIC',
        matchingRules: [
          {
            namespaceSelector: {
              matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['shared', 'hosts'] }],
            },
          },
        ],
      },
    ],
  });
  expect(parse(lock.helmValues({ severalTenants: true }))).toEqual({
    meshConfig: { outboundTrafficPolicy, serviceEntryVisibility: isolated },
    pilot: {
      env: {
        PILOT_ENABLE_XDS_CACHE: 'false',
        PILOT_SCOPE_GATEWAY_TO_NAMESPACE: 'true',
        XDS_AUTH_PLAINTEXT: 'true',
      },
      serviceAnnotations: { 'networking.istio.io/exportTo': '.' },
    },
  });
  const page = readFileSync(path.join(__dirname, '../../docs/tenants.md'), 'utf8');
  expect(/```yaml\n(meshConfig:[^`]*)```/.exec(page)?.[1]).toBe(lock.helmValues({ severalTenants: true }));
  expect(parse(lock.helmValues({ severalTenants: false })).pilot).toBeUndefined();
  expect(allManifests(app)).toEqual(before);
  const locked = sidecar('istio-system', 'default');
  expect(before).toEqual([
    { ...locked, metadata: { ...locked.metadata, labels: { 'cdk8s-istio-egress/owner': 'istio-system' } } },
  ]);
});

test('a release without the setting gets none, and is refused where it is asked for', () => {
  const app = newApp();
  app.node.setContext('istioVersion', '1.30');
  const lock = new RegistryOnlyMesh(new Chart(app, 'chart'), 'lock');
  expect(parse(lock.helmValues())).toEqual({ meshConfig: { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } } });
  expect(errorOf(() => lock.helmValues({ namespacesThatShareEntries: ['shared'] }))).toMatch(
    /namespacesThatShareEntries: Istio 1\.30 cannot do ServiceEntries that are private/,
  );
});

test.each([{ namespaces: ['payments'] }, { workloads: [{ namespace: 'web', labels: { app: 'crawler' } }] }])(
  'a lock of a part of the mesh, %j, has no values for Helm, which would lock all of it',
  (props) => {
    const lock = new RegistryOnlyMesh(new Chart(newApp(), 'chart'), 'lock', props);
    expect(errorOf(() => lock.helmValues())).toMatch(/helmValues: this lock is for some namespaces or workloads only/);
  },
);
