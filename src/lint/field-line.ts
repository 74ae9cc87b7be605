import { Document, isAlias, isMap, isNode, isScalar, isSeq, parseDocument } from 'yaml';
import { Place } from '../reading/read-object';
import { YamlDocument } from '../reading/yaml-documents';

/** Of all that have a finding: a document may have many, and parsing it again for each would be quadratic. */
const documents = new WeakMap<YamlDocument, Document>();

/** The line of an object's field in its file, or of the innermost field around it that is there. */
export function fieldLine({ document, path }: Place, field: string): number {
  const parsed = documents.get(document) ?? parseDocument(document.text, { logLevel: 'silent' });
  documents.set(document, parsed);
  let at: unknown = parsed.contents;
  let offset = startOf(at) ?? 0;
  for (const step of [...path, ...stepsOf(field)]) {
    if (isAlias(at)) at = at.resolve(parsed);
    if (isMap(at)) {
      const pair = at.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (!pair) break;
      offset = startOf(pair.key) ?? offset;
      at = pair.value;
    } else if (isSeq(at)) {
      const item = at.items[Number(step)];
      if (!item) break;
      offset = startOf(item) ?? offset;
      at = item;
    } else break;
  }
  return document.line + document.text.slice(0, offset).split('\n').length - 1;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

/** The line on which an object begins. */
export function objectLine({ document }: Place): number {
  const lines = document.text.split('\n');
  const first = lines.findIndex((line) => /^\s*[^\s#]/.test(line) && !/^---(\s|$)/.test(line));
  return document.line + Math.max(first, 0);
}

function stepsOf(field: string): (string | number)[] {
  return [...field.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, name]) => (index === undefined ? name : +index));
}
