import { IConstruct } from 'constructs';
import { AllowedDestination, AllowedEgress, allowedEgressOf, PodPlace } from './allowed-egress';
import { perApp } from './app';
import { Conflict, Declaration, watch } from './conflicts';
import { gatewayNamespaces } from './gateways';
import { GatewayInstallation } from '../values/gateway-installation';

/** What a boundary knows about the cluster. */
export interface ClusterPlaces {
  readonly dns: {
    readonly namespace: string;
    readonly labels: Record<string, string>;
    readonly ports: number[];
    readonly addresses: string[];
  };
  readonly istiodNamespace: string;
  readonly privateRanges: { readonly v4: string[]; readonly v6: string[] };
}

/** The options of a boundary as plain data. */
export interface BoundarySettings {
  readonly owner: string;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly namespaces: string[];
  readonly gateways: GatewayInstallation[];
  /** Those of the gateways whose pods it guards. */
  readonly guarded: GatewayInstallation[];
  readonly peers?: string[];
  readonly cluster: ClusterPlaces;
  readonly gatewayPorts: number[];
  readonly callerNamespaces: string[];
  readonly metricsNamespaces: string[];
  readonly unsafeSidecarPorts: number[];
  readonly unsafeAllowedEgress: {
    readonly namespace: string;
    readonly labels?: Record<string, string>;
    readonly toCidrs?: string[];
    readonly toNamespaces?: string[];
    readonly toPorts?: number[];
    readonly reason: string;
  }[];
}

/** Which pods one construct closes in, with what all constructs of the app need them to reach. */
export class Boundary implements Declaration {
  constructor(
    private readonly construct: IConstruct,
    public readonly settings: BoundarySettings,
  ) {
    watch(construct, this);
    guards(construct).join(this);
    this.allowEgress();
  }

  public get path(): string {
    return this.construct.node.path;
  }

  /** The pods with a policy of their own: everything in the namespaces, and pods there with egress of their own. */
  public get places(): PodPlace[] {
    const { namespaces } = this.settings;
    const own = allowedEgressOf(this.construct).places.filter((place) => place.labels);
    return [
      ...namespaces.map((namespace) => ({ namespace })),
      ...own.filter(({ namespace }) => namespaces.includes(namespace)),
    ];
  }

  public allowedFor(place: PodPlace): AllowedEgress[] {
    return allowedEgressOf(this.construct).of(place);
  }

  /** The namespaces from which a gateway is called. */
  public callersOf(gateway: GatewayInstallation): string[] {
    return [...allowedEgressOf(this.construct).callerNamespaces(gateway), ...this.settings.callerNamespaces];
  }

  /** The namespaces of all gateways that the app knows. */
  public get gatewayNamespaces(): string[] {
    const own = this.settings.gateways.map(({ namespace }) => namespace);
    return [...new Set([...gatewayNamespaces(this.construct), ...own])];
  }

  /** Makes it a conflict of the construct. */
  public conflict(problem: string): Conflict {
    return { construct: this.construct, problem };
  }

  /** What only the whole app shows: gateways that no namespace may reach, workloads that no policy can select. */
  public conflicts(): Conflict[] {
    const { namespaces, guarded } = this.settings;
    const unplaced = namespaces.length > 0 ? allowedEgressOf(this.construct).unplaced : [];
    return [
      ...unplaced.map(({ node }) =>
        this.conflict(
          `boundary-unknown-pods: [${node.path}] has a DirectEgress, but its pods have no namespace or no labels, ` +
            'so no policy can select them. Give the workload, or its chart, a namespace, and its pods a label.',
        ),
      ),
      ...guarded
        .filter((gateway) => this.callersOf(gateway).length === 0)
        .map(({ namespace, name }) =>
          this.conflict(
            `boundary-without-callers: no namespace may reach the gateway ${namespace}/${name}, since no ` +
              'GatewayEgress of this app uses it and the boundary names no namespaces. Give `namespaces`, or ' +
              '`callerNamespaces` for callers of other apps.',
          ),
        ),
    ];
  }

  private allowEgress(): void {
    const { namespaces, gateways, guarded, gatewayPorts, unsafeSidecarPorts, unsafeAllowedEgress } = this.settings;
    for (const { namespace, labels } of guarded)
      this.allow({ namespace, labels }, [{ to: 'public', ports: gatewayPorts }]);
    for (const namespace of namespaces) {
      for (const gateway of gateways)
        allowedEgressOf(this.construct).add({ by: this.construct, from: { namespace }, gateway });
      if (unsafeSidecarPorts.length > 0) this.allow({ namespace }, [{ to: 'public', ports: unsafeSidecarPorts }]);
    }
    for (const { namespace, labels, toCidrs: cidrs, toNamespaces, toPorts: ports, reason } of unsafeAllowedEgress) {
      const to: AllowedDestination[] = [];
      if (cidrs?.length) to.push({ to: { cidrs }, ports });
      if (toNamespaces?.length) to.push({ to: { namespaces: toNamespaces }, ports });
      for (const from of this.restricted(namespace, labels)) this.allow(from, to, `hole: ${reason}`);
    }
  }

  private allow(from: PodPlace, to: AllowedDestination[], unsafe?: string): void {
    allowedEgressOf(this.construct).add({ by: this.construct, from, to: () => to, unsafe });
  }

  /** The pods for which an exception is: the applications of a namespace, or the guarded gateways there. */
  private restricted(namespace: string, labels?: Record<string, string>): PodPlace[] {
    if (this.settings.namespaces.includes(namespace)) return [{ namespace, labels }];
    const gateways = this.settings.guarded.filter((gateway) => gateway.namespace === namespace);
    return gateways.map((gateway) => ({ namespace, labels: gateway.labels }));
  }
}

/** Why a boundary must not name the namespace of a gateway. */
export const OPENS_GUARD = (namespace: string) =>
  "A policy for all pods there would also let the gateway's pods reach every other namespace on every port, since " +
  `policies add up; leave "${namespace}" out: \`gateways\` guards the gateway's own pods, and applications belong in ` +
  'other namespaces';

/** The guard of a gateway in one boundary must not be undone by another boundary of the app. */
class Guards implements Declaration {
  private readonly boundaries: Boundary[] = [];

  public join(boundary: Boundary): void {
    this.boundaries.push(boundary);
  }

  public conflicts(): Conflict[] {
    const known = new Map<string, { by: Boundary; name: string }>();
    for (const by of this.boundaries) {
      for (const { namespace, name } of by.settings.guarded) known.set(namespace, known.get(namespace) ?? { by, name });
    }
    return this.boundaries.flatMap((boundary) =>
      boundary.settings.namespaces
        .filter((namespace) => known.has(namespace))
        .map((namespace) => {
          const { by, name } = known.get(namespace)!;
          return boundary.conflict(
            `boundary-opens-guard: "${namespace}" under \`namespaces\` is the namespace of the gateway ` +
              `${namespace}/${name}, which [${by.path}] guards. ${OPENS_GUARD(namespace)}.`,
          );
        }),
    );
  }
}

const guards = perApp((root) => watch(root, new Guards()));
