import { istioObject } from './_examples';
import { Rule } from './rule';
import { canonical, describe, describeAll, IstioObject, ordered } from '../manifests/indexed';
import { hopsOf } from '../manifests/routes';
import { visibleTogether, describeNamespaces, isPrivateToNamespace, isPublic } from '../manifests/visibility';
import { groupBy } from '../values/grouping';

export const meshRouteConflict: Rule = {
  code: 'mesh-route-conflict',
  severity: 'error',
  title: 'VirtualServices that route the same host for sidecars of one namespace',
  reason:
    'Istio does not merge VirtualServices on `mesh`: a sidecar uses one of them (the oldest, if all are exported ' +
    'alike; before those that others see, one that is private to the namespace) and ignores the others (IST0109). If ' +
    'all say the same, it is only for information.',
  cure: 'Write one VirtualService for the host, or export each to different namespaces (exportTo).',
  see: 'https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services',
  good: `
${istioObject('VirtualService', 'shop/a')}
spec: { hosts: [api.example.com], exportTo: ["."], http: [{ route: [{ destination: { host: api.example.com } }] }] }
---
${istioObject('VirtualService', 'web/b')}
spec: { hosts: [api.example.com], exportTo: ["."], http: [{ route: [{ destination: { host: api.example.com } }] }] }
`,
  bad: `
${istioObject('VirtualService', 'shop/a')}
spec: { hosts: [api.example.com], http: [{ route: [{ destination: { host: api.example.com } }] }] }
---
${istioObject('VirtualService', 'web/b')}
spec: { hosts: [api.example.com], http: [{ timeout: 5s, route: [{ destination: { host: api.example.com } }] }] }
`,
  *check(index) {
    for (const [host, virtualServices] of index.meshRoutesByHost.several) {
      // A sidecar prefers what is private to its namespace, then what is exported to it by name, then what is public.
      // Within one of these ranks the oldest wins, which is a conflict. A private route in place of a public one is a
      // choice; in place of a route that was exported to this very namespace it is a conflict again.
      for (const { objects, namespaces } of visibleTogether(virtualServices)) {
        yield {
          message:
            `${describeAll(objects)} route ${host} for sidecars of ${describeNamespaces(namespaces)}; Istio uses ` +
            'one of them and ignores the rest.',
          field: 'spec.hosts',
          objects,
          // What is ignored is written in the one that is used as well.
          severity: new Set(objects.map(contentOf)).size === 1 ? 'info' : 'error',
        };
      }
      // In one namespace, somebody who adds a public one expects it to count there.
      const own = groupBy(virtualServices.filter(isPrivateToNamespace), ({ namespace }) => namespace);
      for (const hidden of own.size > 0 ? virtualServices.filter(isPublic) : []) {
        const used = ordered(own.get(hidden.namespace));
        if (used.length > 0 && [hidden, ...used].map(contentOf).some((one, _at, [first]) => one !== first))
          yield {
            message:
              `${describe(hidden)} has no effect in its own namespace, whose sidecars use ${describeAll(used)} for ` +
              `${host}.`,
            field: 'spec.exportTo',
            objects: [hidden, ...used],
            severity: 'warning',
            cure: 'Write one VirtualService for the host.',
          };
      }
    }
  },
};

/** What the routes say, with full names of hosts. */
function contentOf(virtualService: IstioObject<'VirtualService'>): string {
  const { http, tls, tcp } = virtualService.spec;
  return canonical({ http, tls, tcp, hosts: hopsOf(virtualService).map(({ host }) => host) });
}
