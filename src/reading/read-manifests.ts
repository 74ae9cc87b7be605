import * as fs from 'fs';
import * as path from 'path';
import { parseAllDocuments, parseDocument, YAMLParseError } from 'yaml';
import { isForIstioctl, lastDefinitions } from './definitions';
import { KUBERNETES_YAML } from './kubernetes-yaml';
import { isKustomizationFile, kustomizationOf } from './kustomization';
import { assumption, inNamespace, lacksNamespace } from './namespaces';
import { containsItself, objectsFrom } from './objects';
import { ReadObject } from './read-object';
import { canMatter, isKubernetesApi, matters } from './relevance';
import { documentsIn, Head, headOf, itemsOf, sectionOf, YamlDocument } from './yaml-documents';
import { Manifest } from '../manifests/egress-object';
import { joinWords } from '../manifests/indexed';
import { ISTIO_SPECS } from '../istio/specs';

/** What is a source of manifests, and not what will be applied. */
export interface Unbuilt {
  readonly file: string;
  readonly tool: 'helm' | 'kustomize';
  /** A sentence that begins with the file and document number. */
  readonly problem: string;
  /** The command whose output is what will be applied. */
  readonly build: string;
}

/** What could not be read. */
export interface Unread {
  /** A sentence that begins with the file and document number. */
  readonly text: string;
  readonly file?: string;
  readonly line?: number;
  /** Whether it may be anything. What is not broken cannot be applied, or only once it is built. */
  readonly isBroken: boolean;
}

/** The objects that could be read, and what could not. */
export interface ReadManifests {
  readonly objects: ReadObject[];
  readonly problems: Unread[];
  readonly unbuilt: Unbuilt[];
  /** What was read, but is probably not what the author meant. */
  readonly warnings: string[];
  /** What is worth knowing and changes no answer. */
  readonly notes: string[];
  /** What is assumed where the manifests do not say it. */
  readonly assumptions: string[];
  /** Whether there is something to answer from: objects, even if none can affect a request, or an empty folder. */
  readonly hasInput: boolean;
}

interface ParsedDocument {
  readonly errors: readonly YAMLParseError[];
  toJS(): unknown;
}

interface Reading {
  readonly read: { -readonly [field in keyof ReadManifests]: ReadManifests[field] };
  readonly objectsOnly: boolean;
  readonly verbose: boolean;
  /** Objects of kinds that cannot affect a request. */
  readonly leftOut: Map<string, { count: number; readonly origin: string }>;
}

export interface ReadOptions {
  readonly standardInput?: () => string;
  /** Where objects without a namespace will be applied. @default - namespace `default`, with a note */
  readonly namespace?: string;
  /**
   * Whether what names no kind is left out even where it is broken, since it may be anything, and objects are left as
   * they are written. @default false
   */
  readonly objectsOnly?: boolean;
  /** Whether each object that is left out is noted by name. @default false */
  readonly verbose?: boolean;
}

/**
 * Reads files, folders (recursively) and standard input (`-`) as they are applied: of several definitions of an object
 * the last one counts, and what must be built first is a problem.
 */
export function readManifests(from: readonly string[], options?: ReadOptions): ReadManifests {
  const read = readAll(from, options);
  const unbuilt = read.unbuilt.map(({ file, problem, build }) => ({
    text: `${problem} first, such as ${build} | cdk8s-istio-egress explain - …`,
    file,
    isBroken: false,
  }));
  const { objects, warnings } = lastDefinitions(read.objects);
  return { ...read, objects, problems: [...read.problems, ...unbuilt], warnings: [...read.warnings, ...warnings] };
}

