import { ApiObject, App, ImplicitTokenResolver, JsonPatch, LazyResolver, NumberStringUnionResolver } from 'cdk8s';

/** The resolvers of cdk8s, which leave plain data as it is. Others may replace values in manifests. */
const BUILT_IN: unknown[] = [LazyResolver, ImplicitTokenResolver, NumberStringUnionResolver];

/** Whether an object whose spec is plain data is written as it is: nobody has patched it, or may replace its values. */
export function isWrittenAsItIs(object: ApiObject): boolean {
  return (
    patchesOf(object)?.length === 0 &&
    App.of(object).resolvers.every(({ constructor }) => BUILT_IN.includes(constructor))
  );
}

/**
 * The JSON patches of an object. cdk8s keeps them in a private field; in a version that names the field differently,
 * every object counts as patched, and patches that are added after an error are not seen.
 */
export function patchesOf(object: ApiObject): JsonPatch[] | undefined {
  return (object as unknown as { readonly patches?: JsonPatch[] }).patches;
}

/** Plain data as cdk8s writes it: fields in order, and none without a value. */
export function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value ?? undefined;
  if (Array.isArray(value)) return value.map(sorted);
  if (value.constructor !== Object) throw new Error(`not plain data: ${value.constructor?.name}`);
  const fields = value as Readonly<Record<string, unknown>>;
  const result: Record<string, unknown> = {};
  for (const name of Object.keys(fields).sort()) {
    const field = sorted(fields[name]);
    if (field !== undefined) result[name] = field;
  }
  return result;
}
