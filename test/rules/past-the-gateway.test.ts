import { entry, reported, route } from './support';

const GATEWAY = { destination: { host: 'exit.egress.svc.cluster.local', port: { number: 443 } } };
const both = {
  ports: [
    { number: 80, name: 'http', protocol: 'HTTP' },
    { number: 443, name: 'tls', protocol: 'TLS' },
  ],
};
const tls = [{ match: [{ port: 443, sniHosts: ['a.example.com'] }], route: [GATEWAY] }];

test('HTTP alone goes through it', () => {
  expect(reported('past-the-gateway', [entry('shop/a', both), route('shop/r', {}, GATEWAY.destination)])).toEqual([
    'shop/a shop/r',
  ]);
});

test('TLS alone goes through it', () => {
  expect(reported('past-the-gateway', [entry('shop/a', both), route('shop/r', { http: undefined, tls })])).toEqual([
    'shop/a shop/r',
  ]);
});

test('an entry whose endpoints are WorkloadEntries leads somewhere', () => {
  const selecting = entry('shop/a', { ...both, resolution: 'STATIC', workloadSelector: { labels: { app: 'vm' } } });
  expect(reported('past-the-gateway', [selecting, route('shop/r', {}, GATEWAY.destination)])).toEqual([
    'shop/a shop/r',
  ]);
});

test.each([
  ['both do', [entry('shop/a', both), route('shop/r', { tls }, GATEWAY.destination)]],
  [
    'the entry has no other port',
    [entry('shop/a', { ports: [both.ports[0]] }), route('shop/r', {}, GATEWAY.destination)],
  ],
  [
    'the entry leads nowhere',
    [entry('shop/a', { ...both, resolution: 'STATIC' }), route('shop/r', {}, GATEWAY.destination)],
  ],
  ['the route goes to the host itself', [entry('shop/a', both), route('shop/r', {})]],
  [
    'the route is for gateways',
    [entry('shop/a', both), route('egress/r', { gateways: ['exit'] }, GATEWAY.destination)],
  ],
  ['the entry is not seen there', [entry('other/a', both), route('shop/r', {}, GATEWAY.destination)]],
])('nothing where %s', (_what, objects) => {
  expect(reported('past-the-gateway', objects)).toEqual([]);
});

test('a host that routes share is left to mesh-route-conflict', () => {
  const [one, other] = ['one', 'other'].map((name) => route(`shop/${name}`, {}, GATEWAY.destination));
  expect(reported('past-the-gateway', [entry('shop/a', both), one, other])).toEqual([]);
});
