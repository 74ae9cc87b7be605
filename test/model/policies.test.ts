/** Where the manifests do not tell what a policy depends on, and what a refusal by policies says. */
import { ask, EXIT_PODS, LOCKED } from './support';
import { Answer, World } from '../../src/model';

const service = (ports: string, name = 'exit', selector = '{ istio: exit }') => `---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: egress }
spec: { selector: ${selector}, ports: [${ports}] }
`;
const deployment = (labels: string, ports = '') => `---
apiVersion: apps/v1
kind: Deployment
metadata: { name: exit, namespace: egress }
spec: { template: { metadata: { labels: ${labels} }, spec: { serviceAccountName: exit, containers: [{ name: istio-proxy, ports: [${ports}] }] } } }
`;
/** A recipe through the gateway behind a Service, over mutual TLS. */
const recipe = (name: string, istio: string) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: site, namespace: egress }
spec: { hosts: [site.example.com], location: MESH_EXTERNAL, resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP }] }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: exit, namespace: egress }
spec:
  selector: { istio: ${istio} }
  servers: [{ port: { number: 443, name: https, protocol: HTTPS }, tls: { mode: ISTIO_MUTUAL }, hosts: [site.example.com] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: site, namespace: egress }
spec:
  hosts: [site.example.com]
  gateways: [mesh, exit]
  http:
    - match: [{ gateways: [mesh] }]
      route: [{ destination: { host: ${name}.egress.svc.cluster.local, port: { number: 443 } } }]
    - match: [{ gateways: [exit] }]
      route: [{ destination: { host: site.example.com, port: { number: 80 } } }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: hop, namespace: egress }
spec: { host: ${name}.egress.svc.cluster.local, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: site.example.com } } }
`;
const OWN = recipe('exit', 'exit');
const policy = (spec: string, name = 'policy') => `---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${name}, namespace: egress }
spec: ${spec}
`;
const denies = (rule: string) => policy(`{ action: DENY, rules: [${rule}] }`);
const network = (spec: string, namespace = 'egress') => `---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: network, namespace: ${namespace} }
spec: ${spec}
`;
const call = (yaml: string, url = 'http://site.example.com/', world: World = LOCKED): Answer =>
  ask(yaml, 'shop/app', url, world);
const outcome = ({ outcome: is, symptom, status }: Answer) => (is === 'undetermined' ? is : (status ?? symptom));
const HTTPS = service('{ name: https, port: 443, targetPort: 8443 }');

describe('the labels of gateway pods', () => {
  const other = (action: string, rules = '[{}]') =>
    policy(`{ action: ${action}, selector: { matchLabels: { app: exit } }, rules: ${rules} }`);

  test('unknown ones decide, and the answer says what to add', () => {
    const answer = call(`${OWN}${HTTPS}${other('DENY')}`);
    expect(answer.outcome).toBe('undetermined');
    expect(answer.reason).toMatch(/AuthorizationPolicy egress\/policy .* the label app=exit: add their Deployment/);
    expect(answer.causes).toMatchObject([{ kind: 'AuthorizationPolicy', field: 'spec.selector.matchLabels' }]);
  });

  test.each([
    ['with the label', '{ istio: exit, app: exit }', 403],
    ['with another value', '{ istio: exit, app: else }', 200],
    ['without it', '{ istio: exit }', 200],
  ])('a Deployment %s tells', (_what, labels, seen) => {
    expect(outcome(call(`${OWN}${HTTPS}${deployment(labels)}${other('DENY')}`))).toBe(seen);
  });

  test.each([
    ['a policy that would not match', other('DENY', '[{ to: [{ operation: { paths: [/admin] } }] }]'), 200],
    ['a policy that would let it in', other('ALLOW'), 200],
    ['a policy beside one that refuses', `${other('DENY')}${policy('{}', 'none')}`, 403],
    [
      'a policy with another value of a known label',
      denies('{}').replace('spec: {', 'spec: { selector: { matchLabels: { istio: x } },'),
      200,
    ],
  ])('%s changes nothing', (_what, more, seen) => {
    expect(outcome(call(`${OWN}${HTTPS}${more}`))).toBe(seen);
  });

  test('an ALLOW policy that may apply, and may not match, decides', () => {
    expect(outcome(call(`${OWN}${HTTPS}${other('ALLOW', '[{ to: [{ operation: { paths: [/x] } }] }]')}`))).toBe(
      'undetermined',
    );
    expect(outcome(call(`${OWN}${HTTPS}${policy('{}', 'none')}${other('ALLOW')}`))).toBe('undetermined');
  });

  test("Istio's standard gateway has its usual labels and ports, which is listed", () => {
    const standard = recipe('istio-egressgateway', 'egressgateway');
    const labels = '{ action: DENY, selector: { matchLabels: { app: istio-egressgateway } }, rules: [{}] }';
    expect(outcome(call(`${standard}${policy(labels)}`))).toBe(403);
    expect(outcome(call(`${standard}${denies('{ to: [{ operation: { ports: ["8443"] } }] }')}`))).toBe(403);
    const answer = call(`${standard}${denies('{ to: [{ operation: { ports: ["443"] } }] }')}`);
    expect(outcome(answer)).toBe(200);
    expect(answer.assumptions).toContainEqual(
      expect.stringMatching(
        /istio-egressgateway.* is Istio's standard gateway: .*app=istio-egressgateway.*443 to 8443/,
      ),
    );
  });
});

test.each([
  ['a server for the host', 'site.example.com', 'undetermined'],
  ['a server for another host', 'else.example.com', 200],
])('a Gateway with an unknown label of the pods, and %s', (_what, host, seen) => {
  const gateway = `---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: second, namespace: egress, creationTimestamp: 2020-01-01T00:00:00Z }
