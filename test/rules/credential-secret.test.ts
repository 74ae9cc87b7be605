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

/** What a controller makes the Secret `client` from. */
const certificate = (namespace = 'egress', spec: object = {}): EgressObject => ({
  manifest: {
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    metadata: { name: 'partner', namespace },
    spec: { secretName: 'client', issuerRef: { name: 'ours' }, ...spec },
  },
  origin: 'certificate',
});
const issuer = (kind: string, namespace: string | undefined, spec: object): EgressObject => ({
  manifest: { apiVersion: 'cert-manager.io/v1', kind, metadata: { name: 'ours', namespace }, spec },
  origin: 'issuer',
});
const external = (spec: object, version = 'v1', namespace = 'egress'): EgressObject => ({
  manifest: {
    apiVersion: `external-secrets.io/${version}`,
    kind: 'ExternalSecret',
    metadata: { name: 'client', namespace },
    spec,
  },
  origin: 'external',
});
const fetched = (...keys: string[]) => ({
  data: keys.map((secretKey) => ({ secretKey, remoteRef: { key: 'partner' } })),
});
const sealed = (keys: string[], template: object = {}): EgressObject => ({
  manifest: {
    apiVersion: 'bitnami.com/v1alpha1',
    kind: 'SealedSecret',
    metadata: { name: 'client', namespace: 'egress' },
    spec: { encryptedData: Object.fromEntries(keys.map((key) => [key, 'AgBy'])), template },
  },
  origin: 'sealed',
});
const PAIR = ['tls.crt', 'tls.key'];

test.each<[string, EgressObject[], string]>([
  ['each of two that compete', [external(fetched(...PAIR)), sealed(['tls.crt'])], 'ca.crt'],
  ['an ExternalSecret', [external(fetched('tls.crt', 'ca.crt'))], 'tls.key'],
  ['an older ExternalSecret', [external(fetched('tls.crt', 'ca.crt'), 'v1beta1')], 'tls.key'],
  [
    'an ExternalSecret under another name',
    [
      external({ ...fetched(...PAIR), target: { name: 'other' } }),
      certificate(),
      issuer('Issuer', 'egress', { acme: {} }),
    ],
    'ca.crt',
  ],
  [
    'an ExternalSecret whose template takes the place of what is fetched',
    [external({ ...fetched(...FULL), target: { template: { data: { 'tls.crt': 'a', 'tls.key': 'b' } } } })],
    'ca.crt',
  ],
  ['a SealedSecret', [sealed(PAIR)], 'ca.crt'],
  ['a SealedSecret whose template removes a key', [sealed(FULL, { data: { 'ca.crt': null } })], 'ca.crt'],
  ['a Certificate of an ACME issuer', [certificate(), issuer('Issuer', 'egress', { acme: {} })], 'ca.crt'],
  [
    'a Certificate of an ACME issuer for all namespaces',
    [
      certificate('egress', { issuerRef: { name: 'ours', kind: 'ClusterIssuer' } }),
      issuer('ClusterIssuer', undefined, { acme: {} }),
    ],
    'ca.crt',
  ],
])('the Secret that %s makes lacks a key', (_what, makers, key) => {
  const [finding, ...others] = findings(code, [rule(), ...makers]);
  expect(others).toEqual([]);
  expect(finding.message).toMatch(new RegExp(`from the Secret of \\w+ egress/\\w+ \\[\\w+\\], which has no ${key}\\.`));
});

