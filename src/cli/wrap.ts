/** The width of lines where no terminal says another one. */
export const WIDTH = 100;

/**
 * Breaks lines so that they fit a width: at spaces, and what is longer than a line after punctuation, as in a path.
 * Lines that continue one are indented two columns further.
 */
export function wrap(text: string, width: number): string {
  return text
    .split('\n')
    .flatMap((line) => wrapLine(line, width))
    .join('\n');
}

/** What a line holds at least after its indentation, however narrow the terminal is. */
const LEAST = 20;

function wrapLine(line: string, width: number): string[] {
  const indent = /^ */.exec(line)![0];
  const lines: string[] = [];
  let rest = line;
  for (let start = indent.length; ; start = indent.length + 2) {
    const end = Math.max(width, start + LEAST);
    if (rest.length <= end) return [...lines, rest];
    const at = breakIn(rest, start, end);
    lines.push(rest.slice(0, at).trimEnd());
    rest = `${indent}  ${rest.slice(at).trimStart()}`;
  }
}

/** Where a line is broken that is longer than its end. */
function breakIn(line: string, start: number, end: number): number {
  const space = line.lastIndexOf(' ', end);
  if (space > start) return space;
  const word = line.slice(start, end);
  const punctuation = Math.max(...['/', '.', ',', '-', '['].map((one) => word.lastIndexOf(one)));
  return punctuation > 0 ? start + punctuation + 1 : end;
}
