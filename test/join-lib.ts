/**
 * Joins the modules of the compiled library that are loaded together, since finding and reading a file takes longer than
 * running it: those that every import of the library loads, and the rules, which every synth loads. In place of each
 * module remains a line that leads to the joined file, so that each is there once, whichever entry of the package is
 * loaded first. Generated classes, and what is loaded late, remain files of their own. Runs after `trim-lib.ts`.
 */
import * as fs from 'fs';
import { createRequire } from 'module';
import * as path from 'path';
import { build, Plugin } from 'esbuild';

const SRC = path.join(__dirname, '../lib/src');
const INDEX = 'index.js';
const compiled = createRequire(__filename);

/** The modules that are loaded with one of them, and were not loaded before. */
function loadedWith(module: string): string[] {
  const before = new Set(Object.keys(compiled.cache));
  compiled(path.join(SRC, module));
  return Object.keys(compiled.cache)
    .filter((file) => !before.has(file) && file.startsWith(SRC + path.sep))
    .map(nameOf);
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
  // The index keeps its text, in which Node and bundlers look for the names that the package exports.
  const atLoad = loadedWith(INDEX).filter((name) => name !== INDEX);
  const joined = { 'at-load.js': atLoad, 'at-synth.js': loadedWith('rules/index.js') };
  const index = fs.readFileSync(path.join(SRC, INDEX), 'utf8');
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
      plugins: [only(modules)],
      logLevel: 'warning',
    });
  for (const [file, modules] of Object.entries(joined))
    for (const name of modules) {
      const there = `${'../'.repeat(name.split('/').length - 1) || './'}${file}`;
      fs.writeFileSync(path.join(SRC, name), `module.exports = require("${there}")[${JSON.stringify(name)}];\n`);
    }
  const toJoined = index.replace(/require\("\.\/([^"]+)"\)/g, (_, written) => {
    const name = nameOf(compiled.resolve(path.join(SRC, written)));
    if (!atLoad.includes(name)) throw new Error(`${INDEX} requires ${name}, which is not joined`);
    return `require("./at-load.js")["${name}"]`;
  });
  fs.writeFileSync(path.join(SRC, INDEX), toJoined);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
