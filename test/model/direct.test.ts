import { ask, ENTRY } from './support';

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
