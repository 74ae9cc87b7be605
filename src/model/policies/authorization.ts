import { FieldRef } from '../answer/answer';
import { fieldRef } from '../answer/field-ref';
import { unknownField } from '../answer/known-fields';
import { ApplyingPolicy, Policies } from './applying-policies';
import { both, Certainty, someOf } from '../answer/certainty';
import { isNearer, PolicyInput, ruleMatches, Unmet } from './rule';
import { SelectablePods, unknownLabels } from './selection';
import { Registry } from '../registry/registry';
import { Undetermined } from '../answer/undetermined';
import { PolicyRule } from '../../manifests/specs';

export type { PolicyInput } from './rule';

export interface Verdict {
  readonly allowed: boolean;
  readonly decidedBy: readonly FieldRef[];
  readonly reason: string;
}

/** Pods that policies may select, with their name in answers. */
type Workload = SelectablePods & { readonly id?: string };

/**
 * The verdict of the AuthorizationPolicies for a workload: CUSTOM first, then DENY; then, if there are any, ALLOW.
 * Undetermined only where what the manifests do not tell changes the verdict.
 *
 * @param beside a namespace whose policies count beside those of the workload's own
 */
export function authorize(all: Policies, workload: Workload, input: PolicyInput, beside?: string): Verdict {
  const policies = all.for(workload, 'AuthorizationPolicy', beside);
  if (policies.length === 0) return { allowed: true, decidedBy: [], reason: 'no policy' };
  const evaluation = new Evaluation(all.registry, workload, input);
  const acting = (action: string) => policies.filter(({ object }) => (object.spec.action ?? 'ALLOW') === action);
  for (const policy of acting('CUSTOM')) {
    const rule = evaluation.firstRule(policy, true);
    if (!rule) continue;
    const name = policy.object.spec.provider?.name;
    const decidedBy = [fieldRef(policy.object, 'spec.provider.name'), rule.field];
    // Where one policy has an authorizer, what istiod makes of the others is not part of the model.
    if (rule.matches && acting('CUSTOM').every(({ object }) => isMissing(all.registry, object.spec.provider?.name)))
      return { allowed: false, decidedBy, reason: `the mesh has no external authorizer ${name}, which a policy asks` };
    throw new Undetermined(
      'an AuthorizationPolicy with action CUSTOM asks an external authorizer, whose answer the model does not know',
      decidedBy,
    );
  }
  const what = input.http ? 'request' : 'connection';
  let unknown: Undetermined | undefined;
  for (const policy of acting('DENY')) {
    const rule = evaluation.firstRule(policy, true);
    if (rule?.matches)
      return { allowed: false, decidedBy: [rule.field], reason: `an AuthorizationPolicy denies the ${what}` };
    if (rule) unknown ??= evaluation.unknown(policy, true);
  }
  const allowing = acting('ALLOW');
  const allowed = evaluation.allowedBy(allowing);
  if (allowed.is === false) {
    const sorted = allowing
      .map(({ object }) => object)
      .sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
    return {
      allowed: false,
      decidedBy: sorted.map((policy) => fieldRef(policy, 'spec.rules')),
      reason: `no rule of an ALLOW AuthorizationPolicy matches the ${what}${evaluation.why(sorted)}`,
    };
  }
  if (unknown) throw unknown;
  if (allowed.is === undefined) throw evaluation.unknown(allowed.policy, false);
  return allowed.field
    ? { allowed: true, decidedBy: [allowed.field], reason: 'allowed by an AuthorizationPolicy' }
    : { allowed: true, decidedBy: [], reason: 'no policy' };
}

/** Whether it is certain that the mesh has no external authorizer of this name. */
function isMissing({ world: { authorizers } }: Registry, name: string | undefined): boolean {
  return authorizers !== undefined && !authorizers.some((one) => one === name);
}

/** The rules that test the caller's identity, which a proxy knows only from mutual TLS. */
export function rulesByIdentity(policies: Policies, workload: Workload): FieldRef[] {
  return policies
    .for(workload, 'AuthorizationPolicy')
    .flatMap(({ object }) =>
      (object.spec.rules ?? []).flatMap((rule, index) =>
        (rule?.from ?? []).some(({ source }) => IDENTITY.some((name) => source?.[name]?.length))
          ? [fieldRef(object, `spec.rules[${index}].from`)]
          : [],
      ),
    );
}

const IDENTITY = ['principals', 'namespaces', 'serviceAccounts', 'trustDomains'] as const;
type Policy = ApplyingPolicy['object'];
/** The most rules of which an answer says why they do not match. */
const MOST_RULES = 3;

type Allowed =
  | { readonly is: false }
  | { readonly is: true; readonly field?: FieldRef }
  | { readonly is: undefined; readonly policy: ApplyingPolicy };

