import { findings, istio, reported } from './support';
import { EgressObject } from '../../src/rules';

const code = 'credential-secret';
const rule = (tls: object = {}, spec: object = {}) =>
  istio('DestinationRule', 'egress/r', {
    host: 'a.example.com',
    exportTo: ['.'],
    trafficPolicy: { tls: { mode: 'MUTUAL', credentialName: 'client', ...tls } },
    ...spec,
  });
const secret = (place: string, keys: string[], field = 'data'): EgressObject => {
  const [namespace, name] = place.split('/');
  return {
    manifest: {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace },
      [field]: Object.fromEntries(keys.map((key) => [key, 'x'])),
    },
    origin: place,
  };
};
const FULL = ['tls.crt', 'tls.key', 'ca.crt'];

test('both sets of keys are accepted, in data or stringData, and the CA certificates may be in a second Secret', () => {
  expect(reported(code, [rule(), secret('egress/client', FULL)])).toEqual([]);
  expect(reported(code, [rule(), secret('egress/client', ['cert', 'key', 'cacert'], 'stringData')])).toEqual([]);
  expect(
    reported(code, [
      rule(),
      secret('egress/client', ['tls.crt', 'tls.key']),
      secret('egress/client-cacert', ['cacert']),
    ]),
  ).toEqual([]);
});

test.each(FULL)('a Secret without %s is reported', (key) => {
  const [finding] = findings(code, [
    rule(),
    secret(
      'egress/client',
      FULL.filter((other) => other !== key),
    ),
  ]);
  expect(finding.origins.sort()).toEqual(['egress/client', 'egress/r']);
  expect(finding.message).toContain(`which has no ${key}.`);
});

test('an empty value counts as missing', () => {
  const full = secret('egress/client', FULL);
  const empty = { ...full, manifest: { ...full.manifest, data: { ...full.manifest.data, 'tls.key': '' } } };
  expect(findings(code, [rule(), empty])[0].message).toContain('which has no tls.key.');
});

test('SIMPLE TLS needs only the CA certificates', () => {
  expect(reported(code, [rule({ mode: 'SIMPLE' }), secret('egress/client', ['ca.crt'])])).toEqual([]);
  expect(reported(code, [rule({ mode: 'SIMPLE' }), secret('egress/client', ['tls.crt', 'tls.key'])])).toEqual([
    'egress/client egress/r',
  ]);
});

test("a Secret in the callers' namespace is of no use to a rule at the gateway", () => {
  const [finding] = findings(code, [rule(), secret('shop/client', FULL)]);
  expect(finding.message).toContain('in namespace egress, but there is only Secret shop/client');
  expect(reported(code, [rule(), secret('shop/client', FULL), secret('egress/client', FULL)])).toEqual([]);
});

test('what the manifests do not show is not reported', () => {
  expect(reported(code, [rule()])).toEqual([]);
  expect(reported(code, [rule(), secret('egress/other', [])])).toEqual([]);
  // filled by another tool
  expect(reported(code, [rule(), secret('egress/client', [])])).toEqual([]);
  // read wherever a proxy follows the rule
  expect(reported(code, [rule({}, { exportTo: undefined }), secret('shop/client', [])])).toEqual([]);
  expect(
    reported(code, [
      rule({ credentialName: 'configmap://egress/client', mode: 'SIMPLE' }),
      secret('egress/client', ['x']),
    ]),
  ).toEqual([]);
});

test('a rule with a workloadSelector is used only in its own namespace', () => {
  const selected = rule({}, { exportTo: undefined, workloadSelector: { matchLabels: { app: 'x' } } });
  expect(reported(code, [selected, secret('shop/client', FULL)])).toEqual(['egress/r shop/client']);
});

test('authorities are needed only where something is verified', () => {
  const unverified = rule({ insecureSkipVerify: true });
  expect(reported(code, [rule(), secret('egress/client', ['tls.crt', 'tls.key'])])).toHaveLength(1);
  expect(reported(code, [unverified, secret('egress/client', ['tls.crt', 'tls.key'])])).toEqual([]);
  expect(reported(code, [unverified, secret('egress/client', ['tls.crt'])])).toHaveLength(1);
});
