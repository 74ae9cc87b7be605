import { ApiObject, App, Chart, Cron, JsonPatch } from 'cdk8s';
import * as kplus from 'cdk8s-plus-33';
import { KubeCronJob, KubeDeployment } from 'cdk8s-plus-33/lib/imports/k8s';
import { Construct } from 'constructs';
import { DirectEgress, DirectEgressProps } from '../../src/constructs/direct-egress';
import { newApp, refusal } from '../support/app';
import { deployment } from '../support/workloads';

const RANGE = '203.0.113.40/32';
const EXCLUDED = { 'traffic.sidecar.istio.io/excludeOutboundIPRanges': RANGE };
const containers = [{ name: 'app', image: 'app' }];

const chartOf = (app: App = newApp()) => new Chart(app, 'chart', { namespace: 'payments' });
const annotationsIn = (manifest: any) =>
  (manifest.spec.jobTemplate?.spec.template ?? manifest.spec.template ?? manifest).metadata?.annotations;
const raw =
  (kind: string, apiVersion: string, spec: object, metadata: object = {}) =>
  (chart: Chart) =>
    new ApiObject(chart, 'app', { kind, apiVersion, metadata, spec } as any);

test.each<[string, (chart: Chart) => Construct]>([
  ['an ApiObject', deployment],
  [
    'an ApiObject without metadata on its template',
    raw('Deployment', 'apps/v1', { template: { spec: { containers } } }),
  ],
  ['a Pod', raw('Pod', 'v1', { containers })],
  [
    'a CronJob',
    raw('CronJob', 'batch/v1', { schedule: '@daily', jobTemplate: { spec: { template: { spec: { containers } } } } }),
  ],
  [
    'a kind that nobody here knows',
    raw('Rollout', 'argoproj.io/v1alpha1', { template: { metadata: {}, spec: { containers } } }),
  ],
  [
    'a generated class',
    (chart) => new KubeDeployment(chart, 'app', { spec: { selector: {}, template: { spec: { containers } } } }),
  ],
  [
    'a generated class of jobs',
    (chart) =>
      new KubeCronJob(chart, 'app', {
        spec: { schedule: '@daily', jobTemplate: { spec: { template: { spec: { containers } } } } },
      }),
  ],
  ['a construct around one workload', (chart) => deployment(new Construct(chart, 'service')).node.scope as Construct],
  ['a Deployment of cdk8s-plus', (chart) => new kplus.Deployment(chart, 'app', { containers: [{ image: 'app' }] })],
  [
    'a StatefulSet of cdk8s-plus',
    (chart) => new kplus.StatefulSet(chart, 'app', { containers: [{ image: 'app', portNumber: 80 }] }),
  ],
  ['a DaemonSet of cdk8s-plus', (chart) => new kplus.DaemonSet(chart, 'app', { containers: [{ image: 'app' }] })],
  ['a Job of cdk8s-plus', (chart) => new kplus.Job(chart, 'app', { containers: [{ image: 'app' }] })],
  [
    'a CronJob of cdk8s-plus',
    (chart) => new kplus.CronJob(chart, 'app', { schedule: Cron.daily(), containers: [{ image: 'app' }] }),
  ],
  ['a Pod of cdk8s-plus', (chart) => new kplus.Pod(chart, 'app', { containers: [{ image: 'app' }] })],
])('%s has the annotations on its pods, and nowhere else', (_what, make) => {
  const chart = chartOf();
  const workload = make(chart);
  const before = chart.toJson();
  new DirectEgress(chart, 'mainframe', { workloads: [workload], toCidrs: [RANGE], reason: 'no proxy speaks it' });
  const manifests = chart.toJson();
  const manifest = manifests.find((candidate: any) => candidate.kind !== 'Service');
  expect(annotationsIn(manifest)).toMatchObject({
    ...EXCLUDED,
    'cdk8s-istio-egress/direct-egress': 'no proxy speaks it',
  });
  if (manifest.kind !== 'Pod') expect(manifest.metadata.annotations).toBeUndefined();
  expect(manifests).toHaveLength(before.length);
});

function annotated(...all: Omit<DirectEgressProps, 'workloads'>[]): Record<string, string> {
  const chart = chartOf();
  const workload = deployment(chart);
  all.forEach((props, index) => new DirectEgress(chart, `direct-${index}`, { workloads: [workload], ...props }));
  (chart.node.root as App).synth();
  return annotationsIn(chart.toJson()[0]);
}

test('ranges and ports are lists without blanks, as the injector reads them', () => {
  expect(annotated({ toCidrs: [RANGE, '2001:db8::/32'], toPorts: [22, 5432] })).toEqual({
    'traffic.sidecar.istio.io/excludeOutboundIPRanges': `${RANGE},2001:db8::/32`,
    'traffic.sidecar.istio.io/excludeOutboundPorts': '22,5432',
    'cdk8s-istio-egress/direct-egress': 'past the sidecar',
  });
});

test('capturing only certain ranges has its own annotation', () => {
  expect(annotated({ unsafeCaptureOnlyCidrs: ['10.0.0.0/8'] })).toEqual({
    'traffic.sidecar.istio.io/includeOutboundIPRanges': '10.0.0.0/8',
    'cdk8s-istio-egress/direct-egress': 'past the sidecar',
  });
});

