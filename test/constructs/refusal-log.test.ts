import { Chart } from 'cdk8s';
import { RefusalLog, RefusalLogProps } from '../../src/constructs/refusal-log';
import { admissionProblems } from '../support/admission';
import { errorOf, manifestsOf, refusal, the } from '../support/app';
import { helmGateway } from '../support/helm-gateway';

const log = (props?: (chart: Chart) => RefusalLogProps, namespace?: string) =>
  manifestsOf((chart) => new RefusalLog(chart, 'refused', props?.(chart)), namespace);

test("for the sidecars of the chart's namespace, on the way out only", () => {
  const telemetry = the('Telemetry', log());
  expect(telemetry.metadata).toEqual({
    name: 'refused-calls',
    namespace: 'payments',
    labels: { 'cdk8s-istio-egress/owner': 'payments' },
    annotations: { 'cdk8s-istio-egress/constructs': 'chart/refused' },
  });
  expect(telemetry.spec).toEqual({
    accessLogging: [
      {
        match: { mode: 'CLIENT' },
        providers: [{ name: 'envoy' }],
        filter: { expression: expect.stringContaining('via_upstream') },
      },
    ],
  });
  expect(admissionProblems(telemetry)).toEqual([]);
});

test('for the pods of a gateway, by another provider, with labels', () => {
  const telemetry = the(
    'Telemetry',
    log((chart) => ({
      gateway: helmGateway(chart),
      provider: 'otel',
      labels: { team: 'platform' },
      annotations: { why: 'audit' },
    })),
  );
  expect(telemetry.metadata).toEqual({
    name: 'istio-egressgateway-refused-calls',
    namespace: 'egress',
    labels: { team: 'platform', 'cdk8s-istio-egress/owner': 'payments' },
    annotations: { why: 'audit', 'cdk8s-istio-egress/constructs': 'chart/refused' },
  });
  expect(telemetry.spec.selector).toEqual({ matchLabels: { app: 'istio-egressgateway', istio: 'egressgateway' } });
  expect(telemetry.spec.accessLogging[0].providers).toEqual([{ name: 'otel' }]);
  expect(admissionProblems(telemetry)).toEqual([]);
});

test.each<[string, (chart: Chart) => RefusalLogProps, RegExp]>([
  [
    'a namespace beside a gateway',
    (chart) => ({ namespace: 'shop', gateway: helmGateway(chart) }),
    /\[chart\/refused\] RefusalLog: namespace: "shop" is not that of `gateway`, whose pods are in "egress"/,
  ],
  ['what is not a valid namespace', () => ({ namespace: 'Shop' }), /namespace: "Shop" is not a valid namespace/],
  ['an empty provider', () => ({ provider: ' ' }), /provider: empty/],
  ['a label that is none', () => ({ labels: { 'a b': 'c' } }), /labels: /],
])('%s is refused', (_what, props, says) => {
  expect(errorOf(() => log(props))).toMatch(says);
});

test('a missing namespace is refused', () => {
  expect(
    errorOf(() => manifestsOf((chart) => new RefusalLog(new Chart(chart, 'nowhere'), 'refused'), undefined)),
  ).toMatch(/namespace: none given/);
});

test('two for one namespace stop synth: Istio allows one', () => {
  const { message, written } = refusal((app) => {
    new RefusalLog(new Chart(app, 'one', { namespace: 'shop' }), 'refused');
    new RefusalLog(new Chart(app, 'two', { namespace: 'shop' }), 'refused');
  });
  expect(message).toContain('duplicate-object');
  expect(written).toEqual([]);
});
