import { Indexed, joinWords, ordered } from './indexed';
import { addTo } from '../values/grouping';

/** The spec of an object that says which namespaces see it. */
export interface Exported {
  readonly exportTo?: readonly string[];
}

/** Every namespace, including those that no manifest names. */
export const EVERYWHERE = '*';

/** Objects that are visible together in some namespace. */
export interface VisibleTogether<T extends Indexed<Exported>> {
  readonly objects: T[];
  /** The namespaces that see several of them; `*` for all namespaces. */
  readonly namespaces: string[];
}

/**
 * The namespaces that see an object: `*` alone, or names. Without exportTo it is visible everywhere, unless the mesh
 * configuration has another default.
 */
export function visibleIn(object: Indexed<Exported>): string[] {
  const { exportTo } = object.spec;
  if (!exportTo?.length || exportTo.includes('*')) return [EVERYWHERE];
  if (exportTo.includes('~')) return [];
  return [...new Set(exportTo.map((item) => (item === '.' ? object.namespace : item)))];
}

/** Whether the object is visible only in its own namespace. */
export function isPrivateToNamespace(object: Indexed<Exported>): boolean {
  const { exportTo } = object.spec;
  return exportTo?.length === 1 && (exportTo[0] === '.' || exportTo[0] === object.namespace);
}

export function isPublic(object: Indexed<Exported>): boolean {
  const { exportTo } = object.spec;
  return !exportTo?.length || exportTo.includes('*');
}

/** Whether the object is visible in the namespace; for `*`, whether it is visible in every namespace. */
export function isSeenFrom(object: Indexed<Exported>, namespace: string): boolean {
  return isPublic(object) || visibleIn(object).includes(namespace);
}

/** Whether both objects are visible in some namespace. */
export function someNamespaceSeesBoth(a: Indexed<Exported>, b: Indexed<Exported>): boolean {
  const namespaces = visibleIn(a);
  return (
    namespaces.length > 0 &&
    visibleIn(b).length > 0 &&
    (isPublic(a) || isPublic(b) || namespaces.some((namespace) => isSeenFrom(b, namespace)))
  );
}

/**
 * Objects of equal precedence that are visible together in some namespace: public ones, and those exported to a
 * namespace by name. Linear in the usual case, in which each namespace sees only its own.
 */
export function visibleTogether<T extends Indexed<Exported>>(objects: readonly T[]): VisibleTogether<T>[] {
  const everywhere = objects.filter(isPublic);
  const seen = new Map<string, T[]>();
  for (const object of objects) {
    if (isPublic(object)) continue;
    for (const namespace of visibleIn(object)) {
      addTo(seen, namespace, object);
    }
  }
  let found: { objects: Set<T>; namespaces: string[] }[] = [];
  for (const [namespace, list] of seen) {
    if (list.length < 2) continue;
    const joined = found.filter(({ objects: known }) => list.some((object) => known.has(object)));
    found = [
      ...found.filter((together) => !joined.includes(together)),
      {
        objects: new Set([...joined.flatMap((together) => [...together.objects]), ...list]),
        namespaces: [...joined.flatMap((together) => together.namespaces), namespace],
      },
    ];
  }
  const byName = found.map((together) => ({
    objects: ordered(together.objects),
    namespaces: together.namespaces.sort(),
  }));
  return everywhere.length > 1 ? [{ objects: ordered(everywhere), namespaces: [EVERYWHERE] }, ...byName] : byName;
}

/** `namespace shop`, `namespaces shop and web`, `every namespace` */
export function describeNamespaces(namespaces: readonly string[]): string {
  if (namespaces.includes(EVERYWHERE)) return 'every namespace';
  if (namespaces.length > 4) return `${namespaces.length} namespaces`;
  return `${namespaces.length === 1 ? 'namespace' : 'namespaces'} ${joinWords(namespaces)}`;
}
