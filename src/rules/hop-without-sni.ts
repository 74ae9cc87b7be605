import { Rule } from './rule';
import { describeAll, describe, Indexed, ordered } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { followers, Hop } from '../manifests/routes';
import { selectorsOverlap } from '../manifests/selectors';
import { kindOf } from '../manifests/servers';
import { tlsFor } from '../manifests/tls';

export const hopWithoutSni: Rule = {
  code: 'hop-without-sni',
  title: 'A mutual TLS hop to a gateway that does not name the server it wants',
  reason:
    "Without `sni` a sidecar sends Istio's internal name of the cluster; a server with named hosts does not " +
    'answer to it, and every call is reset (503).',
  cure: "Write sni with the server's host beside mode: ISTIO_MUTUAL, in a subset of its own for each host.",
  see: 'https://istio.io/latest/docs/tasks/traffic-management/egress/egress-gateway-tls-origination/',
  good: `
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
  subsets: [{ name: a, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: a.example.com } } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a, namespace: shop }
spec:
  hosts: [a.example.com]
  exportTo: ["."]
  http: [{ route: [{ destination: { host: exit.egress.svc.cluster.local, subset: a, port: { number: 443 } } }] }]
`,
  bad: `
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
  subsets: [{ name: a, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a, namespace: shop }
spec:
  hosts: [a.example.com]
  exportTo: ["."]
  http: [{ route: [{ destination: { host: exit.egress.svc.cluster.local, subset: a, port: { number: 443 } } }] }]
`,
  *check(index) {
    for (const rule of index.hopRulesWithoutSni) {
      const [name, namespace, ...domain] = String(rule.spec.host).split('.');
      if (domain[0] !== 'svc') continue;
      const said = new Set<Indexed>();
      for (const hop of index.hops) {
        if (
          hop.host !== rule.spec.host ||
          hop.port === undefined ||
          said.has(hop.virtualService) ||
          !isNameless(rule, hop)
        )
          continue;
        const gateways = serving(index, namespace, name, hop.port);
        if (gateways.length === 0) continue;
        said.add(hop.virtualService);
        yield {
          message:
            `${describe(hop.virtualService)} leads to port ${hop.port} of ${hop.host} by ${describe(rule)}, which asks ` +
            `for no server by name, but ${describeAll(gateways)} has named servers only.`,
          objects: [hop.virtualService, rule, ...gateways],
        };
      }
    }
  },
};

function isNameless(rule: Indexed, hop: Hop): boolean {
  // A proxy takes the rules of its own namespace first, so only these are sure to be used.
  if (rule.namespace !== hop.virtualService.namespace || !followers(hop.virtualService, hop.route).sidecars)
    return false;
  const subset = rule.spec.subsets?.find(({ name }: any) => name === hop.subset);
  if (hop.subset !== undefined && !subset) return false;
  const tls =
    (subset?.trafficPolicy ? tlsFor(subset.trafficPolicy, hop.port!) : undefined) ??
    tlsFor(rule.spec.trafficPolicy, hop.port!);
  return tls?.mode === 'ISTIO_MUTUAL' && !tls.sni;
}

/** The Gateways behind the Service, when each of their servers on the port has named hosts. */
function serving(index: ManifestIndex, namespace: string, name: string, port: number): Indexed[] {
  const service = index.services.find((candidate) => candidate.namespace === namespace && candidate.name === name);
  const behind = index
    .ofKind('Gateway')
    .filter(
      (gateway) =>
        gateway.namespace === namespace && (!service || selectorsOverlap(gateway.spec.selector, service.spec.selector)),
    );
  const servers = behind.flatMap((gateway) =>
    (gateway.spec.servers ?? []).filter((server: any) => server.port?.number === port),
  );
  const isNamed = (server: any) =>
    kindOf(server) === 'TLS' && (server.hosts ?? []).every((host: string) => host !== '*' && !host.endsWith('/*'));
  return servers.every(isNamed)
    ? ordered(behind.filter((gateway) => gateway.spec.servers?.some((server: any) => server.port?.number === port)))
    : [];
}
