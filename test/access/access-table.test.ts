import * as fs from 'fs';
import * as path from 'path';
import { parse } from 'yaml';
import { ACCESS_TABLE_SCHEMA } from '../../src/access/access-table-schema';
import { accessTableShapeProblems } from '../../src/access/read-access-table';
import { problemsOf } from '../support/access-schema';

const table = (change: (table: any) => void = () => undefined) => {
  const made = parse(`
callers: [{ name: checkout, namespace: shop, serviceAccount: checkout }]
external: [{ host: api.example.com, https: ok }]
access: [{ from: checkout, request: 'https://api.example.com/', expect: { outcome: answered, status: 200 } }]
`);
  change(made);
  return made;
};

test('a small table is valid', () => {
  expect(problemsOf(table())).toEqual([]);
});

test.each<[string, (table: any) => void, RegExp]>([
  [
    'an unknown field',
    (made) => {
      made.access[0].expect.code = 200;
    },
    /additional properties.*code/,
  ],
  [
    'an unknown word',
    (made) => {
      made.access[0].expect.via = 'tunnel';
    },
    /\/expect\/via must be equal to one of/,
  ],
  [
    'no rows',
    (made) => {
      made.access = [];
    },
    /\/access must NOT have fewer/,
  ],
  [
    'an unknown caller',
    (made) => {
      made.access[0].from = 'unknown';
    },
    /unknown caller "unknown"; the callers are checkout/,
  ],
  [
    'a host that is not listed',
    (made) => {
      made.access[0].request = 'https://other.example.com/';
    },
    /"other.example.com" is not among/,
  ],
  [
    'another scheme',
    (made) => {
      made.access[0].request = 'ftp://api.example.com/';
    },
    /begins with http/,
  ],
  [
    'tcp without a port',
    (made) => {
      made.access[0].request = 'tcp://api.example.com';
    },
    /needs a port/,
  ],
  [
    'a caller twice',
    (made) => {
      made.callers.push(made.callers[0]);
    },
    /two have the same name/,
  ],
  [
    'a host twice',
    (made) => {
      made.external.push(made.external[0]);
    },
    /a host is listed twice/,
  ],
  [
    'an answered row with a symptom',
    (made) => {
      made.access[0].expect.symptom = 'closed';
    },
    /not a symptom/,
  ],
  [
    'a refused row with a status',
    (made) => {
      made.access[0].expect.outcome = 'refused';
    },
    /has a symptom/,
  ],
  [
    'a dial that is not an address',
    (made) => {
      made.access[0].dial = 'there';
    },
    /is not an IP address/,
  ],
  [
    'an IPv6 address where pods have none',
    (made) => {
      made.access[0].dial = '2001:db8::1';
    },
    /"2001:db8::1" is an IPv6 address; pods have those with `mesh: { dualStack: true }`/,
  ],
  [
    'an IPv6 address that hosts and proxies write otherwise',
    (made) => {
      made.mesh = { dualStack: true };
      made.external[0].address = '2001:DB8:0::1';
    },
    /write "2001:DB8:0::1" as "2001:db8::1"/,
  ],
  [
    'redirects that are not followed',
    (made) => {
      made.access[0].expect.redirects = [301];
    },
    /only with `follow: true`/,
  ],
  [
    'a name in `without` that is not <Kind>/<namespace>/<name>',
    (made) => {
      made.access[0].without = 'DestinationRule';
    },
    /without/,
  ],
])('%s is refused', (_what, change, why) => {
  expect(problemsOf(table(change)).join('\n')).toMatch(why);
});

test('the schema for editors is the one that tables are checked against', () => {
  expect(JSON.parse(fs.readFileSync(path.join(__dirname, '../../docs/access-table.schema.json'), 'utf8'))).toEqual(
    ACCESS_TABLE_SCHEMA,
  );
});

test.each<[string, (table: any) => void]>([
  ['nothing', () => undefined],
  [
    'an unknown field',
    (made) => {
      made.access[0].expect.code = 200;
    },
  ],
  [
    'an unknown word',
    (made) => {
      made.access[0].expect.via = 'tunnel';
    },
  ],
  [
    'no rows',
    (made) => {
      made.access = [];
    },
  ],
  [
    'a missing field',
    (made) => {
      delete made.callers[0].namespace;
    },
  ],
  [
    'an invalid name',
    (made) => {
      made.callers[0].namespace = 'Shop';
    },
  ],
  [
    'an invalid status',
    (made) => {
      made.access[0].expect.status = 999;
    },
  ],
  [
    'a value of neither shape',
    (made) => {
      made.access[0].expect.symptom = 300;
    },
  ],
  [
    'labels that are not text',
    (made) => {
      made.callers[0].labels = { app: 1 };
    },
  ],
  [
    'another type',
    (made) => {
      made.external = {};
    },
  ],
])('shapeProblems objects to a table exactly where a JSON Schema validator does: %s', (_what, change) => {
  expect(accessTableShapeProblems(table(change)).length > 0).toBe(problemsOf(table(change)).length > 0);
});
