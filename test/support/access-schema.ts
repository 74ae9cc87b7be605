import * as fs from 'fs';
import * as path from 'path';
import Ajv from 'ajv';
import { AccessTable } from '../../src/access/access-table';
import { accessTableProblems } from '../../src/access/read-access-table';

const schema = JSON.parse(fs.readFileSync(path.join(__dirname, '../../docs/access-table.schema.json'), 'utf8'));
const validate = new Ajv({ strict: false, allErrors: true }).compile(schema);

/** The problems of a parsed access table: those of its schema, or, if it fits the schema, those between its rows. */
export function problemsOf(table: unknown): string[] {
  if (!validate(table))
    return validate.errors!.map(
      (error) => `${error.instancePath || '/'} ${error.message} ${JSON.stringify(error.params)}`,
    );
  return accessTableProblems(table as AccessTable);
}
