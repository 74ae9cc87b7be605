import { ANNOTATED, ARE_OTHERS, AS_ALLOWED, IMAGE_TYPE, QUOTED } from './annotations';
import { annotation, field, literal, matchLines, words } from './cel';
import {
  hasOtherImage,
  HOOKS,
  INJECTED,
  injectedAsWritten,
  injectedVariables,
  isApart,
  isCalled,
  isInjected,
  PROBES,
  REQUEST,
} from './injected';
import { GuardFacts, GuardPolicies, GuardPolicy, istio, outside, written } from './policy';
import { inCluster, podConfig, POD_SETTINGS, POD_VARIABLES, REPORTS_BY_NAME } from './proxy-config';
import { INJECTION, PROXY_CONFIG, PROXY_CONTAINER, PROXY_UID, REVISION } from '../../istio/injection';

/** Capabilities that Pod Security's baseline allows, and some without a part in networks and other processes. */
const CAPABILITIES = words(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT ' +
    'IPC_LOCK SYS_NICE SYS_RESOURCE',
);

/** With these the injector's containers set up the capture. */
const OF_CAPTURE = ['NET_ADMIN', 'NET_RAW'];

/** Where `localhost` is. */
const LOOPBACK = ['127.0.0.1', '::1'];

/** For what asks the pod itself, and for the node's own addresses, which are not external hosts. */
const OWN_HOSTS = ['', 'localhost', ...LOOPBACK, '[::1]'];

/** What schedules a pod can give it annotations and labels, before its network is set up. */
function bindingPolicy(facts: GuardFacts): GuardPolicy {
  return {
    rules: [{ ...written('', ['v1'], 'bindings', 'pods/binding'), operations: ['CREATE'] }],
    namespaces: outside(facts),
    variables: ANNOTATED,
    validations: [AS_ALLOWED],
  };
}

/** Nobody runs anything in the injector's containers: the proxy's user is not captured, and those of the capture could undo it. */
function execPolicy(facts: GuardFacts): GuardPolicy {
  return {
    rules: [{ ...written('', ['v1'], 'pods/exec'), operations: ['CONNECT'] }],
    namespaces: outside(facts),
    validations: [
      {
        expression:
          `!(${field('container', "''")} in ${literal(INJECTED)}) || ` +
          `object.container == ${literal(PROXY_CONTAINER)} && ${matchLines(field('command', '[]'), `^${REQUEST}$`)}`,
        message:
          `What runs in ${INJECTED.join(' or ')} bypasses the sidecar: choose another container. Ask the proxy with ` +
          '`pilot-agent request GET …`, or with istioctl.',
      },
    ],
  };
}

/** Variables of the sidecar by an object for the whole namespace. */
function proxyConfigPolicy(facts: GuardFacts): GuardPolicy {
  const variables = [...POD_VARIABLES, ...facts.proxyVariables];
  return {
    rules: [written('networking.istio.io', ['v1beta1'], 'proxyconfigs')],
    namespaces: outside(facts),
    variables: [{ name: 'environment', expression: field('spec.environmentVariables', '{}') }],
    validations: [
      {
        expression:
          `variables.environment.all(name, name in ${literal(variables)} && ` +
          `variables.environment[name].matches(${literal(QUOTED)})) && ` +
          `${field('spec.image.imageType', "''")}.matches(${literal(IMAGE_TYPE)})`,
        message:
          'A variable of this ProxyConfig can decide how the traffic of pods is captured: a team may set ' +
          `${variables.join(', ')}, to values without quotation marks, backslashes and line breaks, and as \`imageType\` ` +
          'default, debug or distroless. Others belong in `proxyVariables` of the guard.',
      },
    ],
  };
}

/** Envoy gives Lua all of its libraries, and runs it as the proxy's user. */
function programPolicy(facts: GuardFacts): GuardPolicy {
  return {
    rules: [istio('envoyfilters'), written('extensions.istio.io', ['v1alpha1'], 'trafficextensions')],
    namespaces: outside(facts),
    validations: [
      {
        expression: "request.resource.resource != 'envoyfilters' && !dyn(object).?spec.?lua.hasValue()",
        message:
          'Lua runs programs as the proxy, past the capture, and an EnvoyFilter can bring some: leave it out, or ' +
          'write it in a namespace of the platform.',
      },
    ],
  };
}

/** Whether the labels of a namespace have Istio inject all its pods. */
function isInjecting(): string {
  const labels = field('metadata.labels', '{}', 'namespaceObject');
  const injection = `${labels}[?${literal(INJECTION)}].orValue('')`;
  return `${injection} == 'enabled' || ${injection} == '' && ${literal(REVISION)} in ${labels}`;
}

