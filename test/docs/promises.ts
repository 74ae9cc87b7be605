/**
 * The sentences of README and docs that promise something, and what shows each of them. A marker follows its sentence
 * on the same line, and Markdown does not show it:
 *
 *     Refused calls never reach the host. <!-- proof: callers "is refused" if the gateway is locked down -->
 *
 * It names a suite of the mesh, an example (`examples/<name>`) or another test file (`constructs/callers`), and the
 * beginning of a test's title, of two titles of which one is around the other, or a part of a row of the example's access
 * table.
 */
import * as fs from 'fs';
import * as path from 'path';
import { FOREIGN } from '../mesh/foreign/kinds';
import { keyOf } from '../mesh/foreign/measured';
import { readTable } from '../mesh/read';
import { rowText } from '../mesh/lab/report';

const ROOT = path.join(__dirname, '../..');

/** The pages that make promises. */
export const PAGES = [
  'README.md',
  ...['gateway', 'callers', 'boundary', 'tenants', 'limits', 'round-the-gateway', 'headers', 'tls', 'guard'].map(
    (name) => `docs/${name}.md`,
  ),
];

/** A sentence with one of these promises something, or says that something is impossible. */
const STRONG = new RegExp(
  '\\b(never|nobody|no one|always|cannot|fails? closed|nothing|nowhere|no others?|not at all|whatever|impossible|' +
    'guarantee\\w*|no (caller|policy|construct|metadata service)s?)\\b',
  'i',
);

export interface Marker {
  readonly suite: string;
  readonly row: string;
  /** Both, as the marker has them. */
  readonly key: string;
  readonly conditions?: string;
}

export interface Sentence {
  readonly page: string;
  readonly text: string;
  readonly markers: Marker[];
}

const MARKER = /<!-- proof: (\S+) "([^"]+)"(?: if (.+?))? -->/g;

