import { IConstruct } from 'constructs';
import { differencesOf } from './_agreement';
import { Disagreement, Shared } from './_app-scope';
import { OriginationScope, OriginationSettings } from './_origination';
import { EgressPathSettings } from './_settings';
import { canSelectSamePod } from '../values/names';

interface Declaration<S> {
  readonly construct: IConstruct;
  readonly owner: string;
  readonly settings: S;
  readonly originations: { by: IConstruct; settings: OriginationSettings }[];
}

/**
 * The egress path from one namespace to one host. Constructs that declare the same egress path with the same options
 * share its objects; if their options differ, synth stops.
 */
export abstract class EgressPath<S extends EgressPathSettings> implements Shared {
  private readonly declarations: Declaration<S>[] = [];

  protected constructor(
    /** For errors: `api.partner.com from namespace payments through egress/exit`. */
    public readonly title: string,
    /** The external host. */
    public readonly host: string,
  ) {}

  /** Adds a declaration. Returns whether it is the first one, which emits the objects. */
  public declare(construct: IConstruct, owner: string, settings: S): boolean {
    this.declarations.push({ construct, owner, settings, originations: [] });
    return this.declarations.length === 1;
  }

  /**
   * The existing TLS origination of this construct that rules out the wanted one: `[chart/tls]`, with the reason where
   * it is not obvious. Several originations are possible if each is for workloads of its own.
   */
  public originatorFor(egress: IConstruct, wanted: OriginationScope): string | undefined {
    for (const { by, settings } of this.declarationOf(egress).originations) {
      const why = overlapReason(wanted, settings);
      if (why !== undefined) return `[${by.node.path}]${why}`;
    }
    return undefined;
  }

  /** Declares that this construct's plain HTTP leaves as TLS. */
  public declareOrigination(egress: IConstruct, by: IConstruct, settings: OriginationSettings): void {
    this.declarationOf(egress).originations.push({ by, settings });
  }

  public disagreements(): Disagreement[] {
    const [first, ...others] = this.declarations;
    return others.flatMap((other) => {
      const differences = differencesOf(comparable(first), comparable(other));
      if (differences.length === 0) return [];
      return [
        {
          construct: other.construct,
          problem:
            `egress-path-conflict: ${this.title} is declared here and by [${first.construct.node.path}] with ` +
            `different options (${differences.join('; ')}). ` +
            'A namespace reaches a host by one egress path: declare it once, or give both declarations the same ' +
            `options${this.alternative}.`,
        },
      ];
    });
  }

  private declarationOf(egress: IConstruct): Declaration<S> {
    return this.declarations.find(({ construct }) => construct === egress)!;
  }

  /** Another cure for different options, to end a sentence with. */
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

/** Why two originations could both apply to one pod; undefined if they cannot. */
function overlapReason(wanted: OriginationScope, existing: OriginationScope): string | undefined {
  if (!wanted.certificateOwners || !existing.certificateOwners) return ' already';
  if (wanted.port !== existing.port) return ' already on another port, and a namespace has one route to a host';
  for (const one of wanted.certificateOwners) {
    for (const other of existing.certificateOwners) {
      if (canSelectSamePod(one.podLabels, other.podLabels)) {
        return (
          ` already for pods labelled ${labelText(other.podLabels)}, and one pod could carry those labels and ` +
          `${labelText(one.podLabels)} (Istio would use the older rule); ` +
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

/** Every option that two declarations of one egress path must agree about, by name. */
function comparable({ originations, owner, settings }: Declaration<EgressPathSettings>): Record<string, unknown> {
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
