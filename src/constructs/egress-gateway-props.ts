import { Duration } from 'cdk8s';

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
   * @example
   * new EgressGateway(chart, 'gateway', { namespace: 'egress', scaling: { minReplicas: 3, maxReplicas: 10 } });
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
   * @example
   * new EgressGateway(chart, 'gateway', {
   *   namespace: 'egress',
   *   nodeSelector: { pool: 'egress' },
   *   tolerations: [{ key: 'pool', value: 'egress', effect: 'NoSchedule' }],
   * });
   */
  readonly tolerations?: EgressGatewayToleration[];

  /**
   * Labels for all objects and the pods, in addition to those of the chart. The pods do without `app` and `istio`, by
   * which Gateways for other gateways would select them.
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
