import { execFile } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { promisify } from 'util';
import { parse, parseAllDocuments } from 'yaml';
import { AccessTable } from '../src/access/access-table';
import { asMermaid, JudgedRow, judgeTable } from '../src/explain';

const run = promisify(execFile);
const TSX = require.resolve('tsx/cli');

/** An app, its golden manifests, and the access table that says what they do. */
export interface Example {
  readonly name: string;
  readonly folder: string;
  readonly title: string;
  /** The first paragraph of its README. */
  readonly purpose: string;
  readonly table: AccessTable;
}

/** Every folder here with an app. */
export function examples(): Example[] {
  return fs
    .readdirSync(__dirname)
    .sort()
    .filter((name) => fs.existsSync(path.join(__dirname, name, 'main.ts')))
    .map((name) => {
      const folder = path.join(__dirname, name);
      const [title, purpose] = fs.readFileSync(path.join(folder, 'README.md'), 'utf8').split('\n\n');
      return {
        name,
        folder,
        title: title.replace(/^# /, ''),
        purpose: purpose.replace(/\n/g, ' '),
        table: parse(fs.readFileSync(path.join(folder, 'access.yaml'), 'utf8')),
      };
    });
}

/** Runs the app as `cdk8s synth` would, and returns its files by name. */
export async function synthesise(example: Example): Promise<Map<string, string>> {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'egress-example-'));
  try {
    await run(process.execPath, [TSX, 'main.ts'], {
      cwd: example.folder,
      env: { ...process.env, CDK8S_OUTDIR: outdir },
    });
    return files(outdir);
  } finally {
    fs.rmSync(outdir, { recursive: true, force: true });
  }
}

/** The golden manifests, by file name. */
export function golden(example: Example): Map<string, string> {
  return files(path.join(example.folder, 'manifests'));
}

/** The objects in a set of files. */
export function objectsIn(manifests: Map<string, string>): any[] {
  return [...manifests.values()]
    .flatMap((text) => parseAllDocuments(text).map((document) => document.toJS()))
    .filter(Boolean);
}

/** The model's answer to every row of the example's table. */
export function judged(example: Example, manifests: Map<string, string>): JudgedRow[] {
  return judgeTable(
    objectsIn(manifests).map((manifest) => ({ manifest, origin: example.name })),
    example.table,
  );
}

/** The example's egress paths, drawn from the model's answers to the plain rows of its table. */
export function diagram(example: Example, manifests: Map<string, string>): string {
  const plain = judged(example, manifests).filter(
    ({ row }) => !row.without && !row.dial && !row.headers && !row.follow,
  );
  return asMermaid(plain.map(({ row, answer }) => ({ caller: row.from, url: row.request, answer })));
}

/** A README with its diagram replaced. */
export function withDiagram(readme: string, drawn: string): string {
  const block = `\`\`\`mermaid\n${drawn}\n\`\`\``;
  return readme.replace(/```mermaid\n[\s\S]*?\n```/, () => block);
}

/** Lines of TypeScript that an author writes: neither blank nor comment. */
export function linesOf(example: Example): number {
  return fs
    .readFileSync(path.join(example.folder, 'main.ts'), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length;
}

function files(folder: string): Map<string, string> {
  if (!fs.existsSync(folder)) return new Map();
  return new Map(
    fs
      .readdirSync(folder)
      .sort()
      .map((name) => [name, fs.readFileSync(path.join(folder, name), 'utf8')]),
  );
}
