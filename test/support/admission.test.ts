import { admissionProblems, celRules, KNOWN_KINDS } from './admission';

const API_GROUPS: Record<string, string> = { AuthorizationPolicy: 'security', Telemetry: 'telemetry' };
const istio = (kind: string, spec: any, name = 'a') => ({
  apiVersion: `${API_GROUPS[kind] ?? 'networking'}.istio.io/v1`,
  kind,
  metadata: { name, namespace: 'shop' },
  spec,
});
const port = { number: 443, name: 'tls', protocol: 'TLS' };
const entry = (more: object) =>
  istio('ServiceEntry', { hosts: ['a.example.com'], resolution: 'DNS', ports: [port], ...more });
const rule = (tls: object) =>
  istio('DestinationRule', {
    host: 'a.example.com',
    trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, tls }] },
  });
const server = (more: object) => ({
  port: { number: 443, name: 'tls', protocol: 'TLS' },
  hosts: ['shop/a.example.com'],
  tls: { mode: 'ISTIO_MUTUAL' },
  ...more,
});

test('the schemas contain seven kinds and their CEL rules', () => {
  expect(KNOWN_KINDS).toHaveLength(7);
  expect(celRules()).toBeGreaterThan(90);
});

test.each([
  ['a ServiceEntry', entry({})],
  ['an entry without endpoints', entry({ resolution: 'STATIC' })],
  ['a wildcard that is resolved for each request', entry({ hosts: ['*.example.com'], resolution: 'DYNAMIC_DNS' })],
  ['a rule that originates TLS', rule({ mode: 'SIMPLE', sni: 'a.example.com', subjectAltNames: ['a.example.com'] })],
  ['a Gateway', istio('Gateway', { selector: { istio: 'exit' }, servers: [server({})] })],
  [
    'a VirtualService',
    istio('VirtualService', {
      hosts: ['a.example.com'],
      tls: [
        { match: [{ port: 443, sniHosts: ['a.example.com'] }], route: [{ destination: { host: 'a.example.com' } }] },
      ],
    }),
  ],
  ['a Sidecar', istio('Sidecar', { egress: [{ hosts: ['*/*'] }], outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } })],
])('%s is accepted', (_what, manifest) => {
  expect(admissionProblems(manifest)).toEqual([]);
});

test.each([
  ['an unknown field', entry({ export: ['.'] }), /schema: .*additional/],
  ['a wrong enum value', entry({ resolution: 'DYNAMIC' }), /schema: .*allowed values/],
  ['a wildcard for everything', entry({ hosts: ['*'] }), /cel: |webhook: host/],
  ['an address range with resolution DNS', entry({ addresses: ['10.0.0.0/8'] }), /cel: .*CIDR|webhook: address range/],
  ['a duplicate port number', entry({ ports: [port, { ...port, name: 'other' }] }), /cel: /],
  ['NONE with endpoints', entry({ resolution: 'NONE', endpoints: [{ address: '10.0.0.1' }] }), /cel: |webhook: NONE/],
  [
    'a timeout of zero',
    istio('VirtualService', {
      hosts: ['a.example.com'],
      http: [{ timeout: '0ms', route: [{ destination: { host: 'a.example.com' } }] }],
    }),
    /cel: /,
  ],
  ['a port name that is not a DNS label', entry({ ports: [{ ...port, name: 'TLS_443' }] }), /webhook: port name/],
  ['an unknown protocol', entry({ ports: [{ ...port, protocol: 'SPDY' }] }), /webhook: protocol/],
  ['DNS with a wildcard', entry({ hosts: ['*.example.com'] }), /webhook: DNS with wildcard/],
  ['DYNAMIC_DNS with a plain host', entry({ resolution: 'DYNAMIC_DNS' }), /webhook: DYNAMIC_DNS with plain host/],
  [
    'DYNAMIC_DNS with TCP',
    entry({ hosts: ['*.example.com'], resolution: 'DYNAMIC_DNS', ports: [{ ...port, protocol: 'TCP' }] }),
    /webhook: DYNAMIC_DNS with TCP/,
  ],
  [
    'DYNAMIC_DNS with an address',
    entry({ hosts: ['*.example.com'], resolution: 'DYNAMIC_DNS', addresses: ['203.0.113.7'] }),
    /webhook: DYNAMIC_DNS with addresses/,
  ],
  [
    'DYNAMIC_DNS with an endpoint',
    entry({ hosts: ['*.example.com'], resolution: 'DYNAMIC_DNS', endpoints: [{ address: '203.0.113.7' }] }),
    /webhook: DYNAMIC_DNS with endpoints/,
  ],
  [
    'a STATIC endpoint that is a name',
    entry({ resolution: 'STATIC', endpoints: [{ address: 'b.example.com' }] }),
    /webhook: STATIC endpoint/,
  ],
  [
    'a credentialName together with files',
    rule({ mode: 'SIMPLE', credentialName: 'x', caCertificates: 'system' }),
    /webhook: credentialName/,
  ],
  ['MUTUAL without a certificate', rule({ mode: 'MUTUAL' }), /webhook: MUTUAL/],
  ['no name check', rule({ mode: 'SIMPLE', insecureSkipVerify: true }), /webhook: insecure/],
  [
    'a Gateway whose name is not a DNS label',
    istio('Gateway', { servers: [server({})] }, 'a.b'),
    /webhook: Gateway name/,
  ],
  ['a TLS server without tls', istio('Gateway', { servers: [server({ tls: undefined })] }), /webhook: TLS without/],
  [
    'a duplicate port name in a Gateway',
    istio('Gateway', { servers: [server({}), server({})] }),
    /webhook: duplicate port name/,
  ],
  [
    'an SNI host that is not one of the hosts',
    istio('VirtualService', {
      hosts: ['a.example.com'],
      tls: [{ match: [{ sniHosts: ['b.example.com'] }], route: [{ destination: { host: 'a.example.com' } }] }],
    }),
    /webhook: sniHosts/,
  ],
  [
    'a delegate',
    istio('VirtualService', { http: [{ route: [{ destination: { host: 'a.example.com' } }] }] }),
    /webhook: no hosts/,
  ],
  ['a duplicate in exportTo', entry({ exportTo: ['.', '.'] }), /webhook: exportTo/],
  [
    'a rule that is exported to no namespace',
    istio('DestinationRule', { host: 'a.example.com', exportTo: ['~'] }),
    /webhook: exportTo/,
  ],
  ['an empty Sidecar', istio('Sidecar', { workloadSelector: { labels: { a: 'b' } } }), /webhook: an empty Sidecar/],
  ['a Sidecar import without a namespace', istio('Sidecar', { egress: [{ hosts: ['shop'] }] }), /webhook: egress host/],
  [
    'a name that is too long',
    istio('ServiceEntry', { hosts: ['a.example.com'], resolution: 'DNS', ports: [port] }, 'x'.repeat(64)),
    /webhook: metadata.name/,
  ],
])('%s is refused', (_what, manifest, why) => {
  expect(admissionProblems(manifest).join('\n')).toMatch(why);
});
