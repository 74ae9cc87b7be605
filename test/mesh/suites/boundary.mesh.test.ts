import { ApiObject, Chart } from 'cdk8s';
import { DirectEgress } from '../../../src/constructs/direct-egress';
import { EgressBoundary } from '../../../src/constructs/egress-boundary';
import { EgressGateway } from '../../../src/constructs/egress-gateway';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { Caller } from '../../../src/values/caller';
import { EgressPort } from '../../../src/values/egress-port';
import { KubeObject } from '../lab';
import { until } from '../lab/processes';
import { describeMesh, Mesh, synthesise } from '../support';

const PAST_THE_SIDECAR = { includeOutboundIPRanges: '' };

/** Hosts whose DNS leads to the metadata services of clouds. */
const METADATA_HOSTS = {
  'link.example.com': '169.254.169.254',
  'azure.example.com': '168.63.129.16',
  'oracle.example.com': '192.0.0.192',
  'alibaba.example.com': '100.100.100.200',
};
const METADATA = Object.keys(METADATA_HOSTS);

/** A managed database in a private subnet. */
const DATABASE = 'orders.db.example.com';

const manifests = synthesise((app) => {
  const platform = new Chart(app, 'platform', { namespace: 'egress' });
  const exit = new EgressGateway(platform, 'exit');
  const shop = new Chart(app, 'shop', { namespace: 'shop' });
  new GatewayEgress(shop, 'site', {
    gateway: exit,
    hosts: ['www.partner.com', ...METADATA],
    callers: [Caller.serviceAccount('shop', 'checkout')],
  });
  new GatewayEgress(shop, 'orders', {
    gateway: exit,
    hosts: [DATABASE],
    ports: [EgressPort.tcp(5432)],
    addresses: ['10.20.8.0/24'],
    callers: [Caller.serviceAccount('shop', 'checkout')],
  });
  const legacy = new ApiObject(shop, 'legacy', {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'legacy' },
    spec: {
      selector: { matchLabels: { app: 'legacy' } },
      template: {
        metadata: { labels: { app: 'legacy' } },
        spec: {
          serviceAccountName: 'legacy',
          containers: [{ name: 'legacy', image: 'registry.example.com/legacy:1' }],
        },
      },
    },
  });
  new DirectEgress(shop, 'mainframe', { workloads: [legacy], toCidrs: ['203.0.113.40/32'] });
  new SidecarEgress(new Chart(app, 'web', { namespace: 'web' }), 'feed', { hosts: ['feed.example.com'] });
  new EgressBoundary(platform, 'boundary', {
    namespaces: ['shop', 'web'],
    gateways: [exit],
    peers: ['web'], // so that only their own rules allow DNS and istiod
    metricsNamespaces: ['monitoring'],
    unsafeAllowedEgress: [
      {
        namespace: 'shop',
        labels: { app: 'operator' },
        toCidrs: ['203.0.113.70/32'],
        toPorts: [6443],
        reason: 'the API server',
      },
      { namespace: 'egress', toCidrs: ['10.20.8.0/24'], toPorts: [5432], reason: 'the orders database' },
    ],
  });
});

/** Older objects of the team for the same host. */
const OWN_OBJECTS: KubeObject[] = [
  own('ServiceEntry', {
    resolution: 'DNS',
    location: 'MESH_EXTERNAL',
    ports: [
      { number: 80, name: 'http', protocol: 'HTTP' },
      { number: 443, name: 'tls', protocol: 'TLS' },
    ],
  }),
  own('VirtualService', {
    http: [{ match: [{ port: 80 }], route: [{ destination: { host: 'www.partner.com', port: { number: 80 } } }] }],
    tls: [
      {
        match: [{ port: 443, sniHosts: ['www.partner.com'] }],
        route: [{ destination: { host: 'www.partner.com', port: { number: 443 } } }],
      },
    ],
  }),
];

function own(kind: string, spec: object): KubeObject {
  const metadata = { name: 'own', namespace: 'shop', creationTimestamp: '2020-01-01T00:00:00Z' };
  return {
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata,
    spec: { hosts: ['www.partner.com'], exportTo: ['.'], ...spec },
  };
}

const isPolicyOf =
  (namespace: string) =>
  ({ kind, metadata, spec }: KubeObject) =>
    kind === 'NetworkPolicy' &&
    metadata.namespace === namespace &&
    (namespace === 'egress' || !spec.podSelector.matchLabels);

/** The manifests, with one rule removed from the policy of a namespace. */
function withoutRule(namespace: string, taken: (rule: any) => boolean): KubeObject[] {
  const one = manifests.find(isPolicyOf(namespace))!;
  const egress = one.spec.egress.filter((rule: any) => !taken(rule));
  if (egress.length !== one.spec.egress.length - 1)
    throw new Error(`the condition must match exactly one egress rule of ${namespace}`);
  return manifests.map((object) => (object === one ? { ...one, spec: { ...one.spec, egress } } : object));
}

