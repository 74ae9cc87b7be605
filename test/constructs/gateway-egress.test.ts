import { Chart, Duration, JsonPatch, Testing } from 'cdk8s';
import { GatewayEgress, GatewayEgressProps, GatewayHttp } from '../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { Caller } from '../../src/values/caller';
import { EgressPort } from '../../src/values/egress-port';
import { GatewayInstallation } from '../../src/values/gateway-installation';
import { admissionProblems } from '../support/admission';
import { allManifests, newApp, objectsBelow, the, yamlOf } from '../support/app';

const HOST = 'api.partner.com';
const CHECKOUT = Caller.serviceAccount('payments', 'checkout');
const INSTALLATION = GatewayInstallation.helmChart({ namespace: 'egress' });

function charts() {
  const app = newApp();
  const chart = new Chart(app, 'chart', { namespace: 'payments' });
  return { app, chart, exit: InstalledEgressGateway.fromInstallation(chart, 'exit', INSTALLATION) };
}

/** What the construct emits; an API server with Istio takes each of it. */
function partner(props: Partial<GatewayEgressProps> = {}, then: (egress: GatewayEgress) => void = () => {}): any[] {
  const { app, chart, exit } = charts();
  then(new GatewayEgress(chart, 'partner', { gateway: exit, hosts: [HOST], callers: [CHECKOUT], ...props }));
  const manifests = allManifests(app);
  expect(manifests.flatMap(admissionProblems)).toEqual([]);
  return manifests;
}

