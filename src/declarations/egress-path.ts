import { Construct, IConstruct } from 'constructs';
import { disagreements } from './agreement';
import { touch } from './app';
import { Conflict, Declaration, watch } from './conflicts';
import { OneOf } from './one-of';
import { OriginationScope, OriginationSettings, overlapReason } from './origination';
import { EgressPathSettings } from './settings';
import { SharedPorts } from './shared-ports';
import { canonical } from '../values/canonical';

/** What one construct says about an egress path. */
interface Statement<S> {
  readonly construct: Construct;
  readonly owner: string;
  readonly settings: S;
  readonly originations: { by: IConstruct; settings: OriginationSettings }[];
}

/**
 * The egress path from one namespace to one host, as all constructs of an app declare it. Constructs that declare the
 * same egress path with the same options share its objects; if their options differ, synth stops.
 */
export abstract class EgressPath<S extends EgressPathSettings> implements Declaration {
  private readonly statements: Statement<S>[] = [];
  private cachedKey?: string;

  protected constructor(
    protected readonly app: IConstruct,
    /** For errors: `api.partner.com from namespace payments through egress/exit`. */
    public readonly title: string,
    /** The namespace of the callers. */
    public readonly namespace: string,
    /** The external host. */
    public readonly host: string,
  ) {
    watch(app, this);
  }

  /** Adds what one construct says. The objects are those of the first one. */
  public declare(construct: Construct, owner: string, settings: S): void {
    this.statements.push({ construct, owner, settings, originations: [] });
    touch(this.app);
    if (this.statements.length > 1) return;
    OneOf.egressPath(this.app, this.namespace, this.host).state(construct, this.choice);
    SharedPorts.of(this.app, this.namespace).join(this);
    this.begin();
  }

  /**
   * The existing TLS origination of this construct that rules out the wanted one: `[chart/tls]`, with the reason where
   * it is not obvious. Several originations are possible if each is for workloads of its own.
   */
  public originatorFor(egress: IConstruct, wanted: OriginationScope): string | undefined {
    for (const { by, settings } of this.statementOf(egress).originations) {
      const why = overlapReason(wanted, settings);
      if (why !== undefined) return `[${by.node.path}]${why}`;
    }
    return undefined;
  }

  /** Declares that this construct's plain HTTP leaves as TLS. */
  public declareOrigination(egress: IConstruct, by: IConstruct, settings: OriginationSettings): void {
    this.statementOf(egress).originations.push({ by, settings });
    touch(this.app);
  }

  public conflicts(): Conflict[] {
    return disagreements(
      this.statements,
      comparable,
      (differences, first) =>
        `egress-path-conflict: ${this.title} is declared here and by [${first.construct.node.path}] with different ` +
        `options (${differences}). A namespace reaches a host by one egress path: declare it once, or give both ` +
        `declarations the same options${this.alternative}.`,
    );
  }

  /** The construct that declared this egress path first. */
  public get construct(): Construct {
    return this.statements[0].construct;
  }

  /** All constructs that declare it. */
  public get constructs(): Construct[] {
    return this.statements.map(({ construct }) => construct);
  }

  public get owner(): string {
    return this.statements[0].owner;
  }

  public get settings(): S {
    return this.statements[0].settings;
  }

  /** Part of the name of every object. */
  public get key(): string {
    return (this.cachedKey ??= this.makeKey());
  }

  public get origination(): OriginationSettings | undefined {
    return this.statements.find(({ originations }) => originations.length > 0)?.originations[0].settings;
  }

  /** The TLS originations of all constructs, each once. Where they differ, synth stops. */
  public get originations(): OriginationSettings[] {
    const all = this.statements.flatMap(({ originations }) => originations.map(({ settings }) => settings));
    return this.statements.length === 1 ? all : [...new Map(all.map((one) => [canonical(one), one])).values()];
  }

  /** The route to the host, for errors: `through egress/exit`. */
  protected abstract get choice(): string;

  /** Declares what follows from the first declaration, such as what the egress path needs from the network. */
  protected abstract begin(): void;

  protected abstract makeKey(): string;

  /** Another cure for different options, to end a sentence with. */
  protected get alternative(): string {
    return '';
  }

  private statementOf(egress: IConstruct): Statement<S> {
    return this.statements.find(({ construct }) => construct === egress)!;
  }
}

/** Every option that two declarations of one egress path must agree about, by name. */
function comparable({ originations, owner, settings }: Statement<EgressPathSettings>): Record<string, unknown> {
  const { policy, ports, unsafeInternalHosts: _perConstruct, ...others } = settings;
  const tls = originations
    .map((origination) => origination.settings)
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return {
    owner,
    ports: ports.map(({ name }) => name),
    ...others,
    ...policy,
    tlsOrigination: tls.length > 1 ? tls : tls[0],
  };
}
