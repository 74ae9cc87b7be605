import { ApiObject } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import { AppScope, Disagreement, Shared } from './_app-scope';
import { EgressPathSettings } from './_settings';
import { IEgressGateway } from './installed-egress-gateway';
import { AuthorizationPolicy, AuthorizationPolicySpec } from '../../imports/security.istio.io';
import { Caller } from '../values/caller';
import { CHECKED_HOP_DOMAIN } from '../values/host-name';
import { keyOf, objectName } from '../values/names';

/** One way whose callers this policy checks. */
export interface CheckedEgressPath {
  readonly construct: IConstruct;
  readonly title: string;
  callers(): Caller[];
}

/**
 * Callers that a gateway's server cannot check by itself, since it compares whole names and closes without an answer:
 * all of a namespace, or a set that is to be told 403. One policy for each such set and gateway, however many hosts it
 * may call: it knows its servers by the end of their private names, so it is of the same size for one host and for a
 * thousand, and concerns nobody else's.
 *
 * On a gateway that is locked down it is the grant without which nothing passes (the lock lets in only names whose
 * servers check by themselves). On any other gateway a grant would close the hosts of everybody else, so there it
 * refuses all others; were it missing, a namespace that writes a caller half of its own would be let in, and so only
 * whole namespaces may rest on it.
 */
export class CallerPolicy implements Shared {
  /** Every service account of a namespace. */
  public static ofNamespace(app: AppScope, gateway: IEgressGateway, owner: string, namespace: string): CallerPolicy {
    const { installation } = gateway;
    const identity = ['namespace-callers', owner, namespace, installation.namespace, installation.name];
    return app.share(
      identity.join(' '),
      () => new CallerPolicy(app, gateway, keyOf(...identity), `${namespace}-namespace`, namespace, undefined),
    );
  }

  /** The callers that ways of one namespace name under one set. */
  public static ofSet(
    app: AppScope,
    gateway: IEgressGateway,
    owner: string,
    namespace: string,
    set: string,
  ): CallerPolicy {
    const { installation } = gateway;
    const identity = ['caller-set', owner, namespace, installation.namespace, installation.name, set];
    return app.share(
      identity.join(' '),
      () => new CallerPolicy(app, gateway, keyOf(...identity), `${namespace}-${set || 'callers'}`, namespace, set),
    );
  }

  private readonly egressPaths: CheckedEgressPath[] = [];
  private policy?: ApiObject;

  private constructor(
    private readonly app: AppScope,
    private readonly gateway: IEgressGateway,
    private readonly key: string,
    private readonly stem: string,
    private readonly namespace: string,
    private readonly set: string | undefined,
  ) {}

  /** How the private names of the servers end that this policy is for. */
  public get hopDomain(): string {
    return `${this.key}.${CHECKED_HOP_DOMAIN}`;
  }

  /** Takes a way under this policy. Returns the policy to the first one, which emits it. */
  public check(
    egressPath: CheckedEgressPath,
    scope: Construct,
    { labels, annotations }: EgressPathSettings,
  ): ApiObject | undefined {
    if (this.egressPaths.some(({ title }) => title === egressPath.title)) return undefined;
    this.egressPaths.push(egressPath);
    this.app.touch();
    if (this.policy) return undefined;
    const metadata = {
      name: objectName(this.stem, this.key),
      namespace: this.gateway.installation.namespace,
      labels,
      annotations,
    };
    this.policy = this.app.emit(
      egressPath.construct,
      scope,
      `callers-${this.stem}`,
      AuthorizationPolicy,
      metadata,
      () => this.spec(),
    );
    return this.policy;
  }

  public disagreements(): Disagreement[] {
    if (this.set === undefined) return [];
    const [first, ...others] = this.egressPaths;
    const named = ({ callers }: CheckedEgressPath) =>
      [...new Set(callers().map((caller) => caller._title))].sort().join(', ');
    const apart = others
      .filter((other) => named(other) !== named(first))
      .map((other) => ({
        construct: other.construct,
        problem:
          `caller-set-conflict: one policy says who may call ${first.title} (${named(first)}) ` +
          `[${first.construct.node.path}] and ${other.title} (${named(other)}), but the callers differ. ` +
          'Give one of the two declarations a `callerSet` of its own.',
      }));
    const { name, namespace } = this.gateway.installation;
    const open = this.gateway.isLockedDown
      ? []
      : [...new Set(this.egressPaths.map(({ construct }) => construct))].map((construct) => ({
          construct,
          problem:
            `refusal-unsafe: GatewayRefusal.FORBIDDEN rests on a policy, and the gateway ${namespace}/${name} ` +
            'is not locked down: if the policy were missing, every caller of namespace ' +
            `"${this.namespace}" would be let in. Call lockdown() on an EgressGateway of your own (or say ` +
            `lockedDown in its installation), or leave \`refusal\` out: then the server itself refuses, with ` +
            '503.',
        }));
    return [...apart, ...open];
  }

  private spec(): AuthorizationPolicySpec {
    const { labels } = this.gateway.installation;
    const principals = this.principals();
    const [action, source] = this.gateway.isLockedDown
      ? ['ALLOW', { principals }]
      : ['DENY', { notPrincipals: principals }];
    return {
      selector: { matchLabels: labels },
      action: action as any,
      rules: [
        { from: [{ source: source as any }], when: [{ key: 'connection.sni', values: [`*.${this.hopDomain}`] }] },
      ],
    };
  }

  private principals(): string[] {
    const { trustDomain } = this.gateway.installation;
    const callers = this.set === undefined ? [Caller.wholeNamespace(this.namespace)] : this.egressPaths[0].callers();
    return [...new Set(callers.map((caller) => caller.spiffeId(trustDomain).replace('spiffe://', '')))].sort();
  }
}
