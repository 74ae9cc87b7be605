import { PathChange, TextMatch } from './route';
import { regularExpression } from '../requests/patterns';

/** A path, with its query, as a rule changes it. `match` is what the rule's match has matched. */
export function changedPath(path: string, change: PathChange | undefined, match: TextMatch | undefined): string {
  if (change === undefined) return path;
  const end = path.indexOf('?');
  const [plain, query] = end < 0 ? [path, ''] : [path.slice(0, end), path.slice(end)];
  switch (change.kind) {
    case 'whole':
      return change.path;
    case 'matched':
      return `${change.by}${restOf(plain, match)}${query}`;
    default:
      return `${replaced(plain, change)}${query}`;
  }
}

/** What a match has left over: without one, everything after the first slash. */
function restOf(path: string, match: TextMatch | undefined): string {
  if (match === undefined) return path.slice(1);
  return match.kind === 'prefix' ? path.slice(match.text.length) : '';
}

/** A path in which everything that matches a regular expression is replaced. */
function replaced(path: string, { expression, by, where }: PathChange & { kind: 'found' }): string {
  const replacement = by
    .replace(/\$/g, '$$$$')
    .replace(/\\0/g, '$$&')
    .replace(/\\([1-9])/g, '$$$1');
  return path.replace(regularExpression(expression, where, false), replacement);
}
