import { Duration } from 'cdk8s';

/** How often and when a failed HTTP request is tried again. */
export interface EgressRetries {
  /** How many more times after the first. `0` switches Istio's default of two off. */
  readonly attempts: number;

  /**
   * How long each try may take.
   *
   * @default - the request's own timeout
   */
  readonly perTryTimeout?: Duration;

  /**
   * Conditions, in Envoy's words, such as `connect-failure`, `gateway-error`, `5xx`, `reset`, or status codes.
   *
   * @default - Istio's: connect-failure, refused-stream, unavailable, cancelled
   * @see https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on
   */
  readonly on?: string[];
}

/** When an address of an external host is left out for a while. At least one field. */
export interface EgressOutlierDetection {
  /**
   * Consecutive 5xx answers.
   *
   * @default - Envoy's, 5
   */
  readonly consecutive5xxErrors?: number;

  /**
   * Consecutive 502, 503 and 504 answers, and failed connections.
   *
   * @default - not counted apart
   */
  readonly consecutiveGatewayErrors?: number;

  /**
   * Time between two looks at the counters.
   *
   * @default - Envoy's, 10 seconds
   */
  readonly interval?: Duration;

  /**
   * The shortest time that an address stays out.
   *
   * @default - Envoy's, 30 seconds
   */
  readonly baseEjectionTime?: Duration;

  /**
   * How many of a host's addresses may be out, in percent.
   *
   * @default - Envoy's, 10
   */
  readonly maxEjectionPercent?: number;
}

/** Limits on connections to an external host, for each proxy. At least one field. */
export interface EgressConnectionPool {
  /**
   * Connections at one time.
   *
   * @default - no limit worth the name (2^32-1)
   */
  readonly maxConnections?: number;

  /**
   * Time for a connection to be set up.
   *
   * @default - Istio's, 10 seconds
   */
  readonly connectTimeout?: Duration;

  /**
   * HTTP requests that wait for a connection.
   *
   * @default - no limit worth the name
   */
  readonly maxPendingRequests?: number;

  /**
   * HTTP requests on one connection; 1 switches keep-alive off.
   *
   * @default - no limit
   */
  readonly maxRequestsPerConnection?: number;

  /**
   * How long an HTTP connection without requests stays open.
   *
   * @default - Envoy's, 1 hour
   */
  readonly idleTimeout?: Duration;
}

/** How requests are spread over the addresses of an external host. */
export enum EgressLoadBalancing {
  /** One after the other. */
  ROUND_ROBIN = 'ROUND_ROBIN',
  /** The one with fewer open requests, of two picked by chance. Istio's default. */
  LEAST_REQUEST = 'LEAST_REQUEST',
  /** By chance. */
  RANDOM = 'RANDOM',
}

/**
 * How the sidecar learns the addresses of an external host. Never the address that the caller dialled: that could be
 * any.
 */
export enum EgressResolution {
  /** By DNS, all addresses of the answer. */
  DNS = 'DNS',
  /** By DNS, the first address at the time of each connection; fits hosts whose answers rotate. */
  DNS_ROUND_ROBIN = 'DNS_ROUND_ROBIN',
  /** From `endpoints`, which are IP addresses. */
  STATIC = 'STATIC',
}
