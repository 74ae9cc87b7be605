import { ApiObject, Lazy } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import { Declared, owned } from './ownership';
import { isInWaves, scopesInWaves, waveOf, writeWave } from './waves';
import { changeCount, perApp } from '../declarations/app';
import { RecipeObject } from '../recipes/recipe';

const emitted = perApp(() => new Map<ApiObject, Emitted>());

/** The objects of this library in an app. */
export function emittedObjects(construct: IConstruct): ReadonlyMap<ApiObject, Emitted> {
  return emitted(construct);
}

/** An object of this library. Its spec is made at synth, when every declaration is known. */
export class Emitted {
  public readonly object: ApiObject;

  /** The spec that was checked, until it is written. */
  private checked?: { readonly planned: RecipeObject; readonly count: number; readonly spec: object };

  /**
   * @param owner the construct of this library that findings about the object are reported for
   * @param planned the object as it is planned so far
   * @param declared what the object is made from, which may grow until synth; empty if that is the construct alone
   */
  constructor(
    public readonly owner: IConstruct,
    scope: Construct,
    public planned: RecipeObject,
    declared: Iterable<Declared>,
  ) {
    const { id, kind, metadata, fields, spec } = planned;
    const props = {
      metadata: owned(metadata, scope, owner, declared),
      ...fields,
      ...(spec && { spec: Lazy.any({ produce: () => this.written() }) }),
    };
    this.object =
      'GVK' in kind ? generated(new kind(scope, id, props as never)) : new ApiObject(scope, id, { ...kind, ...props });
    emitted(owner).set(this.object, this);
    if (isInWaves(this.object)) this.writeWave();
  }

  /** Whether it is an Istio object, whose spec is plain data. */
  public get isIstio(): boolean {
    return 'GVK' in this.planned.kind;
  }

  /** The spec as it is now, to be checked. */
  public spec(): object {
    const { planned } = this;
    const spec = planned.spec!();
    this.checked = { planned, count: changeCount(this.owner), spec };
    return spec;
  }

  /** The spec as it is now, to be written: what was checked, unless something was declared since then. */
  private written(): object {
    const { checked, planned } = this;
    this.checked = undefined;
    return checked?.planned === planned && checked.count === changeCount(this.owner) ? checked.spec : planned.spec!();
  }

  /** When tools that apply in waves apply it. */
  public get wave(): number {
    return waveOf(this.planned);
  }

  public writeWave(): void {
    writeWave(this.object, () => this.wave);
  }
}

/** Has every object below a scope, those still to come included, say when Argo CD applies it. */
export function writeWaves(scope: IConstruct): void {
  if (isInWaves(scope)) return;
  scopesInWaves(scope).add(scope);
  for (const one of emitted(scope).values()) if (one.object.node.scopes.includes(scope)) one.writeWave();
}

/**
 * An object of a generated class whose spec is written in the words of the manifest. The copy that the class would make
 * of every level, to rename fields, changes nothing then, and takes a fifth of the time of a large app.
 */
function generated(object: ApiObject): ApiObject {
  object.toJson = ApiObject.prototype.toJson;
  return object;
}
