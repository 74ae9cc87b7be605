import { exampleEntry, istioObject, TLS_PORT } from './_examples';
import { Rule } from './rule';
import { isHttp, isOpaque, isTls, portsOf } from '../istio/protocols';
import { contains, isBroad, isRange, matchedRanges } from '../istio/ranges';
import { describe, describeAll, IstioObject, ordered } from '../manifests/indexed';
import { someNamespaceSeesBoth } from '../manifests/visibility';

const example = (range: string) => `
${istioObject('ServiceEntry', 'shop/link')}
spec:
  hosts: [link.example.com]
  exportTo: ["."]
  addresses: [${range}]
  resolution: NONE
  ports: [{ number: 443, name: tcp, protocol: TCP }]
---
${exampleEntry(TLS_PORT)}
`;

export const rangeTakesNames: Rule = {
  code: 'range-takes-names',
  severity: 'error',
  title: 'A TCP entry for an address range on a port where other hosts are matched by name',
  reason:
    'Within its range a TCP entry takes every connection on the port before the Host header or SNI is looked at, so ' +
    'requests bypass the gateway and TLS origination.',
  cure: 'Give the TCP entry the single addresses that it is for (/32), or another port.',
  good: example('10.20.0.0/16'),
  bad: example('203.0.0.0/8'),
  *check(index) {
    const entries = index.ofKind('ServiceEntry');
    for (const wide of entries) {
      const ranges = matchedRanges(wide.spec.addresses ?? []).filter(isRange);
      if (ranges.length === 0) continue;
      for (const port of portsOf(wide)) {
        if (!isOpaque(port.protocol)) continue;
        const taken = ordered(
          entries.filter(
            (entry) =>
              entry !== wide &&
              someNamespaceSeesBoth(wide, entry) &&
              ranges.some((range) => takes(range, entry, port.number)),
          ),
        );
        if (taken.length === 0) continue;
        const hosts = [...new Set(taken.flatMap((entry) => entry.spec.hosts ?? []))].slice(0, 5).join(', ');
        yield {
          message:
            `${describe(wide)} takes every connection to ${ranges.join(', ')} on port ${port.number}, including ` +
            `those for ${hosts} of ${describeAll(taken)}.`,
          field: 'spec.addresses',
          objects: [wide, ...taken],
        };
      }
    }
  },
};

/**
 * Whether the range takes connections meant for the entry. TLS with an address of its own is matched by that address
 * first; HTTP is not. If the entry has no address, only a broad public range is certain to do harm.
 */
function takes(range: string, entry: IstioObject<'ServiceEntry'>, number: number): boolean {
  const port = portsOf(entry).find((declared) => declared.number === number);
  if (!port || !(isHttp(port.protocol) || isTls(port.protocol))) return false;
  const addresses = entry.spec.addresses ?? [];
  if (addresses.length > 0) return isHttp(port.protocol) && addresses.some((address) => contains(range, address));
  const endpoints = (entry.spec.endpoints ?? []).flatMap(({ address }) => address ?? []);
  return (
    isBroad(range) || (entry.spec.resolution === 'STATIC' && endpoints.some((address) => contains(range, address)))
  );
}
