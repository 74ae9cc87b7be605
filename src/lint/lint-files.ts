import * as fs from 'fs';
import * as path from 'path';
import { parse } from 'yaml';
import { Baseline, BaselineEntry } from './acknowledgements';
import { Alternatives } from './alternatives';
import { fieldLine, objectLine } from './field-line';
import { LintFinding, ObjectName } from './finding';
import { lintWorlds } from './lint';
import { printable } from '../cli/printable';
import { Report } from './report';
import { worldsOf } from './worlds';
import { Usage } from '../cli/outcome';
import { readAll, ReadManifests, ReadOptions, Unread } from '../reading/read-manifests';
import { Place } from '../reading/read-object';
import { duplicateObject } from '../rules/duplicate-object';
import { isReadByRules } from '../rules/_read-by-rules';
import { compare } from '../values/canonical';
import { groupBy } from '../values/grouping';

export interface LintFilesOptions extends Pick<ReadOptions, 'standardInput' | 'namespace'> {
  readonly rootNamespace?: string;
  /** A file with findings that are accepted. */
  readonly baseline?: string;
}

type FileOf = (object: ObjectName) => string;

/** Lints files, folders and standard input (`-`); undefined where there is nothing to judge. */
export function lintFiles(from: readonly string[], options: LintFilesOptions = {}): Report | undefined {
  const { standardInput, namespace } = options;
  return lintRead(readAll(from, { standardInput, namespace, objectsOnly: true }), options, from);
}

/** Lints what was read from files, with every definition of an object. */
export function lintRead(
  read: ReadManifests,
  { rootNamespace, baseline }: Pick<LintFilesOptions, 'rootNamespace' | 'baseline'> = {},
  named: readonly string[] = [],
): Report | undefined {
  const unread = unreadOf(read);
  if (read.objects.length === 0 && !read.hasInput && unread.length === 0) return undefined;
  const options = { rootNamespace, baseline: baseline === undefined ? undefined : baselineIn(baseline) };
  return reportOn(read, unread, options, new Alternatives(read.objects, named));
}

/** Findings in the order of files and lines, the worst first within a line. */
function reportOn(
  read: ReadManifests,
  unread: readonly Unread[],
  options: { readonly rootNamespace?: string; readonly baseline?: Baseline },
  alternatives: Alternatives,
): Report {
  const places = new Map<string, Place>();
  // Messages name an object by its line. An item of a List that was parsed as a whole has none of its own.
  const objects = read.objects.map((object) => {
    const { place } = object;
    const origin = place.path.length > 0 ? object.origin : `${place.file}:${objectLine(place)}`;
    places.set(origin, place);
    return { ...object, origin };
  });
  const judged = objects.filter(({ manifest }) => isReadByRules(manifest));
  const { worlds, variants, notes } = worldsOf({ ...read, objects });
  const { result, unsteady } = lintWorlds(worlds, options, variants);
  const fileOf: FileOf = ({ origin }) => places.get(origin)!.file;
  const known = withoutChance(
    result.findings.filter((one) => !isNoDuplicate(one, read, fileOf)),
    new Set(variants.map(({ place }) => place.file)),
    unsteady,
    fileOf,
  );
  const { kept, notes: leftOut } = apart(known.kept, alternatives, fileOf);
  const placed = <T extends LintFinding>(findings: readonly T[]): T[] =>
    findings
      .map((finding) => {
        const place = places.get(finding.object.origin)!;
        return { ...finding, file: place.file, line: fieldLine(place, finding.field) };
      })
      .sort((a, b) => compare(a.file, b.file) || a.line - b.line || compare(a.message, b.message));
  return {
    ...result,
    findings: placed(kept),
    acknowledged: placed(result.acknowledged),
    objects: judged.length,
    others: objects.length - judged.length,
    files: new Set(objects.map(({ place }) => place.file)).size,
    unread,
    notes: [...read.assumptions, ...notes, ...known.notes, ...leftOut],
  };
}

/**
 * An object that no rule reads may be in two folders, as in those of two clusters, which are not judged apart for it; and
 * a kustomization decides which files of its folder are applied.
 */
function isNoDuplicate(finding: LintFinding, { unbuilt }: ReadManifests, fileOf: FileOf): boolean {
  if (finding.code !== duplicateObject.code) return false;
  const files = filesOf(finding, fileOf);
  const folders = new Set(files.map((file) => path.dirname(file)));
  const isChanged = unbuilt.some(({ file, tool }) => tool === 'kustomize' && folders.has(path.dirname(file)));
  return folders.size > 1 || (isChanged && new Set(files).size > 1);
}

