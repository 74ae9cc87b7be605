/* eslint-disable no-bitwise -- hashes mix bits */
/** xxHash64, by which istiod finds again what it has worked out, and names that give a text the hash of another one. */

const u64 = (value: bigint) => BigInt.asUintN(64, value);
const rotl = (value: bigint, bits: bigint) => u64((value << bits) | (value >> (64n - bits)));
/** What undoes a multiplication by an odd number. */
const inverse = (factor: bigint) => [1, 2, 3, 4, 5].reduce((found) => u64(found * (2n - factor * found)), factor);

const P1 = 11400714785074694791n;
const P2 = 14029467366897019727n;
const P3 = 1609587929392839161n;
const P4 = 9650029242287828579n;
const P5 = 2870177450012600261n;
const [I1, I2, I3] = [P1, P2, P3].map(inverse);

interface Step {
  readonly on: (hash: bigint) => bigint;
  readonly back: (hash: bigint) => bigint;
}

const mixed = (lane: bigint, eight: bigint) => u64(rotl(u64(lane + eight * P2), 31n) * P1);
const unmixed = (eight: bigint) => u64(rotl(u64(eight * I1), 33n) * I2);

const withEight = (hash: bigint, value: bigint) => u64(rotl(hash ^ mixed(0n, value), 27n) * P1 + P4);
const eightBytes = (value: bigint): Step => ({
  on: (hash) => withEight(hash, value),
  back: (hash) => rotl(u64((hash - P4) * I1), 37n) ^ mixed(0n, value),
});
const fourBytes = (value: bigint): Step => ({
  on: (hash) => u64(rotl(hash ^ u64(value * P1), 23n) * P2 + P3),
  back: (hash) => rotl(u64((hash - P3) * I2), 41n) ^ u64(value * P1),
});
const oneByte = (value: bigint): Step => ({
  on: (hash) => u64(rotl(hash ^ u64(value * P5), 11n) * P1),
  back: (hash) => rotl(u64(hash * I1), 53n) ^ u64(value * P5),
});
const multiplied = (factor: bigint, undo: bigint): Step => ({
  on: (hash) => u64(hash * factor),
  back: (hash) => u64(hash * undo),
});
const shifted = (bits: bigint): Step => ({
  on: (hash) => hash ^ (hash >> bits),
  back: (hash) => hash ^ (hash >> bits) ^ (hash >> (2n * bits)),
});
const END = [shifted(33n), multiplied(P2, I2), shifted(29n), multiplied(P3, I3), shifted(32n)];

/** What is left of a text behind its last 32 bytes. */
function tail(bytes: Buffer): Step[] {
  if (bytes.length >= 8) return [eightBytes(bytes.readBigUInt64LE()), ...tail(bytes.subarray(8))];
  if (bytes.length >= 4) return [fourBytes(BigInt(bytes.readUInt32LE())), ...tail(bytes.subarray(4))];
  return [...bytes].map((byte) => oneByte(BigInt(byte)));
}

function stripes(bytes: Buffer, length: number): bigint {
  let lanes = [u64(P1 + P2), P2, 0n, u64(-P1)];
  for (let at = 0; at + 32 <= bytes.length; at += 32)
    lanes = lanes.map((lane, index) => mixed(lane, bytes.readBigUInt64LE(at + 8 * index)));
  const [a, b, c, d] = lanes;
  const sum = u64(rotl(a, 1n) + rotl(b, 7n) + rotl(c, 12n) + rotl(d, 18n));
  return u64(lanes.reduce((hash, lane) => u64((hash ^ mixed(0n, lane)) * P1 + P4), sum) + BigInt(length));
}

/** Of a text of 32 bytes or more. */
export function xxh64(text: string): bigint {
  const bytes = Buffer.from(text);
  const whole = bytes.length - (bytes.length % 32);
  return [...tail(bytes.subarray(whole)), ...END].reduce((hash, { on }) => on(hash), stripes(bytes, bytes.length));
}

/** A name of letters, digits and hyphens between two texts, so that the whole has a certain hash. */
export function nameWithHash(before: string, after: string, wanted: bigint): string {
  const padding = 'x'.repeat((32 - (before.length % 32)) % 32);
  const rest = Buffer.from(after);
  const start = stripes(Buffer.from(before + padding), before.length + padding.length + 16 + rest.length);
  const end = [...tail(rest), ...END].reduceRight((hash, { back }) => back(hash), wanted);
  const beforeLast = rotl(u64((end - P4) * I1), 37n);
  const [first, last] = [Buffer.alloc(8), Buffer.alloc(8)];
  for (let number = 0; ; number++) {
    first.write(number.toString(36).padStart(8, '0'));
    last.writeBigUInt64LE(unmixed(beforeLast ^ withEight(start, first.readBigUInt64LE())));
    if (last.every((byte, place) => isInName(byte) && (place < 7 || byte !== HYPHEN)))
      return `${padding}${first}${last}`;
  }
}

const HYPHEN = 45;

function isInName(byte: number): boolean {
  return (byte >= 97 && byte <= 122) || (byte >= 48 && byte <= 57) || byte === HYPHEN;
}
