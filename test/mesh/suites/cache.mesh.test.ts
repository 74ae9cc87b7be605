/**
 * What istiod has worked out for one proxy and hands to others. It finds that by a hash of names, and authors choose the
 * names of their objects. docs/tenants.md says what stops it.
 */
import { KubeObject } from '../lab';
import { BEFORE, HOST, rowOf, table } from '../leaving-caller';
import { describeMesh, Mesh } from '../support';
import { nameWithHash, xxh64 } from '../xxh64';

const TAKER = '203.0.113.77';
const AUTHORS = ['author-0', 'author-1', 'author-2'];
const world = {
  manifests: BEFORE,
  table: {
    ...table(true),
    callers: [
      { name: 'stays', namespace: 'shop', serviceAccount: 'stays' },
      ...AUTHORS.map((name) => ({ name, namespace: 'other', serviceAccount: name })),
    ],
    external: [
      { host: HOST, http: 'ok' as const, https: 'ok' as const },
      { host: 'taker.example.com', address: TAKER, http: 'ok' as const },
    ],
  },
};

const SERVICE = { name: 'taker', namespace: 'other' };
/** A Service of another team, which istiod tells all proxies anew after each change, and its pod. */
const taker = (change: number): KubeObject[] => [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...SERVICE, labels: { change: `${change}` } },
    spec: { clusterIP: '10.96.7.7', ports: [{ name: 'http', port: 80 }] },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...SERVICE, labels: { 'kubernetes.io/service-name': 'taker' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    endpoints: [{ addresses: [TAKER], conditions: { ready: true } }],
  } as unknown as KubeObject,
];

/** What proxies of this run call their version. */
const VERSION = `${process.env.MESH_PROXIES ?? process.env.MESH_ISTIO}-lab`;

/** A route for its own namespace, whose name gives its proxies' routes the hash of the callers'. */
function misnamed(): KubeObject {
  const routes = ({ kind, metadata }: KubeObject) => kind === 'VirtualService' && metadata.namespace === 'shop';
  const by = (namespace: string) => `80~${VERSION}~Kubernetes~${namespace}.svc.cluster.local~false~false~false~`;
  const seenByAll = ['istio-ingressgateway.istio-system', 'taker.other']
    .map((name) => `${name}.svc.cluster.local/${name.split('.')[1]}~`)
    .join('');
  const theirs = `${by('shop')}${HOST}/shop~${seenByAll}~${BEFORE.find(routes)!.metadata.name}/shop~~~~`;
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: nameWithHash(`${by('other')}${seenByAll}~`, '/other~~~~', xxh64(theirs)), namespace: 'other' },
    spec: {
      hosts: [HOST],
      exportTo: ['.'],
      http: [{ route: [{ destination: { host: 'taker.other.svc.cluster.local', port: { number: 80 } } }] }],
    },
  };
}

let made: KubeObject | undefined;

/**
 * Who answers a caller of the shop after each of some changes, until somebody else than the host does: which proxy istiod
 * works for first is a matter of chance.
 */
async function answerers(mesh: Mesh): Promise<unknown[]> {
  const found: unknown[] = [];
  made ??= misnamed(); // It takes seconds.
  for (let change = 0; change < 16 && !found.some((name) => name !== HOST); change++) {
    await mesh.apply([...BEFORE, ...taker(change), made]);
    const { seen } = (await mesh.see(rowOf('stays'))).judgement;
    found.push(seen.outcome === 'answered' ? seen.answeredBy : seen.outcome);
  }
  return found;
}

describeMesh('with the cache', world, (mesh) => {
  test('the name of a private route brings what other callers send to its author', async () => {
    expect((await answerers(mesh)).at(-1)).toBe('taker.example.com');
  });
});

const helmValues = JSON.stringify({ pilot: { env: { PILOT_ENABLE_XDS_CACHE: 'false' } } });

describeMesh('without the cache', { ...world, helmValues }, (mesh) => {
  test('without the cache its name brings nothing', async () => {
    expect(await answerers(mesh)).toEqual(Array(16).fill(HOST));
  });
});
