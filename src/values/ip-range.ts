import { isIP } from 'net';
import { shortForm } from '../istio/ranges';
import { shown } from './shown';

/**
 * Refuses an address range that the sidecar injector would refuse in its annotations: the mask is mandatory, blanks are
 * not allowed. Host bits may be set.
 *
 * @see https://istio.io/latest/docs/reference/config/annotations/
 */
export function assertCidr(value: string): string {
  const [address, mask, ...rest] = typeof value === 'string' ? value.split('/') : [''];
  const version = isIP(address);
  if (version === 0 || rest.length > 0)
    throw new Error(`${shown(value)} is not an address range, such as "203.0.113.0/24" or "2001:db8::/32"`);
  refuseMapped(value);
  const widest = version === 4 ? 32 : 128;
  if (mask === undefined) throw new Error(`"${value}" has no mask; for this one address write "${value}/${widest}"`);
  if (!/^(0|[1-9]\d*)$/.test(mask) || Number(mask) > widest)
    throw new Error(`"${value}" has an impossible mask; for IPv${version} write /0 to /${widest}`);
  return value;
}

/**
 * Refuses an IPv4 address, or range, that is written as IPv6 (`::ffff:127.0.0.1`): checks of IPv4 ranges do not find it,
 * and two ServiceEntries with one of them crash istiod.
 */
export function refuseMapped(value: string): void {
  const [address, mask] = value.split('/');
  const words = isIP(address) === 6 ? /^::ffff:([^:]+):([^:]+)$/.exec(shortForm(address)) : null;
  if (!words) return;
  const bytes = words.slice(1).flatMap((word) => [Math.floor(parseInt(word, 16) / 256), parseInt(word, 16) % 256]);
  const bits = mask === undefined ? '' : `/${Math.max(0, Number(mask) - 96)}`;
  throw new Error(`"${value}" is IPv4 that is written as IPv6; write "${bytes.join('.')}${bits}"`);
}

/** Refuses anything but an IP address or, where ranges are allowed, an address range. */
export function assertAddress(value: string, options: { ranges: boolean }): string {
  const given = typeof value === 'string' ? value : '';
  if (isIP(given) !== 0) {
    refuseMapped(value);
    return value;
  }
  if (options.ranges && given.includes('/')) return assertCidr(value);
  if (isIP(given.split('/')[0]) !== 0)
    throw new Error(
      `"${value}" is a range, which Istio only takes together with fixed endpoints (resolution STATIC); write ` +
        'single addresses',
    );
  throw new Error(
    `${shown(value)} is not an IP address${options.ranges ? ' or address range' : ''}, such as ` +
      `"203.0.113.10"${options.ranges ? ' or "203.0.113.0/24"' : ''}`,
  );
}

/**
 * Refuses anything but a TCP port.
 *
 * @param instead what to write instead
 */
export function assertPortNumber(value: number, instead = portNumberInstead(value)): number {
  if (Number.isInteger(value) && value >= 1 && value <= 65535) return value;
  const why = typeof value === 'number' ? ': ports are whole numbers from 1 to 65535' : '';
  throw new Error(`${shown(value)} is not a port number${why}; write ${instead}`);
}

/** The number that was meant by a value which is not a port number, else an example. */
export function portNumberInstead(value: unknown, example = 8443): string {
  const number = typeof value === 'string' && /^\d{1,5}$/.test(value.trim()) ? Number(value) : 0;
  return number >= 1 && number <= 65535 ? String(number) : `one such as ${example}`;
}
