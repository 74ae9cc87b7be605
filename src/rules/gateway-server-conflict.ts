import { append, called, canonical, Indexed } from './manifest-index';
import { Rule, Violation } from './rule';

export const gatewayServerConflict: Rule = {
  code: 'gateway-server-conflict',
  title: 'Gateway servers that claim the same host and port of the same pods, or mix TLS and plain HTTP on a port',
  reason: 'Istio merges the Gateways of the same pods; a TLS host that is claimed already, and the later of TLS and plain HTTP on one port, is left out silently (IST0145).',
  cure: 'Give each server a host of its own on that port, or another port.',
  good: `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: a, namespace: egress }
spec: { selector: { istio: exit }, servers: [{ port: { number: 443, name: a, protocol: TLS }, hosts: [a.example.com], tls: { mode: PASSTHROUGH } }] }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: b, namespace: egress }
spec: { selector: { istio: exit }, servers: [{ port: { number: 443, name: b, protocol: TLS }, hosts: [b.example.com], tls: { mode: PASSTHROUGH } }] }
`,
  bad: `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: a, namespace: egress }
spec: { selector: { istio: exit }, servers: [{ port: { number: 443, name: a, protocol: TLS }, hosts: [a.example.com], tls: { mode: PASSTHROUGH } }] }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: b, namespace: egress }
spec: { selector: { istio: exit, app: exit }, servers: [{ port: { number: 443, name: b, protocol: HTTPS }, hosts: [egress/a.example.com], tls: { mode: ISTIO_MUTUAL } }] }
`,
  check(index) {
    const servers = new Map<string, { gateway: Indexed; host: string; tls: boolean }[]>();
    const protocols = new Map<string, { gateway: Indexed; tls: boolean }[]>();
    for (const gateway of index.ofKind('Gateway')) {
      for (const server of gateway.spec.servers ?? []) {
        const tls = ['HTTPS', 'TLS'].includes(String(server.port?.protocol).toUpperCase());
        const port = `${server.bind ?? ''}:${server.port?.number}`;
        append(protocols, `${port} ${canonical(gateway.spec.selector ?? {})} ${tls}`, { gateway, tls });
        for (const host of server.hosts ?? []) {
          if (tls) append(servers, `${port} ${String(host).split('/').pop()}`, { gateway, host, tls });
        }
      }
    }
    return [...sameHost(servers), ...mixedPorts(protocols)];
  },
};

function* sameHost(servers: Map<string, { gateway: Indexed }[]>): Iterable<Violation> {
  for (const [key, claims] of servers) {
    for (let later = 1; later < claims.length; later++) {
      const other = claims.slice(0, later).find(({ gateway }) => samePods(gateway, claims[later].gateway));
      if (!other) continue;
      yield {
        message: `${called(other.gateway)} and ${called(claims[later].gateway)} both claim "${key.split(' ')[1]}" with TLS on port ${key.split(' ')[0].replace(/^:/, '')} of the same pods; the later one is left out.`,
        objects: [other.gateway, claims[later].gateway],
      };
    }
  }
}

function* mixedPorts(protocols: Map<string, { gateway: Indexed; tls: boolean }[]>): Iterable<Violation> {
  const firsts = [...protocols].map(([key, list]) => ({ port: key.split(' ')[0], ...list[0] }));
  for (const [position, a] of firsts.entries()) {
    const b = firsts.slice(0, position).find(other => other.port === a.port && other.tls !== a.tls && samePods(other.gateway, a.gateway));
    if (!b) continue;
    yield {
      message: `${called(b.gateway)} and ${called(a.gateway)} put TLS and plaintext on port ${a.port.replace(/^:/, '')} of the same pods; the later one is left out.`,
      objects: [b.gateway, a.gateway],
    };
  }
}

/** Whether one selector picks pods that the other picks too, as far as the selectors tell. */
function samePods(a: Indexed, b: Indexed): boolean {
  const within = (inner: any, outer: any) => Object.entries(inner ?? {}).every(([key, value]) => outer?.[key] === value);
  return within(a.spec.selector, b.spec.selector) || within(b.spec.selector, a.spec.selector);
}
