/**
 * What Istio's injector writes into a pod, as far as the capture of its traffic depends on it. A pod can speak in its
 * place: it says that containers of its own are the injector's, or writes into the template, and takes the trace of that
 * away. Policies see a pod as it is afterwards, so the result is what they look at.
 */
import { annotation, field, literal } from './cel';
import type { GuardFacts, GuardPolicy } from './policies';
import { ofPlatform, onlyAs, readable, reportsInCluster, STARTS_WITH } from './proxy-config';
import { PROXY_CONTAINER } from '../../istio/injection';

/** Here the injector notes which containers it wrote. */
export const STATUS = 'sidecar.istio.io/status';

/** What kubelet runs or asks of each container. */
export const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'];
export const HOOKS = ['lifecycle.postStart', 'lifecycle.preStop'];

/** They set up the capture, or wait until istio-cni has done it. */
const CAPTURES = ['istio-init', 'istio-validation'];

/**
 * Containers of the injector, which run as the proxy's user, or set up the capture. It notes in an annotation which of
 * them it wrote, and replaces what a pod itself says there.
 */
const INJECTED = [PROXY_CONTAINER, ...CAPTURES];

const IMAGES = ['docker.io/istio/proxyv2', 'gcr.io/istio-release/proxyv2', 'registry.istio.io/release/proxyv2'];

/** What sets up the capture is told, with each argument in a line: all that leaves, but for what the proxy sends. */
const CAPTURE =
  '^istio-iptables\\n-p\\n[0-9]+\\n-z\\n[0-9]+\\n-u\\n1337\\n-m\\n(REDIRECT|TPROXY)\\n-i\\n[*]\\n-x\\n\\n' +
  '-b\\n[^\\n]*\\n-d\\n[^\\n]*\\n(-q\\n[^\\n]*\\n)?(-o\\n\\n)?(-k\\n[^\\n]*\\n)?(-c\\n\\n)?--log_output_level=[^\\n]*' +
  '(\\n--log_as_json)?(\\n--run-validation\\n--skip-rule-apply|\\n--force-apply)?(\\n--native-nftables)?$';

/** What the proxy is told: its domain, and how to log. */
const ARGUMENTS =
  '^proxy\\nsidecar(\\n--domain\\n[^-\\n][^\\n]*|\\n--log_as_json|' +
  '\\n--(concurrency|log_output_level|outlierLogPath|proxyComponentLogLevel|proxyLogLevel|stsPort)=[^\\n]*)*$';

/** In hooks it waits until it is ready, and drains. */
const HOOK = '^pilot-agent (wait( --(timeoutSeconds|periodMillis|requestTimeoutMillis)[= ][0-9]+)*|request( .*)?)$';

/**
 * Variables by which these programs or istio-cni do something else than they are told, trust somebody else, or connect
 * by way of somebody else.
 */
const VARIABLES =
  '(ISTIO_(INBOUND|OUTBOUND|LOCAL|SERVICE|EXCLUDE)_.*|INBOUND_.*|ENVOY_PORT|ENVOY_USER|PROXY_UID|PROXY_GID|' +
  'KUBE_VIRT_.*|DRY_RUN|SKIP_.*|RUN_VALIDATION|NETWORK_NAMESPACE|CNI_MODE|RECONCILE|CLEANUP_.*|FORCE_.*|NATIVE_.*|' +
  'DISABLE_ENVOY|PATH|LD_.*|.*LIB_?DIR|ISTIO_BOOTSTRAP.*|GRPC_XDS_BOOTSTRAP|XDS_.*|CA_(PROVIDER|ROOT_CA)|' +
  'FILE_MOUNTED_CERTS|ISTIOD_SAN|PROV_CERT|OUTPUT_CERTS|SSL_CERT_.*|GCE_METADATA_HOST|' +
  '(https?|all|no|HTTPS?|ALL|NO)_(proxy|PROXY))';

/** Addresses of the pod and of its node, which no container gives itself. */
const ADDRESSES = ['HOST_IP', 'INSTANCE_IP'];

/**
 * The injector writes the configuration of the proxy as JSON. Without other escapes than those of JSON for signs, no
 * text in it is another than it looks.
 */
