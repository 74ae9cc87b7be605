/**
 * What Istio's injector writes into a pod. A pod can speak in its place: it says that containers of its own are the
 * injector's, lays fields of its own over them, or writes into the template, and takes the trace of that away. Policies
 * see a pod as it is afterwards, so the result is what they look at: only what Istio writes is allowed.
 */
import { ANYTHING, QUOTED, STATUS } from './annotations';
import { annotation, each, field, literal, mapLiteral, matches, matchLines, patterns } from './cel';
import type { GuardFacts, GuardPolicy } from './policy';
import { MESH_VARIABLES, ofPlatform, POD_VARIABLES, proxyConfig } from './proxy-config';
import { PROXY_CONTAINER, PROXY_UID } from '../../istio/injection';

/** What kubelet runs or asks of each container. */
export const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'];
export const HOOKS = ['lifecycle.postStart', 'lifecycle.preStop'];

/** They set up the capture, or wait until istio-cni has done it. */
const CAPTURES = ['istio-init', 'istio-validation'];

/**
 * Containers of the injector, which run as the proxy's user, or set up the capture. It notes in an annotation which of
 * them it wrote, and replaces what a pod itself says there.
 */
export const INJECTED = [PROXY_CONTAINER, ...CAPTURES];

const IMAGES = ['docker.io/istio/proxyv2', 'gcr.io/istio-release/proxyv2', 'registry.istio.io/release/proxyv2'];

const PORTS = '[*0-9, ]*';
/**
 * What sets up the capture is told, with each argument in a line: all that leaves goes to the outbound side of the proxy,
 * for the inbound side lets everything through. Ports become rules of the packet filter as they are.
 */
const CAPTURE =
  `^istio-iptables\\n-p\\n15001\\n-z\\n15006\\n-u\\n${PROXY_UID}\\n-m\\n(REDIRECT|TPROXY)\\n-i\\n[*]\\n-x\\n\\n` +
  `-b\\n${PORTS}\\n-d\\n${PORTS}\\n(-q\\n${PORTS}\\n)?(-o\\n\\n)?(-k\\n[-_.:, a-zA-Z0-9]*\\n)?(-c\\n\\n)?--log_output_level=[^\\n]*` +
  '(\\n--log_as_json)?(\\n--run-validation\\n--skip-rule-apply|\\n--force-apply)?(\\n--native-nftables)?$';

/** What the proxy is told: its domain, which becomes a part of its name in Envoy's bootstrap, and how to log. */
const ARGUMENTS =
  '^proxy\\nsidecar(\\n--domain\\n[$][(]POD_NAMESPACE[)][.]svc[.][-.a-z0-9]+|\\n--log_as_json|' +
  '\\n--(concurrency|log_output_level|outlierLogPath|proxyComponentLogLevel|proxyLogLevel|stsPort)=[-_./:,a-zA-Z0-9]*)*$';

/** What may be asked of the proxy, in its container. */
export const REQUEST = 'pilot-agent\\nrequest(\\n--debug-port=[0-9]+)?\\n(GET|POST)\\n[a-z][^\\n]*';
/** In hooks it waits until it is ready, and drains. */
const HOOK = `^(pilot-agent\\nwait(\\n--(timeoutSeconds|periodMillis|requestTimeoutMillis)[=\\n][0-9]+)*|${REQUEST})$`;

/** What variables of these containers name of the pod, and of its resources. */
const NAMED = {
  POD_NAME: 'metadata.name',
  POD_NAMESPACE: 'metadata.namespace',
  INSTANCE_IP: 'status.podIP',
  SERVICE_ACCOUNT: 'spec.serviceAccountName',
  HOST_IP: 'status.hostIP',
  ISTIO_META_NODE_NAME: 'spec.nodeName',
  ISTIO_CPU_LIMIT: 'limits.cpu',
  GOMEMLIMIT: 'limits.memory',
  GOMAXPROCS: 'limits.cpu',
};

