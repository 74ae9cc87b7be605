/**
 * What a gateway does to requests before it routes them: small worlds with the mesh's answers. The model is asked by
 * `at-the-gateway.test.ts`, the mesh by the suite of the same name.
 */
import { parseAllDocuments } from 'yaml';
import { AccessRow, AccessTable, MeshSettings } from '../../src/access/access-table';

export const TABLE: Omit<AccessTable, 'access'> = {
  gateways: [
    {
      name: 'istio-egressgateway',
      namespace: 'egress',
      labels: { app: 'istio-egressgateway', istio: 'egressgateway' },
      serviceAccount: 'istio-egressgateway',
      targetPort: 8443,
    },
  ],
  callers: ['app', 'other', 'third', 'fourth'].map((name) => ({ name, namespace: 'shop', serviceAccount: name })),
  external: [
    { host: 'site.example.com', http: 'ok', https: 'ok' },
    { host: 'partner.example.com', https: 'client-certificate', certificate: 'private-ca' },
    { host: 'private.example.com', https: 'ok', certificate: 'private-ca' },
  ],
  secrets: [{ name: 'partner-client', namespace: 'shop', holds: 'client-certificate' }],
};

/** A request, 200 or the symptom of a refusal by the gateway, and whatever else is said about it. */
type Row = [path: string, seen: AccessRow['expect']['symptom'] | 'refused', more?: Partial<AccessRow>];

export interface Case {
  readonly name: string;
  readonly mesh: MeshSettings;
  readonly objects: any[];
  readonly rows: AccessRow[];
  /** Whether a proxy waits for something that never comes. */
  readonly waits?: boolean;
}

const GATEWAY = 'istio-egressgateway.egress.svc.cluster.local';
const ENTRY = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: site, namespace: egress }
spec:
  hosts: [site.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP }, { number: 443, name: tls, protocol: TLS }]
`;
const EMPTY = `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: empty, namespace: egress }
spec: { hosts: [empty.example.com], location: MESH_EXTERNAL, resolution: STATIC, ports: [{ number: 443, name: tls, protocol: TLS }] }
`;
const HTTP = '{ port: { number: 80, name: http, protocol: HTTP }, hosts: [site.example.com] }';
const MUTUAL =
  '{ port: { number: 443, name: https, protocol: HTTPS }, tls: { mode: ISTIO_MUTUAL }, hosts: [site.example.com] }';
const servers = (...list: string[]) => `---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: exit, namespace: egress }
spec: { selector: { istio: egressgateway }, servers: [${list.join(', ')}] }
`;
const toGateway = (port: number, host = GATEWAY) => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: to-gateway, namespace: egress }
spec:
  hosts: [site.example.com]
  http: [{ route: [{ destination: { host: ${host}, port: { number: ${port} } } }] }]
`;
const tlsToGateway = (port: number) => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: tls-to-gateway, namespace: egress }
spec:
  hosts: [site.example.com]
  tls:
    - match: [{ port: 443, sniHosts: [site.example.com] }]
      route: [{ destination: { host: ${GATEWAY}, port: { number: ${port} } } }]
`;
const bytesTo = (host: string) => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: outside, namespace: egress }
spec: { hosts: [site.example.com], gateways: [exit], tcp: [{ route: [{ destination: { host: ${host}, port: { number: 443 } } }] }] }
`;
const OUT = '{ route: [{ destination: { host: site.example.com, port: { number: 80 } } }] }';
const outside = (...routes: string[]) => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: outside, namespace: egress }
spec: { hosts: [site.example.com], gateways: [exit], http: [${[...routes, OUT].join(', ')}] }
`;
const hopTls = (more = '') => `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: hop, namespace: egress }
spec: { host: ${GATEWAY}, trafficPolicy: { ${more} tls: { mode: ISTIO_MUTUAL, sni: site.example.com } } }
`;
const overHttp = (...routes: string[]) => `${ENTRY}${servers(HTTP)}${toGateway(80)}${outside(...routes)}`;
const overTls = (...routes: string[]) => `${ENTRY}${servers(MUTUAL)}${toGateway(443)}${hopTls()}${outside(...routes)}`;
const circle = outside().replace('host: site.example.com,', `host: ${GATEWAY},`);
const removing = ['shop', 'egress']
  .map(
    (namespace) => `---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: off, namespace: ${namespace} }
spec:
  configPatches:
    - applyTo: HTTP_FILTER
      match: { listener: { filterChain: { filter: { name: envoy.filters.network.http_connection_manager, subFilter: { name: company.tracing } } } } }
      patch: { operation: REMOVE }
    - applyTo: NETWORK_FILTER
      match: { listener: { filterChain: { filter: { name: company.audit } } } }
      patch: { operation: REMOVE }
