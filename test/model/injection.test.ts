/** Which pods have a sidecar: without one, a request leaves as it is. */
import { ask, ENTRY, LOCKED } from './support';
import { unmetExpectations } from '../../src/model/answer/judge';

const namespace = (labels: string) => `---
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: ${labels} }
`;
const pods = (metadata: string, spec = '') => `---
apiVersion: apps/v1
kind: Deployment
metadata: { name: cart, namespace: shop }
spec: { template: { metadata: ${metadata}, spec: { serviceAccountName: cart${spec} } } }
`;
const see = (objects: string) => ask(ENTRY + objects, 'shop/cart', 'https://site.example.com/', LOCKED);

test.each([
  ['nothing is said of it', ''],
  ['its namespace asks for it', namespace('{ istio-injection: enabled }')],
  ['its namespace names a revision', namespace('{ istio.io/rev: canary }')],
  [
    'the pod asks for it, its namespace does not',
    namespace('{}') + pods('{ labels: { sidecar.istio.io/inject: "true" } }'),
  ],
  [
    'the label of the pod counts before its annotation',
    pods('{ labels: { sidecar.istio.io/inject: "true" }, annotations: { sidecar.istio.io/inject: "false" } }'),
  ],
])('a sidecar: %s', (_why, objects) => {
  expect(see(objects)).toMatchObject({ outcome: 'answered', via: 'sidecar' });
  expect(see(objects).condition).toBeUndefined();
});

test.each([
  ['the label of the pod', pods('{ labels: { sidecar.istio.io/inject: "false" } }'), /metadata\.labels/],
  ['its annotation', pods('{ annotations: { sidecar.istio.io/inject: "false" } }'), /metadata\.annotations/],
  ['the network of the node', pods('{ labels: { app: cart } }', ', hostNetwork: true'), /spec\.hostNetwork$/],
  ['its namespace', namespace('{ istio-injection: disabled }'), /istio-injection/],
  [
    'its namespace, whatever the pod says',
    namespace('{ istio-injection: disabled }') + pods('{ labels: { sidecar.istio.io/inject: "true" } }'),
    /istio-injection/,
  ],
])('no sidecar: %s', (_why, objects, field) => {
  const answer = see(objects);
  expect(answer).toMatchObject({ outcome: 'answered', via: 'direct' });
  expect(answer.steps.flatMap(({ decidedBy }) => decidedBy.map((one) => one.field))).toContainEqual(
    expect.stringMatching(field),
  );
});

test.each(['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage'])(
  'no sidecar: namespace %s, in which nothing is injected',
  (system) => {
    const asked = namespace('{ istio-injection: enabled }').replace('shop', system);
    const answer = ask(ENTRY + asked, `${system}/cart`, 'https://other.example.com/', LOCKED);
    expect(answer).toMatchObject({ outcome: 'answered', via: 'direct' });
    expect(answer.steps.flatMap(({ decidedBy }) => decidedBy)).toContainEqual(
      expect.objectContaining({ kind: 'Namespace', name: system }),
    );
  },
);

test('pods are found by the former name of their service account, too', () => {
  const former = pods('{ annotations: { sidecar.istio.io/inject: "false" } }').replace(
    'serviceAccountName',
    'serviceAccount',
  );
  expect(see(former)).toMatchObject({ outcome: 'answered', via: 'direct' });
});

test('a Namespace that does not ask for sidecars makes an answer and a refusal a condition', () => {
  const refusal = (objects: string) => ask(ENTRY + objects, 'shop/cart', 'https://other.example.com/', LOCKED);
  const holds = /^the pods of shop are injected, although Namespace shop has no/;
  expect(see(namespace('{}')).condition?.holds).toMatch(holds);
  expect(refusal(namespace('{}')).condition?.holds).toMatch(holds);
  // A row of a table that expects it is not met by it.
  const unmet = (labels: string) => unmetExpectations({ outcome: 'refused' }, refusal(namespace(labels)));
  expect(unmet('{}')).toEqual([expect.stringMatching(/^only if the pods of shop are injected/)]);
  expect(unmet('{ istio-injection: enabled }')).toEqual([]);
});

