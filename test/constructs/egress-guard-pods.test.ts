import { guard } from '../support/guarded';

describe('pods that bypass their sidecar', () => {
  const refused = guard({ refuseBypass: true });
  // As the injector notes it, without istio-cni.
  const STATUS = '{"initContainers":["istio-init"],"containers":["istio-proxy"],"volumes":["istio-envoy"]}';
  const INIT = {
    name: 'istio-init',
    image: 'docker.io/istio/proxyv2:1.31.0',
    args: (
      'istio-iptables -p 15001 -z 15006 -u 1337 -m REDIRECT -i * -x  -b * -d 15090,15021,15020 ' +
      '--log_output_level=default:info'
    ).split(' '),
    securityContext: { runAsUser: 0, runAsGroup: 1337, capabilities: { add: ['NET_ADMIN', 'NET_RAW'] } },
  };
  const NAMESPACE = { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } };
  const SIDECAR = {
    name: 'istio-proxy',
    image: 'registry.istio.io/release/proxyv2@sha256:0123',
    args: ['proxy', 'sidecar', '--domain', '$(POD_NAMESPACE).svc.cluster.local'],
    env: [NAMESPACE, { name: 'PROXY_CONFIG', value: '{}' }],
    securityContext: { runAsUser: 1337, runAsGroup: 1337 },
  };
  const pod = (metadata: object = {}, { init = INIT, sidecar = SIDECAR, ...spec }: any = {}) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'x',
      namespace: 'other',
      ...metadata,
      annotations: { 'sidecar.istio.io/status': STATUS, ...(metadata as any).annotations },
    },
    spec: {
      ...spec,
      initContainers: [init, ...(spec.initContainers ?? [])],
      containers: [
        { name: 'app', securityContext: { runAsUser: 1000, capabilities: { add: ['NET_BIND_SERVICE'] } } },
        sidecar,
        ...(spec.containers ?? []),
      ],
    },
    status: { initContainerStatuses: [{ name: 'istio-init', state: { terminated: { exitCode: 0 } } }] },
  });
  const configured = (value: string) => ({ ...SIDECAR, env: [NAMESPACE, { name: 'PROXY_CONFIG', value }] });
  const SETTING = expect.stringMatching(/The annotation proxy.istio.io\/config of this pod has a setting/);
  const VARIABLE = /A variable of Istio's containers .* is not one that Istio writes/;
  const annotation = (name: string) => expect.stringContaining(`annotation or label ${name} takes traffic from`);
  const annotated = (name: string, value: string) => pod({ annotations: { [name]: value } });

  test('pass where the guard is not asked for', () => {
    expect(guard()(annotated('traffic.sidecar.istio.io/excludeOutboundPorts', '443'))).toEqual([]);
  });

  test('only the mesh has the agent ask an application for its metrics', () => {
    const merging = (value: string) => refused(annotated('prometheus.istio.io/merge-metrics', value));
    expect(merging('true')).toEqual([annotation('prometheus.istio.io/merge-metrics')]);
    expect(merging('false')).toEqual([]);
  });

  test('nothing that runs programs in the sidecar passes', () => {
    const extension = (spec: object) => ({
      apiVersion: 'extensions.istio.io/v1alpha1',
      kind: 'TrafficExtension',
      metadata: { name: 'x', namespace: 'other' },
      spec,
    });
    const lua = extension({ lua: { inlineCode: 'os.execute("id")' } });
    const filter = { ...lua, apiVersion: 'networking.istio.io/v1alpha3', kind: 'EnvoyFilter', spec: {} };
    for (const object of [lua, filter]) expect(refused(object)).toEqual([expect.stringMatching(/^Lua runs programs/)]);
    expect(refused(extension({ wasm: { url: 'oci://registry.example.com/filter:1' } }))).toEqual([]);
    expect([lua, filter].flatMap((object) => guard()(object))).toEqual([]);
  });

  test('a proxy without a namespace is refused', () => {
    expect(refused(pod({}, { sidecar: { ...SIDECAR, env: SIDECAR.env.slice(1) } }))).toEqual([
      expect.stringMatching(/POD_NAMESPACE/),
    ]);
  });

  test('an ordinary pod passes, with what the injector writes', () => {
    expect(refused(pod())).toEqual([]);
    const written = {
      'sidecar.istio.io/interceptionMode': 'REDIRECT',
      'traffic.sidecar.istio.io/includeOutboundIPRanges': '*',
      'traffic.sidecar.istio.io/excludeOutboundPorts': '',
      'proxy.istio.io/config':
        'holdApplicationUntilProxyStarts: true\nproxyMetadata: { ISTIO_META_DNS_CAPTURE: "true" }',
    };
    const labels = { 'sidecar.istio.io/inject': 'true' };
    expect(refused(pod({ annotations: written, labels }))).toEqual([]);
  });

  test.each([
    '{"interceptionMode":"NONE"}',
    '{"interception_mode":"NONE"}',
    '"intercept\\u0069onMode": NONE',
    '!!binary aW50ZXJjZXB0aW9uTW9kZQ==: NONE',
    'discoveryAddress: xds.other.svc:15012',
    'proxyMetadata: { PROXY_XDS_VIA_AGENT: "false" }',
    'proxyMetadata: { CA_ADDR: "ca.other.svc:15012" }',
    'customConfigFile: /mine.json',
    'proxyBootstrapTemplatePath: /mine.json',
    'readinessProbe: { exec: { command: [curl, 203.0.113.66] } }',
    '{"proxyMetadata":{"DISABLE_ENVOY":"true"}}',
    "proxyMetadata: { 'ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE': '*' }",
    'proxyMetadata:\n  ? DRY_RUN\n  : "true"',
    'proxyMetadata: { ISTIO_DUAL_STACK: "false" }',
    'proxyMetadata:\n  ISTIO_META_A: |\n    x"\n        command: ["true"]',
    'proxyMetadata: { ISTIO_META_A: \'x"\n\n---\n\nx: "\' }',
    "proxyMetadata:\n  ISTIO_META_A: 'x\"\n\n    spec: {}\n\n    ...\n\n    '",
    "proxyMetadata: {ISTIO_META_A: 'x\"\n\nspec: {}\n\nfoo: | #'}",
    "proxyMetadata: {ISTIO_META_A: 'x\"\u2028spec: {}'}",
  ])('a proxy configured by %s is refused', (config) => {
    expect(refused(annotated('proxy.istio.io/config', config))).toEqual([SETTING]);
  });
  test.each([
    'tracing: { zipkin: { address: $(HOST_IP):9411 }, tlsSettings: { mode: ISTIO_MUTUAL } }',
    'tracing:\n  zipkin:\n    address: localhost:9411 # ours\nconcurrency: 2\n\nimage: { imageType: distroless }',
    '{\n "tracing": {\r\n"zipkin":{"address":"$(HOST_IP):9411"}},"statsdUdpAddress":"localhost:8125"}',
    'hold_application_until_proxy_starts: true\nproxy_stats_matcher:\n  inclusion_suffixes:\n  - upstream_rq_1xx',
    'proxyMetadata:\n  "ISTIO_META_DNS_CAPTURE": "true"\n  MINIMUM_DRAIN_DURATION: 5s\nterminationDrainDuration: 20s',
    '{"gatewayTopology":{"forwardClientCertDetails":"APPEND_FORWARD"}}',
    'proxyStatsMatcher:\n  inclusionPrefixes: ["cluster.outbound|80||catalog.other"]\nconcurrency: 2\n\n',
    'proxyStatsMatcher: { inclusionRegexps: [".*(a|b)...->.*"] }',
    'drainDuration : 5s',
  ])('and one configured by %s passes', (config) => {
    expect(refused(annotated('proxy.istio.io/config', config))).toEqual([]);
  });
  test.each([
    '{"tracing":{"zipkin":{"address":"partner.com:80"}}}',
    'envoyMetricsService: { address: "a.example.com:80" }',
    "envoy_access_log_service: { 'address' : 203.0.113.66:80 }",
    'statsdUdpAddress: 203.0.113.66:8125',
    'tracing: { zipkin: { address: a.b.svc.example.com:80 } }',
    'tracing: { zipkin: { address: localhost:80.example.com } }',
    'tracing: { zipkin: { address: &a zipkin:80 } }',
    'tracing: { zipkin: { address: zipkin:80 } }',
    'tracing: { zipkin: { address: a.b.svc.:80 } }',
    'tracing: { zipkin: { address: zipkin.istio-system:9411 } }',
    'tracing: { zipkin: { address: "localhost:80" "x" : evil.example.com:80 } }',
    'concurrency: 2 # the address: is set elsewhere',
    'tracing:\n  zipkin:\n    address:\n      partner.com:80',
  ])('nor one whose proxy reports to %s', (config) => {
    expect(refused(annotated('proxy.istio.io/config', config))).toEqual([SETTING]);
  });
  test('variables that the platform names may be set as well', () => {
    const config = annotated('proxy.istio.io/config', 'proxyMetadata: { ISTIO_META_TEAM: a }');
    const sidecar = { ...SIDECAR, env: [...SIDECAR.env, { name: 'ISTIO_META_TEAM', value: 'a' }] };
    expect(refused(config)).toEqual([SETTING]);
    expect(refused(pod({}, { sidecar }))).toEqual([expect.stringMatching(VARIABLE)]);
    const ours = guard({ refuseBypass: true, proxyVariables: ['ISTIO_META_TEAM'] });
    for (const one of [config, pod({}, { sidecar })]) expect(ours(one)).toEqual([]);
  });

  test('two labels are in the cluster where the second is not a top-level domain', () => {
    const inPlatform = guard({ refuseBypass: true, platformNamespaces: ['security', 'xn--p1ai', 'our-traces'] });
    const reporting = (host: string) =>
      inPlatform(pod({}, { sidecar: configured(`{"tracing":{"zipkin":{"address":"${host}:9411"}}}`) }));
    for (const host of ['evil.security', 'evil.xn--p1ai'])
      expect(reporting(host)).toEqual([expect.stringMatching(VARIABLE)]);
    for (const host of ['zipkin.our-traces', 'zipkin.security.svc']) expect(reporting(host)).toEqual([]);
  });

  test('nor one that would find another address under a name of the cluster', () => {
    const aliases = (...hostnames: string[]) => pod({}, { hostAliases: [{ ip: '203.0.113.66' }, { hostnames }] });
    expect(refused(aliases('erp.corp.example.com', 'db', 'a.svc.example.com'))).toEqual([]);
    expect(refused(pod({}, { hostAliases: [{ ip: '127.0.0.1', hostnames: ['localhost', 'a.local'] }] }))).toEqual([]);
    for (const name of [
      ...['zipkin.istio-system', 'istiod.istio-system.svc', 'a.b.svc.cluster.local', 'localhost'],
      ...['zipkin.istio-system.other.svc.cluster.local', 'zipkin.istio-system.svc.corp.example.com'],
    ])
      expect(refused(aliases('db', name))).toEqual([expect.stringMatching(/leave such names out of `hostAliases`/)]);
    const reporting = { sidecar: configured('{"statsdUdpAddress":"statsd.istio-system:8125"}') };
    for (const dnsConfig of [{ nameservers: ['203.0.113.66'] }, { searches: ['example.com'] }]) {
      expect(refused(pod({}, { dnsConfig }))).toEqual([]);
      expect(refused(pod({}, { ...reporting, dnsConfig }))).toEqual([
        expect.stringMatching(/leave `nameservers` and `searches` out/),
      ]);
    }
    expect(refused(pod({}, { ...reporting, dnsConfig: { options: [{ name: 'ndots', value: '2' }] } }))).toEqual([]);
  });

  test('owners and volumes are not part of a template', () => {
    const owner = (name: string) => pod({ ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name }] });
    expect(refused(owner('app-5d4'))).toEqual([]);
    expect(refused(owner('x"\n    command: ["true"]'))).toEqual([expect.stringMatching(/writes the owner/)]);
    expect(refused(annotated('sidecar.istio.io/userVolume', '{"a": {"emptyDir": {}}}'))).toEqual([]);
    for (const [name, value] of [
      ['sidecar.istio.io/userVolume', '{"a\\"\\n": {"emptyDir": {}}}'],
      ['resource.opentelemetry.io/service.version', 'x"\n'],
    ])
      expect(refused(annotated(name, value))).toEqual([annotation(name)]);
    expect(refused(annotated('k8s.v1.cni.cncf.io/networks', "x'\n"))).toHaveLength(1);
  });
  test('variables of Datadog may be in several lines', () => {
    const of = (value: string) => refused(annotated('apm.datadoghq.com/env', value));
    expect(of('{\n  "DD_ENV": "prod",\n\t"DD_TRACE_SAMPLE_RATE": 0.5,\r\n  "DD_LOGS_INJECTION": true\n}\n')).toEqual(
      [],
    );
    for (const value of ['{"DD_A":"x\\n"}', '{"DD_A":"x\ny"}', '{"PATH":"x"}', '{"DD_A\n":"x"}', '{"DD_A":["x"]}'])
      expect(of(value)).toEqual([annotation('apm.datadoghq.com/env')]);
  });
  test.each(['localhost', '::1', '[::1]'])('a probe may ask %s', (host) => {
    const container = { name: 'b', readinessProbe: { httpGet: { host, port: 80 } } };
    expect(refused(pod({}, { containers: [container] }))).toEqual([]);
  });

  const withArgs = (from: string, to: string) => ({ ...INIT, args: INIT.args.map((arg) => (arg === from ? to : arg)) });
  const OWN_MOUNTS = {
    '/etc/istio/proxy': 'istio-envoy',
    '/etc/istio/pod': 'istio-podinfo',
    '/var/run/secrets/istio': 'istiod-ca-cert',
    '/var/run/secrets/istio/crl': 'istio-ca-crl',
  };
  test.each([
    ['another image of the proxy', { sidecar: { ...SIDECAR, image: 'mine' } }, /another image/],
    ['one whose name begins the same', { init: { ...INIT, image: 'docker.io/istio/proxyv2-mine:1' } }, /another image/],
    ['another command', { init: { ...INIT, command: ['true'] } }, /something else/],
    ['variables from elsewhere', { init: { ...INIT, envFrom: [{ configMapRef: { name: 'a' } }] } }, /something else/],
    ['DRY_RUN', { init: { ...INIT, env: [{ name: 'DRY_RUN', value: 'true' }] } }, VARIABLE],
    ['a hook', { sidecar: { ...SIDECAR, lifecycle: { preStop: { exec: { command: ['sh'] } } } } }, /something else/],
    ['a probe', { sidecar: { ...SIDECAR, startupProbe: { exec: { command: ['sh'] } } } }, /something else/],
    ['another range', { init: withArgs('*', '10.0.0.0/8') }, /something else/],
    ['the inbound side of the proxy', { init: withArgs('15001', '15006') }, /something else/],
    ['the outbound side for what comes in', { init: withArgs('15006', '15001') }, /something else/],
    ['a rule of nftables behind a port', { init: withArgs('15090,15021,15020', '1 return; add') }, /something else/],
    ['another user', { init: withArgs('1337', '1000') }, /something else/],
    ['no interception', { init: withArgs('REDIRECT', 'NONE') }, /something else/],
    ['a port', { init: { ...INIT, args: [...INIT.args, '-o', '443'] } }, /something else/],
    ['a capture beside the application', { init: { ...INIT, restartPolicy: 'Always' } }, /something else/],
    [
      'programs of its own',
      { init: { ...INIT, volumeMounts: [{ name: 'mine', mountPath: '/var/run/secrets/../../../usr/sbin' }] } },
      /A volume lies over/,
    ],
    ['no sidecar', { sidecar: { name: 'mine' } }, /is missing/],
    ['another istiod', { sidecar: configured('{"discoveryAddress": "istiod.other.svc:15012"}') }, VARIABLE],
    ['no interception of the proxy', { sidecar: configured('{"interceptionMode":"NONE"}') }, VARIABLE],
    ['a bootstrap of its own', { sidecar: configured('{"customConfigFile":"/mine.json"}') }, VARIABLE],
    ...[
      ...['{"custom_config_file":"/mine.json"}', '{"customConfig\\u0046ile":"/mine.json"}', '{"configPath":"/mnt"}'],
      ...['{"customConfig\\x46ile":"/mine.json"}', '{"customConfig\\\nFile":"/mine.json"}'],
      ...[
        '{"interceptionMode":2}',
        '{"interception_mode":"NONE"}',
        '{"interceptionMode": "REDIRECT","interceptionMode":2}',
      ],
      ...['discoveryAddress: evil.example.com:15012', '{"discovery_address":"evil.example.com:15012"}'],
      ...['{"discoveryAddress": evil.example.com:15012}', '{"discoveryAddress":203.0.113.66:15012}'],
      ...['{"discoveryAddress":"istiod.istio-system.svc.evil.example.com:15012"}', '{!!binary YQ==:"b"}'],
      ...['{"discoveryAddress":\n"istiod.other.svc:15012"}', '{"$(A)":"/mnt/mine.json"}'],
      ...['{"tracing":{"zipkin":{"address":"evil.example.com:9411"}}}', '{"statsdUdpAddress":"203.0.113.66:8125"}'],
      '{"envoy_metrics_service_address":"evil.example.com:9411"}',
      ...['{"meshId": &a "evil.example.com:80","statsdUdpAddress": *a}', '{"controlPlaneAuthPolicy":"NONE"}'],
      ...['{"proxyMetadata":{"ISTIO_BOOTSTRAP":"/a"}}', '{"proxyMetadata":{"HTTPS_PROXY"\t:"a:80"}}'],
      ...[
        '{"readinessProbe":{"exec":{"command":["curl","203.0.113.66"]}}}',
        '{"proxyMetadata":{"CA_ADDR":"1.2.3.4:15010"}}',
      ],
    ].map((value): [string, object, RegExp] => [`configured by ${value}`, { sidecar: configured(value) }, VARIABLE]),
    ...[
      ...['usr/local/bin', 'etc/istio/proxy', '.', '/.', '/var/.', '/var/lib/.', '/var/run/secrets/.', '/mnt/./.'],
      ...['/', '/usr/local/bin/envoy', '/run', '/etc', '/etc/ld.so.preload', '/etc/alternatives', '/etc/pki/../ld'],
      ...['/etc/istio/proxy/envoy.json', '/etc/istio/config', '/etc/istio/pod/', '/etc/istio/custom-bootstrap'],
      ...['/etc/certs', '/etc/certs/', '/etc/certs/root-cert.pem', '/etc/certs/./root-cert.pem', '/mnt/../usr'],
      ...['/var', '/var/lib/', '/var/lib/istio', '/var/lib/istio/envoy/envoy_bootstrap_tmpl.json', '/var/run/secrets'],
      ...['/var/run/secrets/istio/', '/var/run/secrets/istio/root-cert.pem', '/var/run/secrets/workload-spiffe-uds/'],
      ...Object.keys(OWN_MOUNTS),
    ].map((mountPath): [string, object, RegExp] => [
      `a volume over ${mountPath}`,
      { sidecar: { ...SIDECAR, volumeMounts: [{ name: 'mine', mountPath }] } },
      /A volume lies over/,
    ]),
    [
      'the root of another istiod',
      { volumes: [{ name: 'istiod-ca-cert', configMap: { name: 'a', items: [{ key: 'b', path: 'root-cert.pem' }] } }] },
      /A volume lies over/,
    ],
    ...['ISTIO_BOOTSTRAP', 'ISTIO_BOOTSTRAP_OVERRIDE', 'XDS_ROOT_CA', 'FILE_MOUNTED_CERTS', 'XTABLES_LIBDIR'].map(
      (name): [string, object, RegExp] => [
        `the variable ${name}`,
        { sidecar: { ...SIDECAR, env: [...SIDECAR.env, { name, value: '/mnt/a' }] } },
        VARIABLE,
      ],
    ),
    ...[
      { name: 'CA_ADDR', value: '203.0.113.66:15010' },
      { name: 'CA_ADDR', value: 'istiod.istio-system.svc.evil.example.com:15012' },
      { name: 'CA_ADDR', valueFrom: { configMapKeyRef: { name: 'a', key: 'b' } } },
      { name: 'HOST_IP', value: '203.0.113.66' },
      { name: 'INSTANCE_IP', valueFrom: { fieldRef: { fieldPath: "metadata.annotations['a']" } } },
      ...['https_proxy', 'ALL_PROXY', 'SSL_CERT_DIR', 'OUTPUT_CERTS', 'GCE_METADATA_HOST'].map((name) => ({
        name,
        value: '/mnt',
      })),
    ].map((variable): [string, object, RegExp] => [
      `the variable ${JSON.stringify(variable)}`,
      { sidecar: { ...SIDECAR, env: [...SIDECAR.env, variable] } },
      VARIABLE,
    ]),
    [
      'a hook that asks a host',
      {
        sidecar: {
          ...SIDECAR,
          lifecycle: { postStart: { exec: { command: ['pilot-agent', 'wait', '--url', 'http://203.0.113.66/'] } } },
        },
      },
      /something else/,
    ],
    ['another directory', { sidecar: { ...SIDECAR, workingDir: '/mnt' } }, /something else/],
    [
      'another command of the agent in a hook',
      {
        sidecar: {
          ...SIDECAR,
          lifecycle: { postStart: { exec: { command: ['pilot-agent', 'istio-iptables', '--cleanup-only'] } } },
        },
      },
      /something else/,
    ],
    ...[
      ['istio-clean-iptables'],
      [...SIDECAR.args, '--templateFile=/mnt/a'],
      [...SIDECAR.args, '--templateFile', '/mnt/a'],
      ['proxy', 'sidecar', '--domain', '--meshConfig=/mnt/a'],
    ].map((args): [string, object, RegExp] => [
      `told ${args.join(' ')}`,
      { sidecar: { ...SIDECAR, args } },
      /something else/,
    ]),
    [
      'a configuration from elsewhere',
      {
        sidecar: {
          ...SIDECAR,
          env: [NAMESPACE, { name: 'PROXY_CONFIG', valueFrom: { configMapKeyRef: { name: 'a' } } }],
        },
      },
      VARIABLE,
    ],
  ])('what the injector has written is looked at: %s', (_what, spec, message) => {
    expect(refused(pod({}, spec))).toEqual([expect.stringMatching(message)]);
  });
  test('no container runs before the capture is set up', () => {
    const { spec, ...rest } = pod();
    const withFirst = (...initContainers: object[]) => refused({ ...rest, spec: { ...spec, initContainers } });
    expect(withFirst()).toEqual([expect.stringMatching(/is missing/)]);
    expect(withFirst({ name: 'first' }, INIT)).toEqual([expect.stringMatching(/runs before its traffic is captured/)]);
    expect(refused(pod({}, { initContainers: [{ name: 'second' }] }))).toEqual([]);
    const debugged = pod({}, { ephemeralContainers: [{ name: 'debugger' }] });
    expect(refused(debugged)).toEqual([]);
    for (const state of [{}, { running: {} }, { terminated: { exitCode: 1 } }])
      expect(refused({ ...debugged, status: { initContainerStatuses: [{ name: 'istio-init', state }] } })).toEqual([
        expect.stringMatching(/not captured yet/),
      ]);
  });
  test('what the platform sets for all sidecars passes', () => {
    const sidecar = {
      ...SIDECAR,
      env: [
        NAMESPACE,
        {
          name: 'PROXY_CONFIG',
          value:
            '{"discoveryAddress":"istiod-canary.istio-system.svc:15012", "interceptionMode": "TPROXY",' +
            '"tracing":{"datadog":{"address":"$(HOST_IP):8126"}},"statsdUdpAddress":"statsd.other.svc.cluster.local:9125",' +
            '"drainDuration":"45s","concurrency":2,"holdApplicationUntilProxyStarts":true,' +
            '"proxyMetadata":{"ISTIO_DUAL_STACK":"true","ISTIO_META_DNS_CAPTURE":"true"},' +
            '"proxyStatsMatcher":{"inclusionRegexps":[".*\\\\.a\\u003c\\"b!#"]}}\n',
        },
        { name: 'CA_ADDR', value: 'istiod-canary.istio-system.svc:15012' },
        { name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
        { name: 'INSTANCE_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      ],
      lifecycle: {
        postStart: { exec: { command: ['pilot-agent', 'wait', '--timeoutSeconds=30', '--periodMillis', '100'] } },
        preStop: { exec: { command: ['pilot-agent', 'request', '--debug-port=15020', 'POST', 'drain'] } },
      },
      restartPolicy: 'Always',
      args: [...SIDECAR.args, '--proxyLogLevel=warning', '--log_as_json', '--stsPort=15463'],
      volumeMounts: [
        ...Object.entries(OWN_MOUNTS).map(([mountPath, name]) => ({ name, mountPath })),
        ...[
          '/etc/certs/bank',
          '/etc/certs/bank/client.pem',
          '/mnt',
          '/var/local/wasm',
          '/vault/secrets',
          '/etc/ssl/certs/',
        ],
        ...['/var/run/secrets/azure/tokens', '/var/run/secrets/eks.amazonaws.com/serviceaccount', '/etc/pki/ca-trust'],
      ].map((mount) => (typeof mount === 'string' ? { name: 'mine', mountPath: mount } : mount)),
    };
    const init = {
      ...withArgs('REDIRECT', 'TPROXY'),
      env: [{ name: 'ISTIO_DUAL_STACK', value: 'true' }],
      volumeMounts: ['/var/run/secrets/kubernetes.io/serviceaccount', '/vault/secrets', '/etc/pki/ca-trust'].map(
        (mountPath) => ({ name: 'mine', mountPath }),
      ),
    };
    expect(refused(pod({}, { init, sidecar }))).toEqual([]);
    const ours = guard({ refuseBypass: true, proxyImages: ['harbor.example.com:8443/istio/proxyv2'] });
    const image = 'harbor.example.com:8443/istio/proxyv2:1.31.0';
    expect(ours(pod({}, { init: { ...init, image }, sidecar: { ...sidecar, image } }))).toEqual([]);
    expect(ours(pod())).toEqual([expect.stringMatching(/name the one that Istio uses here in `proxyImages`/)]);
  });
  test.each(['istio/proxyv2:1.31.0', 'proxyv2', "a/b'"])('proxyImages: "%s" stops synth', (image) => {
    expect(() => guard({ refuseBypass: true, proxyImages: [image] })).toThrow(/is not an image with its registry and/);
  });

  test('proxyImages alone stops synth', () => {
    expect(() => guard({ proxyImages: ['harbor.example.com/istio/proxyv2'] })).toThrow(
      /proxyImages has no effect without `refuseBypass: true`/,
    );
  });

  const as1337 = { securityContext: { runAsUser: 1337 } };
  test.each([
    ['istio-validation, which this injector does not write', { containers: [{ name: 'istio-validation', ...as1337 }] }],
    ['the same before the others', { initContainers: [{ name: 'istio-validation', ...as1337 }] }],
    ['the same as a debug container', { ephemeralContainers: [{ name: 'istio-init', ...as1337 }] }],
    ['one that is called like a word of the note', { containers: [{ name: 'containers', ...as1337 }] }],
    ['one that is called like a volume', { containers: [{ name: 'istio-envoy', ...as1337 }] }],
  ])('the names of the injector are for its containers only: %s', (_what, spec) => {
    expect(refused(pod({}, spec))).toEqual([expect.stringMatching(/called like a container of the injector: choose/)]);
  });
  test('where nothing is injected, no container has the name of the proxy', () => {
    expect(refused(annotated('sidecar.istio.io/status', ''))).toEqual([
      expect.stringMatching(/another number/),
      expect.stringMatching(/With other capabilities/),
    ]);
  });

  test.each(['NET_ADMIN', 'CAP_NET_ADMIN', 'net_raw', 'ALL', 'SYS_ADMIN', 'SYS_PTRACE', 'SYS_MODULE', 'BPF'])(
    'the capability %s is refused',
    (capability) => {
      const securityContext = { capabilities: { add: ['CHOWN', capability] } };
      for (const list of ['containers', 'initContainers', 'ephemeralContainers'])
        expect(refused(pod({}, { [list]: [{ name: 'b', securityContext }] }))).toEqual([
          expect.stringMatching(/can bypass its sidecar: leave them out/),
        ]);
    },
  );

  test("kubectl's default for debug containers is refused, and the message says which are not", () => {
    const debug = (securityContext?: object) =>
      pod({}, { ephemeralContainers: [{ name: 'debugger', securityContext }] });
    expect(refused(debug({ capabilities: { add: ['SYS_PTRACE'] } }))).toEqual([
      expect.stringMatching(/`--profile=restricted` or `--profile=baseline`/),
    ]);
    expect(refused(debug())).toEqual([]);
    expect(refused(debug({ runAsNonRoot: true, capabilities: { drop: ['ALL'] } }))).toEqual([]);
  });

  test('pods of gateways are for namespaces of the platform', () => {
    const platform = guard({ refuseBypass: true, platformNamespaces: ['other'] });
    for (const one of [
      annotated('inject.istio.io/templates', 'gateway'),
      pod({ labels: { 'sidecar.istio.io/inject': 'false' } }),
    ]) {
      expect(refused(one)).toHaveLength(1);
      expect(platform(one)).toEqual([]);
    }
  });

  test.each([
    ['traffic.sidecar.istio.io/excludeOutboundIPRanges', '0.0.0.0/0'],
    ['traffic.sidecar.istio.io/excludeOutboundPorts', '443'],
    ['traffic.sidecar.istio.io/excludeInterfaces', 'eth0'],
    ['traffic.sidecar.istio.io/includeOutboundIPRanges', '10.0.0.0/8'],
    ['traffic.sidecar.istio.io/includeOutboundIPRanges', ''],
    ['sidecar.istio.io/interceptionMode', 'NONE'],
    ['sidecar.istio.io/inject', 'false'],
    ['sidecar.istio.io/proxyImage', 'mine'],
    ['proxy.istio.io/overrides', '{}'],
    ['sidecar.istio.io/nativeSidecar', 'false'],
    ['sidecar.istio.io/bootstrapOverride', ''],
    ['sidecar.istio.io/discoveryAddress', 'xds.other.svc:15012'],
    ['istio.io/reroute-virtual-interfaces', 'x"\n    command: ["true"]'],
    ['traffic.sidecar.istio.io/kubevirtInterfaces', 'x"\u2028    command: ["true"]'],
  ])('the annotation %s: "%s" is refused', (name, value) => {
    expect(refused(annotated(name, value))).toEqual([annotation(name)]);
  });

  test.each([
    ['the network of the host', pod({}, { hostNetwork: true }), /hostNetwork/],
    ['no injection', pod({ labels: { 'sidecar.istio.io/inject': 'false' } }), /label sidecar.istio.io.inject takes/],
    [
      'the same, spelt otherwise',
      pod({ labels: { 'sidecar.istio.io/inject': 'False' } }),
      /label sidecar.istio.io.inject/,
    ],
    ['privileges', pod({}, { containers: [{ name: 'b', securityContext: { privileged: true } }] }), /leave them out/],
    [
      'a probe that the node sends elsewhere',
      pod({}, { containers: [{ name: 'b', readinessProbe: { tcpSocket: { host: 'a.example.com', port: 80 } } }] }),
      /The node itself asks/,
    ],
    [
      'the same of the sidecar',
      pod({}, { sidecar: { ...SIDECAR, lifecycle: { preStop: { httpGet: { host: 'a.example.com' } } } } }),
      /The node itself asks/,
    ],
    ...['containers', 'initContainers', 'ephemeralContainers'].map((list): [string, object, RegExp] => [
      `the configuration of the proxy in ${list}`,
      pod({}, { [list]: [{ name: 'b', volumeMounts: [{ name: 'istio-envoy', mountPath: '/a' }] }] }),
      /leave them to the proxy/,
    ]),
    ['user 1337', pod({}, { securityContext: { runAsUser: 1337 } }), /another number/],
    ['group 1337', pod({}, { securityContext: { supplementalGroups: [5, 1337] } }), /another number/],
    [
      'a container as user 1337',
      pod({}, { containers: [{ name: 'b', securityContext: { runAsUser: 1337 } }] }),
      /1337/,
    ],
    ['a first container', pod({}, { initContainers: [{ name: 'b', securityContext: { runAsGroup: 1337 } }] }), /1337/],
    [
      'a debug container',
      pod({}, { ephemeralContainers: [{ name: 'b', securityContext: { runAsUser: 1337 } }] }),
      /1337/,
    ],
  ])('%s is refused', (_what, object, message) => {
    expect(refused(object)).toEqual([expect.stringMatching(message)]);
  });

  test('a pod that is there already can be changed, but not annotated anew', () => {
    const oldObject = annotated('sidecar.istio.io/inject', 'false');
    const update = (object: object) => refused(object, { oldObject, operation: 'UPDATE' });
    expect(update({ ...oldObject, metadata: { ...oldObject.metadata, finalizers: [] } })).toEqual([]);
    expect(update(pod({ annotations: { ...oldObject.metadata.annotations, 'cni.example.com/ip': 'x' } }))).toEqual([]);
    expect(update(annotated('sidecar.istio.io/inject', 'no'))).toHaveLength(1);
    expect(update(annotated('a', 'sidecar.istio.io/inject is gone'))).toEqual([]);
    const labels = { 'sidecar.istio.io/inject': 'false' };
    expect(refused(pod({ labels }), { oldObject: pod(), operation: 'UPDATE' })).toHaveLength(1);
  });
});
