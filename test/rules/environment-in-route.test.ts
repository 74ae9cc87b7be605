import { reported, route } from './support';

const headers = (part: string, value: string) => ({ [part]: { set: { x: value } } });
const routed = (place: string, spec: object, part = 'request', value = 'Bearer %ENVIRONMENT(KEY)%') => [
  route(place, {
    http: [{ headers: headers(part, value), route: [{ destination: { host: 'a.example.com' } }] }],
    ...spec,
  }),
];

test('at the gateway of the own namespace a request may carry it', () => {
  expect(reported('environment-in-route', routed('egress/a', { gateways: ['exit'] }))).toEqual([]);
  expect(reported('environment-in-route', routed('egress/a', { gateways: ['egress/exit'] }))).toEqual([]);
});

test.each([
  ["another namespace's gateway", routed('shop/a', { gateways: ['egress/exit'] })],
  ['sidecars', routed('shop/a', {})],
  ['a response', routed('egress/a', { gateways: ['exit'] }, 'response')],
])('%s must not', (_what, objects) => {
  expect(reported('environment-in-route', objects)).toHaveLength(1);
});

test('on a single destination it counts too', () => {
  const http = [{ route: [{ destination: { host: 'a' }, headers: headers('request', '%ENVIRONMENT(A)%') }] }];
  expect(reported('environment-in-route', routed('shop/a', { http }))).toEqual(['shop/a']);
});

test("other values are nobody else's", () => {
  expect(reported('environment-in-route', routed('shop/a', {}, 'request', '%DOWNSTREAM_PEER_ISSUER%'))).toEqual([]);
});
