/**
 * What users get: the packages in dist/, installed in empty projects. Uses the package registries, so it runs in
 * .ci/run and not in `npm test`. Build the packages first, as CONTRIBUTING.md says.
 */
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { checkAlerts } from './alerts';
import { Checks } from './checks';
import { checkContents } from './contents';
import { checkGo } from './go';
import { checkJava } from './java';
import { checkJavaScript } from './javascript';
import { checkPages } from './pages';
import { checkPublished } from './published';
import { checkPython } from './python';

const ROOT = path.join(__dirname, '../..');

async function main() {
  const checks = new Checks();
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'egress-package-'));
  try {
    const tarball = only(path.join(ROOT, 'dist/js'), '.tgz');
    await checkContents(checks, tarball);
    await checkAlerts(checks, path.join(work, 'alerts'));
    await checkPublished(checks, tarball, path.join(work, 'published'));
    const manifest = await checkJavaScript(checks, tarball, path.join(work, 'js'));
    await checkPages(checks, path.join(work, 'js'));
    await checkPython(checks, only(path.join(ROOT, 'dist/python'), '.whl'), path.join(work, 'python'), manifest);
    await checkJava(checks, path.join(ROOT, 'dist/java'), path.join(work, 'java'), manifest);
    await checkGo(checks, path.join(ROOT, 'dist/go/cdk8sistioegress'), path.join(work, 'go'), manifest);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  checks.finish();
}

function only(folder: string, end: string): string {
  const found = fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith(end)) : [];
  if (found.length !== 1)
    throw new Error(
      `expected one *${end} in ${path.relative(ROOT, folder)}, found ${found.length}; run: npx projen compile ` +
        '&& npx projen post-compile && npx projen package-all',
    );
  return path.join(folder, found[0]);
}

main().catch((error) => {
  console.error((error as Error).message);
  process.exitCode = 1;
});
