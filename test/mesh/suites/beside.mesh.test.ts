/**
 * Several declarations on one gateway: two apps of two owners that declare the same host differently, two constructs of
 * one app, and a hand-written recipe. The rows of each hold alone, and beside the others in every order of creation.
 */
import { Chart } from 'cdk8s';
import { AccessRow, AccessTable, Expectation } from '../../../src/access/access-table';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { IEgressGateway } from '../../../src/constructs/i-egress-gateway';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { checkManifests } from '../../../src/rules';
import { Caller } from '../../../src/values/caller';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { KubeObject } from '../lab';
import { INSTALLED, taskPageRecipe } from '../recipe';
import { describeMesh, Mesh, synthesise, titleOf } from '../support';

const SAME = 'same.example.com';
const installation = GatewayInstallation.helmChart({ namespace: 'egress' });

/** The app of a team that uses the gateway. */
function teamApp(namespace: string, build: (chart: Chart, gateway: IEgressGateway) => void): KubeObject[] {
  return synthesise((app) => {
    const chart = new Chart(app, 'team', { namespace });
    build(chart, InstalledEgressGateway.fromInstallation(chart, 'exit', installation));
  });
}

/** The platform's app: the shared hop Service. */
const PLATFORM = synthesise(
  (app) => new InstalledEgressGateway(new Chart(app, 'platform', { namespace: 'egress' }), 'exit', { installation }),
);

// Two constructs; plain HTTP to the shared host leaves as TLS.
const SHOP = teamApp('shop', (chart, gateway) => {
  const callers = [Caller.serviceAccount('shop', 'checkout')];
  new GatewayEgress(chart, 'one', { gateway, hosts: [SAME, 'shop.example.com'], callers }).originateTls('tls', {
    hosts: [SAME],
  });
  new GatewayEgress(chart, 'two', { gateway, hosts: ['second.example.com'], callers });
});

// The same chart and construct ids in another repository; plain HTTP to the shared host stays plain.
const WEB = teamApp('web', (chart, gateway) => {
  new GatewayEgress(chart, 'one', {
    gateway,
    hosts: [SAME, 'web.example.com'],
    callers: [Caller.serviceAccount('web', 'frontend')],
  });
});

const RECIPE = taskPageRecipe('legacy', 'recipe.example.com', INSTALLED);

const through: Partial<Expectation> = { via: 'gateway' };
const answered = (from: string, request: string, more: Partial<Expectation> = {}): AccessRow => ({
  from,
  request,
  expect: { outcome: 'answered', status: 200, ...through, ...more },
});
const refused = (from: string, request: string, more: Partial<Expectation> = {}): AccessRow => ({
  from,
  request,
  expect: { outcome: 'refused', plaintextToHost: false, ...more },
});

/** The objects of each, and rows that hold whichever of the others are there. */
const PARTS: Record<string, { objects: KubeObject[]; rows: AccessRow[] }> = {
  'the shop': {
    objects: SHOP,
    rows: [
      answered('checkout', `http://${SAME}/`, {
        tlsOriginatedBy: 'gateway',
        identityAtGateway: 'shop/checkout',
        serverName: SAME,
      }),
      answered('checkout', `https://${SAME}/`, { tlsOriginatedBy: 'application', protocol: 'h2' }),
      answered('checkout', 'http://shop.example.com/', { tlsOriginatedBy: 'none' }),
      answered('checkout', 'http://second.example.com/', { tlsOriginatedBy: 'none' }),
      answered('checkout', 'https://second.example.com/'),
      refused('crawler', `http://${SAME}/`, { by: 'gateway', symptom: 503 }),
      refused('checkout', 'http://web.example.com/', { by: 'sidecar' }),
    ],
  },
  'the web team': {
    objects: WEB,
    rows: [
      answered('frontend', `http://${SAME}/`, { tlsOriginatedBy: 'none', identityAtGateway: 'web/frontend' }),
      answered('frontend', `https://${SAME}/`, { tlsOriginatedBy: 'application' }),
      answered('frontend', 'http://web.example.com/', { tlsOriginatedBy: 'none' }),
      refused('frontend', 'https://shop.example.com/', { by: 'sidecar', symptom: 'tls-closed' }),
    ],
  },
  'the recipe': {
    objects: RECIPE,
    rows: [
      answered('old', 'http://recipe.example.com/', { tlsOriginatedBy: 'none' }),
      refused('old', `http://${SAME}/`, { by: 'sidecar' }),
    ],
  },
};

const table: AccessTable = {
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
  gateways: [INSTALLED],
  callers: [
    { name: 'checkout', namespace: 'shop', serviceAccount: 'checkout' },
    { name: 'crawler', namespace: 'shop', serviceAccount: 'crawler' },
    { name: 'frontend', namespace: 'web', serviceAccount: 'frontend' },
    { name: 'old', namespace: 'legacy', serviceAccount: 'old' },
  ],
  external: [SAME, 'shop.example.com', 'second.example.com', 'web.example.com', 'recipe.example.com'].map((host) => ({
    host,
    http: 'ok',
    https: 'ok',
  })),
  access: [],
};

