/**
 * Ports that the sidecar itself listens on. @see
 * https://istio.io/latest/docs/ops/deployment/application-requirements/
 */
export const SIDECAR_PORTS: readonly number[] = [
  15000, 15001, 15002, 15004, 15006, 15008, 15009, 15020, 15021, 15053, 15090,
];

/** At which Envoy passes on to its administration whatever begins with the path of its page. */
export const METRICS_PORT = 15090;

/** At which the agent listens, beside Envoy. */
const AGENT_PORT = 15020;

/** The ports of sidecars' and gateways' pods that anybody may ask in plaintext, and the pages there. */
export const OWN_PAGES: ReadonlyMap<number, readonly string[]> = new Map([
  [AGENT_PORT, ['/healthz/ready', '/metrics', '/stats/prometheus']],
  [15021, ['/healthz/ready']],
  [METRICS_PORT, ['/stats/prometheus']],
]);

/** The ports of a gateway's pods at which no server of a Gateway can listen: Envoy's administration has 15000. */
export const TAKEN_AT_GATEWAYS: ReadonlySet<number> = new Set([15000, ...OWN_PAGES.keys()]);

/**
 * Those of the sidecar's ports at which Envoy listens at every address, so that istiod creates no listener for an HTTP
 * port of a ServiceEntry or Service.
 */
export const PORTS_WITHOUT_LISTENER: ReadonlySet<number> = new Set([
  15001,
  15006,
  ...[...OWN_PAGES.keys()].filter((port) => port !== AGENT_PORT),
]);
