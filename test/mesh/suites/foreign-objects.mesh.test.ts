/**
 * Another author's objects: for the same host, for its address, on the gateways' pods, in place of the lock; in every
 * namespace, older and younger than ours. A named caller takes its egress path or is refused, no other caller is
 * answered, nobody of an alias of the trust domain either, nothing leaves in plaintext or bypasses the gateway. What does not hold is recorded, and docs/limits.md
 * shows it: without measures, with the guard, with a lock that imports less, with istiod's own settings. Two kinds at
 * once, drawn by the seed, do no worse than one of them alone.
 *
 * `MESH_RECORD=true npm run test:mesh -- --suite foreign-objects --everything` records it anew.
 */
import { setTimeout as sleep } from 'timers/promises';
import { Chart } from 'cdk8s';
import { AccessRow, AccessTable, MeshSettings } from '../../../src/access/access-table';
import { EgressBoundary } from '../../../src/constructs/egress-boundary';
import { EgressGateway } from '../../../src/constructs/egress-gateway';
import { EgressGuard } from '../../../src/constructs/egress-guard';
import { GatewayEgress, GatewayRefusal } from '../../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { NoTraceContext } from '../../../src/constructs/no-trace-context';
import { RegistryOnlyMesh } from '../../../src/constructs/registry-only-mesh';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { Caller } from '../../../src/values/caller';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { breaches } from '../breaches';
import { chosen, sample, seed } from '../cover';
import {
  ALIAS,
  Foreign,
  FOREIGN,
  GATEWAY_LABELS,
  HOSTS,
  Kind,
  KINDS,
  LOCKED_LABELS,
  objectsOf,
  OURS,
  requestsOf,
} from '../foreign/kinds';
import { Effect, EFFECTS, keyOf, Measure, measured, record } from '../foreign/measured';
import { idOf, KubeObject } from '../lab';
import { describeMesh, failureText, Mesh, synthesise } from '../support';

const [THROUGH, STRAIGHT, CHECKED, WHOLE] = [HOSTS.through, HOSTS.straight, HOSTS.checked, HOSTS.whole].map(
  ({ host }) => host,
);
const RECORDING = process.env.MESH_RECORD !== undefined;
const EVERYTHING = process.env.MESH_EVERYTHING !== undefined;

/** As Istio's injection sets it. */
const INJECTED = { 'security.istio.io/tlsMode': 'istio' };

/** A gateway of ours, which is locked down. */
const LOCKED = { name: 'vault', namespace: 'egress', labels: LOCKED_LABELS, serviceAccount: 'vault', targetPort: 8443 };

const table = (settings: MeshSettings): Omit<AccessTable, 'access'> => ({
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY', trustDomainAliases: [ALIAS], ...settings },
  gateways: [
    { namespace: 'egress', labels: GATEWAY_LABELS, serviceAccount: 'istio-egressgateway', targetPort: 443 },
    LOCKED,
  ],
  callers: [
    ...['checkout', 'refunds'].map((name) => ({
      name,
      namespace: 'payments',
      serviceAccount: name,
      labels: { app: name, ...INJECTED },
    })),
    { name: 'stranger', namespace: 'elsewhere', serviceAccount: 'stranger' },
    { name: 'raw', namespace: 'elsewhere', serviceAccount: 'raw', capture: { includeOutboundIPRanges: '' } },
  ],
  external: Object.values(HOSTS).map((host) => ({ ...host, http: 'ok', https: 'ok' })),
});

const INSTALLATION = GatewayInstallation.helmChart({ namespace: 'egress' });