const JSON_ONLY =
  '^([\\[\\]{},:\\s]|"([^"\\\\\\r\\n]|\\\\(["\\\\/bfnrt]|u003[ce]|u0026))*"|[-+.0-9]+|true|false|null)*$';

/** What the injector mounts itself, each volume at its path: nothing else is mounted at a path that is spelt the same. */
const OWN_MOUNTS = [
  'istio-podinfo /etc/istio/pod',
  'istio-envoy /etc/istio/proxy',
  'istio-data /var/lib/istio/data',
  'credential-socket /var/run/secrets/credential-uds',
  'istiod-ca-cert /var/run/secrets/istio',
  'istio-ca-crl /var/run/secrets/istio/crl',
  'istio-token /var/run/secrets/tokens',
  'workload-certs /var/run/secrets/workload-spiffe-credentials',
  'gke-workload-certificate /var/run/secrets/workload-spiffe-credentials',
  'workload-socket /var/run/secrets/workload-spiffe-uds',
];

/** Where the image has its programs, what these read and whom they trust. */
const CLOSED =
  '^[^/]|^/($|(bin|dev|etc|lib[^/]*|proc|run|sbin|sys|usr)(/|$)|var(/(lib|run(/secrets)?))?/?$|var/lib/istio|' +
  'var/run/secrets/(credential-|istio|tokens|workload-))|[.][.]|//|/[.](/|$)';

/** Where certificates lie: but `root-cert.pem`, right below /etc/certs, is the istiod's that the proxy trusts. */
const OPEN = '^/etc/(ca-certificates|certs/[^/.]|pki|ssl/certs)([^/]|/[^/.])*/?$';
const TRUSTED = '/etc/certs/root-cert.pem';

/** Policy variables: what the injector notes of its containers, and these. */
export const INJECTED_VARIABLES: NonNullable<GuardPolicy['variables']> = [
  { name: 'status', expression: annotation(STATUS) },
  {
    name: 'injected',
    expression: `(${field('spec.initContainers', '[]')} + ${field('spec.containers', '[]')}).filter(one, ${isInjected('one')})`,
  },
];

/** Whether a container has a name of the injector's, which notes that it wrote it. */
export function isInjected(one: string): string {
  return `${one}.name in ${literal(INJECTED)} && variables.status.contains('"' + ${one}.name + '"')`;
}

/** Whether the injector wrote a container with one of these names. */
const has = (...names: string[]) => `variables.injected.exists(one, one.name in ${literal(names)})`;

/** What is true of each container that the injector wrote. */
const all = (...holds: string[]) => `variables.injected.all(one, ${holds.join(' && ')})`;

/** What is true of each item of a list in such a container. */
const each = (list: string, item: string, holds: string) => `${field(list, '[]', 'one')}.all(${item}, ${holds})`;

/** What its arguments are, each in a line. */
const isTold = (pattern: string) => `${field('args', '[]', 'one')}.join('\\n').matches(${literal(pattern)})`;

/** Whether a container has another image than in the pod before. */
export function hasOtherImage(): string {
  return ['spec.initContainers', 'spec.containers']
    .map(
      (list) =>
        `${field(list, '[]')}.exists(one, one.name in ${literal(INJECTED)} && ` +
        `!${field(list, '[]', 'oldObject')}.exists(former, former.name == one.name && former.image == one.image))`,
    )
    .join(' || ');
}

/** What the proxy is configured by, once all is written. Kubernetes puts other variables in where `$(…)` names them. */
function isConfigured(value: string, facts: GuardFacts): string {
  const atPlatform = (name: string) => onlyAs('config', name, `"${name}": *"${ofPlatform(facts)}:[0-9]+"`);
  return (
    `!${value}.matches(${literal(`"${VARIABLES}"\\s*:`)}) && [${readable(value)}].all(config, ` +
    `config.matches(${literal(JSON_ONLY)}) && ` +
    `!${literal(STARTS_WITH)}.exists(setting, config.contains(setting)) && ` +
    [
      onlyAs('config', '[$][(]', '[$][(]hostip[)]'),
      onlyAs('config', 'interceptionmode', '"interceptionmode": *"(redirect|tproxy)"'),
      atPlatform('discoveryaddress'),
      atPlatform('caaddr'),
      reportsInCluster('config', facts),
    ].join(' && ') +
    ')'
  );
}

