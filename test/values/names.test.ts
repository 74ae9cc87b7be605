import {
  assertAnnotations,
  assertDnsLabel,
  assertLabels,
  assertObjectName,
  assertSelector,
  keyOf,
  objectName,
} from '../../src/values/names';
import { errorOf } from '../support/app';

const KEY = '0123456789abcdef0123';
const long = (length: number) => 'a'.repeat(length);

test('a key depends on every part and on the boundaries between them', () => {
  const keys = [keyOf('a', 'b'), keyOf('ab'), keyOf('a,b'), keyOf('a', 'b', ''), keyOf('b', 'a')];
  expect(new Set(keys).size).toBe(keys.length);
  expect(keyOf('a', 'b')).toBe(keys[0]);
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{20}$/);
});

test.each([
  ['api.example.com', undefined, `api-example-com-${KEY}`],
  ['api.example.com', 'http-80', `api-example-com-${KEY}-http-80`],
  [long(70), undefined, `${long(42)}-${KEY}`],
  [long(70), 'http2-65535', `${long(30)}-${KEY}-http2-65535`],
  [`${long(41)}.b.example.com`, undefined, `${long(41)}-${KEY}`], // no two hyphens where it was cut
])('an object name is a label that keeps its key: %s, %s', (stem, suffix, name) => {
  expect(objectName(stem, KEY, suffix)).toBe(name);
  expect(name.length).toBeLessThanOrEqual(63);
});

test.each(['a', 'payments', 'team-1', long(63)])('%s is a namespace', (value) => {
  expect(assertDnsLabel(value, 'namespace')).toBe(value);
});

test.each(['', 'Payments', 'pay_ments', 'pay.ments', '-payments', 'payments-', long(64), 'payments\n'])(
  '%j is no namespace, and the message says what is',
  (value) => {
    expect(errorOf(() => assertDnsLabel(value, 'namespace'))).toBe(
      `${JSON.stringify(value)} is not a valid namespace: Kubernetes allows at most 63 lower-case letters, ` +
        'digits and "-", beginning ' +
        'and ending with a letter or digit',
    );
  },
);

test.each(['a', 'partner.client-1', long(63), `${long(63)}.${long(63)}`])('%s is the name of a Secret', (value) => {
  expect(assertObjectName(value, 'Secret')).toBe(value);
});

test.each([
  '',
  'Partner',
  'partner..client',
  'partner/client',
  'kubernetes://partner',
  Array(5).fill(long(60)).join('.'),
])('%j is not a valid name of a Secret', (value) => {
  expect(errorOf(() => assertObjectName(value, 'Secret'))).toBe(
    `"${value}" is not a valid Secret: Kubernetes allows at most 253 lower-case letters, digits, "-" and ".", ` +
      'with a letter or digit at both ends and beside each "."',
  );
});

test.each([
  [() => assertDnsLabel(undefined as any, 'namespace')],
  [() => assertObjectName(undefined as any, 'namespace')],
])('a missing name is refused', (attempt) => {
  expect(errorOf(attempt)).toBe('undefined is not a valid namespace; write its name as text');
});

test.each<Record<string, string>>([
  { app: 'exit' },
  { 'app.kubernetes.io/name': 'exit_1.2' },
  { app: '' },
  {},
  { [long(63)]: long(63) },
])('%j are labels', (labels) => {
  expect(() => assertLabels(labels)).not.toThrow();
});

test.each([
  [{ 'a b': 'c' }, '"a b" is not a valid name of a label'],
  [{ '': 'c' }, '"" is not a valid name of a label'],
  [{ 'a/b/c': 'd' }, '"a/b/c" is not a valid name of a label'],
  [{ 'A.example.com/b': 'c' }, '"A.example.com/b" is not a valid name of a label'],
  [{ [`${Array(5).fill(long(60)).join('.')}/b`]: 'c' }, 'is not a valid name of a label'],
  [{ [long(64)]: 'c' }, 'is not a valid name of a label'],
  [{ a: 'b c' }, '"b c" is not a valid value of the label "a": Kubernetes allows text of at most 63'],
  [{ a: long(64) }, 'is not a valid value of the label "a"'],
  [{ a: 1 } as any, '1 is not a valid value of the label "a"'],
])('%j are not labels', (labels, part) => {
  expect(errorOf(() => assertLabels(labels))).toContain(part);
});

test('a selector without labels would select everything, so it is refused', () => {
  expect(errorOf(() => assertSelector({}))).toBe(
    'no labels, which would select every pod of the namespace; name at least one label',
  );
  expect(errorOf(() => assertSelector(undefined as any))).toContain('no labels');
  expect(errorOf(() => assertSelector({ a: 'b c' }))).toContain('"b c"');
  expect(() => assertSelector({ a: 'b' })).not.toThrow();
});

test('annotations may be any text, but only text', () => {
  expect(() => assertAnnotations({ 'example.com/why': 'a sentence, with: anything\n' })).not.toThrow();
  expect(errorOf(() => assertAnnotations({ on: true } as any))).toBe(
    'true is not a valid value of the annotation "on": Kubernetes allows text only; write "true"',
  );
  expect(errorOf(() => assertAnnotations({ 'a b': 'c' }))).toContain('"a b" is not a valid name of an annotation');
});
