/**
 * Ports that the sidecar itself listens on. @see
 * https://istio.io/latest/docs/ops/deployment/application-requirements/
 */
export const SIDECAR_PORTS: readonly number[] = [
  15000, 15001, 15002, 15004, 15006, 15008, 15009, 15020, 15021, 15053, 15090,
];

/** Those of them on which istiod creates no listener for an HTTP port of a ServiceEntry or Service. */
export const PORTS_WITHOUT_LISTENER: ReadonlySet<number> = new Set([15001, 15006, 15021, 15090]);

/** Where a proxy shows its metrics. */
export const METRICS_PORTS: readonly number[] = [15020, 15090];
