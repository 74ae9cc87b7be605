/** Whether by these annotations istiod only counts what an AuthorizationPolicy would do. */
export function isDryRun(annotations: Readonly<Record<string, unknown>> = {}): boolean {
  return /^(1|t|true)$/i.test(String(annotations['istio.io/dry-run']));
}
