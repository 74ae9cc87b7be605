/** Every relative link of every page leads to a file that is there, and to a heading of it. */
import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';

const ROOT = path.join(__dirname, '..');
const PAGES = execFileSync('git', ['ls-files', '*.md'], { cwd: ROOT, encoding: 'utf8' })
  .split('\n')
  .filter((name) => name !== '' && name !== 'API.md');

/** The anchors that GitHub gives the headings of a page. */
function anchors(text: string): Set<string> {
  const seen = new Map<string, number>();
  const found = new Set<string>();
  for (const [, heading] of withoutCode(text).matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- _]/gu, '')
      .replace(/ /g, '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    found.add(before === 0 ? slug : `${slug}-${before}`);
  }
  for (const [, name] of text.matchAll(/<a (?:id|name)="([^"]+)"/g)) found.add(name);
  return found;
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '');
}

test('there are pages', () => expect(PAGES.length).toBeGreaterThan(40));

test.each(PAGES)('%s', (page) => {
  const text = fs.readFileSync(path.join(ROOT, page), 'utf8');
  const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link);
  const broken = links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [file, anchor] = link.split('#');
    const target = file === '' ? path.join(ROOT, page) : path.join(ROOT, path.dirname(page), file);
    if (!fs.existsSync(target)) return true;
    if (anchor === undefined || !target.endsWith('.md') || target.endsWith('API.md')) return false;
    return !anchors(fs.readFileSync(target, 'utf8')).has(anchor);
  });
  expect(broken).toEqual([]);
});
