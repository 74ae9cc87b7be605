import { istio, reported } from './support';

const code = 'duplicate-object';

test('another API version is the same object, another API group is not', () => {
  const a = istio('Gateway', 'shop/exit', { servers: [] });
  const older = { manifest: { ...a.manifest, apiVersion: 'networking.istio.io/v1beta1' }, origin: 'older' };
  const other = { manifest: { ...a.manifest, apiVersion: 'gateway.networking.k8s.io/v1' }, origin: 'other' };
  expect(reported(code, [a, older, other])).toEqual(['older shop/exit']);
});

test('objects of different kinds may share a name', () => {
  const named = (kind: string) => ({
    manifest: { apiVersion: 'v1', kind, metadata: { name: 'x', namespace: 'shop' } },
    origin: kind,
  });
  expect(reported(code, [named('Secret'), named('ConfigMap'), named('Service')])).toEqual([]);
});

test('an object without a namespace goes to the default one', () => {
  const bare = { manifest: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } }, origin: 'bare' };
  const placed = {
    manifest: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a', namespace: 'shop' } },
    origin: 'placed',
  };
  expect(reported(code, [bare, placed])).toEqual([]);
  expect(reported(code, [bare, placed], { defaultNamespace: 'shop' })).toEqual(['bare placed']);
});

test('one finding names all copies', () => {
  const copies = ['a', 'b', 'c'].map((origin) => ({
    manifest: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x', namespace: 'shop' } },
    origin,
  }));
  expect(reported(code, copies)).toEqual(['a b c']);
});
