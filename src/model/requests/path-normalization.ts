import { MeshSettings } from '../../access/access-table';

/** How much of a path the mesh's proxies normalise. */
type Normalization = NonNullable<MeshSettings['pathNormalization']>;

/**
 * The path, with its query, as a proxy that reads the request matches and forwards it; undefined where it refuses the
 * path. By default, percent-encoding of characters that need none and `.` and `..` segments go.
 */
export function normalizedPath(path: string, how: Normalization = 'BASE'): string | undefined {
  if (how === 'NONE') return path;
  const end = path.search(/[?#]/);
  const query = end < 0 ? '' : path.slice(end);
  let given = end < 0 ? path : path.slice(0, end);
  // The way of nearly every request.
  if (/^(\/[\w~-][\w~.-]*)*\/?$/.test(given)) return path;
  if (how === 'DECODE_AND_MERGE_SLASHES') given = given.replace(/%2f|%5c/gi, '/');
  if (/%00/.test(given)) return undefined;
  given = withoutDotSegments(
    given.replace(/\\/g, '/').replace(/%([2-7][0-9a-f])/gi, (text, code) => {
      const character = String.fromCharCode(parseInt(code, 16));
      return /[\w.~-]/.test(character) ? character : text;
    }),
  );
  if (how !== 'BASE') given = given.replace(/\/\/+/g, '/');
  return `${given}${query}`;
}

/** The path and query that an application sends, as curl: it resolves `..`, if not percent-encoded, and keeps `\`. */
export function pathAsSent(request: string, { pathname, search }: URL): string {
  const [, given] = /^\w+:\/\/[^/?#]*([^?#]*)/.exec(request) ?? [];
  return `${given && /%2e|\\/i.test(given) ? withoutDotSegments(given) : pathname}${search}`;
}

function withoutDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/');
  segments.forEach((segment, index) => {
    const isLast = index === segments.length - 1;
    if (segment === '..') {
      if (kept.length > 1) kept.pop();
    } else if (segment !== '.') {
      kept.push(segment);
      return;
    }
    if (isLast) kept.push('');
  });
  return kept.join('/');
}
