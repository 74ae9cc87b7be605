import { findings, istio, reported } from './support';

const code = 'destination-rule-conflict';
const rule = (place: string, spec: object) =>
  istio('DestinationRule', place, { host: 'a.example.com', exportTo: ['.'], ...spec });
const pair = (a: object, b: object) => reported(code, [rule('shop/a', a), rule('shop/b', b)]);

test('rules of different namespaces or hosts have nothing to merge', () => {
  expect(
    reported(code, [
      rule('shop/a', { trafficPolicy: { tls: {} } }),
      rule('web/a', { exportTo: ['*'], trafficPolicy: {} }),
    ]),
  ).toEqual([]);
  expect(pair({}, { host: 'b.example.com', exportTo: ['*'] })).toEqual([]);
});

test.each([
  ['a wider one', ['.', 'web']],
  ['none', undefined],
  ['everywhere', ['*']],
  ["the namespace's own name", ['shop']],
])('exportTo is compared as written: %s', (_what, exportTo) => {
  expect(pair({}, { exportTo })).toEqual(['shop/a shop/b']);
});

test('the message quotes each exportTo', () => {
  const [finding] = findings(code, [rule('shop/a', {}), rule('shop/b', { exportTo: undefined })]);
  expect(finding.message).toContain('[shop/a] (.)');
  expect(finding.message).toContain('[shop/b] (no exportTo)');
});

test('rules that no namespace sees together may differ', () => {
  expect(pair({}, { exportTo: ['web'] })).toEqual([]);
});

test('two traffic policies, or two subsets of one name, that differ', () => {
  const random = { loadBalancer: { simple: 'RANDOM' } };
  expect(pair({ trafficPolicy: random }, { trafficPolicy: {} })).toEqual(['shop/a shop/b']);
  expect(pair({ trafficPolicy: random }, { trafficPolicy: random })).toEqual([]);
  expect(pair({ trafficPolicy: random }, { trafficPolicy: undefined })).toEqual([]);
  expect(pair({ subsets: [{ name: 'x' }] }, { subsets: [{ name: 'x', trafficPolicy: random }] })).toEqual([
    'shop/a shop/b',
  ]);
  expect(pair({ subsets: [{ name: 'x' }] }, { subsets: [{ name: 'x' }] })).toEqual([]);
});

test('rules with a workloadSelector are merged only with rules that have the same selector', () => {
  const selected = (labels: object) => ({
    workloadSelector: { matchLabels: labels },
    trafficPolicy: { tls: { mode: 'SIMPLE' } },
  });
  const policy = { trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } };
  expect(pair(selected({ app: 'x' }), policy)).toEqual([]);
  expect(pair(selected({ app: 'x' }), selected({ app: 'y' }))).toEqual([]);
  expect(pair(selected({ app: 'x' }), { ...selected({ app: 'x' }), ...policy })).toEqual(['shop/a shop/b']);
});

test('two definitions of one object are not two rules', () => {
  const named = (name: string, simple: string) =>
    istio('DestinationRule', `shop/${name}`, { host: 'a.example.com', trafficPolicy: { loadBalancer: { simple } } });
  expect(reported('destination-rule-conflict', [named('a', 'RANDOM'), named('a', 'ROUND_ROBIN')])).toEqual([]);
  expect(reported('destination-rule-conflict', [named('a', 'RANDOM'), named('b', 'ROUND_ROBIN')])).toHaveLength(1);
});
