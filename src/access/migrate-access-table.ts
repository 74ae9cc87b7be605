import { isDeepStrictEqual } from 'util';
import { Document, isAlias, isMap, isPair, isScalar, isSeq, Node, parseAllDocuments } from 'yaml';
import { FormerWord, formerWords, inCurrentWords } from './former-words';
import { placeOf } from '../schema/place';

/** An access table rewritten in the words of today; or why it cannot be. */
export interface Migration {
  readonly text: string;
  /** How many words were changed. */
  readonly words: number;
  /** Why the table cannot be rewritten; the text is then the one that was given. */
  readonly problems: readonly string[];
}

/** What a step of a path leads on from. */
type Step = Readonly<Record<string | number, unknown>>;

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const PARTS = ['access', 'callers', 'external', 'outside'];

/** Replaces former words and leaves every other character of the text as it is. */
export function migrateAccessTable(text: string): Migration {
  const documents: Document[] = [...parseAllDocuments(text, { logLevel: 'silent' })];
  const edits = new Map<number, Edit>();
  const problems: string[] = [];
  const tables = documents.map((document) => {
    const table = read(document);
    if (table.problem !== undefined) {
      problems.push(table.problem);
      return undefined;
    }
    for (const word of formerWords(table.value)) {
      const edit = editFor(document, table.value, word, text);
      if (typeof edit === 'string') problems.push(`${placeOf(word.path)}: ${edit}`);
      else edits.set(edit.start, edit);
    }
    return table.value;
  });
  if (documents.length === 0) problems.push('empty, not an access table');
  if (problems.length > 0) return { text, words: 0, problems };
  const migrated = applied(text, [...edits.values()]);
  const after = [...parseAllDocuments(migrated, { logLevel: 'silent' })].map((document) => document.toJS());
  if (
    !isDeepStrictEqual(
      after,
      tables.map((table) => inCurrentWords(table)),
    )
  )
    return { text, words: 0, problems: ['replacing the words would change more than the words: edit it by hand'] };
  return { text: migrated, words: edits.size, problems };
}

function read(document: Document): { readonly value?: unknown; readonly problem?: string } {
  const [error] = document.errors;
  if (error) return { problem: `invalid YAML, ${error.message.split('\n')[0].replace(/:$/, '')}` };
  try {
    const value: unknown = document.toJS();
    return isMap(document.contents) && PARTS.some((part) => part in (value as object))
      ? { value }
      : { problem: 'not an access table, which has the lists callers, external and access' };
  } catch (reason) {
    return { problem: `invalid YAML, ${(reason as Error).message}` };
  }
}

function editFor(
  document: Document,
  table: unknown,
  { kind, path, former, current }: FormerWord,
  text: string,
): Edit | string {
  const place = path.slice(0, -1).reduce((value, step) => value[step] as Step, table as Step);
  if (kind === 'field' && current in place) return `\`${current}\` is there too; keep one of the two`;
  const node = nodeAt(document, path, kind);
  const byHand = `write \`${current}\` by hand`;
  if (!node?.range) return `it is merged in from another mapping; ${byHand}`;
  const [start, end] = node.range;
  const quote = /^["']/.exec(text.slice(start, end))?.[0] ?? '';
  return text.slice(start, end) === `${quote}${former}${quote}`
    ? { start, end, text: `${quote}${current}${quote}` }
    : `it is written as ${JSON.stringify(text.slice(start, end))}; ${byHand}`;
}

/** The key, or the value, that a path leads to. Aliases lead to what they stand for. */
function nodeAt(document: Document, path: readonly (string | number)[], kind: FormerWord['kind']): Node | undefined {
  let key: unknown;
  let value: unknown = document.contents;
  for (const step of path) {
    const inside: unknown = isAlias(value) ? value.resolve(document) : value;
    if (isSeq(inside)) {
      key = undefined;
      value = inside.items[Number(step)];
    } else if (isMap(inside)) {
      const pair = inside.items.find((item) => isPair(item) && scalarOf(item.key, document) === step);
      if (!pair) return undefined;
      ({ key, value } = pair);
    } else return undefined;
  }
  const found = kind === 'field' ? key : value;
  return (isAlias(found) ? found.resolve(document) : found) as Node | undefined;
}

function scalarOf(key: unknown, document: Document): unknown {
  const node = isAlias(key) ? key.resolve(document) : key;
  return isScalar(node) ? node.value : node;
}

function applied(text: string, edits: readonly Edit[]): string {
  return [...edits]
    .sort((a, b) => b.start - a.start)
    .reduce((result, { start, end, text: word }) => result.slice(0, start) + word + result.slice(end), text);
}
