import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { Checks, demand } from './checks';

/** Everything that may be in the package, and nothing else is. */
const ALLOWED = [
  /^(\.jsii|LICENSE|package\.json|(API|CHANGELOG|README|SECURITY)\.md)$/,
  /^lib\/(src|imports)\/[\w./-]+\.(js|d\.ts)$/,
  /^docs\/([\w-]+\.md|access-table\.schema\.json)$/,
  /^examples\/[\w-]+\/(README\.md|main\.ts|cdk8s\.yaml|access\.yaml|hand-written\.yaml|manifests\/[\w.-]+\.yaml)$/,
  // The YAML reader of the command line, and of that only what Node loads.
  /^node_modules\/yaml\/(LICENSE|package\.json|bin\.mjs|util\.js|dist\/[\w./-]+\.js)$/,
];
const NEEDED = [
  '.jsii',
  'API.md',
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'SECURITY.md',
  'docs/access-table.schema.json',
  'docs/gateway.md',
  'examples/protocols/main.ts',
  'package.json',
  'lib/src/index.js',
  'lib/src/index.d.ts',
  'lib/src/explain/main.js',
  'node_modules/yaml/package.json',
  'lib/imports/networking.istio.io.js',
];
const LARGEST = 700_000;

export async function checkContents(checks: Checks, tarball: string): Promise<void> {
  const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n');

  await checks.run('the tarball holds the library and nothing else', () => {
    const strangers = files
      .map((file) => file.replace(/^package\//, ''))
      .filter((file) => !ALLOWED.some((allowed) => allowed.test(file)));
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
      const manifest = JSON.parse(read(tarball, 'package.json'));
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

  await checks.run('every link of its pages leads to a file that is in it', () => {
    const inside = new Set(files.map((file) => file.replace(/^package\//, '')));
    const folders = new Set([...inside].map((file) => path.posix.dirname(file)));
    let count = 0;
    const broken = [...inside]
      .filter((file) => /^(docs|examples)\/.*\.md$|^(CHANGELOG|README|SECURITY)\.md$/.test(file))
      .flatMap((page) =>
        [...read(tarball, page).matchAll(/\]\(([^)\s#]+)[^)]*\)/g)]
          .map(([, link]) => link)
          .filter((link) => !/^[a-z]+:/.test(link))
          .filter((link) => {
            count++;
            const target = path.posix.join(path.posix.dirname(page), link).replace(/\/$/, '');
            return !inside.has(target) && !folders.has(target);
          })
          .map((link) => `${page}: ${link}`),
      );
    demand(broken.length === 0, `nothing is there:\n${broken.join('\n')}`);
    return `${count} links`;
  });

  await checks.run(
    'its licence, version and keywords are where Construct Hub looks, and what it brings is free',
    () => {
      const [manifest, assembly] = [read(tarball, 'package.json'), read(tarball, '.jsii')].map((text) =>
        JSON.parse(text),
      );
      for (const field of ['name', 'version', 'license'])
        demand(manifest[field] === assembly[field], `${field}: ${manifest[field]} and ${assembly[field]}`);
      demand(manifest.license === 'Apache-2.0', `licence ${manifest.license}`);
      for (const word of ['cdk8s', 'constructs']) demand(manifest.keywords.includes(word), `no keyword "${word}"`);
      const bundled = JSON.parse(read(tarball, 'node_modules/yaml/package.json'));
      demand(
        ['ISC', 'MIT', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0'].includes(bundled.license),
        `yaml: ${bundled.license}`,
      );
      demand(Object.keys(bundled.dependencies ?? {}).length === 0, 'yaml has dependencies of its own');
      demand(read(tarball, 'node_modules/yaml/LICENSE') !== '', 'the licence of yaml is not in the package');
      return `${manifest.version}, ${manifest.license}; yaml ${bundled.version}, ${bundled.license}`;
    },
  );
}

function read(tarball: string, file: string): string {
  return execFileSync('tar', ['-xzOf', tarball, `package/${file}`], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}
