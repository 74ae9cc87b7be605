import { Certainty } from '../answer/certainty';
import { SelectablePods, selection } from './selection';
import { Indexed } from '../../manifests/indexed';
import { IstioSpecs } from '../../manifests/specs';
import { isDryRun } from '../../istio/annotations';
import { Registry } from '../registry/registry';
import { valueIn } from '../../values/grouping';

/** What the model reads of a RequestAuthentication. */
export interface RequestAuthenticationSpec {
  readonly selector?: { readonly matchLabels?: Record<string, string> };
  readonly targetRef?: object;
  readonly targetRefs?: readonly object[];
  readonly jwtRules?: readonly (JwtRule | null)[];
}

export interface JwtRule {
  readonly issuer?: string;
  /** Keys in JSON, where they are not fetched. */
  readonly jwks?: string;
  readonly audiences?: readonly string[];
  readonly fromHeaders?: readonly { readonly name: string; readonly prefix?: string }[];
  readonly fromParams?: readonly string[];
  readonly fromCookies?: readonly string[];
  readonly outputPayloadToHeader?: string;
  readonly outputClaimToHeaders?: readonly { readonly header?: string }[];
}

interface Specs {
  readonly AuthorizationPolicy: IstioSpecs['AuthorizationPolicy'];
  readonly RequestAuthentication: RequestAuthenticationSpec;
}
type PolicyKind = keyof Specs;

/** A policy that applies to some pods, or may apply to them. */
export interface ApplyingPolicy<Kind extends PolicyKind = 'AuthorizationPolicy'> {
  readonly object: Indexed<Specs[Kind]>;
  /** True, or unknown; a policy that certainly does not apply is left out. */
  readonly applies: true | undefined;
}

/** The policies of all pods, found when they are first asked for. */
export class Policies {
  private readonly known: { readonly [Kind in PolicyKind]: WeakMap<SelectablePods, readonly ApplyingPolicy<Kind>[]> } =
    {
      AuthorizationPolicy: new WeakMap(),
      RequestAuthentication: new WeakMap(),
    };

  constructor(public readonly registry: Registry) {}

  /**
   * The policies of a kind, in the pods' namespace or the root namespace, that select the pods.
   *
   * @param beside another namespace whose policies count too
   */
  public for<Kind extends PolicyKind>(
    pods: SelectablePods,
    kind: Kind,
    beside?: string,
  ): readonly ApplyingPolicy<Kind>[] {
    if (beside !== undefined && beside !== pods.namespace) return findPolicies(this.registry, pods, kind, beside);
    const known: WeakMap<SelectablePods, readonly ApplyingPolicy<Kind>[]> = this.known[kind];
    return valueIn(known, pods, () => findPolicies(this.registry, pods, kind));
  }
}

function findPolicies<Kind extends PolicyKind>(
  registry: Registry,
  pods: SelectablePods,
  kind: Kind,
  beside?: string,
): ApplyingPolicy<Kind>[] {
  const places = [pods.namespace, registry.rootNamespace, beside];
  return registry.index.ofKind<Specs[Kind]>(kind).flatMap((object): ApplyingPolicy<Kind>[] => {
    const { namespace, spec } = object;
    if (!places.includes(namespace)) return [];
    // They apply to gateways of the Gateway API only.
    if (spec.targetRefs?.length || spec.targetRef || isIdle(object)) return [];
    const applies: Certainty = selection(spec.selector?.matchLabels, pods);
    return applies === false ? [] : [{ object, applies }];
  });
}

function isIdle({ kind, manifest }: Indexed): boolean {
  return kind === 'AuthorizationPolicy' && isDryRun(manifest.metadata.annotations);
}
