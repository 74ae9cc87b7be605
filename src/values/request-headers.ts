/**
 * Request headers that proxies add and that tell an external host about the mesh: the caller's certificate and SPIFFE
 * identity, addresses of pods, mesh metadata, timeouts and attempts. Measured at an external host, see docs/headers.md.
 *
 * They are removed on the last hop, even if the application itself has set them; `unsafeKeepHeaders` keeps them.
 */
export const MESH_REQUEST_HEADERS: string[] = [
  'x-forwarded-client-cert',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-request-id',
  'x-envoy-attempt-count',
  'x-envoy-external-address',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-decorator-operation',
  'x-envoy-peer-metadata',
  'x-envoy-peer-metadata-id',
];

const TOKEN = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;

/** Refuses anything but the lower-case name of a header that can be removed. */
export function assertHeaderName(name: string): string {
  if (name !== name.toLowerCase())
    throw new Error(`"${name}" has upper-case letters, which make no difference; write "${name.toLowerCase()}"`);
  if (!TOKEN.test(name))
    throw new Error(`"${name}" is not a header name; write one such as "x-request-id", without colon or value`);
  if (name === 'host') throw new Error('"host" cannot be removed, since requests are routed by it; leave it out');
  return name;
}
