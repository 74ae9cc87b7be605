import { Chart } from 'cdk8s';
import { Egress, TlsOrigination } from '../../src/constructs/egress';
import { GatewayEgress, GatewayEgressProps } from '../../src/constructs/gateway-egress';
import { SidecarEgress, SidecarEgressProps } from '../../src/constructs/sidecar-egress';
import { TlsOriginationOptions, TlsVersion } from '../../src/constructs/tls-origination-options';
import { Caller } from '../../src/values/caller';
import { CertificateAuthority } from '../../src/values/certificate-authority';
import { ClientCertificate } from '../../src/values/client-certificate';
import { EgressPort } from '../../src/values/egress-port';
import { admissionProblems } from '../support/admission';
import { manifestsOf, the } from '../support/app';
import { helmGateway } from '../support/helm-gateway';

const HOST = 'api.partner.com';

function synthesised(make: (chart: Chart) => Egress, options: TlsOriginationOptions): any[] {
  const manifests = manifestsOf((chart) => make(chart).originateTls('tls', options));
  expect(manifests.flatMap(admissionProblems)).toEqual([]);
  return manifests;
}

const atSidecar = (options: TlsOriginationOptions = {}, props: Partial<SidecarEgressProps> = {}) =>
  synthesised((chart) => new SidecarEgress(chart, 'sites', { hosts: [HOST], ...props }), options);

const atGateway = (options: TlsOriginationOptions = {}, props: Partial<GatewayEgressProps> = {}) =>
  synthesised((chart) => {
    const gateway = helmGateway(chart);
    return new GatewayEgress(chart, 'partner', {
      gateway,
      hosts: [HOST],
      callers: [Caller.serviceAccount('payments', 'checkout')],
      ...props,
    });
  }, options);

/** The TLS blocks towards the outside, wherever they stand. */
function externalTls(manifests: any[]): any[] {
  const blocks = manifests
    .filter(({ kind }) => kind === 'DestinationRule')
    .flatMap(({ spec }) => [spec.trafficPolicy, ...(spec.subsets ?? []).map((subset: any) => subset.trafficPolicy)])
    .flatMap((policy: any) => policy?.portLevelSettings ?? [])
    .map(({ tls }: any) => tls);
  return blocks.filter(({ mode }: any) => mode !== 'ISTIO_MUTUAL');
}

const SIMPLE = { mode: 'SIMPLE', caCertificates: 'system', sni: HOST, subjectAltNames: [HOST] };

/** The entries of one host at the sidecar: as applications know it, and where it really is. */
function entriesOf(manifests: any[]): { known: any; external: any } {
  const entries = manifests.filter(({ kind }) => kind === 'ServiceEntry').map(({ spec }) => spec);
  return {
    known: entries.find(({ endpoints }) => endpoints === undefined),
    external: entries.find(({ endpoints }) => endpoints !== undefined),
  };
}

test(
  'at the sidecar the host itself leads nowhere; the route leads to a private name, plain HTTP to a subset that ' +
    'only the rule has',
  () => {
    const manifests = atSidecar();
    const { known, external } = entriesOf(manifests);
    const rule = the('DestinationRule', manifests).spec;
    expect(known).toMatchObject({
      hosts: [HOST],
      resolution: 'STATIC',
      ports: [
        { number: 80, name: 'http-80', protocol: 'HTTP' },
        { number: 443, name: 'tls-443', protocol: 'TLS' },
      ],
    });
    expect(external).toMatchObject({
      hosts: [rule.host],
      resolution: 'DNS',
      endpoints: [{ address: HOST }],
      ports: [{ number: 443, name: 'tls-443', protocol: 'TLS' }],
    });
    expect(rule.host).toMatch(/^api\.partner\.com\.[0-9a-f]{20}\.egress\.internal$/);
    expect(rule.trafficPolicy).toBeUndefined();
    expect(rule.subsets).toEqual([
      { name: 'tls', trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, tls: SIMPLE }] } },
    ]);
    expect(the('VirtualService', manifests).spec.http[0].route).toEqual([
      { destination: { host: rule.host, subset: 'tls', port: { number: 443 } } },
    ]);
  },
);

