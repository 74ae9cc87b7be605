import { App, Chart, Duration } from 'cdk8s';
import { DirectEgress } from '../../src/constructs/direct-egress';
import { EgressBoundary } from '../../src/constructs/egress-boundary';
import { GatewayEgress, GatewayEgressProps } from '../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { RefusalLog } from '../../src/constructs/refusal-log';
import { RegistryOnlyMesh } from '../../src/constructs/registry-only-mesh';
import { SidecarEgress, SidecarEgressProps } from '../../src/constructs/sidecar-egress';
import { TlsOriginationOptions } from '../../src/constructs/tls-origination-options';
import { Caller } from '../../src/values/caller';
import { CertificateAuthority } from '../../src/values/certificate-authority';
import { ClientCertificate } from '../../src/values/client-certificate';
import { EgressPort } from '../../src/values/egress-port';
import { GatewayInstallation } from '../../src/values/gateway-installation';
import { EgressResolution } from '../../src/values/traffic-options';
import { errorOf, newApp, refusal } from '../support/app';
import { deployment } from '../support/workloads';
import { helmGateway } from '../support/helm-gateway';

const HOST = 'api.example.com';
const CALLER = Caller.serviceAccount('payments', 'checkout');

const chartOf = (app: App) => new Chart(app, 'chart', { namespace: 'payments' });
const sidecar = (props: Partial<SidecarEgressProps>) => (app: App) =>
  new SidecarEgress(chartOf(app), 'sites', { hosts: [HOST], ...props });
const gateway = (props: Partial<GatewayEgressProps>) => (app: App) => {
  const chart = chartOf(app);
  const exit = helmGateway(chart);
  return new GatewayEgress(chart, 'partner', { gateway: exit, hosts: [HOST], callers: [CALLER], ...props });
};
const tls =
  (options: TlsOriginationOptions, props: Partial<SidecarEgressProps> = {}) =>
  (app: App) =>
    sidecar(props)(app).originateTls('tls', options);
const tlsAtGateway =
  (options: TlsOriginationOptions, props: Partial<GatewayEgressProps> = {}) =>
  (app: App) =>
    gateway(props)(app).originateTls('tls', options);
const direct = (props: object) => (app: App) => {
  const chart = chartOf(app);
  return new DirectEgress(chart, 'mainframe', { workloads: [deployment(chart)], ...props } as any);
};
const lock = (props: object) => (app: App) => new RegistryOnlyMesh(chartOf(app), 'lock', props);
const installed = (props: object) => (app: App) =>
  new InstalledEgressGateway(chartOf(app), 'exit', {
    installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
    ...props,
  });

const SITES = '[chart/sites] SidecarEgress: ';
const PARTNER = '[chart/partner] GatewayEgress: ';
const TLS = '[chart/sites/tls] TlsOrigination: ';
const TLS_AT_GATEWAY = '[chart/partner/tls] TlsOrigination: ';
const DIRECT = '[chart/mainframe] DirectEgress: ';
const BOUNDARY = '[chart/boundary] EgressBoundary: ';
const LOCK = '[chart/lock] RegistryOnlyMesh: ';
const long = 'a'.repeat(64);