test('no two of them have an object with the same name', () => {
  const names = [PLATFORM, SHOP, WEB, RECIPE]
    .flat()
    .map(({ kind, metadata }) => `${kind}/${metadata.namespace}/${metadata.name}`);
  expect(new Set(names).size).toBe(names.length);
});

describeMesh('on one gateway', { table }, (mesh) => {
  test.each(Object.keys(PARTS))('%s alone', async (name) => {
    await apply(mesh, [name]);
    await expectRows(mesh, name);
  });

  test.each(orders(Object.keys(PARTS)).map((order) => [order.join(', then '), order] as const))(
    'created in this order: %s',
    async (_, order) => {
      await apply(mesh, order);
      for (const name of order) await expectRows(mesh, name);
    },
  );
});

/** Applies parts as if each had been created an hour after the previous one: Istio decides conflicts by age. */
async function apply(mesh: Mesh, order: readonly string[]): Promise<void> {
  const aged = order.flatMap((name, index) =>
    PARTS[name].objects.map((object) => {
      const creationTimestamp = `2026-01-01T${10 + index}:00:00Z`;
      return { ...object, metadata: { ...object.metadata, creationTimestamp } };
    }),
  );
  await mesh.apply([]); // an updated object would keep its age
  await mesh.apply([...PLATFORM, ...aged]);
}

async function expectRows(mesh: Mesh, part: string): Promise<void> {
  const wrong: string[] = [];
  for (const row of PARTS[part].rows) {
    await mesh.expectRow(row).catch((error) => wrong.push(`${titleOf(row)}\n${error.message}`));
  }
  expect(wrong).toEqual([]);
}

/** Another author writes the host of `shop` in capitals, older than ours. */
const shouted = (kind: string, namespace: string, spec: object): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name: 'shouted', namespace, creationTimestamp: '2020-01-01T00:00:00Z' },
  spec: { hosts: [SAME.toUpperCase()], ...spec },
});

describeMesh('a host in capitals', { table, tolerate: [/config rejected|rejected: Error adding/] }, (mesh) => {
  const OPEN = 'recipe.example.com';
  const open = synthesise((app) => {
    new SidecarEgress(new Chart(app, 'shop', { namespace: 'shop' }), 'open', { hosts: [OPEN] });
  });
  const ours = [...PLATFORM, ...SHOP];

  test("an older route of the callers' namespace takes the host, which stops synth within one app", async () => {
    const route = { exportTo: ['.'], http: [{ route: [{ destination: { host: OPEN } }] }] };
    const objects = [...ours, ...open, shouted('VirtualService', 'shop', route)];
    await mesh.apply(objects);
    const answer = { outcome: 'answered', answeredBy: OPEN, via: 'sidecar' } as const;
    await mesh.expectRow({ from: 'checkout', request: `http://${SAME}/`, expect: answer });
    const found = checkManifests(objects.map((manifest, position) => ({ manifest, origin: `#${position}` })));
    expect(found.map(({ code }) => code)).toContain('mesh-route-conflict');
  });

  test('an entry of another namespace keeps the sidecars from every change for TLS, unless it is private', async () => {
    const entry = {
      location: 'MESH_EXTERNAL',
      resolution: 'DNS',
      ports: [{ number: 443, name: 'tls', protocol: 'TLS' }],
    };
    const row = { from: 'checkout', request: `https://${OPEN}/` };
    const passes = { outcome: 'answered', via: 'sidecar' } as const;
    const own = { ...entry, exportTo: ['.'] };
    await mesh.apply([...ours, shouted('ServiceEntry', 'legacy', own)]);
    await mesh.apply([...ours, ...open, shouted('ServiceEntry', 'legacy', own)]);
    await mesh.expectRow({ ...row, expect: passes });
    await mesh.apply(ours);
    await expect(mesh.apply([...ours, ...open, shouted('ServiceEntry', 'legacy', entry)])).rejects.toThrow(
      /multiple filter chains with overlapping matching rules/,
    );
    await mesh.expectRow({ ...row, expect: { outcome: 'refused', by: 'sidecar', symptom: 'tls-closed' } });
    await mesh.apply([...ours, ...open]);
    await mesh.expectRow({ ...row, expect: passes });
    const both = { ...own, hosts: [OPEN, OPEN.toUpperCase()] };
    await expect(mesh.apply([...ours, shouted('ServiceEntry', 'shop', both)])).rejects.toThrow(/overlapping matching/);
    await mesh.apply([...ours, ...open]);
  });
});

function orders<T>(items: T[]): T[][] {
  if (items.length < 2) return [items];
  return items.flatMap((first, index) =>
    orders(items.filter((_, other) => other !== index)).map((rest) => [first, ...rest]),
  );
}
