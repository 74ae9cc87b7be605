import { IConstruct } from 'constructs';
import { differencesOf } from './_agreement';
import { Disagreement, Shared } from './_app-scope';
import { OriginationSettings } from './_origination';
import { WaySettings } from './_settings';

interface Declaration<S> {
  readonly construct: IConstruct;
  readonly owner: string;
  readonly settings: S;
  origination?: { by: IConstruct; settings: OriginationSettings };
}

/**
 * The way of one host out of one namespace. Constructs that declare the same way with the same options share its objects;
 * with different options they cannot all be right, and synth stops.
 */
export abstract class Way<S extends WaySettings> implements Shared {

  private readonly declarations: Declaration<S>[] = [];

  protected constructor(
    /** For errors: `api.partner.com from namespace payments through egress/exit`. */
    private readonly title: string,
    /** The outside host. */
    public readonly host: string,
  ) {}

  /** Takes part in this way. Returns whether this is the first declaration, the one that emits the objects. */
  public declare(construct: IConstruct, owner: string, settings: S): boolean {
    this.declarations.push({ construct, owner, settings });
    return this.declarations.length === 1;
  }

  /** What sends this construct's plain HTTP out as TLS already. */
  public originatorFor(egress: IConstruct): IConstruct | undefined {
    return this.declarationOf(egress).origination?.by;
  }

  /** Sends this construct's plain HTTP out as TLS. */
  public declareOrigination(egress: IConstruct, by: IConstruct, settings: OriginationSettings): void {
    this.declarationOf(egress).origination = { by, settings };
  }

  public disagreements(): Disagreement[] {
    const [first, ...others] = this.declarations;
    return others.flatMap(other => {
      const differences = differencesOf(flat(first), flat(other));
      if (differences.length === 0) return [];
      return [{
        construct: other.construct,
        problem: `way-conflict: ${this.title} is declared here and by [${first.construct.node.path}] with different options (${differences.join('; ')}). ` +
          'A namespace reaches a host by one way: declare it once, or give both declarations the same options.',
      }];
    });
  }

  private declarationOf(egress: IConstruct): Declaration<S> {
    return this.declarations.find(({ construct }) => construct === egress)!;
  }

  protected get settings(): S {
    return this.declarations[0].settings;
  }

  protected get origination(): OriginationSettings | undefined {
    return this.declarations[0].origination?.settings;
  }
}

/** Everything that two declarations of a way must agree about, by name. */
function flat({ origination, owner, settings }: Declaration<WaySettings>): Record<string, unknown> {
  const { policy, ports, ...others } = settings;
  return { owner, ports: ports.map(({ name }) => name), ...others, ...policy, tlsOrigination: origination?.settings };
}
