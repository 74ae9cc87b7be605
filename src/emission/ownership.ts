import { ApiObjectMetadata, Chart, IAnyProducer, Lazy } from 'cdk8s';
import { IConstruct } from 'constructs';
import { CONSTRUCTS } from '../manifests/annotations';

/** By which an owner's objects are selected. */
export const OWNER_LABEL = 'cdk8s-istio-egress/owner';

/** What objects are made from: something that constructs have declared, alone or together. */
export interface Declared {
  readonly owner: string;
  readonly constructs: readonly IConstruct[];
}

/** Whose objects are, and which constructs they come from. */
export class Ownership implements IAnyProducer {
  /** The paths of the constructs, for an annotation. */
  private readonly paths = Lazy.any(this);

  /**
   * @param by the construct that emits the objects
   * @param declared what they are made from, which may grow until synth; empty if that is the construct alone
   */
  constructor(
    public readonly by: IConstruct,
    private readonly declared: Iterable<Declared>,
  ) {}

  /**
   * The metadata of an object, with whose it is, unless its author or its chart has written that. The paths of
   * constructs are in an annotation only, so that renaming one changes nothing that selects or matches.
   */
  public of(metadata: ApiObjectMetadata, scope: IConstruct): ApiObjectMetadata {
    const chart = Chart.of(scope);
    const [first] = this.declared;
    const owner = first?.owner ?? Chart.of(this.by).namespace ?? metadata.namespace ?? chart.namespace;
    // Fields before copies: V8 11 gives every object that begins with a copy a hidden class of its own.
    return {
      ...metadata,
      labels: { [OWNER_LABEL]: owner!, ...chart.labels, ...metadata.labels }, // undefined is not written
      annotations: { [CONSTRUCTS]: this.paths, ...metadata.annotations },
    };
  }

  /** The paths, when every declaration is known. */
  public produce(): string {
    const constructs = [...this.declared].flatMap((one) => one.constructs);
    if (constructs.length < 2) return (constructs[0] ?? this.by).node.path; // as nearly always
    return [...new Set(constructs.map(({ node }) => node.path))].sort().join(', ');
  }
}
