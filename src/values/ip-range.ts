import { isIP } from 'net';

/**
 * Refuses what the sidecar injector refuses in its IP range annotations: a mask is mandatory, no blanks; host bits may be set.
 *
 * @see https://istio.io/latest/docs/reference/config/annotations/
 */
export function assertCidr(value: string): string {
  const [address, mask, ...rest] = String(value).split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) throw new Error(`"${value}" is no address range: write it as "203.0.113.0/24" or "2001:db8::/32"`);
  const widest = version === 4 ? 32 : 128;
  if (mask === undefined) throw new Error(`"${value}" has no mask: for this one address write "${value}/${widest}"`);
  if (!/^(0|[1-9]\d*)$/.test(mask) || Number(mask) > widest) throw new Error(`"${value}" has an impossible mask: IPv${version} takes /0 to /${widest}`);
  return value;
}

/** Refuses what is neither an address nor (where ranges are allowed) a range. */
export function assertAddress(value: string, options: { ranges: boolean }): string {
  if (isIP(value) !== 0) return value;
  if (!options.ranges && isIP(String(value).split('/')[0]) !== 0) throw new Error(`"${value}" is a range, which Istio takes beside fixed endpoints only (resolution STATIC): write single addresses`);
  if (options.ranges && value.includes('/')) return assertCidr(value);
  throw new Error(`"${value}" is no IP address${options.ranges ? ' and no address range' : ''}: write it as "203.0.113.10"${options.ranges ? ' or "203.0.113.0/24"' : ''}`);
}

/** Refuses what is no TCP port. */
export function assertPortNumber(value: number): number {
  if (!Number.isInteger(value) || value < 1 || value > 65535) throw new Error(`${value} is no port: ports are whole numbers from 1 to 65535`);
  return value;
}
