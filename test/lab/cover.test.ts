import { chosen, pairwise } from '../mesh/cover';

type Member = [object: string, caller: string, host: string];
const DIMENSIONS = [0, 1, 2].map((index) => (one: Member) => one[index]);

const names = (what: string, count: number) => Array.from({ length: count }, (_, index) => `${what}${index}`);
const PRODUCT = names('object', 7).flatMap((object) =>
  names('caller', 4).flatMap((caller) => names('host', 5).map((host): Member => [object, caller, host])),
);

const pairs = (members: Member[]) =>
  new Set(members.flatMap(([object, caller, host]) => [object + caller, object + host, caller + host]));

describe('a pairwise cover', () => {
  test.each([1, 2, 3, 99])('seed %i: every pair of the product is in it, with far fewer members', (seed) => {
    const cover = pairwise(PRODUCT, DIMENSIONS, seed);
    expect(pairs(cover)).toEqual(pairs(PRODUCT));
    expect(cover.length).toBeLessThan(PRODUCT.length / 2);
  });

  test('the same seed gives the same members, another seed others', () => {
    expect(pairwise(PRODUCT, DIMENSIONS, 5)).toEqual(pairwise(PRODUCT, DIMENSIONS, 5));
    expect(pairwise(PRODUCT, DIMENSIONS, 6)).not.toEqual(pairwise(PRODUCT, DIMENSIONS, 5));
  });

  test('enough seeds choose every member of the product', () => {
    const asked = new Set(names('', 60).flatMap((seed) => pairwise(PRODUCT, DIMENSIONS, Number(seed))));
    expect(asked.size).toBe(PRODUCT.length);
  });

  test('members stay in the order of the product, and missing pairs of it are not required', () => {
    const part = PRODUCT.filter(([object, caller]) => object !== 'object3' || caller === 'caller1');
    const cover = pairwise(part, DIMENSIONS, 1);
    expect(pairs(cover)).toEqual(pairs(part));
    expect(cover).toEqual(part.filter((member) => cover.includes(member)));
  });

  test('one dimension: each value once', () => {
    expect(pairwise(['a', 'b', 'a'], [(one) => one], 1).sort()).toEqual(['a', 'b']);
  });
});

describe('what a run chooses', () => {
  const before = { ...process.env };
  afterEach(() => {
    process.env = { ...before };
  });

  test('a cover by its seed, and the whole product with --everything', () => {
    process.env.MESH_SEED = '5';
    expect(chosen(PRODUCT, DIMENSIONS)).toEqual(pairwise(PRODUCT, DIMENSIONS, 5));
    process.env.MESH_EVERYTHING = 'true';
    expect(chosen(PRODUCT, DIMENSIONS)).toEqual(PRODUCT);
  });
});
