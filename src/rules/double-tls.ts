import { Rule } from './rule';
import { isWildcard } from '../istio/hosts';
import { isTls, portsOf } from '../istio/protocols';
import { describe, describeAll, Indexed, ordered } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { TlsSettings } from '../manifests/specs';
import { tlsFor, tlsField } from '../manifests/tls';
import { isSeenFrom } from '../manifests/visibility';

const example = (trafficPolicy: string) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a, namespace: shop }
spec:
  hosts: [api.example.com]
  exportTo: ["."]
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }, { number: 443, name: tls, protocol: TLS }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a, namespace: shop }
${trafficPolicy}
`;

export const doubleTls: Rule = {
  code: 'double-tls',
  severity: 'error',
  title: 'TLS origination on a port where the application itself speaks TLS',
  reason:
    "TLS settings outside a subset apply to all traffic on the port, so the application's own TLS is wrapped in a " +
    'second TLS layer and every request fails (curl 35, "wrong version number").',
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
    for (const rule of index.ofKind('DestinationRule')) {
      const policy = rule.spec.trafficPolicy;
      if (!policy || !rule.spec.host || isWildcard(rule.spec.host)) continue;
      if (!policy.tls && !policy.portLevelSettings?.some((settings) => settings.tls)) continue;
      // At a gateway, origination on the TLS port is correct: what it sends there is plain HTTP.
      if (index.isGatewayNamespace(rule.namespace) || !isSeenFrom(rule, rule.namespace)) continue;
      const entries = index.entriesByHost.get(rule.spec.host).filter((entry) => isSeenFrom(entry, rule.namespace));
      const ports = new Map<number, Indexed[]>();
      for (const entry of entries) {
        for (const port of portsOf(entry)) {
          if (isTls(port.protocol) && wraps(tlsFor(policy, port.number)))
            ports.set(port.number, [...(ports.get(port.number) ?? []), entry]);
        }
      }
      for (const [port, declaring] of ports) {
        if (receivesHttp(index, rule.spec.host, port)) continue;
        const all = ordered(declaring);
        yield {
          message:
            `${describe(rule)} originates TLS for all traffic to port ${port} of ${rule.spec.host}, which ` +
            `${describeAll(all)} declares for the application's own TLS.`,
          field: tlsField(rule, (tls) => tls === tlsFor(policy, port)),
          objects: [rule, ...all],
        };
      }
    }
  },
};

/** ISTIO_MUTUAL is terminated by a proxy. */
function wraps(tls: TlsSettings | undefined): boolean {
  return tls?.mode === 'SIMPLE' || tls?.mode === 'MUTUAL';
}

/** Whether a route sends plain HTTP to the port, so that origination is what the port is for. */
function receivesHttp(index: ManifestIndex, host: string, port: number): boolean {
  return index.hopsByHost.get(host).some((hop) => hop.section === 'http' && (hop.port ?? port) === port);
}
