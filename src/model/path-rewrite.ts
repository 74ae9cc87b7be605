import { FieldRef } from './answer';
import { Undetermined } from './undetermined';

/** A path, with its query, in which what the route's match has matched is replaced: its prefix, or the whole path. */
export function withoutMatch(path: string, match: any, replacement: string): string {
  const { exact, regex, prefix = '/' } = match?.uri ?? {};
  const end = path.indexOf('?');
  const [plain, query] = end < 0 ? [path, ''] : [path.slice(0, end), path.slice(end)];
  const rest = exact === undefined && regex === undefined ? plain.slice(prefix.length) : '';
  return `${replacement}${rest}${query}`;
}

/** A path, with its query, in which everything that matches a regular expression is replaced. */
export function replaced(path: string, { match, rewrite = '' }: any, where: FieldRef): string {
  const end = path.indexOf('?');
  const [plain, query] = end < 0 ? [path, ''] : [path.slice(0, end), path.slice(end)];
  try {
    const by = String(rewrite)
      .replace(/\$/g, '$$$$')
      .replace(/\\0/g, '$$&')
      .replace(/\\([1-9])/g, '$$$1');
    return `${plain.replace(new RegExp(match, 'g'), by)}${query}`;
  } catch {
    throw new Undetermined(`the model cannot evaluate the regular expression ${match}`, [where]);
  }
}
