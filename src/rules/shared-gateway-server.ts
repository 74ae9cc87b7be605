import { istioObject } from './_examples';
import { Rule } from './rule';
import { covers } from '../istio/hosts';
import { Grouping } from '../values/grouping';
import { describe, describeAll, IstioObject, ordered } from '../manifests/indexed';
import { followers, gatewayNamespace, PlacedRoute } from '../manifests/routes';
import { sectionOf, withoutNamespace } from '../manifests/servers';
import { IstioSpecs, ItemOf, Server } from '../manifests/specs';

const example = (servers: string) => `
${istioObject('Gateway', 'egress/exit')}
spec:
  selector: { istio: exit }
  servers:
${servers}
---
${istioObject('VirtualService', 'egress/a')}
spec: { hosts: [a.example.com], gateways: [exit], tcp: [{ route: [{ destination: { host: a.example.com } }] }] }
---
${istioObject('VirtualService', 'egress/b')}
spec: { hosts: [b.example.com], gateways: [exit], tcp: [{ route: [{ destination: { host: b.example.com } }] }] }
`;

export const sharedGatewayServer: Rule = {
  code: 'shared-gateway-server',
  severity: 'error',
  title: 'Several TCP routes behind one server of a Gateway',
  reason:
    'A server that terminates TLS (protocol TLS) or serves plain TCP does not route by name: the first route, that ' +
    'of the oldest VirtualService, takes every connection, whatever its host.',
  cure: 'Give each host its own server; TLS servers may share the port if each has one host.',
  see: 'https://github.com/istio/istio/issues/48955',
  good: example(`  - { port: { number: 443, name: a, protocol: TLS }, hosts: [a.example.com], tls: { mode: ISTIO_MUTUAL } }
  - { port: { number: 443, name: b, protocol: TLS }, hosts: [b.example.com], tls: { mode: ISTIO_MUTUAL } }`),
  bad: example(`  - port: { number: 443, name: both, protocol: TLS }
    hosts: [a.example.com, b.example.com]
    tls: { mode: ISTIO_MUTUAL }`),
  *check(index) {
    const shared = index.servers.filter(({ server }) => isShared(server));
    if (shared.length === 0) return;
    const byGateway = new Grouping<string, PlacedRoute>();
    for (const placed of index.routes.filter(({ section }) => section === 'tcp'))
      for (const name of followers(placed.virtualService, placed.route).gateways)
        byGateway.add(`${gatewayNamespace(placed.virtualService, name)}/${withoutNamespace(name)}`, placed);
    for (const { gateway, server } of shared) {
      const taken = byGateway
        .get(`${gateway.namespace}/${gateway.name}`)
        .filter((followed) => reaches(gateway, server, followed));
      const destinations = new Set(
        taken.map(({ virtualService, route }) => `${virtualService.namespace} ${route.route?.[0]?.destination?.host}`),
      );
      if (destinations.size < 2) continue;
      const virtualServices = ordered(taken.map(({ virtualService }) => virtualService));
      yield {
        message:
          `${describeAll(virtualServices)} route to different hosts from server "${server.port?.name}" of ` +
          `${describe(gateway)}, which cannot tell their connections apart.`,
        field: 'spec.tcp',
        objects: [...virtualServices, gateway],
      };
    }
  },
};

type TcpRoute = ItemOf<IstioSpecs['VirtualService']['tcp']>;

/** Only a TLS server with a single host is not shared: its connections are all for that host. */
function isShared(server: Server): boolean {
  const hosts: readonly string[] = server.hosts ?? [];
  const isForOne = server.tls && hosts.length < 2 && !`${hosts[0]}`.includes('*');
  return !isForOne && sectionOf(server) === 'tcp';
}

/** Whether the route takes every connection of the server, not only those from or to some addresses. */
function reaches(gateway: IstioObject<'Gateway'>, server: Server, { virtualService, route }: PlacedRoute): boolean {
  const matches = (route as TcpRoute).match ?? [];
  const takesAll =
    matches.length === 0 ||
    matches.some(
      (match) =>
        (match.port === undefined || match.port === server.port?.number) &&
        !match.destinationSubnets?.length &&
        !match.sourceSubnet,
    );
  return (
    takesAll &&
    (server.hosts ?? []).some((written) => {
      const [host, place = '*'] = written.split('/').reverse();
      const admits = place === '*' || (place === '.' ? gateway.namespace : place) === virtualService.namespace;
      return admits && (virtualService.spec.hosts ?? []).some((own) => covers(host, own) || covers(own, host));
    })
  );
}
