import { ApiObject, Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import { AppScope, Disagreement } from './_app-scope';
import {
  ClusterPlaces,
  gatewayIngress,
  meshRules,
  allowedEgressRules,
  peerRules,
  publicPorts,
} from './_boundary-policy';
import { checkBoundary, Guards, readPlaces } from './_boundary-props';
import { AllowedDestination, AllowedEgress, placeKey, PodPlace } from './_allowed-egress';
import { assertGateway, readOwner, UNSAFE_ANNOTATION, where } from './_settings';
import { EgressGateway } from './egress-gateway';
import { IEgressGateway, InstalledEgressGateway } from './installed-egress-gateway';
import { keyOf, objectName } from '../values/names';
import { Problems } from '../values/problems';

/** Where a cluster's DNS servers are. */
export interface BoundaryDns {
  /**
   * The namespace of their pods.
   *
   * @default "kube-system"
   */
  readonly namespace?: string;

  /**
   * The labels of their pods.
   *
   * @default - k8s-app: kube-dns
   */
  readonly labels?: Record<string, string>;

  /**
   * The ports on which their pods listen, over UDP and TCP. On OpenShift 5353.
   *
   * @default - 53
   */
  readonly ports?: number[];

  /**
   * Ranges of DNS servers that are no pods, such as a cache on each node: `169.254.20.10/32`.
   *
   * @default - none
   */
  readonly addresses?: string[];
}

/** A hole in a boundary. */
export interface BoundaryAllowedEgress {
  /** The namespace of the pods: one of the boundary's, or that of a gateway which it guards. */
  readonly namespace: string;

  /**
   * Only pods with these labels. Not for the namespace of a gateway.
   *
   * @default - all that the boundary holds there
   */
  readonly labels?: Record<string, string>;

  /**
   * Address ranges that are open, such as a private network or the Kubernetes API server.
   *
   * @default - none
   */
  readonly toCidrs?: string[];

  /**
   * Namespaces of the cluster that are open.
   *
   * @default - none
   */
  readonly toNamespaces?: string[];

  /**
   * Open on these TCP ports only.
   *
   * @default - on every port
   */
  readonly toPorts?: number[];

  /** Why, for whoever audits the policies. */
  readonly reason: string;
}

/** Properties for `EgressBoundary`. */
export interface EgressBoundaryProps {
  /**
   * The namespaces of the applications: from now on their pods reach nothing but what is said here and what egress
   * constructs of this app declare. Namespaces that are not listed stay as they are. Not the namespace of a gateway:
   * that would open its guard.
   *
   * @default - none; then `gateways` are only guarded
   */
  readonly namespaces?: string[];

  /**
   * The gateways that pods of these namespaces may reach, also where the `GatewayEgress` stands in another app. Who may
   * call which host is the gateway's to check. The pods of an `EgressGateway` are guarded as well: they are reached by
   * callers only, and reach public addresses only.
   *
   * @default - those of the `GatewayEgress` of this app; none is guarded
   */
  readonly gateways?: IEgressGateway[];

  /**
   * Guards the pods of `InstalledEgressGateway` too. Whatever somebody else has put on these gateways on other ports is
   * cut off.
   *
   * @default false
   */
  readonly guardInstalledGateways?: boolean;

  /**
   * The namespaces of the cluster that the applications may call, besides their own: on every port.
   *
   * @default - every namespace but the gateways'
   */
  readonly peers?: string[];

  /**
   * Where the cluster's DNS servers are.
   *
   * @default - pods labelled k8s-app: kube-dns in kube-system, port 53
   */
  readonly dns?: BoundaryDns;

  /**
   * The namespace of istiod, which every proxy needs on port 15012.
   *
   * @default "istio-system"
   */
  readonly istiodNamespace?: string;

  /**
   * More address ranges that are not outside, besides the private ones of IPv4 and IPv6: public ranges that
   * your nodes, pods or company networks use.
   *
   * @default - none
   */
  readonly privateCidrs?: string[];

  /**
   * Ports of the outside that guarded gateways reach, besides those that the `GatewayEgress` of this app need.
   *
   * @default - 80 and 443
   */
  readonly gatewayPorts?: number[];

  /**
   * Namespaces of callers whose `GatewayEgress` stands in another app and that are not under `namespaces`.
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
   * Ports on which all pods of the namespaces reach every public address, for a `SidecarEgress` in another app. Nobody
   * can tell a sidecar from its application here: these ports are open past the sidecar too.
   *
   * @default - those of the `SidecarEgress` of this app
   */
  readonly unsafeSidecarPorts?: number[];

  /**
   * Holes. Written on the policies as the annotation `cdk8s-istio-egress/unsafe`.
   *
   * @default - none
   */
  readonly unsafeAllowedEgress?: BoundaryAllowedEgress[];

  /**
   * Who declares this: part of the names of all policies. Policies of several owners add up.
   *
   * @default - the namespace of the chart
   */
  readonly owner?: string;

  /**
   * Labels on every policy.
   *
   * @default - those of the chart
   */
  readonly labels?: Record<string, string>;

  /**
   * Annotations on every policy.
   *
   * @default - none
   */
  readonly annotations?: Record<string, string>;
}

/**
 * Makes the gateway the only way out, for whole namespaces: NetworkPolicies that also hold for what goes round its
 * sidecar.
 *
 * The pods still reach DNS, istiod, each other and the rest of the cluster. Whatever egress constructs of the same app
 * need is opened by itself: the pods of the gateway for a `GatewayEgress`, its ports for a `SidecarEgress`, its ranges
 * for a `DirectEgress`. Istio has no part in it: the cluster's network (CNI) must enforce NetworkPolicy. Apply it last:
 * its first policy cuts every connection of a pod that is not allowed.
 *
 * @see https://istio.io/latest/docs/tasks/traffic-management/egress/egress-gateway/#apply-kubernetes-network-policies
 */
export class EgressBoundary extends Construct {
  /** The NetworkPolicies made so far. */
  public readonly apiObjects: ApiObject[] = [];

  private readonly app: AppScope;
  private readonly owner: string;
  private readonly places: ClusterPlaces;
  private readonly guarded: IEgressGateway[];
  private readonly emitted = new Set<string>();

  constructor(
    scope: Construct,
    id: string,
    private readonly props: EgressBoundaryProps,
  ) {
    super(scope, id);
    this.app = AppScope.of(this);
    const { gateways = [], guardInstalledGateways: installed = false } = props;
    const problems = new Problems(where(this));
    gateways.forEach((gateway, index) => problems.check(`gateways[${index}]`, () => assertGateway(gateway)));
    problems.throwIfAny();
    this.guarded = gateways.filter(
      (gateway) => gateway instanceof EgressGateway || (installed && gateway instanceof InstalledEgressGateway),
    );
    checkBoundary(props, this.guarded, problems);
    this.places = readPlaces(props, problems);
    this.owner = readOwner(this, props.owner, problems);
    problems.throwIfAny();

    this.app.validate(this);
    this.app.share(`boundary ${this.node.path}`, () => ({ disagreements: () => this.unreachable() }));
    this.app.share('guards', () => new Guards()).join(this, this.guarded, props.namespaces ?? []);
    for (const gateway of this.guarded) this.emitGuard(gateway);
    for (const namespace of props.namespaces ?? []) this.emitFor({ namespace });
    this.declareAllowedEgress();
    this.app.allowedEgress.each((allowed) => this.hear(allowed));
  }

  /** Pods with openings of their own get a policy of their own, as soon as somebody asks for one. */
  private hear({ from }: AllowedEgress): void {
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

  /** What of a policy lets pods go where nobody checks them. */
  private weakness(place: PodPlace): string | undefined {
    const allowedEgress = this.app.allowedEgress.of(place);
    const ports = this.guarded.some(({ installation }) => placeKey(installation) === placeKey(place))
      ? undefined
      : publicPorts(allowedEgress);
    const open =
      ports &&
      `open to every public address${ports.length > 0 ? ` on port ${ports.join(', ')}` : ''}, past the sidecar too`;
    const holes = [...new Set(allowedEgress.flatMap(({ unsafe }) => unsafe ?? []))].sort();
    return [open, ...holes].filter(Boolean).join('; ') || undefined;
  }

  private declareAllowedEgress(): void {
    const { namespaces = [], gateways = [], unsafeSidecarPorts: ports, unsafeAllowedEgress = [] } = this.props;
    for (const namespace of namespaces) {
      for (const { installation } of gateways)
        this.app.allowedEgress.add({ by: this, from: { namespace }, gateway: installation });
      if (ports) this.app.allowedEgress.add({ by: this, from: { namespace }, to: () => [{ to: 'public', ports }] });
    }
    for (const { namespace, labels, toCidrs: cidrs, toNamespaces, toPorts, reason } of unsafeAllowedEgress) {
      const to: AllowedDestination[] = [];
      if (cidrs) to.push({ to: { cidrs }, ports: toPorts });
      if (toNamespaces) to.push({ to: { namespaces: toNamespaces }, ports: toPorts });
      for (const from of this.placesIn(namespace, labels))
        this.app.allowedEgress.add({ by: this, from, to: () => to, unsafe: `hole: ${reason}` });
    }
  }

  /** Whom a hole in a namespace is for: its applications, or the pods of the gateways that are guarded there. */
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

  /** What only the whole app shows: a gateway that nobody may reach, workloads that no policy can select. */
  private unreachable(): Disagreement[] {
    const unplaced = (this.props.namespaces ? this.app.allowedEgress.unplaced : []).map(({ node }) => ({
      construct: this,
      problem:
        `boundary-unknown-pods: [${node.path}] has a DirectEgress, but its pods have no namespace or no ` +
        'labels, so no policy can open it for them. ' +
        'Give the workload, or its chart, a namespace, and its pods a label.',
    }));
    const guarded = this.guarded.map(({ installation }) => installation);
    const lonely = guarded
      .filter((gateway) => this.callersOf(gateway).length === 0)
      .map(({ namespace, name }) => ({
        construct: this,
        problem:
          `boundary-without-callers: no namespace may reach the gateway ${namespace}/${name}: no GatewayEgress ` +
          'of this app leads there, and the boundary names no namespaces. ' +
          'Give `namespaces`, or `callerNamespaces` for callers of other apps.',
      }));
    return [...unplaced, ...lonely];
  }
}