function ours(imports?: string[], isBounded = false): KubeObject[] {
  return synthesise((app) => {
    const chart = new Chart(app, 'payments', { namespace: 'payments' });
    const gateway = new InstalledEgressGateway(chart, 'exit', { installation: INSTALLATION });
    if (imports) new RegistryOnlyMesh(chart, 'lock', { namespaces: ['payments'], imports });
    const callers = [Caller.serviceAccount('payments', 'checkout')];
    new GatewayEgress(chart, 'partner', { gateway, hosts: [THROUGH], callers }).originateTls('tls');
    const vault = new EgressGateway(new Chart(app, 'vault', { namespace: 'egress' }), 'vault', { name: 'vault' });
    vault.lockdown();
    const refusal = GatewayRefusal.FORBIDDEN;
    new GatewayEgress(chart, 'bank', { gateway: vault, hosts: [CHECKED], callers, refusal }).originateTls('tls');
    new GatewayEgress(chart, 'news', {
      gateway: vault,
      hosts: [WHOLE],
      callers: [Caller.wholeNamespace('payments')],
    }).originateTls('tls');
    if (isBounded) {
      const boundary = { namespaces: ['payments'], gateways: [gateway, vault], guardInstalledGateways: true };
      new EgressBoundary(new Chart(app, 'boundary', { namespace: 'egress' }), 'boundary', boundary);
    } else new SidecarEgress(chart, 'site', { hosts: [STRAIGHT] }).originateTls('tls');
    new NoTraceContext(new Chart(app, 'platform', { namespace: 'egress' }), 'trace', { gateway });
    new NoTraceContext(chart, 'trace');
  }).map((object) => ({ ...object, metadata: { ...object.metadata, creationTimestamp: OURS } }));
}

/** With every namespace locked, but for the platform's. */
const GUARD = synthesise((app) => {
  const chart = new Chart(app, 'platform');
  InstalledEgressGateway.fromInstallation(chart, 'exit', INSTALLATION);
  new EgressGateway(chart, 'vault', { namespace: 'egress', name: 'vault' });
  new EgressGuard(chart, 'guard', { locks: [new RegistryOnlyMesh(chart, 'lock')] });
}).filter(({ apiVersion }) => apiVersion.startsWith('admissionregistration'));

const OBJECTS = ours();
const HOP_NAME: string = OBJECTS.find(
  ({ kind, spec }) => kind === 'Gateway' && spec.selector.istio === GATEWAY_LABELS.istio,
)!
  .spec.servers[0].hosts[0].split('/')
  .pop();

const WHOLE_HOP = /"sni":"(http-80\.[^"]+)"/.exec(
  JSON.stringify(OBJECTS.filter(({ metadata }) => metadata.annotations?.['cdk8s-istio-egress/host'] === WHOLE)),
)![1];

const originated = { status: 200, via: 'gateway', tlsOriginatedBy: 'gateway', plaintextToHost: false } as const;

const ROWS: AccessRow[] = [
  { from: 'checkout', request: `http://${THROUGH}/`, expect: { outcome: 'answered', ...originated } },
  {
    from: 'checkout',
    request: `https://${THROUGH}/`,
    expect: { outcome: 'answered', status: 200, via: 'gateway', tlsOriginatedBy: 'application' },
  },
  { from: 'refunds', request: `http://${THROUGH}/`, expect: { outcome: 'refused' } },
  { from: 'refunds', request: `https://${THROUGH}/`, expect: { outcome: 'refused' } },
  {
    from: 'checkout',
    request: `http://${STRAIGHT}/`,
    expect: { outcome: 'answered', status: 200, via: 'sidecar', tlsOriginatedBy: 'sidecar', plaintextToHost: false },
  },
  {
    from: 'checkout',
    request: `https://${STRAIGHT}/`,
    expect: { outcome: 'answered', status: 200, via: 'sidecar', tlsOriginatedBy: 'application' },
  },
  { from: 'checkout', request: `http://${CHECKED}/`, expect: { outcome: 'answered', ...originated } },
  { from: 'refunds', request: `http://${CHECKED}/`, expect: { outcome: 'refused' } },
  { from: 'refunds', request: `https://${CHECKED}/`, expect: { outcome: 'refused' } },
  { from: 'refunds', request: `http://${WHOLE}/`, expect: { outcome: 'answered', ...originated } },
  ...['refunds', 'stranger'].map((from): AccessRow => ({
    from,
    request: `http://${HOSTS.open.host}/`,
    expect: { outcome: 'refused' },
  })),
  { from: 'refunds', request: `https://${HOSTS.open.host}/`, expect: { outcome: 'refused' } },
  { from: 'checkout', request: `http://${HOSTS.metadata.address}/`, expect: { outcome: 'refused' } },
];

