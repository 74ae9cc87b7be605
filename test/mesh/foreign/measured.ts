/** What the mesh did with other authors' objects, as it was recorded last: `measured.json`. */
import * as fs from 'fs';
import * as path from 'path';
import { FOREIGN, Foreign, KINDS, KindName, Place } from './kinds';

const FILE = path.join(__dirname, 'measured.json');

/** What stands against them. The guard is Kubernetes' own, the others are Istio's. */
export const MEASURES = {
  nothing: 'without any of these',
  guard: '`EgressGuard`',
  imports: '`imports`',
  settings: "istiod's settings",
  'guard and settings': '`EgressGuard` and the settings',
} as const;
export type Measure = keyof typeof MEASURES;

/**
 * - `opens`: a request is answered that must not be, or by another egress path, or leaves as plaintext
 * - `tells`: the external host receives headers of tracing
 * - `freezes`: a proxy takes no more configuration
 * - `fails`: a request is refused that is answered without the objects
 */
export type Effect = (typeof EFFECTS)[number] | 'nothing' | 'refused';
/** The worst first. */
export const EFFECTS = ['opens', 'tells', 'freezes', 'fails'] as const;

/** By kind, place and age; what is refused at admission has no effect. */
export type Measured = Record<string, Record<Measure, Effect>>;

export function keyOf({ kind, place, age }: Foreign): string {
  return `${kind} in ${place}, ${age}`;
}

export function measured(): Measured {
  return JSON.parse(fs.readFileSync(FILE, 'utf8'));
}

export function record(results: Measured): void {
  fs.writeFileSync(FILE, `${JSON.stringify({ ...(fs.existsSync(FILE) ? measured() : {}), ...results }, null, 2)}\n`);
}

/** The table in docs/limits.md: a line for each kind, a column for each measure. */
export function foreignTable(results: Measured = measured()): string {
  const measures = Object.keys(MEASURES) as Measure[];
  const lines = (Object.keys(KINDS) as KindName[]).map((kind) => {
    const all = FOREIGN.filter((one) => one.kind === kind);
    const cells = measures.map((measure) => cell(all, (one) => results[keyOf(one)][measure]));
    return [KINDS[kind].title, ...cells];
  });
  return [['objects of another author', ...Object.values(MEASURES)], measures.map(() => '---').concat('---'), ...lines]
    .map((columns) => `| ${columns.join(' | ')} |`)
    .join('\n');
}

function cell(all: Foreign[], effectOf: (one: Foreign) => Effect): string {
  const parts = EFFECTS.flatMap((effect) => {
    const places = new Map<Place, string[]>();
    for (const one of all)
      if (effectOf(one) === effect) places.set(one.place, [...(places.get(one.place) ?? []), one.age]);
    if (places.size === 0) return [];
    const possible = new Set(all.map(({ place }) => place));
    const isEverywhere = places.size === possible.size && [...places.values()].every((ages) => ages.length === 2);
    const where = isEverywhere
      ? 'everywhere'
      : [...places].map(([place, ages]) => `${SHORT[place]}${ages.length === 1 ? ` (${ages[0]})` : ''}`).join(', ');
    return [`**${effect}**: ${where}`];
  });
  if (parts.length > 0) return parts.join('; ');
  return all.every((one) => effectOf(one) === 'refused') ? 'refused' : '-';
}

const SHORT: Record<Place, string> = {
  "the callers' namespace, private": 'private',
  "the callers' namespace": 'own',
  'another namespace': 'another',
  "the gateway's namespace": "the gateway's",
  'the root namespace': 'root',
};

const BEGIN = '<!-- foreign-objects: made by npm run docs:update -->';
const END = '<!-- end -->';

/** A page with the table between its marks. */
export function withForeignTable(page: string): string {
  return `${page.slice(0, page.indexOf(BEGIN) + BEGIN.length)}\n\n${foreignTable()}\n\n${page.slice(page.indexOf(END))}`;
}
