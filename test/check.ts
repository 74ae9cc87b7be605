/**
 * Types and lint of everything that is written here, over one program: each of `tsc` and `eslint` would make its own,
 * and check every type in it anew.
 */
import * as path from 'path';
import { ESLint, Linter } from 'eslint';
import * as ts from 'typescript';

const ROOT = path.join(__dirname, '..');
const CONFIG = path.join(__dirname, 'tsconfig.json');
/** Generated; a test compares them, and `npm run compile` checks their types. */
const IMPORTS = path.join(ROOT, 'imports/');

function programOf(config: string): ts.Program {
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: fail };
  const { fileNames, options, errors } = ts.getParsedCommandLineOfConfigFile(config, {}, host)!;
  return ts.createProgram({ rootNames: fileNames, options, configFileParsingDiagnostics: errors });
}

function fail(diagnostic: ts.Diagnostic): never {
  throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
}

function typeErrors(program: ts.Program): string {
  const files = program
    .getSourceFiles()
    .filter((file) => !file.isDeclarationFile && !program.isSourceFileFromExternalLibrary(file))
    .filter(({ fileName }) => !path.normalize(fileName).startsWith(IMPORTS));
  const found = files.flatMap((file) => ts.getPreEmitDiagnostics(program, file));
  const format =
    process.stdout.isTTY || process.env.FORCE_COLOR ? ts.formatDiagnosticsWithColorAndContext : ts.formatDiagnostics;
  return format(ts.sortAndDeduplicateDiagnostics(found), {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => ROOT,
    getNewLine: () => '\n',
  });
}

async function lintErrors(program: ts.Program): Promise<string> {
  const shared: Linter.Config = { files: ['**/*.ts'], languageOptions: { parserOptions: { programs: [program] } } };
  const eslint = new ESLint({ cwd: ROOT, overrideConfig: [shared] });
  const formatter = await eslint.loadFormatter('stylish');
  return formatter.format(await eslint.lintFiles(['.']));
}

async function main() {
  const program = programOf(CONFIG);
  const errors = [typeErrors(program), await lintErrors(program)].filter((text) => text !== '').join('\n');
  if (errors === '') return;
  console.error(errors);
  process.exitCode = 1;
}

void main();
