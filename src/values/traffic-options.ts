import { Duration } from 'cdk8s';
import { assertWord, count, duration, list, Reader, required, struct, text } from './readers';

/** How often, and after which failures, an HTTP request is retried. */
export interface EgressRetries {
  /** The number of retries after the first attempt. `0` switches off Istio's default of two. */
  readonly attempts: number;

  /**
   * The timeout of each attempt, at least one millisecond, once the request is complete. Not with `attempts: 0`.
   *
   * @default - the timeout of the whole request
   */
  readonly perTryTimeout?: Duration;

  /**
   * The failures after which a request is retried: Envoy's retry conditions for HTTP and gRPC, such as
   * `connect-failure`, `gateway-error`, `5xx`, `reset` or `unavailable`, and HTTP status codes, such as `503`. At least
   * one; not with `attempts: 0`.
   *
   * @default - Istio's: connect-failure, refused-stream, unavailable, cancelled
   * @see https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on
   */
  readonly on?: string[];
}

/** When an address of an external host is not used for a while. At least one field. */
export interface EgressOutlierDetection {
  /**
   * The number of consecutive 5xx answers after which an address is ejected. `0` switches this off.
   *
   * @default - Envoy's, 5
   */
  readonly consecutive5xxErrors?: number;

  /**
   * The number of consecutive 502, 503 and 504 answers and failed connections after which an address is ejected. `0`
   * switches this off.
   *
   * @default - not counted separately
   */
  readonly consecutiveGatewayErrors?: number;

  /**
   * The time between two evaluations.
   *
   * @default - Envoy's, 10 seconds
   */
  readonly interval?: Duration;

  /**
   * The minimum time for which an address is ejected.
   *
   * @default - Envoy's, 30 seconds
   */
  readonly baseEjectionTime?: Duration;

  /**
   * The largest share of a host's addresses that may be ejected at a time, in percent.
   *
   * @default - Envoy's, 10
   */
  readonly maxEjectionPercent?: number;
}

/** Limits for connections to an external host, for each proxy, port and namespace of callers. */
export interface EgressConnectionPool {
  /**
   * The maximum number of connections at a time.
   *
   * @default - practically unlimited (2^32-1)
   */
  readonly maxConnections?: number;

  /**
   * The timeout for establishing a connection.
   *
   * @default - Istio's, 10 seconds
   */
  readonly connectTimeout?: Duration;

  /**
   * The maximum number of HTTP requests that wait for a connection.
   *
   * @default - practically unlimited (2^32-1)
   */
  readonly maxPendingRequests?: number;

  /**
   * The maximum number of HTTP requests on one connection. `1` switches keep-alive off.
   *
   * @default - unlimited
   */
  readonly maxRequestsPerConnection?: number;

  /**
   * The time after which an HTTP connection without requests is closed.
   *
   * @default - Envoy's, 1 hour
   */
  readonly idleTimeout?: Duration;
}

/** How requests are distributed over the addresses of an external host. */
export enum EgressLoadBalancing {
  /** One address after the other. */
  ROUND_ROBIN = 'ROUND_ROBIN',
  /** Of two random addresses, the one with fewer open requests. Istio's default. */
  LEAST_REQUEST = 'LEAST_REQUEST',
  /** A random address. */
  RANDOM = 'RANDOM',
}

/**
 * How the sidecar learns the addresses of an external host. There is no option to use the address that the caller
 * dialled, since that could be any.
 */
export enum EgressResolution {
  /** By DNS: all addresses of the answer. */
  DNS = 'DNS',
  /** By DNS: the first address at the time of each connection. For hosts whose answers rotate. */
  DNS_ROUND_ROBIN = 'DNS_ROUND_ROBIN',
  /** From `endpoints`, which are IP addresses. */
  STATIC = 'STATIC',
}

/** The conditions that Envoy knows (x-envoy-retry-on, x-envoy-retry-grpc-on), as istiod accepts them. */
const RETRY_CONDITIONS = [
  '5xx',
  'gateway-error',
  'reset',
  'reset-before-request',
  'connect-failure',
  'envoy-ratelimited',
  'retriable-4xx',
  'refused-stream',
  'retriable-status-codes',
  'retriable-headers',
  'http3-post-connect-failure',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
];

/** The HTTP status codes that istiod knows. */
const STATUS_CODE = /^(10[0-3]|20[0-8]|226|30[0-578]|4(0\d|1[0-8]|2[1-689]|31|51)|5(0[0-8]|1[01]))$/;

function assertRetryCondition(value: string): void {
  if (STATUS_CODE.test(value)) return;
  assertWord(value, 'a retry condition of Envoy or an HTTP status code', RETRY_CONDITIONS);
}

/** Reads `EgressRetries`. */
export const RETRIES: Reader<EgressRetries> = struct<EgressRetries>({
  attempts: required(count(0), '; write the number of retries, or 0 for none'),
  perTryTimeout: duration(),
  on: list(text('retry condition', '5xx', assertRetryCondition), '"5xx"', {
    empty:
      'empty, for which Istio would use its defaults; leave it out for those, or write `attempts: 0` for no retries',
  }),
});

/** Reads `EgressOutlierDetection`. */
export const OUTLIERS: Reader<EgressOutlierDetection> = struct<EgressOutlierDetection>({
  consecutive5xxErrors: count(0),
  consecutiveGatewayErrors: count(0),
  interval: duration(),
  baseEjectionTime: duration(),
  maxEjectionPercent: count(0, 100),
});

/** Reads `EgressConnectionPool`. */
export const POOL: Reader<EgressConnectionPool> = struct<EgressConnectionPool>({
  maxConnections: count(1),
  connectTimeout: duration(),
  maxPendingRequests: count(1),
  maxRequestsPerConnection: count(1),
  idleTimeout: duration(),
});
