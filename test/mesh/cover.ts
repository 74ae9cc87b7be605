/**
 * `--all` asks a part of each product of dimensions (an object removed × a caller × a host), `--everything` the whole.
 * The part is pairwise: any two values of different dimensions that meet somewhere in the product meet in the part.
 */

/** The seed of this run, which decides what `--all` asks of a product. */
export function seed(): number {
  return Number(process.env.MESH_SEED ?? 1);
}

/** Of a product, what this run asks: a pairwise cover, or with `--everything` all of it. */
export function chosen<T>(product: readonly T[], dimensions: ((one: T) => string)[]): T[] {
  return process.env.MESH_EVERYTHING === undefined ? pairwise(product, dimensions, seed()) : [...product];
}

/**
 * The members of a product that cover all pairs of values, in the order of the product. Greedy: always the member with
 * the most pairs that are still missing, by the seed where several have the same number. The same seed gives the same
 * members.
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

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function random(from: number): () => number {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
