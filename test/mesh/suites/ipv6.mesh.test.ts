/**
 * A dual-stack mesh: pods have addresses of both families, names have AAAA records, beside A or alone. Every egress path
 * leads to both kinds of names; what is not declared, what goes past the sidecar and what another team's entries take is
 * asked for by IPv6. The model predicts every answer of this mesh.
 */
import { ApiObject, Chart, Duration } from 'cdk8s';
import { AccessRow, AccessTable, Expectation } from '../../../src/access/access-table';
import { DirectEgress } from '../../../src/constructs/direct-egress';
import { EgressBoundary } from '../../../src/constructs/egress-boundary';
import { EgressGuard } from '../../../src/constructs/egress-guard';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { RegistryOnlyMesh } from '../../../src/constructs/registry-only-mesh';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { Caller } from '../../../src/values/caller';
import { EgressPort } from '../../../src/values/egress-port';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { agreement } from '../agreement';
import { modelOf } from '../../model/compare';
import { KubeObject } from '../lab';
import { INSTALLED_PODS } from '../recipe';
import { describeMesh, Mesh, synthesise, titleOf } from '../support';

const METADATA = 'fd00:ec2::254';
const SIX = { plain: '2001:db8::a1', tls: '2001:db8::a2', gateway: '2001:db8::a3', origin: '2001:db8::a4' };
type Path = keyof typeof SIX;
const PATHS = Object.keys(SIX) as Path[];
const hostsOf = (path: Path) => [`${path}.both.example.com`, `${path}.six.example.com`];
const DATABASE = { sidecar: '2001:db8::d1', gateway: '2001:db8::d2' };
const WALLED = 'walled.six.example.com';
const MAINFRAME = '2001:db8:40::1';
const UNDECLARED = { host: 'undeclared.example.com', address: '2001:db8::ee' };

const installation = GatewayInstallation.helmChart({ namespace: 'egress' });
const database = [EgressPort.tcp(5432)];
const callers = [Caller.serviceAccount('shop', 'checkout')];

const manifests = synthesise((app) => {
  const platform = new Chart(app, 'platform', { namespace: 'egress' });
  const gateway = new InstalledEgressGateway(platform, 'exit', { installation });
  const shop = new Chart(app, 'shop', { namespace: 'shop' });
  new SidecarEgress(shop, 'plain', { hosts: hostsOf('plain') });
  new SidecarEgress(shop, 'tls', { hosts: hostsOf('tls') }).originateTls('tls');
  new GatewayEgress(shop, 'gateway', { gateway, callers, hosts: hostsOf('gateway') });
  new GatewayEgress(shop, 'origin', { gateway, callers, hosts: hostsOf('origin') }).originateTls('tls');
  new DirectEgress(shop, 'mainframe', {
    workloads: [deployment(shop, 'batch')],
    toCidrs: ['2001:db8:40::/48'],
  });
  // Its pod says that Istio is to leave IPv6 alone, which is the default of a mesh.
  deployment(shop, 'legacy', { 'proxy.istio.io/config': 'proxyMetadata: { ISTIO_DUAL_STACK: "false" }' });
  new GatewayEgress(new Chart(app, 'walled', { namespace: 'walled' }), 'site', {
    gateway,
    callers: [Caller.serviceAccount('walled', 'app')],
    hosts: [WALLED, 'metadata.example.com', 'nat64.example.com'],
    retries: { attempts: 0 },
    connectionPool: { connectTimeout: Duration.seconds(1) },
  });
  new EgressBoundary(platform, 'boundary', {
    namespaces: ['walled'],
    gateways: [gateway],
    guardInstalledGateways: true,
    callerNamespaces: ['shop'],
  });
  new SidecarEgress(shop, 'wild', { hosts: ['*.wild.example.com'] });
  new SidecarEgress(shop, 'sidecar-db', {
    hosts: ['sidecar.db.example.com'],
    ports: database,
    addresses: [DATABASE.sidecar],
  });
  new GatewayEgress(shop, 'gateway-db', {
    gateway,
    callers,
    hosts: ['gateway.db.example.com'],
    ports: database,
    addresses: [DATABASE.gateway],
  });
  new SidecarEgress(new Chart(app, 'capture', { namespace: 'capture' }), 'db', {
    hosts: ['captured.db.example.com'],
    ports: database,
    dnsCapture: true,
  });
});

