import { annotation, field, literal } from './cel';
import { hasOtherImage, HOOKS, INJECTED_VARIABLES, injectedAsWritten, isInjected, PROBES, STATUS } from './injected';
import { GUARD_POLICIES, GuardFacts, GuardPolicy, outside, written } from './policies';
import { inCluster, readable, reportsInCluster, STARTS_WITH } from './proxy-config';
import { INJECT, PROXY_CONTAINER } from '../../istio/injection';

const CAPTURE = 'traffic.sidecar.istio.io/';

/** Annotations by which a pod takes traffic from its sidecar, or changes the sidecar itself, and their usual values. */
const ANNOTATIONS: Record<string, string[]> = {
  [`${CAPTURE}excludeOutboundIPRanges`]: [''],
  [`${CAPTURE}excludeOutboundPorts`]: [''],
  [`${CAPTURE}excludeInterfaces`]: [''],
  // The injector may write these two itself.
  [`${CAPTURE}includeOutboundIPRanges`]: ['*'],
  'sidecar.istio.io/interceptionMode': ['REDIRECT', 'TPROXY'],
  [INJECT]: ['true'],
  'sidecar.istio.io/proxyImage': [''],
  'sidecar.istio.io/bootstrapOverride': [],
  // The agent in the pod reads it, past what the injector writes.
  'sidecar.istio.io/discoveryAddress': [],
  // A sidecar of the other kind comes up after the pod's own init containers.
  'sidecar.istio.io/nativeSidecar': ['true'],
  'inject.istio.io/templates': ['', 'sidecar'],
  // Here the injector notes what the pod itself says about the container of the proxy.
  'proxy.istio.io/overrides': [''],
};

/** What this annotation may not speak of: how traffic is captured, and whom the proxy obeys. */
const PROXY_CONFIG = 'proxy.istio.io/config';
const PROXY_SETTINGS = [
  'interceptionmode',
  'discoveryaddress',
  'xds',
  'caaddr',
  'bootstrap',
  ...STARTS_WITH,
  // What these begin could spell a name otherwise.
  '!',
  '\\',
];

/** The volume from which the proxy is started, and in which the container of an application could write. */
const PROXY_FILES = 'istio-envoy';

/** What gives a text of YAML a line break, where nothing is escaped: a block scalar, and an empty line. */
const LINE_BREAKS = [
  '[|>][-+0-9]*[ \\t]*(#[^\\r\\n]*)?([\\r\\n]|$)',
  '[\\r\\n][ \\t]*[\\r\\n][ \\t\\r\\n]*[^ \\t\\r\\n]',
];
const ASCII = '^[\\t\\r\\n -~]*$';

/**
 * Variables of the sidecar's environment that a team may set, beside those of its metadata. Others decide in the
 * containers of the injector how traffic is captured (ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE), whether it is (DRY_RUN), or
 * whether istio-cni does it (DISABLE_ENVOY).
 */
const VARIABLES = ['EXIT_ON_ZERO_ACTIVE_CONNECTIONS', 'MINIMUM_DRAIN_DURATION'];

/** Words of that form that say something else in the configuration of a proxy. As variables they open nothing. */
const WORDS = [
  'ALWAYS_FORWARD_ONLY',
  'APPEND_FORWARD',
  'FORWARD_ONLY',
  'HOST_IP',
  'ISTIO_MUTUAL',
  'POD_NAME',
  'POD_NAMESPACE',
  'SANITIZE_SET',
];
const NAME_OF_VARIABLE = '[A-Z][A-Z0-9]*_[A-Z0-9_]*';
const isVariable = (name: string, others = VARIABLES) =>
  `(${name}.startsWith('ISTIO_META_') && ${name} != 'ISTIO_META_INTERCEPTION_MODE' || ${name} in ${literal(others)})`;

/** What the injector's template can write between quotation marks. */
const QUOTED = literal('^[ !#-\\[\\]-~]*$');

/** Annotations of Istio in which there may be line breaks. Others the injector writes into its template as they are. */
const VOLUMES = ['sidecar.istio.io/userVolume', 'sidecar.istio.io/userVolumeMount'];
const ANY_TEXT = [PROXY_CONFIG, STATUS, ...VOLUMES];
const ofIstio = (key: string) => `${key}.contains('istio.io/')`;
const isRendered = (key: string) => `(${ofIstio(key)} || ${key}.startsWith('resource.opentelemetry.io/'))`;

