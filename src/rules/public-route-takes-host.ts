import { istioObject } from './_examples';
import { Rule } from './rule';
import { serviceHost } from '../istio/service-names';
import { groupBy } from '../values/grouping';
import { describe, describeAll, ordered } from '../manifests/indexed';
import { isOnMesh } from '../manifests/routes';
import { isPublic } from '../manifests/visibility';
import { fullHost } from '../istio/hosts';

const example = (exportTo: string) => `
${istioObject('ServiceEntry', 'platform/a')}
spec: { hosts: [api.example.com], resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP }] }
---
${istioObject('VirtualService', 'shop/a')}
spec:
  hosts: [api.example.com]${exportTo}
  http: [{ timeout: 3s, route: [{ destination: { host: api.example.com } }] }]
`;

export const publicRouteTakesHost: Rule = {
  code: 'public-route-takes-host',
  severity: 'warning',
  title: "A public VirtualService that decides about another namespace's host for the whole mesh",
  reason:
    'Without exportTo, a VirtualService applies to the sidecars of every namespace: all requests for the host ' +
    'follow it, not only those of its own namespace.',
  cure:
    'Set exportTo: ["."], and beside it the namespaces of the gateways that the VirtualService names, or move it to ' +
    'the namespace that owns the host.',
  see: 'https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration',
  good: example(`
  exportTo: ["."]`),
  bad: example(''),
  *check(index) {
    const services = groupBy(index.services, ({ name, namespace }) =>
      serviceHost(name, namespace, index.clusterDomain),
    );
    for (const virtualService of index.ofKind('VirtualService')) {
      const { spec, namespace } = virtualService;
      if (!isOnMesh(virtualService) || !isPublic(virtualService) || namespace === index.rootNamespace) continue;
      for (const [position, written] of (spec.hosts ?? []).entries()) {
        const host = fullHost(written, virtualService);
        const owners = ordered([...index.entriesByHost.get(host), ...services.get(host)]);
        if (owners.length === 0 || owners.some((owner) => owner.namespace === namespace)) continue;
        yield {
          message:
            `${describe(virtualService)} routes ${written} for every namespace, though the host is that of ` +
            `${describeAll(owners)}.`,
          field: `spec.hosts[${position}]`,
          objects: [virtualService, ...owners],
        };
      }
    }
  },
};
