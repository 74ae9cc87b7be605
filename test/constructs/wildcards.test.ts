import { App, Chart, Duration } from 'cdk8s';
import { GatewayEgress } from '../../src/constructs/gateway-egress';
import { SidecarEgress, SidecarEgressProps } from '../../src/constructs/sidecar-egress';
import { Caller } from '../../src/values/caller';
import { EgressPort } from '../../src/values/egress-port';
import { EgressLoadBalancing, EgressResolution } from '../../src/values/traffic-options';
import { errorOf, manifestsOf, newApp, refusal, the } from '../support/app';
import { helmGateway } from '../support/helm-gateway';

const wildcard = (chart: Chart, props: Partial<SidecarEgressProps> = {}) =>
  new SidecarEgress(chart, 'tenants', { hosts: ['*.tenants.example.com'], ...props });
const gateway = (chart: Chart) => helmGateway(chart);
const partner = (chart: Chart, host: string) =>
  new GatewayEgress(chart, 'partner', {
    gateway: gateway(chart),
    hosts: [host],
    callers: [Caller.serviceAccount('payments', 'app')],
  });

test('names below a domain are resolved at the time of the request, on the declared ports only', () => {
  const manifests = manifestsOf((chart) => wildcard(chart));
  const entry = the('ServiceEntry', manifests);
  expect(entry.metadata.name).toMatch(/^any-tenants-example-com-[0-9a-f]{20}$/);
  expect(entry.metadata.labels).toEqual({
    'cdk8s-istio-egress/owner': 'payments',
    'networking.istio.io/enable-autoallocate-ip': 'false',
  });
  expect(entry.spec).toMatchObject({ hosts: ['*.tenants.example.com'], exportTo: ['.'], resolution: 'DYNAMIC_DNS' });
  const route = the('VirtualService', manifests);
  expect(route.spec.tls).toBeUndefined();
  const [
    {
      match: [match],
    },
  ] = route.spec.http;
  const matches = (authority: string) => new RegExp(`^(?:${match.authority.regex})$`).test(authority);
  expect(['a.tenants.example.com', 'a.tenants.example.com:80'].every(matches)).toBe(true);
  expect(['a.tenants.example.com:443', 'a.tenants.example.com:8080', 'a.tenants.example.com:22'].some(matches)).toBe(
    false,
  );
});

test('beside a host of its own in one declaration', () => {
  const manifests = manifestsOf(
    (chart) => new SidecarEgress(chart, 'x', { hosts: ['*.tenants.example.com', 'www.example.org'] }),
  );
  expect(manifests.filter(({ kind }) => kind === 'ServiceEntry').map(({ spec }) => spec.resolution)).toEqual([
    'DYNAMIC_DNS',
    'DNS',
  ]);
});

test.each<[string, (chart: Chart) => unknown, RegExp]>([
  [
    'half a label',
    (chart) => wildcard(chart, { hosts: ['*tenants.example.com'] }),
    /hosts\[0\]: "\*tenants.example.com" is not a wildcard that Istio resolves/,
  ],
  [
    'a star in the middle',
    (chart) => wildcard(chart, { hosts: ['a.*.example.com'] }),
    /is not a wildcard that Istio resolves/,
  ],
  ['everything', (chart) => wildcard(chart, { hosts: ['*'] }), /is not a wildcard that Istio resolves/],
  [
    'a top-level domain',
    (chart) => wildcard(chart, { hosts: ['*.com'], unsafeSharedDomains: true }),
    /"\*.com" is a whole top-level domain/,
  ],
  ['upper case', (chart) => wildcard(chart, { hosts: ['*.Example.com'] }), /has upper-case letters/],
  [
    'addresses',
    (chart) => wildcard(chart, { addresses: ['203.0.113.7'] }),
    /addresses: not for \*\.tenants\.example\.com/,
  ],
  ['endpoints', (chart) => wildcard(chart, { endpoints: ['203.0.113.7'] }), /endpoints: not for/],
  ['a resolution', (chart) => wildcard(chart, { resolution: EgressResolution.DNS_ROUND_ROBIN }), /resolution: not for/],
  [
    'load balancing',
    (chart) => wildcard(chart, { loadBalancing: EgressLoadBalancing.RANDOM }),
    /loadBalancing: not for/,
  ],
  [
    'outlier detection',
    (chart) => wildcard(chart, { outlierDetection: { consecutive5xxErrors: 3 } }),
    /outlierDetection: not for/,
  ],
  [
    'TCP',
    (chart) => wildcard(chart, { ports: [EgressPort.tcp(5432)], addresses: ['203.0.113.7'] }),
    /ports: connections on tcp-5432 carry no name/,
  ],
  ['HTTP/2', (chart) => wildcard(chart, { ports: [EgressPort.http2(8081)] }), /ports \(http2-8081\): Envoy rejects it/],
  ['gRPC', (chart) => wildcard(chart, { ports: [EgressPort.grpc(50051)] }), /ports \(grpc-50051\): Envoy rejects it/],
  [
    'what ends connections of HTTP',
    (chart) => wildcard(chart, { connectionPool: { idleTimeout: Duration.minutes(1), maxRequestsPerConnection: 1 } }),
    /connectionPool\.idleTimeout: Envoy rejects[^]*connectionPool\.maxRequestsPerConnection: Envoy rejects/,
  ],
  [
    'TLS origination',
    (chart) => wildcard(chart).originateTls('tls'),
    /TLS for \*\.tenants\.example\.com cannot be originated in a way that fails closed.*plaintext.*EgressPort\.tls/,
  ],
  [
    'a gateway',
    (chart) => partner(chart, '*.partner.example.com'),
    /is a wildcard, which Istio's gateways cannot .*issues\/61831.*SidecarEgress/,
  ],
  [
    'an old Istio',
    (chart) => wildcard(chart, { istioVersion: '1.29.4' }),
    /Istio 1\.29 cannot do wildcard hosts at the sidecar \(DYNAMIC_DNS\); 1\.30 and later can, see https:\/\/github\.com\/istio\/istio\/issues\/58244/,
  ],
  [
    'the unsafe switch without need',
    (chart) => new SidecarEgress(chart, 'x', { hosts: ['www.example.org'], unsafeSharedDomains: true }),
    /unsafeSharedDomains: only applies to wildcard hosts/,
  ],
])('%s is refused', (_what, build, says) => {
  expect(errorOf(() => manifestsOf(build))).toMatch(says);
});

