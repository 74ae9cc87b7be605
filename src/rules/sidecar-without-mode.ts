import { called } from './manifest-index';
import { Rule } from './rule';

export const sidecarWithoutMode: Rule = {
  code: 'sidecar-without-mode',
  title: 'A Sidecar without a mode, beside a mesh that is locked by the root namespace\'s Sidecar',
  reason: 'A Sidecar that names no outboundTrafficPolicy takes the mesh configuration\'s, not the root Sidecar\'s: it opens its namespace again.',
  cure: 'Write outboundTrafficPolicy: { mode: REGISTRY_ONLY } into it, or lock the namespace with RegistryOnlyMesh and `namespaces`.',
  good: `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: default, namespace: istio-system }
spec: { outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: default, namespace: shop }
spec: { egress: [{ hosts: ["./*"] }], outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
`,
  bad: `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: default, namespace: istio-system }
spec: { outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: default, namespace: shop }
spec: { egress: [{ hosts: ["./*"] }] }
`,
  check(index) {
    const sidecars = index.ofKind('Sidecar');
    const lock = sidecars.find(({ namespace, spec }) => namespace === index.rootNamespace && !spec.workloadSelector && spec.outboundTrafficPolicy?.mode === 'REGISTRY_ONLY');
    if (!lock) return [];
    return sidecars.filter(({ spec }) => !spec.outboundTrafficPolicy).map(sidecar => ({
      message: `${called(sidecar)} names no outboundTrafficPolicy, so namespace ${sidecar.namespace} is not held to the lock of ${called(lock)}.`,
      objects: [sidecar, lock],
    }));
  },
};
