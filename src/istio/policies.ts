/** The annotation by which istiod only counts what an AuthorizationPolicy would do. */
export const DRY_RUN = 'istio.io/dry-run';
