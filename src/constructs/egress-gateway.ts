import { ApiObject, Chart, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { METADATA, readIstioVersion, readNamespace, where } from './_settings';
import { IEgressGateway } from './i-egress-gateway';
import { describeGateway, isGatewayLocked, lockGateway } from '../declarations/gateways';
import { OneOf } from '../declarations/one-of';
import { emit } from '../emission/emission';
import { OWNER_LABEL } from '../emission/ownership';
import { validate } from '../emission/validation';
import { gatewayAccount, GatewayPodSettings, gatewayPods } from '../recipes/gateway/pods';
import { lockdown } from '../recipes/gateway/policies';
import { noTraceContext } from '../recipes/trace-context';
import { brand } from '../values/brand';
import { assertListeningPort } from '../values/egress-port';
import { EGRESS_GATEWAY, GatewayInstallation } from '../values/gateway-installation';
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
  readProps,
  Readers,
  required,
  struct,
  text,
} from '../values/readers';

/** How the number of a gateway's pods is scaled. */
export interface EgressGatewayScaling {
  /**
   * The minimum number of pods, at least 1.
   *
   * @default 2
   */
  readonly minReplicas?: number;

  /**
   * The maximum number of pods, at least `minReplicas`.
   *
   * @default - 5, or `minReplicas` if that is more
   */
  readonly maxReplicas?: number;

  /**
   * The average CPU usage, in percent of the CPU request, above which pods are added.
   *
   * @default 80
   */
  readonly targetCpuPercent?: number;
}

/** The resources of each pod of a gateway, as Kubernetes quantities. */
export interface EgressGatewayResources {
  /**
   * The CPU request. Scaling is in percent of it.
   *
   * @default "100m"
   */
  readonly cpuRequest?: string;

  /**
   * The CPU limit. The proxy starts one thread for each whole CPU.
   *
   * @default "2"
   */
  readonly cpuLimit?: string;

  /**
   * The memory request.
   *
   * @default "128Mi"
   */
  readonly memoryRequest?: string;

  /**
   * The memory limit.
   *
   * @default "1Gi"
   */
  readonly memoryLimit?: string;
}

/** A taint of nodes that a gateway's pods tolerate. */
export interface EgressGatewayToleration {
  /** The key of the taint. */
  readonly key: string;

  /**
   * The value of the taint.
   *
   * @default - any
   */
  readonly value?: string;

  /**
   * The effect of the taint: `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
   *
   * @default - any
   */
  readonly effect?: string;
}

/** Properties for `EgressGateway`. */
export interface EgressGatewayProps {
  /**
   * The namespace of the gateway's pods, preferably its own: no caller may be in it. It must not be labelled
   * `istio-injection: disabled`, or the pods get no proxy image and never start.
   *
   * @default - the namespace of the chart
   */
  readonly namespace?: string;

  /**
   * The name of the gateway, unique in its namespace, for the Deployment, the service account and all other objects. A
   * DNS label of at most 59 characters.
   *
   * @default "egress-gateway"
   */
  readonly name?: string;

  /**
   * The revision of the control plane that injects the proxy (`istio.io/rev`).
   *
   * @default - the default revision
   */
  readonly revision?: string;

  /**
   * The port on which the pods listen for traffic from sidecars. Not a port of the proxy itself, such as 15001.
   *
   * @default 8443
   */
  readonly targetPort?: number;

  /**
   * The trust domain in the mesh's certificates (`meshConfig.trustDomain`).
   *
   * @default "cluster.local"
   */
  readonly trustDomain?: string;

  /**
   * The domain of Kubernetes Services.
   *
   * @default "cluster.local"
   */
  readonly clusterDomain?: string;

  /**
   * A fixed number of pods, at least 1. Not together with `scaling`.
   *
   * @default - scaled automatically
   */
  readonly replicas?: number;

  /**
   * How the number of pods is scaled. Not together with `replicas`.
   *
   * @default - 2 to 5 pods, at 80 % of the requested CPU
   */
  readonly scaling?: EgressGatewayScaling;

  /**
   * The resources of each pod.
   *
   * @default - 100m to 2 CPUs, 128Mi to 1Gi of memory
   */
  readonly resources?: EgressGatewayResources;

  /**
   * The time for which a terminating pod keeps serving its open connections. At least one second; fractions of a second
   * are rounded up.
   *
   * @default Duration.seconds(20)
   */
  readonly drainTime?: Duration;

  /**
   * Labels of the nodes on which the pods may run. Istio's documentation recommends dedicated nodes, and that only
   * these can reach external networks.
   *
   * @default - any node
   */
  readonly nodeSelector?: Record<string, string>;

  /**
   * Taints of nodes that the pods tolerate.
   *
   * @default - none
   */
  readonly tolerations?: EgressGatewayToleration[];

  /**
   * Labels for all objects and the pods, in addition to those of the chart.
   *
   * @default - none
   */
  readonly labels?: Record<string, string>;

