/** When the Service that is assumed to have an HTTP port 80 can change no answer, so that nothing is asked without it. */
import { parseAllDocuments } from 'yaml';
import { ask, ENTRY, istio } from './support';
import { AssumedService } from '../../src/model/assumed-service';
import { World } from '../../src/model';
import { Configuration } from '../../src/model/proxies/configuration';
import { ModelCaller, ModelRequest } from '../../src/model/requests/request';

function isIrrelevant(
  more: string,
  request: Partial<ModelRequest & ModelCaller> = {},
  world: World = {},
  entry = ENTRY,
): boolean {
  const objects = parseAllDocuments(`${entry}${more}`).map((one) => ({ manifest: one.toJS(), origin: 'here' }));
  const { annotations, ...asked } = request;
  const caller = { namespace: 'shop', serviceAccount: 'app', annotations };
  const whole = { url: 'http://site.example.com/', ...asked };
  return new AssumedService(new Configuration(objects, world)).isIrrelevant(caller, whole, new URL(whole.url));
}

test('where the sidecar has an HTTP listener on port 80 anyway, and nothing names it', () => {
  expect(isIrrelevant('')).toBe(true);
  expect(isIrrelevant(istio('Sidecar', '{ egress: [{ hosts: ["*/*"] }] }', 'other'))).toBe(true);
});

test.each([
  ['the caller has a Sidecar', istio('Sidecar', '{ egress: [{ hosts: ["*/*"] }] }')],
  [
    'an entry takes port 80 for TCP',
    istio('ServiceEntry', '{ hosts: [tcp.example.com], ports: [{ number: 80, name: tcp, protocol: TCP }] }'),
  ],
  ['a route is for a wildcard', istio('VirtualService', '{ hosts: ["*.local"], http: [{ route: [] }] }')],
  [
    'a manifest names it',
    istio(
      'VirtualService',
      '{ hosts: [b.example.com], tcp: [{ route: [{ destination: { host: istio-ingressgateway.istio-system } }] }] }',
    ),
  ],
  ['a Gateway selects its pods', istio('Gateway', '{ selector: { istio: ingressgateway }, servers: [] }')],
])('not where %s', (_, more) => {
  expect(isIrrelevant(more)).toBe(false);
});

test('not where the world or the request names it, a redirect is followed, or there is no sidecar', () => {
  const gateway = { name: 'istio-ingressgateway', namespace: 'istio-system' };
  expect(isIrrelevant('', {}, { knownGateways: [gateway] })).toBe(false);
  expect(isIrrelevant('', { url: 'http://istio-ingressgateway.istio-system/' })).toBe(false);
  expect(isIrrelevant('', { headers: { Host: 'Istio-IngressGateway.istio-system' } })).toBe(false);
  expect(isIrrelevant('', { follow: true })).toBe(false);
  expect(isIrrelevant('', { annotations: { 'sidecar.istio.io/inject': 'false' } })).toBe(false);
});

test('not where nothing else has a listener on port 80', () => {
  const elsewhere = ENTRY.replace('number: 80', 'number: 8080');
  const alias = `---
apiVersion: v1
kind: Service
metadata: { name: alias, namespace: shop }
spec: { type: ExternalName, externalName: site.example.com, ports: [{ name: http, port: 80 }] }
`;
  expect(isIrrelevant('', {}, {}, elsewhere)).toBe(false);
  expect(isIrrelevant(alias, {}, {}, elsewhere)).toBe(false);
  expect(isIrrelevant('', {}, {}, ENTRY.replace('protocol: HTTP', 'protocol: TCP'))).toBe(false);
});

test('a gateway that only routes tell of: what its Service does to the connections of others is not taken for granted', () => {
  const bytes = istio(
    'ServiceEntry',
    '{ hosts: [b.example.com], ports: [{ number: 80, name: tcp, protocol: TCP }], resolution: DNS }',
  );
  const route = istio(
    'VirtualService',
    '{ hosts: [c.example.com], tls: [{ match: [{ port: 443, sniHosts: [c.example.com] }], route: [{ destination: { host: ' +
      'istio-egressgateway.egress.svc.cluster.local, port: { number: 443 } } }] }] }',
  );
  const sidecar = istio(
    'Sidecar',
    '{ egress: [{ hosts: ["./*", "egress/*"] }], outboundTrafficPolicy: { mode: ALLOW_ANY } }',
  );
  const asked = (world: World) => ask(bytes + route + sidecar, 'shop/app', 'http://a.example.com/', world);
  expect(asked({})).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringMatching(/if there is no Service egress\/istio-egressgateway, .* instead of a\.example\.com/),
  });
  expect(asked({ knownGateways: [{ name: 'istio-egressgateway', namespace: 'egress' }] }).outcome).toBe('answered');
});
