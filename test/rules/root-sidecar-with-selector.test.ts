import { istio, said } from './support';

const code = 'root-sidecar-with-selector';
const selective = istio('Sidecar', 'istio-system/metrics', {
  workloadSelector: { labels: { app: 'prometheus' } },
  egress: [{ hosts: ['*/*'] }],
});

test('a default beside it shows that the selector is meant', () => {
  expect(said(code, [selective])).toEqual(['istio-system/metrics']);
  expect(said(code, [selective], { rootNamespace: 'mesh' })).toEqual([]);
  expect(
    said(code, [
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
  expect(said(code, [selective, deployment('prometheus')])).toEqual([]);
  expect(said(code, [selective, deployment('grafana')])).toEqual(['istio-system/metrics']);
});