/** Findings without those that belong to a group, and a note on each group. */
function leaveOut(
  findings: readonly LintFinding[],
  groupOf: (finding: LintFinding) => string,
  noteOn: (group: string, left: readonly LintFinding[]) => string,
): { readonly kept: readonly LintFinding[]; readonly notes: readonly string[] } {
  const groups = groupBy(findings, groupOf);
  const left = [...groups.keys()].filter(Boolean);
  return { kept: groups.get(''), notes: left.map((group) => noteOn(group, groups.get(group))) };
}

function filesOf({ object, others }: LintFinding, fileOf: FileOf): string[] {
  return [object, ...others].map(fileOf);
}

/**
 * Findings without those that rest on which of several files that replace each other are applied, and a note on these:
 * they are between two such files, or an object has them beside some of the files only.
 */
function withoutChance(
  findings: readonly LintFinding[],
  variants: ReadonlySet<string>,
  unsteady: ReadonlySet<LintFinding>,
  fileOf: FileOf,
) {
  const replaced = (one: LintFinding) => [...new Set(filesOf(one, fileOf).filter((file) => variants.has(file)))];
  return leaveOut(
    findings,
    (one) => (unsteady.has(one) || (one.code !== duplicateObject.code && replaced(one).length > 1) ? 'chance' : ''),
    (_group, left) => {
      const files = [...new Set(left.flatMap(replaced))].slice(0, 2).join(' and ');
      const [what, are] =
        left.length === 1 ? ['a finding that rests', 'is'] : [`${left.length} findings that rest`, 'are'];
      return (
        `${what} on files that define what others define as well (${files}) ${are} left out: which of them are ` +
        'applied together is not known; to judge them, name the files that are'
      );
    },
  );
}

/** Findings without those between alternatives, and notes that say which folders these are. */
function apart(findings: readonly LintFinding[], alternatives: Alternatives, fileOf: FileOf) {
  return leaveOut(
    findings,
    (one) => (alternatives.between(filesOf(one, fileOf)) ?? []).join('\n'),
    (both, { length }) =>
      `${both.replace('\n', ' and ')} route the same hosts in one namespace under other names, as alternatives do: ` +
      `${length === 1 ? 'a finding' : `${length} findings`} between them left out; to judge them together: lint ` +
      both.replace('\n', ' '),
  );
}

/** What could not be read; of what must be built first, one for each folder. */
function unreadOf({ problems, unbuilt }: ReadManifests): Unread[] {
  const charts = groupBy(
    unbuilt.filter(({ tool }) => tool === 'helm'),
    ({ file }) => /^(.*)[\\/]templates[\\/]/.exec(file)?.[1] ?? path.dirname(file),
  );
  return [
    ...problems,
    ...[...charts.keys()].map((chart) => {
      const [{ file }, ...others] = charts.get(chart);
      const templates = others.length === 0 ? 'a Helm template' : `${others.length + 1} Helm templates`;
      const build = `helm template ${chart} | npx cdk8s-istio-egress lint -`;
      return { text: `${chart}: ${templates}; to judge what they render: ${build}`, file, isBroken: false };
    }),
    ...unbuilt
      .filter(({ tool }) => tool === 'kustomize')
      .map(({ file, problem, build }) => ({
        text: `${problem} to judge the result: ${build} | npx cdk8s-istio-egress lint -`,
        file,
        isBroken: false,
      })),
  ];
}

function baselineIn(file: string): Baseline {
  if (!fs.existsSync(file)) throw new Usage(`${printable(file)}: no such file; --output baseline writes one`);
  let value: { readonly acknowledged?: unknown } | null | undefined;
  try {
    value = parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Usage(`${printable(file)}: invalid YAML, ${printable((error as Error).message.split('\n')[0])}`);
  }
  const entries: unknown = value?.acknowledged;
  if (!Array.isArray(entries) || !entries.every(isEntry))
    throw new Usage(
      `${printable(file)}: not a baseline: it has a list \`acknowledged\`, each entry of which has code, finding and ` +
        'reason, all text',
    );
  return { file, entries };
}

function isEntry(entry: Record<string, unknown> | null): entry is Record<string, unknown> & BaselineEntry {
  return ['code', 'finding', 'reason'].every((field) => typeof entry?.[field] === 'string');
}
