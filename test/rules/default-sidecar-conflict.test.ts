import { istio, reported } from './support';

const code = 'default-sidecar-conflict';
const sidecar = (place: string, labels?: Record<string, string>) =>
  istio('Sidecar', place, {
    ...(labels && { workloadSelector: { labels } }),
    outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
  });

test('each namespace may have one default', () => {
  expect(reported(code, [sidecar('shop/a'), sidecar('web/a')])).toEqual([]);
  expect(reported(code, [sidecar('shop/a'), sidecar('shop/b')])).toEqual(['shop/a shop/b']);
});

test('selectors may be combined with a default, and with each other unless one contains the other', () => {
  expect(reported(code, [sidecar('shop/a'), sidecar('shop/b', { app: 'x' }), sidecar('shop/c', { app: 'y' })])).toEqual(
    [],
  );
  expect(
    reported(code, [sidecar('shop/a', { app: 'x', tier: 'y' }), sidecar('shop/b', { tier: 'y', app: 'x' })]),
  ).toEqual(['shop/a shop/b']);
  expect(reported(code, [sidecar('shop/a', { app: 'x', tier: 'y' }), sidecar('shop/b', { app: 'x' })])).toEqual([
    'shop/a shop/b',
  ]);
});
