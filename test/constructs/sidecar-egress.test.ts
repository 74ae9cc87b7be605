import { App, Chart, Duration, JsonPatch, Testing } from 'cdk8s';
import { SidecarEgress, SidecarEgressProps } from '../../src/constructs/sidecar-egress';
import { EgressPort } from '../../src/values/egress-port';
import { MESH_REQUEST_HEADERS } from '../../src/values/request-headers';
import { EgressLoadBalancing, EgressResolution } from '../../src/values/traffic-options';
import { admissionProblems } from '../support/admission';
import { allManifests, manifestsOf, newApp, objectsBelow, the, yamlOf } from '../support/app';

const HOST = 'api.example.com';

/** What the construct emits; an API server with Istio takes each of it. */
function sites(props: Partial<SidecarEgressProps> = {}): any[] {
  const manifests = manifestsOf((chart) => new SidecarEgress(chart, 'sites', { hosts: [HOST], ...props }));
  expect(manifests.flatMap(admissionProblems)).toEqual([]);
  return manifests;
}

const entryOf = (props: Partial<SidecarEgressProps>) => the('ServiceEntry', sites(props)).spec;
const routesOf = (props: Partial<SidecarEgressProps>) => the('VirtualService', sites(props)).spec.http;
const policyOf = (props: Partial<SidecarEgressProps>) => the('DestinationRule', sites(props)).spec.trafficPolicy;

test('by default HTTP and TLS of a host are open to one namespace, by DNS, and headers of proxies are removed', () => {
  expect(yamlOf(sites())).toMatchInlineSnapshot(`
   "apiVersion: networking.istio.io/v1
   kind: ServiceEntry
   metadata:
     annotations:
       cdk8s-istio-egress/constructs: chart/sites
       cdk8s-istio-egress/host: api.example.com
     labels:
       cdk8s-istio-egress/owner: payments
     name: api-example-com-93aa3caa04c4f438160e
     namespace: payments
   spec:
     exportTo:
       - "."
     hosts:
       - api.example.com
     location: MESH_EXTERNAL
     ports:
       - name: http-80
         number: 80
         protocol: HTTP
       - name: tls-443
         number: 443
         protocol: TLS
     resolution: DNS
   ---
   apiVersion: networking.istio.io/v1
   kind: VirtualService
   metadata:
     annotations:
       cdk8s-istio-egress/constructs: chart/sites
       cdk8s-istio-egress/host: api.example.com
     labels:
       cdk8s-istio-egress/owner: payments
     name: api-example-com-93aa3caa04c4f438160e
     namespace: payments
   spec:
     exportTo:
       - "."
     gateways:
       - mesh
     hosts:
       - api.example.com
     http:
       - headers:
           request:
             remove:
               - x-forwarded-client-cert
               - x-forwarded-for
               - x-forwarded-proto
               - x-request-id
               - x-envoy-attempt-count
               - x-envoy-external-address
               - x-envoy-expected-rq-timeout-ms
               - x-envoy-decorator-operation
               - x-envoy-peer-metadata
               - x-envoy-peer-metadata-id
               - traceparent
               - tracestate
               - baggage
               - b3
               - x-b3-traceid
               - x-b3-spanid
               - x-b3-parentspanid
               - x-b3-sampled
               - x-b3-flags
               - sw8
               - sw8-x
               - sw8-correlation
               - x-datadog-trace-id
               - x-datadog-parent-id
               - x-datadog-sampling-priority
               - x-datadog-origin
               - x-datadog-tags
         match:
           - port: 80
         route:
           - destination:
               host: api.example.com
               port:
                 number: 80
   "
  `);
});

test('the ports are those that are declared, in numerical order', () => {
  const ports = [EgressPort.grpc(50051), EgressPort.tls(8443), EgressPort.http2(8081), EgressPort.http(8080)];
  expect(entryOf({ ports }).ports).toEqual([
    { number: 8080, name: 'http-8080', protocol: 'HTTP' },
    { number: 8081, name: 'http2-8081', protocol: 'HTTP2' },
    { number: 8443, name: 'tls-8443', protocol: 'TLS' },
    { number: 50051, name: 'grpc-50051', protocol: 'GRPC' },
  ]);
  expect(routesOf({ ports }).map(({ match, route }: any) => [match, route[0].destination.port.number])).toEqual([
    [[{ port: 8080 }], 8080],
    [[{ port: 8081 }], 8081],
    [[{ port: 50051 }], 50051],
  ]);
});

test('where the mesh reads no requests there is no route, since nothing needs one', () => {
  expect(sites({ ports: [EgressPort.tls()] }).map(({ kind }) => kind)).toEqual(['ServiceEntry']);
});

