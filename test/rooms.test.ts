import * as fs from 'fs';
import * as path from 'path';
import { preProcessFile } from 'typescript';

const SRC = path.join(__dirname, '../src');

/** What each folder of src may import from, besides itself. ARCHITECTURE.md says what is in them. */
const ROOMS: Record<string, string[]> = {
  schema: [],
  istio: ['schema'],
  values: ['istio'],
  declarations: ['istio', 'values'],
  recipes: ['istio', 'values', 'declarations'],
  emission: ['istio', 'values', 'declarations', 'recipes', 'manifests', 'rules'],
  constructs: ['istio', 'values', 'declarations', 'recipes', 'emission'],
  'index.ts': ['values', 'constructs', 'lint'],
  manifests: ['istio', 'values'],
  rules: ['schema', 'istio', 'values', 'manifests'],
  access: ['schema'],
  model: ['schema', 'istio', 'values', 'manifests', 'access'],
  reading: ['istio', 'manifests'],
  cli: [],
  lint: ['istio', 'values', 'manifests', 'rules', 'model', 'reading', 'cli'],
  explain: ['schema', 'istio', 'values', 'manifests', 'access', 'model', 'rules', 'reading', 'lint', 'cli'],
};

/** The folders of the model: each may import from those before it. */
const MODEL_ROOMS = ['answer', 'requests', 'objects', 'routes', 'registry', 'policies', 'proxies', 'walk'];

const files = fs
  .readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && roomOf(file) in ROOMS);

/** The files of src that a file imports, types included. */
const imports = new Map(
  files.map((file) => {
    const { importedFiles } = preProcessFile(fs.readFileSync(path.join(SRC, file), 'utf8'), true, true);
    const found = importedFiles
      .filter(({ fileName }) => fileName.startsWith('.'))
      .map(({ fileName }) => path.join(path.dirname(file), fileName))
      .filter((target) => !target.startsWith('..'))
      .map((target) =>
        fs.existsSync(path.join(SRC, `${target}.ts`)) ? `${target}.ts` : path.join(target, 'index.ts'),
      );
    return [file, found] as const;
  }),
);

function roomOf(file: string): string {
  return file.split(path.sep)[0];
}

test('no folder imports from one that it must not know', () => {
  const wrong = [...imports].flatMap(([file, targets]) =>
    targets
      .filter((target) => roomOf(target) !== roomOf(file) && !ROOMS[roomOf(file)].includes(roomOf(target)))
      .map((target) => `${file} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test('no folder of the model imports from a later one', () => {
  const place = (file: string) => MODEL_ROOMS.indexOf(file.split(path.sep)[1]);
  const inFolder = (file: string) => roomOf(file) === 'model' && file.split(path.sep).length > 2;
  const inFolders = [...imports].filter(([file]) => inFolder(file));
  const wrong = inFolders.flatMap(([file, targets]) =>
    targets
      .filter((target) => roomOf(target) === 'model' && (!inFolder(target) || place(target) > place(file)))
      .map((target) => `${file} imports ${target}`),
  );
  expect(inFolders.filter(([file]) => place(file) < 0)).toEqual([]);
  expect(wrong).toEqual([]);
});

test('no file imports itself by way of others', () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, trail: string[]): void => {
    if (trail.includes(file)) circles.push([...trail.slice(trail.indexOf(file)), file].join(' -> '));
    if (done.has(file)) return;
    done.add(file);
    for (const target of imports.get(file) ?? []) visit(target, [...trail, file]);
  };
  for (const file of files) visit(file, []);
  expect(files.length).toBeGreaterThan(100);
  expect(circles).toEqual([]);
});
