/** A path as Envoy rewrites it with a regular expression, seen at an Envoy. */
import { changedPath } from '../../src/model/routes/path-rewrite';

const where = { kind: 'VirtualService', namespace: 'shop', name: 'more', field: 'spec', origin: 'more' } as never;

test.each([
  ['/a', '.*', '/x', '/x'],
  ['/a/b', 'b*$', 'z', '/a/z'],
  ['/bb/c', 'b*', 'z', 'z/z/zcz'],
  ['/a/b', '^/a/(.*)$', '/\\1/\\0', '/b//a/b'],
  ['/a/b', '^/a/(.*)$', '/$1$&', '/$1$&'],
  ['/a/b', '^/a/(x)?(.*)$', '/\\1\\2', '/b'],
  ['/a/b', '^/a/(.*)$', '/q\\x', '/q'],
  ['/a/b', '^/a/(.*)$', '/q\\x\\9', '/a/b'],
  ['/a/b', '^/a/(.*)$', '/q\\\\9', '/q\\9'],
])('%s, in which %s becomes %s, is %s', (path, expression, by, expected) => {
  expect(changedPath(`${path}?q`, { kind: 'found', expression, by, where }, undefined)).toBe(`${expected}?q`);
});
