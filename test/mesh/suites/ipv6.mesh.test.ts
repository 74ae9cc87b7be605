/**
 * A dual-stack mesh: pods have addresses of both families, names have AAAA records, beside A or alone. Every egress path
 * leads to both kinds of names; what is not declared, what goes past the sidecar and what another team's entries take is
 * asked for by IPv6. The model predicts every answer of this mesh.
 */
import { Chart } from 'cdk8s';
import { AccessRow, AccessTable, Expectation } from '../../../src/access/access-table';
import { EgressBoundary } from '../../../src/constructs/egress-boundary';
import { EgressGuard } from '../../../src/constructs/egress-guard';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { RegistryOnlyMesh } from '../../../src/constructs/registry-only-mesh';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { judgeTable } from '../../../src/explain';
import { Caller } from '../../../src/values/caller';
import { EgressPort } from '../../../src/values/egress-port';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { KubeObject } from '../lab';
import { INSTALLED_PODS } from '../recipe';
import { describeMesh, synthesise, titleOf } from '../support';

const METADATA = 'fd00:ec2::254';
const SIX = { plain: '2001:db8::a1', tls: '2001:db8::a2', gateway: '2001:db8::a3', origin: '2001:db8::a4' };
type Path = keyof typeof SIX;
const PATHS = Object.keys(SIX) as Path[];
const hostsOf = (path: Path) => [`${path}.both.example.com`, `${path}.six.example.com`];
const DATABASE = { sidecar: '2001:db8::d1', gateway: '2001:db8::d2' };
const UNDECLARED = { host: 'undeclared.example.com', address: '2001:db8::ee' };

const installation = GatewayInstallation.helmChart({ namespace: 'egress' });
const database = [EgressPort.tcp(5432)];
const callers = [Caller.serviceAccount('shop', 'checkout')];

const manifests = synthesise((app) => {
  const gateway = new InstalledEgressGateway(new Chart(app, 'platform', { namespace: 'egress' }), 'exit', {
    installation,
  });
  const shop = new Chart(app, 'shop', { namespace: 'shop' });
  new SidecarEgress(shop, 'plain', { hosts: hostsOf('plain') });
  new SidecarEgress(shop, 'tls', { hosts: hostsOf('tls') }).originateTls('tls');
  new GatewayEgress(shop, 'gateway', { gateway, callers, hosts: hostsOf('gateway') });
  new GatewayEgress(shop, 'origin', { gateway, callers, hosts: hostsOf('origin') }).originateTls('tls');
  new GatewayEgress(shop, 'metadata', { gateway, callers, hosts: ['metadata.example.com'] });
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

const site = { http: 'ok', https: 'ok' } as const;
const table: Omit<AccessTable, 'access'> = {
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY', dualStack: true },
  gateways: [INSTALLED_PODS],
  callers: [
    { name: 'checkout', namespace: 'shop', serviceAccount: 'checkout' },
    { name: 'crawler', namespace: 'shop', serviceAccount: 'crawler' },
    { name: 'rogue', namespace: 'shop', serviceAccount: 'rogue', capture: { includeOutboundIPRanges: '' } },
    { name: 'capture', namespace: 'capture', serviceAccount: 'default', dnsCapture: true },
    { name: 'legacy', namespace: 'shop', serviceAccount: 'legacy' },
  ],
  external: [
    ...PATHS.flatMap((path) => [
      { host: `${path}.both.example.com`, ...site },
      { host: `${path}.six.example.com`, address: SIX[path], ...site },
    ]),
    { host: 'a.wild.example.com', address: '2001:db8::b1', ...site },
    { host: 'sidecar.db.example.com', address: DATABASE.sidecar, tcp: [5432] },
    { host: 'gateway.db.example.com', address: DATABASE.gateway, tcp: [5432] },
    { host: 'captured.db.example.com', address: '2001:db8::d3', tcp: [5432] },
    { ...UNDECLARED, ...site, tcp: [5432] },
    { host: 'metadata.example.com', address: METADATA, http: 'ok' },
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
const ROWS = [...DECLARED, ...TCP, ...WILDCARD, ...NOT_DECLARED, ...NOT_NAMED];

describeMesh('a dual-stack mesh', { table, manifests }, (mesh) => {
  mesh.testRows(ROWS.map((row) => ({ title: titleOf(row), row })));
});
