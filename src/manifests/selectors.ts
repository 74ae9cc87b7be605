export type Labels = Readonly<Record<string, string>>;

/** Whether the labels match the selector. An empty selector matches everything. */
export function selects(
  selector: Record<string, string> | undefined,
  labels: Record<string, string> | undefined,
): boolean {
  if (!selector) return true;
  for (const key of Object.keys(selector)) if (labels?.[key] !== selector[key]) return false;
  return true;
}

/** Whether one selector selects all pods of the other, as far as can be told from the selectors alone. */
export function selectorsOverlap(
  a: Record<string, string> | undefined,
  b: Record<string, string> | undefined,
): boolean {
  return selects(a, b) || selects(b, a);
}
