import { ApiObject, Chart, Duration, Testing } from 'cdk8s';
import { EgressGateway } from '../../src/constructs/egress-gateway';
import { EgressGatewayProps } from '../../src/constructs/egress-gateway-props';
import { GatewayEgress } from '../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { Caller } from '../../src/values/caller';
import { GatewayInstallation } from '../../src/values/gateway-installation';
import { admissionProblems } from '../support/admission';
import { allManifests, errorOf, manifestsOf, newApp, the } from '../support/app';
import { asKubernetesKnowsIt } from '../support/kubernetes-schema';

const gateway = (props: EgressGatewayProps = {}, lock = false) =>
  manifestsOf((chart) => {
    const exit = new EgressGateway(chart, 'exit', props);
    if (lock) exit.lockdown();
  }, 'egress');
const refusal = (props: EgressGatewayProps, namespace: string | undefined = 'egress') =>
  errorOf(() => manifestsOf((chart) => new EgressGateway(chart, 'exit', props), namespace));
const kinds = (manifests: any[]) => manifests.map(({ kind }) => kind);
const pod = (props: EgressGatewayProps = {}) => the('Deployment', gateway(props)).spec.template;

test('everything that a gateway needs, all in its namespace, refusals before the pods', () => {
  const manifests = gateway({}, true);
  expect(kinds(manifests)).toEqual([
    'ServiceAccount',
    'Role',
    'RoleBinding',
    'Telemetry',
    'AuthorizationPolicy',
    'AuthorizationPolicy',
    'Deployment',
    'Service',
    'PodDisruptionBudget',
    'HorizontalPodAutoscaler',
  ]);
  expect(new Set(manifests.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['egress']));
});

test.each<[string, EgressGatewayProps]>([
  ['by default', {}],
  [
    'with everything asked for',
    {
      revision: 'canary',
      targetPort: 9443,
      scaling: { minReplicas: 3, maxReplicas: 9, targetCpuPercent: 60 },
      resources: { cpuRequest: '500m', cpuLimit: '4', memoryRequest: '256Mi', memoryLimit: '2Gi' },
      drainTime: Duration.minutes(2),
      nodeSelector: { 'node-role.example.com/egress': '' },
      tolerations: [{ key: 'egress', value: 'yes', effect: 'NoSchedule' }, { key: 'other' }],
      labels: { team: 'platform' },
      annotations: { note: 'a' },
      podAnnotations: { 'prometheus.io/scrape': 'true' },
    },
  ],
  ['with a fixed number of pods', { replicas: 3 }],
])('%s Kubernetes and Istio know every field', (_how, props) => {
  for (const manifest of gateway(props, true)) {
    if (/Authorization|Telemetry/.test(manifest.kind)) expect(admissionProblems(manifest)).toEqual([]);
    else expect(asKubernetesKnowsIt(manifest)).toEqual(manifest);
  }
});

test('a field that Kubernetes does not know would be noticed', () => {
  const deployment = the('Deployment', gateway());
  deployment.spec.template.spec.containers[0].securityContext.readonlyRootFilesystem = true;
  expect(asKubernetesKnowsIt(deployment)).not.toEqual(deployment);
});