/** Pods whose traffic would not pass their sidecar. Policies see a pod as it is after its injection. */
function podPolicy(facts: GuardFacts): GuardPolicy {
  const isNot = (path: string, of = 'object') => `${field(path, '0', of)} != ${PROXY_UID}`;
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
          `${field('spec.ephemeralContainers', '[]')} != ${field('spec.ephemeralContainers', '[]', 'oldObject')}`,
          ARE_OTHERS,
          hasOtherImage(),
        ].join(' || '),
      },
    ],
    variables: [...ANNOTATED, ...injectedVariables(facts)],
    validations: [
      AS_ALLOWED,
      {
        expression: `!${field('spec.hostNetwork', 'false')} && (variables.status != '' || !(${isInjecting()}))`,
        message:
          'This pod would have no sidecar: leave out `hostNetwork`, and what keeps the injector from it, or run it in a ' +
          'namespace of the platform.',
      },
      {
        expression: [
          isNot('spec.securityContext.runAsUser'),
          isNot('spec.securityContext.runAsGroup'),
          isNot('spec.securityContext.fsGroup'),
          `!(${PROXY_UID} in ${field('spec.securityContext.supplementalGroups', '[]')})`,
          // istio-cni leaves a pod alone that has a container of such a name.
          eachOther(
            `!(${isCalled('one')}) && ${isNot('securityContext.runAsUser', 'one')} && ${isNot('securityContext.runAsGroup', 'one')}`,
          ),
        ].join(' && '),
        message:
          `What runs as user or group ${PROXY_UID} bypasses its sidecar, and so may what is called like a container of the ` +
          'injector: choose another number for runAsUser, runAsGroup, fsGroup and supplementalGroups, and another name.',
      },
      {
        expression: eachOther(isApart('one')),
        message:
          "In the injector's volumes, such as istio-envoy, the proxy finds its own configuration, which the containers of " +
          'the pod could replace: leave them to the proxy.',
      },
      {
        expression: `${annotation(PROXY_CONFIG)}.matches(${literal(podConfig(facts))})`,
        message:
          `The annotation ${PROXY_CONFIG} of this pod has a setting that decides how its traffic is captured, whom its ` +
          'proxy obeys or where it reports to, or that is not known to be harmless. A team may write ' +
          `${[...POD_SETTINGS, ...POD_VARIABLES, ...facts.proxyVariables].join(', ')}, and an \`address\` of the pod and its ` +
          'node: $(HOST_IP):<port> or localhost:<port>. Leave out other colons, also in comments and values, ! and \\, and ' +
          'other characters than ASCII. Where traces go belongs in a Telemetry.',
      },
      {
        expression:
          `${field('spec.hostAliases', '[]')}.all(alias, ${field('hostnames', '[]', 'alias')}.all(name, ` +
          `!name.matches(${literal(`^${inCluster(facts)}([.]|$)`)}) || ` +
          `name.startsWith('localhost') && ${field('ip', "''", 'alias')} in ${literal(LOOPBACK)})) && ` +
          `(!variables.injected.exists(one, ${field('env', '[]', 'one')}.exists(variable, variable.name == 'PROXY_CONFIG' && ` +
          `${field('value', "''", 'variable')}.matches(${literal(REPORTS_BY_NAME)}))) || ` +
          `${field('spec.dnsConfig.nameservers', '[]')}.size() + ${field('spec.dnsConfig.searches', '[]')}.size() == 0)`,
        message:
          'Under a name of the cluster, the proxy itself would find an address that this pod chooses: leave such names out ' +
          'of `hostAliases`, longer ones that begin so too, and, where the mesh has its proxies report to an `address` in ' +
          '`defaultConfig`, leave `nameservers` and `searches` out of `dnsConfig`.',
      },
      {
        expression:
          `${field('metadata.ownerReferences', '[]')}.all(owner, ` +
          `[owner.apiVersion, owner.kind, owner.name].all(text, text.matches(${literal(QUOTED)})))`,
        message:
          'The injector writes the owner of this pod into its template: leave out quotation marks, backslashes and line ' +
          'breaks in `ownerReferences`.',
      },
      {
        expression: each(
          `!${field('securityContext.privileged', 'false', 'one')} && ` +
            `${field('securityContext.capabilities.add', '[]', 'one')}.map(name, name.upperAscii().replace('CAP_', ''))` +
            `.all(name, name in ${literal(CAPABILITIES)} || ${isInjected('one')} && name in ${literal(OF_CAPTURE)})`,
        ),
        message:
          `With other capabilities than ${CAPABILITIES.join(', ')}, or as privileged, a container can bypass its ` +
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
export const POD_POLICIES: GuardPolicies = {
  pods: podPolicy,
  bindings: bindingPolicy,
  execs: execPolicy,
  programs: programPolicy,
  'proxy-configs': proxyConfigPolicy,
};
