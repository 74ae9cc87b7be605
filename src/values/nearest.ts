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

/** How many letters have to be changed, removed, added, or swapped with the next, to make one word of the other. */
function distance(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const changed = rows[i - 1][j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swapped = isSwapped ? rows[i - 2][j - 2] + 1 : Infinity;
      row.push(Math.min(changed, swapped, rows[i - 1][j] + 1, row[j - 1] + 1));
    }
    rows.push(row);
  }
  return rows[from.length][to.length];
}
