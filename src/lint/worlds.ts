import * as path from 'path';
import { isKustomizationFile } from '../reading/kustomization';
import { keyOf } from '../reading/definitions';
import { ReadManifests } from '../reading/read-manifests';
import { ReadObject } from '../reading/read-object';
import { joinWords } from '../manifests/indexed';
import { isReadByRules } from '../rules/_read-by-rules';
import { groupBy, valueIn } from '../values/grouping';

/** Objects that are applied together, as far as can be told. */
export interface Worlds {
  readonly worlds: readonly (readonly ReadObject[])[];
  /** Objects that several files of one folder define, which meet in no world. */
  readonly variants: readonly ReadObject[];
  /** Why a folder is not one world. */
  readonly notes: readonly string[];
}

/** Variants of one object in a folder are rarely more; judging each with everything else must stay cheap. */
const MOST_VARIANTS = 16;

/**
 * A repository may hold several clusters, or one application in several variants, which must not be judged together.
 * That shows where an object that rules read is defined in two folders, or a folder is changed by a kustomization: then
 * each folder in it is judged by itself. Where files of one folder define the same object, each of these files is judged
 * with everything but the others.
 */
export function worldsOf({ objects, unbuilt }: ReadManifests): Worlds {
  const worlds: (readonly ReadObject[])[] = [];
  const variants: ReadObject[] = [];
  const notes: string[] = [];
  const variantNotes: string[] = [];
  const changed = new Set(
    unbuilt.filter(({ file }) => isKustomizationFile(file)).map(({ file }) => path.dirname(file)),
  );
  const add = (all: readonly ReadObject[]): void => {
    const several = definedInSeveralFiles(all);
    worlds.push(...withOneOfEach(all, several));
    variants.push(...several.flat());
    for (const [folder, [first, ...others]] of byFolder(several))
      variantNotes.push(noteOn(folder, first, others.length));
  };
  const split = (all: readonly ReadObject[], folder: string): void => {
    const twice = inTwoFolders(all);
    const built = [...changed].find((one) => one !== folder && isIn(one, folder));
    if (twice === undefined && built === undefined) {
      add(all);
      return;
    }
    const parts = groupBy(all, ({ place }) => partOf(place.file, folder));
    if (twice !== undefined && parts.size > 1)
      notes.push(
        `${folder === '' ? 'the input' : folder}: ${twice[0].manifest.kind} ${twice[0].manifest.metadata.name} is in ` +
          `${twice[0].origin} and in ${twice[1].origin}, so each folder is judged by itself`,
      );
    for (const part of parts.keys()) {
      if (part === '') add(parts.get(part));
      else split(parts.get(part), part);
    }
  };
  if (objects.length > 0) split(objects, '');
  return {
    worlds,
    variants,
    notes: [
      ...shortened(notes, (count) => `so are ${count} more folders`),
      ...shortened(variantNotes, (count) => `so it is in ${count} more folders, as duplicate-object says`),
    ],
  };
}

function shortened(notes: readonly string[], rest: (count: number) => string): readonly string[] {
  return notes.length < 3 ? notes : [...notes.slice(0, 2), rest(notes.length - 2)];
}

function inTwoFolders(objects: readonly ReadObject[]): readonly [ReadObject, ReadObject] | undefined {
  const known = new Map<string, ReadObject>();
  for (const object of objects) {
    if (!isReadByRules(object.manifest)) continue;
    const first = valueIn(known, keyOf(object), () => object);
    if (path.dirname(first.place.file) !== path.dirname(object.place.file)) return [first, object];
  }
  return undefined;
}

/** All definitions of each object that several files define. */
function definedInSeveralFiles(objects: readonly ReadObject[]): (readonly ReadObject[])[] {
  const read = objects.filter(({ manifest }) => isReadByRules(manifest));
  return [...groupBy(read, keyOf).several.values()].filter((same) => new Set(same.map(fileOf)).size > 1);
}

/** Sets of the objects in which no two files define the same one, and every file is in at least one of them. */
function withOneOfEach(
  all: readonly ReadObject[],
  several: readonly (readonly ReadObject[])[],
): (readonly ReadObject[])[] {
  if (several.length === 0) return [all];
  const defines = new Map<string, Set<string>>();
  for (const same of several)
    for (const object of same) valueIn(defines, fileOf(object), () => new Set()).add(keyOf(object));
  const left = new Set(defines.keys());
  const worlds: (readonly ReadObject[])[] = [];
  while (left.size > 0 && worlds.length < MOST_VARIANTS) {
    const taken = new Set<string>();
    const chosen = new Set<string>();
    for (const file of [...left, ...defines.keys()]) {
      const own = [...defines.get(file)!];
      if (own.some((key) => taken.has(key))) continue;
      chosen.add(file);
      left.delete(file);
      for (const key of own) taken.add(key);
    }
    worlds.push(all.filter((object) => !defines.has(fileOf(object)) || chosen.has(fileOf(object))));
  }
  const files = groupBy(left.size === 0 ? [] : all.filter((object) => left.has(fileOf(object))), fileOf);
  return [...worlds, ...[...files.keys()].map((file) => files.get(file))];
}

/** The objects that several files define, by the folder of these files. */
function byFolder(several: readonly (readonly ReadObject[])[]): Map<string, (readonly ReadObject[])[]> {
  const folders = new Map<string, (readonly ReadObject[])[]>();
  for (const same of several) valueIn(folders, path.dirname(fileOf(same[0])), () => []).push(same);
  return folders;
}

function noteOn(folder: string, same: readonly ReadObject[], others: number): string {
  const [{ manifest }] = same;
  const files = [...new Set(same.map(fileOf))];
  const shown = files.length > 5 ? [...files.slice(0, 4), `${files.length - 4} more files`] : files;
  const alone = files.length > MOST_VARIANTS ? `, as far as they are among the first ${MOST_VARIANTS}` : '';
  return (
    `${folder === '.' ? 'the input' : folder}: ${manifest.kind} ${manifest.metadata.name}${others === 0 ? '' : ` (and ${others} more)`} is in ` +
    `${joinWords(shown)}, so each of these files is judged with everything else, but not with the others${alone}`
  );
}

function fileOf({ place }: ReadObject): string {
  return place.file;
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
