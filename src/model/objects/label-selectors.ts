import { both, Certainty } from '../answer/certainty';
import { LabelSelector } from '../../access/access-table';

/**
 * Whether labels match a selector; without one, they do. A label that is missing is unknown where there may be others.
 *
 * @param hasOthers whether there may be labels beside these
 */
export function selectorMatches(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>>,
  hasOthers: boolean | undefined,
): Certainty {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  const isUnknown = (key: string) => hasOthers && labels[key] === undefined;
  const every = [
    ...Object.entries<string>(matchLabels).map(([key, value]) => (isUnknown(key) ? undefined : labels[key] === value)),
    ...matchExpressions.map(({ key, operator, values = [] }): Certainty => {
      if (isUnknown(key)) return undefined;
      switch (operator) {
        case 'In':
          return values.includes(labels[key]);
        case 'NotIn':
          return !values.includes(labels[key]);
        case 'Exists':
          return key in labels;
        case 'DoesNotExist':
          return !(key in labels);
        default:
          return undefined;
      }
    }),
  ];
  return every.reduce<Certainty>(both, true);
}
