import { istioObject } from './_examples';
import { Rule } from './rule';
import { podTemplateOf, podTemplatePath } from '../istio/pod-templates';
import { DEFAULT_CLUSTER_DOMAIN, serviceHost } from '../istio/service-names';
import { describe, Indexed, IstioObject, ordered } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { isOnMesh } from '../manifests/routes';
import { selects } from '../manifests/selectors';
import { importedHosts, imports } from '../manifests/sidecar-imports';
import { isSeenFrom } from '../manifests/visibility';
import { Grouping, groupBy } from '../values/grouping';

const example = (hosts: string) => `
${istioObject('Sidecar', 'shop/default')}
spec: { egress: [{ hosts: ["./*", ${hosts}] }], outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: shop }
data: { STOCK_URL: "http://items.stock.svc:8080/" }
`;

export const sidecarHidesService: Rule = {
  code: 'sidecar-hides-service',
  severity: 'warning',
  title: 'A Sidecar that does not import a Service that its workloads name',
  reason:
    'A workload sees only the hosts that its Sidecar imports; with REGISTRY_ONLY, calls to any other Service of the ' +
    'mesh are refused (502).',
  cure: 'Add `<namespace of the Service>/*` to the egress hosts of the Sidecar (`imports` of a RegistryOnlyMesh).',
  see: 'https://istio.io/latest/docs/reference/config/networking/sidecar/#IstioEgressListener',
  good: example('"istio-system/*", "stock/*"'),
  bad: example('"istio-system/*"'),
  *check(index) {
    const sidecars = groupBy(index.ofKind('Sidecar'), (sidecar) => sidecar.namespace);
    if (sidecars.size === 0) return;
    const services = new Set(index.services.map(({ namespace, name }) => `${name}.${namespace}`));
    const acting = actingSidecars(sidecars, index.rootNamespace);
    for (const object of [...index.podTemplates, ...index.inGroup('', 'ConfigMap')]) {
      const sidecar = acting(object);
      if (!sidecar || !importedHosts(sidecar) || sidecar.spec.outboundTrafficPolicy?.mode === 'ALLOW_ANY') continue;
      for (const { name, namespace } of mentioned(object, services, index.clusterDomain)) {
        const host = serviceHost(name, namespace, index.clusterDomain);
        if (namespace === object.namespace || imports(sidecar, object.namespace, namespace, host)) continue;
        if (isDestination(index, host, object.namespace)) continue;
        yield {
          message: `${describe(sidecar)} does not import ${host}, which ${describe(object)} names.`,
          field: 'spec.egress[0].hosts',
          objects: [sidecar, object],
        };
      }
    }
  },
};

/** The Sidecar in force for pods of a template; for a ConfigMap, the default of its namespace. */
function actingSidecars(sidecars: Grouping<string, IstioObject<'Sidecar'>>, rootNamespace: string) {
  const inOrder = new Map<string, readonly IstioObject<'Sidecar'>[]>();
  const of = (namespace: string) => {
    if (!inOrder.has(namespace)) inOrder.set(namespace, ordered(sidecars.get(namespace)));
    return inOrder.get(namespace)!;
  };
  return (object: Indexed): IstioObject<'Sidecar'> | undefined => {
    const isTemplate = podTemplatePath(object.manifest) !== undefined;
    const labels = isTemplate ? (podTemplateOf(object.manifest)?.metadata?.labels ?? {}) : {};
    return (
      of(object.namespace).find(
        ({ spec }) => isTemplate && spec.workloadSelector && selects(spec.workloadSelector.labels, labels),
      ) ??
      of(object.namespace).find(({ spec }) => !spec.workloadSelector) ??
      of(rootNamespace).find(({ spec }) => !spec.workloadSelector)
    );
  };
}

/** Names of Services in environment variables, arguments and data: with `.svc`, or of a Service among the manifests. */
function mentioned(
  object: Indexed,
  services: ReadonlySet<string>,
  clusterDomain = DEFAULT_CLUSTER_DOMAIN,
): { name: string; namespace: string }[] {
  const template = podTemplateOf(object.manifest)?.spec;
  const text = JSON.stringify(
    object.kind === 'ConfigMap' ? object.manifest.data : [template?.containers, template?.initContainers],
  );
  const found = new Map<string, { name: string; namespace: string }>();
  for (const [, name, namespace, suffix] of (text ?? '').matchAll(NAME)) {
    const isService = suffix === undefined ? services.has(`${name}.${namespace}`) : suffix === '.svc';
    if (isService || suffix?.replace(/\.$/, '') === `.svc.${clusterDomain}`)
      found.set(`${name}.${namespace}`, { name, namespace });
  }
  return [...found.values()];
}

/** `<name>.<namespace>`, and what may follow: `.svc.cluster.local`. */
const NAME =
  /(?<![-.\w])([a-z](?:[-a-z0-9]*[a-z0-9])?)\.([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)(\.svc(?:\.[a-z0-9][-a-z0-9.]*)?)?(?![-\w]|\.\w)/g;

/** The destinations of a route are imported with it. */
function isDestination(index: ManifestIndex, host: string, namespace: string): boolean {
  return index.hopsByHost
    .get(host)
    .some(({ virtualService }) => isOnMesh(virtualService) && isSeenFrom(virtualService, namespace));
}
