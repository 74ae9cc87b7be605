/** What a team may write into the annotations and labels of Istio on its pods. Anything else is refused. */
import { field, matches, patterns } from './cel';
import { annotationsOf, GuardPolicy, labelsOf } from './policy';
import { INJECT, PROXY_CONFIG, REVISION } from '../../istio/injection';

/** Here the injector notes which containers it wrote. */
export const STATUS = 'sidecar.istio.io/status';

/** Neither an end of a text in the template of the injector, nor in that of Envoy's bootstrap. */
export const QUOTED = '^[ !#-\\[\\]-~]*$';
export const IMAGE_TYPE = '^(default|debug|distroless)?$';
export const ANYTHING = '';
const WORDS = '^[-*_./:,a-zA-Z0-9 ]*$';
const ASCII = '^[ -~]*$';

const SIDECAR = 'sidecar.istio.io/';
const TRAFFIC = 'traffic.sidecar.istio.io/';

const ANNOTATIONS = patterns(
  // How traffic is captured, as the injector itself may write it.
  ['^(REDIRECT|TPROXY)$', SIDECAR, 'interceptionMode'],
  ['^[*]$', TRAFFIC, 'includeOutboundIPRanges'],
  ['^$', TRAFFIC, 'excludeOutboundIPRanges excludeOutboundPorts excludeInterfaces'],
  [WORDS, TRAFFIC, 'includeInboundPorts excludeInboundPorts includeOutboundPorts kubevirtInterfaces'],
  [WORDS, 'istio.io/', 'reroute-virtual-interfaces rev'],
  ['^true$', SIDECAR, 'inject nativeSidecar'],
  ['^sidecar$', 'inject.istio.io/', 'templates'],
  [IMAGE_TYPE, SIDECAR, 'proxyImageType'],
  [WORDS, SIDECAR, 'proxyCPU proxyCPULimit proxyMemory proxyMemoryLimit logLevel agentLogLevel componentLogLevel'],
  [
    WORDS,
    SIDECAR,
    'rewriteAppHTTPProbers statsCompression statsEvictionInterval statsFlushInterval statsHistogramBins',
  ],
  [QUOTED, SIDECAR, 'extraStatTags statsInclusionPrefixes statsInclusionSuffixes'],
  [ASCII, SIDECAR, 'statsHistogramBuckets statsInclusionRegexps'],
  [WORDS, 'status.sidecar.istio.io/', 'port'],
  [WORDS, 'readiness.status.sidecar.istio.io/', 'applicationPorts failureThreshold initialDelaySeconds periodSeconds'],
  // The mesh decides whether the agent, which is not captured, asks the application for its metrics.
  ['^false$', 'prometheus.istio.io/', 'merge-metrics'],
  [WORDS, 'prometheus.istio.io/', 'scrape-targets secure-port'],
  [WORDS, 'ambient.istio.io/', 'redirection'],
  // Names of volumes are quoted as they are once the JSON is read; where they are mounted is looked at.
  ['^[^\\\\]*$', SIDECAR, 'userVolume userVolumeMount'],
  // Settings of the proxy are looked at on their own.
  [ANYTHING, '', `${STATUS} ${PROXY_CONFIG}`],
  // Others that the injector writes into its template.
  ["^[^']*$", '', 'k8s.v1.cni.cncf.io/networks'],
  [
    '^\\s*[{](\\s*"DD_[A-Z0-9_]*"\\s*:\\s*("[ !#-\\[\\]-~]*"|[-+.0-9eE]+|true|false)\\s*,?)*\\s*[}]\\s*$',
    '',
    'apm.datadoghq.com/env',
  ],
  [ASCII, 'resource.opentelemetry.io/', 'service.namespace service.version service.instance.id'],
);

const LABELS = patterns(
  ['^true$', '', INJECT],
  ['^ambient$', 'istio.io/', 'dataplane-mode'],
  [ANYTHING, '', `${REVISION} cni.istio.io/uninitialized networking.istio.io/tunnel security.istio.io/tlsMode`],
  [ANYTHING, 'service.istio.io/', 'canonical-name canonical-revision workload-name'],
  [ANYTHING, 'topology.istio.io/', 'cluster network subzone'],
);

const ofIstio = (key: string) => `${key}.contains('istio.io/')`;

/** The keys of a map that may not be there, or not with their values. */
const strange = (map: string, allowed: string) =>
  `${map}.filter(key, (${ofIstio('key')} || key in ${allowed}) && !${matches('key', `${map}[key]`, allowed)})`;

/** Policy variables: what a pod is annotated and labelled, and what of that is refused. */
export const ANNOTATED: NonNullable<GuardPolicy['variables']> = [
  { name: 'annotations', expression: annotationsOf('object') },
  { name: 'labels', expression: labelsOf('object') },
  { name: 'allowedAnnotations', expression: ANNOTATIONS },
  { name: 'allowedLabels', expression: LABELS },
  {
    name: 'refused',
    expression: `${strange('variables.annotations', 'variables.allowedAnnotations')} + ${strange('variables.labels', 'variables.allowedLabels')}`,
  },
];

const WHY =
  'takes traffic from the sidecar of this pod, changes the sidecar, or is not known to be harmless. Leave it out, or ' +
  'write a value that the guide of EgressGuard lists. External hosts are declared with SidecarEgress or GatewayEgress, ' +
  'and a pod without a sidecar runs in a namespace of the platform.';

export const AS_ALLOWED: GuardPolicy['validations'][number] = {
  expression: 'variables.refused.size() == 0',
  message: `An annotation or label ${WHY}`,
  messageExpression: `'The annotation or label ' + variables.refused.join(', ') + ' ${WHY}'`,
};

/** Whether annotations or labels of Istio are not what they were. */
export const ARE_OTHERS = ['metadata.annotations', 'metadata.labels']
  .flatMap((map) => {
    const [now, before] = ['object', 'oldObject'].map((pod) => field(map, '{}', pod));
    const has = (one: string, other: string) =>
      `${one}.exists(key, ${ofIstio('key')} && (!(key in ${other}) || ${other}[key] != ${one}[key]))`;
    return [has(now, before), has(before, now)];
  })
  .join(' || ');