test("at the gateway the rule is in the gateway's namespace, under the private name, and plaintext cannot leave", () => {
  const manifests = atGateway();
  const rule = the('DestinationRule', manifests, 'egress');
  expect(rule.spec.subsets).toEqual([
    { name: 'tls', trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, tls: SIMPLE }] } },
  ]);
  expect(the('ServiceEntry', manifests, 'egress').spec.ports).toEqual([
    { number: 443, name: 'tls-443', protocol: 'TLS' },
  ]);
  const [route] = manifests.find(({ spec, metadata }) => metadata.namespace === 'egress' && spec.http).spec.http;
  expect(route.route).toEqual([{ destination: { host: rule.spec.host, subset: 'tls', port: { number: 443 } } }]);
  expect(route.rewrite).toEqual({ authority: HOST });
});

test('TLS from the application is not changed, at the sidecar or at the gateway', () => {
  expect(the('VirtualService', atSidecar()).spec.tls[0].route).toEqual([
    { destination: { host: expect.any(String), port: { number: 443 } } },
  ]);
  const passed = atGateway().find(({ spec, metadata }) => metadata.namespace === 'egress' && spec.tcp).spec.tcp[0]
    .route[0].destination;
  expect(passed).toEqual({ host: expect.any(String), port: { number: 443 } });
});

test('construct and method are the same code', () => {
  const constructed = manifestsOf((chart) => {
    const egress = new SidecarEgress(chart, 'sites', { hosts: [HOST] });
    new TlsOrigination(chart, 'tls', { egress, sni: 'edge.partner.com' });
  });
  expect(constructed).toEqual(atSidecar({ sni: 'edge.partner.com' }));
});

test('TLS is originated for the named hosts only', () => {
  const manifests = atSidecar({ hosts: [HOST] }, { hosts: [HOST, 'www.example.com'] });
  expect(the('DestinationRule', manifests).spec.host).toContain(HOST);
  const entries = manifests
    .filter(({ kind }) => kind === 'ServiceEntry')
    .map(({ spec }) => [spec.hosts[0], spec.resolution]);
  expect(entries).toEqual([
    [expect.stringContaining(`${HOST}.`), 'DNS'],
    [HOST, 'STATIC'],
    ['www.example.com', 'DNS'],
  ]);
});

test('hosts of one egress may have different originations', () => {
  const manifests = manifestsOf((chart) => {
    const egress = new SidecarEgress(chart, 'sites', { hosts: [HOST, 'www.example.com'] });
    const one = egress.originateTls('one', { hosts: [HOST] });
    const other = egress.originateTls('other', {
      hosts: ['www.example.com'],
      certificateAuthority: CertificateAuthority.fromConfigMap('own-ca'),
    });
    expect([one, other].map(({ hosts, apiObjects }) => [hosts, apiObjects.map(({ kind }) => kind)])).toEqual([
      [[HOST], ['DestinationRule']],
      [['www.example.com'], ['DestinationRule']],
    ]);
  });
  expect(
    externalTls(manifests).map(({ sni, caCertificates, credentialName }) => [sni, caCertificates ?? credentialName]),
  ).toEqual([
    [HOST, 'system'],
    ['www.example.com', 'configmap://payments/own-ca'],
  ]);
});

test.each<[string, (options: TlsOriginationOptions) => any[], TlsOriginationOptions, object]>([
  [
    'a ConfigMap beside the callers',
    atSidecar,
    { certificateAuthority: CertificateAuthority.fromConfigMap('ca') },
    { mode: 'SIMPLE', credentialName: 'configmap://payments/ca' },
  ],
  [
    'a ConfigMap beside the gateway',
    atGateway,
    { certificateAuthority: CertificateAuthority.fromConfigMap('ca') },
    { mode: 'SIMPLE', credentialName: 'configmap://egress/ca' },
  ],
  [
    'a file',
    atGateway,
    { certificateAuthority: CertificateAuthority.fromFile('/etc/ca.pem') },
    { mode: 'SIMPLE', caCertificates: '/etc/ca.pem' },
  ],
  [
    'a client certificate from a Secret',
    atGateway,
    { clientCertificate: ClientCertificate.fromSecret('partner') },
    { mode: 'MUTUAL', credentialName: 'partner' },
  ],
  [
    'a client certificate from files',
    atGateway,
    { clientCertificate: ClientCertificate.fromFiles('/a', '/b') },
    { mode: 'MUTUAL', clientCertificate: '/a', privateKey: '/b', caCertificates: 'system' },
  ],
  [
    'files throughout',
    atGateway,
    {
      clientCertificate: ClientCertificate.fromFiles('/a', '/b'),
      certificateAuthority: CertificateAuthority.fromFile('/c'),
    },
    { mode: 'MUTUAL', clientCertificate: '/a', privateKey: '/b', caCertificates: '/c' },
  ],
])('authorities and client certificates: %s', (_what, make, options, block) => {
  for (const tls of externalTls(make(options))) expect(tls).toEqual({ ...block, sni: HOST, subjectAltNames: [HOST] });
});

