import { ApiObject, App, ImplicitTokenResolver, JsonPatch, Lazy, LazyResolver, NumberStringUnionResolver } from 'cdk8s';

/** The resolvers of cdk8s, which leave plain data as it is. Others may replace values in manifests. */
const BUILT_IN: unknown[] = [LazyResolver, ImplicitTokenResolver, NumberStringUnionResolver];

/** Whether cdk8s would write plain data in an object as they are, but sorted: nobody patches it, or replaces values. */
export function isWrittenAsItIs(object: ApiObject): boolean {
  return (
    patchesOf(object)?.length === 0 &&
    App.of(object.chart).resolvers.every(({ constructor }) => BUILT_IN.includes(constructor)) &&
    !process.env.CDK8S_DISABLE_SORT
  );
}

/**
 * The JSON patches of an object. cdk8s keeps them in a private field; in a version that names the field differently,
 * every object counts as patched, and patches that are added after an error are not seen.
 */
export function patchesOf(object: ApiObject): JsonPatch[] | undefined {
  return (object as unknown as { readonly patches?: JsonPatch[] }).patches;
}

/** The metadata that cdk8s keeps in a field each, in order. */
const METADATA_FIELDS = ['annotations', 'finalizers', 'labels', 'name', 'namespace', 'ownerReferences'];
/** Everything that it keeps them in, most of it private. */
const KEPT = new Set([...METADATA_FIELDS, 'apiObject', '_additionalAttributes']);

/** The metadata of an object as cdk8s writes it. */
export function metadataOf({ metadata }: ApiObject): unknown {
  // A release that keeps more has to write it itself.
  const own = Object.keys(metadata);
  if (own.length !== KEPT.size || !own.every((field) => KEPT.has(field))) return metadata.toJson();
  const kept = metadata as unknown as Readonly<Record<string, unknown>>;
  const others = kept._additionalAttributes as Readonly<Record<string, unknown>>;
  const added = Object.keys(others).filter((field) => !METADATA_FIELDS.includes(field));
  const result: Record<string, unknown> = {};
  for (const field of added.length === 0 ? METADATA_FIELDS : [...METADATA_FIELDS, ...added].sort()) {
    const value = sorted(added.includes(field) ? others[field] : kept[field], true);
    if (value !== undefined) result[field] = value;
  }
  return result;
}

/**
 * Plain data as cdk8s writes it: fields in order, and none without a value.
 *
 * @param compact leaves out empty objects and lists as well
 */
export function sorted(value: unknown, compact = false): unknown {
  if (typeof value === 'function') throw new Error('not plain data: a function');
  if (typeof value !== 'object' || value === null) return value ?? undefined;
  if (Array.isArray(value)) return compact && value.length === 0 ? undefined : value.map((one) => sorted(one, compact));
  if (value instanceof Lazy) return sorted(value.produce(), compact);
  if (value.constructor !== Object) throw new Error(`not plain data: ${value.constructor?.name}`);
  const fields = value as Readonly<Record<string, unknown>>;
  const result: Record<string, unknown> = {};
  for (const name of Object.keys(fields).sort()) {
    const field = sorted(fields[name], compact);
    if (field !== undefined) result[name] = field;
  }
  return compact && Object.keys(result).length === 0 ? undefined : result;
}
