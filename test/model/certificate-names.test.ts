/** The names that a proxy accepts in the certificate of a host. */
import { ask, ENTRY, LOCKED } from './support';
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