`,
  )
  .join('');
const policy = (spec: string, { name = 'policy', annotations = '{}' } = {}) => `---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${name}, namespace: egress, annotations: ${annotations} }
spec: ${spec}
`;
const denied = (...paths: string[]) =>
  policy(`{ action: DENY, rules: [{ to: [{ operation: { paths: ${JSON.stringify(paths)} } }] }] }`);
const allowedFrom = (source: string) => policy(`{ rules: [{ from: [{ source: { ${source} } }] }] }`);
const allowedWhen = (condition: string) => policy(`{ rules: [{ when: [{ ${condition} }] }] }`);
const answers = (path: string, status: number) =>
  `{ match: [{ uri: { exact: ${path} } }], directResponse: { status: ${status} } }`;
const routes = (...list: string[]) => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: site, namespace: shop }
spec: { hosts: [site.example.com], http: [${list.join(', ')}, { route: [{ destination: { host: site.example.com } }] }] }
`;

function caseOf(name: string, yaml: string, rows: Row[], more: Partial<Pick<Case, 'mesh' | 'waits'>> = {}): Case {
  return {
    name,
    mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
    objects: parseAllDocuments(yaml).map((document) => document.toJS()),
    rows: rows.map(([path, seen, { expect: expected, ...row } = {}]) => ({
      from: 'app',
      request: path.includes('://') ? path : `http://site.example.com${path}`,
      ...row,
      expect:
        seen === 200
          ? { outcome: 'answered', status: 200, ...expected }
          : { outcome: 'refused', ...(seen !== 'refused' && { symptom: seen }), by: 'gateway', ...expected },
    })),
    ...more,
  };
}

const atSidecar = { expect: { outcome: 'refused', by: 'sidecar' } } as const;

/** Paths that mean `/admin` or `/x/admin`, and what DENY for both does to them, by what the mesh normalises. */
const SPELLINGS: Record<NonNullable<MeshSettings['pathNormalization']>, Record<string, number>> = {
  NONE: {
    '/admin': 403,
    '/%61dmin': 200,
    '/%2e/admin': 200,
    '/x/%2e%2e/admin': 200,
    '//admin': 200,
    '/x%2fadmin': 200,
    '/adm%00in': 200,
  },
  BASE: {
    '/admin': 403,
    '/admin?x=1': 403,
    '/%61dmin': 403,
    '/%2e/admin': 403,
    '/x/%2e%2e/admin': 403,
    '//admin': 200,
    '/x//admin': 200,
    '/x%2fadmin': 200,
    '/x%5cadmin': 200,
    '/ADMIN': 200,
    '/admin/': 200,
    '/admin;x': 200,
    '/admin%3fx': 200,
    '/a%zzb': 200,
  },
  MERGE_SLASHES: {
    '/%61dmin': 403,
    '//admin': 403,
    '/x//admin': 403,
    '/x%2fadmin': 200,
    '/x%5cadmin': 200,
    '/?p=//': 200,
  },
  DECODE_AND_MERGE_SLASHES: {
    '//admin': 403,
    '/x%2fadmin': 403,
    '/%2Fadmin': 403,
    '/x%5cadmin': 403,
    '/x%2f%2e%2e%2fadmin': 403,
    '/admin%3fx': 200,
  },
};

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
/** A token with a signature that no key has made. */
const token = (claims: object) => `${encoded({ alg: 'RS256', kid: 'k' })}.${encoded(claims)}.${'x'.repeat(342)}`;
const bearer = (text: string) => ({ headers: { Authorization: `Bearer ${text}` } });
const JWKS = JSON.stringify({
  keys: [
    {
      kty: 'RSA',
      kid: 'k',
      e: 'AQAB',
      n:
        'xAE7eB6qugXyCAG3yhh7pkDkT65pHymX-P7KfIupjf59vsdo91bSP9C8H07pSAGQO1MV_xFj9VswgsCg4R6otmg5PV2He95lZdHtOcU5DXIg_pbhL' +
        'dKXbi66GlVeK6ABZOUW3WYtnNHD-91gVuoeJT_DwtGGcp4ignkgXfkiEm4sw-4sfb4qdt5oLbyVpmW6x9cfa7vs2WTfURiCrBoUqgBo_-4WTiULmmH' +
        'SGZHOjzwa8WtrtOQGsAFjIbno85jp6MnGGGZPYZbDAa_b3y5u-YpW7ypZrvD8BgtKVjgtQgZhLAGezMt0ua3DRrWnKqTZ0BJ_EyxOGuHJrLsn00fnMQ',
    },
  ],
});
const authentication = (rules: string, { namespace = 'egress', app = 'istio-egressgateway' } = {}) => `---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens, namespace: ${namespace} }
spec: { selector: { matchLabels: { app: ${app} } }, jwtRules: [${rules}] }
`;
const issuer = (more = '') => `{ issuer: good, jwks: '${JWKS}'${more} }`;
const LATER = 4_102_444_800;

