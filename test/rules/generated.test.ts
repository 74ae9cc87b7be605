import { confirm, errorsIn } from './generated';
import { readRecorded } from '../model/worlds/recorded-file';

// `npx tsx test/rules/generated.ts` is about all of them.
const worlds = readRecorded().filter((_world, index) => index % 3 === 0);

test('in generated worlds, a request shows what is wrong for each error that the rules find', () => {
  const errors = worlds.flatMap(errorsIn);
  expect(errors.length).toBeGreaterThan(40);
  const notShown = errors.filter((one) => confirm(one) === undefined);
  expect(notShown.map(({ world, finding }) => `${world.name}: ${finding.message}`)).toEqual([]);
});
