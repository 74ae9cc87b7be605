import { Problems } from '../../src/values/problems';
import { errorOf } from '../support/app';

test('without a problem nothing is thrown, and checks return what they read', () => {
  const problems = new Problems('[chart/a] Thing');
  expect(problems.check('port', () => 80)).toBe(80);
  expect(() => problems.throwIfAny()).not.toThrow();
});

test('one problem is one line: place, prop, reason', () => {
  const problems = new Problems('[chart/a] Thing');
  expect(
    problems.check('port', () => {
      throw new Error('0 is not a port number');
    }),
  ).toBeUndefined();
  expect(errorOf(() => problems.throwIfAny())).toBe('[chart/a] Thing: port: 0 is not a port number');
});

test('several problems are one error, each on a line', () => {
  const problems = new Problems('[chart/a] Thing');
  problems.add('port: 0 is not a port number');
  problems.add('hosts: none given');
  expect(errorOf(() => problems.throwIfAny())).toBe(
    '[chart/a] Thing: 2 problems:\n  - port: 0 is not a port number\n  - hosts: none given',
  );
});

test('problems within a problem are indented below it', () => {
  const inner = new Problems('Value');
  inner.add('a');
  inner.add('b');
  const outer = new Problems('[chart/a] Thing');
  outer.check('value', () => inner.throwIfAny());
  outer.add('c');
  expect(errorOf(() => outer.throwIfAny())).toBe(
    '[chart/a] Thing: 2 problems:\n  - value: Value: 2 problems:\n    - a\n    - b\n  - c',
  );
});
