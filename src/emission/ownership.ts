import { ApiObjectMetadata, Chart, Lazy } from 'cdk8s';
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
 * The metadata of an object, with whose it is and which constructs it comes from, unless its author or its chart has
 * written that. The paths of constructs are in an annotation only, so that renaming one changes nothing that selects or
 * matches.
 *
 * @param by the construct that emits it
 * @param declared what it is made from, which may grow until synth; empty if that is the construct alone
 */
export function owned(
  metadata: ApiObjectMetadata,
  scope: IConstruct,
  by: IConstruct,
  declared: Iterable<Declared>,
): ApiObjectMetadata {
  const chart = Chart.of(scope);
  const [first] = declared;
  const owner = first?.owner ?? Chart.of(by).namespace ?? metadata.namespace ?? chart.namespace;
  const constructs = () => (first ? [...declared].flatMap((one) => one.constructs) : [by]);
  // Fields before copies: V8 11 gives every object that begins with a copy a hidden class of its own.
  return {
    ...metadata,
    labels: { [OWNER_LABEL]: owner!, ...chart.labels, ...metadata.labels }, // undefined is not written
    annotations: { [CONSTRUCTS]: Lazy.any({ produce: () => pathsOf(constructs()) }), ...metadata.annotations },
  };
}

function pathsOf(constructs: readonly IConstruct[]): string {
  if (constructs.length === 1) return constructs[0].node.path; // as nearly always
  return [...new Set(constructs.map(({ node }) => node.path))].sort().join(', ');
}
