import { lintFiles, unverified } from './support';
import { LINT_RULES } from '../../src/lint/lint';

const files = {
  'dir with space/a.yaml': unverified('a'),
  'b.yaml': unverified('b', ', annotations: { cdk8s-istio-egress/acknowledge-unverified-name: by contract }'),
  'broken.yaml': 'kind: Gateway\nspec: [\n',
};

test('SARIF holds findings with places, what is acknowledged as suppressed, and what could not be read', () => {
  const log = JSON.parse(lintFiles(files, '--output', 'sarif').out);
  expect(log).toMatchObject({ version: '2.1.0', $schema: expect.stringMatching(/sarif-schema-2\.1\.0\.json$/) });
  const [{ tool, results, invocations }] = log.runs;
  expect(tool.driver.rules.map(({ id }: any) => id)).toEqual(LINT_RULES.map(({ code }) => code));
  for (const rule of tool.driver.rules)
    expect(rule).toMatchObject({ defaultConfiguration: { level: expect.stringMatching(/^(error|warning|note)$/) } });
  expect(results).toHaveLength(2);
  for (const { ruleId, ruleIndex, level, message, partialFingerprints } of results) {
    expect(tool.driver.rules[ruleIndex].id).toBe(ruleId);
    expect(level).toBe('error');
    expect(message.text).toMatch(/certificate for any name/);
    expect(partialFingerprints['finding/v1']).toMatch(/^[0-9a-f]{64}$/);
  }
  expect(results[0].locations[0].physicalLocation).toEqual({
    artifactLocation: { uri: expect.stringMatching(/dir%20with%20space\/a\.yaml$/) },
    region: { startLine: 9 },
  });
  expect(results[1].suppressions).toEqual([{ kind: 'inSource', justification: 'by contract' }]);
  expect(results[0].suppressions).toBeUndefined();
  expect(invocations).toEqual([
    { executionSuccessful: false, toolExecutionNotifications: [{ level: 'error', message: expect.anything() }] },
  ]);
});

test('the fingerprint stays the same when the object moves', () => {
  const fingerprint = (above: string) =>
    JSON.parse(lintFiles({ 'a.yaml': `${above}${unverified('a')}` }, '--output', 'sarif').out).runs[0].results[0]
      .partialFingerprints;
  expect(fingerprint('# one\n# two\n')).toEqual(fingerprint(''));
});
