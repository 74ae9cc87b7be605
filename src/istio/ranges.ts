import { BlockList, isIP } from 'net';

/**
 * The addresses at which clouds tell a machine about itself, and hand out its credentials. Most are in private ranges.
 *
 * @see https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
 */
export const METADATA_ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  AWS: ['169.254.169.254', '169.254.170.2', '169.254.170.23', 'fd00:ec2::254', 'fd00:ec2::23'],
  Azure: ['169.254.169.254', '168.63.129.16'],
  'Google Cloud': ['169.254.169.254', 'fd20:ce::254'],
  'Oracle Cloud': ['169.254.169.254', '192.0.0.192', 'fd00:c1::a9fe:a9fe'],
  'Alibaba Cloud': ['100.100.100.200'],
  OpenStack: ['169.254.169.254', 'fe80::a9fe:a9fe'],
};

const PRIVATE_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/4',
  '240.0.0.0/4',
];

/**
 * Address ranges that are not the public Internet: private networks, links, the node itself, and the metadata services
 * of clouds. Ranges for documentation are left out: nobody routes them.
 *
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry/iana-ipv4-special-registry.xhtml
 */
export const PRIVATE_RANGES: { readonly v4: string[]; readonly v6: string[] } = {
  v4: PRIVATE_V4,
  // Computed late: it takes a tenth of the time in which the library is loaded, and few apps need it.
  get v6() {
    return (privateV6 ??= [
      ...PRIVATE_V4.map(throughNat64),
      ...['64:ff9b:1::/48', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
    ]);
  },
};
let privateV6: string[] | undefined;

/** The range under which a translator for pods with IPv6 (NAT64) reaches a range of IPv4. */
export function throughNat64(range: string): string {
  const [address, bits] = range.split('/');
  return networkOf(`64:ff9b::${address}/${96 + Number(bits)}`);
}

/** Addresses that no host has: they stand for a name at sidecars, which give them to applications themselves. */
export const STAND_INS = '240.0.0.0/4';

/** From which istiod allocates addresses to the hosts of ServiceEntries. */
export const ALLOCATED = { v4: '240.240.0.0/16', v6: '2001:2::/48' } as const;

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

/** Whether two ranges, or addresses, have an address in common. */
export function overlap(a: string, b: string): boolean {
  return contains(a, b) || contains(b, a);
}

/** Whether the range is public and so wide that it contains addresses of undeclared hosts. */
export function isBroad(text: string): boolean {
  const range = parse(text);
  return range !== undefined && range.bits <= (range.family === 'ipv4' ? 16 : 32) && !isPrivateRange(text);
}

/** Whether the range contains no address of an external host, except over private links. */
export function isPrivateRange(text: string): boolean {
  const holdsIt = (network: string) => contains(network, text);
  return PRIVATE_RANGES.v4.some(holdsIt) || PRIVATE_RANGES.v6.some(holdsIt);
}

/**
 * Whether an external host whose address nobody knows is in a block, as NetworkPolicies and annotations write them. A
 * block of private addresses does not hold it. One of every IPv4 address, less private ones, does; every other may.
 */
export function holdsUnknownAddress(cidr: string, except: readonly string[] = []): boolean | 'perhaps' {
  if (isPrivateRange(cidr)) return false;
  return familyHeld(cidr, except) === 'ipv4' ? true : 'perhaps';
}

/** The family of which a block has every address, less private ones. */
export function familyHeld(cidr: string, except: readonly string[] = []): 'ipv4' | 'ipv6' | undefined {
  const range = parse(cidr);
  return range?.bits === 0 && except.every(isPrivateRange) ? range.family : undefined;
}

/** Private networks as a whole, in which clusters usually have their pods. */
export const PRIVATE_NETWORKS = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'];

/** Whether it is a part of a private network, where somebody may have a host that is not of the cluster. */
export function isPartOfPrivateNetwork(cidr: string): boolean {
  return PRIVATE_NETWORKS.some((network) => contains(network, cidr) && !contains(cidr, network));
}

/**
 * Whether an external host may have an address like this, or in this range. Whole private networks stand for the
 * cluster, and other addresses only stand for a name.
 */
export function mayHoldHost(place: string): boolean {
  if (parse(place) === undefined || isUnspecified(place) || contains(STAND_INS, place)) return false;
  return !isRange(place) || !isPrivateRange(place) || isPartOfPrivateNetwork(place);
}

/**
 * The ranges that a filter chain really matches. istiod leaves out each range whose address is 0.0.0.0, whatever its
 * mask, so a chain of such ranges alone matches every address.
 *
 * @see pilot/pkg/networking/core/listener.go, toFilterChainMatch
 */
export function matchedRanges(ranges: readonly string[]): readonly string[] {
  return ranges.some(isUnspecified) ? ranges.filter((range) => !isUnspecified(range)) : ranges;
}

function isUnspecified(range: string): boolean {
  return parse(range)?.address === '0.0.0.0';
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

/** The range of one address. */
export function hostRange(address: string): string {
  return `${address}/${isIP(address) === 6 ? 128 : 32}`;
}

/** One form for all that mean the same address or range; other text as it is. */
export function sameForm(place: string): string {
  const range = parse(place);
  return range ? networkOf(`${range.address}/${range.bits}`) : place;
}

/** A range without host bits, as Kubernetes requires it: `203.0.113.0/24` for `203.0.113.40/24`. */
export function networkOf(cidr: string): string {
  const [address, mask] = cidr.split('/');
  const v6 = isIP(address) === 6;
  const parts = v6 ? wordsOf(address) : address.split('.').map(Number);
  const width = v6 ? 16 : 8;
  const masked = parts.map((part, index) => {
    const bits = Math.min(width, Math.max(0, Number(mask) - index * width));
    return part - (part % 2 ** (width - bits));
  });
  const text = v6 ? shortForm(masked.map((word) => word.toString(16)).join(':')) : masked.join('.');
  return `${text}/${mask}`;
}

/** An IPv6 address in its canonical short form, in which a URL holds it. */
export function shortForm(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

/** The eight words of an IPv6 address. */
function wordsOf(address: string): number[] {
  const [head, tail] = shortForm(address)
    .split('::')
    .map((half) =>
      half
        .split(':')
        .filter(Boolean)
        .map((word) => parseInt(word, 16)),
    );
  return tail === undefined ? head : [...head, ...Array(8 - head.length - tail.length).fill(0), ...tail];
}
