import { assertHeaderName, MESH_REQUEST_HEADERS } from '../../src/values/request-headers';
import { errorOf } from '../support/app';

test('every header that is removed by default could also be given', () => {
  for (const name of MESH_REQUEST_HEADERS) expect(assertHeaderName(name)).toBe(name);
  expect(new Set(MESH_REQUEST_HEADERS).size).toBe(MESH_REQUEST_HEADERS.length);
  expect(MESH_REQUEST_HEADERS).toEqual(
    expect.arrayContaining(['x-forwarded-client-cert', 'x-forwarded-for', 'x-envoy-peer-metadata']),
  );
});

test.each([
  ['X-Team', '"X-Team" has upper-case letters, which make no difference; write "x-team"'],
  ['host', '"host" cannot be removed, since requests are routed by it; leave it out'],
  [':authority', '":authority" is not a header name; write one such as "x-request-id", without colon or value'],
  ['x-team: payments', 'is not a header name'],
  ['', '"" is not a header name'],
])('%j is refused', (name, message) => {
  expect(errorOf(() => assertHeaderName(name))).toContain(message);
});
