/** Policies of network plug-ins, which the model does not read: they may refuse what the mesh lets through. */
import { ask, ENTRY, LOCKED, passThroughGateway } from './support';
import { matters } from '../../src/reading/relevance';

const policy = (apiVersion: string, kind: string, namespace: string) =>
  `---\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: deny${namespace && `, namespace: ${namespace}`} }\n` +
  'spec: { endpointSelector: {}, egressDeny: [{}] }\n';
const see = (objects: string, world = LOCKED) => ask(ENTRY + objects, 'shop/cart', 'http://site.example.com/', world);

test.each([
  ['cilium.io/v2', 'CiliumNetworkPolicy', 'shop'],
  ['cilium.io/v2', 'CiliumClusterwideNetworkPolicy', ''],
  ['projectcalico.org/v3', 'NetworkPolicy', 'shop'],
  ['crd.projectcalico.org/v1', 'GlobalNetworkPolicy', ''],
  ['crd.antrea.io/v1beta1', 'ClusterNetworkPolicy', ''],
  ['k8s.ovn.org/v1', 'EgressFirewall', 'shop'],
  ['policy.networking.k8s.io/v1alpha1', 'AdminNetworkPolicy', ''],
])('%s %s is a condition', (apiVersion, kind, namespace) => {
  const deny = policy(apiVersion, kind, namespace);
  expect(see(deny)).toMatchObject({
    outcome: 'answered',
    condition: {
      holds: `${kind} ${namespace && `${namespace}/`}deny lets the connections through`,
      say: expect.stringContaining('network=open'),
    },
  });
  expect(see(deny, { ...LOCKED, openNetwork: true }).condition).toBeUndefined();
  expect(see(deny, { ...LOCKED, external: [] }).condition).toBeUndefined();
  expect(matters({ apiVersion, kind, metadata: { name: 'deny' } })).toBe(true);
});

test('counts where the connection passes: in the namespaces of the caller and the gateway', () => {
  const elsewhere = policy('cilium.io/v2', 'CiliumNetworkPolicy', 'other');
  expect(see(elsewhere).condition).toBeUndefined();
  const atGateway = policy('cilium.io/v2', 'CiliumNetworkPolicy', 'egress');
  const throughGateway = (objects: string) =>
    ask(ENTRY + passThroughGateway() + objects, 'shop/cart', 'https://site.example.com/').condition?.holds;
  expect(throughGateway(atGateway)).toContain('CiliumNetworkPolicy egress/deny');
  expect(throughGateway(elsewhere) ?? '').not.toContain('Cilium');
});

test('changes nothing about a refusal', () => {
  const refused = ask(policy('cilium.io/v2', 'CiliumNetworkPolicy', 'shop'), 'shop/cart', 'http://site.example.com/');
  expect(refused).toMatchObject({ outcome: 'refused' });
  expect(refused.condition?.holds ?? '').not.toContain('Cilium');
});

test('are named, the first three of them', () => {
  const four = ['a', 'b', 'c', 'd'].map((name) =>
    policy('cilium.io/v2', 'CiliumNetworkPolicy', 'shop').replace('deny', name),
  );
  expect(see(four.join('')).condition?.holds).toBe(
    'CiliumNetworkPolicy shop/a, CiliumNetworkPolicy shop/b, CiliumNetworkPolicy shop/c and others let the connections through',
  );
});