test('a database has its addresses and other options', () => {
  const ports = [EgressPort.tcp(5432)];
  expect(entryOf({ ports, addresses: ['203.0.113.50', '2001:db8::50'] })).toMatchObject({
    resolution: 'DNS',
    addresses: ['203.0.113.50', '2001:db8::50'],
    ports: [{ number: 5432, name: 'tcp-5432', protocol: 'TCP' }],
  });
  expect(entryOf({ ports, addresses: ['203.0.113.0/24'], endpoints: ['203.0.113.50'] })).toMatchObject({
    resolution: 'STATIC',
    addresses: ['203.0.113.0/24'],
  });
});

test.each<[string, Partial<SidecarEgressProps>, string, string[] | undefined]>([
  ['addresses are fixed', { endpoints: ['203.0.113.50', '203.0.113.51'] }, 'STATIC', ['203.0.113.50', '203.0.113.51']],
  [
    'names are looked up',
    { endpoints: ['edge.example.com', 'edge.example.org'] },
    'DNS',
    ['edge.example.com', 'edge.example.org'],
  ],
  [
    'a name among addresses is looked up',
    { endpoints: ['203.0.113.50', 'edge.example.com'] },
    'DNS',
    ['203.0.113.50', 'edge.example.com'],
  ],
  [
    'rotating answers are taken as they come',
    { resolution: EgressResolution.DNS_ROUND_ROBIN },
    'DNS_ROUND_ROBIN',
    undefined,
  ],
])('endpoints: %s', (_what, props, resolution, addresses) => {
  expect([entryOf(props).resolution, entryOf(props).endpoints]).toEqual([
    resolution,
    addresses?.map((address) => ({ address })),
  ]);
});

test("timeouts and retries are on the route, in Istio's terms", () => {
  const props = {
    timeout: Duration.seconds(5),
    retries: { attempts: 3, perTryTimeout: Duration.millis(1500), on: ['connect-failure', '503'] },
  };
  expect(routesOf(props)[0]).toMatchObject({
    timeout: '5s',
    retries: { attempts: 3, perTryTimeout: '1500ms', retryOn: 'connect-failure,503' },
  });
  expect(routesOf({ retries: { attempts: 0 } })[0].retries).toEqual({ attempts: 0 });
});

test('pools, outlier detection and load balancing are in a rule for the whole host', () => {
  expect(
    policyOf({
      connectionPool: {
        maxConnections: 10,
        connectTimeout: Duration.seconds(1),
        maxPendingRequests: 20,
        maxRequestsPerConnection: 1,
        idleTimeout: Duration.minutes(1),
      },
      outlierDetection: {
        consecutive5xxErrors: 3,
        consecutiveGatewayErrors: 2,
        interval: Duration.seconds(5),
        baseEjectionTime: Duration.minutes(1),
        maxEjectionPercent: 50,
      },
      loadBalancing: EgressLoadBalancing.RANDOM,
    }),
  ).toEqual({
    connectionPool: {
      tcp: { maxConnections: 10, connectTimeout: '1s' },
      http: { http1MaxPendingRequests: 20, maxRequestsPerConnection: 1, idleTimeout: '60s' },
    },
    outlierDetection: {
      consecutive5xxErrors: 3,
      consecutiveGatewayErrors: 2,
      interval: '5s',
      baseEjectionTime: '60s',
      maxEjectionPercent: 50,
    },
    loadBalancer: { simple: 'RANDOM' },
  });
  expect(policyOf({ outlierDetection: { consecutive5xxErrors: 0 } })).toEqual({
    outlierDetection: { consecutive5xxErrors: 0 },
  });
  expect(policyOf({ connectionPool: { maxConnections: 1 } })).toEqual({
    connectionPool: { tcp: { maxConnections: 1 } },
  });
});

test('further headers can be removed, and kept headers are written on the objects', () => {
  const manifests = sites({ removeHeaders: ['x-team'], unsafeKeepHeaders: ['x-request-id', 'x-forwarded-proto'] });
  const { remove } = the('VirtualService', manifests).spec.http[0].headers.request;
  expect(remove).toEqual(expect.arrayContaining(['x-forwarded-client-cert', 'x-team']));
  expect(remove).not.toEqual(expect.arrayContaining(['x-request-id']));
  expect(remove).not.toEqual(expect.arrayContaining(['x-forwarded-proto']));
  for (const { metadata } of manifests)
    expect(metadata.annotations).toEqual({
      'cdk8s-istio-egress/constructs': 'chart/sites',
      'cdk8s-istio-egress/host': HOST,
      'cdk8s-istio-egress/unsafe': 'keeps headers: x-request-id, x-forwarded-proto',
    });
});