/** Other network plug-ins are named between quotation marks of this kind. */
const NETWORKS = 'k8s.v1.cni.cncf.io/networks';

/** Variables of the proxy's environment, where Istio traces with Datadog: only those that are Datadog's. */
const DATADOG = 'apm.datadoghq.com/env';
const DATADOG_VARIABLES =
  '^\\s*[{](\\s*"DD_[A-Z0-9_]*"\\s*:\\s*("[ !#-\\[\\]-~]*"|[-+.0-9eE]+|true|false)\\s*,?)*\\s*[}]\\s*$';

const injectOf = (pod: string) => `${pod}.?metadata.?labels[?${literal(INJECT)}].orValue('true')`;

/** Capabilities with which a container could undo the capture, or take part in the proxy's own traffic. */
const CAPABILITIES = ['ALL', 'BPF', 'NET_ADMIN', 'NET_RAW', 'SYS_ADMIN', 'SYS_MODULE', 'SYS_PTRACE'];

/** Where `localhost` is. */
const LOOPBACK = ['127.0.0.1', '::1'];

/** For what asks the pod itself, and for the node's own addresses, which are no external host. */
const OWN_HOSTS = ['', 'localhost', ...LOOPBACK, '[::1]'];

/** The user and group whose traffic is not captured. */
const PROXY = '1337';

/** What annotations may say, of a pod or of what schedules it. */
const ANNOTATED: GuardPolicy['validations'] = [
  {
    expression: [
      ...Object.entries(ANNOTATIONS).map(
        ([name, usual]) =>
          `(!(${literal(name)} in variables.annotations) || variables.annotations[${literal(name)}] in ${literal(usual)})`,
      ),
      `variables.annotations.all(key, !${isRendered('key')} || key in ${literal(ANY_TEXT)} || ` +
        "variables.annotations[key].matches('^[ -~]*$'))",
      // Names of volumes are quoted as they are once the JSON is read.
      ...VOLUMES.map((name) => `!${annotation(name)}.contains('\\\\')`),
    ].join(' && '),
    message:
      'An annotation takes traffic from the sidecar of this pod, or changes the sidecar. Leave out ' +
      `${Object.keys(ANNOTATIONS).join(', ')}, and containers called istio-proxy; other annotations of Istio are one line ` +
      'of ASCII. External hosts are declared with SidecarEgress or GatewayEgress.',
  },
  {
    expression:
      `!${annotation(NETWORKS)}.contains("'") && ` +
      `${annotation(DATADOG, '{}')}.matches(${literal(DATADOG_VARIABLES)})`,
    message:
      `The injector writes the annotations ${NETWORKS} and ${DATADOG} into its template: leave out ' in the first, and in ` +
      'the second everything but a map of variables that begin with DD_ to texts without \\ and to numbers.',
  },
];

const SIDECARLESS =
  'This pod would have no sidecar: leave out `hostNetwork` and the label sidecar.istio.io/inject, or run it in a ' +
  'namespace of the platform.';

/** What schedules a pod can give it annotations and labels, before its network is set up. */
function bindingPolicy(facts: GuardFacts): GuardPolicy {
  return {
    rules: [{ ...written('', ['v1'], 'bindings', 'pods/binding'), operations: ['CREATE'] }],
    namespaces: outside(facts),
    variables: [{ name: 'annotations', expression: field('metadata.annotations', '{}') }],
    validations: [...ANNOTATED, { expression: `${injectOf('object')} == 'true'`, message: SIDECARLESS }],
  };
}

/** Nobody runs something in the container of the proxy, whose user is not captured. */
function execPolicy(facts: GuardFacts): GuardPolicy {
  return {
    rules: [{ ...written('', ['v1'], 'pods/exec'), operations: ['CONNECT'] }],
    namespaces: outside(facts),
    validations: [
      {
        expression:
          `${field('container', "''")} != ${literal(PROXY_CONTAINER)} || ` +
          `${field('command', '[]')}.join(' ').startsWith('pilot-agent request ')`,
        message:
          'What runs in the container istio-proxy bypasses the sidecar: choose another container. Ask the proxy with ' +
          '`pilot-agent request GET …`, or with istioctl.',
      },
    ],
  };
}

