import { append, called, Indexed, pairs, seenTogether } from './manifest-index';
import { Rule } from './rule';

export const meshRouteConflict: Rule = {
  code: 'mesh-route-conflict',
  title: 'Two VirtualServices that route the same host for sidecars of the same namespace',
  reason: 'Istio does not merge VirtualServices on `mesh`: for a host the older one wins whole, the other does nothing (IST0109).',
  cure: 'Keep one of them, or let each be seen in other namespaces only (exportTo).',
  see: 'https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services',
  good: `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["."], http: [{ route: [{ destination: { host: api.example.com } }] }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: b, namespace: web }
spec: { hosts: [api.example.com], exportTo: ["."], http: [{ route: [{ destination: { host: api.example.com } }] }] }
`,
  bad: `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["."], http: [{ route: [{ destination: { host: api.example.com } }] }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: b, namespace: web }
spec: { hosts: [api.example.com], http: [{ route: [{ destination: { host: api.example.com } }] }] }
`,
  check(index) {
    const byHost = new Map<string, Indexed[]>();
    for (const route of index.ofKind('VirtualService')) {
      const gateways: string[] = route.spec.gateways ?? ['mesh'];
      if (!gateways.includes('mesh')) continue;
      for (const host of route.spec.hosts ?? []) append(byHost, host, route);
    }
    return [...byHost].flatMap(([host, routes]) => pairs(routes).filter(([a, b]) => seenTogether(a, b)).map(([a, b]) => ({
      message: `${called(a)} and ${called(b)} both route ${host} for sidecars that see both; Istio takes the older one and ignores the other.`,
      objects: [a, b],
    })));
  },
};
