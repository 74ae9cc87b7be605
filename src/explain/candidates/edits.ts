import { Candidate, nameOf } from './question';
import { FieldPath, pathOf, stepsOf } from '../../manifests/field-path';
import { EgressObject } from '../../model';

/** Sets the value at a path. */
export function set(object: EgressObject, path: FieldPath, value: unknown, size = 1): Candidate {
  return {
    text: `${nameOf(object)}: set ${path} to ${JSON.stringify(value)}`,
    size,
    edits: [{ object, field: path, change: (manifest) => write(manifest, path, value) }],
  };
}

/** Removes what is at a path. */
export function remove(object: EgressObject, path: FieldPath, weakens?: string): Candidate {
  return { ...set(object, path, undefined), text: `${nameOf(object)}: remove ${path}`, weakens };
}

function write(manifest: any, path: FieldPath, value: unknown): void {
  const keys = stepsOf(path);
  let at = manifest;
  keys.slice(0, -1).forEach((key, index) => {
    at[key] ??= typeof keys[index + 1] === 'number' ? [] : {};
    at = at[key];
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
}

export function valueAt(manifest: any, path: FieldPath): any {
  return stepsOf(path).reduce((at, key) => at?.[key], manifest);
}