const names = (manifests: any[]) =>
  manifests.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`);
const servers = (manifests: any[]) =>
  manifests.filter(({ kind }) => kind === 'Gateway').flatMap(({ spec }) => spec.servers);
const admitted = (manifests: any[]) =>
  servers(manifests).map(({ tls }) =>
    tls.subjectAltNames.map((name: string) => name.replace('spiffe://cluster.local/ns/', '').replace('/sa/', '/')),
  );

test("HTTP of a host goes through the gateway with two sides, the gateway's first", () => {
  expect(yamlOf(partner({ ports: [EgressPort.http()] }))).toMatchInlineSnapshot(`
   "apiVersion: networking.istio.io/v1
   kind: VirtualService
   metadata:
     annotations:
       cdk8s-istio-egress/constructs: chart/partner
       cdk8s-istio-egress/host: api.partner.com
     labels:
       cdk8s-istio-egress/owner: payments
     name: api-partner-com-2f70425492ea04a2ece7-http-80
     namespace: egress
   spec:
     exportTo:
       - "."
     gateways:
       - egress/api-partner-com-2f70425492ea04a2ece7
     hosts:
       - http-80.2f70425492ea04a2ece7.egress.internal
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
           - port: 443
         rewrite:
           authority: api.partner.com
         route:
           - destination:
               host: api.partner.com.2f70425492ea04a2ece7.egress.internal
               port:
                 number: 80
   ---
   apiVersion: networking.istio.io/v1
   kind: ServiceEntry
   metadata:
     annotations:
       cdk8s-istio-egress/constructs: chart/partner
       cdk8s-istio-egress/host: api.partner.com
     labels:
       cdk8s-istio-egress/owner: payments
     name: api-partner-com-2f70425492ea04a2ece7
     namespace: egress
   spec:
     endpoints:
       - address: api.partner.com
     exportTo:
       - "."
     hosts:
       - api.partner.com.2f70425492ea04a2ece7.egress.internal
     location: MESH_EXTERNAL
     ports:
       - name: http-80
         number: 80
         protocol: HTTP
     resolution: DNS
   ---
   apiVersion: networking.istio.io/v1
   kind: Gateway
   metadata:
     annotations:
       cdk8s-istio-egress/constructs: chart/partner
       cdk8s-istio-egress/host: api.partner.com
     labels:
       cdk8s-istio-egress/owner: payments
     name: api-partner-com-2f70425492ea04a2ece7
     namespace: egress
   spec:
     selector:
       app: istio-egressgateway
       istio: egressgateway
     servers:
       - hosts:
           - egress/http-80.2f70425492ea04a2ece7.egress.internal
         port:
           name: http-80-2f70425492ea04a2ece7
           number: 443
           protocol: HTTPS
         tls:
           mode: ISTIO_MUTUAL
           subjectAltNames:
             - spiffe://cluster.local/ns/payments/sa/checkout
   ---
   apiVersion: networking.istio.io/v1
   kind: DestinationRule
   metadata:
     annotations:
       cdk8s-istio-egress/constructs: chart/partner
       cdk8s-istio-egress/host: api.partner.com
     labels:
       cdk8s-istio-egress/owner: payments
     name: api-partner-com-2f70425492ea04a2ece7
     namespace: payments
   spec:
     exportTo:
       - "."
     host: istio-egressgateway-hop.egress.svc.cluster.local
     subsets:
       - name: 2f70425492ea04a2ece7-http-80
         trafficPolicy:
           portLevelSettings:
             - port:
                 number: 443
               tls:
                 mode: ISTIO_MUTUAL
                 sni: http-80.2f70425492ea04a2ece7.egress.internal
                 subjectAltNames:
                   - spiffe://cluster.local/ns/egress/sa/istio-egressgateway
   ---
   apiVersion: networking.istio.io/v1
   kind: VirtualService
   metadata:
     annotations:
       cdk8s-istio-egress/constructs: chart/partner
       cdk8s-istio-egress/host: api.partner.com
     labels:
       cdk8s-istio-egress/owner: payments
     name: api-partner-com-2f70425492ea04a2ece7
     namespace: payments
   spec:
     exportTo:
       - "."
     gateways:
       - mesh
     hosts:
       - api.partner.com
     http:
       - match:
           - port: 80
         retries:
           attempts: 2
           retryOn: connect-failure,refused-stream
         rewrite:
           authority: http-80.2f70425492ea04a2ece7.egress.internal
         route:
           - destination:
               host: istio-egressgateway-hop.egress.svc.cluster.local
               port:
                 number: 443
               subset: 2f70425492ea04a2ece7-http-80
   ---
   apiVersion: networking.istio.io/v1
   kind: ServiceEntry
   metadata:
     annotations:
       cdk8s-istio-egress/constructs: chart/partner
       cdk8s-istio-egress/host: api.partner.com
     labels:
       cdk8s-istio-egress/owner: payments
     name: api-partner-com-2f70425492ea04a2ece7
     namespace: payments
   spec:
     exportTo:
       - "."
     hosts:
       - api.partner.com
     location: MESH_EXTERNAL
     ports:
       - name: http-80
         number: 80
         protocol: HTTP
     resolution: STATIC
   "
  `);
});

test('every port has its own server, route and subset, under a private name', () => {
  const manifests = partner({
    ports: [EgressPort.tls(8443), EgressPort.http(8080), EgressPort.tls(), EgressPort.http()],
  });
  const hops = ['http-80', 'tls-443', 'http-8080', 'tls-8443'];
  const [, key] = the('Gateway', manifests).metadata.name.match(/-([0-9a-f]{20})$/);
  expect(servers(manifests).map(({ hosts, port }) => [hosts, port.protocol])).toEqual(
    hops.map((hop) => [[`egress/${hop}.${key}.egress.internal`], hop.startsWith('http') ? 'HTTPS' : 'TLS']),
  );
  expect(
    the('DestinationRule', manifests, 'payments').spec.subsets.map(({ name, trafficPolicy }: any) => [
      name,
      trafficPolicy.portLevelSettings[0].tls.sni,
    ]),
  ).toEqual(hops.map((hop) => [`${key}-${hop}`, `${hop}.${key}.egress.internal`]));
  const { http, tls } = the('VirtualService', manifests, 'payments').spec;
  expect(http.map(({ match }: any) => match)).toEqual([[{ port: 80 }], [{ port: 8080 }]]);
  expect(tls.map(({ match }: any) => match)).toEqual([
    [{ port: 443, sniHosts: [HOST] }],
    [{ port: 8443, sniHosts: [HOST] }],
  ]);
  const external = manifests
    .filter(({ kind, metadata }) => kind === 'VirtualService' && metadata.namespace === 'egress')
    .map(({ spec }) => (spec.http ?? spec.tcp)[0].route[0].destination.port.number);
  expect(external.sort()).toEqual([443, 80, 8080, 8443].sort());
});

test('callers are admitted by every server of their own namespace, and by no other', () => {
  const manifests = partner({
    callers: [
      CHECKOUT,
      Caller.serviceAccount('billing', 'invoices'),
      Caller.serviceAccount('payments', 'batch'),
      CHECKOUT,
    ],
  });
  expect(admitted(manifests)).toEqual([
    ['payments/batch', 'payments/checkout'],
    ['payments/batch', 'payments/checkout'],
    ['billing/invoices'],
    ['billing/invoices'],
  ]);
  expect(manifests.filter(({ metadata }) => metadata.namespace === 'billing').map(({ kind }) => kind)).toEqual([
    'DestinationRule',
    'VirtualService',
    'ServiceEntry',
  ]);
});

test('a caller that is allowed later is admitted as if it had been named from the start', () => {
  const billing = Caller.serviceAccount('billing', 'invoices');
  const later = partner({}, (egress) => {
    egress.originateTls('tls');
    egress.allowCaller(billing);
  });
  const atOnce = partner({ callers: [CHECKOUT, billing] }, (egress) => egress.originateTls('tls'));
  expect([...names(later)].sort()).toEqual([...names(atOnce)].sort());
  expect([...later].map((manifest) => JSON.stringify(manifest)).sort()).toEqual(
    [...atOnce].map((manifest) => JSON.stringify(manifest)).sort(),
  );
});

test('a host whose private name would be too long gets a shorter one', () => {
  const host = `${[63, 63, 63, 40].map((length) => 'a'.repeat(length)).join('.')}.com`;
  const { hosts } = the('ServiceEntry', partner({ hosts: [host] }), 'egress').spec;
  expect(hosts).toEqual([expect.stringMatching(/^outside\.[0-9a-f]{20}\.egress\.internal$/)]);
});

test("identities are in the mesh's trust domain", () => {
  const app = newApp();
  const chart = new Chart(app, 'chart', { namespace: 'payments' });
  const gateway = InstalledEgressGateway.fromInstallation(
    chart,
    'exit',
    GatewayInstallation.helmChart({ namespace: 'egress', trustDomain: 'example.org', clusterDomain: 'k8s.local' }),
  );
  new GatewayEgress(chart, 'partner', { gateway, hosts: [HOST], callers: [CHECKOUT] });
  const manifests = allManifests(app);
  for (const { tls } of servers(manifests))
    expect(tls.subjectAltNames).toEqual(['spiffe://example.org/ns/payments/sa/checkout']);
  const { host, subsets } = the('DestinationRule', manifests, 'payments').spec;
  expect(host).toBe('istio-egressgateway-hop.egress.svc.k8s.local');
  for (const { trafficPolicy } of subsets)
    expect(trafficPolicy.portLevelSettings[0].tls.subjectAltNames).toEqual([
      'spiffe://example.org/ns/egress/sa/istio-egressgateway',
    ]);
});

test('handled opaquely, HTTP passes the gateway as bytes, and the sidecar applies timeouts, retries and headers', () => {
  const manifests = partner({ http: GatewayHttp.OPAQUE, timeout: Duration.seconds(2), removeHeaders: ['x-team'] });
  expect(servers(manifests).map(({ port }) => port.protocol)).toEqual(['TLS', 'TLS']);
  const [route] = the('VirtualService', manifests, 'payments').spec.http;
  expect(route).toMatchObject({
    timeout: '2s',
    headers: { request: { remove: expect.arrayContaining(['x-team', 'x-forwarded-client-cert']) } },
  });
  expect(route.rewrite).toBeUndefined();
  for (const { kind, metadata, spec } of manifests)
    if (kind === 'VirtualService' && metadata.namespace === 'egress') expect(Object.keys(spec)).toContain('tcp');
});

test('read at the gateway, the gateway applies timeouts, and removes headers', () => {
  const manifests = partner({ timeout: Duration.seconds(2), removeHeaders: ['x-team'] });
  const there = manifests.find(
    ({ kind, metadata, spec }) => kind === 'VirtualService' && metadata.namespace === 'egress' && spec.http,
  ).spec.http[0];
  expect(there).toMatchObject({
    timeout: '2s',
    rewrite: { authority: HOST },
    headers: { request: { remove: expect.arrayContaining(['x-team']) } },
  });
  const [here] = the('VirtualService', manifests, 'payments').spec.http;
  expect([here.timeout, here.headers]).toEqual([undefined, undefined]);
});

test('pools and outlier detection are for the external host, never for the hop', () => {
  const manifests = partner({ connectionPool: { maxConnections: 7 } });
  expect(the('DestinationRule', manifests, 'egress').spec.subsets).toEqual([
    { name: 'plain', trafficPolicy: { connectionPool: { tcp: { maxConnections: 7 } } } },
  ]);
  expect(JSON.stringify(the('DestinationRule', manifests, 'payments'))).not.toContain('maxConnections');
});

test('the gateway side goes into another chart if one is given, unchanged', () => {
  const { app, chart, exit } = charts();
  const grants = new Chart(app, 'grants');
  const egress = new GatewayEgress(chart, 'partner', {
    gateway: exit,
    hosts: [HOST],
    callers: [CHECKOUT],
    gatewayChart: grants,
  });
  egress.originateTls('tls');
  const [here, there] = [Testing.synth(chart), Testing.synth(grants)];
  expect(new Set(here.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['payments']));
  expect(new Set(there.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['egress']));
  expect([...there, ...here]).toEqual(partner({}, (same) => same.originateTls('tls')));
  expect(egress.gatewayObjects.map((object) => Chart.of(object))).toEqual(there.map(() => grants));
  expect(egress.callerObjects.map((object) => Chart.of(object))).toEqual(here.map(() => chart));
});

test('names, labels and annotations can be set on every object, and routes follow the names', () => {
  const manifests = partner({
    namePrefix: 'partner',
    labels: { team: 'shop' },
    annotations: { why: 'contract 7' },
    unsafeKeepHeaders: ['x-request-id'],
  });
  for (const { metadata } of manifests) {
    expect(metadata.name).toMatch(/^partner-[0-9a-f]{20}(-(http-80|tls-443))?$/);
    expect(metadata.labels).toEqual({ team: 'shop', 'cdk8s-istio-egress/owner': 'payments' });
    expect(metadata.annotations).toEqual({
      why: 'contract 7',
      'cdk8s-istio-egress/constructs': 'chart/partner',
      'cdk8s-istio-egress/host': HOST,
      'cdk8s-istio-egress/unsafe': 'keeps headers: x-request-id',
    });
  }
  const { name } = the('Gateway', manifests).metadata;
  for (const { kind, metadata, spec } of manifests)
    if (kind === 'VirtualService' && metadata.namespace === 'egress') expect(spec.gateways).toEqual([`egress/${name}`]);
});

test('every object can be reached and patched; the lists are complete and in order', () => {
  const { app, chart, exit } = charts();
  const egress = new GatewayEgress(chart, 'partner', { gateway: exit, hosts: [HOST], callers: [CHECKOUT] });
  const { apiObjects: rules } = egress.originateTls('tls');
  const manifests = allManifests(app);
  expect(egress.apiObjects.map((object) => object.toJson())).toEqual(manifests);
  expect(new Set(egress.apiObjects)).toEqual(new Set(objectsBelow(chart)));
  expect(egress.apiObjects).toEqual([...egress.gatewayObjects, ...egress.callerObjects]);
  expect(rules).toEqual([egress.gatewayObjects[0]]);
  egress.gatewayObjects[0].addJsonPatch(JsonPatch.add('/metadata/labels', { audited: 'yes' }));
  expect(the('DestinationRule', allManifests(app), 'egress').metadata.labels).toEqual({ audited: 'yes' });
});

test('the installed gateway is one Service, which can be labelled and patched', () => {
  const { app, chart } = charts();
  const gateway = new InstalledEgressGateway(chart, 'mine', {
    installation: INSTALLATION,
    labels: { team: 'platform' },
    annotations: { why: 'hop' },
  });
  gateway.apiObject.addJsonPatch(JsonPatch.add('/spec/internalTrafficPolicy', 'Cluster'));
  expect(gateway.apiObjects).toEqual([gateway.apiObject]);
  expect(allManifests(app)).toEqual([
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'istio-egressgateway-hop',
        namespace: 'egress',
        labels: { team: 'platform', 'cdk8s-istio-egress/owner': 'payments' },
        annotations: { 'networking.istio.io/exportTo': '*', why: 'hop', 'cdk8s-istio-egress/constructs': 'chart/mine' },
      },
      spec: {
        type: 'ClusterIP',
        internalTrafficPolicy: 'Cluster',
        selector: { app: 'istio-egressgateway', istio: 'egressgateway' },
        ports: [{ name: 'tls', port: 443, targetPort: 443, protocol: 'TCP' }],
      },
    },
  ]);
});

test('a reference to a gateway emits nothing', () => {
  const { app, exit } = charts();
  expect(exit.installation).toBe(INSTALLATION);
  expect(allManifests(app)).toEqual([]);
});
