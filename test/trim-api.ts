/**
 * Takes out of API.md what jsii-docgen writes for every construct and every reader knows: what the class `Construct` has,
 * and the parameters `scope` and `id`. Runs after jsii-docgen.
 */
import * as fs from 'fs';
import * as path from 'path';

const API = path.join(__dirname, '../API.md');

const INHERITED = /id="[\w.-]+\.(toString|with|isConstruct|property\.node|Initializer\.parameter\.(scope|id))"/;
const ROW =
  /^\| <code><a href="#[\w.-]+\.(toString|with|isConstruct|property\.node|Initializer\.parameter\.(scope|id))">.*\n/gm;
/** A table without a row. */
const EMPTY = /\| --- \|\n\n(---\n\n)?$/;

interface Section {
  readonly level: number;
  readonly text: string;
}

function sectionsOf(text: string): Section[] {
  return text.split(/^(?=#{1,6} )/m).map((part) => ({ level: /^#*/.exec(part)![0].length, text: part }));
}

/** Leaves out sections, with those below them. */
function without(sections: Section[], out: (section: Section, next?: Section) => boolean): Section[] {
  let below = Infinity;
  return sections.filter((section, index) => {
    if (section.level > below) return false;
    below = out(section, sections[index + 1]) ? section.level : Infinity;
    return below === Infinity;
  });
}

export function trimmed(text: string): string {
  const own = without(sectionsOf(text), (section) => INHERITED.test(section.text.split('\n')[0])).map(
    ({ level, text: part }) => ({ level, text: part.replace(ROW, '') }),
  );
  return without(own, ({ level, text: part }, next) => level === 4 && EMPTY.test(part) && (next?.level ?? 0) <= level)
    .map(({ text: part }) => part)
    .join('');
}

if (require.main === module) fs.writeFileSync(API, trimmed(fs.readFileSync(API, 'utf8')));
