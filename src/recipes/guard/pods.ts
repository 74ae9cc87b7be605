import { field, literal } from './cel';
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

/** Containers of the injector, which run as the proxy's user. */
const INJECTED = ['istio-proxy', 'istio-init', 'istio-validation'];

/** The user and group whose traffic is not captured. */
const PROXY = '1337';

/** Pods whose traffic would not pass their sidecar. Policies see a pod as it is after its injection. */
export function podPolicy({ platformNamespaces }: GuardFacts): GuardPolicy {
  const isNot = (path: string, of = 'object') => `${field(path, '0', of)} != ${PROXY}`;
  const others = ['containers', 'initContainers', 'ephemeralContainers'].map(
    (list) =>
      `${field(`spec.${list}`, '[]')}.all(one, one.name in ${literal(INJECTED)} || ` +
      `${isNot('securityContext.runAsUser', 'one')} && ${isNot('securityContext.runAsGroup', 'one')})`,
  );
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
    variables: [{ name: 'annotations', expression: field('metadata.annotations', '{}') }],
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
          ...others,
        ].join(' && '),
        message:
          `What runs as user or group ${PROXY} bypasses its sidecar: choose another number for runAsUser, ` +
          'runAsGroup, fsGroup and supplementalGroups.',
      },
    ],
  };
}
