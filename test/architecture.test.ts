/** ARCHITECTURE.md names only what is there, and describes every folder of src. */
import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';

const ROOT = path.join(__dirname, '..');
const read = (file: string) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const files = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');

/** What stands between backticks, outside code blocks; without placeholders, such as `<code>`. */
const named = [
  ...read('ARCHITECTURE.md')
    .replace(/^```[\s\S]*?^```/gm, '')
    .matchAll(/`([^`]+)`/g),
]
  .map(([, code]) => code)
  .filter((code) => !/[<>]|\.\.\./.test(code));
const isPath = (code: string) => /^[\w./-]*(\/[\w./-]*|\.ts)$/.test(code);

test('every file and folder that it names is there', () => {
  const paths = named.filter(isPath);
  const isThere = (one: string) => files.some((file) => `/${file}/`.includes(`/${one.replace(/\/$/, '')}/`));
  expect(paths.filter((one) => !isThere(one))).toEqual([]);
  expect(paths.length).toBeGreaterThan(40);
});

test('every other name is one that the code has', () => {
  const code = files.filter((file) => /^(src|test)\/.*\.ts$|^\.ci\/run$|^package\.json$/.test(file));
  const words = new Set(
    code.filter((file) => fs.existsSync(path.join(ROOT, file))).flatMap((file) => read(file).match(/\w+/g) ?? []),
  );
  const names = named.filter((one) => !isPath(one)).flatMap((one) => one.match(/[A-Za-z_]\w+/g) ?? []);
  expect(names.filter((name) => !words.has(name))).toEqual([]);
  expect(names.length).toBeGreaterThan(80);
});

test('every folder of src is described', () => {
  const folders = new Set(files.flatMap((file) => /^src\/(model\/)?[a-z]+(?=\/)/.exec(file)?.[0] ?? []));
  expect([...folders].filter((folder) => !named.includes(folder))).toEqual([]);
});
