import { IConstruct } from 'constructs';
import { allowedEgressOf } from './allowed-egress';
import { perIdentity, touch } from './app';
import { CallerSet } from './caller-set';
import { CallerSide } from './caller-side';
import { EgressPath } from './egress-path';
import { Endpoints } from './endpoints';
import { Gateway } from './gateways';
import { externalPorts } from './origination';
import { GatewayEgressPathSettings } from './settings';
import { Caller } from '../values/caller';
import { keyOf } from '../values/names';

const egressPaths = perIdentity<GatewayEgressPath>();

/** One host, for one namespace of callers or for one of its service accounts, through one gateway. */
export class GatewayEgressPath extends EgressPath<GatewayEgressPathSettings> {
  /** @param account the service account that the path is for, if each caller has a path of its own */
  public static of(
    app: IConstruct,
    namespace: string,
    host: string,
    gateway: Gateway,
    account?: string,
  ): GatewayEgressPath {
    const { installation } = gateway;
    const identity = [namespace, host, installation.namespace, installation.name, account];
    return egressPaths(app, identity, () => new GatewayEgressPath(app, namespace, host, gateway, account));
  }

  private readonly admitted = new Map<string, Caller>();
  private cachedSide?: CallerSide<GatewayEgressPath>;
  private checkedIn?: CallerSet;

  private constructor(
    app: IConstruct,
    namespace: string,
    host: string,
    private readonly gateway: Gateway,
    public readonly account: string | undefined,
  ) {
    const { installation } = gateway;
    const from = account === undefined ? `namespace ${namespace}` : `${namespace}/${account}`;
    super(app, `${host} from ${from} through ${installation.namespace}/${installation.name}`, namespace, host);
  }

  public get installation() {
    return this.gateway.installation;
  }

  public get callers(): readonly Caller[] {
    return [...this.admitted.values()];
  }

  /** Admits one more caller. The callers of all declarations of this egress path are admitted by the same servers. */
  public allow(caller: Caller): void {
    this.admitted.set(`${caller._title} ${JSON.stringify(caller.podLabels)}`, caller);
    this.checkedIn = this.makeCallerSet();
    this.checkedIn?.join(this);
    touch(this.app);
  }

  /** The callers as a policy checks them, if the servers cannot. */
  public get callerSet(): CallerSet | undefined {
    return this.checkedIn;
  }

  private makeCallerSet(): CallerSet | undefined {
    const { app, gateway, owner, namespace, settings, account } = this;
    if (this.callers.some((caller) => caller.serviceAccountName === undefined))
      return CallerSet.of(app, gateway, owner, namespace);
    const { forbiddenExcept: set } = settings;
    if (set === undefined) return undefined;
    return CallerSet.of(app, gateway, owner, namespace, account === undefined ? set : `${set} ${account}`.trim());
  }

  /** What the namespace knows about the host: all egress paths of its callers through this gateway. */
  public get callerSide(): CallerSide<GatewayEgressPath> {
    return (this.cachedSide ??= CallerSide.of<GatewayEgressPath>(
      this.app,
      this.namespace,
      this.host,
      this.installation,
    ));
  }

  /** The label sets of the pods that this path is for; undefined if it is for all pods without one of their own. */
  public get sourceLabels(): Record<string, string>[] | undefined {
    return this.account === undefined ? undefined : this.callers.map((caller) => caller.podLabels ?? {});
  }

  protected get choice(): string {
    return `through ${this.installation.namespace}/${this.installation.name}`;
  }

  protected get alternative(): string {
    return this.account === undefined ? '; or, for different callers, set `separateCallers` on both' : '';
  }

  protected makeKey(): string {
    const { owner, namespace, host, account, installation } = this;
    if (account === undefined) return this.callerSide.key;
    return keyOf('gateway', owner, namespace, host, installation.namespace, installation.name, 'only', account);
  }

  protected begin(): void {
    const { construct: by, installation, namespace, host } = this;
    this.callerSide.join(this);
    Endpoints.of(this.app, namespace).behindGateway.push(this);
    allowedEgressOf(this.app).add(by, () => {
      const ports = () => externalPorts(this.settings.ports, this.origination);
      return [
        { from: { namespace }, gateway: installation },
        {
          from: { namespace: installation.namespace, labels: installation.labels },
          to: () => [{ to: 'public', ports: ports() }],
          expects: () => ({ host, addresses: this.settings.addresses ?? [], ports: ports() }),
        },
      ];
    });
  }
}