spec:
  selector: { app: exit }
  servers: [{ port: { number: 443, name: https, protocol: HTTPS }, tls: { mode: ISTIO_MUTUAL }, hosts: [${host}] }]
`;
  expect(outcome(call(`${OWN}${HTTPS}${gateway}`))).toBe(seen);
  expect(outcome(call(`${OWN}${HTTPS}${gateway}${deployment('{ istio: exit }')}`))).toBe(200);
});

describe('the ports of gateway pods', () => {
  const onPort = (port: number) => denies(`{ to: [{ operation: { ports: ["${port}"] } }] }`);
  const named = service('{ name: https, port: 443, targetPort: tls }');

  test.each([
    ['are assumed for a Service that is not there', OWN, 'undetermined', 'undetermined'],
    ['are unknown where a name stands for them', `${OWN}${named}`, 'undetermined', 'undetermined'],
    ['are those of the Service', `${OWN}${HTTPS}`, 200, 403],
    [
      'are those of the containers',
      `${OWN}${named}${deployment('{ istio: exit }', '{ name: tls, containerPort: 8443 }')}`,
      200,
      403,
    ],
  ])('%s', (_what, yaml, on443, on8443) => {
    expect([443, 8443].map((port) => outcome(call(`${yaml}${onPort(port)}`)))).toEqual([on443, on8443]);
  });

  test('do not matter to a rule that does not match anyway', () => {
    const rule = '{ to: [{ operation: { ports: ["443"], paths: [/admin] } }] }';
    expect(outcome(call(`${OWN}${denies(rule)}`))).toBe(200);
  });
});

describe('what the model does not know counts only where it decides', () => {
  const addresses = 'from: [{ source: { ipBlocks: [10.0.0.0/8] } }]';
  test.each([
    ['addresses', `{ action: DENY, rules: [{ ${addresses} }] }`, 'undetermined'],
    [
      'addresses of another path',
      `{ action: DENY, rules: [{ ${addresses}, to: [{ operation: { paths: [/x] } }] }] }`,
      200,
    ],
    [
      'addresses beside a rule that lets in',
      `{ rules: [{ ${addresses} }, { to: [{ operation: { methods: [GET] } }] }] }`,
      200,
    ],
    ['addresses that could let in', `{ rules: [{ ${addresses} }] }`, 'undetermined'],
    [
      'addresses and a principal',
      `{ rules: [{ from: [{ source: { ipBlocks: [10.0.0.0/8], principals: [x] } }] }] }`,
      403,
    ],
    ['a condition', '{ action: DENY, rules: [{ when: [{ key: remote.ip, values: [1.2.3.4] }] }] }', 'undetermined'],
    ['a new field', '{ action: DENY, rules: [{ to: [{ operation: { moods: [bad] } }] }] }', 'undetermined'],
    ['an external authorizer', '{ action: CUSTOM, provider: { name: x }, rules: [{}] }', 'undetermined'],
    [
      'one for another path',
      '{ action: CUSTOM, provider: { name: x }, rules: [{ to: [{ operation: { paths: [/x] } }] }] }',
      200,
    ],
  ])('%s', (_what, spec, seen) => {
    expect(outcome(call(`${OWN}${HTTPS}${policy(spec)}`))).toBe(seen);
  });
});

test('an external authorizer that the mesh does not have lets nobody in', () => {
  const yaml = `${OWN}${HTTPS}${policy('{ action: CUSTOM, provider: { name: x }, rules: [{}] }')}`;
  const asked = (authorizers?: string[]) =>
    outcome(ask(yaml, 'shop/app', 'http://site.example.com/', { ...LOCKED, authorizers }));
  expect([asked([]), asked(['y']), asked(['x']), asked()]).toEqual([403, 403, 'undetermined', 'undetermined']);
});

test.each(['x-envoy-attempt-count', 'x-envoy-external-address', 'x-forwarded-for', 'x-request-id'])(
  'a gateway gives %s a value of its own',
  (name) => {
    const rule = denies(`{ when: [{ key: 'request.headers[${name}]', values: [a] }] }`);
    const request = { url: 'http://site.example.com/', headers: { [name]: 'a' } };
    expect(outcome(ask(`${OWN}${HTTPS}${rule}`, 'shop/app', request))).toBe('undetermined');
  },
);

test('a token that could be valid makes the answer undetermined, and no token does not', () => {
  const rules = `---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens, namespace: egress }