/** What is wrong; who says so; which value, why it cannot work, and what to write instead. */
const ROWS: [string, (app: App) => unknown, string, string[]][] = [
  [
    'no hosts',
    sidecar({ hosts: [] }),
    SITES,
    ['hosts: none given', 'name at least one external host, such as hosts: ["api.example.com"]'],
  ],
  [
    'a host that is not a list',
    sidecar({ hosts: HOST as any }),
    SITES,
    ['hosts: "api.example.com" is not a list', 'hosts: ["api.example.com"]'],
  ],
  ['hosts that are missing', gateway({ hosts: undefined }), PARTNER, ['hosts: none given', 'such as']],
  ['a misspelt prop', sidecar({ port: [EgressPort.tls()] } as any), SITES, ['port: is not a prop; write ports']],
  [
    'a misspelt prop that must be given',
    gateway({ hosts: undefined, host: [HOST] } as any),
    PARTNER,
    ['host: is not a prop; write hosts'],
  ],
  [
    'a misspelt prop inside another',
    gateway({ retries: { attemps: 2 } as any }),
    PARTNER,
    ['retries.attemps: is not a prop; write attempts'],
  ],
  ['two letters swapped', gateway({ htpt: 'OPAQUE' } as any), PARTNER, ['htpt: is not a prop; write http']],
  [
    'what is no prop, inside another',
    sidecar({ retries: { attempts: 1, foo: 1 } } as any),
    SITES,
    ['retries.foo: is not a prop; those that are: attempts, perTryTimeout, on'],
  ],
  ['an empty host', sidecar({ hosts: [''] }), SITES, ['hosts[0]: "" is not a valid host name', 'write one']],
  [
    'an IP address',
    gateway({ hosts: ['203.0.113.10'] }),
    PARTNER,
    ['hosts[0]: "203.0.113.10" is an IP address', 'name the host and give the address under `addresses`, or let'],
  ],
  [
    'an IPv6 address',
    sidecar({ hosts: [HOST, '2001:db8::1'] }),
    SITES,
    ['hosts[1]: "2001:db8::1" is an IP address', 'DirectEgress'],
  ],
  [
    'an internationalised host',
    gateway({ hosts: ['bücher.example'] }),
    PARTNER,
    ['"bücher.example" is internationalised', 'write its ASCII form'],
  ],
  [
    'an upper-case host',
    sidecar({ hosts: ['API.example.com'] }),
    SITES,
    ['has upper-case letters', 'write "api.example.com"'],
  ],
  ['a trailing dot', gateway({ hosts: ['api.example.com.'] }), PARTNER, ['ends with a dot', 'write "api.example.com"']],
  [
    'a label that is too long',
    sidecar({ hosts: [`${long}.example.com`] }),
    SITES,
    ['a label of 64 characters', 'at most 63'],
  ],
  [
    'a wildcard through a gateway',
    gateway({ hosts: ['*.example.com'] }),
    PARTNER,
    ['"*.example.com"', 'wildcard', 'name every host'],
  ],
  [
    'a host twice',
    gateway({ hosts: [HOST, HOST] }),
    PARTNER,
    ['hosts[1]: "api.example.com" is listed twice', 'list it once'],
  ],

  // Without a compiler nobody has looked at types before.
  [
    'a host that is nothing',
    sidecar({ hosts: [null as any] }),
    SITES,
    ['hosts[0]: null is not a valid host name', 'write one'],
  ],
  [
    'a host that is nothing, at a gateway',
    gateway({ hosts: [null as any] }),
    PARTNER,
    ['hosts[0]: null is not a valid host name'],
  ],
  [
    'a port that is a number',
    sidecar({ ports: [443 as any] }),
    SITES,
    ['ports[0]: 443 is not an EgressPort', 'write EgressPort.tls(443)'],
  ],
  [
    'another port that is a number',
    gateway({ ports: [EgressPort.tls(), 80 as any] }),
    PARTNER,
    ['ports[1]: 80 is not an EgressPort', 'write EgressPort.http(80)'],
  ],
  [
    'a port of a database that is a number',
    sidecar({ ports: [5432 as any] }),
    SITES,
    ['ports[0]: 5432 is not an EgressPort', 'such as EgressPort.tcp(5432)'],
  ],
  [
    'a port that is nothing',
    sidecar({ ports: [null as any] }),
    SITES,
    ['ports[0]: null is not an EgressPort', 'EgressPort.tls(443)'],
  ],
  [
    'ports that are no list',
    sidecar({ ports: EgressPort.tls() as any }),
    SITES,
    ['ports: ', 'is not a list', 'ports: [EgressPort.tls(443)]'],
  ],
  [
    'a caller that is text',
    gateway({ callers: ['pay/app' as any] }),
    PARTNER,
    ['callers[0]: "pay/app" is not a Caller', "write Caller.serviceAccount('pay', 'app')"],
  ],
  [
    'a caller that is nothing',
    gateway({ callers: [null as any] }),
    PARTNER,
    ['callers[0]: null is not a Caller', 'write Caller.serviceAccount('],
  ],
  [
    'callers that are no list',
    gateway({ callers: CALLER as any }),
    PARTNER,
    ['callers: ', 'is not a list', 'callers: [Caller.serviceAccount('],
  ],
  [
    'a caller that is text, for a certificate',
    tls({ clientCertificate: ClientCertificate.fromSecret('a'), callers: ['pay/app' as any] }),
    TLS,
    ['callers[0]: "pay/app" is not a Caller'],
  ],
  [
    'a gateway that is text',
    gateway({ gateway: 'x' as any }),
    PARTNER,
    ['gateway: "x" is not a gateway', 'give an EgressGateway', 'InstalledEgressGateway.fromInstallation'],
  ],
  ['no gateway', gateway({ gateway: undefined as any }), PARTNER, ['gateway: none given', 'give an EgressGateway']],
  [
    'a gateway that is text, for a boundary',
    (app) => new EgressBoundary(chartOf(app), 'boundary', { namespaces: ['shop'], gateways: ['x' as any] }),
    BOUNDARY,
    ['gateways[0]: "x" is not a gateway', 'give an EgressGateway'],
  ],
  [
    'a gateway that is text, for a log',
    (app) => new RefusalLog(chartOf(app), 'log', { gateway: 'x' as any }),
    '[chart/log] RefusalLog: ',
    ['gateway: "x" is not a gateway', 'give an EgressGateway'],
  ],
  [
    'no reason',
    direct({ toPorts: [22], reason: '' }),
    DIRECT,
    ['reason: empty', 'say why, for those who audit the pods'],
  ],
  ['a reason of blanks', direct({ toPorts: [22], reason: ' ' }), DIRECT, ['reason: empty', 'leave it out']],
  ['a host with two mistakes', gateway({ hosts: ['A_B'] }), PARTNER, ['"A_B" is not a DNS name: "a_b" is not a label']],

  ['no ports', sidecar({ ports: [] }), SITES, ['ports: empty', 'leave it out for HTTP on 80 and TLS on 443']],
  [
    'a port twice',
    sidecar({ ports: [EgressPort.http(8080), EgressPort.tls(8080)] }),
    SITES,
    ['ports: 8080 is listed twice (http-8080 and tls-8080)', 'a port has one protocol'],
  ],
  [
    'TCP without an address',
    sidecar({ ports: [EgressPort.tcp(5432)] }),
    SITES,
    [
      'addresses: none given, but tcp-5432 needs them',
      'takes every connection',
      'give the IP addresses that applications dial',
    ],
  ],

  [
    'no namespace at all',
    (app) => new SidecarEgress(new Chart(app, 'chart'), 'sites', { hosts: [HOST] }),
    SITES,
    ['namespace: none given, and the chart has none', 'give `namespace` here or to the chart'],
  ],
  [
    'a namespace that is none',
    sidecar({ namespace: 'pay.ments' }),
    SITES,
    ['namespace: "pay.ments" is not a valid namespace', 'Kubernetes allows'],
  ],
  [
    'no owner to be had',
    (app) => {
      const chart = new Chart(app, 'chart');
      const exit = helmGateway(chart);
      new GatewayEgress(chart, 'partner', { gateway: exit, hosts: [HOST], callers: [CALLER] });
    },
    PARTNER,
    ['owner: none given, and the chart has no namespace to take it from', 'set `owner`, or give the chart a namespace'],
  ],
  [
    'an owner that is no label',
    gateway({ owner: 'Team A' }),
    PARTNER,
    ['owner: "Team A" is not a valid owner', 'Kubernetes allows'],
  ],
  [
    'a name prefix that is no label',
    sidecar({ namePrefix: 'a.b' }),
    SITES,
    ['namePrefix: "a.b" is not a valid name prefix', 'Kubernetes allows'],
  ],
  [
    'a label that is none',
    gateway({ labels: { 'a b': 'c' } }),
    PARTNER,
    ['labels: "a b" is not a valid name of a label', 'Kubernetes allows'],
  ],
  [
    'an annotation that is no text',
    sidecar({ annotations: { on: true } as any }),
    SITES,
    ['annotations: true is not a valid value of the annotation "on"', 'write "true"'],
  ],
  [
    'an annotation by which its policies would decide nothing',
    gateway({ annotations: { 'istio.io/dry-run': 'true' } }),
    PARTNER,
    ['annotations: "istio.io/dry-run" has istiod only count what AuthorizationPolicies would do', 'leave it out'],
  ],
  [
    'an annotation by which istiod would read routes otherwise',
    sidecar({ annotations: { 'internal.istio.io/route-semantics': 'gateway' } }),
    SITES,
    ['annotations: "internal.istio.io/route-semantics" is an annotation of istiod\'s own', 'leave it out'],
  ],

  [
    'addresses for several hosts',
    sidecar({ hosts: [HOST, 'b.example.com'], addresses: ['203.0.113.10'] }),
    SITES,
    ['addresses: 2 hosts cannot share them', 'for each host'],
  ],
  [
    'endpoints for several hosts',
    sidecar({ hosts: [HOST, 'b.example.com'], endpoints: ['203.0.113.10'] }),
    SITES,
    ['endpoints: 2 hosts cannot share them', 'for each host'],
  ],
  [
    'an address twice',
    sidecar({ addresses: ['203.0.113.10', '203.0.113.10'] }),
    SITES,
    ['addresses[1]: "203.0.113.10" is listed twice'],
  ],
  [
    'an endpoint twice',
    sidecar({ endpoints: ['203.0.113.10', '203.0.113.10'] }),
    SITES,
    ['endpoints[1]: "203.0.113.10" is listed twice'],
  ],
  [
    'an IPv4 endpoint in the form of IPv6',
    sidecar({ endpoints: ['::ffff:127.0.0.1'] }),
    SITES,
    ['endpoints[0]: "::ffff:127.0.0.1" is IPv4 that is written as IPv6', 'write "127.0.0.1"'],
  ],
  [
    'an address that is none',
    sidecar({ addresses: ['db'] }),
    SITES,
    ['addresses[0]: "db" is not an IP address', 'such as'],
  ],
  [
    'a range under DNS',
    sidecar({ addresses: ['203.0.113.0/24'] }),
    SITES,
    ['addresses[0]: "203.0.113.0/24" is a range', 'write single addresses'],
  ],
  [
    'an impossible range',
    sidecar({ addresses: ['203.0.113.0/33'], endpoints: ['203.0.113.10'] }),
    SITES,
    ['addresses[0]: "203.0.113.0/33" has an impossible mask', '/0 to /32'],
  ],
  [
    'an endpoint that is neither address nor name',
    sidecar({ endpoints: ['a_b.example.com'] }),
    SITES,
    ['endpoints[0]: "a_b.example.com" is not a DNS name', 'is not a label'],
  ],
  [
    'a name as a fixed endpoint',
    sidecar({ resolution: EgressResolution.STATIC, endpoints: ['b.example.com'] }),
    SITES,
    ['endpoints[0]: "b.example.com" is not an IP address, which resolution STATIC requires', 'leave `resolution` out'],
  ],
  [
    'STATIC without endpoints',
    sidecar({ resolution: EgressResolution.STATIC }),
    SITES,
    ['resolution: STATIC without `endpoints` has no address to connect to', 'give the IP addresses of the host'],
  ],
  [
    'several endpoints in rotation',
    sidecar({ resolution: EgressResolution.DNS_ROUND_ROBIN, endpoints: ['a.example.com', 'b.example.com'] }),
    SITES,
    ['endpoints: DNS_ROUND_ROBIN allows only one', 'use EgressResolution.DNS for several'],
  ],

  [
    'a timeout of nothing',
    sidecar({ timeout: Duration.millis(0) }),
    SITES,
    ['timeout: 0 ms is too short', 'leave it out to use the default'],
  ],
  [
    'a timeout that Istio rejects',
    sidecar({ timeout: Duration.days(106_752) }),
    SITES,
    ['timeout: 9223372800000 ms is too long', 'more than 292 years'],
  ],
  [
    'a timeout where nothing is read',
    gateway({ ports: [EgressPort.tls()], timeout: Duration.seconds(1) }),
    PARTNER,
    ['timeout: only applies to requests that the mesh reads, and no port speaks HTTP (tls-443)', 'leave it out'],
  ],
  [
    'retries where nothing is read',
    sidecar({ ports: [EgressPort.tls()], retries: { attempts: 1 } }),
    SITES,
    ['retries: only applies to requests', 'leave it out'],
  ],
  [
    'headers where nothing is read',
    sidecar({ ports: [EgressPort.tls()], removeHeaders: ['x-team'], unsafeKeepHeaders: ['x-request-id'] }),
    SITES,
    ['removeHeaders: only applies to requests', 'unsafeKeepHeaders: only applies to requests'],
  ],
  [
    'half an attempt',
    sidecar({ retries: { attempts: 0.5 } }),
    SITES,
    ['retries.attempts: 0.5 is not a whole number from 0 to 2147483647'],
  ],
  [
    'no attempts with conditions',
    sidecar({ retries: { attempts: 0, on: ['5xx'] } }),
    SITES,
    ['retries: 0 attempts switch retries off', 'leave them out'],
  ],
  [
    'no attempts with a time',
    sidecar({ retries: { attempts: 0, perTryTimeout: Duration.seconds(1) } }),
    SITES,
    ['retries: 0 attempts switch retries off'],
  ],
  [
    'conditions that are none',
    sidecar({ retries: { attempts: 1, on: ['on error'] } }),
    SITES,
    ['retries.on[0]: "on error" is not a retry condition of Envoy', 'write one of 5xx, gateway-error, '],
  ],
  [
    'a try of no time',
    sidecar({ retries: { attempts: 1, perTryTimeout: Duration.millis(0) } }),
    SITES,
    ['retries.perTryTimeout: 0 ms'],
  ],
  [
    'an empty outlier detection',
    sidecar({ outlierDetection: { interval: undefined } }),
    SITES,
    ['outlierDetection: empty', 'leave it out'],
  ],
  [
    'no connections',
    sidecar({ connectionPool: { maxConnections: 0 } }),
    SITES,
    ['connectionPool.maxConnections: 0 is not a whole number from 1 to 2147483647'],
  ],
  [
    'no pending requests',
    sidecar({ connectionPool: { maxPendingRequests: -1 } }),
    SITES,
    ['connectionPool.maxPendingRequests: -1'],
  ],
  [
    'no requests on a connection',
    sidecar({ connectionPool: { maxRequestsPerConnection: 2 ** 31 } }),
    SITES,
    ['connectionPool.maxRequestsPerConnection: 2147483648'],
  ],
  [
    'no time to connect or to idle',
    sidecar({ connectionPool: { connectTimeout: Duration.millis(0), idleTimeout: Duration.millis(0) } }),
    SITES,
    ['connectionPool.connectTimeout: 0 ms', 'connectionPool.idleTimeout: 0 ms'],
  ],
  [
    'errors below nothing',
    sidecar({ outlierDetection: { consecutive5xxErrors: -1, consecutiveGatewayErrors: 1.5 } }),
    SITES,
    ['outlierDetection.consecutive5xxErrors: -1', 'outlierDetection.consecutiveGatewayErrors: 1.5'],
  ],
  [
    'more than all addresses',
    sidecar({ outlierDetection: { maxEjectionPercent: 101 } }),
    SITES,
    ['outlierDetection.maxEjectionPercent: 101 is not a whole number from 0 to 100'],
  ],
  [
    'no time between looks',
    sidecar({ outlierDetection: { interval: Duration.millis(0), baseEjectionTime: Duration.millis(0) } }),
    SITES,
    ['outlierDetection.interval: 0 ms', 'outlierDetection.baseEjectionTime: 0 ms'],
  ],
  [
    'a header in upper case',
    sidecar({ removeHeaders: ['X-Team'] }),
    SITES,
    ['removeHeaders[0]: "X-Team" has upper-case letters', 'write "x-team"'],
  ],
  [
    'a header that stays anyway',
    gateway({ unsafeKeepHeaders: ['x-team'] }),
    PARTNER,
    ['unsafeKeepHeaders[0]: "x-team" is not one of the headers that are removed', 'it is kept anyway; leave it out'],
  ],
  [
    'a header kept and removed',
    sidecar({ removeHeaders: ['x-request-id'], unsafeKeepHeaders: ['x-request-id'] }),
    SITES,
    ['unsafeKeepHeaders: "x-request-id" is under removeHeaders too', 'leave it out of one'],
  ],

  [
    'no callers',
    gateway({ callers: [] }),
    PARTNER,
    ['callers: none given, so no workload could call', 'Caller.serviceAccount("payments", "checkout")'],
  ],
  ['callers that are missing', gateway({ callers: undefined }), PARTNER, ['callers: none given']],
  [
    "a caller in the gateway's namespace",
    gateway({ callers: [CALLER, Caller.serviceAccount('egress', 'batch')] }),
    PARTNER,
    ["callers: egress/batch is in the gateway's namespace", 'move the gateway or the caller to another namespace'],
  ],
  [
    'such a caller later',
    (app) => gateway({})(app).allowCaller(Caller.serviceAccount('egress', 'batch')),
    PARTNER,
    ["callers: egress/batch is in the gateway's namespace"],
  ],

  ['TLS for no host', tls({ hosts: [] }), TLS, ['hosts: empty', 'leave it out for all hosts of the egress']],
  [
    'TLS for a stranger',
    tls({ hosts: ['b.example.com'] }),
    TLS,
    ['hosts[0]: "b.example.com" is not a host of [chart/sites] (api.example.com)', 'declare it there first'],
  ],
  [
    'TLS for a host twice',
    tls({ hosts: [HOST, HOST] }),
    TLS,
    ['hosts[1]: "api.example.com" is listed twice', 'list it once'],
  ],
  [
    'TLS where nothing is plain',
    tls({}, { ports: [EgressPort.tls()] }),
    TLS,
    ['egress: [chart/sites] declares no port that speaks plain HTTP (tls-443)', 'add EgressPort.http()'],
  ],
  [
    'TLS to a port that speaks none',
    tls({ port: 80 }),
    TLS,
    ['port: 80 is declared as HTTP by [chart/sites]', 'write the port on which it does'],
  ],
  ['TLS to no port', tlsAtGateway({ port: 0 }), TLS_AT_GATEWAY, ['port: 0 is not a port number']],
  [
    'TLS begun twice',
    (app) => {
      const sites = sidecar({})(app);
      sites.originateTls('once');
      sites.originateTls('tls', { hosts: [HOST] });
    },
    TLS,
    ['hosts: TLS for "api.example.com" is originated by [chart/sites/once] already', 'keep one of the two'],
  ],
  [
    'TLS begun twice at a gateway',
    (app) => {
      const partner = gateway({})(app);
      partner.originateTls('once');
      partner.originateTls('tls');
    },
    TLS_AT_GATEWAY,
    ['hosts: TLS for "api.example.com" is originated by [chart/partner/once] already'],
  ],
  [
    'one server name for several hosts',
    tls({ sni: 'edge.example.com' }, { hosts: [HOST, 'b.example.com'] }),
    TLS,
    ['sni: "edge.example.com" cannot be the server name of 2 hosts', 'one TlsOrigination for each host'],
  ],
  [
    'one list of names for several hosts',
    tls({ subjectAltNames: [HOST] }, { hosts: [HOST, 'b.example.com'] }),
    TLS,
    [
      'subjectAltNames: each of 2 hosts would be accepted under the names of the others',
      'one TlsOrigination for each host',
    ],
  ],
  ['a server name that is none', tls({ sni: '203.0.113.10' }), TLS, ['sni: "203.0.113.10" is an IP address']],
  [
    'no name to verify',
    tls({ subjectAltNames: [] }),
    TLS,
    ['subjectAltNames: empty, which would leave the name in the certificate unverified', 'name at least one'],
  ],
  [
    'an empty name to verify',
    tls({ subjectAltNames: [''] }),
    TLS,
    ['subjectAltNames[0]: "" is not a valid name in a certificate', 'write the host'],
  ],
  [
    'a name to verify with a blank',
    tls({ subjectAltNames: ['api example.com'] }),
    TLS,
    ['subjectAltNames[0]: "api example.com" is not a valid name in a certificate'],
  ],
  [
    'a name to verify that is no text',
    tls({ subjectAltNames: [undefined as any] }),
    TLS,
    ['subjectAltNames[0]: undefined is not a valid name in a certificate'],
  ],
  [
    'a pattern to verify',
    tls({ subjectAltNames: ['*.example.com'] }),
    TLS,
    ['subjectAltNames[0]: "*.example.com" is a pattern', 'write the host'],
  ],
  [
    'a Secret and other authorities',
    tlsAtGateway({
      clientCertificate: ClientCertificate.fromSecret('partner'),
      certificateAuthority: CertificateAuthority.system(),
    }),
    TLS_AT_GATEWAY,
    [
      'certificateAuthority: not together with the client certificate from Secret "partner"',
      'put the authorities there',
    ],
  ],
  [
    'files and a ConfigMap',
    tlsAtGateway({
      clientCertificate: ClientCertificate.fromFiles('/a', '/b'),
      certificateAuthority: CertificateAuthority.fromConfigMap('ca'),
    }),
    TLS_AT_GATEWAY,
    [
      'Istio does not accept a ConfigMap ("ca") together with a client certificate from files',
      'use CertificateAuthority.fromFile',
    ],
  ],
  [
    'a TLS version that cannot be promised',
    tls({ minimumVersion: 'TLSV1_3' as any }),
    TLS,
    ['minimumVersion: "TLSV1_3" is not a TlsVersion', 'write TlsVersion.TLS_1_2'],
  ],

  [
    'nobody past the sidecar',
    direct({ workloads: [], toPorts: [22] }),
    DIRECT,
    ['workloads: none given', 'name the workloads'],
  ],
  ['workloads that are missing', direct({ workloads: undefined, toPorts: [22] }), DIRECT, ['workloads: none given']],
  [
    'nothing past the sidecar',
    direct({}),
    DIRECT,
    ['toCidrs, toPorts: neither is given', 'name address ranges or ports'],
  ],
  [
    'a range without a mask',
    direct({ toCidrs: ['203.0.113.40'] }),
    DIRECT,
    ['toCidrs[0]: "203.0.113.40" has no mask', 'write "203.0.113.40/32"'],
  ],
  [
    'everything past the sidecar',
    direct({ toCidrs: ['0.0.0.0/0'] }),
    DIRECT,
    ['toCidrs[0]: "0.0.0.0/0" covers every address', 'sidecar.istio.io/inject: "false"'],
  ],
  [
    'an empty list of ranges',
    direct({ toCidrs: [], toPorts: [] }),
    DIRECT,
    ['toCidrs, toPorts: neither is given', 'name address ranges or ports'],
  ],
  [
    'a host name as a range',
    direct({ toCidrs: ['mainframe.example.com'] }),
    DIRECT,
    ['toCidrs[0]: "mainframe.example.com" is not an address range', 'such as'],
  ],
  ['a port that is none', direct({ toPorts: [0] }), DIRECT, ['toPorts[0]: 0 is not a port number']],
  [
    'a captured range that is none',
    direct({ unsafeCaptureOnlyCidrs: ['*'] }),
    DIRECT,
    ['unsafeCaptureOnlyCidrs[0]: "*" is not an address range'],
  ],
  [
    'what has no pods',
    (app) => {
      const chart = chartOf(app);
      new DirectEgress(chart, 'mainframe', { workloads: [chart], toPorts: [22] });
    },
    DIRECT,
    ['workloads[0]: [chart] has no pod template', 'give a Deployment'],
  ],

  [
    'a root namespace that is none',
    lock({ rootNamespace: 'Istio' }),
    LOCK,
    ['rootNamespace: "Istio" is not a valid namespace'],
  ],
  [
    'no namespaces to lock',
    lock({ namespaces: [] }),
    LOCK,
    ['namespaces: empty', 'leave it out to lock the whole mesh'],
  ],
  [
    'a namespace to lock that is none',
    lock({ namespaces: ['a_b'] }),
    LOCK,
    ['namespaces[0]: "a_b" is not a valid namespace'],
  ],
  [
    'a namespace to lock twice',
    lock({ namespaces: ['web', 'web'] }),
    LOCK,
    ['namespaces[1]: "web" is listed twice', 'list it once'],
  ],
  [
    'the root namespace as one of many',
    lock({ namespaces: ['istio-system'] }),
    LOCK,
    ['namespaces[0]: "istio-system" is the root namespace', 'leave `namespaces` out'],
  ],
  ['no workloads to lock', lock({ workloads: [] }), LOCK, ['workloads: empty', 'leave it out']],
  [
    'workloads without a label',
    lock({ workloads: [{ namespace: 'web', labels: {} }] }),
    LOCK,
    ['workloads[0].labels: no labels', 'name at least one label'],
  ],
  [
    'the same workloads twice',
    lock({
      workloads: [
        { namespace: 'web', labels: { a: 'b', c: 'd' } },
        { namespace: 'web', labels: { c: 'd', a: 'b' } },
      ],
    }),
    LOCK,
    ['workloads[1]: { c: "d", a: "b" } in web is listed twice (workloads[0])', 'list it once'],
  ],
  [
    'workloads without labels at all',
    lock({ workloads: [{ namespace: 'web' }] }),
    LOCK,
    ['workloads[0].labels: none given', 'name at least one label'],
  ],
  [
    'workloads of the root namespace',
    lock({ workloads: [{ namespace: 'istio-system', labels: { app: 'a' } }] }),
    LOCK,
    [
      'workloads[0].namespace: "istio-system" is the root namespace, where a Sidecar with a selector acts on ' +
        'pods there only',
      'name the namespace of the workloads',
    ],
  ],
  [
    'workloads of no namespace',
    lock({ workloads: [{ namespace: '', labels: { app: 'a' } }] }),
    LOCK,
    ['workloads[0].namespace: "" is not a valid namespace'],
  ],
  [
    'no imports',
    lock({ imports: [] }),
    LOCK,
    ['imports: empty, so nothing could be called', 'leave it out for everything'],
  ],
  [
    'an import without a namespace',
    lock({ imports: ['web'] }),
    LOCK,
    ['imports[0]: "web" is not <namespace>/<host>', 'write "./*"'],
  ],
  ['an import of no namespace', lock({ imports: ['We b/*'] }), LOCK, ['imports[0]: "We b" is not a valid namespace']],
  [
    'an import of no host',
    lock({ imports: ['web/reviews', 'web/*.*', 'web/a.example.com/b', 'web/A.example.com'] }),
    LOCK,
    [
      'imports[0]: "reviews" in "web/reviews" is not a fully qualified host',
      'imports[1]: "*.*"',
      'imports[2]: "web/a.example.com/b" is not <namespace>/<host>',
      'imports[3]: "A.example.com"',
    ],
  ],
  ['a name for a lock that is none', lock({ name: 'a.b' }), LOCK, ['name: "a.b" is not a valid name']],
  [
    'a label on a lock that is none',
    lock({ labels: { a: 'b c' } }),
    LOCK,
    ['labels: "b c" is not a valid value of the label "a"'],
  ],
  [
    'no captured ranges',
    (app) => lock({})(app).helmValues({ unsafeCaptureOnlyCidrs: [] }),
    '[chart/lock] RegistryOnlyMesh.helmValues: ',
    ['unsafeCaptureOnlyCidrs: empty, so sidecars would capture nothing', 'leave it out'],
  ],
  [
    'a captured range without a mask',
    (app) => lock({})(app).helmValues({ unsafeCaptureOnlyCidrs: ['10.0.0.1'] }),
    '[chart/lock] RegistryOnlyMesh.helmValues: ',
    ['unsafeCaptureOnlyCidrs[0]: "10.0.0.1" has no mask'],
  ],
  [
    'a label on the hop Service that is none',
    installed({ labels: { a: 'b c' } }),
    '[chart/exit] InstalledEgressGateway: ',
    ['labels: "b c" is not a valid value of the label "a"'],
  ],
];

