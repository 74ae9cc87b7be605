/** One document of a YAML file, or one item of a List in it, as text. */
export interface YamlDocument {
  readonly text: string;
  /** The line of the file on which it begins, from 1. */
  readonly line: number;
}

/** What a document says about itself at its top, as far as that can be told without parsing it. */
export interface Head {
  readonly apiVersion: string;
  readonly kind: string;
}

/**
 * The documents of a file. `---` at the beginning of a line always begins one, even inside of text. Undefined where a
 * file uses what would make that wrong: directives, or `...` at the end of a document.
 */
export function documentsIn(text: string): YamlDocument[] | undefined {
  if (/^(%|\.\.\.(\s|$))/m.test(text)) return undefined;
  const documents: YamlDocument[] = [];
  let line = 1;
  for (const part of text.split(/^(?=---(?:\s|$))/m)) {
    // What is above the first `---` is a document only if it holds more than comments.
    if (documents.length > 0 || part.startsWith('---') || /^[^\S\n]*[^\s#]/m.test(part))
      documents.push({ text: part, line });
    line += linesIn(part);
  }
  return documents;
}

/** The top of a document; undefined where only a parser can tell. */
export function headOf({ text }: YamlDocument): Head | undefined {
  const [apiVersion, kind] = [only(text, /^apiVersion:[ \t]*(.*)$/gm), only(text, /^kind:[ \t]*(.*)$/gm)];
  return apiVersion === undefined || kind === undefined ? undefined : { apiVersion, kind };
}

/**
 * The items of a List in block style, as kubectl writes it; undefined where it is written in another way. An item is at
 * the indentation of the first one, and all that belongs to it is deeper.
 */
export function itemsOf({ text, line }: YamlDocument): YamlDocument[] | undefined {
  const lines = text.split('\n');
  const start = lines.findIndex((one) => /^items:\s*$/.test(one)) + 1;
  const indent = /^( *)- /.exec(lines[start] ?? '')?.[1];
  if (start === 0 || indent === undefined) return undefined;
  const items: { text: string[]; line: number }[] = [];
  let at = start;
  for (; at < lines.length; at++) {
    const one = lines[at];
    if (one.startsWith(`${indent}- `)) items.push({ text: [one.slice(indent.length + 2)], line: line + at });
    else if (one.trim() === '') items[items.length - 1].text.push('');
    else if (one.startsWith(`${indent}  `)) items[items.length - 1].text.push(one.slice(indent.length + 2));
    else break;
  }
  // Below the items there may be more fields of the List, and nothing else.
  if (lines.slice(at).some((one) => !/^(\s*|[A-Za-z]+:.*|  .*)$/.test(one))) return undefined;
  return items.map((item) => ({ text: item.text.join('\n'), line: item.line }));
}

/** A top-level field of a document, with all that belongs to it. */
export function sectionOf({ text }: YamlDocument, field: string): string | undefined {
  const start = new RegExp(`^${field}:`, 'm').exec(text)?.index;
  if (start === undefined) return undefined;
  const length = text.slice(start).search(/\n(?=[^\s#])/);
  return length < 0 ? text.slice(start) : text.slice(start, start + length + 1);
}

/** A plain or quoted word that a field has, if the field is there once. */
function only(text: string, field: RegExp): string | undefined {
  const [found, ...more] = text.matchAll(field);
  const value = found && /^(?:"([\w./-]+)"|'([\w./-]+)'|([\w./-]+))\s*(?:#.*)?$/.exec(found[1]);
  return more.length > 0 || !value ? undefined : (value[1] ?? value[2] ?? value[3]);
}

function linesIn(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++;
  return lines;
}