function deployment(chart: Chart, name: string, annotations?: Record<string, string>): ApiObject {
  const labels = { app: name };
  return new ApiObject(chart, name, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations },
        spec: { serviceAccountName: name, containers: [{ name, image: 'registry.example.com/app:1' }] },
      },
    },
  });
}

const PAST_THE_SIDECAR = { includeOutboundIPRanges: '' };
const site = { http: 'ok', https: 'ok' } as const;
const table: Omit<AccessTable, 'access'> = {
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY', dualStack: true },
  gateways: [INSTALLED_PODS],
  callers: [
    { name: 'checkout', namespace: 'shop', serviceAccount: 'checkout' },
    { name: 'crawler', namespace: 'shop', serviceAccount: 'crawler' },
    { name: 'batch', namespace: 'shop', serviceAccount: 'batch' },
    { name: 'capture', namespace: 'capture', serviceAccount: 'default', dnsCapture: true },
    { name: 'legacy', namespace: 'shop', serviceAccount: 'legacy' },
    { name: 'walled', namespace: 'walled', serviceAccount: 'app' },
    { name: 'rogue', namespace: 'walled', serviceAccount: 'rogue', capture: PAST_THE_SIDECAR },
  ],
  external: [
    ...PATHS.flatMap((path) => [
      { host: `${path}.both.example.com`, ...site },
      { host: `${path}.six.example.com`, address: SIX[path], ...site },
    ]),
    { host: WALLED, address: '2001:db8::c1', ...site },
    { host: 'mainframe.example.com', address: MAINFRAME, tcp: [3270] },
    { host: 'a.wild.example.com', address: '2001:db8::b1', ...site },
    { host: 'sidecar.db.example.com', address: DATABASE.sidecar, tcp: [5432] },
    { host: 'gateway.db.example.com', address: DATABASE.gateway, tcp: [5432] },
    { host: 'captured.db.example.com', address: '2001:db8::d3', tcp: [5432] },
    { ...UNDECLARED, ...site, tcp: [5432] },
    { host: 'metadata.example.com', address: METADATA, http: 'ok' },
    { host: 'nat64.example.com', address: '64:ff9b::a00:5', http: 'ok' }, // 10.0.0.5
  ],
};

/** What the three egress paths do, as with IPv4. */
const EXPECTED: Record<Path, Record<'http' | 'https', Partial<Expectation>>> = {
  plain: {
    http: { via: 'sidecar', tlsOriginatedBy: 'none' },
    https: { via: 'sidecar', tlsOriginatedBy: 'application' },
  },
  tls: {
    http: { via: 'sidecar', tlsOriginatedBy: 'sidecar', plaintextToHost: false },
    https: { via: 'sidecar', tlsOriginatedBy: 'application' },
  },
  gateway: {
    http: { via: 'gateway', tlsOriginatedBy: 'none', identityAtGateway: 'shop/checkout' },
    https: { via: 'gateway', tlsOriginatedBy: 'application', identityAtGateway: 'shop/checkout' },
  },
  origin: {
    http: {
      via: 'gateway',
      tlsOriginatedBy: 'gateway',
      plaintextToHost: false,
      identityAtGateway: 'shop/checkout',
    },
    https: { via: 'gateway', tlsOriginatedBy: 'application' },
  },
};

const answered = (from: string, request: string, expect: Partial<Expectation>): AccessRow => ({
  from,
  request,
  expect: { outcome: 'answered', ...expect },
});
const refused = (from: string, request: string, expect: Partial<Expectation>): AccessRow => ({
  from,
  request,
  expect: { outcome: 'refused', plaintextToHost: false, ...expect },
});

