import * as fs from 'fs';
import * as path from 'path';
import { meshAmong, MeshConfigError, meshOf } from '../../src/explain/mesh-config';
import { SETTINGS } from '../../src/explain/unknown-settings';
import { expectEgress } from '../../src/explain';
import { EgressModel, EgressObject } from '../../src/model';

test('ALLOW_ANY_DYNAMIC_DNS leaves open what becomes of undeclared hosts, and of no others', () => {
  const mesh = { outboundTrafficPolicy: { mode: 'ALLOW_ANY_DYNAMIC_DNS', tls: { mode: 'SIMPLE' } } };
  const entry = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { name: 'site', namespace: 'shop' },
    spec: { hosts: ['a.example.com'], resolution: 'DNS', ports: [{ number: 443, name: 'tls', protocol: 'TLS' }] },
  };
  const world = { ...meshOf(mesh, 'mesh.yaml'), httpPort80: true };
  const answer = (host: string) => expectEgress([entry], world).from('shop/cart').to(`https://${host}`).answer;
  expect(answer('a.example.com')).toMatchObject({ outcome: 'answered', via: 'sidecar' });
  expect(answer('b.example.org')).toMatchObject({
    outcome: 'undetermined',
    reason: 'the model does not know the outbound traffic policy ALLOW_ANY_DYNAMIC_DNS',
  });
});

test('a mode of its TLS that Istio does not know is refused: istiod takes none of such a configuration', () => {
  const mesh = (mode: string) => () =>
    meshOf({ outboundTrafficPolicy: { mode: 'ALLOW_ANY', tls: { mode } } }, 'm.yaml');
  expect(mesh('MUTUAL')).not.toThrow();
  expect(mesh('MUTAUL')).toThrow(MeshConfigError);
});

test('whether sidecars have IPv6 may be said, or not', () => {
  const dualStack = (ISTIO_DUAL_STACK?: string) =>
    meshOf({ defaultConfig: { proxyMetadata: { ISTIO_DUAL_STACK } } }, 'mesh.yaml').mesh?.dualStack;
  expect([dualStack('true'), dualStack('false'), dualStack()]).toEqual([true, false, undefined]);
});

test.each(['true', '1', 'TRUE', true])('sidecars answer DNS where the mesh says %p', (value) => {
  const dnsCapture = (proxyMetadata: object) =>
    meshOf({ defaultConfig: { proxyMetadata } }, 'mesh.yaml').mesh?.dnsCapture;
  expect(dnsCapture({ ISTIO_META_DNS_CAPTURE: value })).toBe(true);
  for (const other of [{}, { ISTIO_META_DNS_CAPTURE: 'false' }]) expect(dnsCapture(other)).toBe(false);
});

test('of the extension providers, the external authorizers are known by their names', () => {
  const extensionProviders = [
    { name: 'log', envoyFileAccessLog: {} },
    { name: 'a', envoyExtAuthzHttp: { service: 'a.example.com', port: 80 } },
    { name: 'b', envoyExtAuthzGrpc: { service: 'b.example.com', port: 80 } },
  ];
  expect(meshOf({ extensionProviders }, 'mesh.yaml').authorizers).toEqual(['a', 'b']);
  expect(meshOf({}, 'mesh.yaml').authorizers).toEqual([]);
});

test('the root namespace of Helm values is that of Istio, unless the MeshConfig names one', () => {
  const root = (rootNamespace?: string) =>
    meshOf({ global: { istioNamespace: 'mesh' }, meshConfig: { rootNamespace } }, 'values.yaml').mesh?.rootNamespace;
  expect([root(), root('root')]).toEqual(['mesh', 'root']);
  expect(meshOf({ meshConfig: {} }, 'values.yaml').mesh?.rootNamespace).toBeUndefined();
});

