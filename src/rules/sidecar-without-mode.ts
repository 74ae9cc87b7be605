import { Rule } from './rule';
import { describe, Indexed, ordered } from '../manifests/indexed';

export const sidecarWithoutMode: Rule = {
  code: 'sidecar-without-mode',
  title: "A Sidecar without a mode, beside a mesh that is locked by the root namespace's Sidecar",
  reason:
    "A Sidecar that names no outboundTrafficPolicy takes the mesh configuration's, not the root Sidecar's: it " +
    'opens its namespace again.',
  cure:
    'Write outboundTrafficPolicy: { mode: REGISTRY_ONLY } into it, or lock the namespace with RegistryOnlyMesh ' +
    'and `namespaces`.',
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
  *check(index) {
    const sidecars = index.ofKind('Sidecar');
    const isDefault = ({ namespace, spec }: Indexed) => namespace === index.rootNamespace && !spec.workloadSelector;
    const [lock] = ordered(
      sidecars.filter((sidecar) => isDefault(sidecar) && locks(sidecar.spec.outboundTrafficPolicy)),
    );
    if (!lock) return;
    for (const sidecar of sidecars) {
      // Another default in the root namespace is a conflict of its own.
      if (sidecar.spec.outboundTrafficPolicy || isDefault(sidecar)) continue;
      yield {
        message:
          `${describe(sidecar)} names no outboundTrafficPolicy, so its workloads in namespace ` +
          `${sidecar.namespace} are not held to the lock of ${describe(lock)}.`,
        objects: [sidecar, lock],
      };
    }
  },
};

/** REGISTRY_ONLY is the zero of the API, so `outboundTrafficPolicy: {}` says the same. */
function locks(policy: any): boolean {
  return policy !== undefined && policy !== null && (policy.mode ?? 'REGISTRY_ONLY') === 'REGISTRY_ONLY';
}
