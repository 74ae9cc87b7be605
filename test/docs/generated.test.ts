import * as fs from 'fs';
import * as path from 'path';
import { dangling, misplaced, PAGES, promisesPage, sentencesOf, unmarked } from './promises';
import { withForeignTable } from '../mesh/foreign/measured';

const page = (name: string) => fs.readFileSync(path.join(__dirname, '../../docs', name), 'utf8');
const sentences = PAGES.flatMap(sentencesOf);

test('docs/limits.md shows what was measured of the objects of other authors', () => {
  expect(page('limits.md')).toBe(withForeignTable(page('limits.md')));
});

test('docs/promises.md is up to date', () => {
  expect(page('promises.md')).toBe(promisesPage(sentences));
});

test('a sentence that says never, nobody, always, cannot or fails closed names what shows it', () => {
  expect(unmarked(sentences)).toEqual([]);
});

test('what is named as a proof exists, and is written where Markdown hides it', () => {
  expect(dangling(sentences)).toEqual([]);
  expect(PAGES.flatMap(misplaced)).toEqual([]);
});

describe('the check of sentences', () => {
  const of = (text: string) => {
    const file = path.join(fs.mkdtempSync('/tmp/page-'), 'page.md');
    fs.writeFileSync(file, text);
    return sentencesOf(path.relative(path.join(__dirname, '../..'), file));
  };

  test('finds strong words in paragraphs, lists and tables, and not in code', () => {
    const found = of('A. It never fails.\n\n- x\n- Nobody\n  knows\n\n| a | cannot |\n\n```ts\n// always\n```\n');
    expect(unmarked(found).map((one) => one.split(': ')[1])).toEqual([
      'It never fails.',
      'Nobody knows',
      'a | cannot |',
    ]);
  });

  test('takes a marker for the sentence before it, with its conditions', () => {
    const found = of('It never fails. <!-- proof: callers "is refused" if locked --> It always works.\n');
    expect(found[0]).toMatchObject({
      text: 'It never fails.',
      markers: [{ suite: 'callers', row: 'is refused', conditions: 'if locked'.slice(3) }],
    });
    expect(unmarked(found)).toHaveLength(1);
  });

  test('finds markers of suites, rows and tests that do not exist', () => {
    const found = of(
      'A. <!-- proof: nosuite "x" --> B. <!-- proof: callers "no such row" --> C. <!-- proof: rooms "no file" -->',
    );
    expect(dangling(found)).toHaveLength(2);
  });
});