test('several for one workload add up, each range once', () => {
  expect(
    annotated(
      { toCidrs: [RANGE], reason: 'mainframe' },
      { toPorts: [22], reason: 'backup' },
      { toCidrs: [RANGE, '198.51.100.0/24'], reason: 'mainframe' },
    ),
  ).toEqual({
    'traffic.sidecar.istio.io/excludeOutboundIPRanges': `${RANGE},198.51.100.0/24`,
    'traffic.sidecar.istio.io/excludeOutboundPorts': '22',
    'cdk8s-istio-egress/direct-egress': 'mainframe; backup',
  });
});

test('of several that name what is captured, all of it is', () => {
  const both = annotated({ unsafeCaptureOnlyCidrs: ['10.0.0.0/8'] }, { unsafeCaptureOnlyCidrs: ['192.168.0.0/16'] });
  expect(both['traffic.sidecar.istio.io/includeOutboundIPRanges']).toBe('10.0.0.0/8,192.168.0.0/16');
});

test('several for one workload of cdk8s-plus add up too', () => {
  const chart = chartOf();
  const workload = new kplus.Deployment(chart, 'app', { containers: [{ image: 'app' }] });
  new DirectEgress(chart, 'one', { workloads: [workload], toPorts: [22] });
  new DirectEgress(chart, 'other', { workloads: [workload], toPorts: [5432] });
  expect(annotationsIn(chart.toJson()[0])['traffic.sidecar.istio.io/excludeOutboundPorts']).toBe('22,5432');
});

test('existing annotations are kept', () => {
  const chart = chartOf();
  new DirectEgress(chart, 'direct', {
    workloads: [deployment(chart, 'app', { metadata: { annotations: { 'a/b': 'c' } } })],
    toPorts: [22],
  });
  expect(annotationsIn(chart.toJson()[0])).toMatchObject({
    'a/b': 'c',
    'traffic.sidecar.istio.io/excludeOutboundPorts': '22',
  });
});

test('no other workload is touched', () => {
  const chart = chartOf();
  const [one, other] = [deployment(chart, 'one'), deployment(chart, 'other')];
  new DirectEgress(chart, 'direct', { workloads: [one], toPorts: [22] });
  expect(annotationsIn(other.toJson())).toBeUndefined();
});

test('an annotation of another author is not silently changed', () => {
  const { message } = refusal((app) => {
    const chart = chartOf(app);
    const workload = deployment(chart, 'app', {
      metadata: { annotations: { 'traffic.sidecar.istio.io/excludeOutboundPorts': '25' } },
    });
    new DirectEgress(chart, 'direct', { workloads: [workload], toPorts: [22] });
  });
  expect(message).toBe(
    '[chart/direct] DirectEgress: workloads[0]: [chart/app] already has the annotation ' +
      'traffic.sidecar.istio.io/excludeOutboundPorts: "25"; ' +
      'let either the annotation or DirectEgress decide what bypasses the sidecar',
  );
});

test.each<[string, (chart: Chart) => Construct, (workload: any) => void]>([
  [
    'a patch',
    deployment,
    (workload) =>
      workload.addJsonPatch(
        JsonPatch.replace('/spec/template/metadata/annotations/traffic.sidecar.istio.io~1excludeOutboundPorts', '25'),
      ),
  ],
  [
    'a patch of the template',
    deployment,
    (workload) => workload.addJsonPatch(JsonPatch.remove('/spec/template/metadata')),
  ],
  [
    'cdk8s-plus',
    (chart) => new kplus.Deployment(chart, 'app', { containers: [{ image: 'app' }] }),
    (workload) => workload.podMetadata.addAnnotation('traffic.sidecar.istio.io/excludeOutboundPorts', '25'),
  ],
])('%s that overwrites an annotation later stops synth, and nothing is written', (_what, make, overwrite) => {
  const { message, written } = refusal((app) => {
    const chart = chartOf(app);
    const workload = make(chart);
    new DirectEgress(chart, 'direct', { workloads: [workload], toPorts: [22] });
    overwrite(workload);
  });
  expect(message).toContain(
    '[chart/direct] [chart/app] must have the annotation traffic.sidecar.istio.io/excludeOutboundPorts: "22", ' +
      'but its pod ' +
      'template has',
  );
  expect(message).toContain('leave that annotation to DirectEgress');
  expect(written).toEqual([]);
});

test('a construct with several workloads is refused', () => {
  const { message } = refusal((app) => {
    const chart = chartOf(app);
    deployment(chart, 'one');
    deployment(chart, 'other');
    new DirectEgress(chart, 'direct', { workloads: [chart], toPorts: [22] });
  });
  expect(message).toBe(
    '[chart/direct] DirectEgress: workloads[0]: [chart] contains several workloads (chart/one, chart/other); give ' +
      'one of them',
  );
});

test('a workload that is listed twice is refused', () => {
  const { message } = refusal((app) => {
    const chart = chartOf(app);
    const workload = deployment(chart);
    new DirectEgress(chart, 'direct', { workloads: [workload, workload], toPorts: [22] });
  });
  expect(message).toBe('[chart/direct] DirectEgress: workloads[1]: [chart/app] is listed twice; list it once');
});
