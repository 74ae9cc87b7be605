import { IConstruct } from 'constructs';
import { differencesOf } from './_agreement';
import { Disagreement, Shared } from './_app-scope';
import { OriginationScope, OriginationSettings } from './_origination';
import { EgressPathSettings } from './_settings';
import { mayShareAPod } from '../values/names';

interface Declaration<S> {
  readonly construct: IConstruct;
  readonly owner: string;
  readonly settings: S;
  readonly originations: { by: IConstruct; settings: OriginationSettings }[];
}

/**
 * The way of one host out of one namespace. Constructs that declare the same way with the same options share its
 * objects; with different options they cannot all be right, and synth stops.
 */
export abstract class EgressPath<S extends EgressPathSettings> implements Shared {
  private readonly declarations: Declaration<S>[] = [];

  protected constructor(
    /** For errors: `api.partner.com from namespace payments through egress/exit`. */
    public readonly title: string,
    /** The external host. */
    public readonly host: string,
  ) {}

  /** Takes part in this way. Returns whether this is the first declaration, the one that emits the objects. */
  public declare(construct: IConstruct, owner: string, settings: S): boolean {
    this.declarations.push({ construct, owner, settings, originations: [] });
    return this.declarations.length === 1;
  }

  /**
   * What sends this construct's plain HTTP out as TLS already, and stands in the way of one more: `[chart/tls]`, with
   * the reason where it is not obvious. Several may stand side by side where each is for workloads of its own.
   */
  public originatorFor(egress: IConstruct, wanted: OriginationScope): string | undefined {
    for (const { by, settings } of this.declarationOf(egress).originations) {
      const why = conflictBetween(wanted, settings);
      if (why !== undefined) return `[${by.node.path}]${why}`;
    }
    return undefined;
  }

  /** Sends this construct's plain HTTP out as TLS. */
  public declareOrigination(egress: IConstruct, by: IConstruct, settings: OriginationSettings): void {
    this.declarationOf(egress).originations.push({ by, settings });
  }

  public disagreements(): Disagreement[] {
    const [first, ...others] = this.declarations;
    return others.flatMap((other) => {
      const differences = differencesOf(flat(first), flat(other));
      if (differences.length === 0) return [];
      return [
        {
          construct: other.construct,
          problem:
            `egress-path-conflict: ${this.title} is declared here and by [${first.construct.node.path}] with ` +
            `different options (${differences.join('; ')}). ` +
            'A namespace reaches a host by one way: declare it once, or give both declarations the same ' +
            `options${this.alternative}.`,
        },
      ];
    });
  }

  private declarationOf(egress: IConstruct): Declaration<S> {
    return this.declarations.find(({ construct }) => construct === egress)!;
  }

  /** What else there is to do about different options, for the end of a sentence. */
  protected get alternative(): string {
    return '';
  }

  protected get settings(): S {
    return this.declarations[0].settings;
  }

  protected get origination(): OriginationSettings | undefined {
    return this.originations[0];
  }

  protected get originations(): OriginationSettings[] {
    return this.declarations[0].originations.map(({ settings }) => settings);
  }
}

/** Whether one pod could be meant by both, and why. */
function conflictBetween(a: OriginationScope, b: OriginationScope): string | undefined {
  if (!a.certificateOwners || !b.certificateOwners) return ' already';
  if (a.port !== b.port) return ' already on another port, and a namespace has one route to a host';
  for (const one of a.certificateOwners) {
    for (const other of b.certificateOwners) {
      if (mayShareAPod(one.podLabels, other.podLabels)) {
        return (
          ` already for pods labelled ${labelText(other.podLabels)}, and a pod may carry those and ` +
          `${labelText(one.podLabels)} (Istio would take the older rule); ` +
          'give both callers a label of the same name with different values'
        );
      }
    }
  }
  return undefined;
}

function labelText(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map((entry) => entry.join('='))
    .join(',');
}

/** Everything that two declarations of a way must agree about, by name. */
function flat({ originations, owner, settings }: Declaration<EgressPathSettings>): Record<string, unknown> {
  const { policy, ports, ...others } = settings;
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