test.each([
  [
    'the pod captures nothing',
    pods('{ annotations: { sidecar.istio.io/interceptionMode: NONE } }'),
    /interceptionMode NONE/,
  ],
  [
    'its proxy configuration captures nothing',
    pods(`{ annotations: { proxy.istio.io/config: '{"interceptionMode": "NONE"}' } }`),
    /interceptionMode NONE/,
  ],
  ...["interceptionMode: 'NONE'", 'interception_mode: NONE', 'interceptionMode: 2', 'interceptionMode: !!str NONE'].map(
    (config): [string, string, RegExp] => [
      `its proxy configuration says ${config}`,
      pods(`{ annotations: { proxy.istio.io/config: ${JSON.stringify(config)} } }`),
      /interceptionMode (NONE|2)/,
    ],
  ),
  ...[
    'discoveryAddress: istiod.other.svc:15012',
    'customConfigFile: /mine.json',
    'proxyMetadata: { ISTIO_META_GENERATOR: grpc }',
  ].map((config): [string, string, RegExp] => [
    `its proxy configuration says ${config}`,
    pods(`{ annotations: { proxy.istio.io/config: ${JSON.stringify(config)} } }`),
    /is not configured as the istiod of the mesh configures sidecars/,
  ]),
  [
    'a variable of its proxy is no text',
    pods("{ annotations: { proxy.istio.io/config: 'proxyMetadata: { ISTIO_META_DNS_CAPTURE: true }' } }"),
    /ISTIO_META_DNS_CAPTURE is no text/,
  ],
  ...['runtimeValues', 'connectionSettings', 'privateKeyProvider'].map((field): [string, string, RegExp] => [
    `its proxy configuration has ${field}`,
    pods(`{ annotations: { proxy.istio.io/config: '${field}: { a: "1" }' } }`),
    new RegExp(`does not know what ${field} does`),
  ]),
  ...[
    'holdApplicationUntilProxyStarts: "true"',
    'hold_application_until_proxy_starts: 1',
    'proxyHeaders: { envoyDebugHeaders: { disabled: "true" } }',
    'concurrency: x',
    'concurrency: 1.5',
    'gatewayTopology: { numTrustedProxies: x }',
    'tracing: { sampling: x }',
    'drainDuration: 5x',
    'terminationDrainDuration: 5',
  ].map((config): [string, string, RegExp] => [
    `its proxy configuration says ${config}`,
    pods(`{ annotations: { proxy.istio.io/config: '${config}' } }`),
    /is not of its type, with which the sidecar of the pod does not start/,
  ]),
  [
    'its proxy configuration is not valid YAML',
    pods('{ annotations: { proxy.istio.io/config: "{ a: [" } }'),
    /is not valid YAML/,
  ],
  [
    'the sidecar has another bootstrap',
    pods('{ annotations: { sidecar.istio.io/bootstrapOverride: mine } }'),
    /not by it alone/,
  ],
  [
    'the pod is injected as a gateway',
    pods('{ annotations: { inject.istio.io/templates: gateway } }'),
    /injection template gateway/,
  ],
  [
    'the pod is injected with one more template',
    pods('{ annotations: { inject.istio.io/templates: "sidecar,spire" } }'),
    /injection template spire/,
  ],
  [
    'the pod runs as the user of the sidecar',
    pods('{}', ', securityContext: { runAsUser: 1337 }, containers: [{ name: app }]'),
    /runs as 1337/,
  ],
  [
    'a container runs in its group',
    pods('{}', ', containers: [{ name: app, securityContext: { runAsGroup: 1337 } }]'),
    /runs as 1337/,
  ],
  ...[
    'env: [{ name: ISTIO_META_DNS_CAPTURE, value: "true" }]',
    'env: [{ name: ISTIO_META_NAMESPACE, value: other }]',
    'env: [{ name: CA_ADDR, value: "istiod.other.svc:15012" }]',
    'env: [{ name: PROXY_CONFIG, value: "discoveryAddress: istiod.other.svc:15012" }]',
    'env: [{ name: PROXY_CONFIG, value: "concurrency: x" }]',
    'env: [{ name: XDS_ROOT_CA, value: /mine.pem }]',
    'env: [{ name: JWT_POLICY, value: none }]',
    'env: [{ name: PILOT_CERT_PROVIDER, value: custom }]',
    'env: [{ name: POD_NAMESPACE, value: other }]',
    'env: [{ name: SERVICE_ACCOUNT, value: other }]',
    'env: [{ name: constructor, value: x }]',
    'envFrom: [{ configMapRef: { name: more } }]',
  ].flatMap((own) =>
    ['containers', 'initContainers'].map((list): [string, string, RegExp] => [
      `its own container of the sidecar in ${list} has ${own}`,
      pods('{}', `, ${list}: [{ name: istio-proxy, ${own} }]`),
      /does not know what (ISTIO_META|CA_ADDR|PROXY_CONFIG|XDS_|JWT|PILOT|POD|SERVICE|constructor|envFrom)\w* does/,
    ]),
  ),
  [
    'its proxy configuration has a variable of which nobody knows what it does',
    pods("{ annotations: { proxy.istio.io/config: 'proxyMetadata: { ISTIO_META_NAMESPACE: other }' } }"),
    /does not know what ISTIO_META_NAMESPACE does/,
  ],
  [
    'the pod is in ambient mode, with its sidecar turned off',
    pods('{ labels: { istio.io/dataplane-mode: ambient, sidecar.istio.io/inject: "false" } }'),
    /the pod is in ambient mode/,
  ],
  [
    'its namespace is in ambient mode, with sidecars turned off',
    namespace('{ istio-injection: disabled, istio.io/dataplane-mode: ambient }'),
    /namespace shop is in ambient mode/,
  ],
])('undetermined: %s', (_why, objects, reason) => {
  expect(see(objects)).toMatchObject({ outcome: 'undetermined', reason: expect.stringMatching(reason) });
});

