import { KubeObject } from '../mesh/lab/kubernetes';
import { FilteredPod, packetFilter, PolicyWorld, UNFILTERED } from '../mesh/lab/network-policy';

const pod = (namespace: string, app: string, address: string): FilteredPod => ({
  namespace,
  labels: { app },
  addresses: [address],
});
const CHECKOUT = pod('shop', 'checkout', '10.77.0.11');
const CRAWLER = pod('shop', 'crawler', '10.77.0.12');
const READER = pod('web', 'reader', '10.77.0.13');
const pods = [CHECKOUT, CRAWLER, READER];

const policy = (spec: object, namespace = 'shop'): KubeObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'p', namespace },
  spec: { podSelector: {}, ...spec },
});
/** What is let through from a pod, or to it, beyond answers and loopback; nothing where everything is. */
const allowed = (
  chain: string,
  one: FilteredPod,
  policies: KubeObject[],
  namespaces?: PolicyWorld['namespaces'],
): string[] | undefined => {
  const lines = packetFilter(one, { policies, pods, namespaces }).split('\n');
  if (!lines.includes(`-A ${chain} -j DROP`)) return undefined;
  return lines
    .filter((line) => line.startsWith(`-A ${chain}`) && line.endsWith('-j ACCEPT') && !/ lo | conntrack /.test(line))
    .map((line) => line.replace(`-A ${chain} `, '').replace(' -j ACCEPT', ''));
};
const out = (one: FilteredPod, ...policies: KubeObject[]) => allowed('POSTROUTING', one, policies);
const into = (one: FilteredPod, ...policies: KubeObject[]) => allowed('PREROUTING', one, policies);
const egress = (...rules: object[]) => policy({ policyTypes: ['Egress'], egress: rules });

test('a pod that no policy selects is not filtered', () => {
  expect(packetFilter(READER, { policies: [egress()], pods })).toBe(UNFILTERED);
  expect(
    packetFilter(CHECKOUT, {
      policies: [policy({ podSelector: { matchLabels: { app: 'crawler' } }, policyTypes: ['Egress'] })],
      pods,
    }),
  ).toBe(UNFILTERED);
});

test('the whole filter of a pod', () => {
  const rules = [
    {
      to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8', '192.168.0.0/16'] } }],
      ports: [
        { protocol: 'TCP', port: 443 },
        { port: 80, endPort: 90 },
      ],
    },
  ];
  expect(packetFilter(CHECKOUT, { policies: [egress(...rules)], pods })).toMatchInlineSnapshot(`
"*mangle
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:NP-0 - [0:0]
-A NP-0 -d 10.0.0.0/8 -j RETURN
-A NP-0 -d 192.168.0.0/16 -j RETURN
-A NP-0 -d 0.0.0.0/0 -p tcp --dport 443 -j ACCEPT
-A NP-0 -d 0.0.0.0/0 -p tcp --dport 80:90 -j ACCEPT
-A POSTROUTING -o lo -j ACCEPT
-A POSTROUTING -m conntrack --ctstate ESTABLISHED,RELATED --ctdir REPLY -j ACCEPT
-A POSTROUTING -j NP-0
-A POSTROUTING -j DROP
COMMIT
"
`);
});

test('a policy covers ingress unless it says otherwise, and egress where it has egress rules', () => {
  expect([into(CHECKOUT, policy({})), out(CHECKOUT, policy({}))]).toEqual([[], undefined]);
  expect([into(CHECKOUT, policy({ egress: [{}] })), out(CHECKOUT, policy({ egress: [{}] }))]).toEqual([[], ['-p all']]);
  expect([into(CHECKOUT, egress({})), out(CHECKOUT, egress({}))]).toEqual([undefined, ['-p all']]);
});

test.each<[string, object, string[]]>([
  [
    "pods of the policy's own namespace",
    { podSelector: { matchLabels: { app: 'crawler' } } },
    ['-d 10.77.0.12 -p all'],
  ],
  ['all pods of it', { podSelector: {} }, ['-d 10.77.0.11 -p all', '-d 10.77.0.12 -p all']],
  [
    'namespaces by their name',
    { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'web' } } },
    ['-d 10.77.0.13 -p all'],
  ],
  [
    'all namespaces',
    { namespaceSelector: {} },
    ['-d 10.77.0.11 -p all', '-d 10.77.0.12 -p all', '-d 10.77.0.13 -p all'],
  ],
  [
    'namespaces by an expression',
    {
      namespaceSelector: {
        matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['shop'] }],
      },
    },
    ['-d 10.77.0.13 -p all'],
  ],
  [
    'pods in namespaces',
    {
      namespaceSelector: {},
      podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['reader', 'checkout'] }] },
    },
    ['-d 10.77.0.11 -p all', '-d 10.77.0.13 -p all'],
  ],
  ['no namespace', { namespaceSelector: { matchLabels: { tier: 'none' } } }, []],
  ['a range of the other family', { ipBlock: { cidr: '::/0' } }, []],
])('peers: %s', (_what, peer, expected) => {
  expect(out(CHECKOUT, egress({ to: [peer] }))).toEqual(expected);
});

