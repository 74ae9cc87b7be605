/** What hosts and gateways are not known to speak. */
import { ask, ENTRY, EXIT_PODS, HTTP_EXIT, HTTP_EXIT_SERVICE, istioObject, LOCKED, object } from './support';
import { isPlainYes } from '../../src/explain/as-wanted';

test.each(['GRPC', 'HTTP2', 'GRPC-WEB'])('whether a host speaks %s without TLS is a condition', (protocol) => {
  const entry = ENTRY.replace('protocol: HTTP ', `protocol: ${protocol} `);
  const see = (world = LOCKED) => ask(entry, 'shop/app', 'http://site.example.com/', world);
  expect(see()).toMatchObject({
    outcome: 'answered',
    condition: { holds: 'site.example.com:80 speaks HTTP/2 without TLS', say: expect.stringMatching(/protocols/) },
  });
  expect(isPlainYes(see({ ...LOCKED, declaredProtocols: true }))).toBe(true);
});

test('whether a gateway expects the PROXY protocol, also where its Service has a name outside the cluster', () => {
  const route = (name: string, namespace: string, to: string, more = '') =>
    istioObject(
      'VirtualService',
      name,
      namespace,
      `{ hosts: [site.example.com], ${more} http: [{ route: [{ destination: { host: ${to}, port: { number: 80 } } }] }] }`,
    );
  const through =
    ENTRY +
    istioObject(
      'ServiceEntry',
      'alias',
      'shop',
      '{ hosts: [gw.example.com], resolution: DNS, endpoints: [{ address: exit.egress.svc.cluster.local }], ports: [{ number: 80, name: http, protocol: HTTP }] }',
    ) +
    HTTP_EXIT_SERVICE +
    HTTP_EXIT +
    route('to-exit', 'shop', 'gw.example.com') +
    route('from-exit', 'egress', 'site.example.com', 'gateways: [exit],');
  const rule = istioObject(
    'DestinationRule',
    'alias',
    'shop',
    '{ host: gw.example.com, trafficPolicy: { proxyProtocol: { version: V2 } } }',
  );
  const see = (yaml: string) =>
    ask(yaml, 'shop/app', 'http://site.example.com/', { ...LOCKED, gateways: [{ name: 'exit', ...EXIT_PODS }] });
  expect(see(through)).toMatchObject({ outcome: 'answered', via: 'gateway' });
  expect(see(through + rule)).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringMatching(/whether the gateway expects the PROXY protocol/),
  });
});

test('whether a host speaks HTTP/2 on a port that nothing declares for it is not said by what is declared', () => {
  const upgrade = object(
    'DestinationRule',
    'networking.istio.io/v1',
    '{ host: site.example.com, trafficPolicy: { connectionPool: { http: { h2UpgradePolicy: UPGRADE } } } }',
  );
  const declared = { ...LOCKED, declaredProtocols: true };
  for (const world of [LOCKED, declared])
    expect(ask(ENTRY + upgrade, 'shop/app', 'http://site.example.com/', world)).toMatchObject({
      outcome: 'answered',
      condition: {
        holds: 'site.example.com:80 speaks HTTP/2 without TLS',
        say: expect.stringMatching(/^declare .* as HTTP2 or GRPC, and .*protocols/),
      },
    });
});

test('a call of gRPC past the sidecar needs what it needs through the sidecar', () => {
  const entry = (protocol: string) => ENTRY.replace('protocol: HTTP ', `protocol: ${protocol} `);
  const see = (protocol: string) =>
    ask(
      entry(protocol),
      { namespace: 'shop', serviceAccount: 'app', capture: { excludeOutboundPorts: '80' } },
      { url: 'http://site.example.com/', speak: 'grpc' },
      { ...LOCKED, declaredProtocols: true },
    );
  expect(isPlainYes(see('GRPC'))).toBe(true);
  expect(see('TCP').condition?.holds).toMatch(/speaks HTTP\/2 without TLS/);
});
