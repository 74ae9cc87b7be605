import { istio, reported } from './support';

const code = 'sidecar-without-mode';
const lock = (namespace: string, policy: object = { mode: 'REGISTRY_ONLY' }) =>
  istio('Sidecar', `${namespace}/lock`, { outboundTrafficPolicy: policy });
const open = istio('Sidecar', 'shop/open', { egress: [{ hosts: ['*/*'] }] });

test('only a lock in the root namespace matters, whatever its name', () => {
  expect(reported(code, [lock('istio-system'), open])).toEqual(['istio-system/lock shop/open']);
  expect(reported(code, [lock('mesh'), open])).toEqual([]);
  expect(reported(code, [lock('mesh'), open], { rootNamespace: 'mesh' })).toEqual(['mesh/lock shop/open']);
});

test('an empty policy means REGISTRY_ONLY; ALLOW_ANY is not a lock', () => {
  expect(reported(code, [lock('istio-system', {}), open])).toEqual(['istio-system/lock shop/open']);
  expect(reported(code, [lock('istio-system', { mode: 'ALLOW_ANY' }), open])).toEqual([]);
  expect(reported(code, [lock('istio-system'), istio('Sidecar', 'shop/open', { outboundTrafficPolicy: {} })])).toEqual(
    [],
  );
});
