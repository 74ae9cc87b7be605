import { ApiObjectMetadata } from 'cdk8s';
import { POD_POLICIES } from './pods';
import { ISTIO_POLICIES } from './istio';
import { lockPolicy, sidecarPolicy } from './locks';
import { GuardedLocks, GuardFacts, GuardPolicy } from './policy';
import { SERVICE_POLICIES } from './services';
import { Rank, RecipeObject } from '../recipe';

const API_VERSION = 'admissionregistration.k8s.io/v1';

/**
 * The ValidatingAdmissionPolicies of a guard, each followed by its binding.
 *
 * @param facts returns what is known of the app's gateways; called at synth, since they may be declared later
 * @param locks the locks to keep; none where nothing is locked
 * @param action what the API server does with an object that a policy finds fault with
 * @param given labels, annotations, what every name begins with, and whether pods are checked as well
 */
export function guard(
  facts: () => GuardFacts,
  locks: GuardedLocks | undefined,
  action: string,
  { refuseBypass, ...given }: ApiObjectMetadata & { readonly name: string; readonly refuseBypass: boolean },
): RecipeObject[] {
  const policies = Object.entries({ ...ISTIO_POLICIES, ...SERVICE_POLICIES, ...(refuseBypass && POD_POLICIES) }).map(
    ([what, policy]): [what: string, policy: () => GuardPolicy] => [what, () => policy(facts())],
  );
  if (locks) policies.push(['sidecars', () => sidecarPolicy(facts(), locks)]);
  if (locks && locks.sidecars.length > 0) policies.push(['locks', () => lockPolicy(locks)]);
  return policies.flatMap(([what, policy]) => {
    const metadata = { ...given, name: `${given.name}-${what}` };
    const binding = { policyName: metadata.name, validationActions: [action] };
    return [
      guardObject(what, 'ValidatingAdmissionPolicy', metadata, () => policySpec(policy())),
      guardObject(`${what}-binding`, 'ValidatingAdmissionPolicyBinding', metadata, () => binding),
    ];
  });
}

function guardObject(id: string, kind: string, metadata: RecipeObject['metadata'], spec: () => object): RecipeObject {
  const gvk = { apiVersion: API_VERSION, kind };
  return { id, kind: gvk, side: 'gateway', rank: Rank.FIRST, metadata, spec };
}

function policySpec({ rules, namespaces, conditions, variables, validations }: GuardPolicy): object {
  return {
    failurePolicy: 'Fail',
    matchConstraints: {
      matchPolicy: 'Equivalent',
      namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', ...namespaces }] },
      resourceRules: rules,
    },
    matchConditions: conditions,
    variables,
    validations: validations.map((validation) => ({ ...validation, reason: 'Forbidden' })),
  };
}
