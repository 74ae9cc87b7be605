import { mutants } from './mutate';
import { probesOf, seen } from './probes';
import { AccessTable } from '../../src/access/access-table';
import { objectsOf } from '../rules/support';

const objects = objectsOf(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a, namespace: shop }
spec: { hosts: [a.example.com], exportTo: ["."], resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a, namespace: shop }
spec: { host: a.example.com, trafficPolicy: { tls: { mode: SIMPLE, sni: a.example.com, subjectAltNames: [a.example.com] } } }
---
apiVersion: v1
kind: Service
metadata: { name: other, namespace: shop }
spec: { type: ClusterIP }
`);
const table: AccessTable = {
  callers: [{ name: 'checkout', namespace: 'shop', serviceAccount: 'checkout' }],
  external: [{ host: 'a.example.com', http: 'ok', https: 'ok' }],
  access: [{ from: 'checkout', request: 'http://a.example.com/', expect: { outcome: 'answered' } }],
};
const all = [...mutants(objects)];
const answers = (list: typeof objects) => [table, ...probesOf(table)].map((asked) => seen(list, asked));
const good = answers(objects);
/** The tables, the example's own first, in which some answer differs. */
const differing = (label: string) =>
  answers([...all.find((one) => one.label === label)!.objects]).flatMap((one, index) =>
    one === good[index] ? [] : [index],
  );

test('every field and every block of Istio objects is removed, values are changed as well, and the rest stays', () => {
  const labels = all.map(({ label }) => label).filter((label) => label.startsWith('DestinationRule'));
  expect(labels).toEqual([
    'DestinationRule host removed',
    'DestinationRule host changed',
    'DestinationRule trafficPolicy.tls.mode removed',
    'DestinationRule trafficPolicy.tls.mode changed',
    'DestinationRule trafficPolicy.tls.sni removed',
    'DestinationRule trafficPolicy.tls.sni changed',
    'DestinationRule trafficPolicy.tls.subjectAltNames.* removed',
    'DestinationRule trafficPolicy.tls.subjectAltNames.* changed',
    'DestinationRule trafficPolicy.tls removed',
  ]);
  for (const { index, objects: mutant } of all)
    for (const [other, { manifest }] of mutant.entries())
      if (other === index) expect(manifest).not.toEqual(objects[other].manifest);
      else expect(manifest).toBe(objects[other].manifest);
});

test('a name that is no longer verified is seen where a host shows a certificate for another name, and only there', () => {
  expect(differing('DestinationRule trafficPolicy.tls.subjectAltNames.* removed')).toEqual([1]);
});

test('what the row asks is seen in the row, and a wider export where another caller asks', () => {
  expect(differing('DestinationRule trafficPolicy.tls removed')).toContain(0);
  expect(differing('ServiceEntry exportTo.* removed')).toEqual([4]);
});
