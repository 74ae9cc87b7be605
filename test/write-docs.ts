/** Rewrites the pages of docs/ that are made from code, which tests compare: `npm run docs:update`. */
import * as fs from 'fs';
import * as path from 'path';
import * as prettier from 'prettier';
import { rulesPage } from './rules/rules-page';
import { ACCESS_TABLE_SCHEMA } from '../src/access/access-table-schema';

const DOCS = path.join(__dirname, '../docs');

async function main() {
  fs.writeFileSync(path.join(DOCS, 'rules.md'), rulesPage());
  const schema = path.join(DOCS, 'access-table.schema.json');
  const options = { ...(await prettier.resolveConfig(schema)), filepath: schema };
  fs.writeFileSync(schema, await prettier.format(JSON.stringify(ACCESS_TABLE_SCHEMA, null, 2), options));
}

void main();
