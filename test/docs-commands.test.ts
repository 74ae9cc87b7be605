/** Commands of the command line in the docs, and the output that is shown below them. */
import * as fs from 'fs';
import * as path from 'path';
import { runApp } from '../examples/run-app';
import { run } from '../src/explain/command';
import { temporaryFolder } from './support/app';

const DOCS = path.join(__dirname, '../docs');
const COMMAND = /^\$ npx cdk8s-istio-egress (.*?)(?: \| head -n (\d+))?$/;

interface Shown {
  readonly command: string;
  /** The lines that are shown, if not all. */
  readonly lines?: number;
  readonly output: string;
}

/** The commands of a page that are shown with their output. */
function shownOn(text: string): Shown[] {
  return [...text.matchAll(/^```console\n([\s\S]*?)^```$/gm)].flatMap(([, block]) =>
    block
      .split(/^(?=\$ )/m)
      .filter((part) => COMMAND.test(part.split('\n')[0]))
      .map((part) => {
        const [first, ...rest] = part.split('\n');
        const [, command, head] = COMMAND.exec(first)!;
        return { command, lines: head === undefined ? undefined : Number(head), output: rest.join('\n') };
      }),
  );
}

const pages = fs
  .readdirSync(DOCS)
  .filter((name) => name.endsWith('.md'))
  .map((page) => ({ page, text: fs.readFileSync(path.join(DOCS, page), 'utf8') }))
  .map(({ page, text }) => ({ page, text, shown: shownOn(text) }))
  .filter(({ shown, text }) => shown.length > 0 && text.includes('```ts\n'));

/** Pages without a program show commands on files that the reader does not have. */
test('there are such pages', () => expect(pages.map(({ page }) => page)).toContain('first-call.md'));

test.each(pages)('$page', ({ text, shown }) => {
  // The first program of the page is what `dist` holds.
  const program = /^```ts\n([\s\S]*?)^```$/m.exec(text)?.[1];
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
    const args = command.split(' ').map((arg) => (arg === 'dist' ? folder : (files.get(arg) ?? arg)));
    const { out } = run(args);
    expect(`${out.replaceAll(folder, 'dist').trimEnd().split('\n').slice(0, lines).join('\n')}\n`).toBe(output);
  }
});
