import { fieldOf, placeOf } from '../schema/place';

/**
 * Words that access tables and the command line used to have, and what each is called now. Tables and options that
 * still use one are refused with the new word; `migrate` rewrites tables. In a place, `[]` stands for every item of a
 * list.
 */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ['outside', 'external'],
  ['access[].expect.way', 'via'],
  ['access[].expect.plaintextToOutside', 'plaintextToHost'],
]);

/** Former values, by the field that they stand in. */
const VALUES: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  ['access[].expect.via', new Map([['passthrough', 'undeclared']])],
  ['access[].expect.by', new Map([['outside', 'host']])],
]);

/** Former options of the command line. */
export const FORMER_OPTIONS: ReadonlyMap<string, string> = new Map([['want', 'via']]);

const PLACES = [...FIELDS.keys(), ...VALUES.keys()];

/** A former word in a table. */
export interface FormerWord {
  /** Whether the word names a field, or is the field's value. */
  readonly kind: 'field' | 'value';
  /** The field, as the steps that lead to it. */
  readonly path: readonly (string | number)[];
  readonly former: string;
  readonly current: string;
}

/** The former words of a table, in the table's order. */
export function formerWords(table: unknown): FormerWord[] {
  const found: FormerWord[] = [];
  collect(table, '', [], found);
  return found;
}

/** What the value of a field is called now, if it has another name. */
export function currentValue(field: string, value: string): string | undefined {
  return VALUES.get(field)?.get(value);
}

/** The same table in the words of today. */
export function inCurrentWords(table: unknown, place = ''): unknown {
  if (typeof table === 'string') return currentValue(place, table) ?? table;
  if (!leadsToFormerWords(table, place)) return table;
  if (Array.isArray(table)) return table.map((item) => inCurrentWords(item, `${place}[]`));
  return Object.fromEntries(
    Object.entries(table).map(([name, value]) => {
      const current = FIELDS.get(fieldOf(place, name)) ?? name;
      return [current, inCurrentWords(value, fieldOf(place, current))];
    }),
  );
}

/** A sentence for each former word, with the first place that has it. */
export function formerWordProblems(table: unknown, file = 'access.yaml'): string[] {
  const words = new Map<string, FormerWord[]>();
  for (const word of formerWords(table)) {
    const key = `${word.kind} ${word.former}`;
    words.set(key, [...(words.get(key) ?? []), word]);
  }
  return [...words.values()].map((same) => {
    const [{ kind, path, former, current }] = same;
    const what = kind === 'field' ? `is called \`${current}\` now` : `\`${former}\` is called \`${current}\` now`;
    const times = same.length === 1 ? '' : ` (${same.length} times in this table)`;
    return `${placeOf(path)}: ${what}${times}; \`npx cdk8s-istio-egress migrate ${file}\` rewrites the table`;
  });
}

function collect(value: unknown, place: string, path: readonly (string | number)[], found: FormerWord[]): void {
  if (typeof value === 'string') {
    const current = currentValue(place, value);
    if (current !== undefined) found.push({ kind: 'value', path, former: value, current });
  } else if (leadsToFormerWords(value, place)) {
    if (Array.isArray(value)) value.forEach((item, index) => collect(item, `${place}[]`, [...path, index], found));
    else
      for (const [name, inner] of Object.entries(value)) {
        const current = FIELDS.get(fieldOf(place, name));
        if (current !== undefined) found.push({ kind: 'field', path: [...path, name], former: name, current });
        collect(inner, fieldOf(place, current ?? name), [...path, name], found);
      }
  }
}

/** Aliases can make a YAML value contain itself, so only places that may hold a former word are looked into. */
function leadsToFormerWords(value: unknown, place: string): value is object {
  return typeof value === 'object' && value !== null && PLACES.some((known) => known.startsWith(place));
}