/** The rules of policies, for one request. */
class Evaluation {
  constructor(
    private readonly registry: Registry,
    private readonly workload: Workload,
    private readonly input: PolicyInput,
  ) {}

  /** The first rule that matches, or, without one, the first that may match. */
  public firstRule(
    { object, applies }: ApplyingPolicy,
    denies: boolean,
  ): { readonly matches: true | undefined; readonly field: FieldRef } | undefined {
    const rules = object.spec.rules ?? [];
    const results = rules.map((rule) => both(applies, this.ruleMatches(object, rule, denies)));
    const index = results.includes(true) ? results.indexOf(true) : results.indexOf(undefined);
    const matches = results[index];
    return matches === false || index < 0 ? undefined : { matches, field: fieldRef(object, `spec.rules[${index}]`) };
  }

  /** Whether the ALLOW policies let the request in. Without any, it is let in. */
  public allowedBy(policies: readonly ApplyingPolicy[]): Allowed {
    const matches: Certainty[] = [];
    for (const { object, applies } of policies) {
      const rules = object.spec.rules ?? [];
      const matching = someOf(rules, (rule) => this.ruleMatches(object, rule, false));
      if (matching && applies) {
        const index = rules.findIndex((rule) => this.ruleMatches(object, rule, false));
        return { is: true, field: fieldRef(object, `spec.rules[${index}]`) };
      }
      matches.push(matching);
    }
    if (matches.every((matching) => matching === true)) return { is: true };
    // Where no policy is certain to apply, there may be none, and then everything is let in.
    const isRestricted = policies.some(({ applies }) => applies);
    const policy = policies.find((_, index) => !isRestricted || matches[index] !== false);
    return policy ? { is: undefined, policy } : { is: false };
  }

  /** What would have to be known of a policy. */
  public unknown({ object, applies }: ApplyingPolicy, denies: boolean): Undetermined {
    const { id, namespace } = this.workload;
    const name = `AuthorizationPolicy ${object.namespace}/${object.name}`;
    if (!applies) {
      const selector = object.spec.selector?.matchLabels;
      return new Undetermined(
        `${name} decides if it selects the pods of ${id ?? namespace}, and the manifests do not say whether they ` +
          `have the label ${unknownLabels(selector, this.workload)}: add their Deployment, or an access table with ` +
          'their `gateways`',
        [fieldRef(object, 'spec.selector.matchLabels')],
      );
    }
    const field = unknownField(object.spec, 'authorizationPolicy');
    if (field)
      return new Undetermined(`the model does not know the field spec.${field} of ${name}`, [
        fieldRef(object, `spec.${field}`),
      ]);
    for (const [index, rule] of (object.spec.rules ?? []).entries()) {
      const unmet: Unmet[] = [];
      if (this.ruleMatches(object, rule, denies, unmet) !== undefined) continue;
      const open = unmet.find(({ isUnknown }) => isUnknown)!;
      return new Undetermined(`whether rules[${index}] of ${name} matches decides: ${open.text}`, [
        fieldRef(object, `spec.rules[${index}].${open.field}`),
      ]);
    }
    return new Undetermined(`it is unknown whether ${name} matches`, [fieldRef(object, 'spec.rules')]);
  }

  /** Which conditions of which rules do not hold, the nearest rules first. */
  public why(policies: readonly Policy[]): string {
    const failed = policies.flatMap((object) =>
      (object.spec.rules ?? []).map((rule, index) => {
        const unmet: Unmet[] = [];
        this.ruleMatches(object, rule, false, unmet);
        return { unmet, rule: `rules[${index}] of ${object.namespace}/${object.name}` };
      }),
    );
    if (failed.length === 0) return ': they have no rules';
    const nearest = [...failed].sort((a, b) =>
      isNearer(a.unmet, b.unmet) ? -1 : isNearer(b.unmet, a.unmet) ? 1 : failed.indexOf(a) - failed.indexOf(b),
    );
    const texts = nearest
      .slice(0, MOST_RULES)
      .map(({ rule, unmet }) => `${unmet.map(({ text }) => text).join(' and ')}, in ${rule}`);
    const rest = failed.length - texts.length;
    return `: ${texts.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`;
  }

  private ruleMatches(object: Policy, rule: PolicyRule, denies: boolean, unmet?: Unmet[]): Certainty {
    const matches = ruleMatches(
      { namespace: object.namespace, trustDomains: this.registry.trustDomains, denies },
      rule,
      this.input,
      unmet,
    );
    return object.spec.action !== 'CUSTOM' && unknownField(object.spec, 'authorizationPolicy') !== undefined
      ? undefined
      : matches;
  }
}
