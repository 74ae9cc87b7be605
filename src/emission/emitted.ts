import { ApiObject, Lazy } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import { perApp } from '../declarations/app';
import { RecipeObject } from '../recipes/recipe';

/** An object of this library. */
export interface Emitted {
  /** The construct of this library that findings about the object are reported for. */
  readonly owner: IConstruct;
  /** Returns the current spec of an Istio object as plain data. */
  readonly spec?: () => object;
}

const emitted = perApp(() => new Map<ApiObject, Emitted>());

/** The objects of this library in an app. */
export function emittedObjects(construct: IConstruct): ReadonlyMap<ApiObject, Emitted> {
  return emitted(construct);
}

/**
 * Adds an object. Its spec is made at synth, when every declaration is known.
 *
 * @param owner the construct of this library that findings about the object are reported for
 * @param spec returns the current spec as plain data; none for objects without one
 */
export function addObject(
  owner: IConstruct,
  scope: Construct,
  { id, kind, metadata, fields }: RecipeObject,
  spec: (() => object) | undefined,
): ApiObject {
  const props = { metadata, ...fields, ...(spec && { spec: Lazy.any({ produce: spec }) }) };
  const object =
    'GVK' in kind ? generated(new kind(scope, id, props as never)) : new ApiObject(scope, id, { ...kind, ...props });
  emitted(owner).set(object, { owner, spec: 'GVK' in kind ? spec : undefined });
  return object;
}

/**
 * An object of a generated class whose spec is written in the words of the manifest. The copy that the class would make
 * of every level, to rename fields, changes nothing then, and takes a fifth of the time of a large app.
 */
function generated(object: ApiObject): ApiObject {
  object.toJson = () => ApiObject.prototype.toJson.call(object);
  return object;
}
