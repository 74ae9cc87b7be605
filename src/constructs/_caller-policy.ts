import { ApiObject } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import { AppScope, Disagreement, Shared } from './_app-scope';
import { EgressPathSettings } from './_settings';
import { IEgressGateway } from './installed-egress-gateway';
import { AuthorizationPolicy, AuthorizationPolicySpec } from '../../imports/security.istio.io';
import { Caller } from '../values/caller';
import { CHECKED_HOP_DOMAIN } from '../values/host-name';
import { keyOf, objectName } from '../values/names';

/** An egress path whose callers this policy checks. */
export interface CheckedEgressPath {
  readonly construct: IConstruct;
  readonly title: string;
  callers(): Caller[];
}

/**
 * Checks callers that a gateway's server cannot check by itself. A server compares whole identities and closes the
 * connection without an answer, so it can neither admit a whole namespace nor answer with 403. There is one policy for
 * each such set of callers and each gateway. It matches its servers by the suffix of their private names, so its size
 * does not depend on the number of hosts, and it does not affect any other server.
 *
 * On a gateway that is locked down the policy is an ALLOW, without which nothing passes (the lockdown itself admits
 * only names whose servers check the callers). On any other gateway an ALLOW would close the hosts of all other owners,
 * so there the policy is a DENY for everyone else. If that DENY were missing, a namespace that adds a caller side of
 * its own would be admitted, so only whole namespaces may rely on it.
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

  /** The callers named for one set by the egress paths of one namespace. */
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

  /** The suffix of the private names of the servers that this policy is for. */
  public get hopDomain(): string {
    return `${this.key}.${CHECKED_HOP_DOMAIN}`;
  }

  /** Adds an egress path to this policy. The first one emits the policy and gets it back. */
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
    const callerNames = ({ callers }: CheckedEgressPath) =>
      [...new Set(callers().map((caller) => caller._title))].sort().join(', ');
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
