import { execFileSync } from 'child_process';
import * as fs from 'fs';
import { Checks, demand } from './checks';

/** Everything that may be in the package, and nothing else is: ours, and the YAML reader of the command line. */
const ALLOWED =
  /^package\/(\.jsii|API\.md|LICENSE|README\.md|package\.json|lib\/(src|imports)\/[\w./-]+\.(js|d\.ts)|node_modules\/yaml\/.+)$/;
const NEEDED = [
  '.jsii',
  'API.md',
  'LICENSE',
  'README.md',
  'package.json',
  'lib/src/index.js',
  'lib/src/index.d.ts',
  'lib/src/explain/main.js',
  'node_modules/yaml/package.json',
  'lib/imports/networking.istio.io.js',
];
const LARGEST = 600_000;

export async function checkContents(checks: Checks, tarball: string): Promise<void> {
  const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n');

  await checks.run('the tarball holds the library and nothing else', () => {
    const strangers = files.filter((file) => !ALLOWED.test(file));
    const missing = NEEDED.filter((file) => !files.includes(`package/${file}`));
    demand(strangers.length === 0, `does not belong there: ${strangers.join(', ')}`);
    demand(missing.length === 0, `missing: ${missing.join(', ')}`);
    return `${files.length} files`;
  });

  await checks.run('the tarball is small', () => {
    const { size } = fs.statSync(tarball);
    demand(size <= LARGEST, `${size} bytes, more than ${LARGEST}`);
    return `${Math.round(size / 1024)} KB`;
  });

  await checks.run(
    "it depends on cdk8s and constructs only, as peers, and brings the command line's YAML reader along",
    () => {
      const manifest = JSON.parse(
        execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' }),
      );
      const {
        dependencies = {},
        peerDependencies = {},
        bundledDependencies = [],
        optionalDependencies = {},
      } = manifest;
      demand(
        JSON.stringify(Object.keys(peerDependencies).sort()) === '["cdk8s","constructs"]',
        `peerDependencies: ${JSON.stringify(peerDependencies)}`,
      );
      demand(
        JSON.stringify(bundledDependencies) === '["yaml"]',
        `bundledDependencies: ${JSON.stringify(bundledDependencies)}`,
      );
      demand(JSON.stringify(Object.keys(dependencies)) === '["yaml"]', `dependencies: ${JSON.stringify(dependencies)}`);
      demand(Object.keys(optionalDependencies).length === 0, `besides: ${JSON.stringify(optionalDependencies)}`);
    },
  );

  await checks.run('no file of it knows where it was built', () => {
    const text = execFileSync('tar', ['-xzOf', tarball], { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 });
    demand(!text.includes(process.cwd()), `holds the path ${process.cwd()}`);
  });
}