test.each<[string, TlsOriginationOptions, object]>([
  [
    'another server name is also the name that is verified',
    { sni: 'edge.partner.com' },
    { sni: 'edge.partner.com', subjectAltNames: ['edge.partner.com'] },
  ],
  [
    'unless names are given',
    { sni: 'edge.partner.com', subjectAltNames: [HOST, 'spiffe://partner/x'] },
    { sni: 'edge.partner.com', subjectAltNames: [HOST, 'spiffe://partner/x'] },
  ],
  [
    'names alone change no server name',
    { subjectAltNames: ['edge.partner.com'] },
    { sni: HOST, subjectAltNames: ['edge.partner.com'] },
  ],
  ['TLS 1.2 is what Istio insists on anyway', { minimumVersion: TlsVersion.TLS_1_2 }, SIMPLE],
])('names: %s', (_what, options, names) => {
  for (const tls of [...externalTls(atSidecar(options)), ...externalTls(atGateway(options))])
    expect(tls).toMatchObject(names);
});

test.each<[string, Partial<SidecarEgressProps>, TlsOriginationOptions, number]>([
  ['443 unless something else is declared', {}, {}, 443],
  ['443 where no TLS port is declared', { ports: [EgressPort.http()] }, {}, 443],
  ['the one TLS port that is declared', { ports: [EgressPort.http(), EgressPort.tls(8443)] }, {}, 8443],
  [
    '443 where several are declared',
    { ports: [EgressPort.http(), EgressPort.tls(8443), EgressPort.tls(9443)] },
    {},
    443,
  ],
  ['the one that is asked for', {}, { port: 8443 }, 8443],
])('the external port is %s', (_what, props, options, number) => {
  const atOnce = atSidecar(options, props);
  expect(entriesOf(atOnce).external.ports).toContainEqual({ number, name: `tls-${number}`, protocol: 'TLS' });
  expect(the('DestinationRule', atOnce).spec.subsets[0].trafficPolicy.portLevelSettings[0].port).toEqual({ number });
  expect(
    the('DestinationRule', atGateway(options, props), 'egress').spec.subsets[0].trafficPolicy.portLevelSettings[0].port,
  ).toEqual({ number });
});

test('for another port than 443 the Host header contains it, as from a client', () => {
  const route = atGateway({ port: 8443 }).find(({ spec, metadata }) => metadata.namespace === 'egress' && spec.http)
    .spec.http[0];
  expect(route.rewrite).toEqual({ authority: `${HOST}:8443` });
});

test('port settings replace the general ones, so the traffic policy is repeated in them', () => {
  const { subsets } = the('DestinationRule', atSidecar({}, { connectionPool: { maxConnections: 7 } })).spec;
  const pool = { connectionPool: { tcp: { maxConnections: 7 } } };
  expect(subsets).toEqual([
    { name: 'tls', trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, ...pool, tls: SIMPLE }] } },
    { name: 'plain', trafficPolicy: pool },
  ]);
});

test.each([
  ['payments', atSidecar],
  ['egress', atGateway],
] as const)('HTTP/2 and gRPC are asked for again behind TLS, beside HTTP/1.1: %s', (namespace, make) => {
  const manifests = make({}, { ports: [EgressPort.http(), EgressPort.grpc(50051)] });
  const { subsets } = the('DestinationRule', manifests, namespace).spec;
  expect(
    subsets.map(({ name, trafficPolicy }: any) => [name, trafficPolicy.portLevelSettings[0].connectionPool]),
  ).toEqual([
    ['tls', undefined],
    ['tls-http2', { http: { h2UpgradePolicy: 'UPGRADE' } }],
  ]);
});
