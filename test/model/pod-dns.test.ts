/** Pods that find names otherwise than by the DNS of their cluster. */
import { ask, ENTRY, EXIT_PODS, LOCKED, passThroughGateway } from './support';
import { isPlainYes } from '../../src/explain/as-wanted';
import { World } from '../../src/model';

const pods = (spec: string, name = 'cart', namespace = 'shop') => `---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: ${namespace} }
spec: { template: { metadata: { labels: { app: ${name} } }, spec: { serviceAccountName: ${name}, ${spec} } } }
`;
const alias = (ip: string, ...names: string[]) => `hostAliases: [{ ip: "${ip}", hostnames: [${names.join(', ')}] }]`;
const HTTP = 'http://site.example.com/';
const HTTPS = 'https://site.example.com/';
const see = (objects: string, url = HTTP, world: World = LOCKED) => ask(ENTRY + objects, 'shop/cart', url, world);
const TABLE: World = {
  ...LOCKED,
  gateways: [],
  external: [
    { host: 'site.example.com', address: '203.0.113.10', http: 'ok', https: 'ok' },
    { host: 'other.example.com', address: '203.0.113.20', http: 'ok', https: 'ok' },
  ],
};

describe('an address in hostAliases', () => {
  test('is where the request goes, past DNS and in a sidecar too', () => {
    const elsewhere = see(pods(alias('203.0.113.20', 'Site.example.com')), HTTP, TABLE);
    expect(elsewhere).toMatchObject({ outcome: 'answered', answeredBy: 'other.example.com' });
    expect(isPlainYes(elsewhere)).toBe(false);
    expect(see(pods(alias('203.0.113.10', 'site.example.com')), HTTP, TABLE)).not.toHaveProperty('insteadOf');
    expect(see(pods(alias('203.0.113.30', 'site.example.com')), HTTP, TABLE)).toMatchObject({
      outcome: 'undetermined',
      reason: expect.stringMatching(/no host at 203.0.113.30/),
    });
  });

  test('is a condition, unless a certificate proves who is there', () => {
    const objects = pods(alias('203.0.113.30', 'site.example.com'));
    const holds = '203.0.113.30 is site.example.com, as the hostAliases of Deployment shop/cart say';
    expect(see(objects).condition?.holds).toBe(holds);
    expect(isPlainYes(see(objects, HTTPS))).toBe(true);
    expect(isPlainYes(see(objects, HTTP, { ...LOCKED, declaredAddresses: true }))).toBe(true);
    expect(see(objects.replace('203.0.113.30', '127.0.0.1'), HTTPS).outcome).toBe('undetermined');
    for (const name of ['other.example.com', 'www.site.example.com'])
      expect(isPlainYes(see(pods(alias('203.0.113.30', name))))).toBe(true);
  });

  test('decides which listener takes a connection', () => {
    const entry = ENTRY.replace('HTTP', 'TCP').replace(
      'resolution: DNS',
      'resolution: NONE, addresses: [203.0.113.10]',
    );
    const tcp = entry.replace('resolution: NONE, addresses', 'resolution: NONE\n  addresses');
    const at = (ip: string) => ask(tcp + pods(alias(ip, 'site.example.com')), 'shop/cart', 'tcp://site.example.com:80');
    expect(at('203.0.113.10').outcome).toBe('answered');
    expect(at('203.0.113.11')).toMatchObject({ outcome: 'refused', by: 'sidecar' });
  });

  test('of the pods of a gateway decides where that connects to', () => {
    const exit = pods(alias('203.0.113.20', 'site.example.com'), 'exit', 'egress').replace('app: exit', 'istio: exit');
    const objects = ENTRY.replace('namespace: shop', 'namespace: egress') + passThroughGateway() + exit;
    const world = { ...TABLE, gateways: [EXIT_PODS] };
    expect(ask(objects, 'shop/cart', HTTPS, world)).toMatchObject({ outcome: 'refused' });
    expect(ask(objects.replace('203.0.113.20', '203.0.113.10'), 'shop/cart', HTTPS, world).outcome).toBe('answered');
  });
});

describe('a pod that does not ask the DNS of its cluster', () => {
  test.each([
    ['dnsPolicy: None, dnsConfig: { nameservers: [10.0.0.1] }', /cart asks .* for site.example.com and istiod$/],
    ['dnsPolicy: Default', /cart asks .* for istiod$/],
  ])('%s makes an answer a condition', (spec, holds) => {
    expect(see(pods(spec), HTTPS).condition?.holds).toMatch(holds);
    expect(see(pods(spec), 'https://undeclared.example.com/')).toMatchObject({ outcome: 'refused' });
  });

  test('asks it nothing that is in its own hosts file', () => {
    const spec = `dnsPolicy: None, ${alias('203.0.113.10', 'Site.example.com')}`;
    const holds = see(pods(spec), HTTPS).condition?.holds;
    expect(holds).toMatch(/asks .* for istiod(,|$)/);
    expect(holds).not.toMatch(/and istiod/);
  });

  test.each([
    'dnsPolicy: ClusterFirst',
    'dnsPolicy: ClusterFirst, dnsConfig: { searches: [corp.example], options: [{ name: ndots, value: "1" }] }',
    'hostNetwork: true',
  ])('%s changes nothing for an external host', (spec) => {
    expect(isPlainYes(see(pods(spec), HTTPS))).toBe(true);
  });

  const behindService = `---
apiVersion: v1
kind: Service
metadata: { name: site, namespace: shop }
spec: { type: ExternalName, externalName: site.example.com }
`;
  test.each([
    ['hostNetwork: true', 'site', /asks .* for site$/],
    ['hostNetwork: true, dnsPolicy: Default', 'site.shop', /asks .* for site.shop$/],
    [
      'dnsConfig: { options: [{ name: ndots, value: "1" }] }',
      'site.shop',
      /completes site.shop, although its ndots is 1/,
    ],
  ])('%s is a condition for the Service %s', (spec, name, holds) => {
    const answer = (one: string) =>
      see(behindService + pods(one), `http://${name}/`, { mesh: { outboundTrafficPolicy: 'ALLOW_ANY' } });
    expect(answer(spec).condition?.holds).toMatch(holds);
    expect(answer('dnsPolicy: ClusterFirst').condition?.holds ?? '').not.toMatch(holds);
  });

  test('pods of a gateway need istiod too', () => {
    const exit = pods('dnsPolicy: Default', 'exit', 'egress').replace(
      'app: exit }',
      'istio: exit }, annotations: { inject.istio.io/templates: gateway }',
    );
    const objects = ENTRY.replace('namespace: shop', 'namespace: egress') + passThroughGateway() + exit;
    expect(ask(objects, 'shop/cart', HTTPS, LOCKED).condition?.holds).toMatch(/Deployment egress\/exit asks .* istiod/);
    const other = objects.replace(
      'dnsPolicy: Default',
      'containers: [{ name: istio-proxy, env: [{ name: XDS_ROOT_CA, value: x }] }]',
    );
    expect(ask(other, 'shop/cart', HTTPS, LOCKED).condition?.holds).toMatch(/XDS_ROOT_CA of Deployment egress\/exit/);
    const usual = objects.replace(
      'dnsPolicy: Default',
      'containers: [{ name: istio-proxy, env: [{ name: ISTIO_META_ROUTER_MODE, value: standard }] }]',
    );
    expect(ask(usual, 'shop/cart', HTTPS, LOCKED).condition).toBeUndefined();
  });
});
