/** A list of an object that may not be of its shape; empty if it is no list. */
export function listOf<T>(value: readonly T[] | undefined): readonly (T | undefined)[] {
  return Array.isArray(value) ? value : [];
}