const DECLARED = PATHS.flatMap((path) =>
  hostsOf(path).flatMap((host) =>
    (['http', 'https'] as const).map((scheme) => answered('checkout', `${scheme}://${host}/`, EXPECTED[path][scheme])),
  ),
);
const TCP = [
  answered('checkout', 'tcp://sidecar.db.example.com:5432', { via: 'sidecar', protocol: 'tcp' }),
  answered('checkout', 'tcp://gateway.db.example.com:5432', {
    via: 'gateway',
    protocol: 'tcp',
    identityAtGateway: 'shop/checkout',
  }),
  answered('capture', 'tcp://captured.db.example.com:5432', { via: 'sidecar', protocol: 'tcp' }),
];
const WILDCARD = [
  answered('checkout', 'http://a.wild.example.com/', { via: 'sidecar' }),
  answered('checkout', 'https://a.wild.example.com/', { via: 'sidecar', tlsOriginatedBy: 'application' }),
];
const NOT_DECLARED = [UNDECLARED.host, `[${UNDECLARED.address}]`].flatMap((host) => [
  refused('checkout', `http://${host}/`, { by: 'sidecar', symptom: 502 }),
  refused('checkout', `https://${host}/`, { by: 'sidecar', symptom: 'tls-closed' }),
  refused('checkout', `tcp://${host}:5432`, { by: 'sidecar', symptom: 'closed' }),
]);
const NOT_NAMED = ['http', 'https'].map((scheme) =>
  refused('crawler', `${scheme}://gateway.six.example.com/`, { by: 'gateway' }),
);
const DIRECT = [
  answered('batch', `tcp://[${MAINFRAME}]:3270`, { via: 'direct', answeredBy: 'mainframe.example.com' }),
  refused('checkout', `tcp://[${MAINFRAME}]:3270`, { by: 'sidecar', symptom: 'closed' }),
];
const LEFT_ALONE = [
  answered('legacy', `http://[${UNDECLARED.address}]/`, { via: 'direct', answeredBy: UNDECLARED.host }),
  answered('legacy', `https://${UNDECLARED.host}/`, { via: 'direct' }),
];
const BEHIND_THE_BOUNDARY = [
  answered('walled', `http://${WALLED}/`, { via: 'gateway', identityAtGateway: 'walled/app' }),
  answered('walled', `https://${WALLED}/`, { via: 'gateway', tlsOriginatedBy: 'application' }),
];
/** The metadata service, and 10.0.0.5 as NAT64 translates it. */
const PRIVATE = ['http://metadata.example.com/', 'http://nat64.example.com/'];
/** Past the sidecar; as 3 seconds of curl see them, all at once. */
const PAST = [`http://[${UNDECLARED.address}]/`, `https://${UNDECLARED.host}/`, `http://[${METADATA}]/`];

/** An entry of another team, for the addresses of our hosts. */
function claim(addresses: string[]): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { name: 'claim', namespace: 'elsewhere' },
    spec: {
      hosts: ['x.elsewhere.internal'],
      addresses,
      resolution: 'NONE',
      ports: [80, 443].map((number) => ({ number, name: `tcp-${number}`, protocol: 'TCP' })),
    },
  };
}
const CLAIMS = { addresses: claim(Object.values(SIX)), 'every address': claim(['::/1', '8000::/1']) };
const GUARD = synthesise((app) => {
  const chart = new Chart(app, 'platform');
  InstalledEgressGateway.fromInstallation(chart, 'exit', installation);
  new EgressGuard(chart, 'guard', { locks: [new RegistryOnlyMesh(chart, 'lock')] });
}).filter(({ apiVersion }) => apiVersion.startsWith('admissionregistration'));

const isPolicy = ({ kind }: KubeObject) => kind === 'NetworkPolicy';