const TRACING = /^(sw8|traceparent|tracestate|b3|x-b3-)/;

const TRACED: Foreign[] = [
  { kind: 'traced', place: 'the root namespace', age: 'younger' },
  { kind: 'tracedWorkload', place: "the callers' namespace", age: 'younger' },
];

/** Of a request for the whole namespace's host, by an account of it in this trust domain. */
function statusOf(mesh: Mesh, trustDomain: string): Promise<number> {
  return mesh.lab.callGateway('raw', LOCKED, WHOLE_HOP, `spiffe://${trustDomain}/ns/payments/sa/refunds`);
}

/** Applies other authors' objects and sends all requests; `because` learns what was seen. */
async function effectOf(
  mesh: Mesh,
  objects: KubeObject[],
  requests: AccessRow[] = [],
  because: string[] = [],
): Promise<Effect> {
  await mesh.lab.apply('foreign', objects);
  try {
    await mesh.lab.converge();
  } catch (error) {
    const { message } = error as Error;
    if (!/ refused /.test(message)) throw error;
    because.push(message);
    await mesh.apply([], 'foreign');
    return 'freezes';
  }
  if ((await statusOf(mesh, ALIAS)) === 200) return 'opens';
  let effect: Effect = 'nothing';
  for (const row of [...ROWS, ...requests]) {
    const sight = await mesh.see(row);
    // What the other team opens for itself from its own sidecars is its own affair.
    if (row.from === 'stranger' && sight.judgement.seen.via !== 'gateway') continue;
    if (!sight.judgement.passed) because.push(failureText(row, sight));
    if (breaches(row, sight).length > 0) return 'opens';
    if (sight.judgement.seen.addedHeaders?.some((header) => TRACING.test(header))) effect = 'tells';
    // What lasts: while a proxy resolves a name again, one request may be too early.
    else if (!sight.judgement.passed && effect === 'nothing' && !(await mesh.see(row)).judgement.passed)
      effect = 'fails';
  }
  return effect;
}

/** The objects that the guard admits. */
async function admitted(mesh: Mesh, objects: KubeObject[]): Promise<KubeObject[]> {
  const findings = await mesh.lab.validate(objects);
  const refused = findings.filter(({ source, error }) => source === 'policy' && error !== undefined);
  return objects.filter(
    ({ kind, metadata }) => !refused.some(({ object }) => object === `${kind}/${metadata.namespace}/${metadata.name}`),
  );
}

/**
 * With the guard, an object is there or is not; what the mesh does with those that are there is the same. So the mesh
 * is asked once, unless the guard refuses some of several objects.
 */
async function withAndWithoutGuard(
  mesh: Mesh,
  objects: KubeObject[],
  left: KubeObject[],
  requests: AccessRow[],
  because?: string[],
): Promise<[without: Effect, guarded: Effect]> {
  await mesh.lab.apply('foreign', []);
  const without = await effectOf(mesh, objects, requests, because);
  if (left.length === 0) return [without, 'refused'];
  return [without, left.length === objects.length ? without : await effectOf(mesh, left, requests, because)];
}

/**
 * A whole listener is refused for one of these, and istiod says of a Service with one label of its own that it lacks
 * another; only what the world then does counts.
 */
const FROZEN = [/rejected/, /ADS:LDS: ACK ERROR/, /missing the istio\.io\/inferencepool-name label/];

const SETTINGS: MeshSettings = {
  scopeGatewayToNamespace: true,
  serviceEntryVisibility: { defaultVisibility: 'NAMESPACE', applyToSidecars: true },
};

const WORLDS: { name: string; settings: MeshSettings; manifests: KubeObject[]; measures: [Measure, Measure?] }[] = [
  { name: 'no measures', settings: {}, manifests: OBJECTS, measures: ['nothing', 'guard'] },
  {
    name: 'a lock that imports less',
    settings: {},
    manifests: ours(['./*', 'istio-system/*', 'egress/*']),
    measures: ['imports'],
  },
  {
    name: "istiod's settings",
    settings: SETTINGS,
    manifests: OBJECTS,
    measures: ['settings', 'guard and settings'],
  },
];