/** For pods into which the injector wrote. */
export function injectedAsWritten(facts: GuardFacts): GuardPolicy['validations'] {
  const { proxyImages } = facts;
  const images = proxyImages.length > 0 ? proxyImages : IMAGES;
  const istiod = `${ofPlatform(facts)}:[0-9]+`;
  return [
    {
      expression: `variables.status == '' || ${has(...CAPTURES)} && ${has(PROXY_CONTAINER)}`,
      message:
        'Istio wrote into this pod, but what captures its traffic is missing: leave out what changes the interception, ' +
        'and what speaks to the injector in place of the pod.',
    },
    {
      expression: `variables.status == '' || object.spec.containers.exists(one, one.name != ${literal(PROXY_CONTAINER)})`,
      message:
        'The proxy is the only container of this pod, so that `kubectl exec` runs there what bypasses it: add a container.',
    },
    {
      expression: all(
        `${literal(images)}.exists(image, [':', '@'].exists(end, (${field('image', "''", 'one')} + end).startsWith(image + end)))`,
      ),
      message:
        `The sidecar of this pod has another image than ${images.join(', ')}: leave it to Istio, or name the one that ` +
        'Istio uses here in `proxyImages` of the guard.',
    },
    {
      expression: all(
        ...['command', 'envFrom', 'workingDir', 'volumeDevices'].map((name) => `!has(one.${name})`),
        ...PROBES.map((probe) => `!one.?${probe}.?exec.hasValue()`),
        ...HOOKS.map(
          (hook) =>
            `${field(`${hook}.exec.command`, "['pilot-agent', 'wait']", 'one')}.join(' ').matches(${literal(HOOK)})`,
        ),
        each(
          'env',
          'variable',
          `!variable.name.matches(${literal(`^${VARIABLES}$`)}) && ` +
            `(variable.name != 'CA_ADDR' || ${field('value', "''", 'variable')}.matches(${literal(`^${istiod}$`)})) && ` +
            `(!(variable.name in ${literal(ADDRESSES)}) || ` +
            `${field('valueFrom.fieldRef.fieldPath', "''", 'variable')}.startsWith('status.'))`,
        ),
      ),
      message:
        "A container of Istio's injector in this pod runs something else than Istio has it run: leave out containers of " +
        'its names, and the annotation sidecar.istio.io/status. Hooks of all sidecars (`global.proxy.lifecycle`) run ' +
        '`pilot-agent wait` or `pilot-agent request` only.',
    },
    {
      expression: all(
        each(
          'volumeMounts',
          'mount',
          `(mount.name + ' ' + mount.mountPath) in ${literal(OWN_MOUNTS)} || !mount.mountPath.matches(${literal(CLOSED)}) || ` +
            `mount.mountPath.matches(${literal(OPEN)}) && !mount.mountPath.startsWith(${literal(TRUSTED)})`,
        ),
        // Others may write more into the ConfigMap there than istiod does.
        `${field('spec.volumes', '[]')}.all(volume, volume.name != 'istiod-ca-cert' || !volume.?configMap.?items.hasValue())`,
      ),
      message:
        "A volume lies over programs or files of Istio's in a container of its injector: mount it below /etc/certs/<name>, " +
        '/mnt or another directory that the image of the proxy does not use.',
    },
    {
      expression: all(`one.name == ${literal(PROXY_CONTAINER)} || ${isTold(CAPTURE)} && !has(one.restartPolicy)`),
      message:
        'What sets up the capture of this pod leaves something out, or runs as another user than 1337: leave out what ' +
        'changes the interception, in this pod and in the settings of Istio for all pods.',
    },
    {
      expression: all(
        `one.name != ${literal(PROXY_CONTAINER)} || ${isTold(ARGUMENTS)} && ` +
          each(
            'env',
            'variable',
            `variable.name != 'PROXY_CONFIG' || !has(variable.valueFrom) && ${isConfigured(field('value', "''", 'variable'), facts)}`,
          ),
      ),
      message:
        "The proxy of this pod obeys an istiod that is not in a namespace of the platform, or files of the pod's own, " +
        'captures nothing, or sends what it reports to an `address` beyond the cluster: leave that out, in this pod and ' +
        'in the `defaultConfig` of the mesh.',
    },
  ];
}
