/**
 * Request headers by which tracing tells the next hop where a request comes from: those of every provider that Istio
 * has. The proxies and the applications' own libraries write them. SkyWalking's hold the names of workload, pod and
 * namespace, and the pod's address (measured).
 */
const TRACE_REQUEST_HEADERS: string[] = [
  'traceparent',
  'tracestate',
  'baggage',
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'x-b3-sampled',
  'x-b3-flags',
  'sw8',
  'sw8-x',
  'sw8-correlation',
  'x-datadog-trace-id',
  'x-datadog-parent-id',
  'x-datadog-sampling-priority',
  'x-datadog-origin',
  'x-datadog-tags',
];

/**
 * Request headers that proxies add and that tell an external host about the mesh: the caller's certificate and SPIFFE
 * identity, addresses of pods, mesh metadata, traces, timeouts and attempts. Measured at an external host, see
 * docs/headers.md.
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
  ...TRACE_REQUEST_HEADERS,
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
