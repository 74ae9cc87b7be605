/** Rewrites the pages of docs/ that are made from code, which tests compare: `npm run docs:update`. */
import * as fs from 'fs';
import * as path from 'path';
import * as prettier from 'prettier';
import { PAGES, promisesPage, sentencesOf } from './docs/promises';
import { withForeignTable } from './mesh/foreign/measured';
import { rulesPage } from './rules/rules-page';
import { ACCESS_TABLE_SCHEMA } from '../src/access/access-table-schema';

const DOCS = path.join(__dirname, '../docs');

async function main() {
  fs.writeFileSync(path.join(DOCS, 'rules.md'), rulesPage());
  const limits = path.join(DOCS, 'limits.md');
  fs.writeFileSync(limits, withForeignTable(fs.readFileSync(limits, 'utf8')));
  fs.writeFileSync(path.join(DOCS, 'promises.md'), promisesPage(PAGES.flatMap(sentencesOf)));
  const schema = path.join(DOCS, 'access-table.schema.json');
  const options = { ...(await prettier.resolveConfig(schema)), filepath: schema };
  fs.writeFileSync(schema, await prettier.format(JSON.stringify(ACCESS_TABLE_SCHEMA, null, 2), options));
}

void main();
