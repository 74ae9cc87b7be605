/** What istiod takes and Envoy refuses, in routes and rules of the own Service `x` that other namespaces see. */
import { istio, ownHash, ownRoute } from './objects';
import { KubeObject } from '../lab';

const toX = { route: [{ destination: { host: 'x' } }] };

/** In what proxies read of requests: Envoy refuses all routes of the port. */
export const UNREADABLE_ROUTES: Record<string, KubeObject> = {
  'a route of an own Service with a status that Envoy does not know': ownRoute({
    fault: { abort: { httpStatus: 600, percentage: { value: 100 } } },
  }),
  'the same as an answer': ownRoute({ route: undefined, directResponse: { status: 600 } }),
  'a route of an own Service with a regular expression that only Go takes': ownRoute({
    match: [{ uri: { regex: '/\\p{Letter}+' } }],
  }),
  'the same in a header': ownRoute({ match: [{ headers: { a: { regex: '\\pL{1000}'.repeat(20) } } }] }),
  'a route of an own Service for a parameter without a name': ownRoute({
    match: [{ queryParams: { '': { exact: 'a' } } }],
  }),
  'a route of an own Service with a duration that Envoy does not know': ownRoute({ timeout: '9223372036s' }),
  ...Object.fromEntries(
    Object.entries({
      'a try': { retries: { attempts: 1, perTryTimeout: '2562047h47m16s' } },
      'the time between tries': { retries: { attempts: 1, backoff: '9223372036s' } },
      'a delay': { fault: { delay: { fixedDelay: '9223372036s', percentage: { value: 1 } } } },
      'an answer to a preflight': { corsPolicy: { allowOrigins: [{ exact: 'a' }], maxAge: '9223372036s' } },
    }).map(([what, http]) => [`the same for ${what}`, ownRoute(http)]),
  ),
  'a route of an own Service with a command that Envoy does not know': ownRoute({
    headers: { response: { set: { 'x-a': '%BOGUS%' } } },
  }),
  'a route of an own Service with a redirect that Envoy does not know': ownRoute({
    route: undefined,
    redirect: { uri: '/', redirectCode: 399 },
  }),
  'the same to a prefix in two lines': ownRoute({
    route: undefined,
    match: [{ uri: { prefix: '/a' } }],
    redirect: { prefixRewrite: '/a\nb' },
  }),
  'a route of an own Service with weights beyond what Envoy adds up': ownRoute({
    route: [1, 2, 3].map(() => ({ destination: { host: 'x' }, weight: 2_000_000_000 })),
  }),
};

/** In what they read of connections: Envoy refuses the listener. */
export const UNREADABLE_CONNECTIONS: Record<string, KubeObject> = {
  'a route of an own Service for one name twice': istio('VirtualService', {
    hosts: ['x.other.svc.cluster.local'],
    tls: [{ match: [{ sniHosts: ['x.other.svc.cluster.local', 'X.other.svc.cluster.local'] }], ...toX }],
  }),
  'the same in two matches': istio('VirtualService', {
    hosts: ['x.other.svc.cluster.local'],
    tls: [{ match: ['X', 'x'].map((name) => ({ sniHosts: [`${name}.other.svc.cluster.local`] })), ...toX }],
  }),
  'the same by address': istio('VirtualService', {
    hosts: ['x'],
    tcp: [{ match: [{ destinationSubnets: ['10.0.0.0/8', '10.1.0.0/8'] }], ...toX }],
  }),
};

/** In rules: Envoy refuses the cluster, or the routes that lead there. */
export const UNREADABLE_RULES: Record<string, KubeObject> = {
  'a rule of an own Service under a name that Envoy does not know': istio('DestinationRule', {
    host: 'x',
    trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', sni: 'a\0b' } },
  }),
  'a rule of an own Service with a tunnel to a command that Envoy does not know': istio('DestinationRule', {
    host: 'x',
    trafficPolicy: { tunnel: { targetHost: 'fe80::1%BOGUS%', targetPort: 443 } },
  }),
  'the same in a subset': istio('DestinationRule', {
    host: 'x',
    subsets: [{ name: 'a', trafficPolicy: { tunnel: { targetHost: 'fe80::1%BOGUS%', targetPort: 443 } } }],
  }),
  'a rule of an own Service that hashes by no header': ownHash({ httpHeaderName: 'a\nb' }),
  'a rule of an own Service that hashes by a header without a name': ownHash({ httpHeaderName: '' }),
  'the same with a parameter': ownHash({ httpQueryParameterName: '' }),
  'a rule of an own Service with a cookie that has ended': ownHash({ httpCookie: { name: 'a', ttl: '-1s' } }),
  'a rule of an own Service with a cookie in two lines': ownHash({
    httpCookie: { name: 'a', attributes: [{ name: 'b', value: 'c\nd' }] },
  }),
  'a rule of an own Service with a cookie for longer than Envoy knows': ownHash({
    httpCookie: { name: 'a', ttl: '9223372036s' },
  }),
  'a rule of an own Service with a duration that Envoy does not know': istio('DestinationRule', {
    host: 'x',
    trafficPolicy: { connectionPool: { tcp: { connectTimeout: '9223372036s' } } },
  }),
  ...Object.fromEntries(
    Object.entries({
      'the time of a retry budget': { retryBudget: { budgetInterval: '9223372036s' } },
      'one below zero': { retryBudget: { budgetInterval: '-1s' } },
      'idle connections, of one below a millisecond and zero': {
        connectionPool: { tcp: { idleTimeout: '-0.0005s' } },
      },
      'the keepalive of a subset': {
        subsets: [
          { name: 'a', trafficPolicy: { connectionPool: { http: { http2KeepAlive: { timeout: '9223372036s' } } } } },
        ],
      },
      'an outlier on a port': {
        portLevelSettings: [{ port: { number: 80 }, outlierDetection: { interval: '9223372036s' } }],
      },
      'the time for which tries count, which has ended': { retryBudget: { percent: 20, budgetInterval: '-1s' } },
      'a slow start': { loadBalancer: { simple: 'ROUND_ROBIN', warmup: { duration: '9223372036s' } } },
    }).map(([what, { subsets, ...trafficPolicy }]: [string, any]) => [
      `the same for ${what}`,
      istio('DestinationRule', { host: 'x', subsets, trafficPolicy }),
    ]),
  ),
  'a rule of an own Service by which Envoy divides by zero': ownHash({ useSourceIp: true, maglev: { tableSize: 1 } }),
};