spec: { jwtRules: [{ issuer: good, jwksUri: 'https://keys.example.com' }] }
`;
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = `${encoded({ alg: 'RS256' })}.${encoded({ iss: 'good' })}.c2ln`;
  const send = (authorization: string) =>
    outcome(ask(`${OWN}${HTTPS}${rules}`, 'shop/app', { url: 'http://site.example.com/', headers: { authorization } }));
  expect([send(`Bearer ${token}`), send(`Bearer ${token}x.`), send('Basic x')]).toEqual(['undetermined', 401, 200]);
});

test.each(['', '{}', '{"keys":[]}', 'no JSON'])('keys given as %p', (jwks) => {
  const rules = `---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens, namespace: egress }
spec: { jwtRules: [{ issuer: good, jwks: '${jwks}' }] }
`;
  // Proxies refuse a listener for them; without any, they are fetched.
  expect(outcome(call(`${OWN}${HTTPS}${rules}`))).toBe(jwks === '' ? 200 : 'undetermined');
});

test.each([
  ['fromHeaders: [{ name: a b }]', 200],
  ['outputPayloadToHeader: x-payload', 200],
  ['fromHeaders: null', 200],
  ['outputPayloadToHeader: null', 200],
  ['outputClaimToHeaders: null', 200],
  ['fromHeaders: [{ name: "a\\nb" }]', 'undetermined'],
  ['fromHeaders: [{ name: a, prefix: "b\\n" }]', 'undetermined'],
  ['outputPayloadToHeader: "a\\nb"', 'undetermined'],
  ['outputPayloadToHeader: ":path"', 'undetermined'],
  ['outputClaimToHeaders: [{ header: Host, claim: a }]', 'undetermined'],
])('a rule for tokens with %s', (setting, answer) => {
  const rules = `---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens, namespace: egress }
spec: { jwtRules: [{ issuer: good, jwks: '{"keys":[{}]}', ${setting} }] }
`;
  expect(outcome(call(`${OWN}${HTTPS}${rules}`))).toBe(answer);
});

describe('a refusal by ALLOW policies says which conditions failed, the nearest rules first', () => {
  const reason = (rules: string, path = '/') =>
    call(`${OWN}${HTTPS}${policy(`{ rules: [${rules}] }`)}`, `http://site.example.com${path}`).reason;

  test.each([
    [
      'principal',
      '{ from: [{ source: { principals: [cluster.local/ns/shop/sa/other] } }] }',
      'the caller cluster.local/ns/shop/sa/app is not in from[0].source.principals, in rules[0] of egress/policy',
    ],
    [
      'host',
      '{ to: [{ operation: { hosts: [else.example.com] } }] }',
      'the host site.example.com is not in to[0].operation.hosts, in rules[0] of egress/policy',
    ],
    [
      'path',
      '{ to: [{ operation: { notPaths: [/] } }] }',
      'the path / is in to[0].operation.notPaths, in rules[0] of egress/policy',
    ],
    [
      'port',
      '{ to: [{ operation: { ports: ["443"] } }] }',
      'the pod port 8443 is not in to[0].operation.ports, in rules[0] of egress/policy',
    ],
    [
      'the nearest of several',
      '{ from: [{ source: { namespaces: [x] } }], to: [{ operation: { methods: [PUT] } }] }, ' +
        '{ to: [{ operation: { methods: [PUT], paths: [/x] } }, { operation: { methods: [POST] } }] }',
      'the method GET is not in to[1].operation.methods, in rules[1] of egress/policy; ' +
        'the caller cluster.local/ns/shop/sa/app is not in from[0].source.namespaces and ' +
        'the method GET is not in to[0].operation.methods, in rules[0] of egress/policy',
    ],
    ['nothing', '', 'they have no rules'],
  ])('%s', (_what, rules, text) => {
    expect(reason(rules)).toBe(`no rule of an ALLOW AuthorizationPolicy matches the request: ${text}`);
  });
});

