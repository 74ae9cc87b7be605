import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { buildSync } from 'esbuild';

export const ROOT = path.join(__dirname, '..');

/**
 * A program of this folder as Node runs it without a loader, whose cost would count, with the compiled library beside
 * it, as users have it. The program is in a folder from which Node finds cdk8s.
 */
export function compiled(program: string): string {
  compileLibrary();
  const outfile = path.join(ROOT, `node_modules/.cache/bench/${program}.js`);
  buildSync({
    entryPoints: [path.join(__dirname, `${program}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    packages: 'external',
  });
  return outfile;
}

function compileLibrary(): void {
  const newest = (folder: string): number =>
    Math.max(
      ...fs
        .readdirSync(folder, { withFileTypes: true })
        .map((entry) =>
          entry.isDirectory()
            ? newest(path.join(folder, entry.name))
            : fs.statSync(path.join(folder, entry.name)).mtimeMs,
        ),
    );
  const built = path.join(ROOT, 'lib/src/index.js');
  if (fs.existsSync(built) && fs.statSync(built).mtimeMs > newest(path.join(ROOT, 'src'))) return;
  console.log('compiling the library');
  fs.rmSync(path.join(ROOT, 'lib'), { recursive: true, force: true });
  execFileSync(process.execPath, [path.join(ROOT, 'node_modules/jsii/bin/jsii'), '--silence-warnings=reserved-word'], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const script of ['test/trim-lib.ts', 'test/join-lib.ts'])
    execFileSync(path.join(ROOT, 'node_modules/.bin/tsx'), [script], { cwd: ROOT, stdio: 'inherit' });
}
