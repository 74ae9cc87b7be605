import * as fs from 'fs';
import * as path from 'path';
import { folderOf, lintFiles, unverified } from './support';
import { run } from '../../src/explain/command';

const report = (files: Record<string, string>) => JSON.parse(lintFiles(files, '--output', 'gitlab').out);
const files = {
  'k8s/a.yaml': unverified('a'),
  'b.yaml': unverified('b', ', annotations: { cdk8s-istio-egress/acknowledge-unverified-name: by contract }'),
  'broken.yaml': 'apiVersion: v1\nkind: Service\nspec: [\n',
  'chart/templates/a.yaml': 'kind: {{ .x }}\napiVersion: {{ .y }}\n',
};

test('every entry has what GitLab requires, and a fingerprint of its own', () => {
  const entries = report(files);
  for (const entry of entries)
    expect(entry).toEqual({
      description: expect.stringMatching(/./),
      check_name: expect.stringMatching(/^[a-z-]+$/),
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      severity: expect.stringMatching(/^(info|minor|major|critical|blocker)$/),
      location: { path: expect.stringMatching(/^[^./]/), lines: { begin: expect.any(Number) } },
    });
  expect(
    entries.map((one: any) => `${one.location.path}:${one.location.lines.begin} ${one.severity} ${one.check_name}`),
  ).toEqual([
    'k8s/a.yaml:9 critical unverified-name',
    'b.yaml:9 info unverified-name',
    'broken.yaml:4 critical not-read',
    'chart/templates/a.yaml:1 info not-judged',
  ]);
  expect(entries[1].description).toMatch(/Accepted in annotation .*: by contract$/);
  expect(report({ 'a.yaml': 'apiVersion: v1\nkind: Service\nmetadata: { name: a }\n' })).toEqual([]);
});

test('a fingerprint stays the same when the object moves or is acknowledged, and two equal findings have two', () => {
  const prints = (text: string) => report({ 'a.yaml': text }).map((one: any) => one.fingerprint);
  const [print] = prints(unverified('a'));
  expect(prints(`# one\n# two\n${unverified('a')}`)).toEqual([print]);
  expect(
    prints(unverified('a', ', annotations: { cdk8s-istio-egress/acknowledge-unverified-name: by contract }')),
  ).toEqual([print]);
  const inTwoFolders = report({ 'x/a.yaml': unverified('a'), 'y/a.yaml': unverified('a') });
  expect(new Set(inTwoFolders.map((one: any) => one.fingerprint)).size).toBe(2);
  const rejected =
    'apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: { name: a, namespace: shop }\nspec: {}\n';
  const inOneFile = prints(`${rejected}---\n${rejected}`);
  expect(new Set(inOneFile).size).toBe(inOneFile.length);
  expect(inOneFile.length).toBe(2);
});

test('what could not be read is told apart by what is said of it, not by its number', () => {
  const [a, b] = ['spec: [', 'spec: {'].map((broken) => `apiVersion: v1\nkind: Service\n${broken}\n`);
  const prints = (...texts: string[]) =>
    report({ 'a.yaml': texts.join('---\n') }).map(({ fingerprint }: any) => fingerprint);
  const [, second] = prints(a, b);
  expect(prints(unverified('a'), b)).toContain(second);
});

test('the log has the same as text, for SARIF too', () => {
  const { out } = lintFiles(files);
  for (const output of ['gitlab', 'sarif']) expect(lintFiles(files, '--output', output).err).toBe(out);
  expect(lintFiles(files, '--output', 'github').err).toBe('');
});

test('standard input has a finding, with its name for a path', () => {
  const [{ location }] = JSON.parse(run(['lint', '-', '--output', 'gitlab'], () => unverified('a')).out);
  expect(location).toEqual({ path: 'standard input', lines: { begin: 9 } });
});

describe('below the root of a repository', () => {
  const before = process.cwd();
  beforeAll(() => {
    const root = folderOf({ '.git/HEAD': 'ref: refs/heads/main\n', 'k8s/a.yaml': unverified('a') });
    fs.mkdirSync(path.join(root, 'other'));
    process.chdir(path.join(root, 'other'));
  });
  afterAll(() => process.chdir(before));

  test.each(['../k8s', path.join('..', 'k8s', 'a.yaml'), '.././k8s/'])('files of %s are named from there', (from) => {
    const out = (output: string) => run(['lint', from, '--output', output]).out;
    expect(JSON.parse(out('gitlab'))[0].location.path).toBe('k8s/a.yaml');
    expect(out('github')).toMatch(/^::error file=k8s\/a\.yaml,line=9,/);
    expect(JSON.parse(out('sarif')).runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri).toBe(
      'k8s/a.yaml',
    );
  });
});
