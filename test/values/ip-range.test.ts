import { assertAddress, assertCidr, assertPortNumber } from '../../src/values/ip-range';
import { errorOf } from '../support/app';

test.each(['203.0.113.0/24', '203.0.113.40/32', '10.0.0.1/24', '0.0.0.0/0', '2001:db8::/32', '::1/128', '::/0'])(
  '%s is a range, as for the injector',
  (value) => {
    expect(assertCidr(value)).toBe(value);
  },
);

test.each([
  ['203.0.113.40', '"203.0.113.40" has no mask; for this one address write "203.0.113.40/32"'],
  ['2001:db8::1', 'for this one address write "2001:db8::1/128"'],
  ['203.0.113.0/33', 'has an impossible mask; for IPv4 write /0 to /32'],
  ['2001:db8::/129', 'has an impossible mask; for IPv6 write /0 to /128'],
  ['203.0.113.0/024', 'has an impossible mask'],
  ['203.0.113.0/', 'has an impossible mask'],
  ['203.0.113.0/255.255.255.0', 'has an impossible mask'],
  ['203.0.113/24', '"203.0.113/24" is not an address range, such as "203.0.113.0/24" or "2001:db8::/32"'],
  [' 203.0.113.0/24', 'is not an address range'],
  ['203.0.113.0/24/1', 'is not an address range'],
  ['example.com/24', 'is not an address range'],
  ['*', 'is not an address range'],
  ['', 'is not an address range'],
  [undefined as any, 'is not an address range'],
])('%j is not a range', (value, part) => {
  expect(errorOf(() => assertCidr(value))).toContain(part);
});

test.each(['203.0.113.10', '2001:db8::1'])('%s is an address', (value) => {
  expect(assertAddress(value, { ranges: false })).toBe(value);
});

test('ranges count as addresses where Istio accepts them, and nowhere else', () => {
  expect(assertAddress('203.0.113.0/24', { ranges: true })).toBe('203.0.113.0/24');
  expect(errorOf(() => assertAddress('203.0.113.0/24', { ranges: false }))).toBe(
    '"203.0.113.0/24" is a range, which Istio only takes together with fixed endpoints (resolution STATIC); write ' +
      'single addresses',
  );
});

test.each([
  ['db.example.com', false, '"db.example.com" is not an IP address, such as "203.0.113.10"'],
  ['db.example.com', true, 'is not an IP address or address range, such as "203.0.113.10" or "203.0.113.0/24"'],
  ['203.0.113.0/33', true, 'impossible mask'],
  [undefined as any, false, 'undefined'],
])('%j is not an address', (value, ranges, part) => {
  expect(errorOf(() => assertAddress(value, { ranges }))).toContain(part);
});

test.each([
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['::FFFF:7f00:1', '127.0.0.1'],
  ['0:0:0:0:0:ffff:a9fe:a9fe', '169.254.169.254'],
  ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
  ['::ffff:0:0/96', '0.0.0.0/0'],
])('%s is IPv4, and is to be written so', (value, instead) => {
  const message = `"${value}" is IPv4 that is written as IPv6; write "${instead}"`;
  expect(errorOf(() => assertAddress(value, { ranges: true }))).toBe(message);
  if (value.includes('/')) expect(errorOf(() => assertCidr(value))).toBe(message);
});

test.each(['::ffff', '::ffff:1', '::ffff:1:2:3', '64:ff9b::7f00:1'])('%s is IPv6', (value) => {
  expect(assertAddress(value, { ranges: false })).toBe(value);
});

test('where ranges are not allowed, none is suggested', () => {
  expect(errorOf(() => assertAddress('db.example.com', { ranges: false }))).toBe(
    '"db.example.com" is not an IP address, such as "203.0.113.10"',
  );
});

test.each([1, 443, 65535])('%d is a port', (value) => {
  expect(assertPortNumber(value)).toBe(value);
});

test.each([0, -1, 65536, 80.5, NaN])('%j is not a port number', (value) => {
  expect(errorOf(() => assertPortNumber(value))).toBe(
    `${value} is not a port number: ports are whole numbers from 1 to 65535; write one such as 8443`,
  );
});

test.each<[any, string]>([
  ['80', '"80" is not a port number; write 80'],
  ['http', '"http" is not a port number; write one such as 8443'],
  ['99999', '"99999" is not a port number; write one such as 8443'],
  [undefined, 'undefined is not a port number; write one such as 8443'],
])('%j is not even a number', (value, says) => {
  expect(errorOf(() => assertPortNumber(value))).toBe(says);
});