describeMesh('a dual-stack mesh', { table, manifests }, (mesh) => {
  const knock = (from: string, urls: string[]) => Promise.all(urls.map((url) => mesh.lab.knock(from, url)));

  const rows = (name: string, list: AccessRow[]) =>
    describe(name, () =>
      mesh.testRows(
        list.map((row) => ({ title: titleOf(row), row })),
        manifests,
        agreement({ ...table, access: list }, manifests),
      ),
    );

  beforeAll(() => mesh.apply(manifests));

  rows('every egress path leads to names with AAAA records, beside A and alone', [...DECLARED, ...TCP, ...WILDCARD]);
  rows('what is not declared is refused by IPv6 too, and so is who is not named', [...NOT_DECLARED, ...NOT_NAMED]);
  rows('a DirectEgress is for its own pods', DIRECT);
  rows('a sidecar without ISTIO_DUAL_STACK takes no IPv6, on a locked mesh too', LEFT_ALONE);
  rows('behind a boundary the egress path to an IPv6 host works', BEHIND_THE_BOUNDARY);
  rows(
    'a guarded gateway reaches no private address by IPv6',
    PRIVATE.map((request) => refused('walled', request, { by: 'gateway' })),
  );

  test('nothing leaves a namespace behind a boundary by IPv6 past the sidecar', async () => {
    expect(await knock('rogue', PAST)).toEqual([28, 28, 28]);
    const ask = modelOf(manifests, { ...table, access: [] });
    expect(PAST.map((request) => ask({ from: 'rogue', request }).outcome)).toEqual(['refused', 'refused', 'refused']);
  });

  test('without the policies, all of it gets out: these checks can fail', async () => {
    await mesh.apply(manifests.filter((object) => !isPolicy(object)));
    expect(await knock('rogue', PAST)).toEqual([0, 0, 0]);
    for (const request of PRIVATE) await mesh.expectRow(answered('walled', request, { via: 'gateway' }));
  });

  test('without ::/0 in the policies, a gateway reaches no IPv6 host', async () => {
    await mesh.apply(
      manifests.map((object) =>
        isPolicy(object)
          ? JSON.parse(JSON.stringify(object), (name, value) =>
              name === 'to' ? value.filter(({ ipBlock }: any) => ipBlock?.cidr !== '::/0') : value,
            )
          : object,
      ),
    );
    await mesh.expectRow(refused('walled', `http://${WALLED}/`, { by: 'gateway' }));
    await mesh.apply(manifests);
  });

  test('the hop goes over IPv6 where the Service of the hop does', async () => {
    const services = manifests.filter(({ kind }) => kind === 'Service');
    expect(services).not.toEqual([]);
    await mesh.apply(
      manifests.map((object) =>
        services.includes(object) ? { ...object, spec: { ...object.spec, ipFamilies: ['IPv6'] } } : object,
      ),
    );
    for (const row of [...BEHIND_THE_BOUNDARY.slice(0, 2), ...NOT_NAMED]) {
      const { evidence } = await mesh.expectRow(row);
      expect(evidence.sidecar.map(({ upstream }) => upstream)).toContainEqual(expect.stringMatching(/^fd77:/));
    }
    await mesh.apply(manifests);
  });

  test.each(Object.entries(CLAIMS))("another team's entry with %s takes them", (_name, entry) =>
    expectTaken(mesh, table, entry, true),
  );

  test.each(Object.entries(CLAIMS))("the guard refuses another team's entry with %s", async (_name, entry) => {
    await mesh.lab.apply('guard', GUARD);
    const findings = await mesh.lab.validate([entry]);
    expect(findings.filter(({ source, error }) => source === 'policy' && error !== undefined)).toHaveLength(1);
    await mesh.lab.apply('guard', []);
  });
});

const settled = {
  ...table,
  mesh: {
    ...table.mesh,
    scopeGatewayToNamespace: true,
    serviceEntryVisibility: { defaultVisibility: 'NAMESPACE', applyToSidecars: true } as const,
  },
  callers: table.callers.slice(0, 2),
};

describeMesh("a dual-stack mesh with istiod's settings for several tenants", { table: settled, manifests }, (mesh) => {
  beforeAll(() => mesh.apply(manifests));
  test.each(Object.entries(CLAIMS))(
    "with istiod's settings, another team's entry with %s takes nothing",
    (_name, entry) => expectTaken(mesh, settled, entry, false),
  );
});

/**
 * Whether the entry lets a caller that nobody named go round the gateway, and takes the TLS origination from another.
 * The model says the same.
 */
async function expectTaken(
  mesh: Mesh,
  world: Omit<AccessTable, 'access'>,
  entry: KubeObject,
  isTaken: boolean,
): Promise<void> {
  await mesh.apply([entry], 'foreign');
  const rows = [
    isTaken
      ? answered('crawler', 'https://gateway.six.example.com/', { via: 'sidecar' })
      : refused('crawler', 'https://gateway.six.example.com/', { by: 'gateway' }),
    answered('checkout', 'http://tls.six.example.com/', { tlsOriginatedBy: isTaken ? 'none' : 'sidecar' }),
  ];
  const agrees = agreement({ ...world, access: rows }, [...manifests, entry]);
  for (const row of rows) agrees(row, await mesh.expectRow(row));
  await mesh.apply([], 'foreign');
}
