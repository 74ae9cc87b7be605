import * as path from 'path';

/** Fields of a kustomization that leave what it lists as it is, as far as requests are concerned. */
const LISTING = new Set([
  'apiVersion',
  'kind',
  'metadata',
  'resources',
  'bases',
  'crds',
  'images',
  'replicas',
  'generatorOptions',
  'configMapGenerator',
  'secretGenerator',
  'buildMetadata',
  'sortOptions',
  'openapi',
]);

/** What a kustomization means for the files beside it. */
export interface Kustomization {
  /** The fields that change what it lists. */
  readonly transforms: readonly string[];
  /** Files that hold patches, not objects. */
  readonly patches: readonly string[];
  /** Files and folders with what will be applied. */
  readonly listed: readonly string[];
}

export function isKustomizationFile(file: string): boolean {
  return /^(kustomization\.ya?ml|Kustomization)$/.test(path.basename(file));
}

/** Reads a kustomization. It may leave out its apiVersion and kind. */
export function kustomizationOf(given: unknown, file: string): Kustomization {
  const value = (given ?? {}) as Readonly<Record<string, unknown>>;
  const transforms = Object.keys(value)
    .filter((field) => !LISTING.has(field) && value[field] !== null && [value[field]].flat().length > 0)
    .map((field) => (field === 'namespace' ? `namespace: ${value.namespace}` : field));
  const named = [
    ...list(value.patches),
    ...list(value.patchesJson6902),
    ...list(value.patchesStrategicMerge),
    ...list(value.replacements),
  ].map((patch) => (typeof patch === 'string' ? patch : (patch as { readonly path?: unknown } | null)?.path));
  const paths = (texts: readonly unknown[]) =>
    texts
      .filter((one): one is string => typeof one === 'string' && !one.includes('\n'))
      .map((one) => path.join(path.dirname(file), one));
  return {
    transforms,
    patches: paths(named),
    listed: paths([value.resources, value.bases, value.crds].flatMap(list)),
  };
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
