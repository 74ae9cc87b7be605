/**
 * The policies of `EgressGuard`, judged by the API server's own admission code: every attack of the other suites is
 * refused in every version in which it can be sent; what constructs write, and what Istio's own pages tell people to
 * write in their namespace, is not. And what the expressions cost.
 */
import { Chart } from 'cdk8s';
import { EgressGateway } from '../../../src/constructs/egress-gateway';
import { EgressGuard, EgressGuardProps, GuardMode } from '../../../src/constructs/egress-guard';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { RegistryOnlyMesh } from '../../../src/constructs/registry-only-mesh';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { meshExamples } from '../examples';
import { ATTACKS, PODS } from '../guard/attacks';
import {
  ATTACKS as INJECTED_ATTACKS,
  CAPTURED,
  DEBUGGERS,
  INSTALLATIONS,
  ORDINARY,
  withIdentity,
  withVault,
} from '../guard/injected';
import { LARGE } from '../guard/large';
import { istio, pod, podAt } from '../guard/objects';
import { RECIPES } from '../guard/recipes';
import { idOf, KubeObject } from '../lab';
import { describeMesh, findingText, synthesise } from '../support';

const table = { callers: [{ name: 'nobody', namespace: 'shop', serviceAccount: 'nobody' }], external: [] };

/** Of the builds that the lab is made from. */
const PROXY_IMAGE = 'registry.istio.io/testing/proxyv2';

/** A guard beside a gateway of ours and one that somebody installed, with every namespace locked. */
function guard(props: EgressGuardProps = {}): KubeObject[] {
  return synthesise((app) => {
    const platform = new Chart(app, 'platform');
    new EgressGateway(platform, 'own', { namespace: 'egress' });
    InstalledEgressGateway.fromInstallation(platform, 'helm', GatewayInstallation.helmChart({ namespace: 'egress' }));
    const lock = new RegistryOnlyMesh(platform, 'lock');
    new EgressGuard(platform, 'guard', { locks: [lock], refuseBypass: true, proxyImages: [PROXY_IMAGE], ...props });
  }).filter(({ apiVersion }) => apiVersion.startsWith('admissionregistration'));
}

const NETWORKING = ['v1', 'v1beta1', 'v1alpha3'];

/** What else is served of an apiVersion. */
const VERSIONS: Readonly<Record<string, string[]>> = {
  'networking.istio.io/v1': NETWORKING,
  'telemetry.istio.io/v1': ['v1', 'v1alpha1'],
  'security.istio.io/v1': ['v1', 'v1beta1'],
};
const versionsOf = ({ apiVersion }: KubeObject) => VERSIONS[apiVersion] ?? [apiVersion.split('/').pop()!];
const inVersion = (object: KubeObject, version: string): KubeObject => ({
  ...object,
  apiVersion: [...object.apiVersion.split('/').slice(0, -1), version].join('/'),
});
const attacks = Object.entries(ATTACKS).flatMap(([what, object]) =>
  versionsOf(object).map((version): [string, string, KubeObject] => [what, version, inVersion(object, version)]),
);

