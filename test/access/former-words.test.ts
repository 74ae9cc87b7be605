import { parse } from 'yaml';
import { ACCESS_TABLE_SCHEMA } from '../../src/access/access-table-schema';
import { formerWordProblems, formerWords, inCurrentWords } from '../../src/access/former-words';
import { migrateAccessTable } from '../../src/access/migrate-access-table';
import { accessTableShapeProblems } from '../../src/access/read-access-table';
import { problemsOf } from '../support/access-schema';

/** A table of last year, with a comment or an oddity of layout in nearly every line. */
const FORMER = `# yaml-language-server: $schema=access-table.schema.json
mesh: {   outboundTrafficPolicy: REGISTRY_ONLY }

callers: # what is outside stays outside, by the way
  - { name: checkout, namespace: shop, serviceAccount: outside }
"outside":
  - {host: outside.example.com,http: ok   , https: ok}
access:
  - from:    checkout
    request: 'http://outside.example.com/way'
    expect:
      way:     gateway   # through the exit
      outcome: answered
      plaintextToOutside:
        false
  - { from: checkout, request: http://outside.example.com/, headers: {way: passthrough},
      expect: &open {'way': "passthrough", outcome: answered, } }
  - { from: checkout, request: http://outside.example.com/, expect: *open }
  - { from: checkout, request: tcp://outside.example.com:9, expect: { by: outside, outcome: refused, symptom: closed } }
`;
const CURRENT = `# yaml-language-server: $schema=access-table.schema.json
mesh: {   outboundTrafficPolicy: REGISTRY_ONLY }

callers: # what is outside stays outside, by the way
  - { name: checkout, namespace: shop, serviceAccount: outside }
"external":
  - {host: outside.example.com,http: ok   , https: ok}
access:
  - from:    checkout
    request: 'http://outside.example.com/way'
    expect:
      via:     gateway   # through the exit
      outcome: answered
      plaintextToHost:
        false
  - { from: checkout, request: http://outside.example.com/, headers: {way: passthrough},
      expect: &open {'via': "undeclared", outcome: answered, } }
  - { from: checkout, request: http://outside.example.com/, expect: *open }
  - { from: checkout, request: tcp://outside.example.com:9, expect: { by: host, outcome: refused, symptom: closed } }
`;
const rows = (expected: object) => ({ callers: [], external: [], access: [{ expect: {} }, { expect: expected }] });

describe('refusal', () => {
  test.each([
    [rows({ way: 'gateway' }), 'access[1].expect.way: is called `via` now'],
    [rows({ via: 'passthrough' }), 'access[1].expect.via: `passthrough` is called `undeclared` now'],
    [rows({ by: 'outside' }), 'access[1].expect.by: `outside` is called `host` now'],
    [rows({ plaintextToOutside: false }), 'access[1].expect.plaintextToOutside: is called `plaintextToHost` now'],
    [{ outside: [] }, 'outside: is called `external` now'],
    [
      { access: [{ expect: { way: 'direct' } }, { expect: { way: 'gateway' } }] },
      'access[0].expect.way: is called `via` now (2 times in this table)',
    ],
  ])('%j is told the new word, and the command that rewrites the table', (table, told) => {
    expect(accessTableShapeProblems(table, 'shop/access.yaml')).toEqual([
      `${told}; \`npx cdk8s-istio-egress migrate shop/access.yaml\` rewrites the table`,
    ]);
  });

  test('a former value of a former field is told apart from the field', () => {
    expect(formerWordProblems(rows({ way: 'passthrough' })).map((problem) => problem.split(' now')[0])).toEqual([
      'access[1].expect.way: is called `via`',
      'access[1].expect.way: `passthrough` is called `undeclared`',
    ]);
  });

  test.each([
    [rows({ serverName: 'outside', clientCommonName: 'passthrough' })],
    [{ callers: [{ name: 'way', labels: { way: 'passthrough', outside: 'outside' } }] }],
    [{ access: [{ from: 'outside', headers: { way: 'passthrough' }, way: 'gateway' }] }],
    [{ constructor: 'outside', access: 'way' }],
    [null],
    ['outside'],
  ])('a word that stands elsewhere is not one of them: %j', (table) => {
    expect(formerWords(table)).toEqual([]);
  });

  test('every new word is one of the schema', () => {
    const row: any = ACCESS_TABLE_SCHEMA.properties!.access.items!.properties!.expect.properties;
    const { words } = migrateAccessTable(FORMER);
    expect(words).toBe(6);
    for (const { kind, path, current } of formerWords(parse(FORMER))) {
      const field = String(path[path.length - 1]);
      if (kind === 'value') expect(row[{ way: 'via' }[field] ?? field].enum).toContain(current);
      else expect({ ...ACCESS_TABLE_SCHEMA.properties, ...row }).toHaveProperty([current]);
    }
  });
});

