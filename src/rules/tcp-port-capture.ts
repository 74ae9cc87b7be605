import { istioObject } from './_examples';
import { Rule } from './rule';
import { isWildcard } from '../istio/hosts';
import { isOpaque, portsOf } from '../istio/protocols';
import { Grouping } from '../values/grouping';
import { allocatesAddresses } from '../manifests/entries';
import { describe, describeAll, IstioObject, ordered } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { EVERYWHERE, someNamespaceSeesBoth, describeNamespaces, visibleIn } from '../manifests/visibility';

export const tcpPortCapture: Rule = {
  code: 'tcp-port-capture',
  severity: 'warning',
  title: 'A TCP port without addresses',
  reason:
    "Without an address, a sidecar cannot tell the host's connections from others: it sends every connection on the " +
    'port there that no other entry takes by its address, or by name as HTTP or TLS, even under REGISTRY_ONLY. Of two ' +
    'such entries the older takes all. ' +
    'With resolution NONE each connection goes where it was going, to any address, even under REGISTRY_ONLY.',
  cure:
    'Give the entry the addresses of the host. Istio allocates one automatically only where sidecars answer DNS ' +
    '(ISTIO_META_DNS_CAPTURE).',
  see: 'https://istio.io/latest/docs/ops/configuration/traffic-management/dns-proxy/#external-tcp-services-without-vips',
  good: `
${istioObject('ServiceEntry', 'shop/db')}
spec:
  hosts: [db.example.com]
  exportTo: ["."]
  addresses: [203.0.113.7]
  resolution: DNS
  ports: [{ number: 5432, name: tcp, protocol: TCP }]
`,
  bad: `
${istioObject('ServiceEntry', 'shop/db')}
spec: { hosts: [db.example.com], exportTo: ["."], resolution: DNS, ports: [{ number: 5432, name: tcp, protocol: TCP }] }
`,
  *check(index) {
    const byPort = new Grouping<number, IstioObject<'ServiceEntry'>>();
    for (const { entry, port } of index.ports.filter((one) => isOpaque(one.port.protocol)))
      if (!entry.spec.addresses?.length && captures(index, entry)) byPort.add(port.number, entry);
    for (const port of byPort.keys()) {
      const capturing = ordered(byPort.get(port));
      const named = new Set<IstioObject<'ServiceEntry'>>();
      for (const entry of capturing) {
        const others = capturing.filter(
          (other) =>
            other !== entry &&
            !other.spec.hosts?.every((host) => entry.spec.hosts?.includes(host)) &&
            someNamespaceSeesBoth(other, entry),
        );
        // One finding names both of two entries that take each other's connections.
        if (others.some((other) => named.has(other))) continue;
        named.add(entry);
        const also = others.length > 0 ? `, including those for ${describeAll(others)}` : '';
        yield {
          message:
            `${describe(entry)} takes every connection of sidecars of ` +
            `${describeNamespaces(sidecarsOf(index, entry))} on port ${port}, whatever its address${also}.`,
          severity: others.length > 0 && ![entry, ...others].every(isUnresolved) ? 'error' : 'warning',
          field: `spec.ports[${portsOf(entry).findIndex(({ number }) => number === port)}]`,
          objects: [entry, ...others],
        };
      }
    }
  },
};

function captures(index: ManifestIndex, entry: IstioObject<'ServiceEntry'>): boolean {
  return !(index.dnsCapture && getsAddress(entry)) && sidecarsOf(index, entry).length > 0;
}

/** The namespaces whose sidecars see the entry. A gateway routes to it by name and needs no address. */
function sidecarsOf(index: ManifestIndex, entry: IstioObject<'ServiceEntry'>): string[] {
  return visibleIn(entry).filter((namespace) => namespace === EVERYWHERE || !index.isGatewayNamespace(namespace));
}

/** Connections to such an entry keep their address. */
function isUnresolved({ spec }: IstioObject<'ServiceEntry'>): boolean {
  return (spec.resolution ?? 'NONE') === 'NONE';
}

/** Whether every host has an address of its own where sidecars answer DNS. */
function getsAddress(entry: IstioObject<'ServiceEntry'>): boolean {
  return allocatesAddresses(entry) && !(entry.spec.hosts ?? []).some(isWildcard);
}
