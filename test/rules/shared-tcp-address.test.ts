import { entry, reported } from './support';

const code = 'shared-tcp-address';
const db = (host: string, address: string, number = 5432, protocol = 'TCP') => ({
  hosts: [`${host}.example.com`],
  addresses: [address],
  ports: [{ number, name: 'tcp', protocol }],
});

test.each([
  ['203.0.113.7', '203.0.113.7/32'],
  ['10.1.0.0/16', '10.1.2.0/16'],
  ['2001:db8::1', '2001:0db8:0::1'],
])('two hosts at one address and port conflict: %s and %s', (one, other) => {
  expect(reported(code, [entry('shop/a', db('a', one)), entry('shop/b', db('b', other))])).toEqual(['shop/a shop/b']);
});

test('another address or port, a protocol that carries names, or the same host do not conflict', () => {
  expect(reported(code, [entry('shop/a', db('a', '203.0.113.7')), entry('shop/b', db('b', '203.0.113.8'))])).toEqual(
    [],
  );
  expect(
    reported(code, [entry('shop/a', db('a', '203.0.113.7')), entry('shop/b', db('b', '203.0.113.7', 3306))]),
  ).toEqual([]);
  expect(
    reported(code, [entry('shop/a', db('a', '203.0.113.7')), entry('shop/b', db('b', '203.0.113.7', 5432, 'TLS'))]),
  ).toEqual([]);
  expect(reported(code, [entry('shop/a', db('a', '203.0.113.7')), entry('shop/b', db('a', '203.0.113.7'))])).toEqual(
    [],
  );
});

test('hosts conflict only where a sidecar sees both', () => {
  expect(reported(code, [entry('shop/a', db('a', '203.0.113.7')), entry('web/b', db('b', '203.0.113.7'))])).toEqual([]);
  expect(
    reported(code, [
      entry('shop/a', db('a', '203.0.113.7')),
      entry('web/b', { ...db('b', '203.0.113.7'), exportTo: ['shop'] }),
    ]),
  ).toEqual(['shop/a web/b']);
});
