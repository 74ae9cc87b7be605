import { exampleEntry, istioObject, TLS_PORT } from './_examples';
import { Rule, Violation } from './rule';
import { fullHost, isWildcard } from '../istio/hosts';
import { isTls, portsOf } from '../istio/protocols';
import { describe, describeAll, Indexed, IstioObject, ordered } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { followers, gatewayNamespace, Hop, hopsOf } from '../manifests/routes';
import { TlsSettings } from '../manifests/specs';
import { isForExternalHost, isIgnoredBySidecars, tlsField, tlsFor, tlsOfSubset } from '../manifests/tls';
import { EVERYWHERE, isPublic, isSeenFrom, visibleIn } from '../manifests/visibility';

const example = (trafficPolicy: string) => `
${exampleEntry('{ number: 80, name: http, protocol: HTTP, targetPort: 443 }', TLS_PORT)}
---
${istioObject('DestinationRule', 'shop/a')}
${trafficPolicy}
`;

export const doubleTls: Rule = {
  code: 'double-tls',
  severity: 'error',
  title: 'TLS origination on a port where the application itself speaks TLS',
  reason:
    "TLS settings outside a subset apply to all traffic on the port, so the application's own TLS is wrapped in a " +
    'second TLS layer and every request fails (curl 35, "wrong version number"). So it is at a gateway, where a `tls` ' +
    'route passes on what applications have encrypted.',
  cure:
    'Set TLS for the HTTP port only (portLevelSettings with number 80, and targetPort 443 in the ServiceEntry), or ' +
    'in a subset that only the HTTP route names.',
  see: 'https://istio.io/latest/docs/ops/common-problems/network-issues/#double-tls',
  good: example(`spec:
  host: api.example.com
  exportTo: ["."]
  trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { mode: SIMPLE } }] }`),
  bad: example('spec: { host: api.example.com, exportTo: ["."], trafficPolicy: { tls: { mode: SIMPLE } } }'),
  *check(index) {
    const reported = new Set<string>();
    for (const rule of index.ofKind('DestinationRule').filter(({ spec }) => spec.trafficPolicy))
      yield* onPorts(index, rule, reported);
    yield* onRoutes(index, reported);
  },
};

type DestinationRule = IstioObject<'DestinationRule'>;

/** Wrapped where sidecars send what applications have encrypted to a declared TLS port. */
function* onPorts(index: ManifestIndex, rule: DestinationRule, reported: Set<string>): Iterable<Violation> {
  const { host, trafficPolicy: policy } = rule.spec;
  if (!policy || !host || isWildcard(host)) return;
  if (!policy.tls && !policy.portLevelSettings?.some((settings) => settings.tls)) return;
  const entries = index.entriesByHost.get(host).filter((entry) => sidecarsApply(index, rule, entry));
  const ports = new Map<number, Indexed[]>();
  for (const entry of entries) {
    for (const port of portsOf(entry)) {
      const tls = tlsFor(policy, port.number);
      if (isTls(port.protocol) && isForExternalHost(tls) && !isIgnoredBySidecars(rule, tls!))
        ports.set(port.number, [...(ports.get(port.number) ?? []), entry]);
    }
  }
  if (ports.size > 0 && isRoutedElsewhere(index, host, rule.namespace)) return;
  for (const [port, declaring] of ports) {
    // A port that routes send plain HTTP to is there for origination; whether applications use it is not known.
    const originating = receivesHttp(index, host, port);
    const all = ordered(declaring);
    if (!originating) reported.add(keyOf(rule, port));
    yield {
      message:
        `${describe(rule)} originates TLS for all traffic to port ${port} of ${host}, which ` +
        `${describeAll(all)} declares for the application's own TLS` +
        (originating ? '; right for the HTTP that is routed there, while https:// fails.' : '.'),
      field: tlsField(rule, (tls) => tls === tlsFor(policy, port)),
      objects: [rule, ...all],
      severity: originating ? 'warning' : 'error',
    };
  }
}

/** Whether sidecars that see the entry use the rule for it. */
function sidecarsApply(index: ManifestIndex, rule: DestinationRule, entry: IstioObject<'ServiceEntry'>): boolean {
  if (!index.isGatewayNamespace(rule.namespace))
    return isSeenFrom(rule, rule.namespace) && isSeenFrom(entry, rule.namespace);
  // What is private to a gateway's namespace is for the gateway, which sends plain HTTP to the TLS port.
  return (
    isPublic(rule) && isPublic(entry) && (rule.namespace === entry.namespace || rule.namespace === index.rootNamespace)
  );
}

