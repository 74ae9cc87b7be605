import { gateway, reported } from './support';

const code = 'gateway-without-selector';

test('an empty selector is as none', () => {
  expect(reported(code, [gateway('egress/g', ['a.example.com'], {}, {})])).toEqual(['egress/g']);
  expect(reported(code, [gateway('egress/g', ['a.example.com'], {}, undefined)])).toEqual([]);
});
