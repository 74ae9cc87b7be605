import * as fs from 'fs';
import * as path from 'path';
import { run } from '../../src/explain/command';
import { temporaryFolder } from '../support/app';

const EXAMPLE = path.join(__dirname, '../../examples/e-http-through-gateway');
const MANIFESTS = path.join(EXAMPLE, 'manifests');
const TABLE = fs.readFileSync(path.join(EXAMPLE, 'access.yaml'), 'utf8');
const FORMER = TABLE.replace(/^external:/m, 'outside:')
  .replace(/\bvia: /g, 'way: ')
  .replace(/\bplaintextToHost: /g, 'plaintextToOutside: ')
  .replace(/: undeclared\b/g, ': passthrough')
  .replace(/\bby: host\b/g, 'by: outside');

function written(text: string | Buffer, name = 'access.yaml'): string {
  const file = path.join(temporaryFolder(), name);
  fs.writeFileSync(file, text);
  return file;
}

describe('a table in former words', () => {
  test('is refused by check and explain with the new words, and read once it is migrated', () => {
    const file = written(FORMER);
    const refused = {
      code: 3,
      out: '',
      err: expect.stringMatching(
        /outside: is called `external` now; `npx .* migrate .*access\.yaml` rewrites the table\n.*expect\.way: is called/,
      ),
    };
    expect(run(['check', MANIFESTS, file])).toMatchObject(refused);
    const request = ['--from', 'shop/checkout', '--to', 'http://www.aliyun.com/'];
    expect(run(['explain', MANIFESTS, ...request, '--table', file])).toMatchObject(refused);
    const words = FORMER.match(/\boutside:|\bway:|\bplaintextToOutside:|: passthrough|by: outside/g)!.length;
    expect(run(['migrate', file])).toEqual({ code: 0, out: `${file}: ${words} words changed\n`, err: '' });
    expect(fs.readFileSync(file, 'utf8')).toBe(TABLE);
    expect(run(['check', MANIFESTS, file]).code).toBe(0);
    expect(run(['explain', MANIFESTS, ...request, '--table', file]).code).toBe(0);
  });

  test('is read from standard input and written to standard output', () => {
    const { code, out, err } = run(['migrate', '-'], () => FORMER);
    expect({ code, out }).toEqual({ code: 0, out: TABLE });
    expect(err).toMatch(/^standard input: \d+ words changed\n$/);
    expect(run(['migrate', '-'], () => TABLE)).toEqual({
      code: 0,
      out: TABLE,
      err: 'standard input: no former words, unchanged\n',
    });
  });
});

test('a table without former words is not written', () => {
  const file = written(TABLE);
  const before = new Date(2020, 1, 1);
  fs.utimesSync(file, before, before);
  expect(run(['migrate', file])).toEqual({ code: 0, out: `${file}: no former words, unchanged\n`, err: '' });
  expect(fs.readFileSync(file, 'utf8')).toBe(TABLE);
  expect(fs.statSync(file).mtime).toEqual(before);
});

test('several tables are migrated, each once, and counted one by one', () => {
  const [one, other] = [written('outside: []'), written(TABLE)];
  expect(run(['migrate', one, other, one])).toMatchObject({
    code: 0,
    out: `${one}: 1 word changed\n${other}: no former words, unchanged\n`,
  });
  expect(fs.readFileSync(one, 'utf8')).toBe('external: []');
});

test.each<[string, () => string, RegExp]>([
  ['a missing file', () => path.join(temporaryFolder(), 'none.yaml'), /none\.yaml: cannot be read, ENOENT/],
  ['a folder', () => temporaryFolder(), /: cannot be read, EISDIR/],
  ['invalid YAML', () => written('access: [1\n'), /access\.yaml: invalid YAML/],
  ['a manifest', () => path.join(MANIFESTS, 'shop.k8s.yaml'), /shop\.k8s\.yaml: not an access table/],
  ['another encoding', () => written(Buffer.from(`# caf\u00e9\n${FORMER}`, 'latin1')), /access\.yaml: not UTF-8/],
  ['both words', () => written('outside: []\nexternal: []\n'), /access\.yaml: outside: `external` is there too/],
])('nothing is written where one of the tables is %s', (_what, other, why) => {
  const file = written(FORMER);
  const { code, out, err } = run(['migrate', file, other()]);
  expect({ code, out }).toEqual({ code: 3, out: '' });
  expect(err).toMatch(why);
  expect(err).toMatch(/nothing was written\n$/);
  expect(fs.readFileSync(file, 'utf8')).toBe(FORMER);
});

test('standard input that is not a table is not printed', () => {
  expect(run(['migrate', '-'], () => '')).toMatchObject({ code: 3, out: '' });
});

test.each([
  [['migrate'], /migrate: name the access tables to rewrite/],
  [['migrate', '--dry-run', 'access.yaml'], /--dry-run/],
  [['explain', '.', '--want', 'gateway'], /--want is called --via now: --via gateway\n/],
  [['explain', '.', '--want=passthrough'], /--want is called --via now: --via undeclared\n/],
  [
    ['explain', '.', '--from', 'a/b', '--to', 'http://a.io', '--via', 'passthrough'],
    /--via: `passthrough` is called `undeclared` now/,
  ],
  [
    ['explain', '.', '--from', 'a/b', '--to', 'http://a.io', '--via', 'tunnel'],
    /--via is one of direct, undeclared, sidecar, gateway, not "tunnel"/,
  ],
])('%j ends with 3 and says what to write', (args, message) => {
  expect(run(args)).toMatchObject({ code: 3, out: '', err: expect.stringMatching(message) });
});
