import { ApiObject, Lazy } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import { perApp } from '../declarations/app';
import { groupVersionKind, RecipeObject } from '../recipes/recipe';

const owners = perApp(() => new Map<ApiObject, IConstruct>());

/** The constructs that findings about objects of this library are reported for. */
export function ownersOf(construct: IConstruct): ReadonlyMap<ApiObject, IConstruct> {
  return owners(construct);
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
  owners(owner).set(object, owner);
  return object;
}
