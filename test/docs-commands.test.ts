/** Commands of the command line in the docs, and the output that is shown below them. */
import * as fs from 'fs';
import * as path from 'path';
import { runApp } from '../examples/run-app';
import { run } from '../src/explain/command';
import { temporaryFolder } from './support/app';
import { asShown, commandsOf, filesOf, programPage, programsOf } from './support/pages';

const DOCS = path.join(__dirname, '../docs');
const README = fs.readFileSync(path.join(DOCS, '../README.md'), 'utf8');

const pages = fs
  .readdirSync(DOCS)
  .filter((name) => name.endsWith('.md'))
  .map((page) => ({ page, text: fs.readFileSync(path.join(DOCS, page), 'utf8') }))
  .map(({ page, text }) => ({ page, text, program: programsOf(programPage(text, README))[0], shown: commandsOf(text) }))
  .filter(({ shown, program }) => shown.length > 0 && program !== undefined);

/** Pages without a program show commands on files that the reader does not have. */
test('there are such pages', () =>
  expect(pages.map(({ page }) => page)).toEqual(expect.arrayContaining(['explain.md', 'first-call.md'])));

test.each(pages)('$page', ({ text, program, shown }) => {
  const folder = temporaryFolder();
  for (const [name, manifest] of runApp(program)) fs.writeFileSync(path.join(folder, name), manifest);
  const files = new Map(
    [...filesOf(text)].map(([name, content]) => {
      const file = path.join(temporaryFolder(), name);
      fs.writeFileSync(file, content);
      return [name, file] as const;
    }),
  );
  for (const command of shown) {
    const { out } = run(command.args.map((arg) => (/^dist\/?$/.test(arg) ? folder : (files.get(arg) ?? arg))));
    expect(asShown(command, out.replaceAll(folder, 'dist'))).toBe(command.output);
  }
});