/** Wrapped where a route passes on what applications have encrypted, by sidecars or by a gateway. */
function* onRoutes(index: ManifestIndex, reported: ReadonlySet<string>): Iterable<Violation> {
  const found = new Map<TlsSettings, { rule: DestinationRule; port: number; passing: Set<Hop['virtualService']> }>();
  // A gateway's Service may have a rule for each host behind it, none of which wraps.
  const wrapped = new Set([...index.clientTls.keys()].map((rule) => fullHost(rule.spec.host ?? '', rule)));
  for (const hop of index.hops.filter(({ section, host }) => section === 'tls' && wrapped.has(host))) {
    const { virtualService, host, subset } = hop;
    const port = hop.port ?? onlyPort(index, host);
    if (port === undefined) continue;
    const { sidecars, gateways } = followers(virtualService, hop.route);
    const places = [
      ...gateways.map((gateway) => ({ namespace: gatewayNamespace(virtualService, gateway), isGateway: true })),
      ...(sidecars ? visibleIn(virtualService) : []).map((one) => ({
        namespace: one === EVERYWHERE ? virtualService.namespace : one,
        isGateway: false,
      })),
    ];
    const used = places.flatMap(({ namespace, isGateway }) =>
      rulesUsedIn(index, host, namespace).map((rule) => ({ rule, isGateway })),
    );
    for (const { rule, isGateway } of used) {
      const tls = tlsOfSubset(rule, subset, port);
      if (!isForExternalHost(tls) || (!isGateway && isIgnoredBySidecars(rule, tls!)) || reported.has(keyOf(rule, port)))
        continue;
      const known = found.get(tls!);
      if (known) known.passing.add(virtualService);
      else found.set(tls!, { rule, port, passing: new Set([virtualService]) });
    }
  }
  for (const [tls, { rule, port, passing }] of found) {
    const all = ordered(passing);
    yield {
      message:
        `${describe(rule)} originates TLS for port ${port} of ${rule.spec.host}, to which ${describeAll(all)} ` +
        'passes on what applications have already encrypted.',
      field: tlsField(rule, (one) => one === tls),
      objects: [rule, ...all],
      cure: 'Originate TLS in a subset, and let only the HTTP route name it.',
    };
  }
}

/** The rules for the host that proxies of a namespace use: the namespace's own, the host's, or the root namespace's. */
function rulesUsedIn(index: ManifestIndex, host: string, namespace: string): readonly DestinationRule[] {
  const seen = index.rulesByHost.get(host).filter((rule) => isSeenFrom(rule, namespace));
  const declaring = index.entriesByHost.get(host).filter((entry) => isSeenFrom(entry, namespace));
  const levels = [[namespace], declaring.map((entry) => entry.namespace), [index.rootNamespace]];
  for (const level of levels) {
    const rules = seen.filter((rule) => level.includes(rule.namespace));
    if (rules.length > 0) return rules;
  }
  return [];
}

/** The port that a route without one goes to. */
function onlyPort(index: ManifestIndex, host: string): number | undefined {
  const ports = new Set(index.entriesByHost.get(host).flatMap((entry) => portsOf(entry).map(({ number }) => number)));
  return ports.size === 1 ? [...ports][0] : undefined;
}

function keyOf(rule: DestinationRule, port: number): string {
  return `${rule.namespace}/${rule.name}/${port}`;
}

/** Whether sidecars route the application's own TLS for the host to other hosts, such as a gateway. */
function isRoutedElsewhere(index: ManifestIndex, host: string, namespace: string): boolean {
  return index.meshRoutesByHost
    .get(host.toLowerCase())
    .some(
      (virtualService) =>
        isSeenFrom(virtualService, namespace) &&
        hopsOf(virtualService).some(
          (hop) => hop.section === 'tls' && hop.host !== host && followers(virtualService, hop.route).sidecars,
        ),
    );
}

/** Whether a route sends plain HTTP to the port, so that origination is what the port is for. */
function receivesHttp(index: ManifestIndex, host: string, port: number): boolean {
  return index.hopsByHost.get(host).some((hop) => hop.section === 'http' && (hop.port ?? port) === port);
}
