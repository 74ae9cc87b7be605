/**
 * Joins the modules of the compiled library that are loaded together, since finding and reading a file takes longer than
 * running it: those that every import of the library loads, the rules, which every synth loads, and those of the command
 * line, which needs no cdk8s. Each is there once, whichever entry of the package is loaded first. The entries, generated
 * classes, what is loaded late, and what the guard shares with that remain files of their own. Runs after `trim-lib.ts`.
 */
import * as fs from 'fs';
import { createRequire } from 'module';
import * as path from 'path';
import { transformSync } from 'esbuild';

const SRC = path.join(__dirname, '../lib/src');
const INDEX = 'index.js';
const COMMAND = 'explain/command.js';
const GUARD = 'recipes/guard/index.js';
const compiled = createRequire(__filename);

/** The library's own modules that are loaded with this one, itself included, each after those that it needs. */
function loadedWith(module: string): string[] {
  const isOwn = (file: string) => file.startsWith(SRC + path.sep);
  for (const file of Object.keys(compiled.cache).filter(isOwn)) delete compiled.cache[file];
  compiled(path.join(SRC, module));
  const found = new Set<NodeModule>();
  const names: string[] = [];
  const visit = (one: NodeModule) => {
    if (found.has(one) || !isOwn(one.filename)) return;
    found.add(one);
    one.children.forEach(visit);
    names.push(nameOf(one.filename));
  };
  visit(compiled.cache[path.join(SRC, module)]!);
  return names;
}

/** A file, as a path from `lib/src`. */
function nameOf(file: string): string {
  return path.relative(SRC, file).split(path.sep).join('/');
}

function main(): void {
  if (fs.existsSync(path.join(SRC, 'at-load.js'))) throw new Error('lib is joined already: compile it again first');
  const [atLoad, atSynth, byCommand, byGuard] = [INDEX, 'rules/index.js', COMMAND, GUARD].map(loadedWith);
  const isShared = (name: string) => byGuard.includes(name) && (atSynth.includes(name) || byCommand.includes(name));
  const late = (names: readonly string[]) => names.filter((name) => !atLoad.includes(name) && !isShared(name));
  const joined: Readonly<Record<string, readonly string[]>> = {
    'shared.js': atLoad.filter((name) => byCommand.includes(name)),
    // The index keeps its text, in which Node and bundlers look for the names that the package exports.
    'at-load.js': atLoad.filter((name) => name !== INDEX && !byCommand.includes(name)),
    'at-synth.js': late(atSynth),
    'by-command.js': late(byCommand).filter((name) => !atSynth.includes(name)),
    'by-guard.js': late(byGuard),
  };
  const fileOf = new Map<string, string>();
  for (const [file, names] of Object.entries(joined))
    for (const name of names) {
      if (fileOf.has(name)) throw new Error(`${name} would be in ${file} and in ${fileOf.get(name)}`);
      fileOf.set(name, file);
    }
  const toRoot = (name: string) => '../'.repeat(name.split('/').length - 1) || './';
  /** The text of a module, with what it requires where that is now. */
  const led = (name: string, into?: string) =>
    fs.readFileSync(path.join(SRC, name), 'utf8').replace(/require\("(\.[^"]+)"\)/g, (_, written) => {
      const other = nameOf(compiled.resolve(path.join(SRC, path.dirname(name), written)));
      const there = fileOf.get(other);
      if (there !== undefined && there === into) return `module.exports["${other}"]`;
      const root = into === undefined ? toRoot(name) : './';
      return there === undefined ? `require("${root}${other}")` : `require("${root}${there}")["${other}"]`;
    });
  const texts = Object.entries(joined).map(([file, names]) => {
    // Names stay, as stacks of errors show them. Node prints the whole line that throws an error which nobody catches,
    // above the error, so that lines are short.
    const options = { minifyWhitespace: true, minifySyntax: true, lineLimit: 400, target: 'node20' } as const;
    // A function in parentheses is compiled at once; any other is read twice, first only for its end.
    const parts = names.map((name) => {
      const { code } = transformSync(led(name, file), { ...options, sourcefile: name });
      return `(function(exports){${code}})(exports["${name}"]={});\n`;
    });
    return [file, parts.join('')] as const;
  });
  const apart = fs
    .readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js') && !fileOf.has(name))
    .map((name) => [name, led(name)] as const);
  for (const [file, text] of [...apart, ...texts]) fs.writeFileSync(path.join(SRC, file), text);
  for (const name of fileOf.keys()) fs.rmSync(path.join(SRC, name));
  for (const file of ['shared.js', 'at-synth.js', 'by-command.js'])
    if (/require\("(cdk8s|\.\/at-load\.js)"\)/.test(fs.readFileSync(path.join(SRC, file), 'utf8')))
      throw new Error(`${file} needs cdk8s, whose loading takes longer than a question of the command line`);
}

main();
