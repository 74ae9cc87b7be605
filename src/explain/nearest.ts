/** The most letters in which a misspelt name differs from the one that is meant. */
const MOST_TYPOS = 2;

/** The one of some names that a misspelt one is probably meant to be, whatever its case. */
export function nearest(name: string, all: readonly string[]): string | undefined {
  const [best] = [...new Set(all)]
    .map((one) => ({ one, by: distance(one.toLowerCase(), name.toLowerCase()) }))
    .filter(({ by }) => by <= MOST_TYPOS)
    .sort((a, b) => a.by - b.by);
  return best?.one;
}

/** The edit distance between two words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length];
}