const product = WORLDS.flatMap((world) => FOREIGN.map((foreign) => ({ world, foreign })));
const asked = chosen(product, [
  ({ world }) => world.name,
  ({ foreign }) => foreign.kind,
  ({ foreign }) => foreign.place,
  ({ foreign }) => foreign.age,
]);

/** Two kinds whose objects have different names. */
const PAIRS = sample(
  FOREIGN.flatMap((first, index) => FOREIGN.slice(index + 1).map((second) => [first, second] as const)).filter(
    (pair) => new Set(objectsOfAll(pair).map(idOf)).size === objectsOfAll(pair).length && pair[0].kind !== pair[1].kind,
  ),
  EVERYTHING ? 40 : 5,
  seed(),
);

function objectsOfAll(all: readonly Foreign[]): KubeObject[] {
  return all.flatMap((foreign) => objectsOf(foreign, HOP_NAME));
}

/** The worst comes first; what is refused does nothing. */
function rank(effect: Effect): number {
  return EFFECTS.some((one) => one === effect) ? EFFECTS.indexOf(effect as (typeof EFFECTS)[number]) : EFFECTS.length;
}

for (const world of WORLDS) {
  describeMesh(world.name, { table: table(world.settings), manifests: world.manifests, tolerate: FROZEN }, (mesh) => {
    const worlds = asked.filter((one) => one.world === world).map(({ foreign }) => foreign);
    const objects = new Map<unknown, KubeObject[]>([
      ...worlds.map((foreign) => [foreign, objectsOf(foreign, HOP_NAME)] as const),
      ...PAIRS.map((pair) => [pair, objectsOfAll(pair)] as const),
    ]);
    const guarded = new Map<unknown, KubeObject[]>();

    beforeAll(async () => {
      await mesh.lab.apply('guard', GUARD);
      for (const [foreign, list] of objects) guarded.set(foreign, await admitted(mesh, list));
      await mesh.lab.apply('guard', []);
      await mesh.apply(world.manifests);
    });

    test('without objects of others all rows hold', async () => {
      for (const row of ROWS) await mesh.expectRow(row);
      expect([await statusOf(mesh, 'cluster.local'), await statusOf(mesh, ALIAS)]).toEqual([200, 403]);
    });

    if (world.measures[0] === 'imports')
      test('refuses calls to Services that are not imported', async () => {
        const service: KubeObject = {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'peer', namespace: 'elsewhere' },
          spec: { selector: { app: 'stranger' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
        };
        const dial = mesh.lab.pods.find(({ id }) => id === 'stranger')!.address;
        const call = { from: 'checkout', request: 'http://peer.elsewhere.svc.cluster.local/', dial };
        const statusWith = async (manifests: KubeObject[]) => {
          await mesh.apply([...manifests, service]);
          return (await mesh.see(call)).evidence.curl.statuses[0];
        };
        expect(await statusWith(OBJECTS)).toBe(503); // nothing listens there
        expect(await statusWith(world.manifests)).toBe(502);
        await mesh.apply(world.manifests);
      });

    test('without NoTraceContext, tracing tells of the caller: this suite can see it', async () => {
      await mesh.apply(world.manifests.filter(({ kind }) => kind !== 'Telemetry'));
      for (const traced of TRACED) expect(await effectOf(mesh, objectsOf(traced, HOP_NAME))).toBe('tells');
      await mesh.lab.apply('foreign', []);
      await mesh.apply(world.manifests);
    });

    test.each(asked.filter((one) => one.world === world).map(({ foreign }) => [keyOf(foreign), foreign] as const))(
      '%s',
      async (key, foreign) => {
        const because: string[] = [];
        const [without, withGuardOn] = await withAndWithoutGuard(
          mesh,
          objects.get(foreign)!,
          guarded.get(foreign)!,
          requestsOf(foreign),
          because,
        );
        const [measure, withGuard] = world.measures;
        const found = { [measure]: without, ...(withGuard && { [withGuard]: withGuardOn }) } as Record<Measure, Effect>;
        if (RECORDING) record({ [key]: { ...measured()[key], ...found } });
        else {
          const recorded = Object.fromEntries(Object.keys(found).map((one) => [one, measured()[key][one as Measure]]));
          expect({ found, because }).toEqual({ found: recorded, because });
        }
      },
    );

    test.each(PAIRS.map((pair) => [pair.map(keyOf).join(' and '), pair] as const))(
      'two at once: %s',
      async (_title, pair) => {
        const effects = await withAndWithoutGuard(
          mesh,
          objects.get(pair)!,
          guarded.get(pair)!,
          pair.flatMap(requestsOf),
        );
        world.measures.forEach((measure, index) => {
          if (measure === undefined) return;
          const alone = pair.map((one) => measured()[keyOf(one)][measure]);
          const worst = Math.min(...alone.map(rank));
          expect({ measure, alone, together: effects[index], isWorse: rank(effects[index]) < worst }).toMatchObject({
            isWorse: false,
          });
        });
      },
    );
  });
}

/** What a namespace's own authors can do to it, or others in spite of the guard, and only a network stops. */
const OWN = FOREIGN.filter(({ kind, place, age }) => {
  const { settings, 'guard and settings': both } = measured()[keyOf({ kind, place, age })] ?? {};
  const isOwn = place.startsWith("the callers' namespace") && settings === 'opens';
  // What an author sends through the gateway as from its callers leaves by the gateway, which a boundary leaves open.
  const { leavesByGateway }: Kind = KINDS[kind];
  return age === 'older' && !leavesByGateway && (isOwn || (place === 'another namespace' && both === 'opens'));
});

describeMesh('a boundary', { table: table(SETTINGS), manifests: ours(undefined, true), tolerate: FROZEN }, (mesh) => {
  const manifests = ours(undefined, true);
  const rows = ROWS.filter(({ request }) => !request.includes(STRAIGHT));
  const opened = async (among: AccessRow[]) => {
    const found: AccessRow[] = [];
    for (const row of among) if (breaches(row, await mesh.see(row)).length > 0) found.push(row);
    return found;
  };

  test.each((EVERYTHING ? OWN : sample(OWN, 2, seed())).map((foreign) => [keyOf(foreign), foreign] as const))(
    'lets nothing out that another author of the namespace opens: %s',
    async (_key, foreign) => {
      await mesh.lab.apply('foreign', objectsOf(foreign, HOP_NAME));
      await mesh.apply(manifests.filter(({ kind }) => kind !== 'NetworkPolicy'));
      const without = await opened([...rows, ...requestsOf(foreign)]);
      expect(without).not.toEqual([]);
      await mesh.apply(manifests);
      // Each waits for a connection that never comes.
      const sent = EVERYTHING ? without : without.slice(0, 2);
      expect(await opened(sent)).toEqual([]);
    },
  );
});

/** A Service of another team, and a rule by which its calls go through a tunnel. */
const tunnelled = (targetHost: string): KubeObject[] => {
  const metadata = { name: 'foreign', namespace: 'elsewhere' };
  const trafficPolicy = { tunnel: { targetHost, targetPort: 443 } };
  return [
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ name: 'tcp', port: 5432 }] } },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata,
      spec: { host: 'foreign', trafficPolicy },
    },
  ];
};

describeMesh(
  'pods that start',
  { table: table({}), manifests: ours(), tolerate: [/BOGUS/, /Envoy proxy is NOT ready: .* was rejected/] },
  (mesh) => {
    test('a tunnel that Envoy does not understand keeps pods of others that start from becoming ready', async () => {
      const proxy = mesh.lab.proxies.find(({ pod }) => pod.id === 'checkout')!;
      await mesh.apply(tunnelled('www.example.com'));
      await proxy.replace(mesh.lab.files);
      await mesh.lab.apply('manifests', tunnelled('fe80::1%BOGUS%'));
      const isReady = proxy.replace(mesh.lab.files).then(() => true);
      expect(await Promise.race([isReady, sleep(15_000).then(() => false)])).toBe(false);
      await mesh.lab.apply('manifests', []);
      expect(await isReady).toBe(true);
    });
  },
);