test.each<[string, EgressObject[]]>([
  ['an ExternalSecret', [external(fetched(...FULL))]],
  ['an ExternalSecret that fetches whatever there is', [external({ dataFrom: [{ extract: { key: 'partner' } }] })]],
  [
    'an ExternalSecret with a template',
    [
      external({
        ...fetched('pem'),
        target: { template: { data: { 'tls.crt': 'a', 'tls.key': 'b', 'ca.crt': 'c' } } },
      }),
    ],
  ],
  [
    'an ExternalSecret with a template that adds to it',
    [external({ ...fetched(...PAIR), target: { template: { mergePolicy: 'Merge', data: { 'ca.crt': 'c' } } } })],
  ],
  [
    'an ExternalSecret with a template from elsewhere',
    [external({ ...fetched(...PAIR), target: { template: { templateFrom: [{ configMap: {} }] } } })],
  ],
  [
    'an ExternalSecret to which another one adds',
    [
      external({ ...fetched(...PAIR) }),
      external({ ...fetched('ca.crt'), target: { name: 'client', creationPolicy: 'Merge' } }),
    ],
  ],
  ['two that compete', [external(fetched(...PAIR)), certificate()]],
  ['an ExternalSecret that makes none', [external({ ...fetched('a'), target: { creationPolicy: 'None' } })]],
  [
    'an ExternalSecret that makes something else',
    [external({ ...fetched('a'), target: { manifest: { apiVersion: 'v1', kind: 'ConfigMap' } } })],
  ],
  ['an ExternalSecret whose fields are empty', [external({ target: { name: 'other' }, data: {}, dataFrom: null })]],
  [
    'a SealedSecret for another name',
    [
      {
        ...sealed([]),
        manifest: {
          ...sealed([]).manifest,
          metadata: { name: 'other', namespace: 'egress' },
          spec: { encryptedData: null, template: null },
        },
      },
    ],
  ],
  ['a SealedSecret', [sealed(FULL)]],
  ['a SealedSecret of the old kind, which shows no keys', [sealed([])]],
  ['what is there already, to which a SealedSecret adds', [secret('egress/client', PAIR), sealed(['ca.crt'])]],
  ['a SealedSecret with a template', [sealed(PAIR, { data: { 'ca.crt': 'c' } })]],
  ['a Certificate, whose issuer may give the authorities', [certificate()]],
  ['a Certificate of a CA', [certificate(), issuer('Issuer', 'egress', { ca: { secretName: 'ca' } })]],
  ['a Certificate of an issuer elsewhere', [certificate(), issuer('Issuer', 'shop', { acme: {} })]],
  [
    'a Certificate beside a Secret of authorities',
    [certificate(), issuer('Issuer', 'egress', { acme: {} }), secret('egress/client-cacert', ['ca.crt'])],
  ],
  ['what is there already', [secret('egress/client', FULL), sealed(PAIR)]],
])('the Secret of %s is not reported', (_what, makers) => {
  expect(reported(code, [rule(), ...makers])).toEqual([]);
});

test("what makes a Secret in the callers' namespace is of no use to a rule at the gateway", () => {
  for (const maker of [certificate('shop'), external(fetched(...FULL), 'v1', 'shop')]) {
    const [finding] = findings(code, [rule(), maker]);
    expect(finding.message).toMatch(/in namespace egress, but there is only (Certificate|ExternalSecret) shop\//);
  }
  expect(reported(code, [rule(), certificate('shop'), external(fetched(...FULL))])).toEqual([]);
});

test('a Secret that a tool copies to other namespaces may be in that of the rule', () => {
  const annotations = { 'reflector.v1.k8s.emberstack.com/reflection-auto-enabled': 'true' };
  const { manifest, origin } = secret('shop/client', FULL);
  const replicated = { 'replicator.v1.mittwald.de/replicate-to': 'egress' };
  for (const one of [
    { manifest: { ...manifest, metadata: { ...manifest.metadata, annotations: replicated } }, origin },
    certificate('shop', { secretTemplate: { annotations } }),
    external({ ...fetched(...FULL), target: { template: { metadata: { annotations } } } }, 'v1', 'shop'),
  ])
    expect(reported(code, [rule(), one])).toEqual([]);
  expect(
    reported(code, [rule(), certificate('shop', { secretTemplate: { annotations: { owner: 'a' } } })]),
  ).toHaveLength(1);
});
