import { istioObject } from './_examples';
import { Rule } from './rule';
import { podTemplateOf } from '../istio/pod-templates';
import { describe, IstioObject } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { selects } from '../manifests/selectors';

export const rootSidecarWithSelector: Rule = {
  code: 'root-sidecar-with-selector',
  severity: 'warning',
  title: 'A Sidecar with a selector in the root namespace that looks like the mesh default',
  reason: 'With a selector it applies only to pods in the root namespace; it is not the default of the mesh.',
  cure: 'Remove the selector to apply it to the whole mesh, or move it to the namespace of the workloads.',
  good: `
${istioObject('Sidecar', 'istio-system/default')}
spec: { outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
`,
  bad: `
${istioObject('Sidecar', 'istio-system/lock')}
spec: { workloadSelector: { labels: { app: shop } }, outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
`,
  *check(index) {
    const inRoot = index.ofKind('Sidecar').filter(({ namespace }) => namespace === index.rootNamespace);
    // A default, or the selected workloads, among the manifests show that the selector is meant.
    if (inRoot.some(({ spec }) => !spec.workloadSelector)) return;
    for (const sidecar of inRoot) {
      if (hasWorkload(index, sidecar)) continue;
      yield {
        message: `${describe(sidecar)} has a selector, so it applies only to pods in namespace ${sidecar.namespace}.`,
        field: 'spec.workloadSelector',
        objects: [sidecar],
      };
    }
  },
};

function hasWorkload(index: ManifestIndex, sidecar: IstioObject<'Sidecar'>): boolean {
  const selected = sidecar.spec.workloadSelector?.labels;
  return index.podTemplates.some(({ namespace, manifest }) => {
    const labels = podTemplateOf(manifest)?.metadata?.labels;
    return namespace === sidecar.namespace && labels !== undefined && selects(selected, labels);
  });
}