describe('what istiod is told beside the mesh configuration', () => {
  const istiod = (...env: object[]) => revision('istiod-1-31', ...env);
  const revision = (name: string, ...env: object[]) => ({
    origin: 'istiod.yaml',
    manifest: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: 'istio-system' },
      spec: { template: { spec: { containers: [{ args: ['--domain', 'corp.example'], env }] } } },
    },
  });
  const scope = (value: unknown) => ({ name: 'PILOT_SCOPE_GATEWAY_TO_NAMESPACE', value });

  test('is read from its Deployment', () => {
    expect(meshAmong([istiod(scope('true'))]).world.mesh).toMatchObject({
      clusterDomain: 'corp.example',
      scopeGatewayToNamespace: true,
    });
    for (const value of ['false', '0', undefined])
      expect(meshAmong([istiod(scope(value))]).world.mesh?.scopeGatewayToNamespace).toBeUndefined();
  });

  test('of several revisions it is what any of them is told', () => {
    const old = { name: 'PILOT_UNIFIED_SIDECAR_SCOPE', value: 'false' };
    const two = [
      revision('istiod', scope('true'), old),
      revision('istiod-next', scope('false'), { ...old, value: 'true' }),
    ];
    for (const objects of [two, [...two].reverse(), [...two, revision('istiod-former', old)]])
      expect(meshAmong(objects).world).toMatchObject({
        mesh: { scopeGatewayToNamespace: true },
        unknownSettings: ['pilot.env.PILOT_UNIFIED_SIDECAR_SCOPE'],
      });
  });

  test.each([
    ['istio', { mesh: 'a: [' }, /^cluster\.yaml: data\.mesh: invalid YAML/],
    ['istio-sidecar-injector', { values: '{' }, /^cluster\.yaml: data\.values: invalid YAML/],
    ['istio-sidecar-injector', { config: '{' }, /^cluster\.yaml: data\.config: invalid YAML/],
  ])('the ConfigMap %s with invalid YAML is named', (name, data, why) => {
    const metadata = { name, namespace: 'istio-system' };
    const objects = [{ origin: 'cluster.yaml', manifest: { apiVersion: 'v1', kind: 'ConfigMap', metadata, data } }];
    expect(() => meshAmong(objects)).toThrow(why);
    expect(() => meshAmong(objects)).toThrow(MeshConfigError);
  });

  test('is read from Helm values, also those of an IstioOperator', () => {
    const atTheTop = { env: { PILOT_SCOPE_GATEWAY_TO_NAMESPACE: 'true', PILOT_HTTP10: 'true' }, meshConfig: {} };
    expect(meshOf(atTheTop, 'values')).toMatchObject({
      mesh: { scopeGatewayToNamespace: true },
      unknownSettings: ['pilot.env.PILOT_HTTP10'],
    });
    const values = { pilot: { env: { PILOT_SCOPE_GATEWAY_TO_NAMESPACE: true } }, meshConfig: {} };
    for (const value of [values, { spec: { values } }])
      expect(meshOf(value, 'values.yaml').mesh?.scopeGatewayToNamespace).toBe(true);
    expect(meshOf({ meshConfig: {} }, 'values.yaml').mesh?.scopeGatewayToNamespace).toBeUndefined();
  });
});

test('among manifests, what installs the mesh configures it, unless its ConfigMap is there', () => {
  const meshConfig = { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } };
  const object = (apiVersion: string, kind: string, more: object): EgressObject => ({
    manifest: { apiVersion, kind, metadata: { name: 'istio', namespace: 'istio-system' }, ...more },
    origin: kind,
  });
  const operator = object('install.istio.io/v1alpha1', 'IstioOperator', { spec: { meshConfig } });
  const sail = object('sailoperator.io/v1', 'Istio', { spec: { values: { meshConfig } } });
  const gateways = object('install.istio.io/v1alpha1', 'IstioOperator', { spec: { components: {} } });
  const map = object('v1', 'ConfigMap', { data: { mesh: '{}' } });
  const modeOf = (...objects: EgressObject[]) => meshAmong(objects).world.mesh?.outboundTrafficPolicy;
  expect([modeOf(operator, gateways), modeOf(sail), modeOf(operator, map), modeOf(gateways)]).toEqual([
    'REGISTRY_ONLY',
    'REGISTRY_ONLY',
    'ALLOW_ANY',
    undefined,
  ]);
});