/** The same variables by an object for the whole namespace. */
function proxyConfigPolicy(facts: GuardFacts): GuardPolicy {
  return {
    rules: [written('networking.istio.io', ['v1beta1'], 'proxyconfigs')],
    namespaces: outside(facts),
    variables: [{ name: 'environment', expression: field('spec.environmentVariables', '{}') }],
    validations: [
      {
        expression:
          `variables.environment.all(name, name.matches(${literal(`^${NAME_OF_VARIABLE}$`)}) && ${isVariable('name')} && ` +
          `variables.environment[name].matches(${QUOTED})) && ` +
          `${field('spec.image.imageType', "''")}.matches('^[-.a-zA-Z0-9_]*$')`,
        message:
          'A variable of this ProxyConfig can decide how the traffic of pods is captured: leave out those that do not ' +
          `begin with ISTIO_META_, except ${VARIABLES.join(' and ')}, and quotation marks, backslashes and line breaks ` +
          'in their values and in `imageType`.',
      },
    ],
  };
}

/** Whether an annotation of Istio is not in the first object what it is in the second. */
function hasOther(first: string, second: string): string {
  const [before, after] = [first, second].map((pod) => field('metadata.annotations', '{}', pod));
  return `${after}.exists(key, ${ofIstio('key')} && (!(key in ${before}) || ${before}[key] != ${after}[key]))`;
}

