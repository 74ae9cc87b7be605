/** Order of code units: the same on every machine, whatever its language. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Canonical text of a value, for comparing: the order of fields makes no difference. */
export function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, item) =>
      item && typeof item === 'object' && !Array.isArray(item)
        ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => compare(a, b)))
        : item,
    ) ?? ''
  );
}
