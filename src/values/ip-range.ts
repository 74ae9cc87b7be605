import { isIP } from 'net';

/**
 * Refuses what the sidecar injector refuses in its IP range annotations: a mask is mandatory, no blanks; host bits may
 * be set.
 *
 * @see https://istio.io/latest/docs/reference/config/annotations/
 */
export function assertCidr(value: string): string {
  const [address, mask, ...rest] = String(value).split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0)
    throw new Error(`"${value}" is no address range: write it as "203.0.113.0/24" or "2001:db8::/32"`);
  const widest = version === 4 ? 32 : 128;
  if (mask === undefined) throw new Error(`"${value}" has no mask: for this one address write "${value}/${widest}"`);
  if (!/^(0|[1-9]\d*)$/.test(mask) || Number(mask) > widest)
    throw new Error(`"${value}" has an impossible mask: IPv${version} takes /0 to /${widest}`);
  return value;
}

/** Refuses what is neither an address nor (where ranges are allowed) a range. */
export function assertAddress(value: string, options: { ranges: boolean }): string {
  if (isIP(value) !== 0) return value;
  if (!options.ranges && isIP(String(value).split('/')[0]) !== 0)
    throw new Error(
      `"${value}" is a range, which Istio takes beside fixed endpoints only (resolution STATIC): write single addresses`,
    );
  if (options.ranges && value.includes('/')) return assertCidr(value);
  throw new Error(
    `"${value}" is no IP address${options.ranges ? ' and no address range' : ''}: write it as ` +
      `"203.0.113.10"${options.ranges ? ' or "203.0.113.0/24"' : ''}`,
  );
}

/** Refuses what is no TCP port. */
export function assertPortNumber(value: number): number {
  if (!Number.isInteger(value) || value < 1 || value > 65535)
    throw new Error(`${value} is no port: ports are whole numbers from 1 to 65535`);
  return value;
}

/** The range of one address. */
export function hostRange(address: string): string {
  return `${address}/${isIP(address) === 6 ? 128 : 32}`;
}

/** A range without host bits, as Kubernetes wants it: `203.0.113.40/24` is `203.0.113.0/24`. */
export function networkOf(cidr: string): string {
  const [address, mask] = cidr.split('/');
  const v6 = isIP(address) === 6;
  const parts = v6 ? wordsOf(address) : address.split('.').map(Number);
  const width = v6 ? 16 : 8;
  const masked = parts.map((part, index) => {
    const bits = Math.min(width, Math.max(0, Number(mask) - index * width));
    return part - (part % 2 ** (width - bits));
  });
  // a URL writes IPv6 addresses in their one short form
  const text = v6
    ? new URL(`http://[${masked.map((word) => word.toString(16)).join(':')}]`).hostname.slice(1, -1)
    : masked.join('.');
  return `${text}/${mask}`;
}

/** The eight words of an IPv6 address. */
function wordsOf(address: string): number[] {
  const [head, tail] = new URL(`http://[${address}]`).hostname
    .slice(1, -1)
    .split('::')
    .map((half) =>
      half
        .split(':')
        .filter(Boolean)
        .map((word) => parseInt(word, 16)),
    );
  return tail === undefined ? head : [...head, ...Array(8 - head.length - tail.length).fill(0), ...tail];
}
