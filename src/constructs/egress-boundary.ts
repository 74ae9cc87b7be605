import { ApiObject, Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import { AllowedDestination, AllowedEgress, placeKey, PodPlace } from './_allowed-egress';
import { AppScope, Disagreement } from './_app-scope';
import {
  ClusterPlaces,
  gatewayIngress,
  meshRules,
  allowedEgressRules,
  peerRules,
  publicPorts,
} from './_boundary-policy';
import { BOUNDARY, checkBoundary, guardedOf, Guards, placesOf } from './_boundary-props';
import { readOwner, UNSAFE_ANNOTATION, where } from './_settings';
import { IEgressGateway } from './installed-egress-gateway';
import { keyOf, objectName } from '../values/names';
import { Problems } from '../values/problems';
import { Checked, readProps } from '../values/readers';

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
   * Address ranges of DNS servers that are not pods, such as a cache on each node: `169.254.20.10/32`.
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
   * none.
   *
   * @default - all namespaces except those of gateways
   */
  readonly peers?: string[];

  /**
   * The DNS servers of the cluster.
   *
   * @default - pods labelled k8s-app: kube-dns in kube-system, port 53
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
   * Namespaces that collect the metrics of guarded gateways (ports 15020 and 15090).
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

/**
 * Makes the gateway the only path to external hosts, for whole namespaces: NetworkPolicies, which also apply to traffic
 * that bypasses the sidecar.
 *
 * The pods still reach DNS, istiod, each other and the rest of the cluster. Everything that egress constructs of the
 * same app need is opened automatically: the pods of the gateway for a `GatewayEgress`, its ports for a
 * `SidecarEgress`, its ranges for a `DirectEgress`. Istio is not involved: the cluster's network plugin (CNI) must
 * enforce NetworkPolicy. Apply it last: its first policy cuts all connections of a pod that are not allowed.
 *
 * @see https://istio.io/latest/docs/tasks/traffic-management/egress/egress-gateway/#apply-kubernetes-network-policies
 */
export class EgressBoundary extends Construct {
  /** All NetworkPolicies so far. */
  public readonly apiObjects: ApiObject[] = [];

  private readonly app: AppScope;
  private readonly props: Checked<EgressBoundaryProps>;
  private readonly owner: string;
  private readonly places: ClusterPlaces;
  private readonly guarded: IEgressGateway[];
  private readonly emitted = new Set<string>();

  constructor(scope: Construct, id: string, props: EgressBoundaryProps) {
    super(scope, id);
    this.app = AppScope.of(this);
    const problems = new Problems(where(this));
    this.props = readProps(props, BOUNDARY, problems);
    this.guarded = guardedOf(this.props);
    checkBoundary(this.props, this.guarded, problems);
    this.places = placesOf(this.props);
    this.owner = readOwner(this, this.props.owner, problems);
    problems.throwIfAny();

    this.app.validate(this);
    this.app.share(`boundary ${this.node.path}`, () => ({ disagreements: () => this.unreachable() }));
    this.app.share('guards', () => new Guards()).join(this, this.guarded, this.props.namespaces ?? []);
    for (const gateway of this.guarded) this.emitGuard(gateway);
    for (const namespace of this.props.namespaces ?? []) this.emitFor({ namespace });
    this.declareAllowedEgress();
    this.app.allowedEgress.each((allowed) => this.emitForPodsOf(allowed));
  }

  /** Pods with egress of their own get a policy of their own, as soon as a construct declares it. */
  private emitForPodsOf({ from }: AllowedEgress): void {
    if (from.labels && this.props.namespaces?.includes(from.namespace)) this.emitFor(from);
  }

  private emitFor(place: PodPlace): void {
    this.emit(place, 'egress-boundary', () => {
      const allowedEgress = this.app.allowedEgress.of(place);
      const all = place.labels === undefined;
      const egress = [
        ...(all ? this.everyPod(place.namespace) : []),
        ...allowedEgressRules(allowedEgress, this.places),
      ];
      return { podSelector: all ? {} : { matchLabels: place.labels }, policyTypes: ['Egress'], egress };
    });
  }

  private everyPod(namespace: string) {
    const peers = this.props.peers && [namespace, ...this.props.peers];
    return [...meshRules(this.places), ...peerRules(peers, this.gatewayNamespaces())];
  }

  private emitGuard({ installation }: IEgressGateway): void {
    const { namespace, labels, name } = installation;
    const { gatewayPorts = [80, 443], metricsNamespaces = [] } = this.props;
    this.app.allowedEgress.add({
      by: this,
      from: { namespace, labels },
      to: () => [{ to: 'public', ports: gatewayPorts }],
    });
    this.emit({ namespace, labels }, `${name}-boundary`, () => ({
      podSelector: { matchLabels: labels },
      policyTypes: ['Ingress', 'Egress'],
      ingress: gatewayIngress(installation, this.callersOf(installation), metricsNamespaces),
      egress: [
        ...meshRules(this.places),
        ...allowedEgressRules(this.app.allowedEgress.of({ namespace, labels }), this.places),
      ],
    }));
  }

  private emit(place: PodPlace, stem: string, spec: () => object): void {
    const key = placeKey(place);
    if (this.emitted.has(key)) return;
    this.emitted.add(key);
    const { labels, annotations } = this.props;
    const metadata = {
      name: objectName(stem, keyOf('boundary', this.owner, key)),
      namespace: place.namespace,
      labels,
      annotations: { ...annotations, [UNSAFE_ANNOTATION]: Lazy.any({ produce: () => this.weakness(place) }) },
    };
    const policy = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata,
      spec: Lazy.any({ produce: spec }),
    };
    this.apiObjects.push(this.app.emitKubernetes(this, this, `${place.namespace}-${keyOf(key)}`, policy));
  }

  /** What a policy lets through unchecked. */
  private weakness(place: PodPlace): string | undefined {
    const allowedEgress = this.app.allowedEgress.of(place);
    const ports = this.guarded.some(({ installation }) => placeKey(installation) === placeKey(place))
      ? undefined
      : publicPorts(allowedEgress);
    const open =
      ports &&
      `open to every public address${ports.length > 0 ? ` on port ${ports.join(', ')}` : ''}, past the sidecar too`;
    const exceptions = [...new Set(allowedEgress.flatMap(({ unsafe }) => unsafe ?? []))].sort();
    return [open, ...exceptions].filter(Boolean).join('; ') || undefined;
  }

  private declareAllowedEgress(): void {
    const { namespaces = [], gateways = [], unsafeSidecarPorts: ports = [], unsafeAllowedEgress = [] } = this.props;
    for (const namespace of namespaces) {
      for (const { installation } of gateways)
        this.app.allowedEgress.add({ by: this, from: { namespace }, gateway: installation });
      if (ports.length > 0)
        this.app.allowedEgress.add({ by: this, from: { namespace }, to: () => [{ to: 'public', ports }] });
    }
    for (const { namespace, labels, toCidrs: cidrs, toNamespaces, toPorts, reason } of unsafeAllowedEgress) {
      const to: AllowedDestination[] = [];
      if (cidrs?.length) to.push({ to: { cidrs }, ports: toPorts });
      if (toNamespaces?.length) to.push({ to: { namespaces: toNamespaces }, ports: toPorts });
      for (const from of this.placesIn(namespace, labels))
        this.app.allowedEgress.add({ by: this, from, to: () => to, unsafe: `hole: ${reason}` });
    }
  }

  /** The pods for which an exception is: the applications of a namespace, or the guarded gateways there. */
  private placesIn(namespace: string, labels?: Record<string, string>): PodPlace[] {
    if (this.props.namespaces?.includes(namespace)) return [{ namespace, labels }];
    const gateways = this.guarded.map(({ installation }) => installation);
    return gateways
      .filter((gateway) => gateway.namespace === namespace)
      .map((gateway) => ({ namespace, labels: gateway.labels }));
  }

  private callersOf(gateway: IEgressGateway['installation']): string[] {
    return [...this.app.allowedEgress.callerNamespaces(gateway), ...(this.props.callerNamespaces ?? [])];
  }

  private gatewayNamespaces(): string[] {
    return [
      ...new Set([
        ...this.app.gatewayNamespaces(),
        ...(this.props.gateways ?? []).map(({ installation }) => installation.namespace),
      ]),
    ];
  }

  /**
   * Problems that only the whole app shows: gateways that no namespace may reach, workloads that no policy can select.
   */
  private unreachable(): Disagreement[] {
    const unplaced = (this.props.namespaces ? this.app.allowedEgress.unplaced : []).map(({ node }) => ({
      construct: this,
      problem:
        `boundary-unknown-pods: [${node.path}] has a DirectEgress, but its pods have no namespace or no labels, so ` +
        'no policy can select them. Give the workload, or its chart, a namespace, and its pods a label.',
    }));
    const guarded = this.guarded.map(({ installation }) => installation);
    const unused = guarded
      .filter((gateway) => this.callersOf(gateway).length === 0)
      .map(({ namespace, name }) => ({
        construct: this,
        problem:
          `boundary-without-callers: no namespace may reach the gateway ${namespace}/${name}, since no ` +
          'GatewayEgress of ' +
          'this app uses it and the boundary names no namespaces. Give `namespaces`, or `callerNamespaces` for ' +
          'callers of other apps.',
      }));
    return [...unplaced, ...unused];
  }
}
