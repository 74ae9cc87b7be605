/** Whether a set of labels holds everything that the selector asks for; an empty selector asks for nothing. */
export function selects(
  selector: Record<string, string> | undefined,
  labels: Record<string, string> | undefined,
): boolean {
  if (!selector) return true;
  for (const key of Object.keys(selector)) if (labels?.[key] !== selector[key]) return false;
  return true;
}

/** Whether one selector picks pods that the other picks too, as far as the selectors alone tell. */
export function selectorsOverlap(
  a: Record<string, string> | undefined,
  b: Record<string, string> | undefined,
): boolean {
  return selects(a, b) || selects(b, a);
}