/** The agent asks its own pod for metrics, at a port and a path. */
const METRICS =
  '^([{}\\[\\],]|"targets":|"(port|scrape)":"[a-zA-Z0-9]*"|"path":"(/([^"\\\\$]|\\\\u003[ce]|\\\\u0026)*)?"|null)*$';

/**
 * Variables with values of their own, and what these are: the injector's, a mesh's, and those by which webhooks of cloud
 * providers give all containers an identity there.
 */
const variables = (facts: GuardFacts) =>
  patterns(
    [QUOTED, '', [...POD_VARIABLES, ...MESH_VARIABLES, ...facts.proxyVariables].join(' ')],
    ['^istiod$', '', 'PILOT_CERT_PROVIDER'],
    [`^${ofPlatform(facts)}:[0-9]+$`, '', 'CA_ADDR'],
    ['^fips140=only$', '', 'GODEBUG'],
    // Else nothing captures IPv6.
    ['^true$', '', 'ISTIO_DUAL_STACK'],
    ['^(REDIRECT|TPROXY)$', '', 'ISTIO_META_INTERCEPTION_MODE'],
    [proxyConfig(facts), '', 'PROXY_CONFIG'],
    [METRICS, '', 'ISTIO_PROMETHEUS_ANNOTATIONS'],
    [ANYTHING, 'ISTIO_META_', 'POD_PORTS APP_CONTAINERS CLUSTER_ID NETWORK WORKLOAD_NAME OWNER MESH_ID'],
    [ANYTHING, '', 'COMPLIANCE_POLICY ISTIO_KUBE_APP_PROBERS OTEL_RESOURCE_ATTRIBUTES TRUST_DOMAIN'],
    [ANYTHING, '', 'REWRITE_PROBE_LEGACY_LOCALHOST_DESTINATION'],
    [QUOTED, 'AWS_', 'DEFAULT_REGION REGION ROLE_ARN STS_REGIONAL_ENDPOINTS WEB_IDENTITY_TOKEN_FILE'],
    [QUOTED, 'AWS_CONTAINER_', 'AUTHORIZATION_TOKEN_FILE CREDENTIALS_FULL_URI'],
    [QUOTED, 'AZURE_', 'AUTHORITY_HOST CLIENT_ID FEDERATED_TOKEN_FILE TENANT_ID'],
  );

/** Volumes of the injector: where it mounts them, and what they are. */
const VOLUMES: Record<string, [mounted: string, holds: string]> = {
  'istio-podinfo': [
    '/etc/istio/pod',
    `has(volume.downwardAPI) && ${each('downwardAPI.items', 'volume', 'item', `${field('fieldRef.fieldPath', "''", 'item')} == 'metadata.' + item.path`)}`,
  ],
  'istio-envoy': ['/etc/istio/proxy', 'has(volume.emptyDir)'],
  'istio-data': ['/var/lib/istio/data', 'has(volume.emptyDir)'],
  'credential-socket': ['/var/run/secrets/credential-uds', 'has(volume.emptyDir)'],
  'workload-socket': ['/var/run/secrets/workload-spiffe-uds', 'has(volume.emptyDir)'],
  'workload-certs': ['/var/run/secrets/workload-spiffe-credentials', 'has(volume.emptyDir)'],
  'gke-workload-certificate': ['/var/run/secrets/workload-spiffe-credentials', 'has(volume.csi)'],
  'istio-token': [
    '/var/run/secrets/tokens',
    `has(volume.projected) && ${each('projected.sources', 'volume', 'source', 'has(source.serviceAccountToken)')}`,
  ],
  // Others may write more into the ConfigMap there than istiod does.
  'istiod-ca-cert': [
    '/var/run/secrets/istio',
    `${field('configMap.name', "''", 'volume')} == 'istio-ca-root-cert' && !has(volume.configMap.items) || ` +
      `has(volume.projected) && ${each('projected.sources', 'volume', 'source', 'has(source.clusterTrustBundle)')}`,
  ],
  'istio-ca-crl': ['/var/run/secrets/istio/crl', 'has(volume.configMap)'],
};
const OWN_MOUNTS = Object.entries(VOLUMES).map(([name, [path]]) => `${name} ${path}`);
const isOwnVolume = (name: string) => `${name} in ${literal(Object.keys(VOLUMES))}`;

