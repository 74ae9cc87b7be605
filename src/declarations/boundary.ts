import { IConstruct } from 'constructs';
import { AllowedEgress, allowedEgressOf, PodPlace } from './allowed-egress';
import { perApp } from './app';
import { Conflict, Declaration, watch } from './conflicts';
import { gatewayNamespaces } from './gateways';
import { STAND_INS, contains, hostRange } from '../istio/ranges';
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
  readonly callerNamespaces: string[];
  readonly metricsNamespaces: string[];
  /** What the boundary itself allows. */
  readonly allowed: Omit<AllowedEgress, 'by'>[];
}

const boundaries = perApp(() => [] as Boundary[]);

/** Which pods one construct closes in, with what all constructs of the app need them to reach. */
export class Boundary implements Declaration {
  constructor(
    private readonly construct: IConstruct,
    public readonly settings: BoundarySettings,
  ) {
    watch(construct, this);
    boundaries(construct).push(this);
    if (settings.allowed.length > 0) allowedEgressOf(construct).add(construct, () => [...settings.allowed]);
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

  /** What only the whole app shows: gateways that no namespace may reach, workloads that no policy can select. */
  public conflicts(): Conflict[] {
    const { namespaces, guarded, peers = [] } = this.settings;
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
      ...namespaces.flatMap((namespace) => this.openedGuard(namespace) ?? []),
      ...peers.filter((peer) => this.gatewayNamespaces.includes(peer)).map((peer) => this.openedGateway(peer)),
      ...[...namespaces.map((namespace) => ({ namespace })), ...guarded].flatMap((place) =>
        this.privateAddresses(place),
      ),
    ];
  }

  /** Hosts at private addresses that the pods may not reach. Their calls would time out. */
  private privateAddresses({ namespace, labels }: PodPlace): Conflict[] {
    const { v4, v6 } = this.settings.cluster.privateRanges;
    const registry = allowedEgressOf(this.construct);
    const opened = registry.places
      .filter((place) => place.namespace === namespace)
      .flatMap((place) => registry.of(place).flatMap((allowed) => allowed.to?.() ?? []));
    const isOpen = (address: string, port: number) =>
      opened.some(
        ({ to, ports }) =>
          to !== 'public' &&
          'cidrs' in to &&
          to.cidrs.some((cidr) => contains(cidr, address)) &&
          (!ports || ports.includes(port)),
      );
    return registry.of({ namespace, labels }).flatMap(({ by, expects }) => {
      if (!expects) return [];
      const { host, addresses, ports } = expects();
      const closed = addresses.filter(
        (address) =>
          !contains(STAND_INS, address) &&
          [...v4, ...v6].some((range) => contains(range, address)) &&
          !ports.every((port) => isOpen(address, port)),
      );
      if (closed.length === 0) return [];
      const cidrs = closed.map((address) => `"${address.includes('/') ? address : hostRange(address)}"`).join(', ');
      return this.conflict(
        `boundary-private-address: ${host} [${by.node.path}] is at ${closed.join(', ')}, and the boundary lets ` +
          `pods of ${namespace} connect to public addresses only, so calls would time out. Write ` +
          `\`unsafeAllowedEgress: [{ namespace: "${namespace}", toCidrs: [${cidrs}], ` +
          `toPorts: [${ports.join(', ')}], reason: "…" }]\`.`,
      );
    });
  }

  /** The guard of a gateway must not be undone by another boundary of the app. */
  private openedGuard(namespace: string): Conflict | undefined {
    for (const { construct, settings } of boundaries(this.construct)) {
      const gateway = settings.guarded.find((guarded) => guarded.namespace === namespace);
      if (gateway)
        return this.conflict(
          `boundary-opens-guard: "${namespace}" under \`namespaces\` is the namespace of the gateway ` +
            `${namespace}/${gateway.name}, which [${construct.node.path}] guards. ${opensGuard(namespace)}.`,
        );
    }
    return undefined;
  }

  /** Gateways are reached on the hop's port only. */
  private openedGateway(peer: string): Conflict {
    return this.conflict(
      `boundary-opens-gateway: "${peer}" under \`peers\` is the namespace of a gateway, whose pods would be reached on ` +
        `every port. Leave it out: \`gateways\` opens the port of the hop. Anything else there is opened by ` +
        `\`unsafeAllowedEgress\`, with \`toNamespaces: ["${peer}"]\` and its ports.`,
    );
  }

  private conflict(problem: string): Conflict {
    return { construct: this.construct, problem };
  }
}

/** Why a boundary must not name the namespace of a gateway. */
export function opensGuard(namespace: string): string {
  return (
    "A policy for all pods there would also let the gateway's pods reach every other namespace on every port, since " +
    `policies add up; leave "${namespace}" out: \`gateways\` guards the gateway's own pods, and applications belong ` +
    'in other namespaces'
  );
}
