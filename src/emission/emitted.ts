import { ApiObject, Lazy } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import { Declared, writeOwnership } from './ownership';
import { isInWaves, scopesInWaves, waveOf, writeWave } from './waves';
import { perApp } from '../declarations/app';
import { RecipeObject } from '../recipes/recipe';

/** An object of this library. */
export interface Emitted {
  /** The construct of this library that findings about the object are reported for. */
  readonly owner: IConstruct;
  /** Returns the current spec of an Istio object as plain data. */
  readonly spec?: () => object;
  /** When tools that apply in waves apply the object. */
  readonly wave: () => number;
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
 * @param planned the object as it is planned now
 * @param latest returns the object as it is planned at synth
 * @param declared what the object is made from, if it is not the construct alone
 */
export function addObject(
  owner: IConstruct,
  scope: Construct,
  planned: RecipeObject,
  latest: () => RecipeObject,
  declared: ReadonlySet<Declared>,
): ApiObject {
  const { id, kind, metadata, fields } = planned;
  const spec = planned.spec && (() => latest().spec!());
  const props = { metadata, ...fields, ...(spec && { spec: Lazy.any({ produce: spec }) }) };
  const object =
    'GVK' in kind ? generated(new kind(scope, id, props as never)) : new ApiObject(scope, id, { ...kind, ...props });
  const wave = () => waveOf(latest());
  emitted(owner).set(object, { owner, spec: 'GVK' in kind ? spec : undefined, wave });
  writeOwnership(object, owner, declared, metadata.annotations);
  if (isInWaves(object)) writeWave(object, wave);
  return object;
}

/** Has every object below a scope, those still to come included, say when Argo CD applies it. */
export function writeWaves(scope: IConstruct): void {
  if (isInWaves(scope)) return;
  scopesInWaves(scope).add(scope);
  for (const [object, { wave }] of emitted(scope)) if (object.node.scopes.includes(scope)) writeWave(object, wave);
}

/**
 * An object of a generated class whose spec is written in the words of the manifest. The copy that the class would make
 * of every level, to rename fields, changes nothing then, and takes a fifth of the time of a large app.
 */
function generated(object: ApiObject): ApiObject {
  object.toJson = () => ApiObject.prototype.toJson.call(object);
  return object;
}