test('what is inside the cluster is written on the objects of its own host only', () => {
  const inside = 'db.shop.svc.cluster.local';
  const manifests = sites({ hosts: [HOST, inside, 'two.example.com'], unsafeInternalHosts: true });
  const said = manifests.map(({ metadata: { annotations } }) => [
    annotations['cdk8s-istio-egress/host'],
    annotations['cdk8s-istio-egress/unsafe'],
  ]);
  expect(said.length).toBeGreaterThan(3);
  for (const [host, what] of said) expect(what).toBe(host === inside ? `internal host: ${inside}` : undefined);
});

test('with every header kept there is nothing to remove', () => {
  expect(routesOf({ unsafeKeepHeaders: MESH_REQUEST_HEADERS })[0].headers).toBeUndefined();
});

test("the namespace is the chart's by default; names derive from owner, namespace and host", () => {
  const [, entry] = sites();
  const [, elsewhere] = sites({ namespace: 'web' });
  const [, owned] = sites({ owner: 'platform' });
  expect([entry, elsewhere, owned].map(({ metadata }) => metadata.namespace)).toEqual(['payments', 'web', 'payments']);
  expect(new Set([entry, elsewhere, owned].map(({ metadata }) => metadata.name)).size).toBe(3);
  expect(sites({ owner: 'payments' })).toEqual(sites());
});

test('a chart without a namespace may leave it to the construct, which is then the owner too', () => {
  const app = newApp();
  new SidecarEgress(new Chart(app, 'chart'), 'sites', { hosts: [HOST], namespace: 'payments' });
  expect(allManifests(app)).toEqual(sites());
});

test('names, labels and annotations can be set on every object', () => {
  const manifests = sites({
    namePrefix: 'partner',
    labels: { team: 'shop' },
    annotations: { why: 'contract 7' },
    connectionPool: { maxConnections: 1 },
  });
  expect(manifests).toHaveLength(3);
  for (const { metadata } of manifests) {
    expect(metadata.name).toMatch(/^partner-[0-9a-f]{20}$/);
    expect(metadata).toMatchObject({ labels: { team: 'shop' }, annotations: { why: 'contract 7' } });
  }
});

test('labels of the chart are on every object as well', () => {
  const chart = new Chart(newApp(), 'chart', { namespace: 'payments', labels: { team: 'shop' } });
  new SidecarEgress(chart, 'sites', { hosts: [HOST], labels: { tier: 'edge' } });
  for (const { metadata } of Testing.synth(chart))
    expect(metadata.labels).toEqual({ team: 'shop', tier: 'edge', 'cdk8s-istio-egress/owner': 'payments' });
});

test('every object can be reached and patched, in an order in which they can be applied', () => {
  const chart = new Chart(newApp(), 'chart', { namespace: 'payments' });
  const egress = new SidecarEgress(chart, 'sites', {
    hosts: [HOST, 'www.example.com'],
    connectionPool: { maxConnections: 1 },
  });
  egress.originateTls('tls');
  const perHost = (host: string) => [
    `DestinationRule ${host}…`,
    `ServiceEntry ${host}…`,
    `VirtualService ${host}`,
    `ServiceEntry ${host}`,
  ];
  const joinWords = egress.apiObjects
    .map((object) => object.toJson())
    .map(({ kind, spec }) => `${kind} ${spec.host ?? spec.hosts[0]}`.replace(/\.[0-9a-f]{20}\.egress\.internal$/, '…'));
  expect(joinWords).toEqual([...perHost(HOST), ...perHost('www.example.com')]);
  expect(new Set(egress.apiObjects)).toEqual(new Set(objectsBelow(chart)));

  const [rule, , , entry] = egress.apiObjects;
  entry.metadata.addLabel('audited', 'yes');
  entry.addJsonPatch(JsonPatch.replace('/metadata/name', 'mine'));
  rule.addJsonPatch(
    JsonPatch.add('/spec/subsets/0/trafficPolicy/portLevelSettings/0/connectionPool/tcp/maxConnections', 7),
  );
  const manifests = Testing.synth(chart);
  expect(manifests.find(({ metadata }) => metadata.name === 'mine')).toMatchObject({
    kind: 'ServiceEntry',
    metadata: { labels: { audited: 'yes' } },
  });
  expect(
    manifests.find(({ kind }) => kind === 'DestinationRule').spec.subsets[0].trafficPolicy.portLevelSettings[0]
      .connectionPool.tcp.maxConnections,
  ).toBe(7);
});

test('a patch that breaks a promise of the construct stops synth', () => {
  const chart = new Chart(newApp(), 'chart', { namespace: 'payments' });
  const egress = new SidecarEgress(chart, 'sites', { hosts: [HOST] });
  egress.originateTls('tls');
  egress.apiObjects[0].addJsonPatch(JsonPatch.remove('/spec/subsets'));
  expect(() => (chart.node.root as App).synth()).toThrow(/\[chart\/sites\] missing-subset: /);
});
