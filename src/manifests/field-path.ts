/**
 * The path of a field in an object, or in the mesh configuration, such as `spec.http[0].route[1].destination` or
 * `metadata.annotations["a.b/c"]`.
 */
export type FieldPath = Top | `${Top}.${string}` | `${Top}[${number}]${string}`;

type Top = 'apiVersion' | 'kind' | 'metadata' | 'spec' | MeshField;
type MeshField = 'discoverySelectors' | 'outboundTrafficPolicy' | 'serviceEntryVisibility';

/** What leads from one value to the next: the name of a field, or a place in a list. */
export type PathStep = string | number;

/** The steps of a path, from the object to the field. */
export function stepsOf(path: FieldPath): PathStep[] {
  return [...path.matchAll(/\["([^"]*)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(
    ([, quoted, index, name]) => quoted ?? (index === undefined ? name : Number(index)),
  );
}

/** The name of the field at the end of a path. */
export function lastOf(path: FieldPath | undefined): PathStep | undefined {
  return path === undefined ? undefined : stepsOf(path).at(-1);
}

/** The path of these steps. */
export function pathOf([top, ...steps]: readonly PathStep[]): FieldPath {
  const rest = steps.map((step) =>
    typeof step === 'number' ? `[${step}]` : /^[\w-]+$/.test(step) ? `.${step}` : `["${step}"]`,
  );
  return `${top as Top}${rest.join('')}` as FieldPath;
}

/** The part of a path that ends with an item of the list of a name, such as `spec.servers[0]`. */
export function itemOf(path: FieldPath, list: string): FieldPath | undefined {
  const steps = stepsOf(path);
  const at = steps.indexOf(list) + 1;
  return at > 0 && typeof steps[at] === 'number' ? pathOf(steps.slice(0, at + 1)) : undefined;
}

/** The part of a path that ends with the last field of a name; undefined where there is none. */
export function upTo(path: FieldPath, name: string): FieldPath | undefined {
  const steps = stepsOf(path);
  const end = steps.lastIndexOf(name);
  return end < 0 ? undefined : pathOf(steps.slice(0, end + 1));
}
