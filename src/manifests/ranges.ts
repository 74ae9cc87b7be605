import { BlockList, isIP } from 'net';

// Networks in which no external host is reachable, except over private links.
const PRIVATE = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '240.0.0.0/4',
  'fc00::/7',
  'fe80::/10',
];

/** Whether it is a range of more than one address. */
export function isRange(text: string): boolean {
  const range = parse(text);
  return range !== undefined && range.bits < (range.family === 'ipv4' ? 32 : 128);
}

/** Whether the outer range contains the inner one, which may be a single address. */
export function contains(outer: string, inner: string): boolean {
  const [a, b] = [parse(outer), parse(inner)];
  if (!a || !b || a.family !== b.family || a.bits > b.bits) return false;
  const list = new BlockList();
  list.addSubnet(a.address, a.bits, a.family);
  return list.check(b.address, b.family);
}

/** Whether the range is public and so wide that it contains addresses of undeclared hosts. */
export function isBroad(text: string): boolean {
  const range = parse(text);
  return (
    range !== undefined &&
    range.bits <= (range.family === 'ipv4' ? 16 : 32) &&
    !PRIVATE.some((network) => contains(network, text))
  );
}

/** Whether the range contains no address of an external host, except over private links. */
export function isPrivateRange(text: string): boolean {
  return PRIVATE.some((network) => contains(network, text));
}

function parse(text: string): { address: string; bits: number; family: 'ipv4' | 'ipv6' } | undefined {
  const [address, mask] = String(text).split('/');
  const version = isIP(address);
  if (version === 0) return undefined;
  const widest = version === 4 ? 32 : 128;
  const bits = mask === undefined ? widest : Number(mask);
  return Number.isInteger(bits) && bits >= 0 && bits <= widest
    ? { address, bits, family: version === 4 ? 'ipv4' : 'ipv6' }
    : undefined;
}
