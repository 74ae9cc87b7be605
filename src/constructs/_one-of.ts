import { Construct } from 'constructs';
import { AppScope, Disagreement, Shared } from './_app-scope';

interface Statement {
  readonly construct: Construct;
  /** Equal where the two mean the same thing and may stand side by side. */
  readonly choice: string;
}

/**
 * Something of which an app has one only: the way of a host out of a namespace, the gateway of a name. Whoever comes
 * second with another choice is told so in words of the constructs; what the rules would say of the objects of both is
 * left out.
 */
export class OneOf implements Shared {
  /** Says how a namespace reaches a host: `through egress/exit`. */
  public static egressPath(app: AppScope, namespace: string, host: string): OneOf {
    return app.share(
      `way ${namespace} ${host}`,
      () =>
        new OneOf(
          (here, first) =>
            `egress-path-conflict: ${host} from namespace ${namespace} is declared here ${here.choice}, and by ` +
            `[${first.construct.node.path}] ${first.choice}. ` +
            'A namespace reaches a host by one way: keep one of the two.',
        ),
    );
  }

  /** Says who installs a gateway. */
  public static gateway(app: AppScope, namespace: string, name: string): OneOf {
    const title = `${namespace}/${name}`;
    return app.share(
      `installed ${title}`,
      () =>
        new OneOf(
          (_here, first) =>
            `gateegress-path-conflict: the gateway ${title} is installed here and by ` +
            `[${first.construct.node.path}]; of two gateways of one name the one applied last replaces the ` +
            'other. ' +
            'Give one of them a `name`, or use the first where you need it.',
        ),
    );
  }

  private readonly statements: Statement[] = [];

  private constructor(private readonly say: (here: Statement, first: Statement) => string) {}

  /** Takes down what one construct chose. */
  public state(construct: Construct, choice: string): void {
    this.statements.push({ construct, choice });
  }

  public disagreements(): Disagreement[] {
    const [first, ...others] = this.statements;
    const told = new Set([first.construct]);
    return others
      .filter(({ choice }) => choice !== first.choice)
      .flatMap((here) => {
        if (told.has(here.construct)) return [];
        told.add(here.construct);
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
