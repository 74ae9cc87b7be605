/**
 * `--all` runs a part of each product of dimensions (object removed × caller × host), `--everything` all of it. The
 * part is a pairwise cover: any two values of different dimensions that occur together in the product occur together in
 * it.
 */
import { createHash } from 'crypto';

/** The seed of this run, which decides what `--all` takes of a product. */
export function seed(): number {
  return Number(process.env.MESH_SEED ?? 1);
}

/** The members of a product that this run takes: a pairwise cover, or with `--everything` all of them. */
export function chosen<T>(product: readonly T[], dimensions: ((one: T) => string)[]): T[] {
  return process.env.MESH_EVERYTHING === undefined ? pairwise(product, dimensions, seed()) : [...product];
}

/**
 * Members that cover all pairs of values, in the order of the product. Greedy: each time the member with the most pairs
 * that are still missing; the seed decides between equals. The same seed gives the same members.
 */
export function pairwise<T>(product: readonly T[], dimensions: ((one: T) => string)[], from: number): T[] {
  const order = shuffled(
    product.map((one, index) => ({ one, index, pairs: pairsOf(one, dimensions) })),
    random(from),
  );
  const missing = new Set(order.flatMap(({ pairs }) => pairs));
  const taken: typeof order = [];
  while (missing.size > 0) {
    const gains = order.map(({ pairs }) => pairs.filter((pair) => missing.has(pair)).length);
    const best = order[gains.indexOf(Math.max(...gains))];
    best.pairs.forEach((pair) => missing.delete(pair));
    taken.push(best);
  }
  return taken.sort((a, b) => a.index - b.index).map(({ one }) => one);
}

/** So many items, drawn by the seed. */
export function sample<T>(items: readonly T[], count: number, from: number): T[] {
  return shuffled([...items], random(from)).slice(0, count);
}

/** With one dimension, a "pair" is a single value. */
function pairsOf<T>(one: T, dimensions: ((one: T) => string)[]): string[] {
  const values = dimensions.map((value, dimension) => JSON.stringify([dimension, value(one)]));
  if (values.length === 1) return values;
  return values.flatMap((first, index) => values.slice(index + 1).map((second) => first + second));
}

function shuffled<T>(items: T[], next: () => number): T[] {
  const left = [...items];
  return items.map(() => left.splice(Math.floor(next() * left.length), 1)[0]);
}

/** A sequence of numbers from 0 to 1 that depends on the seed only. */
function random(from: number): () => number {
  let count = 0;
  return () => createHash('sha256').update(`${from} ${count++}`).digest().readUInt32BE() / 2 ** 32;
}
