/**
 * What the guard keeps from routes and rules that others see, since Envoy refuses it: the model must not say yes to
 * any of it.
 */
import { ask, ENTRY } from './support';
import { isPlainYes } from '../../src/explain/as-wanted';
import { KubeObject } from '../mesh/lab';
import { ownRoute } from '../mesh/guard/objects';
import { UNREADABLE_CONNECTIONS, UNREADABLE_ROUTES, UNREADABLE_RULES } from '../mesh/guard/unreadable';

const OTHER = ENTRY.replace('name: site', 'name: other').replace('[site.', '[other.');

/** An object for the Service `x`, as one for a host outside. */
function forSite(object: KubeObject): string {
  const text = JSON.stringify({ ...object, metadata: { name: 'more', namespace: 'shop' } });
  return `---\n${text.replace(/"([xX])(\.other\.svc\.cluster\.local)?"/g, (_, x) => (x === 'x' ? '"site.example.com"' : '"SITE.example.com"'))}\n`;
}

const toSubset = ownRoute({ route: [{ destination: { host: 'x', subset: 'a' } }] });
toSubset.metadata.name = 'to-subset';

function isYes(object: KubeObject, url: string, entry = ENTRY): boolean {
  const subset = (object.spec as { subsets?: unknown }).subsets ? forSite(toSubset) : '';
  return isPlainYes(ask(`---${entry}---${OTHER}${forSite(object)}${subset}`, 'shop/cart', url));
}

test('a rule that says nothing is a plain yes', () => {
  for (const host of ['site', 'other']) expect(isYes(ownRoute({}), `http://${host}.example.com/`)).toBe(true);
});

test.each(Object.entries(UNREADABLE_ROUTES))('%s is no yes for any host of the port', (_, object) => {
  for (const host of ['site', 'other']) expect(isYes(object, `http://${host}.example.com/`)).toBe(false);
});

const WITH_TCP = ENTRY.replace('ports: [', 'ports: [{ number: 90, name: tcp, protocol: TCP }, ').replace(
  'resolution: DNS',
  'addresses: [203.0.113.9]\n  endpoints: [{ address: 203.0.113.9 }]\n  resolution: STATIC',
);

test.each(Object.entries(UNREADABLE_CONNECTIONS))('%s is no yes', (_, object) => {
  const isTcp = (object.spec as { tcp?: unknown }).tcp !== undefined;
  const [url, entry] = isTcp ? ['tcp://203.0.113.9:90', WITH_TCP] : ['https://site.example.com/', ENTRY];
  expect(isYes(ownRoute({}), url, entry)).toBe(true);
  expect(isYes(object, url, entry)).toBe(false);
});

test.each(Object.entries(UNREADABLE_RULES))('%s is no yes', (_, object) => {
  const bytes = JSON.stringify(object).includes('tunnel');
  expect(isYes(object, `http${bytes ? 's' : ''}://site.example.com/`)).toBe(false);
});

/** What the routes to a host hash by, which Envoy reads with all routes of the port. */
const hashes = Object.entries(UNREADABLE_RULES).filter(([, { spec }]) =>
  JSON.stringify(spec).includes('consistentHash'),
);

test.each(hashes)('%s is no yes for another host either', (_, object) => {
  expect(isYes(object, 'http://other.example.com/')).toBe(false);
});
