import { entry, findings, reported } from './support';

const code = 'wildcard-beside-host';
const wildcard = (place: string, host: string, spec: object = {}) =>
  entry(place, { hosts: [host], resolution: 'DYNAMIC_DNS', ...spec });
const throughGateway = entry('shop/partner', { hosts: ['api.eu.example.com'], resolution: 'STATIC' });
const upgraded = entry('shop/site', {
  hosts: ['www.example.com'],
  ports: [{ number: 80, name: 'http', protocol: 'HTTP', targetPort: 443 }],
});

test('a host through a gateway conflicts with a wildcard at every level of its domain', () => {
  for (const host of ['*.eu.example.com', '*.example.com', '*.com', '*.EXAMPLE.com'])
    expect(reported(code, [throughGateway, wildcard('shop/w', host)])).toEqual(['shop/partner shop/w']);
  for (const host of ['*.us.example.com', '*.api.eu.example.com'])
    expect(reported(code, [throughGateway, wildcard('shop/w', host)])).toEqual([]);
});

test('so does a host whose plain HTTP leaves as TLS', () => {
  expect(findings(code, [upgraded, wildcard('shop/w', '*.example.com')])[0].message).toContain(
    'whose plain HTTP leaves as TLS',
  );
});

test('a host that leaves straight from the sidecar does not', () => {
  expect(
    reported(code, [entry('shop/site', { hosts: ['www.example.com'] }), wildcard('shop/w', '*.example.com')]),
  ).toEqual([]);
});

test('nor does a wildcard in another namespace, or one without endpoints', () => {
  expect(reported(code, [throughGateway, wildcard('web/w', '*.example.com')])).toEqual([]);
  expect(reported(code, [throughGateway, wildcard('web/w', '*.example.com', { exportTo: ['*'] })])).toEqual([
    'shop/partner web/w',
  ]);
  expect(reported(code, [throughGateway, wildcard('shop/w', '*.example.com', { resolution: 'STATIC' })])).toEqual([]);
});