describe('NetworkPolicies', () => {
  const from = (peer: string) => network(`{ podSelector: {}, ingress: [{ from: [${peer}] }] }`);
  const trusted = from('{ namespaceSelector: { matchLabels: { team: trusted } } }');
  const namespace = (team: string) =>
    `---\napiVersion: v1\nkind: Namespace\nmetadata: { name: shop, labels: { team: ${team} } }\n`;

  test.each([
    ['a label of a namespace that is not there', trusted, 'undetermined'],
    ['a label of a Namespace', `${trusted}${namespace('trusted')}`, 200],
    ['another label of a Namespace', `${trusted}${namespace('else')}`, 503],
    [
      'the name of a namespace',
      from('{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: shop } } }'),
      200,
    ],
    ['another name', from('{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: x } } }'), 503],
    [
      'a label beside another name',
      from('{ namespaceSelector: { matchLabels: { team: x, kubernetes.io/metadata.name: x } } }'),
      503,
    ],
    [
      'a label beside a peer that fits',
      from('{ namespaceSelector: { matchLabels: { team: x } } }, { namespaceSelector: {} }'),
      200,
    ],
    ['addresses that pods may have', from('{ ipBlock: { cidr: 10.0.0.0/8 } }'), 'undetermined'],
    ['addresses that pods have not', from('{ ipBlock: { cidr: 203.0.113.0/24 } }'), 503],
    [
      'a label of the gateway pods',
      network('{ podSelector: { matchLabels: { app: x } }, ingress: [] }'),
      'undetermined',
    ],
    [
      'a label of the gateway pods, of a policy that lets in what another one does not',
      network('{ podSelector: {} }') +
        network('{ podSelector: { matchLabels: { app: x } }, ingress: [{}] }').replace('name: network', 'name: more'),
      'undetermined',
    ],
    ['another value of a known label', network('{ podSelector: { matchLabels: { istio: x } }, ingress: [] }'), 200],
  ])('%s', (_what, yaml, seen) => {
    expect(outcome(call(`${OWN}${HTTPS}${yaml}`))).toBe(seen);
  });

  test('the answer names the label that is missing', () => {
    expect(call(`${OWN}${HTTPS}${trusted}`)).toMatchObject({
      reason: 'it is unknown whether namespace shop has the label team=trusted: add its Namespace',
      causes: [{ kind: 'NetworkPolicy', field: 'spec.ingress[0]' }],
    });
  });

  test('an access table describes every namespace', () => {
    const table: World = {
      ...LOCKED,
      external: [{ host: 'site.example.com', address: '203.0.113.10', http: 'ok' }],
      gateways: [EXIT_PODS],
    };
    expect(outcome(call(`${OWN}${HTTPS}${trusted}`, undefined, table))).toBe(503);
  });

  const leaving = (block: string) =>
    network(`{ podSelector: {}, policyTypes: [Egress], egress: [{ to: [{ ipBlock: ${block} }] }] }`);
  test.each([
    ['every address', '{ cidr: 0.0.0.0/0 }', 200],
    ['every address but private ones', '{ cidr: 0.0.0.0/0, except: [10.0.0.0/8, 169.254.169.254/32] }', 200],
    ['every address but some public ones', '{ cidr: 0.0.0.0/0, except: [203.0.113.0/24] }', 'undetermined'],
    ['some public ones', '{ cidr: 203.0.113.0/24 }', 'undetermined'],
    ['private ones', '{ cidr: 100.64.0.0/10 }', 503],
    ['public ones that look private', '{ cidr: 172.0.0.0/8 }', 'undetermined'],
  ])('a host without a known address, and %s', (_what, block, seen) => {
    expect(outcome(call(`${OWN}${HTTPS}${leaving(block)}`))).toBe(seen);
  });

  const BUT_PRIVATE = '{ to: [{ ipBlock: { cidr: 0.0.0.0/0, except: [10.0.0.0/8] } }] }';
  const also = (selector: string, rule: string) =>
    network(`{ podSelector: {}, policyTypes: [Egress], egress: [${BUT_PRIVATE}] }`) +
    network(`{ podSelector: ${selector}, policyTypes: [Egress], egress: [${rule}] }`).replace(
      'name: network',
      'name: more',
    );
  test.each([
    [
      'a port that has a name at pods',
      also('{}', '{ ports: [{ port: web }], to: [{ ipBlock: { cidr: 0.0.0.0/0 } }] }'),
    ],
    ['a policy that may be for other pods', also('{ matchLabels: { app: x } }', '{}')],
  ])('private addresses are not open by %s', (_what, yaml) => {
    expect(call(`${OWN}${HTTPS}${yaml}`).condition?.holds).toContain('site.example.com has a public address');
  });
  test('private addresses are open by a policy that is certainly for the pods', () => {
    expect(call(`${OWN}${HTTPS}${also('{}', '{}')}`).condition?.holds ?? '').not.toContain('public address');
  });
});