test('what an installer says in another place than Helm values counts, and two places for one thing do not', () => {
  const meshConfig = { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } };
  const env = [
    { name: 'PILOT_SCOPE_GATEWAY_TO_NAMESPACE', value: 'true' },
    { name: 'PILOT_HTTP10', value: '1' },
  ];
  const spec = { namespace: 'mesh', meshConfig, components: { pilot: { k8s: { env } } } };
  const object = (kind: string, more: object): EgressObject => ({
    manifest: { apiVersion: 'install.istio.io/v1', kind, metadata: { name: 'istio' }, spec: { ...spec, ...more } },
    origin: kind,
  });
  const { world } = meshAmong([object('IstioOperator', {})]);
  const unnamed = { origin: 'mesh.yaml', manifest: { ...object('IstioOperator', {}).manifest, metadata: {} as any } };
  expect(meshAmong([unnamed]).note).toBe('the mesh configuration is that of IstioOperator (mesh.yaml)');
  expect(world).toMatchObject({
    mesh: { rootNamespace: 'mesh', scopeGatewayToNamespace: true },
    unknownSettings: ['pilot.env.PILOT_HTTP10'],
  });
  const twice = object('IstioOperator', { values: { meshConfig: { outboundTrafficPolicy: { mode: 'ALLOW_ANY' } } } });
  expect(meshAmong([twice, object('IstioRevision', {})]).world.mesh?.outboundTrafficPolicy).toBeUndefined();
  expect(() => meshOf(twice.manifest, 'operator.yaml')).toThrow(
    /operator.yaml: spec.meshConfig and spec.values.meshConfig/,
  );
});

describe('serviceEntryVisibility', () => {
  const policies = [{ visibility: 'PUBLIC', matchingRules: [{ namespaceSelector: { matchLabels: { a: 'b' } } }] }];

  test('is read as it is', () => {
    const serviceEntryVisibility = { defaultVisibility: 'NAMESPACE', applyToSidecars: true, policies };
    expect(meshOf({ serviceEntryVisibility }, 'mesh.yaml').mesh).toMatchObject({ serviceEntryVisibility });
  });

  test.each([{ defaultVisibility: 'namespace' }, { applyToSidecar: true }, { policies: [{ rules: [] }] }])(
    '%j is refused',
    (serviceEntryVisibility) => {
      expect(() => meshOf({ serviceEntryVisibility }, 'mesh.yaml')).toThrow(/mesh.yaml: .*serviceEntryVisibility/);
    },
  );
});

