/**
 * The word that was most likely meant, if one is close enough: at most two letters wrong, missing or added, and not more
 * than half of them.
 *
 * @param most the number of such letters, where it is not for a proposal alone
 */
export function nearest(
  word: string,
  words: readonly string[],
  most = Math.min(2, Math.ceil(word.length / 2)),
): string | undefined {
  const close = [...new Set(words)]
    .map((candidate) => ({ candidate, letters: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ letters }) => letters <= most)
    .sort((a, b) => a.letters - b.letters);
  return close[0]?.candidate;
}

/** How many letters have to be changed, removed or added to make one word of the other (Levenshtein). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const changed = row[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(changed, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[to.length];
}
