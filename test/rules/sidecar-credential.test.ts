import { entry, gateway, istio, route, reported } from './support';

const code = 'sidecar-credential';
const rule = (tls: object, spec: object = {}) =>
  istio('DestinationRule', 'shop/r', {
    host: 'a.example.com',
    subsets: [{ name: 'x', trafficPolicy: { tls: { mode: 'MUTUAL', credentialName: 'client', ...tls } } }],
    ...spec,
  });

test('a Secret for sidecars needs a selector; a ConfigMap does not', () => {
  expect(reported(code, [entry('shop/a', {}), rule({})])).toEqual(['shop/a shop/r']);
  expect(reported(code, [entry('shop/a', {}), rule({}, { workloadSelector: { matchLabels: { app: 'x' } } })])).toEqual(
    [],
  );
  expect(
    reported(code, [entry('shop/a', {}), rule({ mode: 'SIMPLE', credentialName: 'configmap://shop/ca' })]),
  ).toEqual([]);
  expect(reported(code, [entry('shop/a', {}), rule({ credentialName: undefined })])).toEqual([]);
});

test('gateways read Secrets, so rules that may be for one are not reported', () => {
  expect(reported(code, [rule({})])).toEqual([]);
  expect(reported(code, [entry('web/a', {}), rule({})])).toEqual([]);
  expect(reported(code, [entry('shop/a', {}), rule({}), gateway('shop/exit', ['a.example.com'])])).toEqual([]);
  expect(reported(code, [entry('shop/a', {}), rule({}), route('shop/v', { gateways: ['egress/exit'] })])).toEqual([]);
});
