import { EgressObject, Manifest } from '../manifests/egress-object';

/** An object, and where it is among the manifests: an index, and steps into Lists. */
export interface Nested extends EgressObject {
  readonly path: readonly (string | number)[];
}

/**
 * Objects in memory as the model and the rules take them: `List`s are expanded, and what is null is left out, as the API
 * server takes it.
 */
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
    if (isList(manifest)) return objectsFrom(itemsOf(manifest), item, [...here, 'items']);
    // The one place where foreign JSON becomes a manifest: whoever reads a field of it says what that may be.
    return [{ manifest: withoutNullFields(manifest) as Manifest, origin: origin(index), path: here }];
  });
}

/** The same value, if no field of it is null. Items of lists stay: no API server takes a null among them. */
function withoutNullFields(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map(withoutNullFields);
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  const fields = Object.entries(value);
  const kept = fields.flatMap(([name, field]) => (field === null ? [] : [[name, withoutNullFields(field)] as const]));
  return kept.length === fields.length && kept.every(([, field], index) => field === fields[index][1])
    ? value
    : Object.fromEntries(kept);
}

/** Whether a value has no end: YAML may have an alias of what it is part of. */
export function containsItself(value: unknown, parents = new Set<unknown>()): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (parents.has(value)) return true;
  parents.add(value);
  const found = Object.values(value).some((field) => containsItself(field, parents));
  parents.delete(value);
  return found;
}

/** What an object of a list does not say itself, the list says, as in a `ServiceEntryList`. */
function itemsOf({ apiVersion, kind, items }: List): readonly unknown[] {
  const named = { apiVersion, kind: kind.slice(0, -'List'.length) };
  return named.kind === '' ? items : items.map((item) => (item instanceof Object ? { ...named, ...item } : item));
}

interface List {
  readonly apiVersion?: unknown;
  readonly kind: string;
  readonly items: readonly unknown[];
}

function isList(manifest: object): manifest is List {
  const { kind, items } = manifest as { readonly kind?: unknown; readonly items?: unknown };
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items);
}