  /**
   * Annotations for all objects.
   *
   * @default - none
   */
  readonly annotations?: Record<string, string>;

  /**
   * Annotations for the pods, in addition to those that make them a gateway.
   *
   * @default - none
   */
  readonly podAnnotations?: Record<string, string>;
}

/** Labels and annotations by which Istio or this library identify the pods. */
const RESERVED = /(^|\.)istio\.io\/|^cdk8s-istio-egress\//;

const quantity = text('amount', '500m', assertQuantity);

const PROPS: Readers<EgressGatewayProps> = {
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

/**
 * Installs an egress gateway: its pods, their service account and scaling, and the hop Service through which sidecars
 * reach them.
 *
 * The pods carry a label of their own, so that Gateway objects for other gateways do not apply to them. They run
 * without privileges, and add no headers to requests, none of tracing either. Nothing is let through until a
 * `GatewayEgress` declares it. `lockdown()` also refuses what other authors' objects bind to these pods under names of
 * their own.
 *
 * Several gateways in one app or namespace need different names, and share nothing.
 *
 * @example
 * const own = new EgressGateway(chart, 'own', { namespace: 'egress', scaling: { minReplicas: 3 } });
 * own.lockdown(); // nothing but declared traffic passes
 * @see https://istio.io/latest/docs/setup/additional-setup/gateway/#deploying-a-gateway
 */
export class EgressGateway extends Construct implements IEgressGateway {
  /** The namespace, labels, service account and port of the gateway's pods. */
  public readonly installation: GatewayInstallation;

  /** The service account of the pods. */
  public readonly serviceAccount: ApiObject;

  /** The Deployment with the gateway's pods. */
  public readonly deployment: ApiObject;

  /** The hop Service. */
  public readonly service: ApiObject;

  private readonly policies: Construct;
  private readonly metadata: { labels?: Record<string, string>; annotations?: Record<string, string> };
  private lock?: ApiObject;

  constructor(scope: Construct, id: string, props: EgressGatewayProps = {}) {
    super(scope, id);
    brand(this, 'EgressGateway');
    const problems = new Problems(where(this));
    const checked = readProps(props, PROPS, problems);
    const namespace = readNamespace(this, checked.namespace, 'give the gateway its own namespace', problems) ?? '';
    const pods = this.readPods(checked, problems);
    const version = readIstioVersion(this, undefined, problems);
    problems.throwIfAny();
    const { trustDomain, clusterDomain, targetPort } = checked;
    this.installation = GatewayInstallation.egressGateway({
      namespace,
      name: checked.name,
      trustDomain,
      clusterDomain,
      targetPort,
    });
    this.metadata = { labels: checked.labels, annotations: checked.annotations };

    describeGateway(this, this.installation);
    validate(this);
    OneOf.gateway(this, namespace, this.installation.name).state(this, this.node.path);
    [this.serviceAccount] = emit(this, gatewayAccount(this.installation, this.metadata));
    emit(this, noTraceContext(this.installation, version, { ...this.metadata, namespace }));
    this.policies = new Construct(this, 'policies'); // Refusals exist before the pods do.
    [this.deployment, this.service] = emit(this, gatewayPods(this.installation, pods, this.metadata));
  }

  /**
   * Refuses all traffic on these pods except under the private server names of `GatewayEgress`, even if other authors
   * bind a Gateway to them.
   *
   * Adds two policies, of the same size for any number of hosts: requests without a mesh identity, or for another
   * server name, are answered with 403; connections are closed. One of them is a DENY, so that it holds beside whatever
   * other policies allow. Further calls have no effect.
   *
   * Private names are recognised by their domain, `egress.internal`. That nobody else's Gateway uses one takes an
   * `EgressGuard`, or istiod's setting `PILOT_SCOPE_GATEWAY_TO_NAMESPACE`. Without either, a Gateway of another
   * namespace can serve hosts of its own through these pods, and stop the pods from taking new configuration.
   *
   * @returns the policy that lets the private names in
   * @see https://istio.io/latest/docs/reference/config/security/authorization-policy/
   */
  public lockdown(): ApiObject {
    if (!this.lock) {
      lockGateway(this, this.installation);
      [this.lock] = emit(this, lockdown(this.installation, this.metadata), this.policies);
    }
    return this.lock;
  }

  /** Whether `lockdown()` was called. */
  public get isLockedDown(): boolean {
    return isGatewayLocked(this, this.installation);
  }

  /** All objects of this construct, in the order in which they can be applied. */
  public get apiObjects(): ApiObject[] {
    return this.node.findAll().filter((construct): construct is ApiObject => ApiObject.isApiObject(construct));
  }

  private readPods(props: Checked<EgressGatewayProps>, problems: Problems): GatewayPodSettings {
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
    // Whose an object is never changes its pods.
    const { [OWNER_LABEL]: _owner, ...chartLabels } = Chart.of(this).labels;
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
      labels: { ...chartLabels, ...props.labels },
      annotations: props.podAnnotations,
    };
  }
}
