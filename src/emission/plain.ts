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

/** What cdk8s keeps metadata in, most of it private. */
const METADATA_FIELDS = new Set([
  ...['name', 'namespace', 'labels', 'annotations', 'finalizers', 'ownerReferences'],
  ...['apiObject', '_additionalAttributes'],
]);

/** The metadata of an object as cdk8s writes it. */
export function metadataOf({ metadata }: ApiObject): unknown {
  // A release that keeps more has to write it itself.
  const own = Object.keys(metadata);
  if (own.length !== METADATA_FIELDS.size || !own.every((field) => METADATA_FIELDS.has(field)))
    return metadata.toJson();
  const { apiObject: _, _additionalAttributes: more, ...all } = metadata as unknown as Record<string, object>;
  // Not `{ ...more }`: V8 keeps an object from which a field was deleted, and its copies, in a form that is slow to
  // read.
  for (const [field, value] of Object.entries(more)) if (!Object.hasOwn(all, field)) all[field] = value;
  return sorted(all, true);
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
