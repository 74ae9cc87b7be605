/** Names of Kubernetes Services, as the cluster's DNS knows them: for pods without a sidecar and for proxies. */
import { ask } from './support';
import { World } from '../../src/model';

const istio = (kind: string, name: string, namespace: string, spec: string) => `---
apiVersion: networking.istio.io/v1
kind: ${kind}
metadata: { name: ${name}, namespace: ${namespace} }
spec: ${spec}
`;
const LEGACY = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: legacy, namespace: shop }
spec: { template: { metadata: { labels: { app: legacy }, annotations: { sidecar.istio.io/inject: "false" } } } }
`;
const GATEWAY = `${istio(
  'Gateway',
  'out',
  'egress',
  "{ selector: { istio: egressgateway }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }] }",
)}${istio(
  'ServiceEntry',
  'site',
  'egress',
  "{ hosts: [site.example.com], exportTo: ['.'], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: DNS }",
)}${istio(
  'VirtualService',
  'site',
  'egress',
  "{ hosts: [site.example.com, egw.egress.svc.cluster.local], gateways: [out], exportTo: ['.'], http: [{ route: [{ destination: { host: site.example.com } }] }] }",
)}`;
const through = (address: string) =>
  istio(
    'ServiceEntry',
    'site',
    'shop',
    `{ hosts: [site.example.com], exportTo: ['.'], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: DNS, endpoints: [{ address: ${address} }] }`,
  );
const WORLD: World = {
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
  gateways: [
    { name: 'egw', namespace: 'egress', labels: { istio: 'egressgateway' }, serviceAccount: 'egw', targetPort: 8443 },
  ],
  external: [{ host: 'site.example.com', address: '203.0.113.9', http: 'ok' }],
};

test('an endpoint that is a Service leads to the gateway pods behind it', () => {
  expect(
    ask(`${GATEWAY}${through('egw.egress.svc.cluster.local')}`, 'shop/app', 'http://site.example.com/', WORLD),
  ).toMatchObject({
    outcome: 'answered',
    status: 200,
    via: 'gateway',
    gateway: 'egress/egw',
    answeredBy: 'site.example.com',
  });
});

test('a Service of nobody is no gateway', () => {
  expect(
    ask(`${GATEWAY}${through('other.egress.svc.cluster.local')}`, 'shop/app', 'http://site.example.com/', WORLD),
  ).toMatchObject({
    outcome: 'refused',
    reason: 'other.egress.svc.cluster.local cannot be resolved',
  });
});

test.each(['egw.egress.svc.cluster.local', 'egw.egress', 'egw.egress.svc'])(
  'a pod without a sidecar calls the Service %s',
  (host) => {
    const headers = { Host: 'site.example.com' };
    const pod = { namespace: 'shop', serviceAccount: 'legacy', labels: { app: 'legacy' } };
    expect(ask(`${LEGACY}${GATEWAY}`, pod, { url: `http://${host}/`, headers }, WORLD)).toMatchObject({
      outcome: 'answered',
      via: 'direct',
      gateway: 'egress/egw',
      answeredBy: 'site.example.com',
    });
    expect(ask(`${LEGACY}${GATEWAY}`, pod, { url: `http://${host}:81/`, headers }, WORLD)).toMatchObject({
      outcome: 'refused',
      reason: 'Service egress/egw has no port 81',
    });
  },
);

test('an entry for a name that looks like one of the cluster is not taken for a gateway', () => {
  const foo =
    istio(
      'ServiceEntry',
      'foo',
      'egress',
      '{ hosts: [foo.bar.svc.cluster.local], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: DNS }',
    ) +
    istio(
      'VirtualService',
      'foo',
      'egress',
      '{ hosts: [foo.bar.svc.cluster.local], gateways: [mesh, out], http: [' +
        '{ match: [{ gateways: [mesh] }], route: [{ destination: { host: istio-egressgateway.egress.svc.cluster.local, port: { number: 80 } } }] }, ' +
        '{ match: [{ gateways: [out] }], route: [{ destination: { host: foo.bar.svc.cluster.local } }] }] }',
    );
  expect(ask(`${GATEWAY}${foo}`, 'shop/app', 'http://foo.bar.svc.cluster.local/', {})).toMatchObject({
    outcome: 'answered',
    status: 200,
    via: 'gateway',
    answeredBy: 'foo.bar.svc.cluster.local',
  });
});
