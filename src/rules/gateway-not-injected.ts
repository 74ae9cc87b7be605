import { Rule } from './rule';
import { INJECT, INJECTION, PROXY_CONTAINER } from '../istio/injection';
import { PodTemplateSpec } from '../istio/pod-templates';
import { describe, Indexed } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';

export const gatewayNotInjected: Rule = {
  code: 'gateway-not-injected',
  severity: 'error',
  title: 'A gateway whose proxy is excluded from injection',
  reason:
    'Injection replaces the image "auto". Where injection is disabled, the pods never start, and every request that ' +
    'should go through them fails.',
  cure:
    'Remove the label `istio-injection: disabled` from the namespace, or `sidecar.istio.io/inject: "false"` from the ' +
    'pods.',
  see: 'https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/#customizing-injection',
  good: `
apiVersion: v1
kind: Namespace
metadata: { name: egress }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: exit, namespace: egress }
spec:
  template:
    metadata: { labels: { sidecar.istio.io/inject: "true" } }
    spec: { containers: [{ name: istio-proxy, image: auto }] }
`,
  bad: `
apiVersion: apps/v1
kind: Deployment
metadata: { name: exit, namespace: shop }
spec:
  template:
    metadata: { labels: { sidecar.istio.io/inject: "false" } }
    spec: { containers: [{ name: istio-proxy, image: auto }] }
`,
  *check(index) {
    for (const workload of index.podTemplates.filter(waitsForImage)) {
      if (templateOf(workload)?.metadata?.labels?.[INJECT] === 'false') {
        yield {
          message: `${describe(workload)} disables injection, but its proxy has the image "auto".`,
          field: 'spec.template.metadata.labels',
          objects: [workload],
        };
      }
      for (const namespace of closedNamespaces(index).filter(({ name }) => name === workload.namespace)) {
        const message =
          `${describe(workload)} has a proxy with the image "auto", but nothing is injected in its namespace ` +
          `(${namespace.name} [${namespace.origin}]).`;
        yield { message, field: 'metadata.namespace', objects: [workload, namespace] };
      }
    }
  },
};

function templateOf({ spec }: Indexed): PodTemplateSpec | undefined {
  return (spec as { readonly template?: PodTemplateSpec } | undefined)?.template;
}

function waitsForImage(workload: Indexed): boolean {
  const containers = templateOf(workload)?.spec?.containers;
  return (
    Array.isArray(containers) &&
    containers.some((container) => container?.name === PROXY_CONTAINER && container.image === 'auto')
  );
}

function closedNamespaces(index: ManifestIndex): readonly Indexed[] {
  return index.inGroup('', 'Namespace').filter(({ manifest }) => manifest.metadata.labels?.[INJECTION] === 'disabled');
}
