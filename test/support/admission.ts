import * as fs from 'fs';
import * as path from 'path';
import { Environment } from '@marcbachmann/cel-js';
import Ajv, { ValidateFunction } from 'ajv';
import { parse } from 'yaml';
import { webhookProblems } from './webhook';

interface CelRule {
  readonly path: string[];
  readonly rule: string;
  readonly message: string;
}
interface Kind {
  readonly schema: ValidateFunction;
  readonly rules: CelRule[];
}

const CRDS = path.join(__dirname, '../../crds/istio.yaml');
/** The text of every CRD, by kind: reading and compiling all of them takes longer than most tests that need one. */
const texts = new Map(
  fs
    .readFileSync(CRDS, 'utf8')
    .split(/^---$/m)
    .flatMap((text) => [...text.matchAll(/^ {4}kind: (\w+)$/gm)].map(([, kind]) => [kind, text])),
);
const kinds = new Map<string, Kind>();
const cel = new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false });
const compiled = new Map<string, (context: any) => unknown>();

/** The Istio kinds that can be checked. */
export const KNOWN_KINDS = [...texts.keys()];

/** The number of CEL rules in the schemas. */
export function celRules(): number {
  return KNOWN_KINDS.reduce((sum, kind) => sum + kindOf(kind)!.rules.length, 0);
}

function kindOf(name: string): Kind | undefined {
  const text = texts.get(name);
  if (text === undefined) return undefined;
  let kind = kinds.get(name);
  if (!kind) {
    kind = compile(parse(text).spec.versions[0].schema.openAPIV3Schema);
    kinds.set(name, kind);
  }
  return kind;
}

function compile(schema: any): Kind {
  const rules: CelRule[] = [];
  collectRules(schema, [], rules);
  const closed = close(structuredClone(schema));
  closed.properties = {
    ...closed.properties,
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object' },
  };
  const ajv = new Ajv({
    strict: false,
    validateFormats: false,
    allErrors: true,
    validateSchema: false,
    code: { optimize: false },
  });
  return { schema: ajv.compile(closed), rules };
}

/**
 * The reasons for which a Kubernetes API server with Istio would reject an object: violations of its schema, with
 * unknown fields forbidden (the server would drop them silently), of its CEL rules, and of the rules of Istio's
 * webhook. An empty list means that the object is admitted.
 */
export function admissionProblems(manifest: any): string[] {
  const kind = kindOf(manifest.kind);
  if (!kind || !String(manifest.apiVersion).includes('istio.io')) return webhookProblems(manifest);
  const problems: string[] = [];
  if (!kind.schema(manifest)) {
    problems.push(
      ...kind.schema.errors!.map(
        (error) => `schema: ${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`,
      ),
    );
  }
  for (const { path: place, rule, message } of kind.rules) {
    for (const self of valuesAt(manifest, place)) {
      if (!holds(rule, self)) problems.push(`cel: ${place.join('.')}: ${message || rule} (${JSON.stringify(self)})`);
    }
  }
  return [...problems, ...webhookProblems(manifest)];
}

/** As in Kubernetes, a rule that cannot be evaluated counts as violated. */
function holds(rule: string, self: unknown): boolean {
  let evaluate = compiled.get(rule);
  if (!evaluate) {
    evaluate = cel.parse(rule) as (context: any) => unknown;
    compiled.set(rule, evaluate);
  }
  try {
    return evaluate({ self }) === true;
  } catch {
    return false;
  }
}

function collectRules(schema: any, place: string[], rules: CelRule[]): void {
  if (!schema || typeof schema !== 'object') return;
  for (const { rule, message } of schema['x-kubernetes-validations'] ?? [])
    rules.push({ path: place, rule, message: message ?? '' });
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    collectRules(property, [...place, name], rules);
  if (schema.items) collectRules(schema.items, [...place, '[]'], rules);
  if (typeof schema.additionalProperties === 'object')
    collectRules(schema.additionalProperties, [...place, '{}'], rules);
}

function valuesAt(node: any, place: string[]): unknown[] {
  if (node === undefined || node === null) return [];
  if (place.length === 0) return [node];
  const [step, ...rest] = place;
  if (step === '[]') return Array.isArray(node) ? node.flatMap((item) => valuesAt(item, rest)) : [];
  if (step === '{}') return Object.values(node).flatMap((item) => valuesAt(item, rest));
  return valuesAt(node[step], rest);
}

/**
 * Forbids unknown fields wherever properties are listed. The branches of `oneOf` and similar keywords stay as they are:
 * they only require fields.
 */
function close(schema: any): any {
  if (!schema || typeof schema !== 'object') return schema;
  if (schema.properties) {
    schema.additionalProperties ??= false;
    for (const property of Object.values<any>(schema.properties)) close(property);
  }
  if (schema.items) close(schema.items);
  if (typeof schema.additionalProperties === 'object') close(schema.additionalProperties);
  return schema;
}
