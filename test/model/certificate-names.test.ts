/** The names that a proxy accepts in the certificate of a host. */
import { ask, ENTRY, istio, LOCKED } from './support';
import { World } from '../../src/model';

const see = (name: string, world: World = LOCKED) =>
  ask(
    `${ENTRY.replace('protocol: HTTP }', 'protocol: HTTP, targetPort: 443 }')}---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: site, namespace: shop }
spec:
  host: site.example.com
  trafficPolicy:
    portLevelSettings:
      - { port: { number: 80 }, tls: { mode: SIMPLE, sni: site.example.com, subjectAltNames: ['${name}'] } }
`,
    'shop/cart',
    'http://site.example.com/',
    world,
  );

test('a certificate that nobody describes is for its host', () => {
  expect(see('site.example.com')).toMatchObject({ outcome: 'answered' });
  expect(see('site.example.com').condition).toBeUndefined();
});

test.each(['*.example.com', 'example.com'])('it may be for others too, so %s refuses on a condition', (name) => {
  expect(see(name)).toMatchObject({
    outcome: 'refused',
    by: 'sidecar',
    condition: { holds: `the certificate of site.example.com does not name ${name} too` },
  });
});

test('where a table describes the host, it is certain', () => {
  const external = [{ host: 'site.example.com', https: 'ok' as const }];
  const answer = see('example.com', { ...LOCKED, external });
  expect(answer).toMatchObject({ outcome: 'refused', by: 'sidecar' });
  expect(answer.condition).toBeUndefined();
});

test('the service account of a WorkloadEntry names the certificate, once, and is what decides', () => {
  const entry = ENTRY.replace('protocol: HTTP }', 'protocol: HTTP, targetPort: 443 }').replace(
    'resolution: DNS',
    'resolution: STATIC\n  workloadSelector: { labels: { app: site } }',
  );
  const workload = (address: string) =>
    istio('WorkloadEntry', `{ address: ${address}, labels: { app: site }, serviceAccount: partner }`).replace(
      'more',
      `at-${address}`,
    );
  const rule = '{ host: site.example.com, trafficPolicy: { tls: { mode: SIMPLE } } }';
  const yaml = entry + workload('203.0.113.1') + workload('203.0.113.2') + istio('DestinationRule', rule);
  const { reason, causes } = ask(yaml, 'shop/cart', 'http://site.example.com/');
  expect(reason).toMatch(/, not for spiffe:\/\/cluster\.local\/ns\/shop\/sa\/partner$/);
  expect(causes[0]).toMatchObject({ kind: 'WorkloadEntry', name: 'at-203.0.113.1', field: 'spec.serviceAccount' });
});
