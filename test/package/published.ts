import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { Checks, demand } from './checks';

/**
 * jsii-diff wants to see cdk8s and constructs. Not dependencies of this project: they would make every `npm ci` longer.
 */
const TOOLS = [
  'publint@0.3.25',
  '@arethetypeswrong/cli@0.18.5',
  'jsii-diff@1.134.0',
  'cdk8s@2.69.0',
  'constructs@10.3.0',
];
/** The assembly of the last release, as it was published: `<version>.jsii`. None before the first release. */
const RELEASED = path.join(__dirname, 'released');

/** What tools for publishers say about the package. */
export async function checkPublished(checks: Checks, tarball: string, folder: string): Promise<void> {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), '{"private": true}');
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });

  await checks.run('the tools for publishers install', () => {
    run('npm', 'install', '--no-audit', '--no-fund', '--loglevel=error', ...TOOLS);
  });
  await checks.run('publint finds nothing', () => {
    const said = run('npx', '--no-install', 'publint', 'run', tarball, '--strict');
    demand(said.includes('All good!'), said);
  });
  await checks.run('Are the types wrong? No', () => {
    // `.jsii` is data for jsii, and nobody imports it.
    run('npx', '--no-install', 'attw', tarball, '--exclude-entrypoints', './.jsii', '--format', 'ascii');
  });

  const assembly = path.join(folder, 'now');
  const unpack = () => {
    fs.mkdirSync(assembly, { recursive: true });
    run('tar', '-xzf', tarball, '-C', assembly, '--strip-components=1', 'package/.jsii', 'package/package.json');
    return JSON.parse(fs.readFileSync(path.join(assembly, '.jsii'), 'utf8'));
  };
  /** What jsii-diff says against an older assembly; empty if nothing breaks. */
  const breaks = (older: unknown, name: string) => {
    const before = path.join(folder, name);
    fs.mkdirSync(before, { recursive: true });
    fs.copyFileSync(path.join(assembly, 'package.json'), path.join(before, 'package.json'));
    fs.writeFileSync(path.join(before, '.jsii'), JSON.stringify(older));
    try {
      run('npx', '--no-install', 'jsii-diff', before, assembly, '--error-on', 'all');
      return '';
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      return `${stdout}${stderr}`;
    }
  };
  await checks.run('jsii-diff notices what would break programs', () => {
    const now = unpack();
    const type = `${now.name}.Caller`;
    const older = {
      ...now,
      types: { ...now.types, [`${type}Gone`]: { ...now.types[type], name: 'CallerGone', fqn: `${type}Gone` } },
    };
    demand(breaks(now, 'same') === '', breaks(now, 'same'));
    demand(/CallerGone/.test(breaks(older, 'older')), 'a class that is gone was not noticed');
  });
  await checks.run('the API is compatible with the last release, or the version says that it is not', () => {
    const [file] = fs.existsSync(RELEASED) ? fs.readdirSync(RELEASED) : [];
    if (file === undefined) return 'no release yet';
    const older = JSON.parse(fs.readFileSync(path.join(RELEASED, file), 'utf8'));
    const said = breaks(older, 'released');
    const [line, now] = [older.version, unpack().version].map((version: string) =>
      version
        .split('.')
        .slice(0, version.startsWith('0.') ? 2 : 1)
        .join('.'),
    );
    demand(said === '' || line !== now, `breaks programs for ${older.version}:\n${said}`);
    return `${older.version}: ${said === '' ? 'compatible' : 'broken, as the new version says'}`;
  });
}
