import * as fs from 'fs';
import * as path from 'path';

/** The number of traps. */
export const TRAPS = 92;

export const DECISIONS = [
  'cannot be written',
  'stops synth',
  'stops synth across constructs',
  'warned about',
  "outside a library's reach",
] as const;
export type Decision = (typeof DECISIONS)[number];

export interface Row {
  readonly trap: number;
  readonly what: string;
  readonly decision: string;
  readonly why: string;
}

const DOCS = path.join(__dirname, '../../docs');

/** The table of docs/traps.md. */
export function rows(): Row[] {
  return fs
    .readFileSync(path.join(DOCS, 'traps.md'), 'utf8')
    .split('\n')
    .filter((line) => /^\| \d+ \|/.test(line))
    .map((line) => {
      const [, trap, what, decision, why] = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
      return { trap: Number(trap), what, decision, why };
    });
}

/** The links of a row whose page or heading does not exist. */
export function brokenLinks({ why }: Row): string[] {
  return [...why.matchAll(/\]\(([^)]+)\)/g)]
    .map((match) => match[1])
    .filter((target) => {
      const [page, anchor] = target.split('#');
      const file = path.join(DOCS, page);
      if (!fs.existsSync(file)) return true;
      const headings = [...fs.readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map((match) =>
        match[1]
          .toLowerCase()
          .replace(/[^\w\s-]/g, '')
          .replace(/ /g, '-'),
      );
      return anchor !== undefined && !headings.includes(anchor);
    });
}
