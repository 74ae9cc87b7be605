import { IEgressGateway } from './i-egress-gateway';

/** The DNS servers of a cluster. */
export interface BoundaryDns {
  /**
   * The namespace of their pods.
   *
   * @default "kube-system"
   */
  readonly namespace?: string;

  /**
   * The labels of their pods. At least one.
   *
   * @default - k8s-app: kube-dns
   */
  readonly labels?: Record<string, string>;

  /**
   * The ports on which their pods listen, over UDP and TCP; 5353 on OpenShift. At least one.
   *
   * @default - 53
   */
  readonly ports?: number[];

  /**
   * Addresses of DNS servers that are not pods, such as a cache on each node: `169.254.20.10/32`. Of ranges, only private
   * ones and those of `privateCidrs`.
   *
   * @default - none
   */
  readonly addresses?: string[];
}

/** An exception to a boundary. At least one of `toCidrs` and `toNamespaces` must be given. */
export interface BoundaryAllowedEgress {
  /** The namespace of the pods: one of the boundary's, or that of a gateway which it guards. */
  readonly namespace: string;

  /**
   * Only pods with these labels, at least one. Not for the namespace of a gateway.
   *
   * @default - all pods there that the boundary restricts
   */
  readonly labels?: Record<string, string>;

  /**
   * Address ranges that the pods may reach, such as a private network or the Kubernetes API server: `10.20.0.0/16`.
   *
   * @default - none
   */
  readonly toCidrs?: string[];

  /**
   * Namespaces of the cluster that the pods may reach.
   *
   * @default - none
   */
  readonly toNamespaces?: string[];

  /**
   * Only these TCP ports. At least one.
   *
   * @default - every port and protocol
   */
  readonly toPorts?: number[];

  /** The reason, for those who audit the policies. */
  readonly reason: string;
}

/** Properties for `EgressBoundary`. At least one namespace, or one gateway that is guarded. */
export interface EgressBoundaryProps {
  /**
   * The namespaces of the applications. Their pods can then only reach what is allowed here, and what egress constructs
   * of this app declare. Other namespaces are not restricted. None may be the namespace of a gateway, since that would
   * open its guard.
   *
   * @default - none: `gateways` are only guarded
   */
  readonly namespaces?: string[];

  /**
   * The gateways that pods of these namespaces may reach, also for a `GatewayEgress` of another app. The gateway itself
   * checks who may call which host. The pods of an `EgressGateway` are also guarded: only callers reach them, and they
   * only reach public addresses.
   *
   * @default - the gateways of every `GatewayEgress` of this app; none is guarded
   */
  readonly gateways?: IEgressGateway[];

  /**
   * Guards the pods of an `InstalledEgressGateway` too. Everything that other authors have bound to these gateways on
   * other ports is cut off.
   *
   * @default false
   */
  readonly guardInstalledGateways?: boolean;

  /**
   * The namespaces of the cluster that the applications may call in addition to their own, on every port. Empty for
   * none. The namespace of a gateway stops synth.
   *
   * @default - all namespaces except those of gateways
   */
  readonly peers?: string[];

  /**
   * The DNS servers of the cluster.
   *
   * @default - pods labelled k8s-app: kube-dns in kube-system, port 53
   * @example
   * const dns = { namespace: 'openshift-dns', labels: { 'dns.operator.openshift.io/daemonset-dns': 'default' }, ports: [5353] };
   * new EgressBoundary(chart, 'boundary', { namespaces: ['payments'], gateways: [exit], dns });
   */
  readonly dns?: BoundaryDns;

  /**
   * The namespace of istiod, which every proxy needs to reach on port 15012.
   *
   * @default "istio-system"
   */
  readonly istiodNamespace?: string;

  /**
   * Address ranges that do not count as external, in addition to the private ones of IPv4 and IPv6: public ranges of
   * your nodes, pods or company networks.
   *
   * @default - none
   */
  readonly privateCidrs?: string[];

  /**
   * Ports of external hosts that guarded gateways may reach, in addition to those of every `GatewayEgress` of this app.
   * At least one.
   *
   * @default - 80 and 443
   */
  readonly gatewayPorts?: number[];

  /**
   * Namespaces of callers whose `GatewayEgress` is in another app and that are not under `namespaces`.
   *
   * @default - none
   */
  readonly callerNamespaces?: string[];

  /**
   * Namespaces that collect the metrics of guarded gateways (port 15020).
   *
   * @default - none
   */
  readonly metricsNamespaces?: string[];

  /**
   * Ports on which all pods of the namespaces may reach every public address, for a `SidecarEgress` in another app. A
   * NetworkPolicy cannot tell a sidecar from its application, so applications can bypass the sidecar on these ports.
   *
   * @default - those of every `SidecarEgress` of this app
   */
  readonly unsafeSidecarPorts?: number[];

  /**
   * Exceptions. Recorded on the policies as the annotation `cdk8s-istio-egress/unsafe`.
   *
   * @default - none
   * @example
   * new EgressBoundary(chart, 'boundary', {
   *   namespaces: ['payments'],
   *   gateways: [exit],
   *   unsafeAllowedEgress: [
   *     { namespace: 'payments', toCidrs: ['10.20.8.0/24'], toPorts: [5432], reason: 'the orders database' },
   *   ],
   * });
   */
  readonly unsafeAllowedEgress?: BoundaryAllowedEgress[];

  /**
   * The team or app that declares this: a DNS label, part of the names of all policies. The policies of several owners
   * add up.
   *
   * @default - the namespace of the chart
   */
  readonly owner?: string;

  /**
   * Labels for every policy, in addition to those of the chart.
   *
   * @default - none
   */
  readonly labels?: Record<string, string>;

  /**
   * Annotations for every policy.
   *
   * @default - none
   */
  readonly annotations?: Record<string, string>;
}
