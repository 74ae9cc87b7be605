/** What is behind a Kubernetes Service: pods of a gateway, or addresses that somebody has written. */
import { ask, ENTRY, passThroughGateway } from './support';

describe('addresses of an EndpointSlice', () => {
  const slice = (addressType: string, address: string) => `---
apiVersion: v1
kind: Service
metadata: { name: site, namespace: shop }
spec: { ports: [{ name: http, port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: site-1, namespace: shop, labels: { kubernetes.io/service-name: site } }
addressType: ${addressType}
endpoints: [{ addresses: ['${address}'] }]
ports: [{ name: http, port: 80 }]
`;
  const see = (objects: string) => ask(objects, 'shop/cart', 'http://site.shop.svc.cluster.local/');

  test('are endpoints', () => {
    expect(see(slice('IPv4', '203.0.113.7'))).toMatchObject({ outcome: 'answered' });
  });

  test('are none where they are names', () => {
    expect(see(slice('FQDN', 'site.example.com'))).toMatchObject({ outcome: 'refused', by: 'sidecar', symptom: 503 });
  });
});
