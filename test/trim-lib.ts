/**
 * Takes comments out of the compiled library, which were a tenth of the package: out of the code, whose declarations
 * have them, and out of the declarations of rooms that no entry of the package exports. Runs after the compiler.
 */
import * as fs from 'fs';
import * as path from 'path';
import * as ts from 'typescript';

const LIB = path.join(__dirname, '../lib');
const UNEXPORTED = /^src\/(cli|declarations|emission|istio|reading|recipes|schema)\//;

const printer = ts.createPrinter({ removeComments: true });

for (const file of fs.readdirSync(LIB, { recursive: true, encoding: 'utf8' })) {
  const written = path.join(LIB, file);
  if (file.endsWith('.js')) {
    const { outputText } = ts.transpileModule(fs.readFileSync(written, 'utf8'), {
      fileName: file,
      compilerOptions: { removeComments: true, target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.CommonJS },
    });
    fs.writeFileSync(written, outputText);
  } else if (file.endsWith('.d.ts') && UNEXPORTED.test(file)) {
    const source = ts.createSourceFile(file, fs.readFileSync(written, 'utf8'), ts.ScriptTarget.ESNext);
    fs.writeFileSync(written, printer.printFile(source));
  }
}
