import { IConstruct } from 'constructs';
import { disagreements } from './agreement';
import { perIdentity, touch } from './app';
import { Conflict, Declaration, watch } from './conflicts';
import { EgressPathSettings } from './settings';
import { GatewayInstallation } from '../values/gateway-installation';
import { addressInstead, canSelectSamePod, keyOf } from '../values/names';

/** An egress path that callers of a namespace take. */
export interface CallersEgressPath {
  readonly construct: IConstruct;
  readonly title: string;
  readonly owner: string;
  readonly settings: EgressPathSettings;
  /** The label sets of the pods that it is for; undefined if it is for all pods without one of their own. */
  readonly sourceLabels: Record<string, string>[] | undefined;
}

const sides = perIdentity<CallerSide<CallersEgressPath>>();

/**
 * What one namespace knows about a host that it calls through a gateway: one egress path for the whole namespace, or
 * one for each of some callers, or both. They share the host's ServiceEntry and VirtualService.
 */
export class CallerSide<P extends CallersEgressPath> implements Declaration {
  public static of<P extends CallersEgressPath>(
    app: IConstruct,
    namespace: string,
    host: string,
    gateway: GatewayInstallation,
  ): CallerSide<P> {
    return sides(app, [namespace, host, gateway.namespace, gateway.name], () =>
      watch(app, new CallerSide<P>(app, namespace, host, gateway)),
    ) as CallerSide<P>;
  }

  private readonly joined: P[] = [];
  private cachedKey?: string;

  private constructor(
    private readonly app: IConstruct,
    public readonly namespace: string,
    public readonly host: string,
    private readonly gateway: GatewayInstallation,
  ) {}

  public join(egressPath: P): void {
    this.joined.push(egressPath);
    touch(this.app);
  }

  /** Those for particular callers come before the one for all others. */
  public get egressPaths(): P[] {
    const sortKey = ({ sourceLabels, title }: P) => (sourceLabels ? `0 ${title}` : '1');
    return [...this.joined].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  }

  /** What all egress paths must agree about. */
  public get settings(): EgressPathSettings {
    return this.joined[0].settings;
  }

  /** Part of the name of the objects. */
  public get key(): string {
    const { namespace, host, gateway } = this;
    return (this.cachedKey ??= keyOf(
      'gateway',
      this.joined[0].owner,
      namespace,
      host,
      gateway.namespace,
      gateway.name,
    ));
  }

  /** The addresses that applications dial: those given, or one that represents the host where sidecars answer DNS. */
  public get addresses(): string[] | undefined {
    return this.settings.dnsCapture ? [addressInstead(this.key)] : this.settings.addresses;
  }

  public conflicts(): Conflict[] {
    const differing = disagreements(
      this.joined,
      comparable,
      (differences, first, other) =>
        `egress-path-conflict: ${other.title} is declared here, and ${first.title} by ` +
        `[${first.construct.node.path}], with different options (${differences}). The callers of one namespace may ` +
        'have different TLS and traffic policies, but they share one ServiceEntry for the host: give both ' +
        'declarations the same values for these options.',
    );
    return [...differing, ...this.overlappingCallers()];
  }

  /** Egress paths for separate callers whose pods cannot be told apart. */
  private overlappingCallers(): Conflict[] {
    const separate = this.joined.filter(({ sourceLabels }) => sourceLabels !== undefined);
    return separate.flatMap((egressPath, index) =>
      separate
        .slice(0, index)
        .filter((other) =>
          egressPath.sourceLabels!.some((mine) => other.sourceLabels!.some((theirs) => canSelectSamePod(mine, theirs))),
        )
        .map((other) => ({
          construct: egressPath.construct,
          problem:
            `caller-labels: ${egressPath.title} and ${other.title} [${other.construct.node.path}] are separate ` +
            'egress paths, but one pod could carry the labels of both callers, and then Istio might use either. ' +
            'Give their pods a label of the same name with different values.',
        })),
    );
  }
}

/** The options of the objects that the callers of a namespace share, by name. */
function comparable({ owner, settings }: CallersEgressPath): Record<string, unknown> {
  const { ports, addresses, dnsCapture, namePrefix, labels, annotations, unsafeKeepHeaders } = settings;
  const named = ports.map(({ name }) => name);
  return { owner, ports: named, addresses, dnsCapture, namePrefix, labels, annotations, unsafeKeepHeaders };
}
