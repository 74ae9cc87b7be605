import * as fs from 'fs';
import * as path from 'path';
import { Outcome, Usage } from '../cli/outcome';
import { packageFolder } from './package-folder';

/** The most pages that are named for a word that is not a page. */
const MOST_FOUND = 8;

/** Lists the pages that are in the package, or prints one of them. */
export function docs(args: readonly string[]): Outcome {
  const pages = pagesOf(packageFolder());
  if (args.length === 0) {
    const width = Math.max(...[...pages.keys()].map((page) => page.length));
    const lines = [...pages].map(([page, file]) => `  ${page.padEnd(width)}  ${titleOf(file)}\n`);
    return { code: 0, out: `cdk8s-istio-egress docs <page> prints one of these:\n\n${lines.join('')}`, err: '' };
  }
  // A link of a page may be given as it stands there: docs/gateway.md#the-gateway, ../examples/protocols.
  const file = pages.get(
    args
      .join(' ')
      .replace(/#.*$/, '')
      .replace(/^(\.\.?\/)+/, '')
      .replace(/^docs\//, '')
      .replace(/(\/README)?\.md$/, ''),
  );
  if (file === undefined) {
    const words = args.map((word) => word.toLowerCase());
    const mention = [...pages].filter(([, page]) => {
      const text = textOf(page).toLowerCase();
      return words.every((word) => text.includes(word));
    });
    const found = mention.slice(0, MOST_FOUND).map(([page]) => page);
    throw new Usage(
      `docs: "${args.join(' ')}" is not a page; ` +
        (found.length > 0
          ? `${args.length > 1 ? 'these words are' : 'it is mentioned'} in: ${found.join(', ')}`
          : 'cdk8s-istio-egress docs lists them'),
    );
  }
  return { code: 0, out: textOf(file), err: '' };
}

/** The files of the pages by name: README and the like first, then those of docs/, then the examples. */
function pagesOf(folder: string): Map<string, string> {
  const named = (under: string, files: string[]) =>
    files
      .filter((file) => file.endsWith('.md'))
      .sort()
      .map((file) => [file.replace(/\.md$/, ''), path.join(folder, under, file)] as const);
  const list = (under: string) => {
    const where = path.join(folder, under);
    return fs.existsSync(where) ? fs.readdirSync(where) : [];
  };
  return new Map([
    ...named('', ['README.md', 'CHANGELOG.md', 'SECURITY.md', 'API.md']),
    ...named('docs', list('docs')),
    ...list('examples')
      .map((example) => [`examples/${example}`, path.join(folder, 'examples', example, 'README.md')] as const)
      .filter(([, file]) => fs.existsSync(file)),
  ]);
}

function textOf(file: string): string {
  return fs.readFileSync(file, 'utf8').replace(/ ?<!-- .*? -->/g, '');
}

function titleOf(file: string): string {
  return (/^# (.+)$/m.exec(fs.readFileSync(file, 'utf8'))?.[1] ?? '').replace(/ <a .*/, '');
}
