/** Ports at which the proxy or its agent answers. */
import { ask, ENTRY, object } from './support';

test.each([
  ['http://site.example.com:15021/healthz/ready', { symptom: 200 }],
  ['http://site.example.com:15021/', { symptom: 404 }],
  ['http://site.example.com:15090/stats/prometheus?usedonly', { symptom: 200 }],
  ['http://site.example.com:15090/other', { symptom: 404 }],
  ['http://site.example.com:15090/stats/prometheus/%2e%2e/%2e%2e/config_dump', { outcome: 'undetermined' }],
])('%s is asked at the sidecar', (url, answer) => {
  expect(ask(ENTRY, 'shop/app', url)).toMatchObject(answer);
});

test('what a request other than GET does to the administration of the proxy is unknown', () => {
  const request = { url: 'http://site.example.com:15090/stats/prometheus', method: 'POST' };
  expect(ask(ENTRY, 'shop/app', request)).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringContaining("Envoy's administration"),
  });
});

test.each([15001, 15006])('which of two listeners takes port %p of every address is undetermined', (number) => {
  const entry = object(
    'ServiceEntry',
    'networking.istio.io/v1',
    `{ hosts: [odd.example.com], resolution: DNS, ports: [{ number: ${number}, name: tcp, protocol: TCP }] }`,
  );
  expect(ask(ENTRY + entry, 'shop/app', `tcp://odd.example.com:${number}`)).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringContaining("is the sidecar's own"),
  });
  expect(ask(ENTRY + entry, 'shop/app', 'http://site.example.com/').outcome).toBe('answered');
});