/**
 * Where others may mount volumes: the image of the proxy has nothing there, and what it reads by itself is not there,
 * but right below /etc/certs.
 */
const OPEN =
  '^/((mnt|opt|srv|vault|var/local)(/[^/]+)*|etc/(certs/[^/.]+|ca-certificates|pki|ssl/certs)(/[^/]+)*|' +
  'var/run/secrets/(azure|kubernetes[.]io|(pods[.])?eks[.]amazonaws[.]com)(/[^/]+)*)/?$';

/** Policy variables: what the injector notes of its containers, and these. */
export const injectedVariables = (facts: GuardFacts): NonNullable<GuardPolicy['variables']> => [
  { name: 'status', expression: annotation(STATUS) },
  {
    name: 'injected',
    expression: `(${field('spec.initContainers', '[]')} + ${field('spec.containers', '[]')}).filter(one, ${isInjected('one')})`,
  },
  { name: 'named', expression: mapLiteral(NAMED) },
  { name: 'allowedVariables', expression: variables(facts) },
];

/** Whether a container has a name of the injector's, which notes that it wrote it. */
export function isInjected(one: string): string {
  return `${isCalled(one)} && variables.status.contains('"' + ${one}.name + '"')`;
}

/** Whether a container has a name of the injector's. */
export const isCalled = (one: string) => `${one}.name in ${literal(INJECTED)}`;

/** Whether no volume of the injector is mounted in a container. */
export const isApart = (one: string) => each('volumeMounts', one, 'mount', `!(${isOwnVolume('mount.name')})`);

/** Whether the injector wrote a container with one of these names. */
const has = (...names: string[]) => `variables.injected.exists(one, one.name in ${literal(names)})`;

/** What is true of each container that the injector wrote. */
const all = (...holds: string[]) => `variables.injected.all(one, ${holds.join(' && ')})`;

/** What its arguments are, each in a line. */
const isTold = (pattern: string) => matchLines(field('args', '[]', 'one'), pattern);

/** Whether a container has another image than in the pod before. */
export function hasOtherImage(): string {
  return ['spec.initContainers', 'spec.containers']
    .map(
      (list) =>
        `${field(list, '[]')}.exists(one, ${isCalled('one')} && ` +
        `!${field(list, '[]', 'oldObject')}.exists(former, former.name == one.name && former.image == one.image))`,
    )
    .join(' || ');
}

