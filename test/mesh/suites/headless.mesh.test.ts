/**
 * Headless Services of the mesh: what a sidecar does with a request that names one, to whatever address it was made.
 * docs/tenants.md says what stops it, and what that costs.
 */
import { Chart } from 'cdk8s';
import { AccessRow, AccessTable } from '../../../src/access/access-table';
import { RegistryOnlyMesh } from '../../../src/constructs/registry-only-mesh';
import { KubeObject } from '../lab';
import { describeMesh, Mesh, Sight, synthesise } from '../support';

/** Two pods of the Service, where it has any; a host that nobody declares, and a metadata service. */
const PODS = ['203.0.113.20', '203.0.113.21'];
const ELSEWHERE = '203.0.113.66';
const METADATA = '169.254.169.254';

const table: Omit<AccessTable, 'access'> = {
  callers: [
    { name: 'web', namespace: 'payments', serviceAccount: 'web' },
    { name: 'checkout', namespace: 'shop', serviceAccount: 'checkout' },
  ],
  external: [
    ...PODS.map((address, index) => ({ host: `db-${index}.example.com`, address, http: 'ok' as const, tcp: [5432] })),
    { host: 'collector.example.com', address: ELSEWHERE, http: 'ok' },
    { host: 'metadata.example.com', address: METADATA, http: 'ok' },
  ],
};

const lock = synthesise((app) => {
  new RegistryOnlyMesh(new Chart(app, 'platform'), 'lock');
});

function service(ports: object[]): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'db', namespace: 'shop' },
    spec: { clusterIP: 'None', ports },
  };
}

const HTTP = { name: 'http', port: 80 };
const TCP = { name: 'tcp', port: 5432 };
const pods = (...addresses: string[]): KubeObject[] => [
  service([HTTP, TCP]),
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'db', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'db' } },
    addressType: 'IPv4',
    ports: [HTTP, TCP].map(({ name, port }) => ({ name, port, protocol: 'TCP' })),
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  } as unknown as KubeObject,
];
const withPods = pods(...PODS);

/** As another team writes it, earlier. */
const theirs = (objects: KubeObject[]): KubeObject[] =>
  objects.map((object) => ({
    ...object,
    metadata: { ...object.metadata, namespace: 'other', creationTimestamp: '2020-01-01T00:00:00Z' },
  }));

/** A Service with an address that its own namespace does not see, and what an entry of that namespace says of its name. */
const hidden: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'db', namespace: 'shop', annotations: { 'networking.istio.io/exportTo': 'payments' } },
  spec: { ports: [HTTP] },
};
const hiddenBy = (change: number): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: 'db', namespace: 'shop', labels: { change: `${change}` } },
  spec: {
    hosts: ['db.shop.svc.cluster.local'],
    exportTo: ['.'],
    resolution: 'NONE',
    location: 'MESH_EXTERNAL',
    ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
  },
});

/** Requests that name the Service, from another namespace and from its own. */
const NAMED: Omit<AccessRow, 'expect'>[] = [
  { from: 'web', request: 'http://collector.example.com/', headers: { Host: 'db.shop' } },
  { from: 'checkout', request: 'http://collector.example.com/', headers: { Host: 'db' } },
  { from: 'web', request: 'http://metadata.example.com/', headers: { Host: 'db.shop.svc.cluster.local' } },
];

const TO_PODS = PODS.flatMap((dial): Omit<AccessRow, 'expect'>[] => [
  { from: 'web', request: 'http://db-0.example.com/', headers: { Host: 'db.shop' }, dial },
  { from: 'web', request: 'tcp://db-0.example.com:5432', dial },
]);

const answeredBy = ({ judgement: { seen } }: Sight) => (seen.outcome === 'answered' ? seen.answeredBy : seen.outcome);

/** Who answers, of several times; and of more, until so many have answered: Envoy draws one each time. */
async function answers(mesh: Mesh, row: Omit<AccessRow, 'expect'>, times: number, answerers = 1): Promise<unknown[]> {
  const found = new Set<unknown>();
  for (let time = 0; time < times || (found.size < answerers && time < 50); time++)
    found.add(answeredBy(await mesh.see(row)));
  return [...found].sort();
}

