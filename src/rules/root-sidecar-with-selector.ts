import { called } from './manifest-index';
import { Rule } from './rule';

export const rootSidecarWithSelector: Rule = {
  code: 'root-sidecar-with-selector',
  title: 'A Sidecar with a selector in the root namespace',
  reason: 'With a selector it acts on pods of the root namespace only; it is no default of the mesh.',
  cure: 'Leave the selector out for the whole mesh, or move it to the namespace of the workloads.',
  good: `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: default, namespace: istio-system }
spec: { outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
`,
  bad: `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: default, namespace: istio-system }
spec: { workloadSelector: { labels: { app: shop } }, outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
`,
  check(index) {
    return index.ofKind('Sidecar').filter(({ namespace, spec }) => namespace === index.rootNamespace && spec.workloadSelector).map(sidecar => ({
      message: `${called(sidecar)} has a selector and acts on pods of ${sidecar.namespace} only.`,
      objects: [sidecar],
    }));
  },
};
