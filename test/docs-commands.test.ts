/** Commands of the command line in the docs, and the output that is shown below them. */
import * as fs from 'fs';
import * as path from 'path';
import { runApp } from '../examples/run-app';
import { run } from '../src/explain/command';
import { temporaryFolder } from './support/app';

const DOCS = path.join(__dirname, '../docs');
const COMMAND = /^\$ npx cdk8s-istio-egress ((?:\\\n|.)*?)(?: \| head -n (\d+))?(?<!\\)$/m;

const PROGRAM = /^```ts\n([\s\S]*?)^```$/m;
/** What a page says whose commands are about the program of the README. */
const OF_README = 'manifests of the program in the [README]';

interface Shown {
  readonly command: string;
  /** The lines that are shown, if not all. */
  readonly lines?: number;
  readonly output: string;
}

/** The commands of a page that are shown with their output. */
function shownOn(text: string): Shown[] {
  return [...text.matchAll(/^```console\n([\s\S]*?)^```$/gm)].flatMap(([, block]) =>
    block.split(/^(?=\$ )/m).flatMap((part) => {
      const [whole, command, head] = COMMAND.exec(part) ?? [];
      return whole !== undefined && part.startsWith(whole)
        ? [{ command, lines: head === undefined ? undefined : Number(head), output: part.slice(whole.length + 1) }]
        : [];
    }),
  );
}

const pages = fs
  .readdirSync(DOCS)
  .filter((name) => name.endsWith('.md'))
  .map((page) => ({ page, text: fs.readFileSync(path.join(DOCS, page), 'utf8') }))
  .map(({ page, text }) => ({ page, text, shown: shownOn(text) }))
  .filter(({ shown, text }) => shown.length > 0 && (PROGRAM.test(text) || text.includes(OF_README)));

/** Pages without a program show commands on files that the reader does not have. */
test('there are such pages', () => expect(pages.map(({ page }) => page)).toContain('first-call.md'));

test.each(pages)('$page', ({ text, shown }) => {
  // The first program of the page is what `dist` holds.
  const source = text.includes(OF_README) ? fs.readFileSync(path.join(DOCS, '../README.md'), 'utf8') : text;
  const program = PROGRAM.exec(source)?.[1];
  const folder = temporaryFolder();
  if (program !== undefined)
    for (const [name, manifest] of runApp(program)) fs.writeFileSync(path.join(folder, name), manifest);
  // A file that a page shows begins with its name.
  const files = new Map(
    [...text.matchAll(/^```yaml\n# (\S+\.yaml)\n([\s\S]*?)^```$/gm)].map(([, name, content]) => {
      const file = path.join(temporaryFolder(), name);
      fs.writeFileSync(file, content);
      return [name, file] as const;
    }),
  );
  for (const { command, lines, output } of shown) {
    const args = command.split(/[\s\\]+/).map((arg) => (/^dist\/?$/.test(arg) ? folder : (files.get(arg) ?? arg)));
    const out = `${run(args).out.replaceAll(folder, 'dist').trimEnd().split('\n').slice(0, lines).join('\n')}\n`;
    // A page may leave out lines: "…".
    const parts = output.split(/^…\n/m);
    expect(parts.length === 1 ? out : parts.filter((part) => out.includes(part)).join('…\n')).toBe(output);
  }
});
