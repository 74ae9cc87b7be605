import { App, Chart } from 'cdk8s';
import { EgressGateway } from '../../src/constructs/egress-gateway';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { NoTraceContext } from '../../src/constructs/no-trace-context';
import { GatewayInstallation } from '../../src/values/gateway-installation';
import { admissionProblems } from '../support/admission';
import { newApp, the } from '../support/app';

const telemetry = (build: (chart: Chart) => unknown, version?: string) => {
  const app: App = newApp();
  if (version !== undefined) app.node.setContext('istioVersion', version);
  const chart = new Chart(app, 'chart', { namespace: 'shop' });
  build(chart);
  const manifest = the('Telemetry', chart.toJson());
  expect(admissionProblems(manifest)).toEqual([]);
  return manifest;
};

test('for the sidecars of a namespace, on the way out only, beside the Telemetry that it has', () => {
  expect(telemetry((chart) => new NoTraceContext(chart, 'trace'))).toMatchObject({
    metadata: { name: 'trace-context', namespace: 'shop' },
    spec: {
      selector: { matchLabels: { 'security.istio.io/tlsMode': 'istio' } },
      tracing: [{ match: { mode: 'CLIENT' }, disableContextPropagation: true }],
    },
  });
});

test('for the pods of a gateway that somebody else installed', () => {
  const manifest = telemetry((chart) => {
    const installation = GatewayInstallation.helmChart({ namespace: 'egress' });
    new NoTraceContext(chart, 'trace', {
      gateway: InstalledEgressGateway.fromInstallation(chart, 'exit', installation),
    });
  });
  expect(manifest).toMatchObject({
    metadata: { name: 'istio-egressgateway-trace-context', namespace: 'egress' },
    spec: {
      selector: { matchLabels: { app: 'istio-egressgateway', istio: 'egressgateway' } },
      tracing: [{ disableContextPropagation: true }],
    },
  });
});

test('an EgressGateway has it by itself', () => {
  const manifest = telemetry((chart) => new EgressGateway(chart, 'exit', { namespace: 'egress' }));
  expect(manifest).toMatchObject({
    metadata: { name: 'egress-gateway-trace-context', namespace: 'egress' },
    spec: {
      selector: { matchLabels: { 'cdk8s-istio-egress/gateway': 'egress-gateway.egress' } },
      tracing: [{ disableContextPropagation: true }],
    },
  });
});

test('a release that does not know the field stops reporting spans instead', () => {
  const build = (chart: Chart) => new NoTraceContext(chart, 'trace');
  expect(telemetry(build, '1.29').spec.tracing).toEqual([{ match: { mode: 'CLIENT' }, disableSpanReporting: true }]);
  expect(telemetry(build, '1.30').spec.tracing).toEqual([
    { match: { mode: 'CLIENT' }, disableContextPropagation: true },
  ]);
});