test('a Namespace that decides is in none itself', () => {
  const { causes } = see(namespace('{ istio.io/dataplane-mode: ambient }'));
  expect(causes).toMatchObject([{ kind: 'Namespace', namespace: '', name: 'shop' }]);
});

test.each([
  [
    'its annotation counts before its proxy configuration',
    pods(
      `{ annotations: { sidecar.istio.io/interceptionMode: REDIRECT, proxy.istio.io/config: '{"interceptionMode": "NONE"}' } }`,
    ),
  ],
  ...[
    'runtimeValues: {}',
    'holdApplicationUntilProxyStarts: true',
    'concurrency: "2"',
    'tracing: { sampling: 0.5, maxPathTagLength: 9 }',
    'drainDuration: 1m30s',
    'gatewayTopology: { numTrustedProxies: 1 }',
    'proxyMetadata: { DD_enabled: "x", ISTIO_META_DNS_CAPTURE: "false" }',
  ].map((config): [string, string] => [
    `its proxy configuration says ${config}`,
    pods(`{ annotations: { proxy.istio.io/config: '${config}' } }`),
  ]),
  ['the usual template', pods('{ annotations: { inject.istio.io/templates: sidecar } }')],
  [
    'only the sidecar runs as itself',
    pods('{}', ', containers: [{ name: istio-proxy, securityContext: { runAsUser: 1337 } }]'),
  ],
  [
    'its own container of the sidecar has variables that decide nothing',
    pods(
      '{}',
      ', containers: [{ name: istio-proxy, image: auto, env: [{ name: MINIMUM_DRAIN_DURATION, value: 5s }, ' +
        '{ name: CA_ADDR, value: "istiod.istio-system.svc:15012" }, { name: DD_AGENT_HOST, value: localhost }, ' +
        '{ name: PROXY_CONFIG, value: "{}" }, { name: JWT_POLICY, value: third-party-jwt }, ' +
        '{ name: PILOT_CERT_PROVIDER, value: istiod }, ' +
        '{ name: POD_NAMESPACE, valueFrom: { fieldRef: { fieldPath: metadata.namespace } } }, ' +
        '{ name: SERVICE_ACCOUNT, valueFrom: { fieldRef: { fieldPath: spec.serviceAccountName } } }], envFrom: [] }]',
    ),
  ],
  [
    'another container has a variable of the sidecar',
    pods('{}', ', containers: [{ name: app, env: [{ name: ISTIO_META_DNS_CAPTURE, value: "true" }] }]'),
  ],
  [
    'the pod is not in the ambient mode of its namespace',
    namespace('{ istio.io/dataplane-mode: ambient, istio-injection: enabled }') +
      pods('{ labels: { istio.io/dataplane-mode: none } }'),
  ],
])('determined: %s', (_why, objects) => {
  expect(see(objects)).toMatchObject({ outcome: 'answered', via: 'sidecar' });
});

