import { istioObject } from './_examples';
import { Rule, Violation } from './rule';
import { groupBy } from '../values/grouping';
import { canonical, describeAll, IstioObject, ordered } from '../manifests/indexed';
import { selects } from '../manifests/selectors';

export const defaultSidecarConflict: Rule = {
  code: 'default-sidecar-conflict',
  severity: 'warning',
  title: 'Two Sidecars for the same workloads of a namespace',
  reason:
    'Istio never merges Sidecars: of two for the same workloads it uses the older one, and the other has no effect ' +
    '(IST0110, IST0111).',
  cure: 'Keep one Sidecar, or use selectors that no workload matches together.',
  see: 'https://istio.io/latest/docs/reference/config/analysis/ist0111/',
  good: `
${istioObject('Sidecar', 'shop/default')}
spec: { outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
---
${istioObject('Sidecar', 'shop/crawler')}
spec: { workloadSelector: { labels: { app: crawler } }, outboundTrafficPolicy: { mode: ALLOW_ANY } }
`,
  bad: `
${istioObject('Sidecar', 'shop/default')}
spec: { outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
---
${istioObject('Sidecar', 'shop/team')}
spec: { outboundTrafficPolicy: { mode: ALLOW_ANY } }
`,
  *check(index) {
    for (const sidecars of groupBy(index.ofKind('Sidecar'), (sidecar) => sidecar.namespace).several.values())
      yield* inNamespace(sidecars);
  },
};

function* inNamespace(sidecars: IstioObject<'Sidecar'>[]): Iterable<Violation> {
  const same = groupBy(sidecars, ({ spec }) =>
    spec.workloadSelector ? canonical(spec.workloadSelector.labels ?? {}) : '',
  );
  for (const group of same.several.values()) {
    const all = ordered(group);
    yield {
      message:
        `${describeAll(all)} select the same workloads of namespace ${all[0].namespace}; Istio uses only the ` +
        'oldest.',
      field: 'spec.workloadSelector',
      objects: all,
    };
  }
  // Every workload that the narrow selector matches, the wide one matches too.
  const selective = [...same.keys()].filter((key) => key !== '').map((key) => same.get(key)[0]);
  for (const narrow of selective) {
    for (const wide of selective) {
      if (wide === narrow || !selects(labelsOf(wide), labelsOf(narrow))) continue;
      yield {
        message:
          `${describeAll([narrow, wide])} both select the workloads of the first; ` + 'Istio uses only the older one.',
        field: 'spec.workloadSelector',
        objects: [narrow, wide],
      };
    }
  }
}

function labelsOf(sidecar: IstioObject<'Sidecar'>): Record<string, string> {
  return sidecar.spec.workloadSelector?.labels ?? {};
}
