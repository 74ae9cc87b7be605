import { IConstruct } from 'constructs';
import { Shared } from './_app-scope';
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

  /** Sends this construct's plain HTTP out as TLS. Throws when another origination of the same declaration does that already. */
  public declareOrigination(egress: IConstruct, by: IConstruct, settings: OriginationSettings): void {
    const declaration = this.declarations.find(candidate => candidate.construct === egress)!;
    if (declaration.origination) {
      throw new Error(`[${by.node.path}] TlsOrigination: TLS for "${this.host}" is originated by [${declaration.origination.by.node.path}] already; keep one of the two`);
    }
    declaration.origination = { by, settings };
  }

  public disagreements(): { construct: IConstruct; problem: string }[] {
    const [first, ...others] = this.declarations;
    return others.flatMap(other => {
      const differences = different(flat(first), flat(other));
      if (differences.length === 0) return [];
      return [{
        construct: other.construct,
        problem: `way-conflict: ${this.title} is declared here and by [${first.construct.node.path}] with different options (${differences.join('; ')}). ` +
          'A namespace reaches a host by one way: declare it once, or give both declarations the same options.',
      }];
    });
  }

  protected get settings(): S {
    return this.declarations[0].settings;
  }

  protected get origination(): OriginationSettings | undefined {
    return this.declarations[0].origination?.settings;
  }
}

/** Everything that two declarations of a way must agree about, by name. */
function flat(declaration: Declaration<WaySettings>): Record<string, string> {
  const { origination, owner } = declaration;
  const fields: Record<string, unknown> = { owner, ...declaration.settings, ...declaration.settings.policy, policy: undefined, tlsOrigination: origination?.settings ?? 'none' };
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, JSON.stringify(value) ?? 'default']));
}

function different(a: Record<string, string>, b: Record<string, string>): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter(name => a[name] !== b[name]).map(name => `${name}: ${a[name] ?? 'default'} there, ${b[name] ?? 'default'} here`);
}
