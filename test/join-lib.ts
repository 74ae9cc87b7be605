/**
 * Joins the modules of the compiled library that are loaded together, since finding and reading a file takes longer than
 * running it: those that every import of the library loads, the rules, which every synth loads, and those of the command
 * line, which needs no cdk8s. In place of each module remains a line that leads to the joined file, so that each is
 * there once, whichever entry of the package is loaded first. Generated classes, and what is loaded late, remain files
 * of their own. Runs after `trim-lib.ts`.
 */
import * as fs from 'fs';
import { createRequire } from 'module';
import * as path from 'path';
import { build, Plugin } from 'esbuild';

const SRC = path.join(__dirname, '../lib/src');
const INDEX = 'index.js';
const COMMAND = 'explain/command.js';
const compiled = createRequire(__filename);

/** The library's own modules that are loaded with this one, itself included. */
function loadedWith(module: string): string[] {
  const isOwn = (file: string) => file.startsWith(SRC + path.sep);
  for (const file of Object.keys(compiled.cache).filter(isOwn)) delete compiled.cache[file];
  compiled(path.join(SRC, module));
  return Object.keys(compiled.cache).filter(isOwn).map(nameOf);
}

/** A file, as a path from `lib/src`. */
function nameOf(file: string): string {
  return path.relative(SRC, file).split(path.sep).join('/');
}

/** Takes in these modules, and leaves every other one to Node. */
function only(modules: readonly string[]): Plugin {
  return {
    name: 'only',
    setup: ({ onResolve }) =>
      onResolve({ filter: /^\./ }, ({ path: written, resolveDir }) => {
        const name = nameOf(compiled.resolve(path.join(resolveDir, written)));
        return modules.includes(name) ? undefined : { path: `./${name}`, external: true };
      }),
  };
}

async function main(): Promise<void> {
  if (fs.existsSync(path.join(SRC, 'at-load.js'))) throw new Error('lib is joined already: compile it again first');
  const [atLoad, atSynth, byCommand] = [INDEX, 'rules/index.js', COMMAND].map(loadedWith);
  const joined: Readonly<Record<string, readonly string[]>> = {
    'shared.js': atLoad.filter((name) => byCommand.includes(name)),
    // The index keeps its text, in which Node and bundlers look for the names that the package exports.
    'at-load.js': atLoad.filter((name) => name !== INDEX && !byCommand.includes(name)),
    'at-synth.js': atSynth.filter((name) => !atLoad.includes(name)),
    'by-command.js': byCommand.filter((name) => !atLoad.includes(name) && !atSynth.includes(name)),
  };
  const fileOf = new Map(Object.entries(joined).flatMap(([file, names]) => names.map((name) => [name, file])));
  const toJoined = (file: string) => {
    const text = fs.readFileSync(path.join(SRC, file), 'utf8');
    const led = text.replace(/require\("\.\/([^"]+)"\)/g, (whole, written) => {
      const name = nameOf(compiled.resolve(path.join(SRC, written)));
      const there = fileOf.get(name);
      return there === undefined ? whole : `require("./${there}")["${name}"]`;
    });
    fs.writeFileSync(path.join(SRC, file), led);
  };
  for (const [file, modules] of Object.entries(joined))
    await build({
      stdin: {
        contents: modules.map((name) => `exports[${JSON.stringify(name)}] = require("./${name}");`).join('\n'),
        resolveDir: SRC,
      },
      absWorkingDir: SRC,
      outfile: path.join(SRC, file),
      bundle: true,
      platform: 'node',
      target: 'node20',
      packages: 'external',
      // Names stay, as stacks of errors show them.
      minifyWhitespace: true,
      minifySyntax: true,
      // Node prints the whole line that throws an error which nobody catches, above the error.
      lineLimit: 400,
      plugins: [only(modules)],
      logLevel: 'warning',
    });
  for (const [file, modules] of Object.entries(joined))
    for (const name of modules) {
      const there = `${'../'.repeat(name.split('/').length - 1) || './'}${file}`;
      fs.writeFileSync(path.join(SRC, name), `module.exports = require("${there}")[${JSON.stringify(name)}];\n`);
    }
  for (const file of [INDEX, ...Object.keys(joined)]) toJoined(file);
  for (const file of ['shared.js', 'at-synth.js', 'by-command.js'])
    if (/require\("(cdk8s|\.\/at-load\.js)"\)/.test(fs.readFileSync(path.join(SRC, file), 'utf8')))
      throw new Error(`${file} needs cdk8s, whose loading takes longer than a question of the command line`);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
