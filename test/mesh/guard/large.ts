import { istio, many, mutual, pod } from './objects';
import { KubeObject } from '../lab';

const site = (n: number) => `host-${n}.example.com`;
const manyServers = (count: number) =>
  istio('Gateway', {
    selector: { istio: 'mine' },
    servers: many(count, (n) => mutual(`tls-${n}`, `other/http-80.${site(n)}`)),
  });

/** One of many for an own Service. */
const ownRule = (n: number) => ({
  match: [{ uri: { regex: `/v${n}/[a-z]+` }, headers: { 'x-team': { exact: `team-${n}` }, 'x-b': { regex: 'a|b' } } }],
  rewrite: { uri: `/${n}` },
  headers: { request: { set: { 'x-a': `${n}` }, add: { 'x-b': `${n}` } }, response: { remove: ['server'] } },
  route: [{ destination: { host: 'x', subset: `v${n}` }, headers: { response: { add: { 'x-c': `${n}` } } } }],
});

const largeContainer = (name: string) => ({
  name,
  image: 'none',
  env: many(200, (n) => ({ name: `VARIABLE_${n}`, value: `value ${n}` })),
  volumeMounts: many(20, (n) => ({ name: `volume-${n}`, mountPath: `/mnt/volume-${n}` })),
});

/**
 * What 2,000 hosts come to, and what comes near the 1.5 MiB that etcd takes; `share` is of what one expression may
 * cost.
 */
export const LARGE: Record<string, { object: KubeObject; share: number }> = {
  'an entry for 256 hosts': {
    object: istio('ServiceEntry', { exportTo: ['.'], hosts: many(256, site) }),
    share: 0.02,
  },
  'a route for 2,000 hosts': {
    object: istio('VirtualService', { exportTo: ['.'], hosts: many(2000, site) }),
    share: 0.02,
  },
  'a pod of 40 containers, each with 200 variables': {
    object: pod(
      { annotations: { 'sidecar.istio.io/status': '{"initContainers":["istio-init"],"containers":["istio-proxy"]}' } },
      {
        initContainers: [largeContainer('istio-init')],
        containers: ['istio-proxy', ...many(38, (n) => `app-${n}`)].map(largeContainer),
      },
    ),
    share: 0.1,
  },
  'a Gateway with 2,000 servers': { object: manyServers(2000), share: 0.05 },
  'a route for 50,000 hosts, 1.2 MB': {
    object: istio('VirtualService', { exportTo: ['.'], hosts: many(50_000, site) }),
    share: 0.5,
  },
  'a route with 10,000 matches, 1.2 MB': {
    object: istio('VirtualService', {
      exportTo: ['.'],
      hosts: ['a.example.com'],
      tls: many(10_000, (n) => ({
        match: [{ port: 443, sniHosts: [site(n)] }],
        route: [{ destination: { host: site(n) } }],
      })),
    }),
    share: 0.25,
  },
  'a route of an own Service with 500 rules that others see': {
    object: istio('VirtualService', { hosts: ['x'], http: many(500, ownRule) }),
    share: 0.12,
  },
  'a route of an own Service with 3,000 rules, 1.1 MB': {
    object: istio('VirtualService', { hosts: ['x'], http: many(3000, ownRule) }),
    share: 0.7,
  },
  'a route at a gateway with 2,500 rules, 0.9 MB': {
    object: istio('VirtualService', { hosts: ['x.example.com'], gateways: ['mine'], http: many(2500, ownRule) }),
    share: 0.65,
  },
  'a route with 2,000 matches': {
    object: istio('VirtualService', {
      exportTo: ['.'],
      hosts: ['a.example.com'],
      http: [{ match: many(2000, (n) => ({ uri: { exact: `/${n}` } })), route: [{ destination: { host: 'x' } }] }],
    }),
    share: 0.2,
  },
  'a rule of an own Service with 50 subsets': {
    object: istio('DestinationRule', {
      host: 'x',
      subsets: many(50, (n) => ({
        name: `v${n}`,
        labels: { version: `v${n}` },
        trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' }, tls: { mode: 'ISTIO_MUTUAL' } },
      })),
    }),
    share: 0.15,
  },
  'a Gateway with 10,000 servers, 1.3 MB': { object: manyServers(10_000), share: 0.25 },
};
