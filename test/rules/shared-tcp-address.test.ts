import { entry, said } from './support';

const code = 'shared-tcp-address';
const db = (host: string, address: string, number = 5432, protocol = 'TCP') => ({
  hosts: [`${host}.example.com`],
  addresses: [address],
  ports: [{ number, name: 'tcp', protocol }],
});

test('two hosts at one address and port', () => {
  expect(said(code, [entry('shop/a', db('a', '203.0.113.7')), entry('shop/b', db('b', '203.0.113.7/32'))])).toEqual([
    'shop/a shop/b',
  ]);
});

test('another address, another port, a protocol with names, one host twice', () => {
  expect(said(code, [entry('shop/a', db('a', '203.0.113.7')), entry('shop/b', db('b', '203.0.113.8'))])).toEqual([]);
  expect(said(code, [entry('shop/a', db('a', '203.0.113.7')), entry('shop/b', db('b', '203.0.113.7', 3306))])).toEqual(
    [],
  );
  expect(
    said(code, [entry('shop/a', db('a', '203.0.113.7')), entry('shop/b', db('b', '203.0.113.7', 5432, 'TLS'))]),
  ).toEqual([]);
  expect(said(code, [entry('shop/a', db('a', '203.0.113.7')), entry('shop/b', db('a', '203.0.113.7'))])).toEqual([]);
});

test('only where one sidecar sees both', () => {
  expect(said(code, [entry('shop/a', db('a', '203.0.113.7')), entry('web/b', db('b', '203.0.113.7'))])).toEqual([]);
  expect(
    said(code, [
      entry('shop/a', db('a', '203.0.113.7')),
      entry('web/b', { ...db('b', '203.0.113.7'), exportTo: ['shop'] }),
    ]),
  ).toEqual(['shop/a web/b']);
});
