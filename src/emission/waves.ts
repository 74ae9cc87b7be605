import { ApiObject, Lazy } from 'cdk8s';
import { IConstruct } from 'constructs';
import { perApp } from '../declarations/app';
import { Rank, RecipeObject } from '../recipes/recipe';

/** What Argo CD reads. */
const ANNOTATION = 'argocd.argoproj.io/sync-wave';

/**
 * The waves of an app: those of the gateway side, then those of the caller side. Whatever carries no number, such as
 * namespaces and the users' own objects, is in wave 0, before them all.
 */
export function waveOf({ side, rank }: Pick<RecipeObject, 'side' | 'rank'>): number {
  return 1 + rank + (side === 'caller' ? Rank.LAST + 1 : 0);
}

/** The scopes whose objects carry their wave. */
export const scopesInWaves = perApp(() => new Set<IConstruct>());

export function isInWaves(construct: IConstruct): boolean {
  const scopes = scopesInWaves(construct);
  return scopes.size > 0 && construct.node.scopes.some((scope) => scopes.has(scope));
}

/** Writes an object's wave, unless its author has written one. */
export function writeWave(object: ApiObject, wave: () => number): void {
  if (object.metadata.toJson().annotations?.[ANNOTATION] === undefined)
    object.metadata.addAnnotation(ANNOTATION, Lazy.any({ produce: () => String(wave()) }));
}
