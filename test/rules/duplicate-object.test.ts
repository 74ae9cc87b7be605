import { istio, reported, route } from './support';
import { checkManifests, EgressObject } from '../../src/rules';

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

describe('other rules judge the last definition, which is the object', () => {
  const codes = (...objects: readonly EgressObject[]) => checkManifests(objects).map((one) => one.code);
  const again = <T extends EgressObject>(one: T): T => ({ ...one, manifest: structuredClone(one.manifest) });
  const rule = (name: string, host: string, simple = 'RANDOM') =>
    istio('DestinationRule', `shop/${name}`, {
      host,
      exportTo: ['.'],
      trafficPolicy: { loadBalancer: { simple } },
    });

  test('definitions of one object do not contradict each other', () => {
    const open = route('shop/a', { exportTo: ['*'] });
    expect(codes(open, route('shop/a', { http: [] }))).toEqual([code]);
  });

  test('a former definition contradicts no other object', () => {
    const changed = rule('a', 'b.example.com');
    expect(codes(rule('a', 'a.example.com'), rule('b', 'a.example.com', 'ROUND_ROBIN'), changed)).toEqual([code]);
    expect(codes(changed, rule('b', 'a.example.com', 'ROUND_ROBIN'), rule('a', 'a.example.com'))).toContain(
      'destination-rule-conflict',
    );
  });

  test('what is wrong with an object is found however often it is defined', () => {
    const both = istio('Gateway', 'egress/exit', {
      selector: { istio: 'exit' },
      servers: ['ISTIO_MUTUAL', 'PASSTHROUGH'].map((mode, at) => ({
        port: { number: 443, name: `tls-${at}`, protocol: 'TLS' },
        hosts: ['a.example.com'],
        tls: { mode },
      })),
    });
    expect(codes(both)).toContain('gateway-server-conflict');
    expect(codes(both, again(both))).toEqual([code, ...codes(both)]);
  });
});
