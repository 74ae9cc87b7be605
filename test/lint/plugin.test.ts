import * as path from 'path';
import { folderOf, unverified } from './support';
import { LintPlugin, LintPluginProps } from '../../src';

/** The part of the cdk8s CLI's `ValidationContext` that a plugin uses. */
async function validated(files: Record<string, string>, props?: LintPluginProps) {
  const folder = folderOf(files);
  const violations: any[] = [];
  const logged: string[] = [];
  let status: string | undefined;
  await new LintPlugin(props).validate({
    manifests: Object.keys(files).map((name) => path.join(folder, name)),
    logger: { log: (line: string) => logged.push(line) },
    report: {
      addViolation: (violation: any) => violations.push(violation),
      submit: (given: string) => (status = given),
    },
  });
  return { status, violations, logged, folder };
}

test('findings are violations, with the object, the field and the manifest', async () => {
  const { status, violations, folder } = await validated({ 'a.k8s.yaml': unverified('a') });
  expect(status).toBe('failure');
  expect(violations).toEqual([
    {
      ruleName: 'unverified-name (error)',
      recommendation: expect.stringContaining('accepts a certificate for any name'),
      fix: 'Add the host to subjectAltNames.',
      violatingResources: [
        { resourceName: 'a', locations: ['spec.trafficPolicy.tls'], manifestPath: path.join(folder, 'a.k8s.yaml') },
      ],
    },
  ]);
});

test('failOn decides, and what is acknowledged is logged', async () => {
  const files = { 'a.yaml': unverified('a') };
  expect(await validated(files, { failOn: 'never' })).toMatchObject({ status: 'success' });
  const annotated = unverified('a', ', annotations: { cdk8s-istio-egress/acknowledge-unverified-name: by contract }');
  expect(await validated({ 'a.yaml': annotated })).toMatchObject({
    status: 'success',
    violations: [],
    logged: [expect.stringMatching(/^acknowledged: unverified-name: .* by contract$/)],
  });
});

test('an app without Kubernetes objects passes, broken YAML does not', async () => {
  expect(await validated({ 'a.yaml': '' })).toMatchObject({ status: 'success' });
  expect(await validated({ 'a.yaml': 'kind: Gateway\nspec: [\n' })).toMatchObject({ status: 'failure' });
});

test('misspelt properties are refused', () => {
  expect(() => new LintPlugin({ failOn: 'all' })).toThrow(/^LintPlugin: failOn: "all" .*error/);
  expect(() => new LintPlugin({ failon: 'all' } as any)).toThrow(/^LintPlugin: failon: is not a prop; write failOn$/);
  expect(() => new LintPlugin({ other: 'all' } as any)).toThrow(
    /^LintPlugin: other: not a property; they are failOn, baseline, rootNamespace/,
  );
});