/** Headers that every proxy takes from requests; that gateways take as well; and that all let pass. */
const TAKEN = [
  'keep-alive',
  'proxy-connection',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-force-trace',
  'x-envoy-hedge-on-per-try-timeout',
  'x-envoy-internal',
  'x-envoy-ip-tags',
  'x-envoy-max-retries',
  'x-envoy-original-url',
  'x-envoy-retriable-header-names',
  'x-envoy-retriable-status-codes',
  'x-envoy-retry-grpc-on',
  'x-envoy-retry-on',
  'x-envoy-upstream-alt-stat-name',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-alt-response',
  'x-envoy-upstream-rq-timeout-ms',
  'x-forwarded-client-cert',
];
const TAKEN_AT_GATEWAY = [
  'x-envoy-decorator-operation',
  'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node',
  'x-envoy-original-host',
  'x-envoy-original-path',
  'x-envoy-upstream-stream-duration-ms',
];
const KEPT = ['forwarded', 'via', 'x-envoy-fault-abort-request', 'x-envoy-upstream-canary', 'x-forwarded-host'];

const schemes = [
  '{ match: [{ scheme: { exact: https }, uri: { exact: /scheme } }], directResponse: { status: 418 } }',
  '{ match: [{ headers: { x-forwarded-proto: { exact: https } }, uri: { exact: /header } }], directResponse: { status: 419 } }',
  '{ match: [{ uri: { exact: /elsewhere } }], redirect: { uri: /here } }',
];
const sentHttps = { headers: { 'x-forwarded-proto': 'https' } };
const followed = (via: 'gateway' | 'sidecar', more: Partial<AccessRow> = {}) => ({
  ...more,
  follow: true,
  expect: { outcome: 'answered' as const, redirects: [301], via },
});

