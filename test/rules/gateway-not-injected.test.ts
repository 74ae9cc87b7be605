import { reported } from './support';
import { EgressObject } from '../../src/rules';

const code = 'gateway-not-injected';
const namespace = (name: string, labels: Record<string, string>): EgressObject => ({
  manifest: { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
  origin: `namespace ${name}`,
});
const gateway = (inject: string | undefined = 'true', image = 'auto', kind = 'Deployment'): EgressObject => ({
  manifest: {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: 'exit', namespace: 'egress' },
    spec: {
      template: {
        metadata: { labels: { 'sidecar.istio.io/inject': inject } },
        spec: { containers: [{ name: 'istio-proxy', image }] },
      },
    },
  },
  origin: 'gateway',
});

test.each(['Deployment', 'DaemonSet'])('a %s in a namespace with injection disabled is reported', (kind) => {
  expect(
    reported(code, [namespace('egress', { 'istio-injection': 'disabled' }), gateway('true', 'auto', kind)]),
  ).toEqual(['gateway namespace egress']);
});

test('so is one whose pods disable injection', () => {
  expect(reported(code, [gateway('false')])).toEqual(['gateway']);
});

test('other namespaces, namespaces without the label, and proxies with an image of their own are not', () => {
  expect(
    reported(code, [
      namespace('other', { 'istio-injection': 'disabled' }),
      namespace('egress', { 'istio-injection': 'enabled' }),
      gateway(),
      gateway(undefined),
      gateway('false', 'docker.io/istio/proxyv2:1.31'),
    ]),
  ).toEqual([]);
});
