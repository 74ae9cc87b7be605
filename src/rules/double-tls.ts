import { Rule } from './rule';
import { isWildcard } from '../istio/hosts';
import { isTls, portsOf } from '../istio/protocols';
import { describeAll, describe, Indexed, ordered } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { tlsFor } from '../manifests/tls';
import { isSeenFrom } from '../manifests/visibility';

export const doubleTls: Rule = {
  code: 'double-tls',
  title: 'TLS originated on a port on which the application itself speaks TLS',
  reason:
    "A TLS block outside a subset applies to everything on the port, so the application's own TLS is wrapped " +
    'in TLS once more and every call fails (curl 35, "wrong version number").',
  cure:
    'Bind the TLS block to the HTTP port (portLevelSettings with number 80 and targetPort 443 in the entry), or ' +
    'put it into a subset that only the HTTP route names.',
  see: 'https://istio.io/latest/docs/ops/common-problems/network-issues/#double-tls',
  good: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["."], resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }, { number: 443, name: tls, protocol: TLS }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a, namespace: shop }
spec: { host: api.example.com, exportTo: ["."], trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { mode: SIMPLE } }] } }
`,
  bad: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["."], resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }, { number: 443, name: tls, protocol: TLS }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a, namespace: shop }
spec: { host: api.example.com, exportTo: ["."], trafficPolicy: { tls: { mode: SIMPLE } } }
`,
  *check(index) {
    for (const rule of index.ofKind('DestinationRule')) {
      const policy = rule.spec.trafficPolicy;
      if (!policy || !rule.spec.host || isWildcard(rule.spec.host)) continue;
      if (!policy.tls && !policy.portLevelSettings?.some((settings: any) => settings.tls)) continue;
      // Gateways originate on the TLS port rightly: what reaches them there is HTTP again.
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
          objects: [rule, ...all],
        };
      }
    }
  },
};

/** ISTIO_MUTUAL ends at a proxy that unwraps it. */
function wraps(tls: any): boolean {
  return tls?.mode === 'SIMPLE' || tls?.mode === 'MUTUAL';
}

/** Whether some route sends plain HTTP to the port, so that it exists for origination. */
function receivesHttp(index: ManifestIndex, host: string, port: number): boolean {
  return index.hops.some((hop) => hop.section === 'http' && hop.host === host && (hop.port ?? port) === port);
}
