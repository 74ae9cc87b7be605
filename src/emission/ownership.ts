import { ApiObject, Chart, Lazy } from 'cdk8s';
import { IConstruct } from 'constructs';
import { CONSTRUCTS } from '../manifests/constructs-annotation';

/** By which an owner's objects are selected. */
export const OWNER_LABEL = 'cdk8s-istio-egress/owner';

/** What objects are made from: something that constructs have declared, alone or together. */
export interface Declared {
  readonly owner: string;
  readonly constructs: readonly IConstruct[];
}

/**
 * Writes on an object whose it is and which constructs it comes from, unless its author or its chart has written that.
 * The paths of constructs are in an annotation only, so that renaming one changes nothing that selects or matches.
 *
 * @param by the construct that has emitted it
 * @param declared what it is made from, which may grow until synth; empty if that is the construct alone
 */
export function writeOwnership(
  object: ApiObject,
  by: IConstruct,
  declared: ReadonlySet<Declared>,
  given: Record<string, unknown> = {},
): void {
  const { metadata } = object;
  const [first] = declared;
  const owner = first?.owner ?? Chart.of(by).namespace ?? metadata.namespace;
  if (owner !== undefined && metadata.getLabel(OWNER_LABEL) === undefined) metadata.addLabel(OWNER_LABEL, owner);
  if (given[CONSTRUCTS] !== undefined) return;
  const constructs = () => (first ? [...declared].flatMap((one) => one.constructs) : [by]);
  metadata.addAnnotation(CONSTRUCTS, Lazy.any({ produce: () => pathsOf(constructs()) }));
}

function pathsOf(constructs: readonly IConstruct[]): string {
  return [...new Set(constructs.map(({ node }) => node.path))].sort().join(', ');
}
