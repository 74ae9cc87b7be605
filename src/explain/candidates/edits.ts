import { Candidate, Edit, NEW_OBJECT } from './question';
import { Manifest } from '../../manifests/egress-object';
import { FieldPath, pathOf, PathStep, stepsOf } from '../../manifests/field-path';
import { Indexed, nameOf } from '../../manifests/indexed';
import { IstioSpecs } from '../../manifests/specs';
import { yamlLines } from '../yaml-lines';

/** Sets the value at a path. */
export function set(object: Indexed, path: FieldPath, value: unknown, size = 1): Candidate {
  const steps = stepsOf(path);
  const isNew = typeof steps[steps.length - 1] === 'number' && valueAt(object, path) === undefined;
  const json = JSON.stringify(value);
  return {
    text: `${nameOf(object)}: ${isNew ? `add ${json} to ${pathOf(steps.slice(0, -1))}` : `set ${path} to ${json}`}`,
    size,
    edits: [{ object, field: path, change: (manifest) => write(manifest, path, value) }],
  };
}

/** Removes what is at a path. */
export function remove(object: Indexed, path: FieldPath, weakens?: string): Candidate {
  return { ...set(object, path, undefined), text: `${nameOf(object)}: remove ${path}`, weakens };
}

/** A new DestinationRule. */
export function newRule(
  namespace: string,
  name: string,
  spec: IstioSpecs['DestinationRule'],
  size = NEW_OBJECT,
): Candidate {
  const rule = { apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata: { name, namespace }, spec };
  return {
    text: [`add DestinationRule ${namespace}/${name}:`, ...yamlLines(rule).map((line) => `  ${line}`)].join('\n'),
    size,
    edits: [],
    added: [rule],
  };
}

/** A change to the spec of an object that is more than a value at a path. */
export function changeSpec<Spec>(object: Indexed<Spec>, change: (spec: Spec) => Spec, field?: FieldPath): Edit {
  return { object, field, change: (manifest) => ({ ...manifest, spec: change(manifest.spec as Spec) }) };
}

/** Writes into a manifest that is a copy. */
function write(manifest: Manifest, path: FieldPath, value: unknown): Manifest {
  const keys = stepsOf(path);
  let at = manifest as unknown as Record<PathStep, unknown>;
  keys.slice(0, -1).forEach((key, index) => {
    at[key] ??= typeof keys[index + 1] === 'number' ? [] : {};
    at = at[key] as Record<PathStep, unknown>;
  });
  const last = keys[keys.length - 1];
  if (value === undefined) {
    if (Array.isArray(at)) at.splice(last as number, 1);
    else delete at[last];
    // Istio refuses a policy that sets nothing, and settings of a port that set nothing.
    const owner = pathOf(keys.slice(0, -1));
    const isPolicy = /(^|\.)trafficPolicy$/.test(owner) || /\.portLevelSettings(\[\d+\])?$/.test(owner);
    if (isPolicy && Object.keys(at).every((key) => key === 'port')) write(manifest, owner, undefined);
  } else {
    at[last] = value;
  }
  return manifest;
}

/** What an object has at a path; whoever asks says what that may be. */
export function valueAt<Value>({ manifest }: Indexed, path: FieldPath): Value | undefined {
  return stepsOf(path).reduce<unknown>(
    (at, key) => (at as Record<PathStep, unknown> | null | undefined)?.[key],
    manifest,
  ) as Value | undefined;
}
