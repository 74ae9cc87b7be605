import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { Checks, demand } from './checks';

/** `pip install <wheel>` in an empty environment, and the same app as in TypeScript. */
export async function checkPython(checks: Checks, wheel: string, folder: string, manifest: string): Promise<void> {
  fs.mkdirSync(folder, { recursive: true });
  const python = path.join(folder, 'venv/bin/python');
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, {
      cwd: folder,
      encoding: 'utf8',
      stdio: 'pipe',
      env: { ...process.env, CDK8S_OUTDIR: 'dist', JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '20' },
    });

  await checks.run('pip install brings the Python package and its peers', () => {
    run('python3', '-m', 'venv', 'venv');
    run(python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', wheel);
    return run(python, '-c', 'import importlib.metadata as m; print("cdk8s", m.version("cdk8s"))').trim();
  });
  await checks.run('a Python app synthesises the same manifest as TypeScript', () => {
    run(python, path.join(__dirname, 'app/app.py'));
    demand(
      manifest !== '' && fs.readFileSync(path.join(folder, 'dist/payments.k8s.yaml'), 'utf8') === manifest,
      'another manifest than from JavaScript',
    );
  });
}
