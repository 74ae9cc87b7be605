import { istio, reported, route } from './support';

const code = 'request-for-another-host';
const to = { host: 'a.example.com', port: { number: 443 } };
const rule = (tls: object = {}, place = 'egress/r') =>
  istio('DestinationRule', place, {
    host: 'a.example.com',
    trafficPolicy: { tls: { mode: 'SIMPLE', sni: 'a.example.com', subjectAltNames: ['a.example.com'], ...tls } },
  });
const hop = (http: object, hosts = ['a.internal']) =>
  route('egress/v', { hosts, gateways: ['exit'], http: [{ route: [{ destination: to }], ...http }] });

test.each([
  ['without a rewrite', {}],
  ['with a rewrite to another name', { rewrite: { authority: 'b.example.com' } }],
  ['with a Host header of another name', { headers: { request: { set: { Host: 'b.example.com' } } } }],
])('a route %s', (_what, http) => {
  expect(reported(code, [hop(http), rule()])).toEqual(['egress/r egress/v']);
});

test.each([
  ['rewritten to the host, in any case and with a port', hop({ rewrite: { authority: 'A.example.com:443' } })],
  ['for the host itself', hop({}, ['a.example.com'])],
  ['for hosts that the manifests do not name', hop({}, ['*'])],
])('a request %s', (_what, request) => {
  expect(reported(code, [request, rule()])).toEqual([]);
});

test('a name that the certificate must cover is right too', () => {
  const san = { subjectAltNames: ['a.example.com', '*.example.org'] };
  expect(reported(code, [hop({ rewrite: { authority: 'b.example.org' } }), rule(san)])).toEqual([]);
});

test("without sni the proxy asks for the request's own name, and in the mesh's mutual TLS names mean nothing", () => {
  expect(reported(code, [hop({}), rule({ sni: undefined })])).toEqual([]);
  expect(reported(code, [hop({}), rule({ mode: 'ISTIO_MUTUAL' })])).toEqual([]);
});

test('which of several rules a proxy uses is not known', () => {
  expect(reported(code, [hop({}), rule(), rule({ sni: 'a.internal' }, 'shop/r')])).toEqual([]);
});
