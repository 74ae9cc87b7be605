import { Candidate, nameOf } from './question';
import { EgressObject } from '../../model';

/** Sets the value at a path. */
export function set(object: EgressObject, path: string, value: unknown, size = 1): Candidate {
  return {
    text: `${nameOf(object)}: set ${path} to ${JSON.stringify(value)}`,
    size,
    edits: [{ object, change: (manifest) => write(manifest, path, value) }],
  };
}

/** Removes what is at a path. */
export function remove(object: EgressObject, path: string, weakens?: string): Candidate {
  return { ...set(object, path, undefined), text: `${nameOf(object)}: remove ${path}`, weakens };
}

function write(manifest: any, path: string, value: unknown): void {
  const keys = path
    .split(/[.[\]]+/)
    .filter((key) => key !== '')
    .map((key) => (/^\d+$/.test(key) ? Number(key) : key));
  let at = manifest;
  keys.slice(0, -1).forEach((key, index) => {
    at[key] ??= typeof keys[index + 1] === 'number' ? [] : {};
    at = at[key];
  });
  const last = keys[keys.length - 1];
  if (value === undefined) {
    if (Array.isArray(at)) at.splice(last as number, 1);
    else delete at[last];
  } else {
    at[last] = value;
  }
}

export function valueAt(manifest: any, path: string): any {
  return path
    .split(/[.[\]]+/)
    .filter((key) => key !== '')
    .reduce((at, key) => at?.[key], manifest);
}