const reader = (name: string, verbs: string, more = '') => `---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: ${name}, namespace: shop }
rules: [{ apiGroups: [""], resources: [secrets], verbs: [${verbs}]${more} }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: ${name}, namespace: shop }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: ${name} }
subjects: [{ kind: ServiceAccount, name: ${name}, namespace: shop }]
`;
const originated = (host: string, mode: string) => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${host}, namespace: shop }
spec:
  hosts: [${host}.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
${TABLE.callers
  .map(
    ({ name }) => `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${name}, namespace: shop }
spec:
  host: ${host}.example.com
  workloadSelector: { matchLabels: { app: ${name} } }
  trafficPolicy:
    tls: { mode: ${mode}, credentialName: partner-client, sni: ${host}.example.com, subjectAltNames: [${host}.example.com] }
`,
  )
  .join('')}`;
// Before the rules: istiod remembers for a minute that an account may not.
const readers = `${reader('other', 'get, list')}${reader('third', 'get')}${reader('fourth', '"*"', ', resourceNames: [partner-client]')}`;

export const CASES: Case[] = [
  ...Object.entries(SPELLINGS).flatMap(([how, spellings]) => {
    const mesh = { outboundTrafficPolicy: 'REGISTRY_ONLY', pathNormalization: how } as MeshSettings;
    return [
      caseOf(`paths of a policy, ${how}`, `${overHttp()}${denied('/admin', '/x/admin')}`, Object.entries(spellings), {
        mesh,
      }),
      caseOf(
        `paths of a route, ${how}`,
        `${ENTRY}${routes(answers('/admin', 403), answers('/x/admin', 403))}`,
        Object.entries(spellings).map(([path, seen]) => [path, seen, seen === 403 ? atSidecar : {}]),
        { mesh },
      ),
    ];
  }),
  caseOf('a path that is no path', overHttp(), [['/adm%00in', 400, atSidecar]]),
  caseOf(
    'path templates that deny',
    `${overHttp()}${denied('/a/{*}', '/b/{**}', '/c/{*}/d', '/e/{*}/f/{**}', '/g/*')}`,
    Object.entries({
      '/a/1': 403,
      '/a/1?x': 403,
      '/a/x=1': 403,
      '/a/%20': 403,
      '/a/': 200,
      '/a': 200,
      '/a/1/': 200,
      '/a/1/2': 200,
      '/A/1': 200,
      '/b/': 403,
      '/b/1/': 403,
      '/b/1/2': 403,
      '/b/1//2': 403,
      '/b': 200,
      '/c/1/d': 403,
      '/c/1/2/d': 200,
      '/c//d': 200,
      '/e/1/f/': 403,
      '/e/1/f/2/3?x': 403,
      '/e/1/f': 200,
      '/g/1': 403,
      '/g/': 403,
    }),
  ),
  caseOf(
    'path templates that allow',
    `${overHttp()}${policy(
      '{ rules: [{ to: [{ operation: { paths: ["/t/{*}/u", "/{**}/z"], notPaths: ["/t/1/{*}"] } }, ' +
        '{ operation: { paths: ["/p/{*}/"] } }] }] }',
    )}`,
    Object.entries({
      '/t/2/u': 200,
      '/t/1/u': 403,
      '/q/z': 200,
      '/q/r/z': 200,
      '//z': 200,
      '/z': 403,
      '/p/1/': 200,
      '/p/1': 403,
    }),
  ),
  caseOf(
    "ports are the pods', not those of the Service",
    `${overHttp()}${policy('{ action: DENY, rules: [{ to: [{ operation: { ports: ["8080"] } }] }] }')}`,
    [['/', 403]],
  ),
  caseOf(
    'a port of the Service',
    `${overHttp()}${policy('{ action: DENY, rules: [{ to: [{ operation: { ports: ["80"] } }] }] }')}`,
    [['/', 200]],
  ),
  caseOf(
    'another label of the gateway pods',
    `${overHttp()}${policy('{ action: DENY, selector: { matchLabels: { app: istio-egressgateway } }, rules: [{}] }')}`,
    [['/', 403]],
  ),
  caseOf(
    'a dry run',
    `${overHttp()}${policy('{ action: DENY, rules: [{}] }', { annotations: '{ istio.io/dry-run: "true" }' })}${policy(
      '{}',
      {
        name: 'second',
        annotations: '{ istio.io/dry-run: "true" }',
      },
    )}`,
    [['/', 200]],
  ),
  caseOf(
    'hosts with their port',
    `${overHttp()}${policy('{ action: DENY, rules: [{ to: [{ operation: { hosts: [site.example.com] } }] }] }')}`,
    [
      ['/', 403],
      ['/', 403, { headers: { Host: 'SITE.example.com' } }],
      ['/', 200, { headers: { Host: 'site.example.com:80' } }],
      [
        '/',
        200,
        { headers: { Host: 'site.example.com:' }, expect: { outcome: 'answered', hostHeader: 'site.example.com:' } },
      ],
      ['/', 502, { headers: { Host: 'site.example.com:80:' }, ...atSidecar }],
      ['/', 502, { headers: { Host: 'other@site.example.com' }, ...atSidecar }],
    ],
  ),
  caseOf('a token', `${overHttp()}${authentication(issuer())}`, [
    ['/', 200],
    ['/', 401, bearer('abc')],
    ['/', 401, bearer('a.b.c')],
    ['/', 401, bearer(token({ iss: 'else', exp: LATER }))],
    ['/', 401, bearer(token({ iss: 'good', exp: 1 }))],
    ['/?access_token=abc', 401],
    ['/', 200, { headers: { Authorization: 'bearer abc' } }],
    ['/', 200, { headers: { Authorization: 'Basic abc' } }],
    ['/', 401, { headers: { Authorization: 'Basic x Bearer abc' } }],
    ['/', 401, bearer(`${token({ iss: 'good', exp: 1 })},${token({ iss: 'good', exp: 1 })}`)],
    ['/', 401, bearer(' =abc=')],
    ['/', 200, { headers: { Authorization: 'Bearer' } }],
    ['/', 200, { headers: { 'x-token': 'abc' } }],
  ]),
  caseOf(
    'a token in another place',
    `${overHttp()}${authentication(issuer(', fromHeaders: [{ name: x-token, prefix: "t " }]'))}`,
    [
      ['/', 401, { headers: { 'x-token': 't abc' } }],
      ['/', 200, { headers: { 'x-token': 'abc' } }],
      ['/', 200, bearer('abc')],
      ['/?access_token=abc', 200],
    ],
  ),
  caseOf(
    'a token in a header of its own, and one after a prefix without a blank',
    `${overHttp()}${authentication(issuer(', fromHeaders: [{ name: x-token }, { name: x-other, prefix: JWT }]'))}`,
    [
      ['/', 401, { headers: { 'x-token': 'abc' } }],
      ['/', 401, { headers: { 'x-token': '' } }],
      ['/', 401, { headers: { 'x-other': 'JWT' } }],
      ['/', 200, { headers: { 'x-other': 'jwt abc' } }],
      ['/', 200],
    ],
  ),
  caseOf('a token in a parameter', `${overHttp()}${authentication(issuer(', fromParams: [token]'))}`, [
    ['/?token=abc', 401],
    ['/?token=', 401],
    ['/?token', 401],
    ['/?%74oken=abc', 401],
    ['/?a=?b&token=abc', 401],
    ['/?access_token=abc', 200],
    ['/', 200, bearer('abc')],
  ]),
  caseOf('a token in a cookie', `${overHttp()}${authentication(issuer(', fromCookies: [token]'))}`, [
    ['/', 401, { headers: { Cookie: 'a=b; token=abc' } }],
    ['/', 401, { headers: { Cookie: 'token=' } }],
    ['/', 200, { headers: { Cookie: 'token' } }],
    ['/', 200, bearer('abc')],
  ]),
  caseOf(
    'a token in quotes in a cookie',
    `${overHttp()}${authentication(issuer(', audiences: [us], fromCookies: [token]'))}`,
    [['/', 403, { headers: { Cookie: `token="${token({ iss: 'good', aud: 'them' })}"` } }]],
  ),
  caseOf('a token for another audience', `${overHttp()}${authentication(issuer(', audiences: [us]'))}`, [
    ['/', 403, bearer(token({ iss: 'good', aud: 'them', exp: LATER }))],
    ['/', 403, bearer(token({ iss: 'good' }))],
    ['/', 401, bearer('abc')],
    ...[
      token({ iss: 'good', nbf: LATER }),
      token({ iss: 'good', exp: 'soon' }),
      token({ iss: 'good', sub: 5 }),
      token({ iss: 'good', aud: 5 }),
      `${encoded({ alg: 'none' })}.${encoded({ iss: 'good' })}.x`,
      `${encoded({ alg: 'RS256' })}.${encoded({ iss: 'good' })}.`,
    ].map((bad): Row => ['/', 401, bearer(bad)]),
  ]),
  ...['outputPayloadToHeader: x-from-token', 'outputClaimToHeaders: [{ header: X-From-Token, claim: sub }]'].map(
    (output) =>
      caseOf(
        `a header that only tokens fill, ${output}`,
        `${overHttp(
          '{ match: [{ headers: { x-from-token: {} }, uri: { exact: /route } }], directResponse: { status: 418 } }',
        )}${authentication(issuer(`, ${output}`))}${policy(
          '{ action: DENY, rules: [{ when: [{ key: "request.headers[x-from-token]", values: ["*"] }] }] }',
        )}`,
        [
          ['/', 200, { headers: { 'x-from-token': 'a' } }],
          // The route has been chosen before.
          ['/route', 418, { headers: { 'x-from-token': 'a' } }],
        ],
      ),
  ),
  caseOf('methods', overHttp(), [
    ...['PURGE', 'PROPFIND', 'REPORT', 'SOURCE'].map((method): Row => ['/', 200, { method }]),
    ...['get', 'QUERY', 'FOO', 'M-SEARCH'].map((method): Row => ['/', 400, { method, ...atSidecar }]),
  ]),
  caseOf('two issuers', `${overHttp()}${authentication(`${issuer()}, { issuer: second, jwks: '${JWKS}' }`)}`, [
    ['/', 200],
    ['/', 401, bearer(token({ iss: 'third', exp: LATER }))],
  ]),
  caseOf('tokens without rules', `${overHttp()}${authentication('')}`, [['/', 200, bearer('abc')]]),
  caseOf(
    'tokens at other pods',
    `${overHttp()}${authentication(issuer(), { app: 'other' })}${authentication(issuer(), { namespace: 'shop' })}`,
    [['/', 200, bearer('abc')]],
  ),
  caseOf('tokens in the root namespace', `${overHttp()}${authentication(issuer(), { namespace: 'istio-system' })}`, [
    ['/', 200],
    ['/', 401, bearer('abc')],
  ]),
  caseOf(
    'a policy that asks for a token',
    `${overHttp()}${authentication(issuer())}${policy(
      '{ action: DENY, rules: [{ from: [{ source: { notRequestPrincipals: ["*"] } }] }] }',
    )}`,
    [
      ['/', 403],
      ['/', 401, bearer('abc')],
    ],
  ),
  caseOf(
    'headers by which clients would tell Envoy what to do, and others, denied at the gateway',
    `${overHttp()}${policy(
      `{ action: DENY, rules: [${[...TAKEN, ...TAKEN_AT_GATEWAY, ...KEPT]
        .map((name) => `{ when: [{ key: "request.headers[${name}]", values: ["*"] }] }`)
        .join(', ')}] }`,
    )}`,
    [
      ...[...TAKEN, ...TAKEN_AT_GATEWAY].map((name): Row => ['/', 200, { headers: { [name]: '7' } }]),
      ...KEPT.map((name): Row => ['/', 403, { headers: { [name]: '7' } }]),
    ],
  ),
  caseOf(
    'the same headers in a route of the sidecar',
    `${ENTRY}${routes(
      `{ match: [${[...TAKEN, ...TAKEN_AT_GATEWAY, ...KEPT]
        .map((name) => `{ headers: { ${name}: {} } }`)
        .join(', ')}], directResponse: { status: 418 } }`,
    )}`,
    [
      ...TAKEN.map((name): Row => ['/', 200, { headers: { [name]: '7' } }]),
      ...[...TAKEN_AT_GATEWAY, ...KEPT].map((name): Row => ['/', 418, { headers: { [name]: '7' }, ...atSidecar }]),
    ],
  ),
  caseOf('a header without a value', `${overHttp()}${allowedWhen('key: "request.headers[x-a]", values: ["*"]')}`, [
    ['/', 200, { headers: { 'x-a': 'a' } }],
    ['/', 200, { headers: { 'x-a': '' } }],
    ['/', 403],
  ]),
  caseOf('white space around a header', `${overHttp()}${allowedWhen('key: "request.headers[x-a]", values: ["a"]')}`, [
    ['/', 200, { headers: { 'x-a': ' a ' } }],
  ]),
  caseOf('where no header may be', `${overHttp()}${allowedWhen('key: "request.headers[x-a]", notValues: ["*"]')}`, [
    ['/', 403, { headers: { 'x-a': 'a' } }],
    ['/', 403, { headers: { 'x-a': '' } }],
    ['/', 200],
  ]),
  caseOf(
    'claims of a token that is not there',
    `${overHttp()}${allowedWhen('key: "request.auth.claims[group]", notValues: [x]')}`,
    [['/', 200]],
  ),
  ...(
    [
      [undefined, 'principals: [cluster.local/ns/shop/sa/app]', 200, 403],
      [undefined, 'principals: ["cluster.local/*"]', 200, 200],
      [undefined, 'principals: [td2/ns/shop/sa/app]', 403, 403],
      [undefined, 'notPrincipals: [td2/ns/shop/sa/app]', 200, 200],
      [undefined, 'namespaces: ["*op"]', 200, 200],
      [undefined, 'serviceAccounts: [app]', 403, 403],
      [undefined, 'trustDomains: [td2]', 403, 403],
      [undefined, 'trustDomains: ["cluster*"]', 200, 200],
      ['td2', 'principals: [td2/ns/shop/sa/app]', 200, 403],
      ['td2', 'principals: ["td2/ns/shop/sa/*"]', 200, 200],
      ['td2', 'principals: ["*2/ns/shop/sa/app"]', 200, 403],
      ['td2', 'principals: ["td2/*"]', 403, 403],
      ['td2', 'principals: [td3/ns/shop/sa/app]', 403, 403],
      ['td2', 'notPrincipals: [td2/ns/shop/sa/app]', 403, 200],
      ['td2', 'trustDomains: [td2]', 200, 200],
      ['td2', 'notTrustDomains: [td2]', 403, 403],
    ] as const
  ).map(([alias, source, app, other]) =>
    caseOf(
      `${source}, alias ${alias}`,
      `${overTls()}${allowedFrom(source)}`,
      [
        ['/', app],
        ['/', other, { from: 'other' }],
      ],
      { mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY', ...(alias && { trustDomainAliases: [alias] }) } },
    ),
  ),
  ...(
    [
      ['key: source.principal, values: [cluster.local/ns/shop/sa/app]', 200, 403],
      ['key: source.serviceAccount, values: [shop/app]', 200, 403],
      ['key: source.trustDomain, values: [cluster.local]', 200, 200],
      ['key: source.namespace, values: [shop]', 200, 200],
      ['key: connection.sni, values: [site.example.com]', 200, 200],
      ['key: destination.port, values: ["8443"]', 200, 200],
      ['key: destination.port, values: ["443"]', 403, 403],
      ['key: "request.headers[x-request-id]", values: ["*"]', 200, 200],
      ['key: "request.headers[x-forwarded-client-cert]", values: ["*"]', 200, 200],
      ['key: "request.headers[x-forwarded-proto]", values: [https]', 200, 200],
    ] as const
  ).map(([condition, app, other]) =>
    caseOf(`when ${condition}`, `${overTls()}${allowedWhen(condition)}`, [
      ['/', app],
      ['/', other, { from: 'other' }],
    ]),
  ),
  caseOf('the scheme at a server in plaintext', overHttp(...schemes), [
    // A hop without TLS tells nobody who the caller is.
    ['/scheme', 200, { expect: { outcome: 'answered', identityAtGateway: 'none' } }],
    ['/header', 200],
    ['/header', 200, sentHttps],
    // The hop speaks HTTP/2, which carries the scheme that the sidecar has read.
    ['/scheme', 418, sentHttps],
    ['/elsewhere', 200, followed('gateway')],
  ]),
  caseOf(
    'the scheme at a server in plaintext, over HTTP/1.1',
    `${ENTRY}${servers(HTTP)}${toGateway(80, 'over-http1.egress.svc.cluster.local')}${outside(...schemes)}---
apiVersion: v1
kind: Service
metadata: { name: over-http1, namespace: egress }
spec: { selector: { istio: egressgateway }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
`,
    [['/scheme', 200, sentHttps]],
  ),
  caseOf('the scheme at a TLS server', overTls(...schemes), [
    ['/scheme', 418],
    ['/header', 419],
    ['/elsewhere', 200, followed('sidecar')],
  ]),
  caseOf(
    'the scheme at a TLS server, over HTTP/2',
    `${ENTRY}${servers(MUTUAL)}${toGateway(443)}${hopTls('connectionPool: { http: { h2UpgradePolicy: UPGRADE } },')}${outside(...schemes)}`,
    [
      ['/scheme', 200],
      ['/scheme', 418, sentHttps],
      ['/header', 419],
      ['/elsewhere', 200, followed('gateway')],
      ['/elsewhere', 200, followed('sidecar', sentHttps)],
    ],
  ),
  caseOf('the scheme at a sidecar', `${ENTRY}${routes(...schemes)}`, [
    ['/scheme', 200],
    ['/header', 200],
    ['/scheme', 418, { ...sentHttps, ...atSidecar }],
    ['/header', 419, { ...sentHttps, ...atSidecar }],
  ]),
  caseOf(
    'paths that the sidecar has rewritten',
    `${overHttp('{ match: [{ uri: { prefix: /moved/ } }], redirect: { prefixRewrite: /there/ } }', answers('/there/x', 418))}${denied('/admin', '/a/admin')}`.replace(
      `http: [{ route: [{ destination: { host: ${GATEWAY}`,
      `http: [${[
        'match: [{ uri: { prefix: /old/ } }], rewrite: { uri: / }',
        'match: [{ uri: { exact: /exact } }], rewrite: { uri: /admin }',
        'match: [{ uri: { regex: "/r[0-9]" } }], rewrite: { uri: /admin }',
        'match: [{ uri: { prefix: /x/ } }], rewrite: { uriRegexRewrite: { match: "^/x/([^/]*)/(.*)$", rewrite: "/\\\\1/\\\\2" } }',
        'match: [{ headers: { add: { exact: a } } }], rewrite: { uri: /a/ }',
      ]
        .map((one) => `{ ${one}, route: [{ destination: { host: ${GATEWAY}, port: { number: 80 } } }] }`)
        .join(', ')}, { route: [{ destination: { host: ${GATEWAY}`,
    ),
    [
      ['/old/admin', 403],
      ['/old/other', 200],
      ['/exact?x', 403],
      ['/r1', 403],
      ['/x/a/admin', 403],
      ['/x/b/admin', 200],
      ['/admin', 403, { headers: { add: 'a' } }],
      ['/moved/x', 418, { follow: true }],
    ],
  ),
  caseOf(
    'a DENY rule for a caller, with a path, at a server that does not read HTTP',
    `${ENTRY}${servers(MUTUAL.replace('HTTPS', 'TLS'))}${tlsToGateway(443)}${hopTls()}${bytesTo('site.example.com')}${policy(
      '{ action: DENY, rules: [{ from: [{ source: { principals: [cluster.local/ns/shop/sa/app] } }], ' +
        'to: [{ operation: { paths: [/admin] } }] }] }',
    )}`,
    [
      ['https://site.example.com/', 'tls-closed'],
      ['https://site.example.com/', 200, { from: 'other' }],
    ],
  ),
  caseOf('a hop in TLS to a server in plaintext', `${overHttp()}${hopTls()}`, [['/', 503]]),
  caseOf('a gateway that sends requests to itself', `${ENTRY}${servers(HTTP)}${toGateway(80)}${circle}`, [
    ['/', 'refused'],
  ]),
  caseOf('patches that remove filters that are not there', `${overTls()}${removing}`, [['/', 200]]),
  // HTTP/1.1 is what proxies speak to a port that is declared as HTTP; a server of gRPC does not.
  caseOf('gRPC to a port that is declared as HTTP', overTls(), [
    ['/', 'grpc-unavailable', { speak: 'grpc', expect: { outcome: 'refused', by: 'host', via: 'gateway' } }],
  ]),
  caseOf('a hop in plaintext to a TLS server', `${ENTRY}${servers(MUTUAL)}${toGateway(443)}${outside()}`, [['/', 503]]),
  caseOf("the application's TLS at a server in plaintext", `${ENTRY}${servers(HTTP)}${tlsToGateway(80)}${outside()}`, [
    ['https://site.example.com/', 'tls-closed'],
  ]),
  caseOf(
    "the application's TLS at a server of the mesh",
    `${ENTRY}${servers(MUTUAL)}${tlsToGateway(443)}${outside()}`,
    [['https://site.example.com/', 'certificate-rejected']],
  ),
  // It connects to the destination before the handshake, and closes what it has no endpoints for.
  ...Object.entries({
    'the host': ['site.example.com', 'certificate-rejected'],
    'a host without endpoints': ['empty.example.com', 'tls-closed'],
    'a host that is not declared': ['absent.example.com', 'tls-closed'],
  } as const).map(([what, [host, symptom]]) =>
    caseOf(
      `the application's TLS at a server of the mesh that passes bytes on to ${what}`,
      `${ENTRY}${servers(MUTUAL.replace('HTTPS', 'TLS'))}${tlsToGateway(443)}${EMPTY}${bytesTo(host)}`,
      [['https://site.example.com/', symptom]],
    ),
  ),
  caseOf(
    'a server that redirects, and a policy',
    `${ENTRY}${servers(HTTP.replace('hosts', 'tls: { httpsRedirect: true }, hosts'))}${toGateway(80)}${outside()}${denied('/admin')}`,
    [
      ['/', 301],
      ['/admin', 403],
    ],
  ),
  caseOf(
    'a server that redirects another host',
    `${ENTRY}${servers('{ port: { number: 80, name: http, protocol: HTTP }, tls: { httpsRedirect: true }, hosts: [else.example.com] }')}${toGateway(80)}${outside()}`,
    [['/', 404]],
  ),
  caseOf(
    'a server that redirects another host beside one for this host',
    `${ENTRY}${servers(
      '{ port: { number: 80, name: http, protocol: HTTP }, tls: { httpsRedirect: true }, hosts: [else.example.com] }',
      HTTP.replace('name: http', 'name: http-2'),
    )}${toGateway(80)}${outside()}`,
    [['/', 200]],
  ),
  caseOf(
    'client certificates for those who may list Secrets',
    `${readers}${originated('partner', 'MUTUAL')}`,
    [
      ['http://partner.example.com/', 503, atSidecar],
      ['http://partner.example.com/', 200, { from: 'other' }],
      ['http://partner.example.com/', 503, { from: 'third', ...atSidecar }],
      ['http://partner.example.com/', 503, { from: 'fourth', ...atSidecar }],
    ],
    { waits: true },
  ),
  caseOf('an authority for everybody', `${readers}${originated('private', 'SIMPLE')}`, [
    ['http://private.example.com/', 200],
    ['http://private.example.com/', 200, { from: 'third' }],
  ]),
  caseOf(
    'a server at an address that only the pod itself reaches',
    `${ENTRY}${servers(HTTP.replace('hosts', 'bind: 127.0.0.1, hosts'))}${toGateway(80)}${outside()}`,
    [['/', 503]],
  ),
  caseOf(
    'a server at every address',
    `${ENTRY}${servers(HTTP.replace('hosts', 'bind: 0.0.0.0, hosts'))}${toGateway(80)}${outside()}`,
    [['/', 200]],
  ),
  caseOf(
    'bytes that the gateway reads as the first',
    `${ENTRY.trimEnd().replace(/ }\]$/, ' }, { number: 81, name: tcp, protocol: TCP }]')}
${servers(HTTP)}---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: to-gateway, namespace: egress }
spec:
  hosts: [site.example.com]
  tcp: [{ match: [{ port: 81 }], route: [{ destination: { host: ${GATEWAY}, port: { number: 80 } } }] }]
${outside()}${denied('/admin')}`,
    [
      ['http://site.example.com:81/', 200],
      ['http://site.example.com:81/admin', 403],
    ],
  ),
];
