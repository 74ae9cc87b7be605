/**
 * `npm run test:mesh -- [example [row]]`: sends every row of every example's access table through a real mesh. An example
 * is chosen by its name or the beginning of it, a row by its number or a part of its request.
 */
import * as fs from 'fs';
import * as path from 'path';
import { printCrdDifferences } from './crd-differences';
import { NotPossible } from './lab';
import { readManifests, readTable } from './read';
import { runTable } from './run-table';
import { AccessTable } from '../../src/access/access-table';

const EXAMPLES = path.join(__dirname, '../../examples');

async function main([wantedExample, wantedRow]: string[]): Promise<boolean> {
  const began = Date.now();
  const names = fs.readdirSync(EXAMPLES).sort()
    .filter(name => fs.existsSync(path.join(EXAMPLES, name, 'access.yaml')) && fs.existsSync(path.join(EXAMPLES, name, 'manifests')))
    .filter(name => wantedExample === undefined || name.startsWith(wantedExample));
  if (names.length === 0) throw new NotPossible(`there is no example "${wantedExample}"`);
  await printCrdDifferences();
  let passed = 0;
  let failed = 0;
  for (const name of names) {
    console.log(name);
    const table: AccessTable = readTable(path.join(EXAMPLES, name, 'access.yaml'));
    const only = wantedRow === undefined ? undefined : (row: AccessTable['access'][number]) => String(table.access.indexOf(row) + 1) === wantedRow || row.request.includes(wantedRow);
    if (only && !table.access.some(only)) throw new NotPossible(`${name} has no row "${wantedRow}"`);
    const result = await runTable(table, readManifests(path.join(EXAMPLES, name, 'manifests')), only);
    passed += result.passed;
    failed += result.failed;
  }
  console.log(`${names.length} examples in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0;
}

main(process.argv.slice(2)).then(good => process.exit(good ? 0 : 1), error => {
  console.error(error instanceof NotPossible ? error.message : error);
  process.exit(2);
});