describe('pods that share a service account', () => {
  const shared = (metadata: string, spec = '') =>
    pods('{ labels: { app: front } }') + pods(metadata, spec).replace('name: cart,', 'name: other,');

  test.each([
    ['one without a sidecar', shared('{ labels: { app: batch, sidecar.istio.io/inject: "false" } }')],
    ['one on the network of the node', shared('{ labels: { app: agent } }', ', hostNetwork: true')],
    [
      'one that runs as the sidecar',
      shared('{ labels: { app: agent } }', ', securityContext: { runAsUser: 1337 }, containers: [{ name: app }]'),
    ],
    [
      'one with a variable of its sidecar of its own',
      shared('{ labels: { app: agent } }', ', containers: [{ name: istio-proxy, env: [{ name: XDS_ROOT_CA }] }]'),
    ],
    ['one that asks the DNS of its node', shared('{ labels: { app: agent } }', ', dnsPolicy: Default')],
    [
      'one that excludes a port',
      shared('{ labels: { app: agent }, annotations: { traffic.sidecar.istio.io/excludeOutboundPorts: "443" } }'),
    ],
  ])('%s makes the answer a condition', (_why, objects) => {
    expect(see(objects).condition?.holds).toMatch(/^the pods of shop\/cart do not have the labels? app=/);
  });

  test('labels that others imply are not named beside them', () => {
    const without = (name: string, labels: string) =>
      pods(`{ labels: { ${labels}sidecar.istio.io/inject: "false" } }`).replace('name: cart,', `name: ${name},`);
    const objects = without('a', 'app: a, ') + without('b', 'app: b, version: v1, ') + without('c', '');
    expect(see(objects).condition?.holds).toBe(
      'the pods of shop/cart do not have the label sidecar.istio.io/inject=false',
    );
  });

  test('all with sidecars, or of another service account, change nothing', () => {
    const other = shared(
      '{ labels: { app: batch }, annotations: { traffic.sidecar.istio.io/excludeOutboundPorts: "443" } }',
    );
    for (const spec of ['', ', dnsPolicy: ClusterFirst'])
      expect(see(shared('{ labels: { app: back } }', spec)).condition).toBeUndefined();
    const foreign = other.replace(/(name: other,[^]*)serviceAccountName: cart/, '$1serviceAccountName: other');
    expect(see(foreign).condition).toBeUndefined();
    const away = other.replaceAll('serviceAccountName: cart', 'serviceAccountName: other');
    expect(see(away).condition).toBeUndefined();
  });
});
