import { append, called, Indexed, seenTogether } from './manifest-index';
import { Rule } from './rule';

export const rangeTakesNames: Rule = {
  code: 'range-takes-names',
  title: 'A TCP entry for an address range on a port on which other hosts are found by name',
  reason: 'Inside its range a TCP entry takes every connection on the port before Host or server name are looked at: a way round the gateway.',
  cure: 'Give the TCP entry single addresses (/32), or another port.',
  good: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: link, namespace: shop }
spec: { hosts: [link.example.com], exportTo: ["."], addresses: [203.0.113.7/32], resolution: NONE, ports: [{ number: 443, name: tcp, protocol: TCP }] }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: site, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["."], resolution: DNS, ports: [{ number: 443, name: tls, protocol: TLS }] }
`,
  bad: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: link, namespace: shop }
spec: { hosts: [link.example.com], exportTo: ["."], addresses: [203.0.113.0/24], resolution: NONE, ports: [{ number: 443, name: tcp, protocol: TCP }] }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: site, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["."], resolution: DNS, ports: [{ number: 443, name: tls, protocol: TLS }] }
`,
  check(index) {
    const ranges = new Map<number, Indexed[]>();
    for (const entry of index.ofKind('ServiceEntry')) {
      const wide = (entry.spec.addresses ?? []).some((address: string) => address.includes('/') && !/\/(32|128)$/.test(address));
      for (const port of wide ? entry.spec.ports ?? [] : []) {
        if (String(port.protocol).toUpperCase() === 'TCP') append(ranges, port.number, entry);
      }
    }
    if (ranges.size === 0) return [];
    return index.ofKind('ServiceEntry').flatMap(entry => (entry.spec.ports ?? [])
      .filter((port: any) => String(port.protocol).toUpperCase() !== 'TCP')
      .flatMap((port: any) => (ranges.get(port.number) ?? [])
        .filter(range => range !== entry && seenTogether(range, entry))
        .map(range => ({
          message: `${called(range)} takes every connection to ${range.spec.addresses.join(', ')} on port ${port.number}, also those meant for ${(entry.spec.hosts ?? []).join(', ')} of ${called(entry)}.`,
          objects: [range, entry],
        }))));
  },
};