describe('migration', () => {
  test('changes the words, and no other character', () => {
    expect(migrateAccessTable(FORMER)).toEqual({ text: CURRENT, words: 6, problems: [] });
    expect(accessTableShapeProblems(parse(FORMER))).not.toEqual([]);
    expect(problemsOf(parse(CURRENT))).toEqual([]);
  });

  test('a table in the words of today stays as it is, and so does a migrated one', () => {
    expect(migrateAccessTable(CURRENT)).toEqual({ text: CURRENT, words: 0, problems: [] });
  });

  test.each([
    [
      'CRLF line ends and a byte order mark',
      `\ufeff${FORMER.replace(/\n/g, '\r\n')}`,
      `\ufeff${CURRENT.replace(/\n/g, '\r\n')}`,
    ],
    ['JSON', '{"access": [{"expect": {"way":"passthrough"}}]}', '{"access": [{"expect": {"via":"undeclared"}}]}'],
    [
      'explicit keys and tags',
      'access:\n- expect:\n    ? !!str way\n    : &w passthrough\n',
      'access:\n- expect:\n    ? !!str via\n    : &w undeclared\n',
    ],
    ['no new line at the end', 'outside: []', 'external: []'],
    ['an alias of itself', 'outside: []\naccess: &a [*a]\n', 'external: []\naccess: &a [*a]\n'],
  ])('%s', (_what, former, current) => {
    expect(migrateAccessTable(former)).toMatchObject({ text: current, problems: [] });
  });

  test.each([
    ['invalid YAML', 'access: [1\n', /^invalid YAML, .*line 2/],
    ['an empty text', '# nothing\n', /^empty, not an access table/],
    ['a manifest', 'apiVersion: v1\nkind: Service\n', /^not an access table/],
    ['a list', '- outside\n', /^not an access table/],
    ['both words', 'outside: []\nexternal: []\n', /^outside: `external` is there too; keep one of the two/],
    [
      'an escape',
      'access: [{ expect: { "w\\x61y": direct } }]',
      /^access\[0\]\.expect\.way: it is written as .*write `via` by hand/,
    ],
    [
      'a block scalar',
      'access:\n- expect:\n    by: |-\n      outside\n',
      /^access\[0\]\.expect\.by: it is written as .*write `host` by hand/,
    ],
    [
      'a merge of a mapping that is not part of the table',
      '%YAML 1.1\n---\nx: &x { way: direct }\naccess: [{ expect: { <<: *x } }]\n',
      /^access\[0\]\.expect\.way: it is merged in .*write `via` by hand/,
    ],
    [
      'a value that stands elsewhere, too',
      'callers: [{ name: &name outside }]\naccess: [{ expect: { by: *name } }]\n',
      /^replacing the words would change more than the words/,
    ],
  ])('%s is left alone, with the reason', (_what, text, why) => {
    const migration = migrateAccessTable(text);
    expect(migration).toMatchObject({ text, words: 0 });
    expect(migration.problems).toEqual([expect.stringMatching(why)]);
  });

  test('what a migrated text means is the old meaning in new words', () => {
    expect(inCurrentWords(parse(FORMER))).toEqual(parse(CURRENT));
  });
});