describeMesh('guard', { table }, (mesh) => {
  const enforce = async (props?: EgressGuardProps) => mesh.lab.apply('guard', guard(props));
  const create = (object: KubeObject, more: object = {}) =>
    mesh.lab.istiod.review({ operation: 'CREATE', object, user: 'somebody', ...more });
  const writeStatus = (object: KubeObject, oldObject: KubeObject, more: object = {}) =>
    create(object, { operation: 'UPDATE', subresource: 'status', oldObject, ...more });

  describe('enforced', () => {
    beforeAll(async () => {
      await enforce();
    });

    test.each(attacks)('%s is refused, as %s', async (_what, _version, object) => {
      expect(await create(object)).toEqual({ refused: expect.stringMatching(/denied request: .*[.]$/) });
    });

    // Of a pod that runs, only annotations and labels can still change what its sidecar sees.
    const updates = attacks.filter(
      ([, , { kind, metadata }]) =>
        kind !== 'Pod' || Object.keys({ ...metadata.annotations, ...metadata.labels }).length > 0,
    );
    test.each(updates)('%s is refused as an update of something harmless, as %s', async (_what, _version, object) => {
      const oldObject = { ...object, metadata: { name: 'x', namespace: 'other' }, spec: {} };
      const answer = await create(object, { operation: 'UPDATE', oldObject });
      expect(answer.refused).toMatch(/denied request/);
    });

    test.each(attacks)('%s passes in a namespace of the platform, as %s', async (_what, _version, object) => {
      for (const namespace of ['egress', 'istio-system'])
        expect(await create({ ...object, metadata: { ...object.metadata, namespace } })).toEqual({});
    });

    test('it does not matter who writes, or what the namespace is labelled', async () => {
      const object = ATTACKS['an entry with the address of a host'];
      const namespace = { metadata: { name: 'other', labels: { 'kubernetes.io/metadata.name': 'egress' } } };
      for (const more of [{ user: 'system:admin', groups: ['system:masters'] }, { namespace }])
        expect((await create(object, more)).refused).toMatch(/ServiceEntry is for its own namespace/);
    });

    test.each(Object.entries(RECIPES))('%s passes, in every version', async (_what, objects) => {
      for (const object of objects)
        for (const version of versionsOf(object)) expect(await create(inVersion(object, version))).toEqual({});
    });

    test.each(meshExamples().map(({ name, manifests, handWritten }) => [name, manifests, handWritten] as const))(
      'the example %s: what constructs write passes',
      async (_name, manifests, handWritten) => {
        const ours = manifests.filter(
          (object) => !handWritten.includes(object) && !object.apiVersion.startsWith('admissionregistration'),
        );
        const refused: string[] = [];
        for (const object of ours) {
          const { refused: why } = await create(object);
          if (why !== undefined) refused.push(`${idOf(object)}: ${why}`);
        }
        expect(refused).toEqual([]);
      },
    );

    test('admission of the lab asks the policies too', async () => {
      const findings = await mesh.lab.validate([ATTACKS['a server on a locked gateway']]);
      expect(findings.map(findingText)).toEqual([expect.stringMatching(/\(policy\): .*select your gateway's pods/)]);
    });

    test('endpoints are for the controllers of Kubernetes, and nobody else', async () => {
      const object = ATTACKS['an EndpointSlice with the address of a host'];
      const controller = 'system:serviceaccount:kube-system:endpointslice-controller';
      expect(await create(object, { user: controller })).toEqual({});
      expect((await create(object, { user: 'system:serviceaccount:other:endpointslice-controller' })).refused).toMatch(
        /selector/,
      );
    });

    test('whoever writes the status of a pod gives it no annotation', async () => {
      const object = PODS['a pod that excludes a port'];
      expect((await writeStatus(object, pod({}))).refused).toMatch(/takes traffic from/);
      expect(await writeStatus(object, object)).toEqual({});
      const annotations = { ...object.metadata.annotations, 'cni.example.com/podIP': '10.244.1.1' };
      const plugged = { ...object, metadata: { ...object.metadata, annotations } };
      expect(await writeStatus(plugged, object)).toEqual({});
    });

    test('whoever writes the status of a Service does not make it a gateway to a network', async () => {
      const object = ATTACKS['a Service that is a gateway to a network'];
      const before = { ...object, metadata: { name: 'x', namespace: 'other' } };
      expect((await writeStatus(object, before)).refused).toMatch(/is a gateway to a network/);
      expect(await writeStatus(object, object)).toEqual({});
    });

    test('whoever writes the status of an entry does not end istiod', async () => {
      const entry = { ...istio('ServiceEntry', { hosts: ['x.other.internal'] }), status: {} };
      const allocated = (value: string) => ({ ...entry, status: { addresses: [{ host: 'x.other.internal', value }] } });
      for (const value of ['240.240.0.9', '2001:2::9']) expect(await writeStatus(allocated(value), entry)).toEqual({});
      expect((await writeStatus(allocated('::ffff:240.240.0.9'), entry)).refused).toMatch(/crash istiod/);
    });

    test('the addresses of a pod are for its node, and nobody else', async () => {
      const [external, internal] = [podAt('203.0.113.10'), podAt('10.244.1.1')];
      for (const before of [internal, podAt()])
        expect((await writeStatus(external, before)).refused).toMatch(/Only its node gives a pod addresses/);
      expect(await writeStatus(internal, internal)).toEqual({});
      expect(await writeStatus(internal, podAt(), { user: 'system:node:a', groups: ['system:nodes'] })).toEqual({});
    });

    test('what schedules a pod gives it no annotation that takes traffic from its sidecar', async () => {
      const binding = (annotations: Record<string, string>) =>
        ({
          apiVersion: 'v1',
          kind: 'Binding',
          metadata: { name: 'x', namespace: 'other', annotations },
          target: { kind: 'Node', name: 'a' },
        }) as KubeObject;
      for (const more of [{}, { subresource: 'binding' }]) {
        expect(await create(binding({ 'scheduler.example.com/by': 'mine' }), more)).toEqual({});
        const excluding = binding({ 'traffic.sidecar.istio.io/excludeOutboundPorts': '443' });
        expect((await create(excluding, more)).refused).toMatch(/takes traffic from the sidecar/);
        const without = { ...excluding.metadata, annotations: {}, labels: { 'sidecar.istio.io/inject': 'false' } };
        expect((await create({ ...excluding, metadata: without }, more)).refused).toMatch(
          /sidecar.istio.io\/inject takes traffic/,
        );
      }
    });

    describe.each(Object.entries(INSTALLATIONS))('after Istio has injected its sidecar, with %s', (name, injection) => {
      const sent = Object.entries(INJECTED_ATTACKS).filter(([, { at }]) => at.includes(name));
      const before = Object.entries(ORDINARY);

      test.each(before)('%s passes', async (_what, object) => {
        const injected = await mesh.lab.istiod.inject(object, injection);
        expect(await create(injected)).toEqual({});
        const debugged = { ...injected, spec: { ...injected.spec, ephemeralContainers: DEBUGGERS } };
        const update = { operation: 'UPDATE', oldObject: injected, subresource: 'ephemeralcontainers' };
        expect(await create({ ...debugged, status: CAPTURED }, update)).toEqual({});
        expect((await create(debugged, update)).refused).toMatch(/not captured yet/);
      });

      test.each(Object.entries({ 'the agent injector of Vault': withVault, 'the identities of AWS': withIdentity }))(
        'what the webhook for %s adds passes',
        async (_what, webhook) => {
          const injected = await mesh.lab.istiod.inject(ORDINARY['a pod'], injection);
          expect(await create(webhook(injected))).toEqual({});
        },
      );

      test('where all pods are injected, one without a sidecar is refused', async () => {
        const object = ORDINARY['a pod'];
        const injected = await mesh.lab.istiod.inject(object, injection);
        for (const labels of [{ 'istio-injection': 'enabled' }, { 'istio.io/rev': 'stable' }]) {
          const namespace = { metadata: { name: 'other', labels } };
          expect((await create(object, { namespace })).refused).toMatch(/would have no sidecar/);
          expect(await create(injected, { namespace })).toEqual({});
        }
        const labels = { 'istio-injection': 'disabled', 'istio.io/rev': 'stable' };
        expect(await create(object, { namespace: { metadata: { name: 'other', labels } } })).toEqual({});
      });

      test('the image of the proxy is not replaced by another', async () => {
        const injected = await mesh.lab.istiod.inject(ORDINARY['a pod'], injection);
        const withImage = (image: string) => ({
          ...injected,
          spec: {
            ...injected.spec,
            containers: injected.spec.containers.map((one: any) =>
              one.name === 'istio-proxy' ? { ...one, image } : one,
            ),
          },
        });
        const update = { operation: 'UPDATE', oldObject: injected };
        expect((await create(withImage('mine'), update)).refused).toMatch(/has another image than/);
        expect(await create(withImage(`${PROXY_IMAGE}:1.31.1`), update)).toEqual({});
      });

      if (sent.length > 0)
        test.each(sent)('%s is refused', async (_what, { sent: object }) => {
          const injected = await mesh.lab.istiod.inject(object, injection);
          expect((await create(injected)).refused).toMatch(/denied request: .*[.]$/);
        });
    });

    test('nobody runs a program beside the proxy, but for its own requests', async () => {
      const exec = (container: string | undefined, ...command: string[]) =>
        create(
          {
            apiVersion: 'v1',
            kind: 'PodExecOptions',
            metadata: { name: 'x', namespace: 'other' },
            container,
            command,
          } as any,
          { operation: 'CONNECT', subresource: 'exec' },
        );
      expect((await exec('istio-proxy', 'curl', 'http://open.example.com')).refused).toMatch(
        /choose another container/,
      );
      expect((await exec('istio-proxy', 'sh', '-c', 'pilot-agent request GET stats')).refused).toMatch(
        /choose another/,
      );
      for (const capture of ['istio-init', 'istio-validation'])
        expect((await exec(capture, 'pilot-agent', 'request', 'GET', 'stats')).refused).toMatch(/choose another/);
      expect(await exec('istio-proxy', 'pilot-agent', 'request', 'GET', 'stats')).toEqual({});
      expect(await exec('app', 'sh')).toEqual({});
      expect(await exec(undefined, 'sh')).toEqual({});
    });

    test('the expressions compile in every release from 1.30, and every field that they read has the right type', async () => {
      const { policies, types, problems } = await mesh.lab.istiod.checkPolicies();
      expect(policies).toBe(20);
      expect(types).toEqual({
        'egress-guard-service-entries': 3,
        'egress-guard-service-entry-statuses': 0,
        'egress-guard-virtual-services': 3,
        'egress-guard-gateway-api': 0,
        'egress-guard-managed-gateways': 1,
        'egress-guard-destination-rules': 3,
        'egress-guard-workload-entries': 3,
        'egress-guard-gateways': 3,
        'egress-guard-request-authentications': 2,
        'egress-guard-telemetries': 2,
        'egress-guard-services': 1,
        'egress-guard-endpoints': 1,
        'egress-guard-pod-addresses': 0,
        'egress-guard-endpoint-slices': 1,
        'egress-guard-pods': 1,
        'egress-guard-bindings': 1,
        'egress-guard-execs': 0,
        'egress-guard-programs': 2,
        'egress-guard-proxy-configs': 1,
        'egress-guard-sidecars': 3,
      });
      expect(Object.keys(problems)).toContain('1.30');
      expect(Object.values(problems).flatMap((list) => list ?? [])).toEqual([]);
    });

    test.each(Object.entries(LARGE))(
      '%s costs a part of what it may',
      async (_what, { object, share }) => {
        for (const { policy, error, ofBudget, ofCallLimit } of await mesh.lab.istiod.costs(object)) {
          expect({ policy, error }).toEqual({ policy });
          expect(ofCallLimit).toBeLessThan(share);
          expect(ofBudget).toBeLessThan(share / 2.5);
        }
      },
      900_000,
    );
  });

  test('with ranges, endpoints by hand pass inside them; that takes Kubernetes 1.31', async () => {
    await enforce({ endpointCidrs: ['10.244.0.0/16'] });
    const write = (ip: string) => writeStatus(podAt(ip), podAt('10.244.9.9'));
    expect(await write('10.244.1.1')).toEqual({});
    expect((await write('203.0.113.10')).refused).toMatch(/addresses outside 10[.]244[.]0[.]0\/16/);
    const slice = (address: string) => ({
      ...ATTACKS['an EndpointSlice with the address of a host'],
      endpoints: [{ addresses: [address] }],
    });
    expect(await create(slice('10.244.1.1'))).toEqual({});
    expect((await create(slice('::ffff:10.244.1.1'))).refused).toMatch(/of 10[.]244[.]0[.]0\/16 only/);
    expect((await create(slice('203.0.113.10'))).refused).toMatch(/denied request/);
    const { problems } = await mesh.lab.istiod.checkPolicies();
    expect(Object.entries(problems).flatMap(([release, list]) => (list?.length ? [release] : []))).toEqual(['1.30']);
    const endpoints = Array.from({ length: 1000 }, (_, n) => ({
      addresses: [`10.244.${Math.floor(n / 250)}.${n % 250}`],
    }));
    const [cost] = await mesh.lab.istiod.costs({ ...slice(''), endpoints });
    expect(cost.ofCallLimit).toBeLessThan(0.02);
  });

  test('with ranges, a WorkloadEntry has no address of a pod', async () => {
    await enforce({ endpointCidrs: ['10.244.0.0/16'], machineCidrs: ['10.250.0.0/16'] });
    const workload = (address: string) => istio('WorkloadEntry', { address });
    expect(await create(workload('10.250.1.1'))).toEqual({});
    for (const address of ['10.244.1.1', '::ffff:10.250.1.1', '203.0.113.10', 'db.example.com', 'unix:///x'])
      expect((await create(workload(address))).refused).toMatch(/of 10[.]250[.]0[.]0\/16 only/);
  });

  test('a mode that warns stores the object and says why', async () => {
    await enforce({ mode: GuardMode.WARN });
    const answer = await create(ATTACKS['a rule for the hop']);
    expect(answer).toEqual({ warnings: [expect.stringMatching(/DestinationRule .* is for its own namespace/)] });
  });

  test('a mode that audits stores the object and writes it down', async () => {
    await enforce({ mode: GuardMode.AUDIT });
    const { refused, warnings, audit = {} } = await create(ATTACKS['a rule for the hop']);
    expect([refused, warnings]).toEqual([undefined, undefined]);
    expect(Object.values(audit)).toEqual([expect.stringMatching(/is for its own namespace/)]);
  });

  test('a lock in a namespace of others cannot be deleted, unless the namespace goes', async () => {
    const manifests = synthesise((app) => {
      const platform = new Chart(app, 'platform');
      const lock = new RegistryOnlyMesh(platform, 'lock', { namespaces: ['shop'] });
      new EgressGuard(platform, 'guard', { locks: [lock] });
    });
    const lock = manifests.find(({ kind }) => kind === 'Sidecar')!;
    await mesh.lab.apply(
      'guard',
      manifests.filter((object) => object !== lock),
    );
    for (const version of NETWORKING) {
      const remove = { operation: 'DELETE' as const, object: inVersion(lock, version) };
      expect((await mesh.lab.istiod.review(remove)).refused).toMatch(/a lock of the platform/);
      const namespace = { metadata: { name: 'shop', deletionTimestamp: '2026-01-01T00:00:00Z' } };
      expect(await mesh.lab.istiod.review({ ...remove, namespace })).toEqual({});
      const update = (metadata: object) => ({
        operation: 'UPDATE' as const,
        object: inVersion({ ...lock, metadata: { ...lock.metadata, ...metadata } }, version),
        oldObject: inVersion(lock, version),
      });
      expect(await mesh.lab.istiod.review(update({ labels: { team: 'shop' } }))).toEqual({});
      const unread = await mesh.lab.istiod.review(update({ labels: { 'istio.io/rev': 'none' } }));
      expect(unread.refused).toMatch(/leave .* the label istio.io\/rev, as they are/);
      const other = { ...lock, metadata: { ...lock.metadata, name: 'mine' } };
      expect(await mesh.lab.istiod.review({ ...remove, object: other })).toEqual({});
    }
    const { problems } = await mesh.lab.istiod.checkPolicies();
    expect(Object.values(problems).flatMap((list) => list ?? [])).toEqual([]);
  });
});
