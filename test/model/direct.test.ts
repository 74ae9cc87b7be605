import { ask, ENTRY, LOCKED } from './support';

const deployment = (annotations: string) => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: legacy, namespace: shop }
spec: { template: { metadata: { labels: { app: legacy }, annotations: ${annotations} } } }
`;
const policy = (spec: string) =>
  '---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: out, namespace: shop }\nspec: ' +
  `${spec}\n`;
const url = 'tcp://203.0.113.40:5432';

test.each([
  ['excluded ranges', '{ traffic.sidecar.istio.io/excludeOutboundIPRanges: 203.0.113.0/24 }', 'direct'],
  ['other excluded ranges', '{ traffic.sidecar.istio.io/excludeOutboundIPRanges: 198.51.100.0/24 }', undefined],
  ['excluded ports', '{ traffic.sidecar.istio.io/excludeOutboundPorts: "5432" }', 'direct'],
  ['included ranges only', '{ traffic.sidecar.istio.io/includeOutboundIPRanges: 10.0.0.0/8 }', 'direct'],
  [
    'included ports of a range that is not included',
    '{ traffic.sidecar.istio.io/includeOutboundIPRanges: 10.0.0.0/8, ' +
      'traffic.sidecar.istio.io/includeOutboundPorts: "5432" }',
    undefined,
  ],
  ['no sidecar at all', '{ sidecar.istio.io/inject: "false" }', 'direct'],
])('%s', (_what, annotations, via) => {
  expect(ask(deployment(annotations), 'shop/legacy', url).via).toBe(via);
});

test.each([
  'excludeOutboundIPRanges: 198.51.100.7',
  'excludeOutboundIPRanges: "198.51.100.0/24, 10.0.0.0/8"',
  'excludeOutboundIPRanges: 198.51.100.0/33',
  'excludeOutboundIPRanges: "*"',
  'includeOutboundIPRanges: "10.0.0.0/8,*"',
  'excludeOutboundPorts: 80-90',
  'excludeOutboundPorts: "*"',
  'includeOutboundPorts: "70000"',
])('%s: no pod starts with it', (annotation) => {
  expect(ask(deployment(`{ traffic.sidecar.istio.io/${annotation} }`), 'shop/legacy', url)).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringContaining('no pod starts with traffic.sidecar.istio.io/'),
  });
});

test('the pod template that decided is named', () => {
  const { steps } = ask(deployment('{ traffic.sidecar.istio.io/excludeOutboundPorts: "5432" }'), 'shop/legacy', url);
  expect(steps.flatMap((step) => step.decidedBy)).toContainEqual(
    expect.objectContaining({
      kind: 'Deployment',
      field: 'spec.template.metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]',
    }),
  );
});

const past = deployment('{ sidecar.istio.io/inject: "false" }');

test.each([
  ['allows no egress', '{ podSelector: {}, policyTypes: [Egress] }', 'refused'],
  ['selects other pods', '{ podSelector: { matchLabels: { app: other } }, policyTypes: [Egress] }', 'answered'],
  ['is for ingress only', '{ podSelector: {} }', 'answered'],
  [
    'allows the range',
    '{ podSelector: {}, policyTypes: [Egress], egress: [{ to: [{ ipBlock: { cidr: 203.0.113.0/24 } }], ports: ' +
      '[{ port: 5432 }] }] }',
    'answered',
  ],
  [
    'allows another port',
    '{ podSelector: {}, policyTypes: [Egress], egress: [{ to: [{ ipBlock: { cidr: 203.0.113.0/24 } }], ports: ' +
      '[{ port: 443 }] }] }',
    'refused',
  ],
  [
    'excludes the address',
    '{ podSelector: {}, policyTypes: [Egress], egress: [{ to: [{ ipBlock: { cidr: 0.0.0.0/0, except: ' +
      '[203.0.113.40/32] } }] }] }',
    'refused',
  ],
])('past the sidecar, a NetworkPolicy that %s', (_what, spec, outcome) => {
  expect(ask(`${past}${policy(spec)}`, 'shop/legacy', url)).toMatchObject({
    outcome,
    ...(outcome === 'refused' && { symptom: 'timeout', causes: [{ kind: 'NetworkPolicy' }] }),
  });
});

describe('a host whose address nobody knows, where a NetworkPolicy opens', () => {
  const opens = (cidr: string, more = '') =>
    policy(`{ podSelector: {}, policyTypes: [Egress], egress: [{ to: [{ ipBlock: { cidr: "${cidr}" } }]${more} }] }`);
  const answer = (yaml: string, world = LOCKED) =>
    ask(`${ENTRY}${yaml}`, 'shop/cart', 'https://site.example.com/', world);

  test.each(['10.1.2.0/24', '10.1.2.3/32', '192.168.7.0/28'])(
    '%s, part of a private network: it may be there',
    (cidr) =>
      expect(answer(opens(cidr))).toMatchObject({
        outcome: 'refused',
        condition: {
          holds: `site.example.com does not have an address in ${cidr} of NetworkPolicy shop/out`,
          say: expect.stringMatching(/^--dial ADDRESS/),
        },
      }),
  );

  test.each([
    ['a private network as a whole', opens('10.0.0.0/8')],
    ['another port', opens('10.1.2.0/24', ', ports: [{ port: 5432 }]')],
  ])('%s: it is not', (_what, yaml) => {
    expect(answer(yaml)).toMatchObject({ outcome: 'refused' });
    expect(answer(yaml).condition).toBeUndefined();
  });

  test('with exceptions, and among policies of other namespaces', () => {
    const except = opens('10.1.2.0/24').replace('"10.1.2.0/24"', '"10.1.2.0/24", except: ["10.1.2.0/28"]');
    const others = Array.from({ length: 30 }, (_, at) => opens(`10.9.${at}.0/24`).replace('shop', `n${at}`)).join('');
    for (const yaml of [except, others + opens('10.1.2.0/24')])
      expect(answer(yaml).condition?.holds).toBe(
        'site.example.com does not have an address in 10.1.2.0/24 of NetworkPolicy shop/out',
      );
  });

  test('a part of a public network: nobody knows', () =>
    expect(answer(opens('198.51.0.0/16'))).toMatchObject({
      outcome: 'undetermined',
      reason: expect.stringMatching(/--dial/),
    }));
});

describe('a NetworkPolicy that lets a request out', () => {
  const web = '{ ports: [{ port: 443 }] }';
  const names = '{ ports: [{ port: 53, protocol: UDP }] }';
  const istiod = '{ ports: [{ port: 15010, endPort: 15014 }] }';
  const opens = (...rules: string[]) =>
    policy(`{ podSelector: {}, policyTypes: [Egress], egress: [${rules.join(', ')}] }`);
  const conditionOf = (yaml: string, caller = 'shop/cart', request = 'https://site.example.com/', world = LOCKED) => {
    const { outcome, condition } = ask(`${ENTRY}${yaml}`, caller, request, world);
    expect(outcome).toBe('answered');
    return condition?.holds;
  };
  const another = (what: string) => `another NetworkPolicy lets the pods of shop ${what}`;
  const BOTH = 'resolve names (UDP 53) and reach istiod (TCP 15012)';
  const to = (cidr: string, rule = '{ }') => rule.replace('{', `{ to: [{ ipBlock: { cidr: ${cidr} } }], `);
  const inNamespace = (labels: string, pods?: string) =>
    `{ to: [{ namespaceSelector: { matchLabels: ${labels} }${pods ? `, podSelector: { matchLabels: ${pods} }` : ''} }] }`;
  const EXTERNAL =
    '{ to: [{ ipBlock: { cidr: 0.0.0.0/0, except: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, 169.254.0.0/16] } }] }';

  test.each([
    ['neither DNS nor istiod', [web], another(BOTH)],
    ['no DNS', [web, istiod], another('resolve names (UDP 53)')],
    ['DNS over TCP only', [web, istiod, '{ ports: [{ port: 53 }] }'], another('resolve names (UDP 53)')],
    ['no istiod', [web, names], another('reach istiod (TCP 15012)')],
    ['both', [web, names, istiod], undefined],
    ['every port', ['{}'], undefined],
    ['every port of an external range', [web, to('203.0.113.0/24')], another(BOTH)],
    ['every port but those of private networks', [web, EXTERNAL], another(BOTH)],
    [
      'every port but those of the three private networks that are known best',
      [web, EXTERNAL.replace(', 100.64.0.0/10, 169.254.0.0/16', '')],
      another(BOTH),
    ],
    ['every port but those of metadata services', [web, EXTERNAL.replace(/10\.0.*\/10, /, '')], undefined],
    ['a network of nodes', [web, to('169.254.0.0/16')], another('reach istiod (TCP 15012)')],
    ['every port of pods of its own namespace', [web, '{ to: [{ podSelector: {} }] }'], another(BOTH)],
    ['every port of a private range', [web, to('10.96.0.0/12')], undefined],
    ['every port of pods', [web, '{ to: [{ namespaceSelector: {} }] }'], undefined],
    ['every port of other pods', [web, inNamespace('{ kubernetes.io/metadata.name: shop }')], another(BOTH)],
    [
      'pods of the namespace of DNS',
      [web, istiod, inNamespace('{ kubernetes.io/metadata.name: kube-system }', '{ k8s-app: kube-dns }')],
      undefined,
    ],
    [
      'pods of the namespaces of DNS and istiod',
      [web, ...['kube-system', 'istio-system'].map((name) => inNamespace(`{ kubernetes.io/metadata.name: ${name} }`))],
      undefined,
    ],
    [
      'pods of namespaces with a label of which nothing tells',
      [web, istiod, inNamespace('{ name: kube-system }')],
      'what the NetworkPolicies of shop select lets its pods resolve names (UDP 53)',
    ],
    [
      'pods beside DNS',
      [web, istiod, inNamespace('{ kubernetes.io/metadata.name: kube-system }', '{ k8s-app: other }')],
      another('resolve names (UDP 53)'),
    ],
    [
      'pods of which nothing tells whether they are those of DNS',
      [web, istiod, inNamespace('{ kubernetes.io/metadata.name: kube-system }', '{ app: dns }')],
      'what the NetworkPolicies of shop select lets its pods resolve names (UDP 53)',
    ],
    ['a cache of DNS on each node', [web, istiod, to('169.254.20.10/32', names)], undefined],
    ['DNS at 5353', [web, istiod, '{ ports: [{ port: 5353, protocol: UDP }] }'], undefined],
    ['HTTP/3', [web, istiod, '{ ports: [{ port: 443, protocol: UDP }] }'], another('resolve names (UDP 53)')],
    ['UDP at a named port', [web, istiod, '{ ports: [{ port: dns, protocol: UDP }] }'], undefined],
  ])('with %s', (_what, rules, condition) => expect(conditionOf(opens(...rules))).toBe(condition));

  test.each([
    ['{ name: kube-system }', undefined],
    ['{ name: other }', expect.stringMatching(/resolve names/)],
  ])('the labels of a Namespace among the manifests count: %s', (labels, condition) => {
    const namespace = `---\napiVersion: v1\nkind: Namespace\nmetadata: { name: kube-system, labels: ${labels} }\n`;
    expect(conditionOf(opens(web, istiod, inNamespace('{ name: kube-system }')) + namespace)).toEqual(condition);
  });

  test('what a pod without a sidecar needs, and a request to an address', () => {
    expect(conditionOf(`---${past}${opens(web)}`, 'shop/legacy')).toBe(another('resolve names (UDP 53)'));
    expect(conditionOf(`---${past}${opens('{ ports: [{ port: 5432 }] }')}`, 'shop/legacy', url)).toBeUndefined();
  });

  test('for another namespace, or beside a table that describes everything, it says nothing', () => {
    expect(conditionOf(opens(web).replace('namespace: shop', 'namespace: other'))).toBeUndefined();
    const host = { host: 'site.example.com', address: '203.0.113.9', https: 'ok' } as const;
    expect(
      conditionOf(opens(web), undefined, undefined, { ...LOCKED, external: [host], gateways: [], secrets: [] }),
    ).toBeUndefined();
  });
});

test('an unverified name is reported, without sni and with it', () => {
  const rule = (tls: string) =>
    '---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: { name: x, namespace: shop ' +
    `}\nspec: { host: site.example.com, trafficPolicy: { tls: { mode: SIMPLE${tls} } } }\n`;
  const remark = (tls: string) =>
    ask(`${ENTRY}${rule(tls)}`, 'shop/app', 'https://site.example.com/').remarks.find(
      ({ code }) => code === 'unverified-name',
    )!;
  expect(remark('').message).toMatch(/neither sni nor subjectAltNames is set/);
  expect(remark('').decidedBy.every(({ field }) => !field?.endsWith('sni'))).toBe(true);
  expect(remark(', sni: site.example.com').message).toMatch(/sni is set and subjectAltNames is not/);
});

test('a port that is missing is one of the entry, not of the host', () => {
  const routes = `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: site, namespace: shop }
spec:
  hosts: [site.example.com]
  http: [{ route: [{ destination: { host: site.example.com, port: { number: 8443 } } }] }]
`;
  expect(ask(`${ENTRY}${routes}`, 'shop/app', 'http://site.example.com/', LOCKED).reason).toMatch(
    /^ServiceEntry shop\/\w+ declares no port 8443 for site\.example\.com$/,
  );
  expect(ask(ENTRY, 'shop/app', 'https://other.example.com/', LOCKED).reason).toMatch(
    /^nothing visible to the caller accepts TLS to other\.example\.com on port 443,/,
  );
});
