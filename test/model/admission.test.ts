import { ask } from './support';

const entry = (more: string) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: site, namespace: shop }
spec: { hosts: ["*.example.com"], ${more} }
`;
const other = (kind: string, spec: string) => `
apiVersion: networking.istio.io/v1
kind: ${kind}
metadata: { name: site, namespace: shop }
spec: ${spec}
`;

const port = 'ports: [{ number: 443, name: tls, protocol: TLS }]';

test.each([
  ['any host', other('ServiceEntry', `{ hosts: ['*'], resolution: NONE, ${port} }`), /hosts\[0\]/],
  [
    'endpoints beside a selector',
    entry(`resolution: STATIC, endpoints: [{ address: 203.0.113.9 }], workloadSelector: { labels: { a: b } }, ${port}`),
    /workloadSelector/,
  ],
  ['endpoints with NONE', entry(`resolution: NONE, endpoints: [{ address: 203.0.113.9 }], ${port}`), /endpoints/],
  [
    'two endpoints with DNS_ROUND_ROBIN',
    entry(`resolution: DNS_ROUND_ROBIN, endpoints: [{ address: a.example.org }, { address: b.example.org }], ${port}`),
    /endpoints/,
  ],
  [
    'a range with DNS',
    entry(`addresses: [203.0.113.0/24], resolution: DNS, endpoints: [{ address: a.example.org }], ${port}`),
    /addresses\[0\]/,
  ],
  [
    'a port twice',
    entry(
      `resolution: NONE, ports: [{ number: 443, name: a, protocol: TLS }, { number: 443, name: b, protocol: TCP }]`,
    ),
    /ports\[1\]\.number: 443 is declared twice/,
  ],
  [
    'a port that does not exist',
    entry('resolution: NONE, ports: [{ number: 70000, name: a, protocol: TLS }]'),
    /70000/,
  ],
  [
    'an endpoint without an address',
    entry(`resolution: STATIC, endpoints: [{ labels: { a: b } }], ${port}`),
    /endpoints\[0\]\.address/,
  ],
  [
    'a server whose port has no name',
    entry(`resolution: NONE, ${port}`) +
      '---' +
      other('Gateway', `{ servers: [{ port: { number: 443, protocol: TLS }, hosts: ['*'] }] }`),
    /servers\[0\]\.port\.name: is missing/,
  ],
])('%s is named as what the schema rejects', (_what, yaml, problem) => {
  const answer = ask(yaml, 'shop/cart', 'https://a.example.com/');
  expect(answer.outcome).toBe('undetermined');
  expect(answer.reason).toMatch(/would be rejected by every API server/);
  expect(answer.reason).toMatch(problem);
});

test.each([
  ['a wildcard with DNS', entry('resolution: DNS, ports: [{ number: 443, name: tls, protocol: TLS }]'), /spec\.hosts/],
  ['a port without a name', entry('ports: [{ number: 443, protocol: TLS }]'), /spec\.ports\[0\]\.name/],
  [
    'every host for sidecars',
    other('VirtualService', "{ hosts: ['*'], http: [{ route: [{ destination: { host: a.example.com } }] }] }"),
    /spec\.hosts\[0\]: "\*" is not allowed for sidecars/,
  ],
  [
    'an address as destination',
    other('VirtualService', '{ hosts: [a.example.com], http: [{ route: [{ destination: { host: 203.0.113.9 } }] }] }'),
    /destination\.host: 203\.0\.113\.9/,
  ],
  [
    'a server name outside the hosts',
    other(
      'VirtualService',
      "{ hosts: ['*.example.com'], tls: [{ match: [{ sniHosts: [a.example.com, b.example.org] }], route: [{ destination: { host: a.example.com } }] }] }",
    ),
    /tls\[0\]\.match\[0\]\.sniHosts: b\.example\.org is not one of the hosts/,
  ],
  [
    'an empty port setting',
    other(
      'DestinationRule',
      '{ host: a.example.com, trafficPolicy: { portLevelSettings: [{ port: { number: 443 } }] } }',
    ),
    /portLevelSettings\[0\]: sets nothing/,
  ],
  [
    'a policy of a subset that sets nothing',
    other('DestinationRule', '{ host: a.example.com, subsets: [{ name: a, trafficPolicy: {} }] }'),
    /subsets\[0\]\.trafficPolicy: sets nothing/,
  ],
])("%s is named as what Istio's webhook rejects", (_what, yaml, problem) => {
  const answer = ask(yaml, 'shop/cart', 'https://a.example.com/');
  expect(answer.outcome).toBe('undetermined');
  expect(answer.reason).toMatch(/would be rejected by Istio's webhook/);
  expect(answer.reason).toMatch(problem);
});
