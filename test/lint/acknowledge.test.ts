import { folderOf, lintFiles, unverified } from './support';
import { run } from '../../src/explain/command';
import { lint } from '../../src/lint';

const annotated = (code: string, reason: string) =>
  unverified('a', `, annotations: { cdk8s-istio-egress/acknowledge-${code}: "${reason}" }`);

describe('an annotation with a reason', () => {
  test('acknowledges the finding, which is still told', () => {
    const { code, out } = lintFiles({ 'a.yaml': annotated('unverified-name', 'by contract') });
    expect(code).toBe(0);
    expect(out).toContain('a.yaml:9: error unverified-name (spec.trafficPolicy.tls), acknowledged\n');
    expect(out).toMatch(/Accepted in annotation .* of DestinationRule shop\/a \[a\.yaml:1\]: by contract/);
    expect(out).toContain('nothing found, 1 acknowledged in 1 object in 1 file');
  });

  test.each([
    ['double-tls', 'by contract', /acknowledges nothing: there is no such finding; remove it/],
    ['unverified-nam', 'by contract', /acknowledges nothing: there is no rule "unverified-nam"/],
    ['unverified-name', ' ', /acknowledges nothing: it gives no reason/],
  ])('for %s, "%s" is told to be of no use, and hides nothing', (code, reason, said) => {
    const found = lintFiles({ 'a.yaml': annotated(code, reason) });
    expect(found.code).toBe(1);
    expect(found.out).toMatch(said);
    expect(found.out).toContain('1 error in 1 object');
  });

  test('is for its own object only', () => {
    const { out, code } = lintFiles({ 'a.yaml': annotated('unverified-name', 'x'), 'b.yaml': unverified('b') });
    expect({ code, open: out.includes('1 error, 1 acknowledged in 2 objects') }).toEqual({ code: 1, open: true });
  });
});

describe('a baseline', () => {
  const both = { 'a.yaml': unverified('a'), 'b.yaml': unverified('b') };

  test('is written from the findings, and accepts them wherever they are then', () => {
    const { out: baseline } = lintFiles(both, '--output', 'baseline');
    expect(baseline).toBe(`acknowledged:
  - code: unverified-name
    finding: "DestinationRule shop/a sends SNI \\"a.example.com\\" to a.example.com and accepts a certificate for any name."
    reason: "found when lint was introduced"
  - code: unverified-name
    finding: "DestinationRule shop/b sends SNI \\"b.example.com\\" to b.example.com and accepts a certificate for any name."
    reason: "found when lint was introduced"
`);
    const file = `${folderOf({ 'baseline.yaml': baseline })}/baseline.yaml`;
    const moved = { 'all.yaml': `# moved\n---\n${unverified('b')}---\n${unverified('a')}` };
    expect(lintFiles(moved, '--baseline', file)).toMatchObject({
      code: 0,
      out: expect.stringContaining('nothing found, 2 acknowledged'),
    });
    const { out, code } = lintFiles({ 'a.yaml': unverified('a'), 'c.yaml': unverified('c') }, '--baseline', file);
    expect(code).toBe(1);
    expect(out).toMatch(/baseline\.yaml, entry 2 \(unverified-name: .*shop\/b .*\) acknowledges nothing/);
    expect(out).toContain('1 error, 1 acknowledged');
  });

  test.each(['[]', 'acknowledged: [{ code: a }]', 'acknowledged: { a: b }', 'a: [', ''])('%p is none', (text) => {
    const file = `${folderOf({ 'baseline.yaml': text })}/baseline.yaml`;
    expect(run(['lint', folderOf(both), '--baseline', file])).toMatchObject({
      code: 3,
      err: expect.stringMatching(/not a baseline|invalid YAML/),
    });
  });
});

describe('lint(manifests)', () => {
  const tls = { mode: 'SIMPLE', sni: 'a.example.com' };
  const rule = (annotations?: object) => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'a', namespace: 'shop', annotations },
    spec: { host: 'a.example.com', trafficPolicy: { tls } },
  });

  test('takes objects in memory', () => {
    const { findings } = lint([null, { kind: 'List', items: [rule()] }]);
    expect(findings).toEqual([
      expect.objectContaining({
        code: 'unverified-name',
        severity: 'error',
        object: { kind: 'DestinationRule', namespace: 'shop', name: 'a', origin: 'object 2, item 1' },
        field: 'spec.trafficPolicy.tls',
      }),
    ]);
  });

  test('keeps what is acknowledged apart', () => {
    const { findings, acknowledged, unused } = lint([
      rule({ 'cdk8s-istio-egress/acknowledge-unverified-name': 'by contract' }),
    ]);
    expect({ findings, unused }).toEqual({ findings: [], unused: [] });
    expect(acknowledged).toMatchObject([{ code: 'unverified-name', acknowledgement: 'by contract' }]);
  });

  test('judges whatever it is given', () => {
    expect(lint([]).findings).toEqual([]);
    expect(lint([])).toStrictEqual({ findings: [], acknowledged: [], unused: [] });
    expect(lint([1, 'a', {}, { kind: 'Gateway' }]).findings).toEqual([]);
  });
});
