/**
 * npm packs a bundled package as it lies there, so while it packs only that part of the YAML reader lies there which Node
 * loads: programs that use this package cannot import it, and its declarations would be 29 of 700 kB. `prepack` lays the
 * whole aside, and `postpack` puts it back.
 */
import * as fs from 'fs';
import * as path from 'path';

const YAML = path.join(__dirname, '../node_modules/yaml');
const ASIDE = path.join(__dirname, '../node_modules/.yaml');
const UNLOADED = /^(browser|README\.md|dist\/(cli|test-events)\..*)$|\.d\.ts$/;

const versionIn = (folder: string): string =>
  JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).version;

// Also after a `prepack` whose `npm pack` failed, unless another version was installed since then.
if (fs.existsSync(ASIDE)) {
  const isCurrent = versionIn(ASIDE) === versionIn(YAML);
  fs.rmSync(isCurrent ? YAML : ASIDE, { recursive: true });
  if (isCurrent) fs.renameSync(ASIDE, YAML);
}
if (process.argv[2] === 'prepack') {
  fs.renameSync(YAML, ASIDE);
  const isLoaded = (file: string) => !UNLOADED.test(path.relative(ASIDE, file).split(path.sep).join('/'));
  fs.cpSync(ASIDE, YAML, { recursive: true, filter: isLoaded });
}
