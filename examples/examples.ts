import * as fs from 'fs';
import * as path from 'path';
import { parse, parseAllDocuments } from 'yaml';
import { filesIn, runApp } from './run-app';
import { AccessTable } from '../src/access/access-table';
import { asMermaid, JudgedRow, judgeTable } from '../src/explain';

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

/** Synthesises the example, and returns its files by name. */
export function synthesise(example: Example): Map<string, string> {
  return runApp(fs.readFileSync(path.join(example.folder, 'main.ts'), 'utf8'), example.folder);
}

/** The golden manifests, by file name. */
export function golden(example: Example): Map<string, string> {
  return filesIn(path.join(example.folder, 'manifests'));
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
