import * as fs from 'fs';
import * as path from 'path';
import { parseAllDocuments } from 'yaml';
import { WorldObject } from './worlds/world';
import { AccessTable } from '../../src/access/access-table';

/** test/model/upstream.yaml: the first document is an access table, the others are objects. */
export function upstreamWorld(): { table: AccessTable; objects: WorldObject[] } {
  const text = fs.readFileSync(path.join(__dirname, 'upstream.yaml'), 'utf8');
  const [table, ...objects] = parseAllDocuments(text).map((document) => document.toJS());
  return { table, objects };
}
