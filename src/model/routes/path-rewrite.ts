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

/** A path in which everything that matches a regular expression is replaced, as RE2 does it. */
function replaced(path: string, { expression, by, where }: PathChange & { kind: 'found' }): string {
  const found = regularExpression(expression, where, false);
  const groups = new RegExp(`${found.source}|`).exec('')!.length - 1;
  // With a group that there is not, nothing is replaced; what comes after another escape is left out.
  if ([...by.matchAll(/\\(.)/gs)].some(([, one]) => Number(one) > groups)) return path;
  const [good] = /^([^\\]|\\[\d\\])*/s.exec(by)!;
  let end = -1;
  return path.replace(found, (...parts: string[]) => {
    const at = Number(parts[groups + 1]);
    // Unlike JavaScript, RE2 does not find nothing right after what it has found.
    if (parts[0] === '' && at === end) return '';
    end = at + parts[0].length;
    return good.replace(/\\(.)/gs, (_, one) => (one === '\\' ? one : (parts[Number(one)] ?? '')));
  });
}
