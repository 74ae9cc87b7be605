/**
 * Makes the compiled library smaller, a fifth of the package: takes comments and indentation out of the code, whose
 * declarations have the comments, and removes the declarations that none of the package's entries leads to. Runs after
 * the compiler.
 */
import * as fs from 'fs';
import * as path from 'path';
import { transformSync } from 'esbuild';
import * as ts from 'typescript';

const LIB = path.join(__dirname, '../lib');
const { exports: entries } = JSON.parse(fs.readFileSync(path.join(__dirname, '../package.json'), 'utf8'));
/** The declarations of each entry, below `lib`; `imports/*` is a pattern. */
const ENTRIES = Object.values<{ readonly types?: string }>(entries).flatMap(({ types }) =>
  types === undefined ? [] : [path.posix.relative('lib', types)],
);

const files = fs.readdirSync(LIB, { recursive: true, encoding: 'utf8' });
const read = (file: string) => fs.readFileSync(path.join(LIB, file), 'utf8');

for (const file of files.filter((name) => name.endsWith('.js'))) {
  const { code } = transformSync(read(file), { minifyWhitespace: true, target: 'node20' });
  fs.writeFileSync(path.join(LIB, file), code);
}

const declarations = new Set(files.filter((name) => name.endsWith('.d.ts')));
const reached = new Set([...declarations].filter((file) => ENTRIES.includes(file) || file.startsWith('imports/')));
// A Set that grows while it is walked is walked to its end.
for (const file of reached)
  for (const { fileName } of ts.preProcessFile(read(file)).importedFiles) {
    const target = path.posix.join(path.posix.dirname(file), fileName);
    const found = [`${target}.d.ts`, `${target}/index.d.ts`].find((name) => declarations.has(name));
    if (found === undefined && fileName.startsWith('.')) throw new Error(`${file}: no declarations of ${fileName}`);
    if (found !== undefined) reached.add(found);
  }
for (const file of declarations) if (!reached.has(file)) fs.rmSync(path.join(LIB, file));
