import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { Checks, demand } from './checks';
import { asShown, commandsOf, filesOf, programPage, programsOf, testsOf } from '../support/pages';

/** The chart that the test on the page about `explain` is for. */
const PAYMENTS = `
import { Chart } from 'cdk8s';
import { Caller, GatewayEgress, GatewayInstallation, InstalledEgressGateway } from 'cdk8s-istio-egress';
import type { Construct } from 'constructs';

export class Payments extends Chart {
  constructor(scope: Construct, id: string) {
    super(scope, id, { namespace: 'payments' });
    const gateway = new InstalledEgressGateway(this, 'exit', {
      installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
    });
    const callers = [Caller.serviceAccount('payments', 'checkout')];
    new GatewayEgress(this, 'partner', { gateway, hosts: ['api.partner.com'], callers });
  }
}
`;

/**
 * What the pages of the package show, done by somebody who has nothing else: every program is compiled and run, then
 * the page's commands; and the test that the page about `expectEgress` shows.
 *
 * @param project a folder in which the package, TypeScript and the types of Node are installed
 */
export async function checkPages(checks: Checks, project: string): Promise<void> {
  const installed = path.join(project, 'node_modules/cdk8s-istio-egress');
  const text = (page: string) => fs.readFileSync(path.join(installed, page), 'utf8');
  const pages = fs.readdirSync(path.join(installed, 'docs')).filter((name) => name.endsWith('.md'));
  const folders = ['README.md', ...pages.map((name) => `docs/${name}`)].flatMap((page) =>
    programsOf(text(page)).map((program, index) => {
      const folder = path.join(project, 'pages', `${path.basename(page, '.md')}-${index}`);
      fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(path.join(folder, 'main.ts'), program);
      return { page, folder };
    }),
  );
  const run = (cwd: string, command: string, ...args: string[]) =>
    execFileSync(command, args, {
      cwd,
      encoding: 'utf8',
      stdio: 'pipe',
      env: { ...process.env, CDK8S_OUTDIR: 'dist', CDK8S_CHECK_UPGRADE: 'false' },
    });
  const compile = (...files: string[]) => {
    const { bin } = JSON.parse(fs.readFileSync(path.join(project, 'node_modules/typescript/package.json'), 'utf8'));
    const tsc = path.join(project, 'node_modules/typescript', bin.tsc);
    const options = ['--strict', '--target', 'es2022', '--module', 'node16', '--rootDir', '.'];
    run(project, 'node', tsc, ...options, '--types', 'node,jest', ...files);
  };

  /** What jest says about a test that fails; nothing if it passes. */
  const failureOf = (test: string): string => {
    try {
      run(project, 'npx', '--no-install', 'jest', test);
      return '';
    } catch (error) {
      return String((error as { stderr: string }).stderr);
    }
  };

  await checks.run('what the pages import besides installs: cdk8s-plus, and jest and yaml for the tests', () => {
    const packages = ['cdk8s-plus-33', 'jest@^30', '@types/jest@^30', 'yaml'];
    run(project, 'npm', 'install', '--no-audit', '--no-fund', '--loglevel=error', '--save-dev', ...packages);
  });
  await checks.run(
    "a test with expectEgress, as its page shows it, passes; and fails when the caller's name is wrong",
    () => {
      const shown = testsOf(text('docs/expect.md')).find((code) => code.includes('expectEgress'))!;
      fs.writeFileSync(path.join(project, 'payments.ts'), PAYMENTS);
      fs.writeFileSync(path.join(project, 'payments.test.ts'), `import { Payments } from './payments';\n${shown}`);
      fs.writeFileSync(
        path.join(project, 'wrong.test.ts'),
        `import { Payments } from './payments';\n${shown.replace('payments/checkout', 'payments/checkuot')}`,
      );
      compile('payments.test.ts', 'wrong.test.ts');
      run(project, 'npx', '--no-install', 'jest', 'payments.test.js');
      const said = failureOf('wrong.test.js');
      demand(/1 failed/.test(said) && said.includes('checkuot'), said || 'the wrong test passed');
    },
  );

  await checks.run('a test of an access table, as that page shows it, passes; and fails for a wrong row', () => {
    const shown = text('docs/expect.md');
    const code = testsOf(shown).find((one) => one.includes('judgeTable(manifests'))!;
    const access = filesOf(shown).get('access.yaml')!;
    fs.writeFileSync(path.join(project, 'table.test.ts'), `import { Payments } from './payments';\n${code}`);
    compile('table.test.ts');
    const judged = (table: string) => {
      fs.writeFileSync(path.join(project, 'access.yaml'), table);
      return failureOf('table.test.js');
    };
    const said = judged(access);
    demand(said === '', said);
    const wrong = access.replace('outcome: refused, by: gateway', 'outcome: answered');
    demand(/1 failed/.test(judged(wrong)), 'the wrong table passed');
  });

  await checks.run('every program of its pages compiles, strictly', () => {
    compile(...folders.map(({ folder }) => path.relative(project, path.join(folder, 'main.ts'))));
    return `${folders.length} programs`;
  });

  await checks.run('every program of its pages synthesises', () => {
    const nothing = folders.filter(({ folder }) => {
      run(folder, 'node', 'main.js');
      return fs.readdirSync(path.join(folder, 'dist')).length === 0;
    });
    demand(nothing.length === 0, `nothing is written by ${nothing.map(({ page }) => page).join(', ')}`);
    return `${new Set(folders.map(({ page }) => page)).size} pages`;
  });

  await checks.run('every command of those pages prints what the page shows', () => {
    const program = path.join(project, 'node_modules/.bin/cdk8s-istio-egress');
    let count = 0;
    for (const page of pages.map((name) => `docs/${name}`)) {
      const source = programPage(text(page), text('README.md')) === text(page) ? page : 'README.md';
      const folder = folders.find((one) => one.page === source)?.folder;
      if (folder === undefined) continue;
      for (const [name, content] of filesOf(text(page))) fs.writeFileSync(path.join(folder, name), content);
      for (const command of commandsOf(text(page))) {
        let printed: string;
        try {
          printed = run(folder, program, ...command.args);
        } catch (error) {
          printed = String((error as { stdout: string }).stdout); // what is refused or found ends with another code
        }
        const shown = asShown(command, printed);
        demand(shown === command.output, `${page}: ${command.args.join(' ')}\n${printed}`);
        count++;
      }
    }
    demand(count > 0, 'no page shows a command');
    return `${count} commands`;
  });
}
