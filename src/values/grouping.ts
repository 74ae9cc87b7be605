const NONE: readonly never[] = [];

/** Values by key. It keeps track of the keys with several values, so that finding them needs no search. */
export class Grouping<K, V extends object> {
  private readonly values = new Map<K, V[]>();
  private readonly shared = new Map<K, V[]>();

  public add(key: K, value: V): void {
    const known = this.values.get(key);
    if (known === undefined) this.values.set(key, [value]);
    else if (known.push(value) === 2) this.shared.set(key, known);
  }

  public get(key: K): readonly V[] {
    return this.values.get(key) ?? NONE;
  }

  public has(key: K): boolean {
    return this.values.has(key);
  }

  public get size(): number {
    return this.values.size;
  }

  public keys(): Iterable<K> {
    return this.values.keys();
  }

  /** The keys with more than one value. */
  public get several(): ReadonlyMap<K, V[]> {
    return this.shared;
  }
}

/** The values of a list by key. */
export function groupBy<K, V extends object>(values: Iterable<V>, keyOf: (value: V) => K): Grouping<K, V> {
  const grouping = new Grouping<K, V>();
  for (const value of values) grouping.add(keyOf(value), value);
  return grouping;
}

/** The value of a key, made if there is none yet. */
export function valueIn<K, V>(
  map: Pick<Map<K, V>, 'get'> & { set(key: K, value: V): unknown },
  key: K,
  make: (key: K) => V,
): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make(key)));
  return value;
}

/** Adds a value to the list of a key. */
export function addTo<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  valueIn(map, key, () => []).push(value);
}