/** All sentences of a page outside of code and titles, each with the markers that follow it. */
export function sentencesOf(page: string): Sentence[] {
  const markers: Marker[] = [];
  const text = fs
    .readFileSync(path.join(ROOT, page), 'utf8')
    .replace(/^```[\s\S]*?^```$/gm, '')
    .replace(/^#.*$/gm, '')
    .replace(MARKER, (_, suite, row, conditions) => {
      markers.push({ suite, row, key: `${suite} "${row}"`, conditions });
      return `\0${markers.length - 1}\0`;
    })
    .replace(/<!--.*?-->/g, '')
    // A sentence does not end in code.
    .replace(/`[^`]*`/g, (code) => code.replace(/\s+/g, '\u00a0'));
  return text
    .split(/\n\s*\n|\n(?=- |\d+\. |\||>)/)
    .map((block) =>
      block
        .replace(/^([-|>]+|\d+\.)\s/, '')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .flatMap((block) => block.split(/(?<=[.!?](?:\*\*)?\)?|\0) (?!\0)/))
    .filter((sentence) => sentence !== '')
    .map((sentence) => ({
      page,
      text: sentence
        .replace(/\0\d+\0/g, '')
        .replace(/\u00a0/g, ' ')
        .trim(),
      markers: [...sentence.matchAll(/\0(\d+)\0/g)].map(([, index]) => markers[Number(index)]),
    }));
}

/** All markers, each once. */
export function allMarkers(sentences: Sentence[] = PAGES.flatMap(sentencesOf)): Marker[] {
  return [...new Map(sentences.flatMap((one) => one.markers).map((marker) => [marker.key, marker])).values()];
}

/** Lines that begin with a marker: Markdown would end the paragraph there. */
export function misplaced(page: string): string[] {
  const lines = fs.readFileSync(path.join(ROOT, page), 'utf8').split('\n');
  return lines.filter((line) => /^\s*(- )?<!-- proof/.test(line)).map((line) => `${page}: ${line}`);
}

/** Sentences that promise more than they may without a marker. */
export function unmarked(sentences: Sentence[]): string[] {
  return sentences
    .filter(({ text, markers }) => STRONG.test(withoutLinks(text)) && markers.length === 0)
    .map(({ page, text }) => `${page}: ${text}`);
}

/** Markers that name no test and no row. */
export function dangling(sentences: Sentence[]): string[] {
  return sentences.flatMap(({ page, text, markers }) =>
    markers
      .filter(({ suite, row }) => !isThere(row, titlesIn(suite), suite.startsWith('examples/')))
      .map(({ suite, row }) => `${page}: ${suite} has no "${row}" (${text})`),
  );
}

function isThere(row: string, titles: string[], isExample: boolean): boolean {
  if (isExample) return titles.some((title) => title.includes(row));
  if (titles.some((title) => title.startsWith(row))) return true;
  return titles.some(
    (around) => row.startsWith(`${around} `) && titles.some((title) => title.startsWith(row.slice(around.length + 1))),
  );
}

const known = new Map<string, string[]>();

/** What a test file has in quotes, or the rows of an example. */
function titlesIn(suite: string): string[] {
  let titles = known.get(suite);
  if (titles === undefined) known.set(suite, (titles = findTitles(suite)));
  return titles;
}

const COMMENT_OR_STRING =
  /\/\*[\s\S]*?\*\/|\/\/.*$|'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\\n]|\\.)*)`/gm;

function findTitles(suite: string): string[] {
  const table = path.join(ROOT, suite, 'access.yaml');
  if (suite.startsWith('examples/') && fs.existsSync(table))
    return readTable(table).access.map((row) => rowText(row).replace(/\s+/g, ' '));
  const file = [`test/mesh/suites/${suite}.mesh.test.ts`, `test/${suite}.test.ts`]
    .map((name) => path.join(ROOT, name))
    .find((name) => fs.existsSync(name));
  if (file === undefined) return [];
  const attacks =
    suite === 'guard'
      ? ['attacks.ts', 'injected.ts', 'unreadable.ts'].map((name) => path.join(ROOT, 'test/mesh/guard', name))
      : [];
  const code = [file, ...attacks].map((name) => fs.readFileSync(name, 'utf8').replace(/^import .*$/gm, '')).join('\n');
  return [
    ...[...code.matchAll(COMMENT_OR_STRING)].map((found) => found.slice(1).join('')),
    ...(suite === 'foreign-objects' ? FOREIGN.map(keyOf) : []),
  ];
}

/** docs/promises.md: each sentence with what shows it. */
export function promisesPage(sentences: Sentence[]): string {
  const promised = sentences.filter(({ markers }) => markers.length > 0);
  const lines = PAGES.filter((page) => promised.some((one) => one.page === page)).flatMap((page) => [
    `## ${page}`,
    '',
    '| Sentence | Shown by | If |',
    '| --- | --- | --- |',
    ...promised
      .filter((one) => one.page === page)
      .flatMap(({ text, markers }) =>
        markers.map(
          ({ suite, row, conditions }, index) =>
            `| ${index === 0 ? beginning(withoutLinks(text)) : ''} | \`${suite}\`: ${titleOf(row)} | ${conditions ?? ''} |`,
        ),
      ),
    '',
  ]);
  return `${HEAD}\n${lines.join('\n').trimEnd()}\n`;
}

/** As much of a sentence as is needed to find it on its page; code is not cut. */
function beginning(text: string): string {
  const [start] = /^(?:`[^`]*`|[^`]){0,20}\S*/.exec(text)!;
  return start.length < text.length ? `${start} …` : text;
}

const HEAD = `# What is promised, and what shows it

Each sentence begins as on the page above it. A suite is run by \`npm run test:mesh -- --suite <name>\`;
\`examples/<name>\` is a row of an access table, which the model and the mesh judge; other names are test files below
\`test\`. This page is made by \`npm run docs:update\`.
`;

/** A row as a person reads it: markers may name the beginning of several, or the pattern of a title. */
function titleOf(row: string): string {
  return row.replace(/%s/g, '…').replace(/ $/, ' …');
}

function withoutLinks(text: string): string {
  return text.replace(/\[([^\]]+)\]\([^)]*\)/g, '$1').replace(/\|/g, '\\|');
}
