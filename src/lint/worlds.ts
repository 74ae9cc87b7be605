import * as path from 'path';
import { isKustomizationFile } from '../reading/kustomization';
import { keyOf, ReadManifests, ReadObject } from '../reading/read-manifests';
import { groupBy } from '../values/grouping';

/** Objects that are applied together, as far as can be told. */
export interface Worlds {
  readonly worlds: readonly (readonly ReadObject[])[];
  /** Why a folder is not one world. */
  readonly notes: readonly string[];
}

/**
 * A repository may hold several clusters, or one application in several variants, which must not be judged together.
 * That shows where an object is defined twice, or a folder is changed by a kustomization: then each folder in it is
 * judged by itself.
 */
export function worldsOf({ objects, unbuilt }: ReadManifests): Worlds {
  const worlds: (readonly ReadObject[])[] = [];
  const notes: string[] = [];
  const changed = new Set(
    unbuilt.filter(({ file }) => isKustomizationFile(file)).map(({ file }) => path.dirname(file)),
  );
  const split = (all: readonly ReadObject[], folder: string): void => {
    const twice = definedTwice(all);
    const built = [...changed].find((one) => one !== folder && isIn(one, folder));
    if (twice === undefined && built === undefined) {
      worlds.push(all);
      return;
    }
    const parts = groupBy(all, ({ place }) => partOf(place.file, folder));
    if (parts.size === 1) {
      const [part] = parts.keys();
      if (part === '') worlds.push(...byFile(all));
      else split(all, part);
      return;
    }
    if (twice !== undefined)
      notes.push(
        `${folder === '' ? 'the input' : folder}: ${twice[0].manifest.kind} ${twice[0].manifest.metadata.name} is in ` +
          `${twice[0].origin} and in ${twice[1].origin}, so each folder is judged by itself`,
      );
    for (const part of parts.keys()) {
      const own = parts.get(part);
      if (part === '') worlds.push(...(definedTwice(own) === undefined ? [own] : byFile(own)));
      else split(own, part);
    }
  };
  if (objects.length > 0) split(objects, '');
  return {
    worlds,
    notes: notes.length < 3 ? notes : [...notes.slice(0, 2), `so are ${notes.length - 2} more folders`],
  };
}

function definedTwice(objects: readonly ReadObject[]): readonly [ReadObject, ReadObject] | undefined {
  const known = new Map<string, ReadObject>();
  for (const object of objects) {
    const key = keyOf(object);
    const first = known.get(key);
    if (first !== undefined && first.place.file !== object.place.file) return [first, object];
    known.set(key, object);
  }
  return undefined;
}

function byFile(objects: readonly ReadObject[]): (readonly ReadObject[])[] {
  const files = groupBy(objects, ({ place }) => place.file);
  return [...files.keys()].map((file) => files.get(file));
}

/** The folder right below another one that a file is in; empty for a file in the folder itself. */
function partOf(file: string, folder: string): string {
  const below = folder === '' ? file : path.relative(folder, file);
  const at = below.indexOf(path.sep, 1);
  return at < 0 ? '' : folder === '' ? below.slice(0, at) : path.join(folder, below.slice(0, at));
}

/** Whether a file or folder is in a folder. */
export function isIn(folder: string, parent: string): boolean {
  return parent === '' || folder.startsWith(`${parent}${path.sep}`);
}