describe('who may list Secrets', () => {
  const originated = (namespace: string, more = '') => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: site, namespace: ${namespace} }
spec: { hosts: [site.example.com], location: MESH_EXTERNAL, resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: site, namespace: ${namespace} }
spec: { host: site.example.com, ${more} trafficPolicy: { tls: { mode: MUTUAL, credentialName: client, sni: site.example.com } } }
`;
  const atSidecar = originated('shop', 'workloadSelector: { matchLabels: { app: app } },');
  const binding = (kind: string, role: string, subject: string) => `---
apiVersion: rbac.authorization.k8s.io/v1
kind: ${kind}
metadata: { name: binding, namespace: shop }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ${role} }
subjects: [${subject}]
`;
  const role = (more: string) => `---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: reader }
${more}
`;
  const app = '{ kind: ServiceAccount, name: app, namespace: shop }';
  const lists = role('rules: [{ apiGroups: ["*"], resources: ["*"], verbs: [list] }]');
  test.each([
    ['nothing is said', '', 'a condition'],
    ['a role of the cluster', `${lists}${binding('RoleBinding', 'reader', app)}`, 200],
    ['bound in the cluster', `${lists}${binding('ClusterRoleBinding', 'reader', app)}`, 200],
    ['a role that every cluster has', binding('RoleBinding', 'edit', app), 200],
    ['one that does not show Secrets', binding('RoleBinding', 'view', app), 'a condition'],
    [
      'bound to its user',
      `${lists}${binding('RoleBinding', 'reader', '{ kind: User, name: "system:serviceaccount:shop:app" }')}`,
      200,
    ],
    [
      'bound to another account',
      `${lists}${binding('RoleBinding', 'reader', app.replace('name: app', 'name: x'))}`,
      'a condition',
    ],
    [
      'bound to a group, which istiod does not name',
      `${lists}${binding('RoleBinding', 'reader', '{ kind: Group, name: "system:serviceaccounts:shop" }')}`,
      'a condition',
    ],
  ])('at a sidecar, %s', (_what, yaml, seen) => {
    const answer = call(`${atSidecar}${yaml}`);
    const isOpen = answer.condition?.holds.includes('service account shop/app may list the Secrets of its namespace');
    expect(isOpen ? 'a condition' : outcome(answer)).toBe(seen);
  });

  test('the answer says what to add', () => {
    expect(call(atSidecar).condition?.say).toMatch(/add the Role and RoleBinding of service account shop\/app/);
  });

  test('at a gateway that the manifests do not install, it is a condition', () => {
    const yaml = `${OWN}${HTTPS}${originated('egress').replace('name: site,', 'name: origination,')}`.replace(
      'number: 80, name: http, protocol: HTTP }',
      'number: 80, name: http, protocol: HTTP, targetPort: 443 }',
    );
    const answer = call(yaml);
    expect(outcome(answer)).toBe(200);
    expect(answer.condition?.holds).toMatch(/the gateway may list the Secrets of namespace egress/);
  });
});

test('a policy for the caller that names the host is mentioned, and does nothing', () => {
  const own = policy('{ action: DENY, rules: [{ to: [{ operation: { hosts: ["*.example.com"] } }] }] }');
  const answer = call(`${OWN}${HTTPS}${own.replace('namespace: egress', 'namespace: shop')}`);
  expect(outcome(answer)).toBe(200);
  expect(answer.remarks).toContainEqual(
    expect.objectContaining({
      code: 'policy-at-caller',
      decidedBy: [expect.objectContaining({ namespace: 'shop', name: 'policy', field: 'spec.rules[0]' })],
    }),
  );
  expect(call(`${OWN}${HTTPS}${denies('{ to: [{ operation: { hosts: [x] } }] }')}`).remarks).toEqual([]);
});
