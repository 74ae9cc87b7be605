import { IConstruct } from 'constructs';
import { perIdentity, touch } from './app';
import { Conflict, Declaration, watch } from './conflicts';
import { Gateway } from './gateways';
import { Caller } from '../values/caller';
import { CHECKED_HOP_DOMAIN } from '../values/host-name';
import { keyOf } from '../values/names';

/** An egress path whose callers are checked by a policy. */
export interface CheckedEgressPath {
  readonly construct: IConstruct;
  readonly title: string;
  readonly callers: readonly Caller[];
}

const sets = perIdentity<CallerSet>();

/**
 * Callers that a gateway's server cannot check by itself, so that a policy does: all service accounts of a namespace,
 * or callers that are refused with 403. There is one for each such set of callers and each gateway.
 */
export class CallerSet implements Declaration {
  /**
   * @param set the name of the set among the egress paths of the namespace; undefined for all its service accounts
   */
  public static of(app: IConstruct, gateway: Gateway, owner: string, namespace: string, set?: string): CallerSet {
    const { installation } = gateway;
    const [kind, rest] = set === undefined ? ['namespace-callers', []] : ['caller-set', [set]];
    const identity = [kind, owner, namespace, installation.namespace, installation.name, ...rest];
    return sets(app, identity, () => watch(app, new CallerSet(app, gateway, keyOf(...identity), namespace, set)));
  }

  private readonly egressPaths: CheckedEgressPath[] = [];

  private constructor(
    private readonly app: IConstruct,
    public readonly gateway: Gateway,
    public readonly key: string,
    public readonly namespace: string,
    private readonly set: string | undefined,
  ) {}

  /** The beginning of the policy's name. */
  public get stem(): string {
    return `${this.namespace}-${this.set === undefined ? 'namespace' : this.set || 'callers'}`;
  }

  /** The suffix of the private names of the servers that the policy is for. */
  public get hopDomain(): string {
    return `${this.key}.${CHECKED_HOP_DOMAIN}`;
  }

  /** Adds an egress path. */
  public join(egressPath: CheckedEgressPath): void {
    if (this.egressPaths.some(({ title }) => title === egressPath.title)) return;
    this.egressPaths.push(egressPath);
    touch(this.app);
  }

  public get callers(): readonly Caller[] {
    return this.set === undefined ? [Caller.wholeNamespace(this.namespace)] : this.egressPaths[0].callers;
  }

  public conflicts(): Conflict[] {
    if (this.set === undefined) return [];
    const [first, ...others] = this.egressPaths;
    const callerNames = ({ callers }: CheckedEgressPath) =>
      [...new Set(callers.map((caller) => caller._title))].sort().join(', ');
    const differing = others
      .filter((other) => callerNames(other) !== callerNames(first))
      .map((other) => ({
        construct: other.construct,
        problem:
          `caller-set-conflict: one policy decides who may call ${first.title} (${callerNames(first)}) ` +
          `[${first.construct.node.path}] and ${other.title} (${callerNames(other)}), but the callers differ. ` +
          'Give one of the two declarations a `callerSet` of its own.',
      }));
    const { name, namespace } = this.gateway.installation;
    const unsafe = this.gateway.isLockedDown
      ? []
      : [...new Set(this.egressPaths.map(({ construct }) => construct))].map((construct) => ({
          construct,
          problem:
            `refusal-unsafe: GatewayRefusal.FORBIDDEN relies on a policy, and the gateway ${namespace}/${name} ` +
            'is not locked down: if the policy were missing, every caller of namespace ' +
            `"${this.namespace}" would be let in. Call lockdown() on an EgressGateway of your own (or set ` +
            `\`lockedDown\` in its installation), or leave \`refusal\` out: then the server itself refuses, with 503.`,
        }));
    return [...differing, ...unsafe];
  }
}
