import { entry, findings, gateway, istio, route, reported } from './support';

const code = 'gateway-route-unresolved';
const atGateway = route('egress/r', { hosts: ['hop.internal'], gateways: ['egress/exit'] });
const pods = {
  manifest: {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'exit', namespace: 'egress' },
    spec: { selector: { istio: 'exit' } },
  },
  origin: 'svc',
};

test.each([
  ['NONE', false],
  [undefined, false],
  ['DNS', true],
  ['STATIC', true],
  ['DNS_ROUND_ROBIN', true],
])('resolution %s gives a gateway an address: %s', (resolution, found) => {
  expect(reported(code, [entry('egress/a', { resolution }), atGateway])).toEqual(found ? [] : ['egress/a egress/r']);
});

test('with DYNAMIC_DNS a gateway forwards HTTP, with or without TLS that it originates', () => {
  const any = '*.example.com';
  const dynamic = entry('egress/a', { hosts: [any], resolution: 'DYNAMIC_DNS' });
  const to = (section: string) =>
    route('egress/r', {
      hosts: [any],
      gateways: ['egress/exit'],
      http: undefined,
      [section]: [{ route: [{ destination: { host: any, port: { number: 443 } } }] }],
    });
  const rule = istio('DestinationRule', 'egress/d', { host: any, trafficPolicy: { tls: { mode: 'SIMPLE' } } });
  expect(reported(code, [dynamic, to('http')])).toEqual([]);
  expect(reported(code, [dynamic, to('http'), rule])).toEqual([]);
  expect(reported(code, [dynamic, to('tcp'), rule])).toEqual([]);
  expect(findings(code, [dynamic, to('tls')])[0].message).toContain('DYNAMIC_DNS, with which a gateway forwards');
});

test('for sidecars NONE is enough', () => {
  expect(reported(code, [entry('egress/a', { resolution: 'NONE' }), route('egress/r', {})])).toEqual([]);
  const both = istio('VirtualService', 'egress/r', {
    hosts: ['a.example.com'],
    gateways: ['mesh', 'egress/exit'],
    http: [{ match: [{ gateways: ['mesh'] }], route: [{ destination: { host: 'a.example.com' } }] }],
  });
  expect(reported(code, [entry('egress/a', { resolution: 'NONE' }), both])).toEqual([]);
});

test('a match for a gateway that is not listed is no route of it', () => {
  const none = entry('egress/a', { resolution: 'NONE' });
  const matching = (gateways: string[]) =>
    istio('VirtualService', 'egress/r', {
      hosts: ['a.example.com'],
      gateways,
      http: [{ match: [{ gateways: ['exit'] }], route: [{ destination: { host: 'a.example.com' } }] }],
    });
  expect(reported(code, [none, matching(['mesh'])])).toEqual([]);
  expect(reported(code, [none, matching(['mesh', 'egress/exit'])])).toEqual(['egress/a egress/r']);
});

test('another entry may resolve the host, even one that is not among the manifests', () => {
  expect(reported(code, [entry('shop/a', { resolution: 'NONE' }), entry('egress/a', {}), atGateway])).toEqual([]);
  expect(reported(code, [entry('egress/b', { hosts: ['b.example.com'], resolution: 'NONE' }), atGateway])).toEqual([]);
});

test("another namespace's private entry resolves nothing for the gateway", () => {
  const [own, other] = [entry('egress/a', { resolution: 'NONE' }), entry('shop/a', {})];
  expect(reported(code, [own, other, atGateway])).toEqual(['egress/a egress/r']);
  expect(reported(code, [own, entry('shop/a', { exportTo: ['*'] }), atGateway])).toEqual([]);
});

test('an entry that the gateway does not see is reported if it is certain where its pods are', () => {
  const exit = gateway('egress/exit', ['hop.internal']);
  expect(reported(code, [entry('shop/a', {}), atGateway, exit])).toEqual([]);
  expect(findings(code, [entry('shop/a', {}), atGateway, exit, pods])[0].message).toContain(
    'is not exported to namespace egress',
  );
  expect(reported(code, [entry('shop/a', { exportTo: ['.', 'egress'] }), atGateway, exit, pods])).toEqual([]);
  expect(
    reported(code, [
      entry('shop/a', {}),
      atGateway,
      gateway('egress/exit', ['hop.internal'], {}, { istio: 'other' }),
      pods,
    ]),
  ).toEqual([]);
});

test('several routes to one host make one finding', () => {
  const twice = route('egress/r', {
    gateways: ['egress/exit'],
    tls: [{ route: [{ destination: { host: 'a.example.com' } }] }],
  });
  expect(reported(code, [entry('egress/a', { resolution: 'NONE' }), twice])).toHaveLength(1);
});