test('the pods run without privileges, and add nothing to requests', () => {
  const { spec, metadata } = pod();
  expect(spec.securityContext).toEqual({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
  expect(spec.automountServiceAccountToken).toBe(false);
  expect(spec.dnsConfig).toEqual({ options: [{ name: 'ndots', value: '1' }] });
  expect(spec.containers[0]).toMatchObject({ name: 'istio-proxy', image: 'auto' });
  expect(spec.containers[0].securityContext).toEqual({
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    privileged: false,
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
  });
  expect(metadata.annotations['inject.istio.io/templates']).toBe('gateway');
  expect(JSON.parse(metadata.annotations['proxy.istio.io/config']).proxyHeaders).toEqual({
    envoyDebugHeaders: { disabled: true },
    attemptCount: { disabled: true },
  });
});

test('every selector uses the label that only these pods carry', () => {
  const own = { 'cdk8s-istio-egress/gateway': 'egress-gateway.egress' };
  const manifests = gateway({}, true);
  expect(the('Deployment', manifests).spec.selector.matchLabels).toEqual(own);
  expect(the('Service', manifests).spec.selector).toEqual(own);
  expect(the('PodDisruptionBudget', manifests).spec.selector.matchLabels).toEqual(own);
  for (const { kind, spec } of manifests)
    if (kind === 'AuthorizationPolicy') expect(spec.selector.matchLabels).toEqual(own);
  expect(pod().metadata.labels).toMatchObject(own);
  expect(pod().metadata.labels).not.toHaveProperty('istio');
});

test('a long name still gives a valid label', () => {
  const label = pod({ name: 'n'.repeat(59), namespace: 's'.repeat(63) }).metadata.labels['cdk8s-istio-egress/gateway'];
  expect(label.length).toBeLessThanOrEqual(63);
  expect(label).not.toBe(
    pod({ name: 'n'.repeat(59), namespace: 't'.repeat(63) }).metadata.labels['cdk8s-istio-egress/gateway'],
  );
});

test('the lock is two policies of constant size, however often it is called', () => {
  const manifests = manifestsOf((chart) => {
    const exit = new EgressGateway(chart, 'exit', { namespace: 'egress' });
    expect(exit.isLockedDown).toBe(false);
    expect(exit.lockdown()).toBe(exit.lockdown());
    expect(exit.isLockedDown).toBe(true);
  });
  const selector = { matchLabels: { 'cdk8s-istio-egress/gateway': 'egress-gateway.egress' } };
  const key = 'connection.sni';
  expect(manifests.filter(({ kind }) => kind === 'AuthorizationPolicy').map(({ spec }) => spec)).toEqual([
    {
      action: 'ALLOW',
      selector,
      rules: [{ from: [{ source: { principals: ['*'] } }], when: [{ key, values: ['*.egress.internal'] }] }],
    },
    {
      action: 'DENY',
      selector,
      rules: [
        { from: [{ source: { notPrincipals: ['*'] } }] },
        { when: [{ key, notValues: ['*.egress.internal', '*.egress-checked.internal'] }] },
      ],
    },
  ]);
});

test('without an autoscaler the number of pods is fixed; a single pod has no disruption budget', () => {
  expect(kinds(gateway({ replicas: 1 }))).not.toContain('PodDisruptionBudget');
  expect(kinds(gateway({ replicas: 1 }))).not.toContain('HorizontalPodAutoscaler');
  expect(the('Deployment', gateway({ replicas: 3 })).spec.replicas).toBe(3);
  expect(the('Deployment', gateway()).spec).not.toHaveProperty('replicas');
  expect(kinds(gateway({ scaling: { minReplicas: 1 } }))).not.toContain('PodDisruptionBudget');
});

test('open connections get the drain time, and the pod a little more', () => {
  const { spec, metadata } = pod({ drainTime: Duration.seconds(90) });
  expect(spec.terminationGracePeriodSeconds).toBe(100);
  expect(JSON.parse(metadata.annotations['proxy.istio.io/config']).terminationDrainDuration).toBe('90s');
});

test('labels of the chart and of the construct are on the pods', () => {
  const chart = new Chart(newApp(), 'chart', { namespace: 'egress', labels: { team: 'platform' } });
  new EgressGateway(chart, 'exit', { labels: { tier: 'edge' }, revision: 'canary' });
  const manifests = Testing.synth(chart);
  expect(the('Deployment', manifests).metadata.labels).toEqual({
    team: 'platform',
    tier: 'edge',
    'cdk8s-istio-egress/owner': 'egress',
  });
  expect(the('Deployment', manifests).spec.template.metadata.labels).toMatchObject({
    team: 'platform',
    tier: 'edge',
    'istio.io/rev': 'canary',
  });
});

test('no label has a Gateway for another gateway select the pods', () => {
  const other = { app: 'istio-egressgateway', istio: 'egressgateway' };
  const chart = new Chart(newApp(), 'chart', { namespace: 'egress', labels: { app: other.app } });
  new EgressGateway(chart, 'exit', { labels: { istio: other.istio } });
  const deployment = the('Deployment', Testing.synth(chart));
  expect(deployment.metadata.labels).toMatchObject(other);
  for (const name of Object.keys(other)) expect(deployment.spec.template.metadata.labels).not.toHaveProperty(name);
});

test('two gateways of one namespace share nothing', () => {
  const manifests = manifestsOf((chart) => {
    new EgressGateway(chart, 'one', { name: 'one' }).lockdown();
    new EgressGateway(chart, 'two', { name: 'two' }).lockdown();
  }, 'egress');
  const names = manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
  expect(new Set(names).size).toBe(names.length);
  const text = (part: string) => JSON.stringify(manifests.filter(({ metadata }) => metadata.name.startsWith(part)));
  expect(text('one')).not.toMatch(/"two/);
  expect(text('two')).not.toMatch(/"one/);
});

test('two gateways of one name stop synth', () => {
  const error = errorOf(() =>
    manifestsOf((chart) => {
      new EgressGateway(chart, 'one');
      new EgressGateway(chart, 'two');
    }, 'egress'),
  );
  expect(error).toMatch(
    /\[chart\/two\] gateway-conflict: the gateway egress\/egress-gateway is installed here and by \[chart\/one\]/,
  );
});

test('a namespace of the app without injection stops synth', () => {
  const error = errorOf(() =>
    manifestsOf((chart) => {
      new ApiObject(chart, 'namespace', {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'egress', labels: { 'istio-injection': 'disabled' } },
      });
      new EgressGateway(chart, 'exit');
    }, 'egress'),
  );
  expect(error).toMatch(
    /\[chart\/exit\] gateway-not-injected: .*nothing is injected in its namespace \(egress \[chart\/namespace\]\)/,
  );
});

test('another app describes it by namespace and name alone', () => {
  const app = newApp();
  const exit = new EgressGateway(new Chart(app, 'platform', { namespace: 'egress' }), 'exit', {
    trustDomain: 'example.org',
  });
  const described = GatewayInstallation.egressGateway({ namespace: 'egress', trustDomain: 'example.org' });
  expect({ ...described }).toEqual({ ...exit.installation });

  const objects = (reference: boolean) =>
    manifestsOf(
      (chart) =>
        new GatewayEgress(chart, 'site', {
          gateway: reference ? InstalledEgressGateway.fromInstallation(chart, 'exit', described) : exit,
          hosts: ['www.example.com'],
          callers: [Caller.serviceAccount('payments', 'checkout')],
        }),
    );
  expect(objects(true)).toEqual(objects(false));
});

test("a GatewayEgress adds only what it needs to the gateway's namespace", () => {
  const app = newApp();
  const exit = new EgressGateway(new Chart(app, 'platform', { namespace: 'egress' }), 'exit');
  const before = allManifests(app);
  new GatewayEgress(new Chart(app, 'shop', { namespace: 'shop' }), 'site', {
    gateway: exit,
    hosts: ['a.example.com'],
    callers: [Caller.serviceAccount('shop', 'checkout')],
  });
  expect(
    allManifests(app).filter(({ metadata }) => before.some((other) => other.metadata.name === metadata.name)),
  ).toEqual(before);
});

test('all problems of bad input are in one error', () => {
  expect(
    refusal({
      name: 'Exit',
      replicas: 2,
      scaling: { minReplicas: 0, maxReplicas: 0.5, targetCpuPercent: -1 },
      resources: { cpuLimit: 'two', memoryLimit: '0' },
      targetPort: 15021,
      drainTime: Duration.millis(5),
      revision: 'A',
      nodeSelector: {},
      labels: { 'istio.io/rev': 'x' },
      podAnnotations: { 'proxy.istio.io/config': '{}' },
    }),
  ).toMatchInlineSnapshot(`
   "[chart/exit] EgressGateway: 12 problems:
     - name: "Exit" is not a valid name of a gateway: Kubernetes allows at most 63 lower-case letters, digits and "-", beginning and ending with a letter or digit
     - revision: "A" is not a valid revision: Kubernetes allows at most 63 lower-case letters, digits and "-", beginning and ending with a letter or digit
     - targetPort: the proxy itself listens on port 15021; choose another port, such as 8443
     - scaling.minReplicas: 0 is not a whole number from 1 to 2147483647
     - scaling.maxReplicas: 0.5 is not a whole number from 1 to 2147483647
     - scaling.targetCpuPercent: -1 is not a whole number from 1 to 2147483647
     - resources.cpuLimit: "two" is not a valid amount for Kubernetes; write CPU as "500m" or "2", memory as "256Mi" or "1Gi"
     - resources.memoryLimit: "0" is not a valid amount for Kubernetes; write CPU as "500m" or "2", memory as "256Mi" or "1Gi"
     - drainTime: 5 ms is too short: open connections would be cut at every rollout; write at least Duration.seconds(1)
     - replicas, scaling: both are given, but the autoscaler would override a fixed number; keep one
     - labels: istio.io/rev is reserved, because the pods are injected and selected by such names; leave out every name under istio.io/ and cdk8s-istio-egress/
     - podAnnotations: proxy.istio.io/config is reserved, because the pods are injected and selected by such names; leave out every name under istio.io/ and cdk8s-istio-egress/"
  `);
});

test('a missing namespace is refused', () => {
  const chart = new Chart(newApp(), 'chart');
  expect(errorOf(() => new EgressGateway(chart, 'exit'))).toMatch(
    /\[chart\/exit\] EgressGateway: namespace: none given/,
  );
});
