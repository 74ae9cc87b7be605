import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { parse } from 'yaml';
import { problemsOf } from './support/access-schema';
import { admissionProblems } from './support/admission';
import { temporaryFolder } from './support/app';
import { examples, golden, objectsIn, synthesise } from '../examples/examples';
import { filesIn } from '../examples/run-app';
import { checkManifests } from '../src/rules';

const SCENARIOS = [
  'a2-locked-mesh',
  'b-http-only',
  'c-http-and-https',
  'd-tls-at-sidecar',
  'e-http-through-gateway',
  'f-tls-at-gateway',
  'g1-https-through-gateway',
  'g2-client-certificate',
  'h-direct',
  'platform-and-team',
  'two-teams',
];

test('there is an example for every scenario', () => {
  expect(examples().map((example) => example.name)).toEqual(expect.arrayContaining(SCENARIOS));
});

test('`cdk8s synth` runs every example in the same way, and one of them with the same result', () => {
  for (const { folder } of examples())
    expect(parse(fs.readFileSync(path.join(folder, 'cdk8s.yaml'), 'utf8')).app).toBe('npx tsx main.ts');
  const [example] = examples();
  const outdir = temporaryFolder();
  execFileSync(process.execPath, [require.resolve('tsx/cli'), 'main.ts'], {
    cwd: example.folder,
    env: { ...process.env, CDK8S_OUTDIR: outdir },
  });
  expect(filesIn(outdir)).toEqual(golden(example));
}, 60_000);

describe.each(examples().map((example) => [example.name, example] as const))('%s', (_name, example) => {
  test('synthesises its golden manifests, byte for byte, every time', () => {
    const once = synthesise(example);
    expect(Object.fromEntries(once)).toEqual(Object.fromEntries(golden(example)));
    expect(synthesise(example)).toEqual(once);
  });

  test('every object is admitted, and no rule reports anything', () => {
    const objects = objectsIn(golden(example));
    expect(objects.length).toBeGreaterThan(0);
    expect(
      objects.flatMap((object) =>
        admissionProblems(object).map((problem) => `${object.kind} ${object.metadata.name}: ${problem}`),
      ),
    ).toEqual([]);
    expect(checkManifests(objects.map((manifest, index) => ({ manifest, origin: `${index}` })))).toEqual([]);
  });

  test('its access table is valid, and leaves out only objects that exist', () => {
    expect(problemsOf(example.table)).toEqual([]);
    const names = objectsIn(golden(example)).map(
      ({ kind, metadata }) => `${kind}/${metadata.namespace}/${metadata.name}`,
    );
    const left = example.table.access
      .flatMap((row) => [row.without ?? []].flat())
      .filter((name) => name !== 'manifests');
    expect(names).toEqual(expect.arrayContaining(left));
  });

  test('its README says what it is for and has a diagram', () => {
    const readme = fs.readFileSync(path.join(example.folder, 'README.md'), 'utf8');
    expect(readme).toMatch(/^# .+\n\n\S/);
    expect(readme).toMatch(/```mermaid\nflowchart/);
  });
});