/** For pods into which the injector wrote, or should have. */
export function injectedAsWritten(facts: GuardFacts): GuardPolicy['validations'] {
  const { proxyImages } = facts;
  const images = proxyImages.length > 0 ? proxyImages : IMAGES;
  const isNamed =
    'variable.name in variables.named && variables.named[variable.name] in ' +
    `[${['fieldRef.fieldPath', 'resourceFieldRef.resource'].map((path) => field(`valueFrom.${path}`, "''", 'variable')).join(', ')}]`;
  const value = field('value', "''", 'variable');
  return [
    {
      expression: `variables.status == '' || ${has(...CAPTURES)} && ${has(PROXY_CONTAINER)}`,
      message:
        'Istio wrote into this pod, but what captures its traffic is missing: leave out what changes the interception, ' +
        'and what speaks to the injector in place of the pod.',
    },
    {
      // An author can have the injector write the init container of a mesh without istio-cni, which then does nothing.
      expression:
        `variables.status == '' || ${field('spec.initContainers', '[]')}.size() == 0 || ` +
        `object.spec.initContainers[0].name in ${literal(CAPTURES)}`,
      message:
        'A container of this pod runs before its traffic is captured: switch native sidecars on in istiod ' +
        '(`ENABLE_NATIVE_SIDECARS`), or for this pod by the annotation sidecar.istio.io/nativeSidecar: "true".',
    },
    {
      // Kubernetes does not let them wait for the init containers.
      expression:
        `${field('spec.ephemeralContainers', '[]')}.size() == 0 || ` +
        `variables.injected.all(one, !(one.name in ${literal(CAPTURES)}) || ` +
        `${field('status.initContainerStatuses', '[]')}.exists(init, ` +
        `init.name == one.name && ${field('state.terminated.exitCode', '1', 'init')} == 0))`,
      message:
        'The traffic of this pod is not captured yet: add a debug container once its container ' +
        `${CAPTURES.join(' or ')} has ended.`,
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
        ...['command', 'envFrom', 'workingDir', 'volumeDevices', 'livenessProbe'].map((name) => `!has(one.${name})`),
        `${field('terminationMessagePath', "'/dev/termination-log'", 'one')} == '/dev/termination-log'`,
        // istio-cni captures nothing of the user and the group that the proxy has.
        ...['runAsUser', 'runAsGroup'].map(
          (name) => `${field(`securityContext.${name}`, `${PROXY_UID}`, 'one')} in [0, ${PROXY_UID}]`,
        ),
        ...PROBES.map((probe) => `!one.?${probe}.?exec.hasValue()`),
        ...HOOKS.map((hook) => matchLines(field(`${hook}.exec.command`, "['pilot-agent', 'wait']", 'one'), HOOK)),
        `(one.name == ${literal(PROXY_CONTAINER)} ? ${isTold(ARGUMENTS)} : ${isTold(CAPTURE)} && !has(one.restartPolicy))`,
      ),
      message:
        "A container of Istio's injector in this pod runs something else than Istio has it run, or as somebody else, or leaves " +
        'something out of the capture: leave out containers of its names, and what changes the interception, in this pod and in the ' +
        'settings of Istio for all pods. Hooks of all sidecars (`global.proxy.lifecycle`) run `pilot-agent wait` or ' +
        '`pilot-agent request` only.',
    },
    {
      expression: all(
        each(
          'env',
          'one',
          'variable',
          "variable.name.startsWith('DD_') || " +
            `(has(variable.valueFrom) ? ${isNamed} : ${matches('variable.name', value, 'variables.allowedVariables')})`,
        ),
        // Of a proxy without a namespace, istiod takes the Sidecar of none.
        `(one.name != ${literal(PROXY_CONTAINER)} || ${field('env', '[]', 'one')}.exists(variable, variable.name == 'POD_NAMESPACE'))`,
      ),
      message:
        "A variable of Istio's containers in this pod is not one that Istio writes, or has another value, or POD_NAMESPACE is " +
        'missing: leave out what changes it, in this pod and in the settings of the mesh. Further `proxyMetadata` of the ' +
        'mesh belongs in `proxyVariables` of the guard. PROXY_CONFIG has settings that the guide of EgressGuard lists, an ' +
        'istiod in a namespace of the platform, ' +
        'and each `address` in the cluster.',
    },
    {
      expression:
        all(
          each(
            'volumeMounts',
            'one',
            'mount',
            `(mount.name + ' ' + mount.mountPath) in ${literal(OWN_MOUNTS)} || ` +
              `!(${isOwnVolume('mount.name')}) && mount.mountPath.matches(${literal(OPEN)}) && !mount.mountPath.contains('/.')`,
          ),
        ) +
        ` && (variables.status == '' || ${field('spec.volumes', '[]')}.all(volume, ${Object.entries(VOLUMES)
          .map(([name, [, holds]]) => `(volume.name != ${literal(name)} || ${holds})`)
          .join(' && ')}))`,
      message:
        "A volume lies over programs or files of Istio's in a container of its injector, or takes the place of one of its " +
        'own: mount it below /etc/certs/<name>, /mnt, /opt, /srv or /vault, under a name of its own.',
    },
  ];
}
