import { ApiObject, ApiObjectProps, IAnyProducer, Lazy } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import { Ownership } from './ownership';
import { isWrittenAsItIs, metadataOf, sorted } from './plain';
import { isInWaves, scopesInWaves, waveOf, writeWave } from './waves';
import { changeCount, perApp } from '../declarations/app';
import { Rank, RecipeObject, Side } from '../recipes/recipe';

const emitted = perApp(() => new Map<ApiObject, Emitted>());

/** The objects of this library in an app. */
export function emittedObjects(construct: IConstruct): ReadonlyMap<ApiObject, Emitted> {
  return emitted(construct);
}

/** An object of this library. Its spec is made at synth, when every declaration is known. */
export class Emitted implements IAnyProducer {
  public readonly object: ApiObject;
  public readonly side: Side;
  public rank: Rank;

  private readonly isIstio: boolean;
  private makeSpec?: () => object;
  /** The spec that was checked, until it is written. */
  private checkedSpec?: object;
  /** The count of changes to the app when it was checked. */
  private checkedAt = 0;

  /**
   * @param planned the object as it is planned so far; what only its making needs is not kept
   * @param order the count of objects that its emission has added before
   */
  constructor(
    private readonly ownership: Ownership,
    scope: Construct,
    planned: RecipeObject,
    public readonly order: number,
  ) {
    const { id, kind, fields } = planned;
    this.side = planned.side;
    this.rank = planned.rank;
    this.makeSpec = planned.spec;
    this.isIstio = 'GVK' in kind;
    const metadata = ownership.of(planned.metadata, scope);
    const spec = planned.spec && Lazy.any(this);
    this.object =
      'GVK' in kind
        ? new kind(scope, id, { metadata, spec } as never)
        : new ApiObject(scope, id, { ...kind, metadata, ...fields, spec } as ApiObjectProps);
    if (this.isIstio) this.object.toJson = this.manifest.bind(this);
    emitted(ownership.by).set(this.object, this);
    if (isInWaves(this.object)) this.writeWave();
  }

  /** Takes over what has changed since the object was added. */
  public plan({ rank, spec }: RecipeObject): void {
    this.rank = rank;
    this.makeSpec = spec;
    this.checkedSpec = undefined;
  }

  /** The construct of this library that findings about the object are reported for. */
  public get owner(): IConstruct {
    return this.ownership.by;
  }

  /** Whether the spec is what will be written: plain data that nobody changes on the way. */
  public get isPlain(): boolean {
    return this.isIstio && isWrittenAsItIs(this.object);
  }

  /** The spec as it is now, fields in order, to be checked. */
  public toCheck(): object {
    this.checkedSpec = sorted(this.makeSpec!()) as object;
    this.checkedAt = changeCount(this.owner);
    return this.checkedSpec;
  }

  /** The spec as it is now, for cdk8s to write. */
  public produce(): object {
    return this.makeSpec!();
  }

  /** When tools that apply in waves apply it. */
  public get wave(): number {
    return waveOf(this);
  }

  public writeWave(): void {
    writeWave(this.object, () => this.wave);
  }

  /**
   * The manifest of an object of a generated class. The spec is plain data in the words of the manifest, so that nothing
   * in it has to be renamed or looked up, as the class and cdk8s would do with a copy of every level: a tenth of the time
   * of a large app.
   */
  private manifest(): object {
    const { object } = this;
    const general = (): object => ApiObject.prototype.toJson.call(object);
    if (!this.isPlain) return general();
    try {
      const { apiVersion, kind } = object;
      return { apiVersion, kind, metadata: metadataOf(object), spec: this.toWrite() };
    } catch {
      return general(); // It throws the error with the path of the object.
    }
  }

  /** What was checked, unless something was declared since then. */
  private toWrite(): unknown {
    const { checkedSpec: checked } = this;
    this.checkedSpec = undefined;
    return checked !== undefined && this.checkedAt === changeCount(this.owner) ? checked : sorted(this.makeSpec!());
  }
}

/** Has every object below a scope, those still to come included, say when Argo CD applies it. */
export function writeWaves(scope: IConstruct): void {
  if (isInWaves(scope)) return;
  scopesInWaves(scope).add(scope);
  for (const one of emitted(scope).values()) if (one.object.node.scopes.includes(scope)) one.writeWave();
}