test.each([
  '*.s3.amazonaws.com',
  '*.s3.eu-west-1.amazonaws.com',
  '*.amazonaws.com',
  '*.execute-api.us-east-1.amazonaws.com',
  '*.github.io',
  '*.blob.core.windows.net',
  '*.windows.net',
  '*.storage.googleapis.com',
  '*.googleapis.com',
  '*.workers.dev',
  '*.snowflakecomputing.com',
  '*.co.uk',
  '*.com.au',
  '*.ngrok.io',
])('%s, where anyone can register a name, needs the unsafe option, which is written on the objects', (host) => {
  expect(errorOf(() => manifestsOf((chart) => wildcard(chart, { hosts: [host] })))).toMatch(
    /covers names that anyone can register .*unsafeSharedDomains: true/,
  );
  const entry = the(
    'ServiceEntry',
    manifestsOf((chart) => wildcard(chart, { hosts: [host], unsafeSharedDomains: true })),
  );
  expect(entry.metadata.annotations).toEqual({
    'cdk8s-istio-egress/constructs': 'chart/tenants',
    'cdk8s-istio-egress/host': host,
    'cdk8s-istio-egress/unsafe': `shared domain: ${host}`,
  });
});

test.each([
  '*.bucket.s3.amazonaws.com',
  '*.bucket.s3.eu-west-1.amazonaws.com',
  '*.account.blob.core.windows.net',
  '*.partner.com',
  '*.partner.co.uk',
])('%s belongs to a single party', (host) => {
  expect(() => manifestsOf((chart) => wildcard(chart, { hosts: [host] }))).not.toThrow();
});

test('TLS for the other hosts of the same declaration can be originated', () => {
  expect(() =>
    manifestsOf((chart) =>
      new SidecarEgress(chart, 'x', { hosts: ['*.tenants.example.com', 'www.example.org'] }).originateTls('tls', {
        hosts: ['www.example.org'],
      }),
    ),
  ).not.toThrow();
});

describe('a wildcard that covers a host behind a gateway stops synth, and nothing is written', () => {
  test.each<[string, (chart: Chart) => unknown]>([
    ['through a gateway', (chart) => partner(chart, 'api.tenants.example.com')],
    [
      'with TLS origination',
      (chart) => new SidecarEgress(chart, 'x', { hosts: ['api.tenants.example.com'] }).originateTls('tls'),
    ],
  ])('%s', (_what, declare) => {
    const { message, written } = refusal((app) => {
      const chart = new Chart(app, 'chart', { namespace: 'payments' });
      wildcard(chart);
      declare(chart);
    });
    expect(message).toContain('wildcard-beside-host');
    expect(written).toEqual([]);
  });

  test('but not in another namespace, and not for a host of a SidecarEgress', () => {
    const build = (app: App) => {
      wildcard(new Chart(app, 'one', { namespace: 'shop' }));
      partner(new Chart(app, 'two', { namespace: 'payments' }), 'api.tenants.example.com');
      new SidecarEgress(new Chart(app, 'three', { namespace: 'shop' }), 'x', { hosts: ['www.tenants.example.com'] });
    };
    const app = newApp();
    build(app);
    expect(() => app.synth()).not.toThrow();
  });
});
