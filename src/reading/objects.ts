import { EgressObject, Manifest } from '../manifests/egress-object';

/** An object, and where it is among the manifests: an index, and steps into Lists. */
export interface Nested extends EgressObject {
  readonly path: readonly (string | number)[];
}

/** Objects in memory as the model takes them: `List`s are expanded, null is left out. */
export function objectsFrom(
  manifests: readonly unknown[],
  origin: (index: number) => string = (index) => `object ${index + 1}`,
  path: readonly (string | number)[] = [],
): Nested[] {
  return manifests.flatMap((manifest, index) => {
    if (manifest === null || manifest === undefined) return [];
    const here = [...path, index];
    const item = (inner: number) => `${origin(index)}, item ${inner + 1}`;
    if (Array.isArray(manifest)) return objectsFrom(manifest, item, here);
    if (isList(manifest)) return objectsFrom(manifest.items, item, [...here, 'items']);
    // The one place where foreign JSON becomes a manifest: whoever reads a field of it says what that may be.
    return [{ manifest: manifest as Manifest, origin: origin(index), path: here }];
  });
}

function isList(manifest: object): manifest is { readonly items: readonly unknown[] } {
  const { kind, items } = manifest as { readonly kind?: unknown; readonly items?: unknown };
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items);
}
