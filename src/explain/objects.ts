import { EgressObject } from '../manifests/egress-object';

/** Objects in memory as the model takes them: `List`s are expanded, null is left out. */
export function objectsFrom(
  manifests: readonly any[],
  origin: (index: number) => string = (index) => `object ${index + 1}`,
): EgressObject[] {
  return manifests.flatMap((manifest, index) => {
    if (manifest === null || manifest === undefined) return [];
    if (Array.isArray(manifest)) return objectsFrom(manifest, (inner) => `${origin(index)}, item ${inner + 1}`);
    if (isList(manifest)) return objectsFrom(manifest.items, (inner) => `${origin(index)}, item ${inner + 1}`);
    return [{ manifest, origin: origin(index) }];
  });
}

function isList(manifest: any): boolean {
  return (
    typeof manifest === 'object' &&
    typeof manifest.kind === 'string' &&
    manifest.kind.endsWith('List') &&
    Array.isArray(manifest.items)
  );
}
