import { Rule } from './rule';
import { covers } from '../istio/hosts';
import { groupBy } from '../manifests/grouping';
import { describe, Indexed, ordered } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { isOnMesh } from '../manifests/routes';
import { isPublic, isSeenFrom, visibleIn } from '../manifests/visibility';

export const sidecarHidesHost: Rule = {
  code: 'sidecar-hides-host',
  title: 'A Sidecar that does not import a host declared for its workloads',
  reason:
    'A workload knows only the hosts that its Sidecar imports; for all others the outbound policy applies, ' +
    'declared or not.',
  cure: 'Add "./*", or "<namespace of the entry>/<host>", to the Sidecar\'s egress hosts.',
  see: 'https://istio.io/latest/docs/reference/config/networking/sidecar/#IstioEgressListener',
  good: `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: default, namespace: shop }
spec: { egress: [{ hosts: ["./*", "istio-system/*"] }], outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: site, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["."], resolution: DNS, ports: [{ number: 443, name: tls, protocol: TLS }] }
`,
  bad: `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: default, namespace: shop }
spec: { egress: [{ hosts: ["istio-system/*"] }], outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: site, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["."], resolution: DNS, ports: [{ number: 443, name: tls, protocol: TLS }] }
`,
  *check(index) {
    const sidecars = groupBy(index.ofKind('Sidecar'), (sidecar) => sidecar.namespace);
    if (sidecars.size === 0) return;
    const narrow = new Map<string, Indexed[]>();
    for (const namespace of sidecars.keys()) narrow.set(namespace, ordered(sidecars.get(namespace)));
    const rootDefault = (narrow.get(index.rootNamespace) ?? []).filter(({ spec }) => !spec.workloadSelector);
    for (const entry of index.ofKind('ServiceEntry')) {
      for (const namespace of toldTo(entry)) {
        const own = narrow.get(namespace) ?? [];
        const general = own.filter(({ spec }) => !spec.workloadSelector);
        const acting = general.length > 0 ? general[0] : rootDefault[0];
        if (!acting || !listenersOf(acting)) continue;
        for (const host of entry.spec.hosts ?? []) {
          // That one workload's Sidecar imports what the others may not have is least privilege, not a mistake.
          if ([acting, ...own].some((sidecar) => imports(sidecar, namespace, entry.namespace, host))) continue;
          if (index.isGatewayNamespace(namespace) || isFoundOtherwise(index, entry, namespace, host)) continue;
          yield {
            message:
              `${describe(acting)} does not import ${host}, which ${describe(entry)} declares for workloads of ` +
              `namespace ${namespace}.`,
            objects: [entry, acting],
          };
        }
      }
    }
  },
};

/** The namespaces an entry is meant for: those it names, and its own. Others may see it by chance. */
function toldTo(entry: Indexed): string[] {
  if (isPublic(entry)) return [entry.namespace];
  return visibleIn(entry);
}

/** Without listeners, a Sidecar imports everything. */
function listenersOf(sidecar: Indexed): any[] | undefined {
  return sidecar.spec.egress?.length > 0 ? sidecar.spec.egress : undefined;
}

function imports(sidecar: Indexed, namespace: string, entryNamespace: string, host: string): boolean {
  const listeners = listenersOf(sidecar);
  if (!listeners) return true;
  // A listener for one port only may be the one that matters, so any will do.
  return listeners.some(({ hosts }) => {
    const items = (hosts ?? []).map((item: string) => item.split('/'));
    const matches = (place: string, pattern: string) =>
      (place === '*' || place === entryNamespace || (place === '.' && namespace === entryNamespace)) &&
      pattern !== undefined &&
      (pattern === '*' || covers(pattern, host));
    return (
      items.some(([place, pattern]: string[]) => !place.startsWith('~') && matches(place, pattern)) &&
      !items.some(([place, pattern]: string[]) => place.startsWith('~') && matches(place.slice(1) || '*', pattern))
    );
  });
}

/** Hosts that a route leads to are imported with the route; and another entry may declare the host here. */
function isFoundOtherwise(index: ManifestIndex, entry: Indexed, namespace: string, host: string): boolean {
  if (entry.namespace !== namespace && index.entriesByHost.get(host).some((other) => other.namespace === namespace))
    return true;
  return index.hops.some(
    ({ host: destination, virtualService }) =>
      destination === host &&
      isOnMesh(virtualService) &&
      isSeenFrom(virtualService, namespace) &&
      !virtualService.spec.hosts?.includes(host),
  );
}