describeMesh('as Istio has them', { table, manifests: lock }, (mesh) => {
  test('a request that names a headless Service goes to the address that was dialled', async () => {
    await mesh.apply([...lock, service([HTTP])]);
    const found: unknown[] = [];
    for (const row of NAMED) found.push(answeredBy(await mesh.see(row)));
    expect(found).toEqual(['collector.example.com', 'collector.example.com', 'metadata.example.com']);
  });

  test('what is sent to one of its pods arrives there', async () => {
    await mesh.apply([...lock, ...withPods]);
    for (const row of TO_PODS)
      expect(await answers(mesh, row, 4)).toEqual([`db-${PODS.indexOf(row.dial!)}.example.com`]);
  });

  test("another team's headless Service with the address of one of its pods decides how that is called", async () => {
    const row = { from: 'web', request: 'tcp://db-0.example.com:5432', dial: PODS[0] };
    const rule: KubeObject = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'db' },
      spec: { host: 'db', trafficPolicy: { tls: { mode: 'SIMPLE', insecureSkipVerify: true } } },
    };
    await mesh.apply([...lock, ...withPods]);
    expect(answeredBy(await mesh.see(row))).toBe('db-0.example.com');
    await mesh.apply([...lock, ...withPods, ...theirs([...pods(PODS[0]), rule])]);
    expect(answeredBy(await mesh.see(row))).toBe('refused');
  });

  test('a headless Service whose port says TCP takes no such request', async () => {
    await mesh.apply([...lock, service([{ ...HTTP, name: 'tcp-db' }])]);
    for (const row of NAMED) expect((await mesh.see(row)).judgement.seen.outcome).toBe('refused');
    await mesh.apply([...lock, service([{ ...HTTP, name: 'db', appProtocol: 'tcp' }])]);
    for (const row of NAMED) expect((await mesh.see(row)).judgement.seen.outcome).toBe('refused');
  });

  test('one whose protocol nobody says takes it', async () => {
    await mesh.apply([...lock, service([{ ...HTTP, name: 'db' }])]);
    expect(answeredBy(await mesh.see(NAMED[0]))).toBe('collector.example.com');
  });
});

const helmValues = JSON.stringify({ pilot: { env: { PILOT_ENABLE_EDS_FOR_HEADLESS_SERVICES: 'true' } } });

describeMesh('over EDS', { table, manifests: lock, helmValues }, (mesh) => {
  test('with the setting of istiod it goes to an endpoint of the Service, whichever', async () => {
    await mesh.apply([...lock, service([HTTP])]);
    for (const row of NAMED) expect(answeredBy(await mesh.see(row))).toBe('refused');
    await mesh.apply([...lock, ...withPods]);
    for (const row of [...NAMED, ...TO_PODS])
      expect(await answers(mesh, row, 12, 2)).toEqual(['db-0.example.com', 'db-1.example.com']);
  });

  test("where another team's headless Service has the address of a pod, what is for that pod arrives at theirs too", async () => {
    const row = { from: 'web', request: 'tcp://db-0.example.com:5432', dial: PODS[0] };
    await mesh.apply([...lock, ...pods(PODS[0])]);
    expect(await answers(mesh, row, 4)).toEqual(['db-0.example.com']);
    await mesh.apply([...lock, ...pods(PODS[0]), ...theirs(withPods)]);
    expect(await answers(mesh, row, 12, 2)).toEqual(['db-0.example.com', 'db-1.example.com']);
  });

  test('the private entry of a namespace for its own Service decides where sidecars of others send what names it', async () => {
    await mesh.apply([...lock, hidden]);
    expect(answeredBy(await mesh.see(NAMED[0]))).toBe('refused');
    // istiod keeps one cluster for both, and whose it is changes from one change of the entry to the next.
    const found = new Set<unknown>();
    for (let change = 0; change < 60 && !found.has('collector.example.com'); change++) {
      await mesh.apply([...lock, hidden, hiddenBy(change)]);
      found.add(answeredBy(await mesh.see(NAMED[0])));
    }
    expect(found).toContain('collector.example.com');
  });
});
