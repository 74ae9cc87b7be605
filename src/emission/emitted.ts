import { ApiObject, Lazy } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import { perApp } from '../declarations/app';
import { groupVersionKind, RecipeObject } from '../recipes/recipe';

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
  const props = { ...groupVersionKind(kind), metadata, ...fields };
  const object = new ApiObject(scope, id, spec ? { ...props, spec: Lazy.any({ produce: spec }) } : props);
  emitted(owner).set(object, { owner, spec: 'GVK' in kind ? spec : undefined });
  return object;
}
