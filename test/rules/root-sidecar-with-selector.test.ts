import { istio, reported } from './support';

const code = 'root-sidecar-with-selector';
const selective = istio('Sidecar', 'istio-system/metrics', {
  workloadSelector: { labels: { app: 'prometheus' } },
  egress: [{ hosts: ['*/*'] }],
});

test('a default beside it shows that the selector is meant', () => {
  expect(reported(code, [selective])).toEqual(['istio-system/metrics']);
  expect(reported(code, [selective], { rootNamespace: 'mesh' })).toEqual([]);
  expect(
    reported(code, [
      selective,
      istio('Sidecar', 'istio-system/default', { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }),
    ]),
  ).toEqual([]);
});

test('so do workloads that it selects', () => {
  const deployment = (app: string) => ({
    manifest: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: app, namespace: 'istio-system' },
      spec: { template: { metadata: { labels: { app } } } },
    },
    origin: app,
  });
  expect(reported(code, [selective, deployment('prometheus')])).toEqual([]);
  expect(reported(code, [selective, deployment('grafana')])).toEqual(['istio-system/metrics']);
});
