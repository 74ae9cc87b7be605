import { compareWorld, scores } from './compare';
import { brokenConfigurations } from '../model/broken';

/** What `istioctl analyze` 1.31 says about the broken configurations; about the others it says nothing. */
const ANALYSED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'blackholed-by-a-second-entry': { 'ServiceEntry shop/first': 'IST0177', 'ServiceEntry shop/second': 'IST0177' },
  'credential-at-the-sidecar': { 'DestinationRule shop/partner': 'IST0128' },
  'database-of-another-namespace': { 'ServiceEntry shop/db': 'IST0134' },
  'name-not-checked': { 'DestinationRule shop/odd': 'IST0129' },
  'policy-at-the-caller': { 'AuthorizationPolicy shop/no-api': 'IST0133' },
  'tcp-on-443': { 'ServiceEntry shop/api': 'IST0134' },
  'tcp-on-80-beside-http': { 'ServiceEntry shop/api': 'IST0134' },
  'tls-twice': { 'DestinationRule shop/api': 'IST0128' },
  'two-databases-on-one-port': { 'ServiceEntry shop/first': 'IST0134', 'ServiceEntry shop/second': 'IST0134' },
};

test('of the broken configurations, docs/lint.md has the number in which each tool finds something', () => {
  const compared = brokenConfigurations().map(({ name, objects }) =>
    compareWorld(
      objects.map((manifest, index) => ({ manifest, origin: `object ${index + 1}` })),
      Object.entries(ANALYSED[name] ?? {}).map(([origin, code]) => ({ code, origin, level: '', message: '' })),
    ),
  );
  const having = (tool: 'lint' | 'analyze') => compared.filter((one) => one.some((object) => object[tool].length > 0));
  expect([compared.length, having('lint').length, having('analyze').length]).toEqual([26, 16, 9]);
  // Nothing that it finds is missed.
  expect(having('analyze').filter((one) => one.every(({ lint }) => lint.length === 0))).toEqual([]);
});

test('recipes as they should be have no finding, and docs/lint.md says how many mistakes in them are missed', () => {
  const known = scores(() => []);
  expect(known.get('recipes as they should be: lint')!.wrong).toEqual([]);
  const { found, missed } = known.get('recipes with a mistake: lint')!;
  expect([found, missed]).toEqual([
    36,
    [
      'a timeout for an external host: a subset that nobody defines',
      'HTTP through the egress gateway: a destination that does not exist',
      'callers at the egress gateway: a policy where the callers are',
      'ingress by HTTP: a Service that does not exist',
    ],
  ]);
});
