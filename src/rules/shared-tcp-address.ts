import { istioObject } from './_examples';
import { Rule } from './rule';
import { isOpaque } from '../istio/protocols';
import { isRange, sameForm } from '../istio/ranges';
import { Grouping } from '../values/grouping';
import { describeAll, IstioObject } from '../manifests/indexed';
import { visibleTogether, describeNamespaces } from '../manifests/visibility';

const example = (address: string) => `
${istioObject('ServiceEntry', 'shop/orders')}
spec:
  hosts: [orders.example.com]
  exportTo: ["."]
  addresses: [203.0.113.7]
  resolution: DNS
  ports: [{ number: 5432, name: tcp, protocol: TCP }]
---
${istioObject('ServiceEntry', 'shop/stock')}
spec:
  hosts: [stock.example.com]
  exportTo: ["."]
  addresses: [${address}]
  resolution: DNS
  ports: [{ number: 5432, name: tcp, protocol: TCP }]
`;

export const sharedTcpAddress: Rule = {
  code: 'shared-tcp-address',
  severity: 'error',
  title: 'Two TCP hosts with the same address and port',
  reason:
    'A TCP connection carries no host name: a sidecar knows only its address and port, so one of the hosts takes the ' +
    'connections of both.',
  cure: 'Give each host its own address or port; declare one host with several names in one entry.',
  good: example('203.0.113.8'),
  bad: example('203.0.113.7'),
  *check(index) {
    const places = new Grouping<string, IstioObject<'ServiceEntry'>>();
    for (const { entry, port } of index.ports.filter((one) => isOpaque(one.port.protocol))) {
      for (const address of new Set<string>((entry.spec.addresses ?? []).map(sameForm)))
        places.add(`${isRange(address) ? address : address.split('/')[0]} port ${port.number}`, entry);
    }
    for (const place of places.keys()) {
      const entries = places.get(place);
      if (entries.length < 2) continue;
      for (const { objects, namespaces } of visibleTogether(entries)) {
        // One host in several entries is a case for service-entry-conflict.
        if (new Set(objects.flatMap((entry) => entry.spec.hosts ?? [])).size < 2) continue;
        yield {
          message:
            `${describeAll(objects)} share ${place} for sidecars of ${describeNamespaces(namespaces)}, so one takes ` +
            'the connections of all.',
          field: 'spec.addresses',
          objects,
        };
      }
    }
  },
};
