/** The model gives the answers that a real mesh gave to requests in worlds that were generated, or written by hand. */
import { tally, report, Tally } from './disagreements';
import { falseYesText, newTallied, tallyWithoutTable } from './without-table';
import { readRecorded } from './worlds/recorded-file';

const worlds = readRecorded();

test('there are four hundred worlds, most of them with an answered request', () => {
  expect(worlds.length).toBeGreaterThanOrEqual(400);
  expect(
    worlds.filter(({ answers }) => answers.some(({ answer }) => answer.outcome === 'answered')).length,
  ).toBeGreaterThan(worlds.length / 2);
});

test.each(worlds.map((world) => ({ name: world.name, world })))('world $name', ({ world }) => {
  const total: Tally = { worlds: 0, compared: 0, answered: 0, undetermined: 0, disagreements: [] };
  tally(total, world);
  expect(total.disagreements.map(report).join('\n\n')).toBe('');
});

test('without a table, as users ask, no plain yes is one that the mesh does not give', () => {
  const total = newTallied();
  // The other worlds are asked by `npm run usefulness`.
  const some = worlds.filter(({ name }, index) =>
    isNaN(Number(name)) ? index % 3 === 0 || name.startsWith('without a table') : Number(name) % 6 === 0,
  );
  for (const world of some) tallyWithoutTable(total, world);
  expect(total.falseYes.map(falseYesText)).toEqual([]);
  expect([...total.byFolder.values()].every(({ yes, asked }) => yes > asked / 8)).toBe(true);
});

test('the model leaves less than 0.3% undetermined', () => {
  const total: Tally = { worlds: 0, compared: 0, answered: 0, undetermined: 0, disagreements: [] };
  for (const world of worlds) tally(total, world);
  expect(total.undetermined / total.compared).toBeLessThan(0.003);
});
