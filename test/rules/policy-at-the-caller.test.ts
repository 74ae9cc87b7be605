import { entry, gateway, istio, reported } from './support';

const policy = (place: string, spec: object = {}, host = 'a.example.com') => ({
  ...istio('AuthorizationPolicy', place, {
    action: 'DENY',
    rules: [{ to: [{ operation: { hosts: [host] } }] }],
    ...spec,
  }),
});
const at = (place: string, spec: object = {}, host?: string) => {
  const { manifest, origin } = policy(place, spec, host);
  return { manifest: { ...manifest, apiVersion: 'security.istio.io/v1' }, origin };
};

test.each(['a.example.com', 'a.example.com:443', 'a.example.com:*'])('%s, in the namespace of callers', (host) => {
  expect(reported('policy-at-the-caller', [entry('shop/a', {}), at('shop/p', {}, host)])).toEqual(['shop/a shop/p']);
});

test.each([
  ['the namespace of a gateway', [at('egress/p'), gateway('egress/g', ['a.example.com'])]],
  ['the root namespace', [at('istio-system/p')]],
  ['pods with the label of gateways', [at('shop/p', { selector: { matchLabels: { istio: 'exit' } } })]],
  ['a waypoint', [at('shop/p', { targetRefs: [{ kind: 'Gateway', name: 'w' }] })]],
  ['a host that nobody declares', [at('shop/p', {}, 'shop.example.com')]],
])('nothing for %s', (_what, objects) => {
  expect(reported('policy-at-the-caller', [entry('shop/a', {}), ...objects])).toEqual([]);
});

test('nothing for a host inside the mesh', () => {
  expect(reported('policy-at-the-caller', [entry('shop/a', { location: 'MESH_INTERNAL' }), at('shop/p')])).toEqual([]);
});
