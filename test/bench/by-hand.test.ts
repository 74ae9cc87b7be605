import { byConstructs } from '../../bench/by-constructs';
import { writtenByHand } from '../../bench/by-hand';
import * as library from '../../src';
import { manifestsOf } from '../support/app';

test('what the bench writes by hand is what the constructs make', () => {
  const made = manifestsOf((chart) => byConstructs(library, chart, ['host-0.example.com']));
  const { rule, gateway, caller } = writtenByHand('host-0.example.com', 'chart/partners');
  expect(made.map(({ apiVersion, ...rest }) => rest)).toEqual([rule, ...gateway, ...caller]);
});
