import { exampleEntry, istioObject } from './_examples';
import { Rule } from './rule';
import { isHttp, isTls, portsOf } from '../istio/protocols';
import { isClosed } from '../manifests/entries';
import { describe, Indexed, IstioObject, ordered } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { followers, hopsOf } from '../manifests/routes';
import { originatesOn } from '../manifests/tls';
import { EVERYWHERE, isSeenFrom, describeNamespaces, visibleIn } from '../manifests/visibility';

const example = (port: string) => `
${exampleEntry('{ number: 80, name: http, protocol: HTTP, targetPort: 443 }')}
---
${istioObject('DestinationRule', 'shop/a')}
spec:
  host: api.example.com
  exportTo: ["."]
  trafficPolicy: { portLevelSettings: [{ port: { number: ${port} }, tls: { mode: SIMPLE } }] }
`;

export const plaintextToTlsPort: Rule = {
  code: 'plaintext-to-tls-port',
  severity: 'error',
  title: 'An HTTP port with a TLS target port and no TLS origination',
  reason:
    "targetPort changes only the port number: unless a DestinationRule that is visible in the caller's namespace " +
    'originates TLS, the request leaves in clear text, headers included.',
  cure:
    "Add a DestinationRule for the host with TLS settings for the port, in the entry's namespace and with the same " +
    'exportTo; or remove targetPort.',
  see: 'https://istio.io/latest/docs/tasks/traffic-management/egress/egress-tls-origination/',
  good: example('80'),
  bad: example('443'),
  *check(index) {
    for (const { entry, port, position } of index.ports.filter((one) => one.port.targetPort)) {
      if (port.targetPort === port.number || !isHttp(port.protocol) || !isTlsPort(entry, port.targetPort!)) continue;
      if (hasBackendTls(index, entry, port.number)) continue;
      for (const host of entry.spec.hosts ?? []) {
        // Entries of one namespace share their endpoints.
        const own = index.entriesByHost.get(host).filter(({ namespace }) => namespace === entry.namespace);
        if (own.every(isClosed)) continue;
        const rules = index.rulesFor(host);
        const originating = rules.filter((rule) => originatesOn(rule, port.number));
        const bare = visibleIn(entry).filter(
          (namespace) =>
            !originating.some((rule) => isUsed(index, rule, entry, namespace)) &&
            !isRoutedElsewhere(index, host, port.number!, namespace),
        );
        const sender = bare.length > 0 ? undefined : atGateway(index, host, port.number!, originating);
        if (!sender && bare.length === 0) continue;
        const problem = sender
          ? `no DestinationRule originates TLS: ${describe(sender)} sends clear text to a TLS port`
          : why(originating, rules, bare);
        yield {
          message:
            `${describe(entry)} sends ${port.protocol} port ${port.number} of ${host} to port ` +
            `${port.targetPort}, and ${problem}.`,
          field: `spec.ports[${position}].targetPort`,
          objects: sender ? [entry, sender] : [entry, ...ordered(rules)],
        };
      }
    }
  },
};

/** Whether proxies of the namespace use the rule: they look in their own namespace, the entry's, and the root namespace. */
function isUsed(
  index: ManifestIndex,
  rule: IstioObject<'DestinationRule'>,
  entry: IstioObject<'ServiceEntry'>,
  namespace: string,
): boolean {
  return isSeenFrom(rule, namespace) && [namespace, entry.namespace, index.rootNamespace].includes(rule.namespace);
}

/** A VirtualService that sends HTTP of a gateway to the port, where nothing originates TLS. */
function atGateway(
  index: ManifestIndex,
  host: string,
  port: number,
  originating: readonly unknown[],
): IstioObject<'VirtualService'> | undefined {
  // Which namespace the gateway's pods are in is not known, and so which rules they use.
  if (originating.length > 0) return undefined;
  const hops = index.hopsByHost
    .get(host)
    .filter(
      (hop) =>
        hop.section === 'http' &&
        (hop.port ?? port) === port &&
        followers(hop.virtualService, hop.route).gateways.length > 0,
    );
  return ordered(hops.map(({ virtualService }) => virtualService))[0];
}

interface BackendTls {
  readonly targetRefs?: readonly { readonly kind?: string; readonly name?: string; readonly sectionName?: string }[];
}

/** Whether a policy of the Gateway API has proxies of every namespace originate TLS on the port. */
function hasBackendTls(index: ManifestIndex, entry: IstioObject<'ServiceEntry'>, number: number): boolean {
  const port = entry.spec.ports?.find((one) => one.number === number)?.name;
  return index
    .inGroup<BackendTls>('gateway.networking.k8s.io', 'BackendTLSPolicy')
    .some(
      ({ namespace, spec }) =>
        namespace === entry.namespace &&
        spec.targetRefs?.some(
          ({ kind, name, sectionName = port }) =>
            kind === 'ServiceEntry' && name === entry.name && sectionName === port,
        ),
    );
}

/** 443 by convention, or a port that the entry itself declares as TLS. */
function isTlsPort(entry: IstioObject<'ServiceEntry'>, number: number): boolean {
  return (
    number === 443 || portsOf(entry).some((port) => isTls(port.protocol) && (port.targetPort ?? port.number) === number)
  );
}

/** Whether the namespace's routes for the host leave nothing for the port: they send requests elsewhere, or nowhere. */
function isRoutedElsewhere(index: ManifestIndex, host: string, port: number, namespace: string): boolean {
  return index.meshRoutesByHost.get(host.toLowerCase()).some((virtualService) => {
    if (!isSeenFrom(virtualService, namespace)) return false;
    const routes = (virtualService.spec.http ?? []).filter((route) => followers(virtualService, route).sidecars);
    return (
      routes.length > 0 &&
      !hopsOf(virtualService).some(
        (hop) =>
          hop.section === 'http' && hop.host === host && (hop.port ?? port) === port && routes.includes(hop.route),
      )
    );
  });
}

function why(originating: readonly Indexed[], rules: readonly Indexed[], bare: string[]): string {
  const place = bare.includes(EVERYWHERE) ? 'every namespace to which the entry is exported' : describeNamespaces(bare);
  if (originating.length > 0)
    return (
      `${ordered(originating).map(describe).join(', ')} is not used in ${place}: callers there send clear ` +
      'text to a TLS port'
    );
  if (rules.length > 0)
    return (
      `${ordered(rules).map(describe).join(', ')} does not originate TLS on that port: callers send clear text ` +
      'to a TLS port'
    );
  return 'no DestinationRule originates TLS: callers send clear text to a TLS port';
}
