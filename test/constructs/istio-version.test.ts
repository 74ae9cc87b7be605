import { App, Chart } from 'cdk8s';
import { GatewayEgress } from '../../src/constructs/gateway-egress';
import { SidecarEgress } from '../../src/constructs/sidecar-egress';
import { Caller } from '../../src/values/caller';
import { errorOf, newApp } from '../support/app';
import { helmGateway } from '../support/helm-gateway';

const declare = (app: App, istioVersion?: string, hosts = ['*.tenants.example.com']) => {
  const chart = new Chart(app, 'chart', { namespace: 'payments' });
  new SidecarEgress(chart, 'sites', { hosts, istioVersion });
  return chart.toJson();
};
const forVersion = (version: unknown): App => {
  const app = newApp();
  app.node.setContext('istioVersion', version);
  return app;
};

test('by default it is the newest proven release', () => {
  expect(() => declare(newApp())).not.toThrow();
});

test('it can be stated once for the app, or at a construct, which takes precedence', () => {
  expect(errorOf(() => declare(forVersion('1.29')))).toMatch(/Istio 1\.29 cannot/);
  expect(() => declare(forVersion('1.30'))).not.toThrow();
  expect(() => declare(forVersion('1.29'), '1.31')).not.toThrow();
  expect(errorOf(() => declare(forVersion('1.31'), '1.29'))).toMatch(/Istio 1\.29 cannot/);
});

test('features of every release are emitted alike for all', () => {
  const plain = declare(newApp(), undefined, ['www.example.com']);
  for (const version of ['1.29', 'v1.29.6', '1.30', '1.31', '1.40'])
    expect(declare(newApp(), version, ['www.example.com'])).toEqual(plain);
});

test.each([
  ['1.28', /"1\.28" is older than 1\.29/],
  ['1.4.10', /"1\.4\.10" is older than 1\.29/],
  ['latest', /"latest" is not a release of Istio; write one such as "1\.31"/],
  ['2.0', /"2\.0" is not a release of Istio/],
  ['', /"" is not a release of Istio/],
])('"%s" is refused, wherever it is stated', (version, says) => {
  expect(errorOf(() => declare(newApp(), version, ['www.example.com']))).toMatch(
    new RegExp(`istioVersion: ${says.source}`),
  );
  expect(errorOf(() => declare(forVersion(version), undefined, ['www.example.com']))).toMatch(
    new RegExp(`context "istioVersion": ${says.source}`),
  );
  expect(
    errorOf(() => {
      const chart = new Chart(newApp(), 'chart', { namespace: 'payments' });
      const gateway = helmGateway(chart);
      new GatewayEgress(chart, 'x', {
        gateway,
        hosts: ['www.example.com'],
        callers: [Caller.serviceAccount('payments', 'app')],
        istioVersion: version,
      });
    }),
  ).toMatch(says);
});

test('a context value of another kind is refused too', () => {
  expect(errorOf(() => declare(forVersion(1.3), undefined, ['www.example.com']))).toMatch(
    /1\.3 is not a release of Istio/,
  );
});
