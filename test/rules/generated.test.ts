import { confirm, errorsIn, NOT_SHOWN } from './generated';
import { readRecorded } from '../model/worlds/recorded-file';

// `npx tsx test/rules/generated.ts` is about all of them.
const worlds = readRecorded().filter((_world, index) => index % 3 === 0);

test('in generated worlds, a request shows what is wrong for each error that the rules find', () => {
  const errors = worlds.flatMap(errorsIn);
  expect(errors.length).toBeGreaterThan(40);
  const nameOf = ({ world, finding }: (typeof errors)[number]) => `${world.name} ${finding.code}`;
  const notShown = errors.filter((one) => confirm(one) === undefined).map(nameOf);
  expect(notShown).toEqual(errors.map(nameOf).filter((name) => name in NOT_SHOWN));
});