/** Pods whose traffic would not pass their sidecar. Policies see a pod as it is after its injection. */
function podPolicy(facts: GuardFacts): GuardPolicy {
  const isNot = (path: string, of = 'object') => `${field(path, '0', of)} != ${PROXY}`;
  const each = (holds: string, lists = ['containers', 'initContainers', 'ephemeralContainers']) =>
    lists.map((list) => `${field(`spec.${list}`, '[]')}.all(one, ${holds})`).join(' && ');
  const eachOther = (holds: string) =>
    `${each(`${isInjected('one')} || ${holds}`, ['containers', 'initContainers'])} && ${each(holds, ['ephemeralContainers'])}`;
  return {
    rules: [written('', ['v1'], 'pods', 'pods/ephemeralcontainers', 'pods/status')],
    namespaces: outside(facts),
    // A pod that is older than the policy can still lose a finalizer, and network plug-ins annotate it. They read these
    // annotations and labels when they set the network up, and once more when they do it anew.
    conditions: [
      {
        name: 'new',
        expression: [
          "request.operation == 'CREATE'",
          `${injectOf('object')} != ${injectOf('oldObject')}`,
          `${field('spec.ephemeralContainers', '[]')} != ${field('spec.ephemeralContainers', '[]', 'oldObject')}`,
          hasOther('oldObject', 'object'),
          hasOther('object', 'oldObject'),
          hasOtherImage(),
        ].join(' || '),
      },
    ],
    variables: [
      { name: 'annotations', expression: field('metadata.annotations', '{}') },
      ...INJECTED_VARIABLES,
      { name: 'config', expression: readable(annotation(PROXY_CONFIG)) },
    ],
    validations: [
      ...ANNOTATED,
      {
        expression: `!${field('spec.hostNetwork', 'false')} && ${injectOf('object')} == 'true'`,
        message: SIDECARLESS,
      },
      {
        expression: [
          isNot('spec.securityContext.runAsUser'),
          isNot('spec.securityContext.runAsGroup'),
          isNot('spec.securityContext.fsGroup'),
          `!(${PROXY} in ${field('spec.securityContext.supplementalGroups', '[]')})`,
          eachOther(`${isNot('securityContext.runAsUser', 'one')} && ${isNot('securityContext.runAsGroup', 'one')}`),
        ].join(' && '),
        message:
          `What runs as user or group ${PROXY} bypasses its sidecar: choose another number for runAsUser, ` +
          'runAsGroup, fsGroup and supplementalGroups.',
      },
      {
        expression: eachOther(
          `${field('volumeMounts', '[]', 'one')}.all(mount, mount.name != ${literal(PROXY_FILES)})`,
        ),
        message:
          `In the volume ${PROXY_FILES} the proxy finds its own configuration, which the containers of the pod could ` +
          'replace: leave it to the proxy.',
      },
      {
        expression:
          `!${literal(PROXY_SETTINGS)}.exists(setting, variables.config.contains(setting)) && ` +
          `!${literal(LINE_BREAKS)}.exists(way, variables.config.matches(way)) && ` +
          `variables.config.matches(${literal(ASCII)})`,
        message:
          `The annotation ${PROXY_CONFIG} of this pod decides how its traffic is captured, or whom its proxy obeys: ` +
          'leave out `interceptionMode`, `discoveryAddress`, `readinessProbe`, settings of xDS, CA and bootstrap, ! and ' +
          '\\, texts of several lines, empty lines, and other characters than ASCII.',
      },
      {
        expression: reportsInCluster('variables.config', facts),
        message:
          `The proxy itself sends what it reports to each \`address\` in ${PROXY_CONFIG} of this pod, past what is declared: ` +
          'write those of the cluster, as <service>.<namespace>.svc:<port>, or $(HOST_IP):<port>, and the word address ' +
          'nowhere else, not even in comments.',
      },
      {
        expression:
          `${field('spec.hostAliases', '[]')}.all(alias, ${field('hostnames', '[]', 'alias')}.all(name, ` +
          `!name.matches(${literal(`^${inCluster(facts)}([.]|$)`)}) || ` +
          `name.startsWith('localhost') && ${field('ip', "''", 'alias')} in ${literal(LOOPBACK)})) && ` +
          `(!variables.config.contains('address') || ` +
          `${field('spec.dnsConfig.nameservers', '[]')}.size() + ${field('spec.dnsConfig.searches', '[]')}.size() == 0)`,
        message:
          'Under a name of the cluster, the proxy itself would find an address that this pod chooses: leave such names out ' +
          'of `hostAliases`, longer ones that begin so too, and where ' +
          `${PROXY_CONFIG} has an \`address\`, leave \`nameservers\` and \`searches\` out of \`dnsConfig\`.`,
      },
      {
        expression:
          `${annotation(PROXY_CONFIG)}.findAll(${literal(NAME_OF_VARIABLE)})` +
          `.all(name, ${isVariable('name', [...VARIABLES, ...WORDS])})`,
        message:
          `A variable in ${PROXY_CONFIG} of this pod can decide how its traffic is captured: leave out those that do not ` +
          `begin with ISTIO_META_, except ${VARIABLES.join(' and ')}.`,
      },
      {
        expression:
          `${field('metadata.ownerReferences', '[]')}.all(owner, ` +
          `[owner.apiVersion, owner.kind, owner.name].all(text, text.matches(${QUOTED})))`,
        message:
          'The injector writes the owner of this pod into its template: leave out quotation marks, backslashes and line ' +
          'breaks in `ownerReferences`.',
      },
      {
        expression: eachOther(
          `!${field('securityContext.privileged', 'false', 'one')} && ` +
            `${field('securityContext.capabilities.add', '[]', 'one')}.all(capability, ` +
            `!(capability.upperAscii().replace('CAP_', '') in ${literal(CAPABILITIES)}))`,
        ),
        message:
          `With one of the capabilities ${CAPABILITIES.join(', ')}, or as privileged, a container can bypass its ` +
          'sidecar: leave them out, or run the pod in a namespace of the platform. For `kubectl debug` write ' +
          '`--profile=restricted` or `--profile=baseline`, since `general` adds SYS_PTRACE.',
      },
      {
        expression: each(
          [...PROBES, ...HOOKS]
            .flatMap((check) => [`${check}.httpGet.host`, `${check}.tcpSocket.host`])
            .map((path) => `${field(path, "''", 'one')} in ${literal(OWN_HOSTS)}`)
            .join(' && '),
        ),
        message:
          'The node itself asks the `host` of probes and hooks, past the sidecar of this pod: leave it out, so that the ' +
          'pod is asked.',
      },
      ...injectedAsWritten(facts),
    ],
  };
}

/** The policies of a guard that refuses bypasses, by what they are about. */
export const POD_POLICIES: typeof GUARD_POLICIES = {
  pods: podPolicy,
  bindings: bindingPolicy,
  execs: execPolicy,
  'proxy-configs': proxyConfigPolicy,
};
