/** By annotations and labels below this istiod tells apart what it made of other kinds of objects. */
export const ISTIODS_OWN = 'internal.istio.io/';

/** On a Service: the namespaces that see it. */
export const EXPORT_TO = 'networking.istio.io/exportTo';

export const DRY_RUN = 'istio.io/dry-run';

/** Whether by these annotations istiod only counts what an AuthorizationPolicy would do. */
export function isDryRun(annotations: Readonly<Record<string, unknown>> = {}): boolean {
  return /^(1|t|true)$/i.test(String(annotations[DRY_RUN]));
}