/** Reads the same, with every definition of an object. */
export function readAll(
  from: readonly string[],
  {
    standardInput = () => fs.readFileSync(0, 'utf8'),
    namespace,
    objectsOnly = false,
    verbose = false,
  }: ReadOptions = {},
): ReadManifests {
  const reading: Reading = {
    read: { objects: [], problems: [], unbuilt: [], warnings: [], notes: [], assumptions: [], hasInput: false },
    objectsOnly,
    verbose,
    leftOut: new Map(),
  };
  const { read } = reading;
  for (const source of from) {
    if (source === '-') {
      addText(reading, 'standard input', standardInput());
      continue;
    }
    if (!fs.existsSync(source)) {
      read.problems.push({ text: `${source}: no such file or folder`, isBroken: true });
      continue;
    }
    const files = fs.statSync(source).isDirectory() ? filesIn(source) : [source];
    if (files.length === 0) {
      // Nothing declared is an answer for a request, and nothing to judge for `lint`.
      if (!objectsOnly) read.hasInput = true;
      read.notes.push(`${source}: contains no .yaml, .yml or .json file, so nothing is declared`);
    }
    const texts = new Map(files.map((file) => [file, fs.readFileSync(file, 'utf8')]));
    const kustomizations = files
      .filter(isKustomizationFile)
      .map((file) => kustomizationOf(parsed(texts.get(file)!), file));
    const patches = new Set(kustomizations.flatMap((one) => one.patches));
    const listed = new Set(kustomizations.flatMap((one) => one.listed));
    const unlisted = [...texts].filter(
      ([file]) => !patches.has(file) && !listed.has(file) && !isKustomizationFile(file),
    );
    for (const [file, text] of texts) {
      if (patches.has(file)) continue;
      if (isKustomizationFile(file)) addKustomization(reading, file, parsed(text), unlisted);
      else addText(reading, file, text);
    }
  }
  noteLeftOut(reading);
  const homeless = namespace === undefined ? read.objects.filter(lacksNamespace) : [];
  if (homeless.length > 0) read.assumptions.push(assumption(homeless));
  // A finding of `lint` must not rest on what is assumed.
  if (homeless.length > 0 && objectsOnly) return read;
  return { ...read, objects: inNamespace(read.objects, namespace ?? 'default') };
}

