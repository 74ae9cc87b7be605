import { entry, reported } from './support';

const tcp = (place: string, spec: object = {}) =>
  entry(place, {
    hosts: ['link.example.com'],
    addresses: ['203.0.113.9'],
    ports: [{ number: 443, name: 'tcp', protocol: 'TCP' }],
    ...spec,
  });

test('in one namespace, or where both are visible', () => {
  expect(reported('tcp-address-beside-names', [tcp('shop/t'), entry('shop/a', {})])).toEqual(['shop/a shop/t']);
  expect(reported('tcp-address-beside-names', [tcp('other/t', { exportTo: ['*'] }), entry('shop/a', {})])).toEqual([
    'other/t shop/a',
  ]);
});

test.each([
  ['another port', [tcp('shop/t', { ports: [{ number: 5432, name: 'tcp', protocol: 'TCP' }] }), entry('shop/a', {})]],
  ['another namespace', [tcp('other/t'), entry('shop/a', {})]],
  ['a name whose addresses are declared', [tcp('shop/t'), entry('shop/a', { addresses: ['203.0.113.1'] })]],
  ['no name at all', [tcp('shop/t')]],
  ['a range, which has its own rule', [tcp('shop/t', { addresses: ['203.0.113.0/24'] }), entry('shop/a', {})]],
])('nothing for %s', (_what, objects) => {
  expect(reported('tcp-address-beside-names', objects)).toEqual([]);
});