describe('settings that the model does not know', () => {
  const values = {
    meshConfig: { h2UpgradePolicy: 'UPGRADE', outboundTrafficPolicy: { mode: 'ALLOW_ANY' } },
    global: { proxy: { excludeIPRanges: '10.0.0.0/8', includeIPRanges: '*' } },
    pilot: { env: { PILOT_ENABLE_ALPN_FILTER: 'true', PILOT_UNIFIED_SIDECAR_SCOPE: false } },
  };
  const names = ['meshConfig.h2UpgradePolicy', 'global.proxy.excludeIPRanges', 'pilot.env.PILOT_UNIFIED_SIDECAR_SCOPE'];

  test('are named where they are not as usual: in Helm values, a MeshConfig, and the objects of istiod', () => {
    expect(meshOf(values, 'values.yaml').unknownSettings).toEqual(names);
    expect(meshOf(values.meshConfig, 'mesh.yaml').unknownSettings).toEqual(names.slice(0, 1));
    expect(meshOf({ meshConfig: {} }, 'values.yaml').unknownSettings).toEqual([]);
    const proxyMetadata = { ISTIO_META_DNS_CAPTURE: 'true', MINIMUM_DRAIN_DURATION: '5s' };
    const mesh = (more: object) =>
      meshOf({ enableAutoMtls: true, defaultConfig: { proxyMetadata: { ...proxyMetadata, ...more } } }, 'mesh.yaml');
    expect(mesh({}).unknownSettings).toEqual([]);
    expect(mesh({ XDS_ROOT_CA: 'x', CREDENTIAL: 'y' }).unknownSettings).toEqual([
      'meshConfig.defaultConfig.proxyMetadata.XDS_ROOT_CA',
      'meshConfig.defaultConfig.proxyMetadata.CREDENTIAL',
    ]);
    expect(
      meshOf({ enableAutoMtls: false, defaultTrafficPolicy: { connectionPool: {} } }, 'mesh.yaml').unknownSettings,
    ).toEqual(['meshConfig.enableAutoMtls', 'meshConfig.defaultTrafficPolicy']);
    expect(meshOf({ defaultTrafficPolicy: {} }, 'mesh.yaml').unknownSettings).toEqual([]);
    const preserving = { defaultConfig: { proxyHeaders: { preserveHttp1HeaderCase: true } } };
    expect(meshOf(preserving, 'mesh.yaml').unknownSettings).toEqual([
      'meshConfig.defaultConfig.proxyHeaders.preserveHttp1HeaderCase',
    ]);
    const localities = (localityLbSetting: object) => meshOf({ localityLbSetting }, 'mesh.yaml').unknownSettings;
    expect(localities({ distribute: [{ from: 'a/*', to: { 'a/b': 100 } }] })).toEqual([
      'meshConfig.localityLbSetting.distribute',
    ]);
    expect(localities({ enabled: true, failover: [{ from: 'a', to: 'b' }] })).toEqual([]);
    const connecting = (settings: object) => meshOf(settings, 'mesh.yaml').unknownSettings;
    expect(connecting({ connectTimeout: '0.001s', tcpKeepalive: { time: '10h' } })).toEqual([
      'meshConfig.connectTimeout',
      'meshConfig.tcpKeepalive',
    ]);
    expect(connecting({ tcpKeepalive: { probes: 128 } })).toEqual(['meshConfig.tcpKeepalive']);
    expect(connecting({ connectTimeout: '10s', tcpKeepalive: { time: '7200s', interval: '75s', probes: 9 } })).toEqual(
      [],
    );
    expect(
      connecting({
        dnsRefreshRate: '0.0005s',
        defaultHttpRetryPolicy: { attempts: 2, perTryTimeout: '0.001s' },
        accessLogEncoding: 'XML',
        ingressControllerMode: 'NONE',
        accessLogFile: '/var/log/no-such-folder/access.log',
        accessLogFormat: '%NO_SUCH%',
        extensionProviders: [{ name: 'own', envoyFileAccessLog: { path: '/no/such/file' } }],
        tlsDefaults: { ecdhCurves: ['P-0'] },
        meshMTLS: { cipherSuites: ['NO-SUCH'] },
      }),
    ).toEqual(
      [
        ...['dnsRefreshRate', 'defaultHttpRetryPolicy', 'accessLogEncoding', 'ingressControllerMode'],
        ...['accessLogFile', 'accessLogFormat', 'extensionProviders', 'tlsDefaults', 'meshMTLS'],
      ].map((name) => `meshConfig.${name}`),
    );
    expect(
      connecting({
        dnsRefreshRate: '60s',
        defaultHttpRetryPolicy: { attempts: 2, perTryTimeout: '2s', retryOn: 'connect-failure,503' },
        accessLogFile: '/dev/stdout',
        accessLogEncoding: 'JSON',
        ingressControllerMode: 'OFF',
        inboundTrafficPolicy: { mode: 'LOCALHOST' },
        accessLogFormat:
          '{"at": "%START_TIME(%Y/%m/%d %H:%M:%S)%", "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH):80%", "why": ' +
          '"%CONNECTION_TERMINATION_DETAILS% %UPSTREAM_TRANSPORT_FAILURE_REASON% 100%%", "to": "%UPSTREAM_CLUSTER_RAW%"}',
        extensionProviders: [
          { name: 'own', envoyFileAccessLog: { path: '/dev/stderr', logFormat: { text: '%PROTOCOL%' } } },
          { name: 'traces', zipkin: { service: 'a.b', port: 9411, path: '/api/v2/spans' } },
          { name: 'authorizer', envoyExtAuthzHttp: { service: 'a.b', port: 80, pathPrefix: '/check' } },
        ],
        tlsDefaults: { minProtocolVersion: 'TLSV1_3' },
        meshMTLS: { minProtocolVersion: 'TLSV1_2', cipherSuites: ['ECDHE-RSA-AES256-GCM-SHA384'] },
      }),
    ).toEqual([]);
    const map = (name: string, data: Record<string, unknown>) => ({
      origin: 'cluster.yaml',
      manifest: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'istio-system' }, data },
    });
    const objects = [
      map('istio', { mesh: 'h2UpgradePolicy: UPGRADE' }),
      map('istio-sidecar-injector', { values: JSON.stringify({ global: values.global }) }),
    ];
    expect(meshAmong(objects).world.unknownSettings).toEqual(names.slice(0, 2));
  });

  test.each([
    [
      'global.proxy.autoInject',
      { global: { proxy: { autoInject: 'disabled' } } },
      { proxy: { autoInject: 'enabled' } },
    ],
    [
      'sidecarInjectorWebhook.neverInjectSelector',
      { sidecarInjectorWebhook: { neverInjectSelector: [{ matchLabels: { build: 'yes' } }] } },
      { sidecarInjectorWebhook: { neverInjectSelector: [] } },
    ],
    [
      'sidecarInjectorWebhook.injectedAnnotations',
      { sidecarInjectorWebhook: { injectedAnnotations: { 'traffic.sidecar.istio.io/excludeOutboundPorts': '443' } } },
      { sidecarInjectorWebhook: { injectedAnnotations: {}, templates: {}, defaultTemplates: [] } },
    ],
    ['global.meshNetworks', { global: { meshNetworks: { other: {} } } }, { global: { meshNetworks: {} } }],
    ['pilot.env.SHARED_MESH_CONFIG', { pilot: { env: { SHARED_MESH_CONFIG: 'mine' } } }, {}],
  ])('%s', (name, other, usual) => {
    expect(meshOf({ meshConfig: {}, ...other }, 'values.yaml').unknownSettings).toEqual([name]);
    expect(meshOf({ meshConfig: {}, ...usual }, 'values.yaml').unknownSettings).toEqual([]);
  });

  test.each(['runtimeValues', 'connectionSettings', 'privateKeyProvider'])('%s of all proxies', (name) => {
    const mesh = (value: object) => meshOf({ defaultConfig: { concurrency: 2, [name]: value } }, 'mesh.yaml');
    expect(mesh({ a: '1' }).unknownSettings).toEqual([`meshConfig.defaultConfig.${name}`]);
    expect(mesh({}).unknownSettings).toEqual([]);
  });

  test('a variable of proxies that is no text', () => {
    const unknown = (value: unknown) =>
      meshOf({ defaultConfig: { proxyMetadata: { ISTIO_META_DNS_CAPTURE: value } } }, 'mesh.yaml').unknownSettings;
    expect(unknown('true')).toEqual([]);
    expect(unknown(true)).toEqual(['meshConfig.defaultConfig.proxyMetadata.ISTIO_META_DNS_CAPTURE']);
  });

  const ofMesh = (mesh: object) =>
    meshOf(mesh, 'mesh.yaml').unknownSettings.map((place) => place.replace('meshConfig.', ''));

  test.each([
    ['localityLbSetting.enabled', { localityLbSetting: { enabled: 'true' } }],
    ['serviceSettings.settings.clusterLocal', { serviceSettings: [{ settings: { clusterLocal: 'true' }, hosts: [] }] }],
    [
      'extensionProviders.envoyExtAuthzHttp.failOpen',
      { extensionProviders: [{ name: 'a', envoyExtAuthzHttp: { service: 'a.b', port: 80, failOpen: 'false' } }] },
    ],
    ['verifyCertificateAtClient', { verifyCertificateAtClient: 1 }],
    [
      'defaultConfig.proxyHeaders.server.disabled',
      { defaultConfig: { proxyHeaders: { server: { disabled: 'true' } } } },
    ],
    ['enableAutoMtls', { enableAutoMtls: 'false' }],
    ['defaultConfig.holdApplicationUntilProxyStarts', { defaultConfig: { holdApplicationUntilProxyStarts: 'true' } }],
  ])('a text for true or false: %s', (place, mesh) => {
    expect(ofMesh(mesh)).toEqual([place]);
    expect(ofMesh(JSON.parse(JSON.stringify(mesh).replace(/"(true|false)"|1\b/g, 'true')))).toEqual([]);
  });

  test('a number that is none', () => {
    expect(ofMesh({ defaultConfig: { concurrency: 'two' } })).toEqual(['defaultConfig.concurrency']);
    expect(ofMesh({ defaultConfig: { concurrency: 2 } })).toEqual([]);
  });

  test('names that users choose are none of them', () => {
    const matchLabels = { enabled: 'true', app_name: 'a' };
    const mesh = { discoverySelectors: [{ matchLabels }], extensionProviders: [logging({ labels: matchLabels })] };
    expect(ofMesh(mesh)).toEqual([]);
    expect(meshOf(mesh, 'mesh.yaml').discoverySelectors).toEqual([{ matchLabels }]);
    expect(ofMesh({ defaultConfig: { proxyMetadata: { my_variable: 'a' } } })).toEqual([
      'defaultConfig.proxyMetadata.my_variable',
    ]);
  });

  const logging = (logFormat: object, file = '/dev/stdout') => ({
    name: 'a',
    envoyFileAccessLog: { logFormat, path: file },
  });
  const nested = '{"a":{"b":"%REQ_WITHOUT_QUERY(:path)%"}}';

  test.each([
    [{ extensionProviders: [logging({ text: '%PROTOCOL%' }, '/no/such/file')] }],
    [{ extensionProviders: [logging({ labels: { a: '%PROTOCOL%' } }, '/dev/stdout/x')] }],
    [{ extensionProviders: [logging({ text: '%PROTOCOL%' }), logging({ labels: { a: { b: ['%NO_SUCH%'] } } })] }],
    [{ extensionProviders: [logging({ labels: JSON.parse(nested) })] }],
    [
      {
        extensionProviders: [{ name: 'a', envoyOtelAls: { service: 'a', port: 1, logFormat: { text: '%NO_SUCH%' } } }],
      },
    ],
    [{ accessLogEncoding: 'JSON', accessLogFormat: nested }],
    [{ accessLogEncoding: 'JSON', accessLogFormat: '{"a":"\\u0025NO_SUCH\\u0025"}' }],
    [{ access_log_file: '/no/such/file' }],
    [{ extension_providers: [{ name: 'a', envoy_file_access_log: { path: '/no/such/file' } }] }],
  ])('an access log that Envoy refuses: %j', (mesh) => {
    expect(ofMesh(mesh)).toEqual([expect.stringMatching(/^(accessLog|extensionProviders)/)]);
  });

  test.each([
    ...['%PROTOCOL:5%', '%DURATION:5%', '%START_TIME:5%', '%START_TIME(%Y):5%', '%DOWNSTREAM_REMOTE_ADDRESS:3%'],
    ...['%PER_REQUEST_STATE(a)%', '%REQ_WITHOUT_QUERY(a?b?c)%', '%REQ_WITHOUT_QUERY(a:b)%', '%GRPC_STATUS(X)%'],
    ...['%REQ(a:b)%', '%REQ(a?b:c)%', '%REQ(::)%', '%TRAILER(a:b)%', `%REQ(a):${'9'.repeat(23)}%`],
    ...['%PATH(XX)%', '%METADATA(NOPE:a)%', '%METADATA(ROUTE:a):x%', '%CEL()%', '%CEL(request.in)%', '%CEL(a b)%'],
    ...[
      '%UNIQUE_ID():3%',
      '%QUERY_PARAM()%',
      '%UPSTREAM_LOCAL_SUBJECT%',
      '%UPSTREAM_HOST_IDS_ATTEMPTED%',
      '%SPAN_ID:5%',
    ],
    ...['%CEL(request.1)%', "%CEL(request.headers['a'].2b)%", '%CEL(xds.true)%', '%CEL(metadata.a.null)%'],
    `%CEL(request${'.a'.repeat(32)})%`,
    ...['%UPSTREAM_METADATA(a):5%', '%FILTER_STATE(a:XX)%', '%FILTER_STATE(a:FIELD)%', '%%DURATION%'],
  ])('a format of access logs that Envoy refuses: %s', (format) => {
    expect(ofMesh({ accessLogFormat: format })).toEqual(['accessLogFormat']);
    expect(ofMesh({ extensionProviders: [logging({ text: format })] })).toEqual(['extensionProviders']);
  });

  test.each([
    ...[
      '%PATH%',
      '%PATH(NQ:ORIG):9%',
      '%QUERY_PARAM(a-b):9%',
      '%QUERY_PARAMS%',
      '%UNIQUE_ID% %SPAN_ID%',
      '%CUSTOM_FLAGS%',
    ],
    ...[
      '%METADATA(ROUTE:istio)%',
      '%METADATA(UPSTREAM_HOST:a.b:c):9%',
      '%CEL(xds.cluster_name)%',
      '%TLS_JA3_FINGERPRINT%',
    ],
    ...[
      "%CEL(request.headers['x-user']):9%",
      '%CEL(upstream_peer.app)%',
      '%CEL(metadata._a1.nullable)%',
      '%UPSTREAM_PEER_URI_SAN% %BYTES_RETRANSMITTED%',
    ],
    ...['%UPSTREAM_HOSTS_ATTEMPTED%', '%DOWNSTREAM_PEER_EMAIL_SAN%', '%DOWNSTREAM_LOCAL_CLOSE_REASON%'],
    ...['%DYNAMIC_METADATA(istio.mixer:status)%', '%DYNAMIC_METADATA(a):5%', '%CLUSTER_METADATA(a:b:c)%'],
    ...['%FILTER_STATE(wasm.upstream_peer:PLAIN)%', '%FILTER_STATE(a:FIELD:b):5%', '%UPSTREAM_FILTER_STATE(a)%'],
    ...['%UPSTREAM_REQUEST_ATTEMPT_COUNT%', '%RESPONSE_FLAGS_LONG%', '%UPSTREAM_WIRE_BYTES_SENT%', '%TRAILER(a)%'],
    ...['%DOWNSTREAM_HEADER_BYTES_RECEIVED%', '%GRPC_STATUS(CAMEL_STRING)%', '%GRPC_STATUS_NUMBER%'],
    ...['%START_TIME(%d/%b/%Y:%H:%M:%S %z)%', '%REQ(:path?a):5%', '%ENVIRONMENT(X):3%', '%RESP(a):9%'],
    ...['%REQ_WITHOUT_QUERY(a?:path):5%', '%REQUEST_TX_DURATION%', '%UPSTREAM_HOST_NAME%', '%ACCESS_LOG_TYPE%'],
  ])('but not %s', (format) => {
    expect(ofMesh({ accessLogFormat: format, extensionProviders: [logging({ labels: { a: format } })] })).toEqual([]);
  });

  test('by another of the names that istiod takes', () => {
    expect(ofMesh({ access_log_file: '/no/such', accessLogFile: '/dev/stdout' })).toEqual([]);
    expect(ofMesh({ defaultConfig: { hold_application_until_proxy_starts: 'true' } })).toEqual([
      'defaultConfig.holdApplicationUntilProxyStarts',
    ]);
    expect(ofMesh({ defaultConfig: { proxy_metadata: { XDS_ROOT_CA: 'x' } } })).toEqual([
      'defaultConfig.proxyMetadata.XDS_ROOT_CA',
    ]);
    expect(meshOf({ outbound_traffic_policy: { mode: 'REGISTRY_ONLY' } }, 'mesh.yaml').mesh).toMatchObject({
      outboundTrafficPolicy: 'REGISTRY_ONLY',
    });
    // istiod drops it: it reads this one by its other name.
    expect(() => ofMesh({ default_config: {} })).toThrow(/"default_config" is not a field of MeshConfig/);
  });

  test('retries on what is written with spaces are usual', () => {
    expect(ofMesh({ defaultHttpRetryPolicy: { retryOn: 'connect-failure, refused-stream' } })).toEqual([]);
  });

  test.each([
    ['injectedAnnotations', 'injectedAnnotations: { traffic.sidecar.istio.io/excludeOutboundPorts: "443" }'],
    ['neverInjectSelector', 'neverInjectSelector: [{ matchLabels: { build: "yes" } }]'],
    ['defaultTemplates', 'defaultTemplates: [sidecar, own]'],
    ['autoInject', 'policy: disabled'],
  ])('%s, in the configuration of the injector', (name, line) => {
    const config = [
      'defaultTemplates: [sidecar]\npolicy: enabled\nalwaysInjectSelector:\n  []\nneverInjectSelector:\n  []',
      'injectedAnnotations:\ntemplate: "{{ A }}"\ntemplates:\n  sidecar: |\n    {{- $a := 1 }}\n    spec: {}\n',
    ].join('\n');
    const metadata = { name: 'istio-sidecar-injector', namespace: 'istio-system' };
    const unknown = (data: Record<string, unknown>) =>
      meshAmong([{ origin: 'cluster.yaml', manifest: { apiVersion: 'v1', kind: 'ConfigMap', metadata, data } }]).world
        .unknownSettings;
    const edited = config.replace(new RegExp(`^${line.split(':')[0]}:.*(\n  \\[\\])?`, 'm'), line);
    expect(unknown({ config, values: '{}' })).toEqual([]);
    expect(unknown({ config: edited, values: '{}' })).toEqual([expect.stringMatching(`\\.${name}$`)]);
  });

  test('networks of the mesh, in its ConfigMap', () => {
    const unknown = (meshNetworks: string) =>
      meshOf({ data: { mesh: '{}', meshNetworks } }, 'istio.yaml').unknownSettings;
    expect(unknown('networks: {}')).toEqual([]);
    expect(unknown('networks: { other: { gateways: [{ address: 1.2.3.4, port: 15443 }] } }')).toEqual([
      'global.meshNetworks',
    ]);
  });

  test('are listed on the page', () => {
    const page = fs.readFileSync(path.join(__dirname, '../../docs/explain.md'), 'utf8');
    expect(SETTINGS.map(([place]) => place.split('.').pop()!).filter((name) => !page.includes(`\`${name}\``))).toEqual(
      [],
    );
  });

  test('keep an answer from being a plain yes', () => {
    const world = meshOf(values, 'values.yaml');
    const answer = EgressModel.of([], world).ask(
      { namespace: 'shop', serviceAccount: 'cart' },
      { url: 'https://site.example.com/' },
    );
    expect(answer).toMatchObject({ outcome: 'answered', via: 'undeclared' });
    expect(answer.condition?.holds).toContain(names.join(', '));
  });

  test('and from being a plain refusal: what is left out passes the sidecar by', () => {
    const locked = { ...values, meshConfig: { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } } };
    const world = meshOf(locked, 'values.yaml');
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'cart', namespace: 'shop' } };
    const asked = (known: object) =>
      expectEgress([account], { ...world, ...known })
        .from('shop/cart')
        .to('https://site.example.com/');
    expect(() => asked({}).isRefused()).toThrow(/if the settings global\.proxy\.excludeIPRanges, .*: refused/);
    asked({ unknownSettings: [] }).isRefused();
  });
});
