import { lintFiles, unverified } from './support';
import { run } from '../../src/explain/command';

const github = (files: Record<string, string>) => lintFiles(files, '--output', 'github').out;

test('invalid YAML is shown at its line', () => {
  const broken = 'apiVersion: v1\nkind: Service\nspec: [\n';
  const out = github({ 'a.yaml': unverified('a'), 'b.yaml': `${unverified('b')}---\n${broken}` });
  const [, line, said] = /^::error file=b\.yaml,line=(\d+)::b\.yaml, document 2: invalid YAML.* at line (\d+)/m.exec(
    out,
  )!;
  expect(line).toBe(said);
  expect(Number(line)).toBeGreaterThan(13);
});

test('what is not judged is a notice at its file, the first few of many', () => {
  const chart = (name: string) => ({ [`${name}/templates/a.yaml`]: 'kind: {{ .x }}\napiVersion: {{ .y }}\n' });
  const names = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6'];
  const out = github(Object.assign({ 'a.yaml': unverified('a') }, ...names.map(chart)));
  expect(out).toMatch(
    /^::notice file=c1\/templates\/a\.yaml,title=not judged::c1: a Helm template; .*helm template c1/m,
  );
  expect(out).toMatch(/^::notice title=not judged::2 more of these; --output json lists all$/m);
  expect(out.match(/^::notice/gm)).toHaveLength(5);
});

test('the last line counts what is acknowledged, as text does', () => {
  const files = { 'a.yaml': unverified('a', ', annotations: { cdk8s-istio-egress/acknowledge-unverified-name: x }') };
  const last = (out: string) => out.trimEnd().split('\n').at(-1);
  expect(last(github(files))).toBe('nothing found, 1 acknowledged in 1 object in 1 file');
  expect(last(github(files))).toBe(last(lintFiles(files).out));
});

test('standard input is no place', () => {
  expect(run(['lint', '-', '--output', 'github'], () => unverified('a')).out).toMatch(
    /^::error title=unverified-name::/,
  );
  expect(run(['lint', '-', '--output', 'sarif'], () => unverified('a')).out).not.toContain('physicalLocation');
});
