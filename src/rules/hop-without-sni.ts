import { Rule } from './rule';
import { describe, describeAll, Indexed, IstioObject, ordered } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { followers, Hop, hopField } from '../manifests/routes';
import { selectorsOverlap } from '../manifests/selectors';
import { kindOf } from '../manifests/servers';
import { Server } from '../manifests/specs';
import { tlsFor } from '../manifests/tls';

const example = (tls: string) => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: exit, namespace: egress }
spec:
  selector: { istio: exit }
  servers: [{ port: { number: 443, name: a, protocol: HTTPS }, hosts: [a.example.com], tls: { mode: ISTIO_MUTUAL } }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: hop, namespace: shop }
spec:
  host: exit.egress.svc.cluster.local
  exportTo: ["."]
  subsets: [{ name: a, trafficPolicy: { tls: { ${tls} } } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a, namespace: shop }
spec:
  hosts: [a.example.com]
  exportTo: ["."]
  http: [{ route: [{ destination: { host: exit.egress.svc.cluster.local, subset: a, port: { number: 443 } } }] }]
`;

export const hopWithoutSni: Rule = {
  code: 'hop-without-sni',
  severity: 'error',
  title: 'A mutual TLS hop to a gateway without the SNI of a server',
  reason:
    "Without `sni`, a sidecar sends Istio's internal cluster name as the SNI. A server with named hosts does not " +
    'match it, and every connection is reset (503).',
  cure: "Set sni to the server's host next to mode: ISTIO_MUTUAL, in a separate subset for each host.",
  see: 'https://istio.io/latest/docs/tasks/traffic-management/egress/egress-gateway-tls-origination/',
  good: example('mode: ISTIO_MUTUAL, sni: a.example.com'),
  bad: example('mode: ISTIO_MUTUAL'),
  *check(index) {
    for (const [rule, blocks] of index.meshTls) {
      if (blocks.every(({ sni }) => sni)) continue;
      const [name, namespace, ...domain] = String(rule.spec.host).split('.');
      if (domain[0] !== 'svc') continue;
      const reported = new Set<Indexed>();
      for (const hop of index.hopsByHost.get(rule.spec.host!)) {
        if (hop.port === undefined || reported.has(hop.virtualService) || !isWithoutSni(rule, hop)) continue;
        const gateways = serving(index, namespace, name, hop.port);
        if (gateways.length === 0) continue;
        reported.add(hop.virtualService);
        yield {
          message:
            `${describe(hop.virtualService)} routes to port ${hop.port} of ${hop.host} with ${describe(rule)}, which ` +
            `sets no sni, but ${describeAll(gateways)} has only servers with named hosts there.`,
          field: hopField(hop),
          objects: [hop.virtualService, rule, ...gateways],
        };
      }
    }
  },
};

function isWithoutSni(rule: IstioObject<'DestinationRule'>, hop: Hop): boolean {
  // Rules in the proxy's own namespace take precedence, so only these are certain to be used.
  if (rule.namespace !== hop.virtualService.namespace || !followers(hop.virtualService, hop.route).sidecars)
    return false;
  const subset = rule.spec.subsets?.find(({ name }) => name === hop.subset);
  if (hop.subset !== undefined && !subset) return false;
  const tls =
    (subset?.trafficPolicy ? tlsFor(subset.trafficPolicy, hop.port!) : undefined) ??
    tlsFor(rule.spec.trafficPolicy, hop.port!);
  return tls?.mode === 'ISTIO_MUTUAL' && !tls.sni;
}

/** The Gateways behind the Service, if all their servers on the port have named hosts. */
function serving(index: ManifestIndex, namespace: string, name: string, port: number): Indexed[] {
  const service = index.services.find((candidate) => candidate.namespace === namespace && candidate.name === name);
  const behind = index
    .ofKind('Gateway')
    .filter(
      (gateway) =>
        gateway.namespace === namespace && (!service || selectorsOverlap(gateway.spec.selector, service.spec.selector)),
    );
  const servers = behind.flatMap((gateway) =>
    (gateway.spec.servers ?? []).filter((server) => server.port?.number === port),
  );
  const isNamed = (server: Server) =>
    kindOf(server) === 'TLS' && (server.hosts ?? []).every((host) => host !== '*' && !host.endsWith('/*'));
  return servers.every(isNamed)
    ? ordered(behind.filter((gateway) => gateway.spec.servers?.some((server) => server.port?.number === port)))
    : [];
}