test.each(ROWS)('%s: stops with place, value, reason and cure, and nothing is written', (_what, build, who, parts) => {
  const { message, written } = refusal(build);
  expect(message.startsWith(who)).toBe(true);
  for (const part of parts) expect(message).toContain(part);
  expect(written).toEqual([]);
});

test('all problems of one set of props are in one error', () => {
  const { message } = refusal(
    gateway({
      hosts: ['*.a.example.com', '203.0.113.10'],
      ports: [],
      callers: [],
      owner: 'A',
      timeout: Duration.millis(0),
      labels: { 'a b': '' },
      removeHeaders: ['Host'],
    }),
  );
  const [title, ...problems] = message.split('\n');
  expect(title).toMatch(/^\[chart\/partner\] GatewayEgress: \d+ problems:$/);
  for (const prop of ['hosts[0]', 'hosts[1]', 'ports', 'callers', 'owner', 'timeout', 'labels', 'removeHeaders[0]']) {
    expect(problems.some((problem) => problem.startsWith(`  - ${prop}: `))).toBe(true);
  }
});

test('what was refused leaves no object behind, even if the app goes on', () => {
  const app = newApp();
  const chart = chartOf(app);
  errorOf(() => new SidecarEgress(chart, 'sites', { hosts: ['*'] }));
  errorOf(() => new SidecarEgress(chart, 'others', { hosts: [HOST] }).originateTls('tls', { port: 0 }));
  expect(chart.toJson().map(({ kind }: any) => kind)).toEqual(['ServiceEntry', 'VirtualService']);
});
