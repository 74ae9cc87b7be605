/** What proxies make of the headers and methods of requests, and where the model does not know it. */
import { ask, ENTRY, LOCKED, object } from './support';

describe('a header that each client sets itself', () => {
  const byAgent = object(
    'VirtualService',
    'networking.istio.io/v1',
    '{ hosts: [site.example.com], http: [{ match: [{ headers: { user-agent: { prefix: curl } } }], directResponse: { status: 403 } }, { route: [{ destination: { host: site.example.com } }] }] }',
  );

  test('is not taken to be missing', () => {
    const answer = ask(ENTRY + byAgent, 'shop/cart', 'http://site.example.com/');
    expect(answer).toMatchObject({ outcome: 'undetermined', reason: expect.stringContaining('--header') });
  });

  test('is what the request gives', () => {
    const from = (agent: string) =>
      ask(ENTRY + byAgent, 'shop/cart', { url: 'http://site.example.com/', headers: { 'User-Agent': agent } });
    expect(from('curl/8')).toMatchObject({ symptom: 403 });
    expect(from('python')).toMatchObject({ outcome: 'answered' });
  });

  test('what a route does with it counts', () => {
    const hop = (changes: string) =>
      object(
        'VirtualService',
        'networking.istio.io/v1',
        `{ hosts: [www.example.com], http: [{ headers: { request: ${changes} }, route: [{ destination: { host: istio-egressgateway.egress.svc.cluster.local, port: { number: 80 } } }] }] }`,
      ).replace('name: x', 'name: hop');
    const atGateway = (match: string) =>
      object(
        'Gateway',
        'networking.istio.io/v1',
        "{ selector: { istio: egressgateway }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }] }",
        'egress',
      ) +
      object(
        'VirtualService',
        'networking.istio.io/v1',
        `{ hosts: [www.example.com], gateways: [x], http: [{ match: [{ headers: ${match} }], directResponse: { status: 418 } }, { directResponse: { status: 410 } }] }`,
        'egress',
      );
    const see = (changes: string, match: string, more: object = {}, others = '') => {
      const request = { url: 'http://www.example.com/', ...more };
      const world = {
        ...LOCKED,
        knownGateways: [{ name: 'istio-egressgateway', namespace: 'egress' }],
        httpPort80: true,
      };
      const { outcome, symptom } = ask(ENTRY + hop(changes) + atGateway(match) + others, 'shop/cart', request, world);
      return symptom ?? outcome;
    };
    expect(see('{ remove: [user-agent] }', '{ user-agent: {} }')).toBe(410);
    expect(see('{ set: { user-agent: x } }', '{ user-agent: { exact: x } }')).toBe(418);
    expect(see('{ add: { user-agent: x } }', '{ user-agent: { exact: x } }')).toBe('undetermined');
    expect(see('{ add: { x-a: two } }', '{ x-a: { exact: two } }')).toBe(418);
    for (const value of ['one', 'two'])
      expect(see('{ add: { x-a: two } }', `{ x-a: { exact: ${value} } }`, { headers: { 'X-A': 'one' } })).toBe(418);
    const computed = "{ set: { x-a: '%REQ(x-b)%' } }";
    expect(see(computed, "{ x-a: { exact: '%REQ(x-b)%' } }")).toBe('undetermined');
    const twice = "{ add: { x-a: '%REQ(x-b)%' }, set: { x-a: '%REQ(x-c)%' } }";
    for (const change of [computed, computed.replace('set', 'add'), twice]) {
      expect(see(change, '{ x-a: {} }')).toBe('undetermined');
      expect(see(change, '{ x-a: {} }', { headers: { 'X-A': 'one' } })).toBe(418);
    }
    expect(see("{ set: { x-a: '%REQ(x-b)%' }, add: { x-a: two } }", '{ x-a: {} }')).toBe(418);
    const allowed = object(
      'AuthorizationPolicy',
      'security.istio.io/v1',
      "{ rules: [{ when: [{ key: 'request.headers[x-a]', values: ['*'] }] }] }",
      'egress',
    );
    expect(see(computed, '{ x-none: {} }', {}, allowed)).toBe('undetermined');
    expect(see(computed, '{ x-none: {} }', { headers: { 'X-A': 'one' } }, allowed)).toBe(410);
    expect(see('{}', '{ x-none: {} }', {}, allowed)).toBe(403);
    expect(see("{ set: { host: '%REQ(x-b)%' } }", '{ x-a: {} }')).toBe('undetermined');
    expect(see('{ set: { host: www.example.com } }', '{ x-a: {} }')).toBe(410);
    expect(see('{ add: { x-a: two } }', '{ x-a: {} }', { headers: { 'X-A': 'one' } })).toBe(418);
    expect(see('{ remove: [x-a], set: { x-a: two } }', '{ x-a: { exact: two } }')).toBe(418);
    const grpc = { speak: 'grpc' };
    expect(see('{}', '{ content-type: { exact: application/grpc } }', grpc)).toBe(418);
    expect(see('{ remove: [content-type] }', '{ content-type: { exact: application/grpc } }', grpc)).toBe(410);
  });

  test('a body may have one too', () => {
    const byType = byAgent.replace('user-agent', 'content-type');
    const by = (method: string) =>
      ask(ENTRY + byType, 'shop/cart', { url: 'http://site.example.com/', method }).outcome;
    expect([by('GET'), by('POST')]).toEqual(['answered', 'undetermined']);
  });
});

