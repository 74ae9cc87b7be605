import { istio, reported } from './support';

const code = 'unverified-gateway';
const subjectAltNames = ['spiffe://cluster.local/ns/egress/sa/exit'];
const hop = (place: string, ...blocks: object[]) =>
  istio('DestinationRule', place, {
    host: 'exit.egress.svc.cluster.local',
    exportTo: ['.'],
    subsets: blocks.map((tls, index) => ({
      name: `s${index}`,
      trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', sni: `s${index}.internal`, ...tls } },
    })),
  });

test('beside settings that verify the identity, of the same object or another', () => {
  expect(reported(code, [hop('shop/r', { subjectAltNames }, {})])).toEqual(['shop/r']);
  expect(reported(code, [hop('shop/r', { subjectAltNames }), hop('web/r', { subjectAltNames: [] })])).toEqual([
    'shop/r web/r',
  ]);
});

test('where all or none verify it, nothing is said', () => {
  expect(reported(code, [hop('shop/r', { subjectAltNames }), hop('web/r', { subjectAltNames })])).toEqual([]);
  expect(reported(code, [hop('shop/r', {}), hop('web/r', {})])).toEqual([]);
});

test('TLS to external hosts is not meant', () => {
  expect(reported(code, [hop('shop/r', { subjectAltNames }), hop('web/r', { mode: 'SIMPLE' })])).toEqual([]);
});
