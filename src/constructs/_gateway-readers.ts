import { Chart, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { METADATA } from './_readers';
import {
  EgressGatewayProps,
  EgressGatewayResources,
  EgressGatewayScaling,
  EgressGatewayToleration,
} from './egress-gateway-props';
import { OWNER_LABEL } from '../emission/ownership';
import { GatewayPodSettings } from '../recipes/gateway/pods';
import { assertListeningPort } from '../values/egress-port';
import { EGRESS_GATEWAY } from '../values/gateway-installation';
import { assertLabels } from '../values/names';
import { Problems } from '../values/problems';
import { assertQuantity } from '../values/quantity';
import {
  annotations,
  assertWord,
  Checked,
  count,
  duration,
  label,
  labels,
  list,
  namespaceName,
  port,
  Readers,
  required,
  struct,
  text,
} from '../values/readers';

/** Labels and annotations by which Istio or this library identify the pods. */
const RESERVED = /(^|\.)istio\.io\/|^cdk8s-istio-egress\//;

const quantity = text('amount', '500m', assertQuantity);

/** Readers for the props of an `EgressGateway`. */
export const GATEWAY: Readers<EgressGatewayProps> = {
  namespace: namespaceName,
  name: EGRESS_GATEWAY.name,
  trustDomain: EGRESS_GATEWAY.trustDomain,
  clusterDomain: EGRESS_GATEWAY.clusterDomain,
  revision: label('revision', '1-30'),
  targetPort: port(assertListeningPort),
  replicas: count(1),
  scaling: struct<EgressGatewayScaling>({ minReplicas: count(1), maxReplicas: count(1), targetCpuPercent: count(1) }),
  resources: struct<EgressGatewayResources>({
    cpuRequest: quantity,
    cpuLimit: quantity,
    memoryRequest: quantity,
    memoryLimit: quantity,
  }),
  drainTime: duration({
    ms: 1000,
    otherwise: 'open connections would be cut at every rollout; write at least Duration.seconds(1)',
  }),
  nodeSelector: labels(),
  tolerations: list(
    struct<EgressGatewayToleration>({
      key: required(
        text('name of a taint', 'dedicated', (value) => assertLabels({ [value]: '' })),
        '; write the key of the taint',
      ),
      value: text('value of a taint', 'egress', (value) => assertLabels({ value })),
      effect: text('effect of a taint', 'NoSchedule', (value) =>
        assertWord(value, 'an effect of a taint', ['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
      ),
    }),
    "{ key: 'dedicated' }",
  ),
  ...METADATA,
  podAnnotations: annotations,
};

/** How the pods are installed, with the defaults. */
export function readPods(scope: Construct, props: Checked<EgressGatewayProps>, problems: Problems): GatewayPodSettings {
  const { replicas, scaling = {}, resources = {}, drainTime = Duration.seconds(20) } = props;
  const { minReplicas = 2, maxReplicas = Math.max(5, minReplicas), targetCpuPercent = 80 } = scaling;
  if (replicas !== undefined && Object.keys(scaling).length > 0)
    problems.add('replicas, scaling: both are given, but the autoscaler would override a fixed number; keep one');
  if (maxReplicas < minReplicas)
    problems.add(
      `scaling.maxReplicas: ${maxReplicas} is less than the minimum of ${minReplicas} pods; write at least ` +
        `${minReplicas}, or a lower minReplicas`,
    );
  for (const prop of ['labels', 'podAnnotations'] as const) {
    const taken = Object.keys(props[prop] ?? {}).filter((key) => RESERVED.test(key));
    if (taken.length > 0)
      problems.add(
        `${prop}: ${taken.join(', ')} ${taken.length > 1 ? 'are' : 'is'} reserved, because the pods are injected ` +
          'and selected by such names; leave out every name under istio.io/ and cdk8s-istio-egress/',
      );
  }
  const { cpuRequest = '100m', cpuLimit = '2', memoryRequest = '128Mi', memoryLimit = '1Gi' } = resources;
  // Whose an object is never changes its pods; by `app` and `istio`, Gateways for other gateways would select them.
  const { [OWNER_LABEL]: _owner, app: _app, istio: _istio, ...others } = { ...Chart.of(scope).labels, ...props.labels };
  return {
    replicas,
    minReplicas,
    maxReplicas,
    targetCpuPercent,
    drainSeconds: Math.ceil(drainTime.toSeconds({ integral: false })),
    resources: {
      requests: { cpu: cpuRequest, memory: memoryRequest },
      limits: { cpu: cpuLimit, memory: memoryLimit },
    },
    revision: props.revision,
    nodeSelector: Object.keys(props.nodeSelector ?? {}).length > 0 ? props.nodeSelector : undefined,
    tolerations: (props.tolerations?.length ? props.tolerations : undefined)?.map(({ key, value, effect }) => ({
      key,
      operator: value === undefined ? 'Exists' : 'Equal',
      value,
      effect,
    })),
    labels: others,
    annotations: props.podAnnotations,
  };
}
