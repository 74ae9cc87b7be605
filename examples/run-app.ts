import * as fs from 'fs';
import { createRequire } from 'module';
import * as os from 'os';
import * as path from 'path';
import { transformSync } from 'esbuild';

const load = createRequire(__filename);

/**
 * Runs an app's TypeScript in this process, against the library in src/, and returns the files that it synthesises, by
 * name. The app itself is evaluated each time, and the modules that it imports once.
 */
export function runApp(code: string, folder = os.tmpdir()): Map<string, string> {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'egress-app-'));
  const before = { outdir: process.env.CDK8S_OUTDIR, folder: process.cwd() };
  process.env.CDK8S_OUTDIR = outdir;
  process.chdir(folder);
  try {
    const run = new Function('require', transformSync(code, { loader: 'ts', format: 'cjs', target: 'es2022' }).code);
    run((name: string) => load(name === 'cdk8s-istio-egress' ? '../src' : name));
    return filesIn(outdir);
  } finally {
    process.chdir(before.folder);
    if (before.outdir === undefined) delete process.env.CDK8S_OUTDIR;
    else process.env.CDK8S_OUTDIR = before.outdir;
    fs.rmSync(outdir, { recursive: true, force: true });
  }
}

/** The files of a folder, by name. */
export function filesIn(folder: string): Map<string, string> {
  if (!fs.existsSync(folder)) return new Map();
  return new Map(
    fs
      .readdirSync(folder)
      .sort()
      .map((name) => [name, fs.readFileSync(path.join(folder, name), 'utf8')]),
  );
}
