import { istioObject } from './_examples';
import { Rule } from './rule';
import { isHttp, isTls, portsOf } from '../istio/protocols';
import { fullHost } from '../istio/hosts';
import { isClosed, isExternal } from '../manifests/entries';
import { describe } from '../manifests/indexed';
import { followers, hopsOf, isOnMesh } from '../manifests/routes';
import { isSeenFrom } from '../manifests/visibility';

const example = (spec: string) => `
${istioObject('ServiceEntry', 'shop/a')}
${spec}
---
${istioObject('VirtualService', 'shop/a')}
spec:
  hosts: [api.example.com]
  exportTo: ["."]
  http: [{ route: [{ destination: { host: exit.egress.svc.cluster.local, port: { number: 80 } } }] }]
`;

export const pastTheGateway: Rule = {
  code: 'past-the-gateway',
  severity: 'warning',
  title: 'A host of which only a part goes through the egress gateway',
  reason:
    'A VirtualService routes only the kind of traffic that it has routes for. If it sends HTTP to a gateway, and its ' +
    "entry also declares a TLS port (or the other way round), the rest leaves from the sidecar, past the gateway's " +
    'policies and logs.',
  cure: "Route the other port through the gateway as well, or leave it out of the caller's ServiceEntry.",
  see: 'https://istio.io/latest/docs/tasks/traffic-management/egress/egress-gateway/',
  good: example(
    'spec: { hosts: [api.example.com], exportTo: ["."], resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP }] }',
  ),
  bad: example(`spec:
  hosts: [api.example.com]
  exportTo: ["."]
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP }, { number: 443, name: tls, protocol: TLS }]`),
  *check(index) {
    for (const virtualService of index.ofKind('VirtualService')) {
      if (!isOnMesh(virtualService)) continue;
      const hosts = (virtualService.spec.hosts ?? []).map((host) => fullHost(host, virtualService));
      if (!hosts.some((host) => index.entriesByHost.get(host).some((entry) => !isClosed(entry)))) continue;
      const hops = hopsOf(virtualService).filter(({ route }) => followers(virtualService, route).sidecars);
      if (hops.length === 0 || !hops.every(({ host }) => isService(host) && !hosts.includes(host))) continue;
      const routed = new Set(hops.map(({ section }) => section));
      for (const host of new Set(hosts)) {
        // Two VirtualServices for one host are a case for mesh-route-conflict.
        if (index.meshRoutesByHost.get(host.toLowerCase()).length > 1) continue;
        for (const entry of index.entriesByHost.get(host)) {
          if (!isExternal(entry) || isClosed(entry) || !isSeenFrom(entry, virtualService.namespace)) continue;
          const position = portsOf(entry).findIndex(
            ({ protocol }) =>
              (isHttp(protocol) && !routed.has('http')) ||
              (isTls(protocol) && !routed.has('tls') && !routed.has('tcp')),
          );
          if (position < 0) continue;
          const { number, protocol } = portsOf(entry)[position];
          yield {
            message:
              `${describe(virtualService)} sends ${[...routed].join(' and ')} for ${host} to ${hops[0].host}, but ` +
              `${protocol} on port ${number}, which ${describe(entry)} declares, leaves from the sidecar.`,
            field: `spec.ports[${position}]`,
            objects: [entry, virtualService],
          };
        }
      }
    }
  },
};

function isService(host: string): boolean {
  return host.includes('.svc.');
}
