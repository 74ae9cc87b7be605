import { ask, ENTRY } from './support';

const object = (kind: string, apiVersion: string, spec: string, namespace = 'shop') =>
  `---\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: x, namespace: ${namespace} }\nspec: ${spec}\n`;

const PATCH = '{ applyTo: HTTP_FILTER, match: { context: SIDECAR_OUTBOUND }, patch: { operation: REMOVE } }';

test.each([
  [
    'an EnvoyFilter that applies to the caller',
    object('EnvoyFilter', 'networking.istio.io/v1alpha3', `{ configPatches: [${PATCH}] }`),
    /EnvoyFilter shop\/x/,
  ],
  [
    'one in the root namespace',
    object('EnvoyFilter', 'networking.istio.io/v1alpha3', `{ configPatches: [${PATCH}] }`, 'istio-system'),
    /EnvoyFilter istio-system\/x/,
  ],
  [
    'a route of the Gateway API',
    object(
      'HTTPRoute',
      'gateway.networking.k8s.io/v1',
      '{ parentRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: site }] }',
    ),
    /HTTPRoute of the Gateway API/,
  ],
  [
    'ambient mode',
    '---\napiVersion: v1\nkind: Namespace\nmetadata: { name: shop, labels: { istio.io/dataplane-mode: ambient } }\n',
    /ambient/,
  ],
  [
    'a field of a DestinationRule',
    object(
      'DestinationRule',
      'networking.istio.io/v1',
      '{ host: site.example.com, trafficPolicy: { tunnel: { targetHost: a, targetPort: 1 } } }',
    ),
    /trafficPolicy\.tunnel/,
  ],
  [
    'a delegated route',
    object(
      'VirtualService',
      'networking.istio.io/v1',
      '{ hosts: [site.example.com], http: [{ delegate: { name: y } }] }',
    ),
    /delegate/,
  ],
])('%s is named, and nothing is guessed', (_what, yaml, message) => {
  expect(ask(`${ENTRY}${yaml}`, 'shop/app', 'http://site.example.com/')).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringMatching(message),
  });
});

test('an EnvoyFilter that does not apply to the caller leaves the answer unchanged', () => {
  const elsewhere = object('EnvoyFilter', 'networking.istio.io/v1alpha3', `{ configPatches: [${PATCH}] }`, 'other');
  const unselected = object(
    'EnvoyFilter',
    'networking.istio.io/v1alpha3',
    `{ workloadSelector: { labels: { app: other } }, configPatches: [${PATCH}] }`,
  );
  expect(ask(`${ENTRY}${elsewhere}${unselected}`, 'shop/app', 'http://site.example.com/')).toMatchObject({
    outcome: 'answered',
    via: 'sidecar',
  });
});

test('an unknown address and a range that could contain it', () => {
  const range = object(
    'ServiceEntry',
    'networking.istio.io/v1',
    '{ hosts: [range.example.com], addresses: [198.51.100.0/24], resolution: NONE, ports: [{ number: 443, ' +
      'name: tcp, protocol: TCP }] }',
  );
  expect(ask(`${ENTRY}${range}`, 'shop/app', 'https://site.example.com/')).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringMatching(/198\.51\.100\.0\/24/),
  });
  const described = {
    external: [{ host: 'site.example.com', address: '203.0.113.10', https: 'ok' as const }],
    mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' as const },
  };
  expect(ask(`${ENTRY}${range}`, 'shop/app', 'https://site.example.com/', described)).toMatchObject({
    outcome: 'answered',
    via: 'sidecar',
  });
});