const hasPort = (port: number) => (rule: any) => rule.ports?.some((one: any) => one.port === port);

describeMesh(
  'the boundary',
  {
    table: {
      gateways: [
        {
          namespace: 'egress',
          labels: { 'cdk8s-istio-egress/gateway': 'egress-gateway.egress' },
          serviceAccount: 'egress-gateway',
          targetPort: 8443,
        },
      ],
      callers: [
        { name: 'checkout', namespace: 'shop', serviceAccount: 'checkout' },
        { name: 'rogue', namespace: 'shop', serviceAccount: 'rogue', capture: PAST_THE_SIDECAR },
        { name: 'legacy', namespace: 'shop', serviceAccount: 'legacy' },
        { name: 'operator', namespace: 'shop', serviceAccount: 'operator', capture: PAST_THE_SIDECAR },
        { name: 'web-rogue', namespace: 'web', serviceAccount: 'rogue', capture: PAST_THE_SIDECAR },
        { name: 'far', namespace: 'far', serviceAccount: 'default', capture: PAST_THE_SIDECAR },
        { name: 'scraper', namespace: 'monitoring', serviceAccount: 'default', capture: PAST_THE_SIDECAR },
      ],
      external: [
        { host: 'www.partner.com', http: 'ok', https: 'ok' },
        { host: 'feed.example.com', http: 'ok', https: 'ok' },
        { host: 'anywhere.example.com', http: 'ok', https: 'ok', tcp: [5432] },
        { host: 'mainframe.example.com', address: '203.0.113.40', tcp: [3270] },
        ...Object.entries(METADATA_HOSTS).map(([host, address]) => ({ host, address, http: 'ok' as const })),
        { host: DATABASE, address: '10.20.8.5', tcp: [5432, 6379] },
        { host: 'api.cluster.example.com', address: '203.0.113.70', https: 'ok', tcp: [6443] },
      ],
    },
    manifests,
    tolerate: [/Jwks does not have \[keys\]/],
  },
  (mesh) => {
    const knock = (from: string, url: string) => mesh.lab.knock(from, url);

    beforeAll(() => mesh.apply(manifests));

    test('the declared egress path works', async () => {
      await mesh.expectRow({
        from: 'checkout',
        request: 'https://www.partner.com/',
        expect: { outcome: 'answered', via: 'gateway' },
      });
      await mesh.expectRow({
        from: 'checkout',
        request: 'http://www.partner.com/',
        expect: { outcome: 'answered', via: 'gateway' },
      });
    });

    test('the gateway reaches no metadata service', async () => {
      const codes = await Promise.all(METADATA.map((host) => knock('checkout', `http://${host}/`)));
      expect(codes).toEqual(METADATA.map(() => 28));
    });

    test('a private database is reached through the gateway only, for which alone its subnet is open', async () => {
      const request = `tcp://${DATABASE}:5432`;
      await mesh.expectRow({
        from: 'checkout',
        request,
        expect: { outcome: 'answered', via: 'gateway', protocol: 'tcp', identityAtGateway: 'shop/checkout' },
      });
      await mesh.expectRow({ from: 'rogue', request, expect: { outcome: 'refused', symptom: 'timeout' } });
    });

    test('a DirectEgress is open for its own pods, on every port of its range', async () => {
      await mesh.expectRow({
        from: 'legacy',
        request: 'tcp://203.0.113.40:3270',
        expect: { outcome: 'answered', via: 'direct' },
      });
      expect(await knock('rogue', 'http://203.0.113.40:3270')).toBe(28);
    });

    test('an allowed egress is open for its pods and its port only', async () => {
      await mesh.expectRow({
        from: 'operator',
        request: 'tcp://203.0.113.70:6443',
        expect: { outcome: 'answered', via: 'direct' },
      });
      expect(await knock('operator', 'https://api.cluster.example.com/')).toBe(28);
    });

    test('a SidecarEgress by name opens its ports to every address, as its policy says, and no other port', async () => {
      expect(manifests.find(isPolicyOf('web'))!.metadata.annotations).toMatchObject({
        'cdk8s-istio-egress/unsafe': 'open to every public address on port 80, 443, past the sidecar too',
      });
      await mesh.expectRow({
        from: 'web-rogue',
        request: 'https://anywhere.example.com/',
        expect: { outcome: 'answered', via: 'direct' },
      });
      expect(await knock('web-rogue', 'http://anywhere.example.com:5432')).toBe(28);
    });

    test("the gateway's pods are reached from their callers' namespaces, on the hop's port only", async () => {
      const gateway = gatewayAddress(mesh);
      expect(await knock('far', `https://${gateway}:8443/`)).toBe(28);
      expect(await knock('rogue', `https://${gateway}:8443/`)).toBe(35); // allowed, and closed by the gateway
      for (const [from, port, code] of [
        ['rogue', 15020, 28],
        ['scraper', 15020, 0],
        ['scraper', 15090, 28],
      ] as const)
        expect(await knock(from, `http://${gateway}:${port}/stats/prometheus`)).toBe(code);
    });

    test('older objects of the namespace itself, which make Istio bypass the gateway, lead nowhere', async () => {
      await mesh.apply([...manifests, ...OWN_OBJECTS]);
      expect(await knock('checkout', 'http://www.partner.com/')).toBe(28);
      expect(await knock('checkout', 'https://www.partner.com/')).not.toBe(0);
      await mesh.apply([...manifests.filter(({ kind }) => kind !== 'NetworkPolicy'), ...OWN_OBJECTS]);
      await mesh.expectRow({
        from: 'checkout',
        request: 'http://www.partner.com/',
        expect: { outcome: 'answered', via: 'sidecar' },
      });
      await mesh.expectRow({
        from: 'checkout',
        request: 'https://www.partner.com/',
        expect: { outcome: 'answered', via: 'sidecar' },
      });
    });

    test('a NetworkPolicy of the namespace itself opens it, because policies add up', async () => {
      const metadata = { name: 'own', namespace: 'shop' };
      const all = { podSelector: {}, policyTypes: ['Egress'], egress: [{}] };
      await mesh.apply(manifests);
      expect(await knock('rogue', 'https://anywhere.example.com/')).toBe(28);
      await mesh.apply([
        ...manifests,
        { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata, spec: all },
      ]);
      expect(await knock('rogue', 'https://anywhere.example.com/')).toBe(0);
      await mesh.apply(manifests);
    });

    test('without the exceptions for metadata services, the gateway reaches them: this check can fail', async () => {
      const open = manifests.map((object) =>
        isPolicyOf('egress')(object)
          ? JSON.parse(JSON.stringify(object, (name, value) => (name === 'except' ? undefined : value)))
          : object,
      );
      await mesh.apply(open);
      for (const host of METADATA)
        await mesh.expectRow({
          from: 'checkout',
          request: `http://${host}/`,
          expect: { outcome: 'answered', via: 'gateway' },
        });
    });

    test('without the rule for the gateway, requests are refused and go nowhere else', async () => {
      await mesh.apply(withoutRule('shop', hasPort(8443)));
      await mesh.expectRow({ from: 'checkout', request: 'https://www.partner.com/', expect: { outcome: 'refused' } });
    });

    test("without the rule for a private database's subnet, it is not reached", async () => {
      await mesh.apply(
        withoutRule('egress', (rule) => rule.to?.some(({ ipBlock }: any) => ipBlock?.cidr === '10.20.8.0/24')),
      );
      await mesh.expectRow({
        from: 'checkout',
        request: `tcp://${DATABASE}:5432`,
        expect: { outcome: 'refused', by: 'gateway' },
      });
    });

    test('istiod fetches the keys that a RequestAuthentication names, for namespaces behind a boundary too', async () => {
      const address = mesh.lab.hosts.find(({ host }) => host === 'anywhere.example.com')!.address;
      const seen = mesh.lab.watchExternalHosts();
      // Not waited for: what the host answers is no key, and the proxies refuse it.
      await mesh.lab.apply('foreign', [
        {
          apiVersion: 'security.istio.io/v1',
          kind: 'RequestAuthentication',
          metadata: { name: 'own', namespace: 'shop' },
          spec: { jwtRules: [{ issuer: 'own', jwksUri: `http://${address}/what-the-author-wants-to-tell` }] },
        },
      ]);
      await until('istiod asking for the keys', async () =>
        (await seen.read()).some(({ event }) => event === 'request'),
      );
      const pods = mesh.lab.pods.map((pod) => pod.address);
      const [{ path, tls, from }] = (await seen.read()).filter(({ event }) => event === 'request');
      expect({ path, tls, ofPod: pods.includes(from) }).toEqual({
        path: '/what-the-author-wants-to-tell',
        tls: false,
        ofPod: false,
      });
      await mesh.lab.apply('foreign', []);
      await mesh.apply(manifests);
    });

    test('without the rule for DNS, no name resolves', async () => {
      await mesh.apply(withoutRule('shop', hasPort(53)));
      expect([6, 28]).toContain(await knock('checkout', 'http://www.partner.com/'));
    });

    test('without the rule for istiod, proxies receive no more configuration', async () => {
      await expect(mesh.apply(withoutRule('shop', hasPort(15012)), 'manifests', { seconds: 6 })).rejects.toThrow(
        /have not acknowledged/,
      );
      await mesh.apply(manifests, 'manifests', { seconds: 90 });
      await mesh.expectRow({
        from: 'checkout',
        request: 'https://www.partner.com/',
        expect: { outcome: 'answered', via: 'gateway' },
      });
    });
  },
);

function gatewayAddress(mesh: Mesh): string {
  return mesh.lab.pods.find(({ role }) => role === 'router')!.address;
}