test('namespaces selected by their own labels', () => {
  const peer = { namespaceSelector: { matchExpressions: [{ key: 'tier', operator: 'Exists' }] } };
  expect(allowed('POSTROUTING', CHECKOUT, [egress({ to: [peer] })], { web: { tier: 'front' } })).toEqual([
    '-d 10.77.0.13 -p all',
  ]);
  const absent = {
    namespaceSelector: { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] },
    podSelector: { matchLabels: { app: 'crawler' } },
  };
  expect(allowed('POSTROUTING', CHECKOUT, [egress({ to: [absent] })], { web: { tier: 'front' } })).toEqual([
    '-d 10.77.0.12 -p all',
  ]);
});

test('ingress is judged by its source and the port of the pod', () => {
  const rule = {
    from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'web' } } }],
    ports: [{ port: 8443 }, { protocol: 'UDP', port: 53 }],
  };
  expect(into(CHECKOUT, policy({ policyTypes: ['Ingress'], ingress: [rule] }))).toEqual([
    '-s 10.77.0.13 -p tcp --dport 8443',
    '-s 10.77.0.13 -p udp --dport 53',
  ]);
});

test('policies add up', () => {
  const crawlerOnly = policy({
    podSelector: { matchLabels: { app: 'crawler' } },
    policyTypes: ['Egress'],
    egress: [{ ports: [{ port: 25 }] }],
  });
  expect(out(CRAWLER, egress({ ports: [{ port: 443 }] }), crawlerOnly)).toEqual([
    '-p tcp --dport 443',
    '-p tcp --dport 25',
  ]);
  expect(out(CHECKOUT, egress({ ports: [{ port: 443 }] }), crawlerOnly)).toEqual(['-p tcp --dport 443']);
  expect(out(CHECKOUT, egress(), egress({}))).toEqual(['-p all']);
});

test('a pod that listens on another port in the lab than in a cluster', () => {
  const istiod = { ...pod('istio-system', 'istiod', '10.77.0.1'), elsewhere: { 15012: '15010' } };
  const rule = {
    to: [{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'istiod' } } }],
    ports: [{ port: 15012 }],
  };
  expect(packetFilter(CHECKOUT, { policies: [egress(rule)], pods: [istiod] })).toMatch(
    '-A POSTROUTING -d 10.77.0.1 -p tcp --dport 15010 -j ACCEPT',
  );
});

test.each([
  ['a named port', { ports: [{ port: 'https' }] }, /named ports/],
  ['an unsupported protocol', { ports: [{ protocol: 'SCTP', port: 1 }] }, /SCTP/],
])('%s stops the lab', (_what, rule, why) => {
  expect(() => out(CHECKOUT, egress(rule))).toThrow(why);
});

test('the packets of another family are judged by addresses and ranges of that family', () => {
  const both = { ...CHECKOUT, addresses: [...CHECKOUT.addresses, 'fd77::b'] };
  const peer = { podSelector: { matchLabels: { app: 'checkout' } } };
  const blocks = ['0.0.0.0/0', '::/0'].map((cidr) => ({ ipBlock: { cidr } }));
  const filter = packetFilter(CRAWLER, { policies: [egress({ to: [peer, ...blocks] })], pods: [both] }, 6);
  expect(filter.split('\n').filter((line) => /^-A/.test(line))).toEqual([
    '-A NP-0 -d ::/0 -p all -j ACCEPT',
    '-A POSTROUTING -o lo -j ACCEPT',
    '-A POSTROUTING -p icmpv6 -j ACCEPT',
    '-A POSTROUTING -m conntrack --ctstate ESTABLISHED,RELATED --ctdir REPLY -j ACCEPT',
    '-A POSTROUTING -d fd77::b -p all -j ACCEPT',
    '-A POSTROUTING -j NP-0',
    '-A POSTROUTING -j DROP',
  ]);
});
