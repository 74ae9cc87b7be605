import { Rule, Violation } from './rule';
import { groupBy } from '../manifests/grouping';
import { describeAll, canonical, Indexed, ordered } from '../manifests/indexed';
import { selects } from '../manifests/selectors';

export const defaultSidecarConflict: Rule = {
  code: 'default-sidecar-conflict',
  title: 'Two Sidecars for the same workloads of a namespace',
  reason:
    'Sidecars are never merged; of two for the same workloads Istio uses the older one whole, and the other ' +
    'does nothing (IST0110, IST0111).',
  cure: 'Keep one Sidecar, or give the selectors labels that no workload has together.',
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
  *check(index) {
    for (const sidecars of groupBy(index.ofKind('Sidecar'), (sidecar) => sidecar.namespace).several.values())
      yield* inNamespace(sidecars);
  },
};

function* inNamespace(sidecars: Indexed[]): Iterable<Violation> {
  const same = groupBy(sidecars, ({ spec }) =>
    spec.workloadSelector ? canonical(spec.workloadSelector.labels ?? {}) : '',
  );
  for (const group of same.several.values()) {
    const all = ordered(group);
    yield {
      message: `${describeAll(all)} are for the same workloads of namespace ${all[0].namespace}; Istio uses one of them.`,
      objects: all,
    };
  }
  // A selector that another one contains: every workload of the narrow one belongs to the wide one as well.
  const selective = [...same.keys()].filter((key) => key !== '').map((key) => same.get(key)[0]);
  for (const narrow of selective) {
    for (const wide of selective) {
      if (wide === narrow || !selects(labelsOf(wide), labelsOf(narrow))) continue;
      yield {
        message: `${describeAll([narrow, wide])} are both for the workloads of the first one; Istio uses one of them.`,
        objects: [narrow, wide],
      };
    }
  }
}

function labelsOf(sidecar: Indexed): Record<string, string> {
  return sidecar.spec.workloadSelector.labels ?? {};
}
