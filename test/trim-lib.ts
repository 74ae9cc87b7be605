/**
 * Takes the comments out of the compiled library: the declarations beside it have them, and they were a tenth of the
 * package. Runs after the compiler.
 */
import * as fs from 'fs';
import * as path from 'path';
import * as ts from 'typescript';

const LIB = path.join(__dirname, '../lib');

for (const file of fs.readdirSync(LIB, { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.js')) continue;
  const written = path.join(LIB, file);
  const { outputText } = ts.transpileModule(fs.readFileSync(written, 'utf8'), {
    fileName: file,
    compilerOptions: { removeComments: true, target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.CommonJS },
  });
  fs.writeFileSync(written, outputText);
}
