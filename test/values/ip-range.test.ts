import { assertAddress, assertCidr, assertPortNumber } from '../../src/values/ip-range';
import { errorOf } from '../support/app';

test.each(['203.0.113.0/24', '203.0.113.40/32', '10.0.0.1/24', '0.0.0.0/0', '2001:db8::/32', '::1/128', '::/0'])(
  '%s is a range, as for the injector',
  (value) => {
    expect(assertCidr(value)).toBe(value);
  },
);

test.each([
  ['203.0.113.40', '"203.0.113.40" has no mask: for this one address write "203.0.113.40/32"'],
  ['2001:db8::1', 'for this one address write "2001:db8::1/128"'],
  ['203.0.113.0/33', 'has an impossible mask: IPv4 takes /0 to /32'],
  ['2001:db8::/129', 'has an impossible mask: IPv6 takes /0 to /128'],
  ['203.0.113.0/024', 'has an impossible mask'],
  ['203.0.113.0/', 'has an impossible mask'],
  ['203.0.113.0/255.255.255.0', 'has an impossible mask'],
  ['203.0.113/24', '"203.0.113/24" is no address range: write it as "203.0.113.0/24" or "2001:db8::/32"'],
  [' 203.0.113.0/24', 'is no address range'],
  ['203.0.113.0/24/1', 'is no address range'],
  ['example.com/24', 'is no address range'],
  ['*', 'is no address range'],
  ['', 'is no address range'],
  [undefined as any, 'is no address range'],
])('%j is no range', (value, part) => {
  expect(errorOf(() => assertCidr(value))).toContain(part);
});

test.each(['203.0.113.10', '2001:db8::1'])('%s is an address', (value) => {
  expect(assertAddress(value, { ranges: false })).toBe(value);
});

test('ranges count as addresses where Istio takes them, and nowhere else', () => {
  expect(assertAddress('203.0.113.0/24', { ranges: true })).toBe('203.0.113.0/24');
  expect(errorOf(() => assertAddress('203.0.113.0/24', { ranges: false }))).toBe(
    '"203.0.113.0/24" is a range, which Istio takes beside fixed endpoints only (resolution STATIC): write ' +
      'single addresses',
  );
});

test.each([
  ['db.example.com', false, '"db.example.com" is no IP address: write it as "203.0.113.10"'],
  ['db.example.com', true, 'is no IP address and no address range: write it as "203.0.113.10" or "203.0.113.0/24"'],
  ['203.0.113.0/33', true, 'impossible mask'],
  [undefined as any, false, 'undefined'],
])('%j is no address', (value, ranges, part) => {
  expect(errorOf(() => assertAddress(value, { ranges }))).toContain(part);
});

test('where ranges are not taken, none is offered', () => {
  expect(errorOf(() => assertAddress('db.example.com', { ranges: false }))).toBe(
    '"db.example.com" is no IP address: write it as "203.0.113.10"',
  );
});

test.each([1, 443, 65535])('%d is a port', (value) => {
  expect(assertPortNumber(value)).toBe(value);
});

test.each([0, -1, 65536, 80.5, NaN, '80' as any, undefined as any])('%j is no port', (value) => {
  expect(errorOf(() => assertPortNumber(value))).toBe(`${value} is no port: ports are whole numbers from 1 to 65535`);
});
