import { append, called, covers, Indexed, ManifestIndex, visibleIn } from './manifest-index';
import { Rule } from './rule';

export const sidecarHidesHost: Rule = {
  code: 'sidecar-hides-host',
  title: 'A Sidecar that does not import a host declared for its workloads',
  reason: 'A workload knows only the hosts that its Sidecar imports; for all others the outbound policy applies, declared or not.',
  cure: 'Add "./*", or "./<host>", to the Sidecar\'s egress hosts.',
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
  check(index) {
    const sidecars = scopes(index);
    if (sidecars.size === 0) return [];
    return index.ofKind('ServiceEntry').flatMap(entry => {
      // Only what an entry says to its own namespace: others may see it by chance.
      if (!visibleIn(entry).some(namespace => namespace === entry.namespace)) return [];
      const acting = sidecars.get(entry.namespace) ?? sidecars.get(index.rootNamespace)?.filter(({ spec }) => !spec.workloadSelector) ?? [];
      return acting.flatMap(sidecar => (entry.spec.hosts ?? [])
        .filter((host: string) => !imports(sidecar, entry.namespace, host))
        .map((host: string) => ({ message: `${called(sidecar)} does not import ${host}, which ${called(entry)} declares for its workloads.`, objects: [entry, sidecar] })));
    });
  },
};

/** Sidecars that say what they import, on one listener for all ports; anything finer is not judged. */
function scopes(index: ManifestIndex): Map<string, Indexed[]> {
  const byNamespace = new Map<string, Indexed[]>();
  for (const sidecar of index.ofKind('Sidecar')) {
    const listeners: any[] = sidecar.spec.egress ?? [];
    if (listeners.length === 1 && !listeners[0].port && Array.isArray(listeners[0].hosts)) append(byNamespace, sidecar.namespace, sidecar);
  }
  return byNamespace;
}

function imports(sidecar: Indexed, entryNamespace: string, host: string): boolean {
  return sidecar.spec.egress[0].hosts.some((item: string) => {
    const [namespace, pattern] = item.split('/');
    return (namespace === '*' || namespace === '.' || namespace === entryNamespace) && pattern !== undefined && covers(pattern, host);
  });
}
