import * as fs from 'fs';
import * as path from 'path';
import { parseAllDocuments } from 'yaml';
import { objectsFrom } from './objects';
import { EgressObject } from '../manifests/egress-object';
import { SPECS } from '../model/well-formed';

/** The objects that could be read, and what could not. */
export interface ReadManifests {
  readonly objects: EgressObject[];
  /** What could not be read, as sentences that begin with the file and document number. */
  readonly problems: string[];
  /** What was read, but is probably not what the author meant. */
  readonly warnings: string[];
  /** What is worth knowing and changes no answer. */
  readonly notes: string[];
}

const KNOWN_GROUPS = [
  /^v1/,
  /^(apps|batch|policy)\//,
  /^(rbac\.authorization|networking|discovery)\.k8s\.io\//,
  /^gateway\.networking/,
  /\.istio\.io(\/|$)/,
];

export interface ReadOptions {
  readonly standardInput?: () => string;
  /** Where objects without a namespace will be applied. @default - namespace `default`, with a note */
  readonly namespace?: string;
}

/** Reads files, folders (recursively) and standard input (`-`). */
export function readManifests(
  from: readonly string[],
  { standardInput = () => fs.readFileSync(0, 'utf8'), namespace }: ReadOptions = {},
): ReadManifests {
  const read: ReadManifests = { objects: [], problems: [], warnings: [], notes: [] };
  const seen = new Map<string, string>();
  for (const source of from) {
    if (source === '-') {
      addText(read, seen, 'standard input', standardInput());
      continue;
    }
    if (!fs.existsSync(source)) {
      read.problems.push(`${source}: no such file or folder`);
      continue;
    }
    const files = fs.statSync(source).isDirectory() ? filesIn(source) : [source];
    if (files.length === 0) read.problems.push(`${source}: contains no .yaml, .yml or .json file`);
    for (const file of files) addText(read, seen, file, fs.readFileSync(file, 'utf8'));
  }
  return placed(read, namespace);
}

/** Puts objects that name no namespace where they will be applied. */
function placed(read: ReadManifests, namespace?: string): ReadManifests {
  const homeless = read.objects.filter(
    ({ manifest }) => isNamespaced(manifest) && manifest.metadata.namespace === undefined,
  );
  if (homeless.length === 0) return read;
  if (namespace === undefined) {
    const [{ manifest, origin }] = homeless;
    read.notes.push(
      homeless.length === 1
        ? `${origin}: ${manifest.kind} ${manifest.metadata.name} has no namespace; namespace default is assumed`
        : `${homeless.length} objects have no namespace (the first is ${manifest.kind} ${manifest.metadata.name} ` +
            `in ${origin}); namespace default is assumed`,
    );
  }
  const objects = read.objects.map((object) =>
    !homeless.includes(object)
      ? object
      : {
          manifest: {
            ...object.manifest,
            metadata: { ...object.manifest.metadata, namespace: namespace ?? 'default' },
          },
          origin: object.origin,
        },
  );
  return { ...read, objects };
}

function filesIn(folder: string): string[] {
  return (fs.readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => /\.(ya?ml|json)$/.test(name))
    .sort()
    .map((name) => path.join(folder, name));
}

function addText(read: ReadManifests, seen: Map<string, string>, file: string, text: string): void {
  const documents = parseAllDocuments(text, { logLevel: 'silent' });
  const isTemplate = text.includes('{{');
  const isEmpty = ({ errors, contents }: { errors: readonly unknown[]; contents: any }) =>
    errors.length === 0 && (contents?.value ?? contents) === null;
  if (!Array.isArray(documents) || documents.every(isEmpty)) {
    read.notes.push(`${file}: empty`);
    return;
  }
  documents.forEach((document, index) => {
    const where = documents.length === 1 ? file : `${file}, document ${index + 1}`;
    const error = document.errors[0];
    const value = error ? undefined : document.toJS();
    // A value that is only a template expression is valid YAML too: a mapping whose only key is a mapping.
    if (isTemplate && (error || /"\{ [^"]* \}":null/.test(JSON.stringify(value ?? null)))) {
      read.problems.push(
        `${where}: a Helm template ("{{"), not YAML: render it first, such as helm template … | ` +
          'cdk8s-istio-egress explain - …',
      );
      return;
    }
    if (error) {
      read.problems.push(`${where}: invalid YAML, ${error.message.split('\n')[0]}`);
      return;
    }
    if (value === null || value === undefined) return;
    for (const object of objectsFrom([value], () => where)) add(read, seen, object);
  });
}

function add(read: ReadManifests, seen: Map<string, string>, object: EgressObject): void {
  const { manifest, origin } = object;
  if (typeof manifest === 'object' && SPECS[manifest.kind] && typeof manifest.apiVersion !== 'string') {
    read.problems.push(`${origin}: ${manifest.kind} without an apiVersion, left out`);
    return;
  }
  if (typeof manifest !== 'object' || typeof manifest.kind !== 'string' || typeof manifest.apiVersion !== 'string') {
    read.notes.push(`${origin}: not a Kubernetes object (no kind or apiVersion), left out`);
    return;
  }
  if (typeof manifest.metadata?.name !== 'string') {
    read.problems.push(`${origin}: ${manifest.kind} without a metadata.name, left out`);
    return;
  }
  if (!KNOWN_GROUPS.some((group) => group.test(manifest.apiVersion)))
    read.notes.push(`${origin}: ${manifest.kind} of ${manifest.apiVersion} is not part of the model, left out`);
  const key =
    `${manifest.apiVersion.split('/')[0]} ${manifest.kind} ` +
    `${manifest.metadata.namespace ?? 'default'}/${manifest.metadata.name}`;
  const earlier = seen.get(key);
  if (earlier !== undefined) {
    read.warnings.push(
      `${origin}: ${manifest.kind} ${manifest.metadata.namespace ?? 'default'}/${manifest.metadata.name} is ` +
        `defined twice, first in ${earlier}; the last definition counts, as with kubectl apply`,
    );
    const before = read.objects.findIndex((one) => keyOf(one) === key);
    const [first] = before >= 0 ? read.objects.splice(before, 1) : [];
    // It is the same object of the cluster, which keeps its date when the new definition is applied.
    manifest.metadata.creationTimestamp ??= first?.manifest.metadata.creationTimestamp;
  }
  seen.set(key, origin);
  read.objects.push(object);
}

function keyOf({ manifest }: EgressObject): string {
  return (
    `${manifest.apiVersion.split('/')[0]} ${manifest.kind} ` +
    `${manifest.metadata.namespace ?? 'default'}/${manifest.metadata.name}`
  );
}

function isNamespaced({ apiVersion, kind }: any): boolean {
  return (
    /istio\.io\//.test(apiVersion) || ['Service', 'Secret', 'ConfigMap', 'Deployment', 'NetworkPolicy'].includes(kind)
  );
}
