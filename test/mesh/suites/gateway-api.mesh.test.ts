/**
 * What other authors' objects of the Gateway API reach beside ours: whose sidecars follow a route for a Service, and that
 * a Gateway does not act on the pods of another namespace's Service, whatever it names as its address. docs/guard.md says
 * which of them the guard refuses.
 */
import { Chart } from 'cdk8s';
import { RegistryOnlyMesh } from '../../../src/constructs/registry-only-mesh';
import { KubeObject } from '../lab';
import { BEFORE, isAnswered, table } from '../leaving-caller';
import { describeMesh, Mesh, synthesise } from '../support';

const NEIGHBOUR = { name: 'neighbour', namespace: 'other', serviceAccount: 'neighbour' };
const THIRD = { name: 'third', namespace: 'web', serviceAccount: 'third' };
const world = { ...table(false), callers: [...table(false).callers, NEIGHBOUR, THIRD] };

const LOCK = synthesise((app) => new RegistryOnlyMesh(new Chart(app, 'platform', { namespace: 'egress' }), 'lock'));

const object = (apiVersion: string, kind: string, namespace: string, spec: object): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name: 'foreign', namespace, creationTimestamp: '2020-01-01T00:00:00Z' },
  spec,
});
const gatewayApi = (kind: string, namespace: string, spec: object) =>
  object('gateway.networking.k8s.io/v1', kind, namespace, spec);

const SERVICE = object('v1', 'Service', 'shop', { selector: { app: 'x' }, ports: [{ name: 'http', port: 80 }] });
const NAME = 'foreign.shop.svc.cluster.local';

/** Redirects what is for the Service, or, if it is of gRPC, leads it nowhere. */
const routeOf = (namespace: string, kind = 'HTTPRoute') =>
  gatewayApi(kind, namespace, {
    parentRefs: [{ group: '', kind: 'Service', name: 'foreign', namespace: 'shop' }],
    rules:
      kind === 'HTTPRoute'
        ? [{ filters: [{ type: 'RequestRedirect', requestRedirect: { hostname: 'other.example.com' } }] }]
        : [{}],
  });

/** What a pod gets that calls the Service. */
async function statusAt(mesh: Mesh, pod: string): Promise<string> {
  const args = ['-s', '-m', '5', '-o', '/dev/null', '-w', '%{http_code}', '-H', `Host: ${NAME}`];
  return (await mesh.lab.shellOf(pod).run('curl', [...args, 'http://203.0.113.99/'])).out;
}

describeMesh('objects of the Gateway API', { table: world, manifests: BEFORE }, (mesh) => {
  /** Who gets the answer of the route, in the namespace of the Service and in another. */
  const followers = async (...routes: KubeObject[]) => {
    await mesh.apply([...BEFORE, ...LOCK, SERVICE, ...routes]);
    const followed: string[] = [];
    for (const pod of ['stays', 'neighbour', 'third'])
      if (['301', '500'].includes(await statusAt(mesh, pod))) followed.push(pod);
    return followed;
  };

  test("a route for a Service of its own namespace is followed by everyone's sidecars", async () => {
    expect(await followers()).toEqual([]);
    expect(await followers(routeOf('shop'))).toEqual(['stays', 'neighbour', 'third']);
  });

  test("a route for another namespace's Service is followed in the route's own namespace only", async () => {
    expect(await followers(routeOf('other'))).toEqual(['neighbour']);
    expect(await followers(routeOf('other', 'GRPCRoute'))).toEqual(['neighbour']);
    expect(await followers(routeOf('shop'), routeOf('other'))).toEqual(['stays', 'neighbour', 'third']);
  });

  test("a Gateway with another namespace's Service as its address does not act on the pods of that Service", async () => {
    const listeners = [{ name: 'http', port: 443, protocol: 'HTTP' }];
    const gateway = (namespace: string) =>
      gatewayApi('Gateway', namespace, {
        gatewayClassName: 'istio',
        addresses: [{ type: 'Hostname', value: 'egress-gateway-hop.egress.svc.cluster.local' }],
        listeners,
      });
    await mesh.apply([...BEFORE, gateway('other')]);
    expect(await isAnswered(mesh, 'stays')).toBe(true);
    await mesh.apply([...BEFORE, gateway('egress')]);
    expect(await isAnswered(mesh, 'stays')).toBe(false);
  });
});
