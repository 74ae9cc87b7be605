import * as fs from 'fs';
import * as path from 'path';
import * as ts from 'typescript';
import { admissionProblems } from './support/admission';
import { objectsIn } from '../examples/examples';
import { runApp } from '../examples/run-app';

const ROOT = path.join(__dirname, '..');
const PAGES = [
  'README.md',
  ...fs
    .readdirSync(path.join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

const CDK8S = ['ApiObject', 'App', 'Chart', 'Duration', 'JsonPatch'];

/** What an example in a doc comment takes for granted. */
const PRELUDE = `
import { ${CDK8S.join(', ')} } from 'cdk8s';
import * as egressLibrary from 'cdk8s-istio-egress';
const app = new App();
const chart = new Chart(app, 'chart', { namespace: 'payments' });
const exit = egressLibrary.InstalledEgressGateway.fromInstallation(chart, 'exit-of-the-page', egressLibrary.GatewayInstallation.helmChart({ namespace: 'egress' }));
const deployment = new ApiObject(chart, 'app', { apiVersion: 'apps/v1', kind: 'Deployment', spec: { template: { spec: { containers: [] } } } });
const shop = new Chart(app, 'shop', { namespace: 'shop' });
const checkout = new ApiObject(shop, 'checkout', {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  spec: { selector: { matchLabels: { app: 'checkout' } }, template: { metadata: { labels: { app: 'checkout' } }, spec: { serviceAccountName: 'checkout', containers: [] } } },
});
`;

interface Block {
  readonly page: string;
  readonly line: number;
  readonly code: string;
  readonly complete: boolean;
}

/** Blocks of a page, which can be copied as they are. One that is no app, such as a test, is fenced as `typescript`. */
function blocksOf(page: string): Block[] {
  const text = fs.readFileSync(path.join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(({ index, 1: code }) => ({
    page,
    line: text.slice(0, index).split('\n').length + 1,
    code,
    complete: true,
  }));
}

/** A block as a program: as it stands, or with what doc comments take for granted before it. */
function programOf({ code, complete }: Block): string {
  if (complete) return code;
  const used = [...new Set(code.match(/(?<![.'\w-])[A-Z]\w+(?=[.(,)])/g))].filter((name) => !CDK8S.includes(name));
  return (
    `${PRELUDE}const { ${used.join(', ')} } = egressLibrary;\nvoid [exit, deployment, checkout, ` +
    `${CDK8S.join(', ')}];\n${code}\napp.synth();\n`
  );
}

/** The examples in the doc comments of the public API, from which API.md is made. */
function examplesOf(file: string): Block[] {
  const text = fs.readFileSync(path.join(ROOT, file), 'utf8');
  return [...text.matchAll(/^ +\* @example\n((?: +\*(?! @)(?!\/).*\n)+)/gm)].map(({ index, 1: code }) => ({
    page: file,
    line: text.slice(0, index).split('\n').length + 1,
    code: code.replace(/^ +\* ?/gm, ''),
    complete: false,
  }));
}

const CLASSES = ['constructs', 'values'].flatMap((folder) =>
  fs.readdirSync(path.join(ROOT, 'src', folder)).map((name) => `src/${folder}/${name}`),
);
const examples = CLASSES.flatMap(examplesOf);

test('every construct has an example', () => {
  const constructs = CLASSES.filter((file) =>
    /^export class \w+ extends (Construct|Egress|ProxyTelemetry)\b/m.test(
      fs.readFileSync(path.join(ROOT, file), 'utf8'),
    ),
  );
  expect(constructs.filter((file) => !examples.some(({ page }) => page === file))).toEqual([]);
  expect(constructs.length).toBeGreaterThan(9);
});

const blocks = [...PAGES.flatMap(blocksOf), ...examples];
const title = ({ page, line }: Block) => `${page}:${line}`;

test('the README and the pages about constructs have code', () => {
  expect([...new Set(blocks.map(({ page }) => page))]).toEqual(
    expect.arrayContaining([
      'README.md',
      'docs/direct.md',
      'docs/gateway.md',
      'docs/lock-the-mesh.md',
      'docs/sidecar.md',
      'docs/tls.md',
    ]),
  );
});

test('every block compiles, strictly', () => {
  const files = new Map(blocks.map((block, index) => [path.join(ROOT, 'docs', `block-${index}.ts`), block]));
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts'],
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    types: ['node'],
    paths: { 'cdk8s-istio-egress': [path.join(ROOT, 'src/index.ts')] },
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  const textOf = (name: string) => (files.has(name) ? programOf(files.get(name)!) : undefined);
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => textOf(name) ?? readFile(name);
  host.getSourceFile = (name, version, ...rest) => {
    const text = textOf(name);
    return text === undefined ? getSourceFile(name, version, ...rest) : ts.createSourceFile(name, text, version);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  const problems = [...files].flatMap(([name, block]) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(name))
      .map(({ messageText }) => `${title(block)}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`),
  );
  expect(problems).toEqual([]);
}, 60_000);

const titled = blocks.map((block) => [title(block), block] as const);

test.each(titled)('%s synthesises, and an API server with Istio takes it', (_title, block) => {
  const manifests = objectsIn(runApp(programOf(block)));
  expect(manifests.length).toBeGreaterThan(0);
  expect(manifests.filter(({ apiVersion }) => apiVersion.includes('istio.io')).flatMap(admissionProblems)).toEqual([]);
});
