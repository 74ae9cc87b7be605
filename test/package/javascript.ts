import { execFileSync, spawnSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { Checks, demand } from './checks';

const APPS = path.join(__dirname, 'app');
const CDK8S = path.join(__dirname, '../../node_modules/cdk8s-cli/bin/cdk8s');

/** Loads each module of the package, but the command line, without any other of the package having been loaded. */
const EACH_ALONE = `
  const { readdirSync, realpathSync } = require('fs');
  const root = realpathSync('node_modules/cdk8s-istio-egress/lib/src') + '/';
  const modules = readdirSync(root, { recursive: true }).filter((name) => name.endsWith('.js') && name !== 'explain/main.js');
  for (const name of modules) {
    for (const file of Object.keys(require.cache)) if (file.startsWith(root)) delete require.cache[file];
    const loaded = require(root + name);
    if (loaded === undefined) throw new Error(name + ' leads to nothing');
  }
  console.log(modules.length + ' modules');
`;

/** `npm install <tarball>` in an empty project, and everything people do then. Returns the manifest. */
export async function checkJavaScript(checks: Checks, tarball: string, folder: string): Promise<string> {
  fs.mkdirSync(folder, { recursive: true });
  for (const name of ['app.mjs', 'app.cjs']) fs.copyFileSync(path.join(APPS, name), path.join(folder, name));
  fs.copyFileSync(path.join(APPS, 'app.mts'), path.join(folder, 'app.ts')); // .mts keeps it out of this project's own type check
  fs.writeFileSync(
    path.join(folder, 'imports.ts'),
    [
      "import { Chart } from 'cdk8s';",
      "import { ServiceEntry } from 'cdk8s-istio-egress/imports/networking.istio.io';",
      "export const entry = (chart: Chart) => new ServiceEntry(chart, 'entry', { spec: { hosts: ['a.example.com'] " +
        '} });',
    ].join('\n'),
  );
  fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: 'app', version: '1.0.0', private: true }));
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, {
      cwd: folder,
      encoding: 'utf8',
      stdio: 'pipe',
      env: { ...process.env, CDK8S_OUTDIR: 'dist', CDK8S_CHECK_UPGRADE: 'false' },
    });
  const install = (...packages: string[]) =>
    run('npm', 'install', '--no-audit', '--no-fund', '--loglevel=error', ...packages);
  const synthesised = (how: () => void) => {
    fs.rmSync(path.join(folder, 'dist'), { recursive: true, force: true });
    how();
    return fs.readFileSync(path.join(folder, 'dist/payments.k8s.yaml'), 'utf8');
  };
  let manifest = '';
  const same = (how: () => void) => demand(synthesised(how) === manifest, 'another manifest than from ESM');

  await checks.run('npm install brings cdk8s and constructs along', () => {
    install(tarball);
    return `cdk8s ${versionOf(folder, 'cdk8s')}`;
  });
  await checks.run('an ESM app synthesises', () => {
    manifest = synthesised(() => run('node', 'app.mjs'));
    const count = manifest.split('---').length;
    demand(count === 9 && manifest.includes('api.partner.com'), `${count} objects`);
    return `${count} objects`;
  });
  await checks.run('a CommonJS app synthesises the same', () => same(() => run('node', 'app.cjs')));
  await checks.run('each module can be the first that is loaded', () => run('node', '-e', EACH_ALONE).trim());
  await checks.run('cdk8s synth does the same', () =>
    same(() => run('node', CDK8S, 'synth', '--app', 'node app.cjs', '--output', 'dist')),
  );

  for (const [name, versions] of [
    ['the oldest cdk8s and constructs', ['cdk8s@2.69.0', 'constructs@10.3.0']],
    ['the newest cdk8s and constructs', ['cdk8s@latest', 'constructs@latest']],
  ] as const) {
    await checks.run(`${name}: the same manifest`, () => {
      install(...versions);
      same(() => run('node', 'app.mjs'));
      return ['cdk8s', 'constructs'].map((one) => `${one} ${versionOf(folder, one)}`).join(', ');
    });
  }

  await checks.run('the command line explains what was synthesised', () => {
    const said = run(
      'npx',
      '--no-install',
      'cdk8s-istio-egress',
      'explain',
      'dist',
      '--gateway',
      'egress/istio-egressgateway',
      '--from',
      'payments/checkout',
      '--to',
      'http://api.partner.com/',
    );
    demand(/^200 from api\.partner\.com, through egress\//.test(said), said);
    return said.split('\n')[0];
  });
  await checks.run('the command line and `lint` judge what was synthesised', () => {
    const said = run('npx', '--no-install', 'cdk8s-istio-egress', 'lint', 'dist');
    demand(/^nothing found in [1-9]\d* objects in 1 file/.test(said), said);
    const findings = run(
      'node',
      '-e',
      'const { lint } = require("cdk8s-istio-egress/lint"); const spec = { hosts: ["a.example.com"], ports: [{ ' +
        'number: 443, name: "http", protocol: "HTTP" }] }; console.log(lint([{ apiVersion: "networking.istio.io/v1", ' +
        'kind: "ServiceEntry", metadata: { name: "a" }, spec }]).findings[0].code)',
    );
    demand(findings.trim() === 'tls-port-as-http', findings);
    return said.trim();
  });
  await checks.run('cdk8s synth validates an app without constructs of ours with LintPlugin', () => {
    fs.writeFileSync(
      path.join(folder, 'foreign.cjs'),
      [
        "const { App, Chart, ApiObject } = require('cdk8s');",
        'const app = new App();',
        "const spec = { host: 'a.example.com', trafficPolicy: { tls: { mode: 'SIMPLE', sni: 'a.example.com' } } };",
        "new ApiObject(new Chart(app, 'shop'), 'rule', { apiVersion: 'networking.istio.io/v1', kind: " +
          "'DestinationRule', spec });",
        'app.synth();',
      ].join('\n'),
    );
    const config = path.join(folder, 'cdk8s.yaml');
    const { version } = JSON.parse(
      fs.readFileSync(path.join(folder, 'node_modules/cdk8s-istio-egress/package.json'), 'utf8'),
    );
    fs.writeFileSync(
      config,
      `app: node foreign.cjs\nvalidations:\n  - package: ./node_modules/cdk8s-istio-egress\n    class: LintPlugin\n` +
        `    version: ${version}\n`,
    );
    let said = '';
    try {
      run('node', CDK8S, 'synth', '--output', 'dist-foreign');
    } catch (error) {
      said = String((error as { stdout: string }).stdout);
    }
    fs.rmSync(config);
    demand(/unverified-name[\s\S]*shop\/rule[\s\S]*spec\.trafficPolicy\.tls/.test(said), said || 'nothing was found');
  });
  await checks.run('it prints the pages of its documentation', () => {
    const list = run('npx', '--no-install', 'cdk8s-istio-egress', 'docs');
    demand(/^ {2}gateway /m.test(list), list);
    const page = run('npx', '--no-install', 'cdk8s-istio-egress', 'docs', 'gateway');
    demand(page.startsWith('# '), page.slice(0, 200));
    return `${list.trim().split('\n').length - 2} pages`;
  });
  await checks.run('an app loads neither the model nor the YAML reader', () => {
    // The plugin itself is part of the main entry; what it needs is loaded when it validates.
    const loaded = run(
      'node',
      '-e',
      'require("cdk8s-istio-egress"); console.log(Object.keys(require.cache).filter(file => ' +
        '/cdk8s-istio-egress.(lib.src.(explain|lint.(?!plugin)|model|reading)|node_modules)/.test(file)).join())',
    );
    demand(loaded.trim() === '', loaded);
  });

  await checks.run('TypeScript 6 and 7 and the types of Node install', () => {
    install('--save-dev', 'typescript@^6', 'typescript-7@npm:typescript@^7', '@types/node@^20');
  });
  for (const [title, name] of [
    ['TypeScript 6', 'typescript'],
    ['TypeScript 7', 'typescript-7'],
  ]) {
    for (const [module, resolution] of [
      ['node16', 'node16'],
      ['nodenext', 'nodenext'],
      ['esnext', 'bundler'],
    ]) {
      await checks.run(`${title} compiles a strict app, ${resolution} resolution`, () => {
        const manifestOf = JSON.parse(fs.readFileSync(path.join(folder, 'node_modules', name, 'package.json'), 'utf8'));
        const tsc = path.join(folder, 'node_modules', name, manifestOf.bin.tsc);
        const output = `out-${name}-${resolution}`;
        run(
          'node',
          tsc,
          '--strict',
          '--skipLibCheck',
          'false',
          '--noUncheckedIndexedAccess',
          '--exactOptionalPropertyTypes',
          '--target',
          'es2022',
          '--types',
          'node',
          '--module',
          module,
          '--moduleResolution',
          resolution,
          '--rootDir',
          '.',
          '--outDir',
          output,
          'app.ts',
          'imports.ts',
        );
        if (resolution !== 'bundler') same(() => run('node', path.join(output, 'app.js')));
        return manifestOf.version;
      });
    }
  }

  await checks.run('TypeScript finds the types of every entry, also where it does not read `exports`', () => {
    fs.writeFileSync(
      path.join(folder, 'explain.ts'),
      "export * from 'cdk8s-istio-egress/explain';\nexport * from 'cdk8s-istio-egress/lint';\n",
    );
    const { bin } = JSON.parse(fs.readFileSync(path.join(folder, 'node_modules/typescript/package.json'), 'utf8'));
    run(
      'node',
      path.join(folder, 'node_modules/typescript', bin.tsc),
      '--strict',
      '--noEmit',
      '--types',
      'node',
      '--target',
      'es2022',
      '--module',
      'commonjs',
      '--moduleResolution',
      'node10',
      '--ignoreDeprecations',
      '6.0',
      'app.ts',
      'imports.ts',
      'explain.ts',
    );
  });

  await checks.run('an error that nobody catches is not lost among code', () => {
    fs.writeFileSync(path.join(folder, 'thrown.cjs'), "require('cdk8s-istio-egress').EgressPort.tls(0);\n");
    const { stderr } = spawnSync('node', ['thrown.cjs'], { cwd: folder, encoding: 'utf8' });
    const before = stderr.indexOf('Error: EgressPort.tls(0)');
    demand(before >= 0 && before < 1000, `Node prints ${before} bytes, and then the error: ${stderr.slice(0, 2000)}`);
  });

  await checks.run('what is wrong in an app does not compile', () => {
    fs.writeFileSync(
      path.join(folder, 'wrong.ts'),
      [
        "import { Chart } from 'cdk8s';",
        "import { GatewayEgress, InstalledEgressGateway } from 'cdk8s-istio-egress';",
        "export const wrong = (chart: Chart, gateway: InstalledEgressGateway) => new GatewayEgress(chart, 'x', " +
          "{ gateway, hosts: ['a.example.com'] });",
      ].join('\n'),
    );
    const { bin } = JSON.parse(fs.readFileSync(path.join(folder, 'node_modules/typescript/package.json'), 'utf8'));
    let output = '';
    try {
      run(
        'node',
        path.join(folder, 'node_modules/typescript', bin.tsc),
        '--strict',
        '--noEmit',
        '--types',
        'node',
        '--target',
        'es2022',
        '--module',
        'node16',
        'wrong.ts',
      );
    } catch (error) {
      output = String((error as { stdout: string }).stdout);
    }
    demand(output.includes("'callers' is missing"), `a GatewayEgress without callers: ${output || 'compiled'}`);
  });

  await checks.run('deep paths of the package stay closed', () => {
    let message = '';
    try {
      run('node', '-e', 'require("cdk8s-istio-egress/lib/src/constructs/egress")');
    } catch (error) {
      message = (error as Error).message;
    }
    demand(message.includes('ERR_PACKAGE_PATH_NOT_EXPORTED'), 'lib/src/constructs/egress could be loaded');
  });
  return manifest;
}

function versionOf(folder: string, name: string): string {
  return JSON.parse(fs.readFileSync(path.join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;
}
