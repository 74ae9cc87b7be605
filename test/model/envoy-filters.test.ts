/** Which EnvoyFilters touch no request of a caller. */
import { ask, ENTRY, LOCKED, object } from './support';

const PATCH = '{ applyTo: HTTP_FILTER, match: { context: SIDECAR_OUTBOUND }, patch: { operation: REMOVE } }';

test('an EnvoyFilter that does not apply to the caller leaves the answer unchanged', () => {
  const elsewhere = object('EnvoyFilter', 'networking.istio.io/v1alpha3', `{ configPatches: [${PATCH}] }`, 'other');
  const unselected = object(
    'EnvoyFilter',
    'networking.istio.io/v1alpha3',
    `{ workloadSelector: { labels: { app: other } }, configPatches: [${PATCH}] }`,
  );
  expect(ask(`${ENTRY}${elsewhere}${unselected}`, 'shop/app', 'http://site.example.com/')).toMatchObject({
    outcome: 'answered',
    via: 'sidecar',
  });
});

test.each([
  ['^1\\.4.*', 'answered'],
  ['^1.11.*', 'answered'],
  ['^1\\.2\\..*', 'answered'],
  ['^1\\.2\\.+', 'answered'],
  ['^1\\.2.*', 'undetermined'],
  ['^1\\.2\\.{0,1}', 'undetermined'],
  ['^1\\.3\\.*', 'undetermined'],
  ['^1\\.3\\.?.*', 'undetermined'],
  ['^1\\.3.*', 'undetermined'],
  ['^1\\.4?.*', 'undetermined'],
  ['^1\\.4.*|^1\\.31.*', 'undetermined'],
  ['1\\.4.*', 'undetermined'],
])('an EnvoyFilter for proxies of the releases %s: %s', (proxyVersion, outcome) => {
  expect(ask(ENTRY + filterFor(proxyVersion), 'shop/app', 'http://site.example.com/').outcome).toBe(outcome);
});

test('a mesh may have proxies of the release that it is said to run', () => {
  const see = (istioVersion: string) =>
    ask(ENTRY + filterFor('^1\\.4.*'), 'shop/app', 'http://site.example.com/', { ...LOCKED, istioVersion }).outcome;
  expect(see('1.31')).toBe('answered');
  expect(see('1.40.1')).toBe('undetermined');
});

test('a list of proxyVersions is not what an EnvoyFilter takes', () => {
  expect(ask(ENTRY + filterFor(['^1\\.4.*']), 'shop/app', 'http://site.example.com/')).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringContaining('spec.configPatches[0].match.proxy.proxyVersion'),
  });
});

/** An EnvoyFilter for all proxies of some releases. */
function filterFor(proxyVersion: unknown): string {
  const patch = { applyTo: 'HTTP_FILTER', match: { proxy: { proxyVersion } }, patch: { operation: 'ADD' } };
  const spec = JSON.stringify({ configPatches: [patch] });
  return object('EnvoyFilter', 'networking.istio.io/v1alpha3', spec, 'istio-system');
}
