import { exampleEntry, istioObject, TLS_PORT } from './_examples';
import { Rule } from './rule';
import { groupBy } from '../values/grouping';
import { describe, IstioObject, ordered } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { isOnMesh } from '../manifests/routes';
import { importedHosts, imports } from '../manifests/sidecar-imports';
import { isPublic, isSeenFrom, visibleIn } from '../manifests/visibility';

const example = (hosts: string) => `
${istioObject('Sidecar', 'shop/default')}
spec: { egress: [{ hosts: [${hosts}] }], outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
---
${exampleEntry(TLS_PORT)}
`;

export const sidecarHidesHost: Rule = {
  code: 'sidecar-hides-host',
  severity: 'warning',
  title: 'A Sidecar that does not import a host declared for its workloads',
  reason:
    'A workload sees only the hosts that its Sidecar imports; every other host is subject to the outbound traffic ' +
    'policy, declared or not.',
  cure: 'Add `./*` or `<namespace of the entry>/<host>` to the egress hosts of the Sidecar.',
  see: 'https://istio.io/latest/docs/reference/config/networking/sidecar/#IstioEgressListener',
  good: example('"./*", "istio-system/*"'),
  bad: example('"istio-system/*"'),
  *check(index) {
    const sidecars = groupBy(index.ofKind('Sidecar'), (sidecar) => sidecar.namespace);
    if (sidecars.size === 0) return;
    const narrow = new Map<string, IstioObject<'Sidecar'>[]>();
    for (const namespace of sidecars.keys()) narrow.set(namespace, ordered(sidecars.get(namespace)));
    const rootDefault = (narrow.get(index.rootNamespace) ?? []).filter(({ spec }) => !spec.workloadSelector);
    for (const entry of index.ofKind('ServiceEntry')) {
      for (const namespace of intendedFor(entry)) {
        const own = narrow.get(namespace) ?? [];
        const general = own.filter(({ spec }) => !spec.workloadSelector);
        const acting = general.length > 0 ? general[0] : rootDefault[0];
        if (!acting || !importedHosts(acting)) continue;
        for (const host of entry.spec.hosts ?? []) {
          // If a Sidecar of one workload imports the host, hiding it from the others is least privilege, not a mistake.
          if ([acting, ...own].some((sidecar) => imports(sidecar, namespace, entry.namespace, host))) continue;
          if (index.isGatewayNamespace(namespace) || isFoundOtherwise(index, entry, namespace, host)) continue;
          yield {
            message:
              `${describe(acting)} does not import ${host}, which ${describe(entry)} declares for workloads of ` +
              `namespace ${namespace}.`,
            field: `spec.hosts[${entry.spec.hosts!.indexOf(host)}]`,
            objects: [entry, acting],
          };
        }
      }
    }
  },
};

/** The namespaces that an entry is meant for: those it is exported to by name; its own if it is public. */
function intendedFor(entry: IstioObject<'ServiceEntry'>): string[] {
  if (isPublic(entry)) return [entry.namespace];
  return visibleIn(entry);
}

/** The destinations of a route are imported with it, and the namespace may have its own entry for the host. */
function isFoundOtherwise(
  index: ManifestIndex,
  entry: IstioObject<'ServiceEntry'>,
  namespace: string,
  host: string,
): boolean {
  if (entry.namespace !== namespace && index.entriesByHost.get(host).some((other) => other.namespace === namespace))
    return true;
  return index.hopsByHost
    .get(host)
    .some(
      ({ virtualService }) =>
        isOnMesh(virtualService) && isSeenFrom(virtualService, namespace) && !virtualService.spec.hosts?.includes(host),
    );
}
