import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { allMarkers, dangling, misplaced, PAGES, promisesPage, sentencesOf, unmarked } from './promises';
import { unmetExpectations } from '../../src/model/answer/judge';
import { meshExamples } from '../mesh/examples';
import { withForeignTable } from '../mesh/foreign/measured';
import { rowText } from '../mesh/lab/report';
import { LIMITS, mutated, MUTATIONS } from '../mesh/mutations';
import { modelOf } from '../model/compare';

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

test('every proof on the mesh can be broken, unless it shows a limit', () => {
  const isOnMesh = (suite: string) => !fs.existsSync(path.join(__dirname, '..', `${suite}.test.ts`));
  const keys = allMarkers(sentences)
    .filter(({ suite }) => isOnMesh(suite))
    .map(({ key }) => key);
  expect([...Object.keys(MUTATIONS), ...LIMITS].sort()).toEqual(keys.sort());
});

test.each(
  allMarkers(sentences)
    .filter(({ suite }) => suite.startsWith('examples/'))
    .map((marker) => [marker.key, marker] as const),
)('the model sees it broken: %s', (key, { suite, row }) => {
  const [{ manifests, table }] = meshExamples(suite.slice('examples/'.length));
  const rows = table.access.filter((one) => !one.without && rowText(one).replace(/\s+/g, ' ').includes(row));
  const unmet = (objects: object[]) =>
    rows.flatMap(({ expect: expected, ...request }) =>
      unmetExpectations(expected, modelOf(objects, table)(request)).map((one) => JSON.stringify(one)),
    );
  expect(unmet(manifests)).toEqual([]);
  expect(unmet(mutated(manifests, MUTATIONS[key]))).not.toEqual([]);
});

describe('the check of sentences', () => {
  const of = (text: string) => {
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'page-')), 'page.md');
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
