import { admissionCases } from './admission-cases';
import { object } from './worlds/world';
import { objectsOf } from '../rules/support';
import { separateMalformed } from '../../src/model/objects/well-formed';

test.each(['1.31', '1.30'])(
  'what Istio %s rejected, and nothing else, is named as rejected by the same part',
  (line) => {
    const wrong = admissionCases(line).flatMap(({ what, rejectedBy, object: manifest }) => {
      const said = separateMalformed([{ manifest, origin: 'here' }], line).malformed[0]?.problem;
      const by =
        said === undefined ? undefined : /would be rejected by every API server/.test(said) ? 'schema' : 'webhook';
      return by === rejectedBy ? [] : [`${manifest.kind}, ${what}: ${rejectedBy}, and not ${said}`];
    });
    expect(wrong).toEqual([]);
  },
);

test('objects of which admission rejects one field and admits another are both among the cases', () => {
  const rejected = admissionCases().filter(({ rejectedBy }) => rejectedBy !== undefined);
  expect(rejected.length).toBeGreaterThan(250);
  expect(admissionCases().length - rejected.length).toBeGreaterThan(100);
});

test('a whole number is one of 32 bits: the webhook of 1.30 says so, later the API server', () => {
  const rule = (maxConnections: number) => {
    const trafficPolicy = { connectionPool: { tcp: { maxConnections } } };
    const manifest = object('DestinationRule', 'shop', 'x', { host: 'api.example.com', trafficPolicy });
    return separateMalformed([{ manifest, origin: 'here' }]).malformed[0]?.problem;
  };
  expect(rule(2 ** 31 - 1)).toBeUndefined();
  expect(rule(2 ** 31)).toMatch(/2147483648 is not allowed/);
});

const problemsOf = (yaml: string) => separateMalformed(objectsOf(yaml)).malformed.map(({ problem }) => problem);
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
    'service accounts beside namespaces',
    entry(`resolution: NONE, ${port}`) +
      '---' +
      other(
        'AuthorizationPolicy',
        '{ rules: [{ from: [{ source: { namespaces: [a], notServiceAccounts: [] } }] }] }',
      ).replace('networking', 'security'),
    /rules\[0\]\.from\[0\]\.source: serviceAccounts cannot be set beside/,
  ],
  [
    'a time limit of 0',
    entry(`resolution: NONE, ${port}`) +
      '---' +
      other('VirtualService', '{ hosts: [a.example.com], http: [{ timeout: 0s, redirect: { uri: /x } }] }'),
    /http\[0\]\.timeout: "0s" is not allowed; it is text like 1\.5s, of at least 1ms/,
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
  ['a port without a name', entry('ports: [{ number: 443, protocol: TLS }]'), /spec\.ports\[0\]\.name/],
  [
    'a TLS match without a server name',
    other(
      'VirtualService',
      '{ hosts: [a.example.com], tls: [{ match: [{ port: 443 }], route: [{ destination: { host: a.example.com } }] }] }',
    ),
    /tls\[0\]\.match\[0\]\.sniHosts: is missing/,
  ],
])('%s is named as what the schema rejects', (_what, yaml, problem) => {
  const said = problemsOf(yaml).join();
  expect(said).toMatch(/would be rejected by every API server/);
  expect(said).toMatch(problem);
});

test.each([
  ['a wildcard with DNS', entry('resolution: DNS, ports: [{ number: 443, name: tls, protocol: TLS }]'), /spec\.hosts/],
  [
    'two ports of one name',
    entry('ports: [{ number: 443, name: a, protocol: TLS }, { number: 80, name: a, protocol: HTTP }]'),
    /spec\.ports\[1\]\.name: a is declared twice/,
  ],
  [
    'an endpoint with a port of another name',
    entry(`resolution: STATIC, endpoints: [{ address: 203.0.113.9, ports: { https: 443 } }], ${port}`),
    /endpoints\[0\]\.ports: no port of the entry is called https/,
  ],
  [
    'a name as endpoint with STATIC',
    entry(`resolution: STATIC, endpoints: [{ address: a.example.org }], ${port}`),
    /endpoints\[0\]\.address: a\.example\.org is not an IP address/,
  ],
  [
    'DYNAMIC_DNS for a database',
    entry('resolution: DYNAMIC_DNS, ports: [{ number: 5432, name: tcp, protocol: TCP }]'),
    /ports\[0\]\.protocol: DYNAMIC_DNS allows HTTP, TLS, GRPC, HTTP2 only/,
  ],
  [
    'every host for sidecars',
    other('VirtualService', "{ hosts: ['*'], http: [{ route: [{ destination: { host: a.example.com } }] }] }"),
    /spec\.hosts\[0\]: "\*" is not allowed for sidecars/,
  ],
  [
    'a protocol that Istio does not know',
    entry('resolution: NONE, ports: [{ number: 443, name: a, protocol: KAFKA }]'),
    /ports\[0\]\.protocol: "KAFKA" is not allowed/,
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
    'an egressProxy where nothing else passes',
    other('Sidecar', '{ outboundTrafficPolicy: { egressProxy: { host: x.example.com, port: { number: 80 } } } }'),
    /egressProxy: is allowed with mode ALLOW_ANY only/,
  ],
  [
    'an egressProxy without a port',
    other('Sidecar', '{ outboundTrafficPolicy: { mode: ALLOW_ANY, egressProxy: { host: x.example.com } } }'),
    /egressProxy\.port: is missing/,
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
    'a server in TLS without settings',
    entry(`resolution: NONE, ${port}`) +
      '---' +
      other('Gateway', `{ servers: [{ port: { number: 443, name: tls, protocol: TLS }, hosts: ['*'] }] }`),
    /servers\[0\]\.tls: is missing, which protocol TLS needs/,
  ],
  [
    'a server in plaintext with TLS settings',
    entry(`resolution: NONE, ${port}`) +
      '---' +
      other(
        'Gateway',
        `{ servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'], tls: { mode: ISTIO_MUTUAL } }] }`,
      ),
    /servers\[0\]\.tls: protocol HTTP allows no TLS settings but httpsRedirect/,
  ],
  [
    'an empty port setting of a subset',
    other(
      'DestinationRule',
      '{ host: a.example.com, subsets: [{ name: a, trafficPolicy: { portLevelSettings: [{ port: { number: 443 } }] } }] }',
    ),
    /subsets\[0\]\.trafficPolicy\.portLevelSettings\[0\]: sets nothing/,
  ],
  [
    'a policy of a subset that sets nothing',
    other('DestinationRule', '{ host: a.example.com, subsets: [{ name: a, trafficPolicy: {} }] }'),
    /subsets\[0\]\.trafficPolicy: sets nothing/,
  ],
])("%s is named as what Istio's webhook rejects", (_what, yaml, problem) => {
  const said = problemsOf(yaml).join();
  expect(said).toMatch(/would be rejected by Istio's webhook/);
  expect(said).toMatch(problem);
});

test('a long value does not crash it', () => {
  const headers = { request: { set: { a: 'a'.repeat(2e7) } } };
  const manifest = object('VirtualService', 'shop', 'x', {
    hosts: ['a.example.com'],
    http: [{ redirect: { uri: '/x' }, headers }],
  });
  expect(separateMalformed([{ manifest, origin: 'here' }]).malformed).toEqual([]);
});
