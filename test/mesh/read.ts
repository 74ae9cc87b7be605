import * as fs from 'fs';
import * as path from 'path';
import Ajv from 'ajv';
import { parse, parseAllDocuments } from 'yaml';
import { KubeObject, NotPossible } from './lab';
import { AccessTable } from '../../src/access/access-table';
import { accessTableProblems } from '../../src/access/read-access-table';

const SCHEMA = path.join(__dirname, '../../docs/access-table.schema.json');

/** Reads an access table; an invalid one stops the run before a lab is started. */
export function readTable(file: string): AccessTable {
  if (!fs.existsSync(file)) throw new NotPossible(`${file} does not exist`);
  const table: AccessTable = parse(fs.readFileSync(file, 'utf8'));
  const ajv = new Ajv({ allErrors: true });
  const fits = ajv.compile(JSON.parse(fs.readFileSync(SCHEMA, 'utf8')));
  const problems = fits(table as unknown)
    ? accessTableProblems(table)
    : fits.errors!.map((error) => `${error.instancePath} ${error.message} ${Object.values(error.params).join(' ')}`);
  if (problems.length > 0) throw new NotPossible(`${file}:\n  ${problems.join('\n  ')}`);
  return table;
}

/** Reads a YAML file, or all YAML files below a folder. */
export function readManifests(from: string): KubeObject[] {
  if (!fs.existsSync(from)) throw new NotPossible(`${from} does not exist`);
  const files = fs.statSync(from).isDirectory()
    ? (fs.readdirSync(from, { recursive: true }) as string[])
        .filter((name) => /\.ya?ml$/.test(name))
        .sort()
        .map((name) => path.join(from, name))
    : [from];
  return files.flatMap((file) =>
    parseAllDocuments(fs.readFileSync(file, 'utf8')).flatMap((document) => {
      if (document.errors.length > 0) throw new NotPossible(`${file}: ${document.errors[0].message}`);
      return document.toJS() ?? [];
    }),
  );
}