function filesIn(folder: string): string[] {
  return (fs.readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => /\.(ya?ml|json)$/.test(name) || isKustomizationFile(name))
    .filter((name) => !/(^|[\\/])(node_modules|\.git)[\\/]/.test(name))
    .sort()
    .map((name) => path.join(folder, name))
    .filter((file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile());
}

/** Whether a file holds objects that can affect a request, as far as that can be told without parsing it. */
function holdsObjects(text: string): boolean {
  return (documentsIn(text) ?? [{ text, line: 1 }]).some((document) => {
    if (!/^apiVersion:/m.test(document.text) || !/^kind:/m.test(document.text)) return false;
    const head = headOf(document);
    return !head || canMatter(head.apiVersion, head.kind, document.text);
  });
}

/**
 * A kustomization is not an object. It says that the files beside it are not what will be applied, or only lists them.
 *
 * @param unlisted files that no kustomization lists, with their texts
 */
function addKustomization(
  { read, objectsOnly }: Reading,
  file: string,
  value: unknown,
  unlisted: [string, string][] = [],
): void {
  read.hasInput = true;
  const folder = path.dirname(file);
  const { transforms } = kustomizationOf(value, file);
  // What is written in a file is wrong or right whether the file is listed or not.
  const left = objectsOnly ? [] : unlisted.filter(([one, text]) => path.dirname(one) === folder && holdsObjects(text));
  const does =
    transforms.length > 0
      ? `changes what it lists (${transforms.join(', ')})`
      : left.length > 0 && `does not list ${joinWords(left.map(([one]) => path.basename(one)))}`;
  if (!does) read.notes.push(`${file}: a kustomization that only lists files, left out`);
  else
    read.unbuilt.push({
      file,
      tool: 'kustomize',
      problem: `${file}: a kustomization that ${does}: build it`,
      build: `kubectl kustomize ${folder}`,
    });
}

function addText(reading: Reading, file: string, text: string): void {
  const { read } = reading;
  const json = /^\s*[[{]/.test(text) ? fromJson(text) : undefined;
  if (json !== undefined) {
    addObjects(reading, file, { text, line: 1 }, file, json);
    return;
  }
  const documents = documentsIn(text);
  if (documents === undefined) {
    const all = parseAllDocuments(text, KUBERNETES_YAML);
    if (!Array.isArray(all)) read.notes.push(`${file}: empty`);
    else
      all.forEach((one, index) => addDocument(reading, file, named(file, all.length, index), { text, line: 1 }, one));
    return;
  }
  let isEmpty = true;
  documents.forEach((document, index) => {
    if (!/^[^\S\n]*(?!---\s*$)[^\s#]/m.test(document.text)) return;
    isEmpty = false;
    const where = named(file, documents.length, index);
    const head = headOf(document);
    const items = head?.kind === 'List' && !ALIAS.test(document.text) ? itemsOf(document) : undefined;
    if (items === undefined) addUnparsed(reading, file, where, document, head);
    else items.forEach((item, at) => addUnparsed(reading, file, `${where}, item ${at + 1}`, item, headOf(item)));
  });
  if (isEmpty) read.notes.push(`${file}: empty`);
}

function named(file: string, count: number, index: number): string {
  return count === 1 ? file : `${file}, document ${index + 1}`;
}

/** A document of a kind that cannot affect a request is not parsed: parsing is nearly all that reading costs. */
function addUnparsed(
  reading: Reading,
  file: string,
  where: string,
  document: YamlDocument,
  head: Head | undefined,
): void {
  if (reading.objectsOnly && !/\b(apiVersion|kind)\b/.test(document.text)) {
    reading.read.notes.push(`${where}: ${NOT_AN_OBJECT}`);
    return;
  }
  if (head && !canMatter(head.apiVersion, head.kind, document.text)) {
    leaveOut(reading, where, head, () => nameIn(sectionOf(document, 'metadata')));
    return;
  }
  const metadata = head?.kind === 'ConfigMap' ? sectionOf(document, 'metadata') : undefined;
  // Of a ConfigMap that does not configure the mesh, only the name is of interest.
  const text =
    metadata === undefined || ALIAS.test(metadata) || /\bname:\s*["']?istio(-|\b)/.test(metadata)
      ? document.text
      : `apiVersion: v1\nkind: ConfigMap\n${metadata}`;
  addDocument(reading, file, where, document, parseDocument(text, KUBERNETES_YAML));
}

function addDocument(
  reading: Reading,
  file: string,
  where: string,
  source: YamlDocument,
  document: ParsedDocument,
): void {
  const { read } = reading;
  const { text, line } = source;
  const { value, error } = valueOf(document);
  if (text.includes('{{') && (error || isTemplate(value))) {
    const problem = `${where}: a Helm template ("{{"), not YAML: render it`;
    read.unbuilt.push({ file, tool: 'helm', problem, build: 'helm template …' });
    return;
  }
  if (error) {
    const [message] = error.message.split('\n');
    const at = ('linePos' in error ? (error.linePos?.[0].line ?? 1) : 1) + line - 1;
    const problem = `${where}: invalid YAML, ${message.replace(/at line \d+/, `at line ${at}`)}`;
    read.problems.push({ text: problem, file, line: at, isBroken: true });
    return;
  }
  if (value === null || value === undefined) return;
  if (String((value as Partial<Manifest>).apiVersion).startsWith('kustomize.config.k8s.io/'))
    addKustomization(reading, where, value);
  else addObjects(reading, file, source, where, value);
}

function addObjects(reading: Reading, file: string, document: YamlDocument, where: string, value: unknown): void {
  for (const { manifest, origin, path: steps } of objectsFrom([value], () => where))
    add(reading, { manifest, origin, place: { file, document, path: steps.slice(1) } });
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The value of a text that may be anything; undefined where it is broken. */
function parsed(text: string): unknown {
  return valueOf(parseDocument(text, KUBERNETES_YAML)).value;
}

/** What a document says, or why it cannot be read. Only whoever reads the value notices that an alias has no anchor. */
function valueOf(document: ParsedDocument): { readonly value?: unknown; readonly error?: YAMLParseError | Error } {
  try {
    if (document.errors.length > 0) return { error: document.errors[0] };
    const value = document.toJS();
    return containsItself(value) ? { error: new Error('it contains itself') } : { value };
  } catch (error) {
    return { error: error as Error };
  }
}

/**
 * Whether what is valid YAML is a template all the same. A value that is only an expression is a mapping whose only key
 * is a mapping; no name has braces in it, and nothing does of what Istio's routes, gateways and policies say, unless it
 * is text for people or programs, in which only what Helm alone knows tells.
 */
function isTemplate(value: unknown): boolean {
  const text = JSON.stringify(value ?? null);
  const names = JSON.stringify(value ?? null, (key, field: unknown) => (FREE_TEXT.has(key) ? undefined : field));
  const { apiVersion, kind } = (value ?? {}) as Partial<Manifest>;
  const isPlain = /^(networking|security)\.istio\.io\//.test(String(apiVersion)) && kind !== 'EnvoyFilter';
  return (
    (isPlain && (names.includes('{{') || /\{\{-?\s*(\.(Values|Release|Chart)\b|include\b)/.test(text))) ||
    /"\{ (?:[^"\\]|\\.)* \}":null/.test(text) ||
    /"name(space)?":"[^"]*\{\{/.test(names)
  );
}

/** Fields whose values may be anything. */
const FREE_TEXT = new Set(['annotations', 'body', 'headers', 'withoutHeaders', 'queryParams']);

/** An object that cannot affect a request. Of Kubernetes' own kinds nobody expects otherwise, so others are noted. */
function leaveOut(
  { read, leftOut, verbose }: Reading,
  origin: string,
  { apiVersion, kind }: Head,
  name: () => string | undefined,
): void {
  read.hasInput = true;
  const ofKubernetes = isKubernetesApi(apiVersion);
  if (verbose) {
    const why = ofKubernetes ? 'its kind cannot affect a request' : `${apiVersion} is not part of the model`;
    read.notes.push(`${origin}: ${[kind, name()].filter(Boolean).join(' ')} is left out: ${why}`);
  }
  if (verbose || ofKubernetes) return;
  const what = `${kind} of ${apiVersion}`;
  const known = leftOut.get(what);
  if (known) known.count++;
  else leftOut.set(what, { count: 1, origin });
}

function noteLeftOut({ read, leftOut }: Reading): void {
  const kinds = [...leftOut].sort(([, a], [, b]) => b.count - a.count);
  const total = kinds.reduce((sum, [, { count }]) => sum + count, 0);
  if (total === 1) {
    read.notes.push(`${kinds[0][1].origin}: ${kinds[0][0]} is not part of the model, left out`);
  } else if (total > 1) {
    const names = kinds.slice(0, 5).map(([what, { count }]) => `${count} ${what}`);
    const rest = kinds.length > 5 ? [`${kinds.length - 5} other kinds`] : [];
    read.notes.push(`${total} objects are not part of the model and are left out: ${joinWords([...names, ...rest])}`);
  }
}

/** What may stand for something elsewhere in its document. */
const ALIAS = /(^|[\s[{,:-])\*\w/m;

/** The name in the metadata of a document. */
function nameIn(metadata = ''): string | undefined {
  const { value } = valueOf(parseDocument(metadata, KUBERNETES_YAML));
  return (value as { metadata?: { name?: string } } | undefined)?.metadata?.name;
}

const NOT_AN_OBJECT = 'not a Kubernetes object (no kind or apiVersion), left out';

function add(reading: Reading, object: ReadObject): void {
  const { read } = reading;
  const { manifest, origin } = object;
  if (typeof manifest === 'object' && ISTIO_SPECS[manifest.kind] && typeof manifest.apiVersion !== 'string') {
    read.problems.push({ text: `${origin}: ${manifest.kind} without an apiVersion, left out`, isBroken: false });
    return;
  }
  if (typeof manifest !== 'object' || typeof manifest.kind !== 'string' || typeof manifest.apiVersion !== 'string') {
    read.notes.push(`${origin}: ${NOT_AN_OBJECT}`);
    return;
  }
  if (!matters(manifest)) {
    leaveOut(reading, origin, manifest, () => manifest.metadata?.name);
    return;
  }
  if (isForIstioctl(manifest)) {
    read.hasInput = true;
    read.objects.push({ ...object, manifest: { ...manifest, metadata: { ...manifest.metadata } } });
    return;
  }
  if (typeof manifest.metadata?.name !== 'string') {
    read.problems.push({ text: `${origin}: ${manifest.kind} without a metadata.name, left out`, isBroken: false });
    return;
  }
  read.hasInput = true;
  read.objects.push(object);
}
