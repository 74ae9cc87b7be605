/** Names of Kubernetes Services, as the cluster's DNS knows them: for pods without a sidecar and for proxies. */
import { ask, istioObject, LOCKED } from './support';
import { World } from '../../src/model';

const LEGACY = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: legacy, namespace: shop }
spec: { template: { metadata: { labels: { app: legacy }, annotations: { sidecar.istio.io/inject: "false" } } } }
`;
const GATEWAY = `${istioObject(
  'Gateway',
  'out',
  'egress',
  '{ selector: { istio: egressgateway }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ' +
    "['*'] }] }",
)}${istioObject(
  'ServiceEntry',
  'site',
  'egress',
  "{ hosts: [site.example.com], exportTo: ['.'], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: " +
    'DNS }',
)}${istioObject(
  'VirtualService',
  'site',
  'egress',
  "{ hosts: [site.example.com, egw.egress.svc.cluster.local], gateways: [out], exportTo: ['.'], http: [{ route: " +
    '[{ destination: { host: site.example.com } }] }] }',
)}`;
const through = (address: string) =>
  istioObject(
    'ServiceEntry',
    'site',
    'shop',
    "{ hosts: [site.example.com], exportTo: ['.'], ports: [{ number: 80, name: http, protocol: HTTP }], " +
      `resolution: DNS, endpoints: [{ address: ${address} }] }`,
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

test('a pod without a sidecar sees the status with which the gateway refuses it', () => {
  const denied = `---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: denied, namespace: egress }
spec: { action: DENY, rules: [{ to: [{ operation: { methods: [GET] } }] }] }
`;
  const pod = { namespace: 'shop', serviceAccount: 'legacy', labels: { app: 'legacy' } };
  expect(ask(`${LEGACY}${GATEWAY}${denied}`, pod, 'http://egw.egress/', WORLD)).toMatchObject({
    outcome: 'refused',
    by: 'gateway',
    symptom: 403,
  });
});

describe('a Service of type ExternalName', () => {
  const alias = (name: string, externalName: string) =>
    `---\napiVersion: v1\nkind: Service\nmetadata: { name: ${name}, namespace: shop }\nspec: { type: ExternalName, externalName: ${externalName} }\n`;
  const entry = istioObject(
    'ServiceEntry',
    'site',
    'shop',
    '{ hosts: [site.example.com], ports: [{ number: 80, name: http, protocol: HTTP }, { number: 443, name: tls, ' +
      'protocol: TLS }], resolution: DNS }',
  );

  test.each(['http://partner/', 'http://partner.shop.svc.cluster.local/', 'http://second.shop/'])(
    '%s means the host that it names',
    (url) =>
      expect(
        ask(
          `${entry}${alias('partner', 'site.example.com')}${alias('second', 'partner.shop.svc.cluster.local')}`,
          'shop/app',
          url,
        ),
      ).toMatchObject({
        outcome: 'answered',
        via: 'sidecar',
        destination: expect.stringMatching(/^site\.example\.com:/),
      }),
  );

  test('the certificate is that of the host', () => {
    const yaml = `${entry}${alias('partner', 'site.example.com')}`;
    expect(ask(yaml, 'shop/app', 'https://partner/')).toMatchObject({
      via: 'sidecar',
      symptom: 'certificate-rejected',
    });
  });

  test.each([
    ['STATIC', '203.0.113.7'],
    ['DNS', 'www.example.com'],
  ])('where an entry of resolution %s says where the host is, that is a condition', (resolution, address) => {
    const placed = istioObject(
      'ServiceEntry',
      'site',
      'shop',
      '{ hosts: [site.example.com], ports: [{ number: 80, name: http, protocol: HTTP }], ' +
        `resolution: ${resolution}, endpoints: [{ address: ${address} }] }`,
    );
    const asked = (url: string, its = placed) =>
      ask(`${its}${alias('partner', 'site.example.com')}`, 'shop/app', url, { ...LOCKED, httpPort80: true });
    const condition = { holds: `${address} is site.example.com, as ServiceEntry shop/site says` };
    for (const url of ['http://partner/', 'http://site.example.com/'])
      expect(asked(url)).toMatchObject({ outcome: 'answered', answeredBy: 'site.example.com', condition });
    expect(asked('http://partner/', entry).condition).toBeUndefined();
  });

  const towards = (host: string) =>
    istioObject(
      'VirtualService',
      'r',
      'shop',
      `{ hosts: [www.example.com], http: [{ route: [{ destination: { host: ${host} } }] }] }`,
    );
  const withPort = alias('partner', 'site.example.com, ports: [{ name: http, port: 80 }]');

  test('routes to it lead to the host that it names', () =>
    expect(
      ask(`${entry}${withPort}${towards('partner')}`, 'shop/app', 'http://www.example.com/', {
        ...LOCKED,
        httpPort80: true,
      }),
    ).toMatchObject({
      outcome: 'answered',
      answeredBy: 'site.example.com',
    }));

  test.each([
    ['without the port', alias('partner', 'site.example.com'), 'partner'],
    [
      'to the name of a name',
      withPort + alias('second', 'partner.shop.svc.cluster.local, ports: [{ name: http, port: 80 }]'),
      'second',
    ],
  ])('but %s they lead nowhere', (_what, services, host) =>
    expect(
      ask(`${entry}${services}${towards(host)}`, 'shop/app', 'http://www.example.com/', {
        ...LOCKED,
        httpPort80: true,
      }),
    ).toMatchObject({
      outcome: 'refused',
      symptom: 503,
    }),
  );

  test('names that lead in a circle lead nowhere', () => {
    const circle = alias('a', 'b.shop.svc.cluster.local') + alias('b', 'a.shop.svc.cluster.local');
    expect(ask(circle, 'shop/app', 'http://a/', { ...LOCKED, httpPort80: true }).symptom).toBe(502);
  });
});

test('an entry for a name that looks like one of the cluster is not taken for a gateway', () => {
  const foo =
    istioObject(
      'ServiceEntry',
      'foo',
      'egress',
      '{ hosts: [foo.bar.svc.cluster.local], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: DNS }',
    ) +
    istioObject(
      'VirtualService',
      'foo',
      'egress',
      '{ hosts: [foo.bar.svc.cluster.local], gateways: [mesh, out], http: [{ match: [{ gateways: [mesh] }], route: ' +
        '[{ destination: { host: istio-egressgateway.egress.svc.cluster.local, port: { number: 80 } } }] }, { match: ' +
        '[{ gateways: [out] }], route: [{ destination: { host: foo.bar.svc.cluster.local } }] }] }',
    );
  expect(ask(`${GATEWAY}${foo}`, 'shop/app', 'http://foo.bar.svc.cluster.local/', {})).toMatchObject({
    outcome: 'answered',
    status: 200,
    via: 'gateway',
    answeredBy: 'foo.bar.svc.cluster.local',
  });
});
