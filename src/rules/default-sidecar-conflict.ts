import { append, called, canonical, Indexed } from './manifest-index';
import { Rule } from './rule';

export const defaultSidecarConflict: Rule = {
  code: 'default-sidecar-conflict',
  title: 'Two Sidecars for the same workloads of a namespace',
  reason: 'Sidecars are never merged; of two for the same workloads Istio picks one, and says nothing about which (IST0110, IST0111).',
  cure: 'Keep one Sidecar, or give the selectors different labels.',
  see: 'https://istio.io/latest/docs/reference/config/analysis/ist0111/',
  good: `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: default, namespace: shop }
spec: { outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: crawler, namespace: shop }
spec: { workloadSelector: { labels: { app: crawler } }, outboundTrafficPolicy: { mode: ALLOW_ANY } }
`,
  bad: `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: default, namespace: shop }
spec: { outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: team, namespace: shop }
spec: { outboundTrafficPolicy: { mode: ALLOW_ANY } }
`,
  check(index) {
    const byTarget = new Map<string, Indexed[]>();
    for (const sidecar of index.ofKind('Sidecar')) {
      append(byTarget, `${sidecar.namespace} ${canonical(sidecar.spec.workloadSelector?.labels ?? {})}`, sidecar);
    }
    return [...byTarget.values()].filter(same => same.length > 1).map(same => ({
      message: `${same.map(called).join(' and ')} are for the same workloads of namespace ${same[0].namespace}; Istio picks one of them.`,
      objects: same,
    }));
  },
};
