import { Certainty } from './certainty';
import { SelectablePods, selection } from './selection';
import { Indexed } from '../../manifests/indexed';
import { Registry } from '../registry';

/** A policy that applies to some pods, or may apply to them. */
export interface ApplyingPolicy {
  readonly object: Indexed;
  /** True, or unknown; a policy that certainly does not apply is left out. */
  readonly applies: true | undefined;
}

const known = new WeakMap<SelectablePods, Map<string, readonly ApplyingPolicy[]>>();

/** The policies of a kind, in the pods' namespace or the root namespace, that select the pods. */
export function policiesFor(
  registry: Registry,
  pods: SelectablePods,
  kind: 'AuthorizationPolicy' | 'RequestAuthentication',
): readonly ApplyingPolicy[] {
  let kinds = known.get(pods);
  if (!kinds) known.set(pods, (kinds = new Map()));
  let policies = kinds.get(kind);
  if (!policies) kinds.set(kind, (policies = findPolicies(registry, pods, kind)));
  return policies;
}

function findPolicies(registry: Registry, pods: SelectablePods, kind: string): ApplyingPolicy[] {
  return registry.index.ofKind(kind).flatMap((object): ApplyingPolicy[] => {
    const { namespace, spec } = object;
    if (namespace !== pods.namespace && namespace !== registry.rootNamespace) return [];
    // They apply to gateways of the Gateway API only.
    if (spec.targetRefs?.length || spec.targetRef || isDryRun(object)) return [];
    const applies: Certainty = selection(spec.selector?.matchLabels, pods);
    return applies === false ? [] : [{ object, applies }];
  });
}

/** Whether istiod only counts what an AuthorizationPolicy would do. */
function isDryRun({ kind, manifest }: Indexed): boolean {
  const value = manifest.metadata.annotations?.['istio.io/dry-run'];
  return kind === 'AuthorizationPolicy' && /^(1|t|true)$/i.test(String(value));
}
