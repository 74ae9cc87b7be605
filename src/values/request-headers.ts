/**
 * Request headers that proxies add and that tell an external host about the mesh: the caller's whole certificate and
 * SPIFFE identity, addresses of pods, mesh metadata, timeouts and attempts. Measured at the outside; see
 * docs/headers.md.
 *
 * They are taken off on the last hop. An application's own header of such a name goes too; `unsafeKeepHeaders` keeps
 * it.
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

/** Refuses what is no header name that can be removed. */
export function assertHeaderName(name: string): string {
  if (name !== name.toLowerCase())
    throw new Error(
      `"${name}" has upper-case letters: header names do not differ by case; write "${name.toLowerCase()}"`,
    );
  if (!TOKEN.test(name))
    throw new Error(`"${name}" is no header name: write one such as "x-request-id", without colon or value`);
  if (name === 'host') throw new Error('"host" cannot be removed: it is how requests find their way');
  return name;
}
