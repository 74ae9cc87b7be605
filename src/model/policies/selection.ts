import { Certainty } from '../answer/certainty';

/** Pods, as far as selectors are concerned. */
export interface SelectablePods {
  readonly namespace: string;
  readonly labels: Record<string, string>;
  /** Whether they may have labels beside these, because they are known only from what selects them. */
  readonly hasOtherLabels?: boolean;
}

/** Whether a selector selects the pods. An empty selector selects everything. */
export function selection(
  selector: Record<string, string> | undefined,
  { labels, hasOtherLabels }: SelectablePods,
): Certainty {
  let found: Certainty = true;
  for (const key of Object.keys(selector ?? {})) {
    if (labels[key] === selector![key]) continue;
    if (labels[key] !== undefined || !hasOtherLabels) return false;
    found = undefined;
  }
  return found;
}

/** The labels of a selector of which it is unknown whether the pods have them, as `key=value`. */
export function unknownLabels(selector: Record<string, string> | undefined, { labels }: SelectablePods): string {
  return Object.entries(selector ?? {})
    .filter(([key]) => labels[key] === undefined)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
