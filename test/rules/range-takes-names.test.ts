import { entry, reported } from './support';

const code = 'range-takes-names';
const link = (addresses: string[]) =>
  entry('shop/link', {
    hosts: ['link.example.com'],
    addresses,
    resolution: 'NONE',
    ports: [{ number: 443, name: 'tcp', protocol: 'TCP' }],
  });
const http = { ports: [{ number: 443, name: 'http', protocol: 'HTTP' }] };

test.each([
  // istiod leaves out ranges of this address, so that names win.
  ['0.0.0.0/0', false],
  ['0.0.0.0/1', false],
  ['52.0.0.0/8', true],
  ['::/0', true],
  ['203.0.113.0/24', false],
  ['10.0.0.0/8', false],
  ['172.16.0.0/12', false],
  ['fd00::/8', false],
])('connections to a host with an unknown address are taken by %s: %s', (range, taken) => {
  expect(reported(code, [link([range]), entry('shop/site', {})])).toEqual(taken ? ['shop/link shop/site'] : []);
});

test('connections to a host with a known address are taken by any range that contains it', () => {
  const fixed = (address: string) => entry('shop/site', { resolution: 'STATIC', endpoints: [{ address }] });
  expect(reported(code, [link(['203.0.113.0/24']), fixed('203.0.113.9')])).toEqual(['shop/link shop/site']);
  expect(reported(code, [link(['203.0.113.0/24']), fixed('203.0.114.9')])).toEqual([]);
  expect(reported(code, [link(['203.0.113.9']), fixed('203.0.113.9')])).toEqual([]);
});

test('an address of its own protects TLS, but not HTTP', () => {
  const own = { addresses: ['203.0.113.9'] };
  expect(reported(code, [link(['203.0.113.0/24']), entry('shop/site', own)])).toEqual([]);
  expect(reported(code, [link(['203.0.113.0/24']), entry('shop/site', { ...own, ...http })])).toEqual([
    'shop/link shop/site',
  ]);
});

test('a range takes only addresses and ranges inside it, of the same family, and only if it is valid', () => {
  const web = (address: string) => entry('shop/site', { addresses: [address], ...http });
  expect(reported(code, [link(['203.0.113.0/24']), web('203.0.113.128/25')])).toEqual(['shop/link shop/site']);
  expect(reported(code, [link(['203.0.113.0/24']), web('203.0.112.0/20')])).toEqual([]);
  expect(reported(code, [link(['2001:db8::/24']), web('2001:db8::1')])).toEqual(['shop/link shop/site']);
  expect(reported(code, [link(['203.0.0.0/8']), web('2001:db8::1')])).toEqual([]);
  expect(reported(code, [link(['203.0.0.0/8']), web('somewhere')])).toEqual([]);
  expect(
    reported(code, [link(['everywhere/0', '0.0.0.0/-1', '0.0.0.0/x', '1.0.0.0/33']), entry('shop/site', {})]),
  ).toEqual([]);
});

test('other ports and other namespaces are not affected', () => {
  expect(reported(code, [link(['203.0.0.0/8']), entry('web/site', {})])).toEqual([]);
  expect(
    reported(code, [
      link(['203.0.0.0/8']),
      entry('shop/site', { ports: [{ number: 8443, name: 'tls', protocol: 'TLS' }] }),
    ]),
  ).toEqual([]);
});
