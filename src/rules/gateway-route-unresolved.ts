import { istioObject } from './_examples';
import { Rule } from './rule';
import { describe, describeAll, IstioObject, ordered } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { followers, gatewayNamespace, Hop, hopField } from '../manifests/routes';
import { originatesOn } from '../manifests/tls';
import { isSeenFrom } from '../manifests/visibility';

const example = (resolution: string) => `
${istioObject('ServiceEntry', 'egress/a')}
spec: { hosts: [api.example.com], exportTo: ["."], ${resolution}: [{ number: 443, name: tls, protocol: TLS }] }
---
${istioObject('VirtualService', 'egress/a')}
spec:
  hosts: [hop.example.com]
  exportTo: ["."]
  gateways: [exit]
  tcp: [{ route: [{ destination: { host: api.example.com, port: { number: 443 } } }] }]
`;

export const gatewayRouteUnresolved: Rule = {
  code: 'gateway-route-unresolved',
  severity: 'error',
  title: 'A gateway route to a host for which the gateway has no address',
  reason:
    'With resolution NONE (the default), a proxy uses the address that the caller dialled; a caller of a gateway has ' +
    'dialled the gateway. With DYNAMIC_DNS a gateway forwards HTTP to the host that a request names; TLS that it passes ' +
    "on it sends to port 80, where it fails. And an entry that is not exported to the gateway's namespace does not exist " +
    'there. In the other cases the gateway answers 503.',
  cure:
    'Set resolution: DNS in the ServiceEntry, with the hosts themselves in place of a wildcard, and export it to the ' +
    "gateway's namespace.",
  see: 'https://github.com/istio/istio/issues/61831',
  good: example('resolution: DNS, ports'),
  bad: example('ports'),
  *check(index) {
    const reported = new Set<string>();
    const unresolved = index.declaredHops.filter(
      ({ hop, entries }) =>
        hop.virtualService.spec.gateways &&
        !entries.some((entry) => entry.namespace === hop.virtualService.namespace && isResolved(index, hop, entry)),
    );
    for (const { hop, entries } of unresolved) {
      const { virtualService, route, host } = hop;
      for (const gateway of followers(virtualService, route).gateways) {
        const problem = problemAt(index, hop, gatewayNamespace(virtualService, gateway), entries);
        if (!problem) continue;
        const all = ordered(problem.entries);
        const message = `${describe(virtualService)} has a gateway route to ${host}, but ${describeAll(all)} ${problem.text}.`;
        if (!reported.has(message)) yield { message, field: hopField(hop), objects: [virtualService, ...all] };
        reported.add(message);
      }
    }
  },
};

/** Whether an entry gives a gateway an address for what the route forwards. */
function isResolved(
  index: ManifestIndex,
  { section, host, port }: Hop,
  { spec: { resolution = 'NONE' } }: IstioObject<'ServiceEntry'>,
): boolean {
  if (resolution !== 'DYNAMIC_DNS') return resolution !== 'NONE';
  // A request names its host, and where the gateway originates TLS, the hop to it does.
  return section === 'http' || index.rulesFor(host).some((rule) => port === undefined || originatesOn(rule, port));
}

/** What is wrong with the entries, as proxies of the namespace see them. */
function problemAt(
  index: ManifestIndex,
  hop: Hop,
  namespace: string,
  entries: readonly IstioObject<'ServiceEntry'>[],
): { readonly text: string; readonly entries: readonly IstioObject<'ServiceEntry'>[] } | undefined {
  const seen = entries.filter((entry) => isSeenFrom(entry, namespace));
  const known = seen.length > 0 ? seen : entries;
  if (!known.some((entry) => isResolved(index, hop, entry))) {
    const resolution = known[0].spec.resolution ?? 'NONE';
    const text =
      resolution === 'DYNAMIC_DNS'
        ? 'has resolution DYNAMIC_DNS, with which a gateway forwards nothing but HTTP'
        : `has resolution ${resolution}, which gives a gateway no address`;
    return { text, entries: known };
  }
  // Where the gateway's pods are is known only from a Service in the Gateway's namespace that selects them.
  if (seen.length > 0 || !index.hasGatewayPods(namespace)) return undefined;
  return { text: `is not exported to namespace ${namespace}, where the gateway's pods are`, entries };
}
