import { istioObject } from './_examples';
import { Rule } from './rule';
import { describe, describeAll, IstioObject, ordered } from '../manifests/indexed';
import { followers, Hop, hopField } from '../manifests/routes';
import { kindOf } from '../manifests/servers';
import { Server } from '../manifests/specs';
import { definesSubset } from '../manifests/subsets';
import { originates, tlsFor, tlsOfSubset } from '../manifests/tls';
import { groupBy } from '../values/grouping';

const example = (tls: string) => `
${istioObject('Gateway', 'egress/exit')}
spec:
  selector: { istio: exit }
  servers: [{ port: { number: 443, name: a, protocol: HTTPS }, hosts: [a.example.com], tls: { mode: ISTIO_MUTUAL } }]
---
${istioObject('DestinationRule', 'shop/hop')}
spec:
  host: exit.egress.svc.cluster.local
  exportTo: ["."]
  subsets: [{ name: a, trafficPolicy: { tls: { ${tls} } } }]
---
${istioObject('VirtualService', 'shop/a')}
spec:
  hosts: [a.example.com]
  exportTo: ["."]
  http: [{ route: [{ destination: { host: exit.egress.svc.cluster.local, subset: a, port: { number: 443 } } }] }]
`;

export const hopWithoutSni: Rule = {
  code: 'hop-without-sni',
  severity: 'error',
  title: 'A hop to a gateway without the SNI of a server',
  reason:
    "Without `sni`, a sidecar sends Istio's internal cluster name as the SNI. A server with named hosts does not " +
    'match it, and every connection is reset (503). The same happens where only a subset that the ' +
    'route does not name has TLS settings: the sidecar then sends plain HTTP.',
  cure:
    "Set sni to the server's host next to mode: ISTIO_MUTUAL, in a separate subset for each host, and name the subset " +
    'in the route.',
  see: 'https://istio.io/latest/docs/tasks/traffic-management/egress/egress-gateway-tls-origination/',
  good: example('mode: ISTIO_MUTUAL, sni: a.example.com'),
  bad: example('mode: ISTIO_MUTUAL'),
  *check(index) {
    if (index.meshTls.size === 0) return;
    // A gateway's Service may have a rule for each host behind it, so that hops are not compared with all of them.
    const bare = groupBy(
      index.hops.filter(({ subset, section }) => subset === undefined && section === 'http'),
      ({ virtualService, host }) => `${virtualService.namespace} ${host}`,
    );
    const reported = new Set<unknown>();
    const withoutSubset = new Set<Hop>();
    for (const [rule, blocks] of index.meshTls) {
      const host = rule.spec.host!;
      const hops = blocks.every(({ sni }) => sni) ? bare.get(`${rule.namespace} ${host}`) : index.hopsByHost.get(host);
      for (const hop of hops) {
        if (hop.port === undefined || reported.has(hop.virtualService)) continue;
        const what = whatIsMissing(rule, hop);
        if (what === undefined) continue;
        if (what === 'subset') {
          // The other rules without settings for it say the same.
          if (withoutSubset.has(hop)) continue;
          withoutSubset.add(hop);
          if (index.rulesFor(host).some((other) => isForAll(other, hop))) continue;
        }
        const { gateways, servers } = index.gatewayHops.serving(hop);
        if (gateways.length === 0 || !servers.every(isNamed)) continue;
        reported.add(hop.virtualService);
        const all = ordered(gateways);
        yield {
          message:
            `${describe(hop.virtualService)} routes to port ${hop.port} of ${hop.host} ` +
            (what === 'sni'
              ? `with ${describe(rule)}, which sets no sni, but there are only servers with named hosts there, in ${describeAll(all)}.`
              : `without a subset, and ${describe(rule)} sets TLS only for subsets, but there are only TLS servers there, in ${describeAll(all)}.`),
          field: hopField(hop),
          objects: [hop.virtualService, rule, ...all],
        };
      }
    }
  },
};

/** What the hop lacks to match a server with the settings of the rule, if that is certain. */
function whatIsMissing(rule: IstioObject<'DestinationRule'>, hop: Hop): 'sni' | 'subset' | undefined {
  // Rules in the proxy's own namespace take precedence, so only these are certain to be used.
  if (rule.namespace !== hop.virtualService.namespace || !followers(hop.virtualService, hop.route).sidecars)
    return undefined;
  if (hop.subset !== undefined && !definesSubset(rule, hop.subset)) return undefined;
  const tls = tlsOfSubset(rule, hop.subset, hop.port!);
  if (tls?.mode === 'ISTIO_MUTUAL' && !tls.sni) return 'sni';
  return tls === undefined && hop.subset === undefined && hop.section === 'http' ? 'subset' : undefined;
}

/** Whether a rule has TLS settings for a hop that names no subset. */
function isForAll({ spec: { trafficPolicy } }: IstioObject<'DestinationRule'>, { port }: Hop): boolean {
  return originates(tlsFor(trafficPolicy, port!));
}

function isNamed(server: Server): boolean {
  return kindOf(server) === 'TLS' && (server.hosts ?? []).every((host) => host !== '*' && !host.endsWith('/*'));
}