test.each(['Connection', 'Content-Length', 'Expect', 'TE', 'Transfer-Encoding', 'Upgrade'])(
  'a header about the connection or the length: %s',
  (name) => {
    const request = { url: 'http://site.example.com/', headers: { [name]: 'x' } };
    expect(ask(ENTRY, 'shop/cart', request)).toMatchObject({
      outcome: 'undetermined',
      reason: expect.stringContaining(`the header ${name.toLowerCase()} of a request`),
    });
  },
);

test.each([
  ['a method that only HTTP/2 lets pass', { method: 'QUERY', speak: 'http2' as const }],
  ['a tunnel', { method: 'CONNECT' }],
  ['a call of gRPC that is not said to be one', { method: 'POST', headers: { 'content-type': 'application/grpc' } }],
])('%s', (_, request) => {
  expect(ask(ENTRY, 'shop/cart', { url: 'http://site.example.com/', ...request }).outcome).toBe('undetermined');
});

test('a header that a gateway before this one fills from tokens alone may be gone', () => {
  const gateway = (name: string) => `---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: egress }
spec: { selector: { istio: ${name} }, ports: [{ name: http2, port: 80, targetPort: 8080 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: egress }
spec: { template: { metadata: { labels: { istio: ${name} } }, spec: { containers: [{ name: istio-proxy, args: [router] }] } } }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: egress }
spec: { selector: { istio: ${name} }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }] }
`;
  const to = (host: string, from: string) => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${from}, namespace: egress }
spec: { hosts: [site.example.com], gateways: [${from}], http: [{ route: [{ destination: { host: ${host}, port: { number: 80 } } }] }] }
`;
  const chain =
    ENTRY +
    ['exit', 'next'].map(gateway).join('') +
    to('exit.egress.svc.cluster.local', 'mesh') +
    to('next.egress.svc.cluster.local', 'exit') +
    to('site.example.com', 'next') +
    object(
      'AuthorizationPolicy',
      'security.istio.io/v1',
      '{ selector: { matchLabels: { istio: next } }, rules: [{ when: [{ key: "request.headers[x-from-token]", values: ["*"] }] }] }',
      'egress',
    );
  const filling = object(
    'RequestAuthentication',
    'security.istio.io/v1',
    `{ selector: { matchLabels: { istio: exit } }, jwtRules: [{ issuer: good, jwks: '{"keys":[{}]}', outputPayloadToHeader: x-from-token }] }`,
    'egress',
  );
  const request = { url: 'http://site.example.com/', headers: { 'x-from-token': 'a' } };
  expect(ask(chain, 'shop/cart', request).outcome).toBe('answered');
  expect(ask(chain + filling, 'shop/cart', request)).toMatchObject({
    outcome: 'undetermined',
    causes: [{ kind: 'AuthorizationPolicy' }],
  });
});

test('a route that sets the length of responses', () => {
  const route = object(
    'VirtualService',
    'networking.istio.io/v1',
    '{ hosts: [site.example.com], http: [{ headers: { response: { set: { Content-Length: "0" } } }, route: [{ destination: { host: site.example.com } }] }] }',
  );
  expect(ask(ENTRY + route, 'shop/cart', 'http://site.example.com/')).toMatchObject({
    outcome: 'undetermined',
    causes: [{ kind: 'VirtualService' }],
  });
});

test.each([
  ['Connection', 'close'],
  ['Keep-Alive', 'x'],
  ['Upgrade', 'x'],
  ['Content-Type', 'application/grpc'],
  ['Content-Type', "'%REQ(x-a)%'"],
])('a route that sets %s', (name, value) => {
  const route = object(
    'VirtualService',
    'networking.istio.io/v1',
    `{ hosts: [site.example.com], http: [{ headers: { request: { set: { ${name}: ${value} } } }, route: [{ destination: { host: site.example.com } }] }] }`,
  );
  expect(ask(ENTRY + route, 'shop/cart', 'http://site.example.com/')).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringContaining(name.toLowerCase()),
    causes: [{ kind: 'VirtualService' }],
  });
});
