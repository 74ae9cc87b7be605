import { exampleEntry, istioObject, TLS_PORT } from './_examples';
import { Rule } from './rule';
import { isHttp, isOpaque, isTls, portsOf } from '../istio/protocols';
import { isRange } from '../istio/ranges';
import { describe, describeAll, IstioObject, ordered } from '../manifests/indexed';
import { Grouping } from '../values/grouping';
import { someNamespaceSeesBoth } from '../manifests/visibility';

const example = (port: string) => `
${istioObject('ServiceEntry', 'shop/link')}
spec:
  hosts: [link.example.com]
  exportTo: ["."]
  addresses: [203.0.113.9]
  resolution: DNS
  ports: [{ number: ${port}, name: tcp, protocol: TCP }]
---
${exampleEntry(TLS_PORT)}
`;

export const tcpAddressBesideNames: Rule = {
  code: 'tcp-address-beside-names',
  severity: 'warning',
  title: 'A TCP entry for an address on a port where other hosts are matched by name',
  reason:
    'Connections to the address are taken before the Host header or SNI is looked at. If a host of the same port ' +
    'has that address in DNS, now or later, its requests leave as TCP, past its gateway and TLS origination.',
  cure:
    'Declare the host by name on that port as well, use another port, or make sure that no such host has the ' +
    'address.',
  good: example('8443'),
  bad: example('443'),
  *check(index) {
    let named: Grouping<number, IstioObject<'ServiceEntry'>> | undefined;
    for (const entry of index.ofKind('ServiceEntry')) {
      const addresses: string[] = (entry.spec.addresses ?? []).filter((address: string) => !isRange(address));
      if (addresses.length === 0) continue;
      for (const [position, { number, protocol }] of portsOf(entry).entries()) {
        if (!isOpaque(protocol)) continue;
        named ??= namedByPort(index.ofKind('ServiceEntry'));
        const beside = ordered(
          new Set(named.get(number).filter((other) => other !== entry && someNamespaceSeesBoth(entry, other))),
        );
        if (beside.length === 0) continue;
        yield {
          message:
            `${describe(entry)} takes every connection to ${addresses.join(', ')} on port ${number} as TCP, also if ` +
            `it is for a host of ${describeAll(beside)}.`,
          field: `spec.ports[${position}]`,
          objects: [entry, ...beside],
        };
      }
    }
  },
};

/** Entries whose hosts are told apart by name, and resolved by DNS, so that their addresses are not known. */
function namedByPort(entries: readonly IstioObject<'ServiceEntry'>[]): Grouping<number, IstioObject<'ServiceEntry'>> {
  const found = new Grouping<number, IstioObject<'ServiceEntry'>>();
  for (const entry of entries) {
    if (entry.spec.resolution === 'STATIC' || entry.spec.addresses?.length) continue;
    for (const { number, protocol } of portsOf(entry))
      if (isHttp(protocol) || isTls(protocol)) found.add(number, entry);
  }
  return found;
}
