import { IConstruct } from 'constructs';
import { perIdentity } from './app';
import { Conflict, Declaration, watch } from './conflicts';

interface Statement {
  readonly construct: IConstruct;
  /** Equal if two statements mean the same and do not conflict. */
  readonly choice: string;
}

const egressPaths = perIdentity<OneOf>();
const gateways = perIdentity<OneOf>();

/**
 * Something that exists only once in an app: the egress path of a host from a namespace, the gateway of a name. A
 * second construct with another choice is reported in the terms of the constructs; what the rules find between the
 * objects of both is left out.
 */
export class OneOf implements Declaration {
  /** How a namespace reaches a host: `through egress/exit`. */
  public static egressPath(app: IConstruct, namespace: string, host: string): OneOf {
    return egressPaths(app, [namespace, host], () =>
      watch(
        app,
        new OneOf(
          (here, first) =>
            `egress-path-conflict: ${host} from namespace ${namespace} is declared here ${here.choice}, and by ` +
            `[${first.construct.node.path}] ${first.choice}. A namespace has one egress path to a host: keep ` +
            'one of the two.',
        ),
      ),
    );
  }

  /** Which construct installs a gateway. */
  public static gateway(app: IConstruct, namespace: string, name: string): OneOf {
    const title = `${namespace}/${name}`;
    return gateways(app, [title], () =>
      watch(
        app,
        new OneOf(
          (_here, first) =>
            `gateway-conflict: the gateway ${title} is installed here and by [${first.construct.node.path}]; of two ` +
            'gateways with one name, the one applied last replaces the other. Give one of them another `name`, or ' +
            'use the first wherever you need it.',
        ),
      ),
    );
  }

  private readonly statements: Statement[] = [];

  private constructor(private readonly say: (here: Statement, first: Statement) => string) {}

  /** Records the choice of one construct. */
  public state(construct: IConstruct, choice: string): void {
    this.statements.push({ construct, choice });
  }

  public conflicts(): Conflict[] {
    const [first, ...others] = this.statements;
    const reported = new Set([first.construct]);
    return others
      .filter(({ choice }) => choice !== first.choice)
      .flatMap((here) => {
        if (reported.has(here.construct)) return [];
        reported.add(here.construct);
        return [
          {
            construct: here.construct,
            problem: this.say(here, first),
            between: this.statements.map(({ construct }) => construct),
          },
        ];
      });
  }
}
