import { annotation, field, literal } from './cel';
import { GuardFacts, GuardPolicy } from './policies';

const CAPTURE = 'traffic.sidecar.istio.io/';

/** Annotations by which a pod takes traffic from its sidecar, or changes the sidecar itself, and their usual values. */
const ANNOTATIONS: Record<string, string[]> = {
  [`${CAPTURE}excludeOutboundIPRanges`]: [''],
  [`${CAPTURE}excludeOutboundPorts`]: [''],
  [`${CAPTURE}excludeInterfaces`]: [''],
  // The injector may write these two itself.
  [`${CAPTURE}includeOutboundIPRanges`]: ['*'],
  'sidecar.istio.io/interceptionMode': ['REDIRECT', 'TPROXY'],
  'sidecar.istio.io/inject': ['true'],
  'sidecar.istio.io/proxyImage': [''],
  'sidecar.istio.io/bootstrapOverride': [''],
  'inject.istio.io/templates': ['', 'sidecar'],
  // Here the injector notes what the pod itself says about the container of the proxy.
  'proxy.istio.io/overrides': [''],
};

/**
 * What `proxy.istio.io/config` may not speak of: how traffic is captured, and whom the proxy obeys. In lower case, since
 * both spellings of a field are read.
 */
const PROXY_CONFIG = 'proxy.istio.io/config';
const PROXY_SETTINGS = [
  'interceptionmode',
  'discoveryaddress',
  'xds',
  'caaddr',
  'controlplaneauthpolicy',
  'customconfigfile',
  'bootstrap',
  'binarypath',
  'configpath',
  // What these begin could spell a name otherwise.
  '!',
  '\\',
];

/**
 * Containers of the injector, which run as the proxy's user, or set up the capture. It notes in an annotation which of
 * them it wrote, and replaces what a pod itself says there.
 */
const INJECTED = ['istio-proxy', 'istio-init', 'istio-validation'];
const STATUS = 'sidecar.istio.io/status';

/** Capabilities with which a container could undo the capture, or take part in the proxy's own traffic. */
const CAPABILITIES = ['ALL', 'BPF', 'NET_ADMIN', 'NET_RAW', 'SYS_ADMIN', 'SYS_MODULE', 'SYS_PTRACE'];

/** The user and group whose traffic is not captured. */
const PROXY = '1337';

/** Pods whose traffic would not pass their sidecar. Policies see a pod as it is after its injection. */
export function podPolicy({ platformNamespaces }: GuardFacts): GuardPolicy {
  const isNot = (path: string, of = 'object') => `${field(path, '0', of)} != ${PROXY}`;
  const injected = `one.name in ${literal(INJECTED)} && variables.status.contains('"' + one.name + '"')`;
  const all = (holds: string) =>
    ['containers', 'initContainers', 'ephemeralContainers']
      .map((list) => {
        const exempt = list === 'ephemeralContainers' ? '' : `${injected} || `;
        return `${field(`spec.${list}`, '[]')}.all(one, ${exempt}${holds})`;
      })
      .join(' && ');
  const pods = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'] };
  return {
    rules: [{ ...pods, resources: ['pods', 'pods/ephemeralcontainers'] }],
    namespaces: { operator: 'NotIn', values: platformNamespaces },
    // A pod that is older than the policy can still lose a finalizer. CNI plug-ins read annotations once more when they
    // set the network up anew.
    conditions: [
      {
        name: 'new',
        expression:
          "request.operation == 'CREATE' || " +
          ['metadata.annotations', 'spec.ephemeralContainers']
            .map((path) => [path, path === 'metadata.annotations' ? '{}' : '[]'])
            .map(([path, none]) => `${field(path, none)} != ${field(path, none, 'oldObject')}`)
            .join(' || '),
      },
    ],
    variables: [
      { name: 'annotations', expression: field('metadata.annotations', '{}') },
      { name: 'status', expression: annotation(STATUS) },
      { name: 'config', expression: `${annotation(PROXY_CONFIG)}.lowerAscii().replace('_', '')` },
    ],
    validations: [
      {
        expression: Object.entries(ANNOTATIONS)
          .map(([name, usual]) => [literal(name), literal(usual)])
          .map(([name, usual]) => `(!(${name} in variables.annotations) || variables.annotations[${name}] in ${usual})`)
          .join(' && '),
        message:
          'An annotation of this pod takes traffic from its sidecar, or changes the sidecar: leave out those that ' +
          `begin with ${CAPTURE}, sidecar.istio.io/ and inject.istio.io/, and containers called istio-proxy. ` +
          'External hosts are declared with SidecarEgress or GatewayEgress.',
      },
      {
        expression:
          `!${field('spec.hostNetwork', 'false')} && ` +
          `!('sidecar.istio.io/inject' in ${field('metadata.labels', '{}')} && ` +
          "object.metadata.labels['sidecar.istio.io/inject'] != 'true')",
        message:
          'This pod would have no sidecar: leave out `hostNetwork` and the label sidecar.istio.io/inject, or run it ' +
          'in a namespace of the platform.',
      },
      {
        expression: [
          isNot('spec.securityContext.runAsUser'),
          isNot('spec.securityContext.runAsGroup'),
          isNot('spec.securityContext.fsGroup'),
          `!(${PROXY} in ${field('spec.securityContext.supplementalGroups', '[]')})`,
          all(`${isNot('securityContext.runAsUser', 'one')} && ${isNot('securityContext.runAsGroup', 'one')}`),
        ].join(' && '),
        message:
          `What runs as user or group ${PROXY} bypasses its sidecar: choose another number for runAsUser, ` +
          'runAsGroup, fsGroup and supplementalGroups.',
      },
      {
        expression: `!${literal(PROXY_SETTINGS)}.exists(setting, variables.config.contains(setting))`,
        message:
          `The annotation ${PROXY_CONFIG} of this pod decides how its traffic is captured, or whom its proxy obeys: ` +
          'leave out `interceptionMode`, `discoveryAddress`, settings of xDS, CA and bootstrap, and the characters ' +
          '! and \\.',
      },
      {
        expression: all(
          `!${field('securityContext.privileged', 'false', 'one')} && ` +
            `${field('securityContext.capabilities.add', '[]', 'one')}.all(capability, ` +
            `!(capability.upperAscii().replace('CAP_', '') in ${literal(CAPABILITIES)}))`,
        ),
        message:
          `With one of the capabilities ${CAPABILITIES.join(', ')}, or as privileged, a container can bypass its ` +
          'sidecar: leave them out, or run the pod in a namespace of the platform. For `kubectl debug` write ' +
          '`--profile=restricted` or `--profile=baseline`, since `general` adds SYS_PTRACE.',
      },
    ],
  };
}
