import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { Checks, demand } from './checks';

const ROOT = path.join(__dirname, '../..');
const CDK8S = 'github.com/cdk8s-team/cdk8s-core-go/cdk8s/v2';

/**
 * The generated Go module, and the same app as in TypeScript. cdk8s' own Go module is generated from its npm package,
 * because the published one cannot be verified where this runs: its checksum is not served.
 */
export async function checkGo(checks: Checks, module: string, folder: string, manifest: string): Promise<void> {
  const go = (...args: string[]) =>
    execFileSync('go', args, {
      cwd: folder,
      encoding: 'utf8',
      stdio: 'pipe',
      env: { ...process.env, CDK8S_OUTDIR: 'dist', GOFLAGS: '-mod=mod' },
    });
  await checks.run('a Go app synthesises the same manifest as TypeScript', () => {
    fs.mkdirSync(folder, { recursive: true });
    fs.copyFileSync(path.join(__dirname, 'app/go/main.go'), path.join(folder, 'main.go'));
    execFileSync(
      path.join(ROOT, 'node_modules/.bin/jsii-pacmak'),
      [
        '--target',
        'go',
        '--code-only',
        '--outdir',
        path.join(folder, 'generated'),
        path.join(ROOT, 'node_modules/cdk8s'),
      ],
      { encoding: 'utf8', stdio: 'pipe' },
    );
    const { name, require } = moduleOf(module);
    go('mod', 'init', 'example/payments');
    for (const one of [...require, `${name}@v0.0.0`, `${CDK8S}@v2.0.0`]) go('mod', 'edit', `-require=${one}`);
    go('mod', 'edit', `-replace=${name}=${module}`, `-replace=${CDK8S}=${path.join(folder, 'generated/go/cdk8s')}`);
    go('run', '.');
    const synthesised = fs.readFileSync(path.join(folder, 'dist/payments.k8s.yaml'), 'utf8');
    demand(manifest !== '' && synthesised === manifest, 'another manifest than from JavaScript');
    return go('version').trim();
  });
}

/** The name of a module, and what it requires besides cdk8s, as `go mod edit` takes it. */
function moduleOf(folder: string): { name: string; require: string[] } {
  const text = fs.readFileSync(path.join(folder, 'go.mod'), 'utf8');
  const require = [...text.matchAll(/^\t(\S+) (v\S+)$/gm)].filter(([, one]) => one !== CDK8S);
  return { name: /^module (\S+)$/m.exec(text)![1], require: require.map(([, one, version]) => `${one}@${version}`) };
}
