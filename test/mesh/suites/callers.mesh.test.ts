/**
 * Callers that an AuthorizationPolicy checks: whole namespaces, on a shared gateway and on a locked one, and refusals
 * with 403. Each object is removed in turn; another namespace writes its own caller side; a hand-written recipe is on
 * the same gateway.
 */
import { Chart } from 'cdk8s';
import { AccessRow, AccessTable } from '../../../src/access/access-table';
import { EgressGateway } from '../../../src/constructs/egress-gateway';
import { GatewayEgress, GatewayHttp, GatewayRefusal } from '../../../src/constructs/gateway-egress';
import { IEgressGateway } from '../../../src/constructs/i-egress-gateway';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { Caller } from '../../../src/values/caller';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { breaches } from '../breaches';
import { idOf, KubeObject } from '../lab';
import { INSTALLED_PODS } from '../recipe';
import { describeMesh, failureText, Mesh, plain, synthesise } from '../support';

const WEB = 'news.example.com';
const SHOP = 'api.partner.com';
const OWN = {
  namespace: 'egress',
  labels: { 'cdk8s-istio-egress/gateway': 'egress-gateway.egress' },
  serviceAccount: 'egress-gateway',
  targetPort: 8443,
};

const table = (gateway: typeof OWN | typeof INSTALLED_PODS): Omit<AccessTable, 'access'> => ({
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
  gateways: [gateway],
  callers: [
    { name: 'front', namespace: 'web', serviceAccount: 'front' },
    { name: 'batch', namespace: 'web', serviceAccount: 'default' },
    { name: 'checkout', namespace: 'shop', serviceAccount: 'checkout' },
    { name: 'crawler', namespace: 'shop', serviceAccount: 'crawler' },
    // its service account has the same name as an allowed one
    { name: 'stranger', namespace: 'other', serviceAccount: 'front' },
  ],
  external: [WEB, SHOP, 'open.example.com'].map((host) => ({ host, http: 'redirect-to-https', https: 'ok' })),
});

/** The app on either gateway. `shop` names a service account, which its server checks. */
function lockedGateway(platform: Chart): EgressGateway {
  const exit = new EgressGateway(platform, 'exit');
  exit.lockdown();
  return exit;
}

function build(
  gatewayIn: (platform: Chart) => IEgressGateway,
  shop: { refusal?: GatewayRefusal; http?: GatewayHttp } = {},
): KubeObject[] {
  return synthesise((app) => {
    const gateway = gatewayIn(new Chart(app, 'platform', { namespace: 'egress' }));
    new GatewayEgress(new Chart(app, 'web', { namespace: 'web' }), 'news', {
      gateway,
      hosts: [WEB],
      callers: [Caller.wholeNamespace('web')],
    }).originateTls('tls');
    new GatewayEgress(new Chart(app, 'shop', { namespace: 'shop' }), 'partner', {
      gateway,
      hosts: [SHOP],
      callers: [Caller.serviceAccount('shop', 'checkout')],
      ...shop,
    }).originateTls('tls');
  });
}

const through = (from: string, host: string): AccessRow[] => [
  {
    from,
    request: `http://${host}/`,
    expect: { outcome: 'answered', status: 200, via: 'gateway', tlsOriginatedBy: 'gateway', plaintextToHost: false },
  },
  {
    from,
    request: `https://${host}/`,
    expect: { outcome: 'answered', status: 200, via: 'gateway', tlsOriginatedBy: 'application' },
  },
];
const refused = (from: string, host: string, symptom: number, by: 'gateway' | 'sidecar' = 'gateway'): AccessRow[] => [
  { from, request: `http://${host}/`, expect: { outcome: 'refused', by, symptom, plaintextToHost: false } },
  { from, request: `https://${host}/`, expect: { outcome: 'refused', by, symptom: 'tls-closed' } },
];
const WEB_ROWS = [...through('front', WEB), ...through('batch', WEB)];
const SHOP_ROWS = through('checkout', SHOP);
const STRANGER = refused('stranger', WEB, 502, 'sidecar');

async function hold(mesh: Mesh, rows: AccessRow[]): Promise<void> {
  for (const row of rows) await mesh.expectRow(row);
}

/** Sends rows that may be refused, and throws where they do anything else. */
async function mayClose(mesh: Mesh, rows: AccessRow[]): Promise<void> {
  for (const row of rows) {
    const sight = await mesh.see(row);
    const found = breaches(row, sight);
    if (found.length > 0) throw plain(`${found.join('\n')}\n${failureText(row, sight)}`);
  }
}

/** A copy of the caller side, as another namespace could write it to use a grant that it does not have. */
function stolen(objects: KubeObject[], from: string, to: string): KubeObject[] {
  return objects
    .filter(({ kind, metadata }) => metadata.namespace === from && kind !== 'AuthorizationPolicy')
    .map((object) => ({ ...object, metadata: { ...object.metadata, namespace: to } }));
}

const policyOf = (namespace: string, rule: object): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name: 'of-others', namespace },
  spec: { action: 'ALLOW', rules: [rule] },
});

/** What the lab does not need: its pods come from the table. */
const inForce = ({ kind }: KubeObject): boolean =>
  !['PodDisruptionBudget', 'HorizontalPodAutoscaler', 'ServiceAccount', 'Deployment'].includes(kind);

const isGrant = ({ kind, spec }: KubeObject): boolean => kind === 'AuthorizationPolicy' && spec.action === 'ALLOW';
const isPolicy = ({ kind }: KubeObject): boolean => kind === 'AuthorizationPolicy';
const ours = (objects: KubeObject[]) =>
  objects.filter(
    ({ apiVersion, metadata }) =>
      apiVersion.includes('istio.io') && !metadata.name.startsWith('egress-gateway-lockdown'),
  );

const installedGateway = (platform: Chart) =>
  new InstalledEgressGateway(platform, 'exit', {
    installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
  });

describeMesh('a whole namespace, on a gateway that another team runs', { table: table(INSTALLED_PODS) }, (mesh) => {
  const objects = build(installedGateway);
  const theft = stolen(objects, 'web', 'other');
  const metadata = { name: 'recipe', namespace: 'other', creationTimestamp: '2020-01-01T00:00:00Z' };
  const object = (kind: string, spec: object): KubeObject => ({
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata,
    spec,
  });
  /** As in Istio's task pages, and older than our objects: TLS passthrough. */
  const recipe = [
    object('ServiceEntry', {
      hosts: ['open.example.com'],
      resolution: 'DNS',
      ports: [{ number: 443, name: 'tls', protocol: 'TLS' }],
    }),
    object('Gateway', {
      selector: INSTALLED_PODS.labels,
      servers: [
        {
          port: { number: 443, name: 'tls', protocol: 'TLS' },
          hosts: ['open.example.com'],
          tls: { mode: 'PASSTHROUGH' },
        },
      ],
    }),
    object('DestinationRule', {
      host: 'istio-egressgateway-hop.egress.svc.cluster.local',
      subsets: [{ name: 'open', trafficPolicy: { tls: { mode: 'DISABLE' } } }],
    }),
    object('VirtualService', {
      hosts: ['open.example.com'],
      gateways: ['mesh', 'recipe'],
      tls: [
        {
          match: [{ gateways: ['mesh'], port: 443, sniHosts: ['open.example.com'] }],
          route: [
            {
              destination: {
                host: 'istio-egressgateway-hop.egress.svc.cluster.local',
                subset: 'open',
                port: { number: 443 },
              },
            },
          ],
        },
        {
          match: [{ gateways: ['recipe'], port: 443, sniHosts: ['open.example.com'] }],
          route: [{ destination: { host: 'open.example.com', port: { number: 443 } } }],
        },
      ],
    }),
  ];
  const RECIPE: AccessRow = {
    from: 'stranger',
    request: 'https://open.example.com/',
    expect: { outcome: 'answered', status: 200, via: 'gateway' },
  };

  test('every account of the namespace is answered, and no other; named callers and the recipe still work', async () => {
    await mesh.apply(recipe, 'recipe');
    await mesh.apply(objects);
    await hold(mesh, [...WEB_ROWS, ...STRANGER, ...SHOP_ROWS, ...refused('crawler', SHOP, 503), RECIPE]);
  });

  test("a caller that the server refuses leaves no line of plain HTTP in the gateway's log, and no byte at the host", async () => {
    await mesh.apply(objects);
    const [http, https] = refused('crawler', SHOP, 503);
    const refusal = await mesh.expectRow(http);
    expect([refusal.evidence.atGateway, refusal.evidence.external]).toEqual([[], []]);
    const { evidence } = await mesh.expectRow(https);
    expect(evidence.external.filter(({ event }) => event !== 'connect')).toEqual([]);
  });

  test('of plain HTTP that the gateway does not read it leaves the line of a connection', async () => {
    await mesh.apply(build(installedGateway, { http: GatewayHttp.OPAQUE }));
    const { evidence } = await mesh.see({ from: 'crawler', request: `http://${SHOP}/` });
    expect(evidence.curl.statuses).toEqual([503]);
    expect(evidence.atGateway.map(({ line }) => [line.method, line.peer])).toEqual([
      [undefined, 'spiffe://cluster.local/ns/shop/sa/crawler'],
    ]);
    expect(evidence.external.filter(({ event }) => !['connect', 'hello'].includes(event))).toEqual([]);
  });

  test.each(ours(objects).map((gone) => [idOf(gone), gone] as const))(
    'without %s: the same, or refused',
    async (_id, gone) => {
      await mesh.apply(objects.filter((other) => other !== gone));
      await mayClose(mesh, [...WEB_ROWS, ...STRANGER, ...SHOP_ROWS, ...refused('crawler', SHOP, 503)]);
      await hold(mesh, [RECIPE]);
    },
  );

  test('another namespace with its own caller side is refused by the policy', async () => {
    await mesh.apply([...objects, ...theft]);
    await hold(mesh, [...WEB_ROWS, ...refused('stranger', WEB, 403)]);
  });

  test('nor does it help to write the name of the hop in capitals', async () => {
    const capitals = theft.map((one) =>
      one.kind === 'DestinationRule'
        ? JSON.parse(JSON.stringify(one, (key, value) => (key === 'sni' ? value.toUpperCase() : value)))
        : one,
    );
    await mesh.apply([...objects, ...capitals]);
    for (const row of refused('stranger', WEB, 403)) await mesh.expectRow({ ...row, expect: { outcome: 'refused' } });
  });

  test('without the policy it is answered, as docs/callers.md says', async () => {
    await mesh.apply([...objects, ...theft].filter((other) => !isPolicy(other)));
    await hold(mesh, through('stranger', WEB));
  });
});

describeMesh('whole namespaces and 403, on a locked gateway', { table: table(OWN) }, (mesh) => {
  const objects = build(lockedGateway, { refusal: GatewayRefusal.FORBIDDEN }).filter(inForce);
  const theft = [...stolen(objects, 'web', 'other'), ...stolen(objects, 'shop', 'other')];
  const ROWS = [...WEB_ROWS, ...STRANGER, ...SHOP_ROWS, ...refused('crawler', SHOP, 403)];

  test('allowed callers are answered; others get 403', async () => {
    await mesh.apply(objects);
    await hold(mesh, ROWS);
  });

  test('the gateway logs the identity of refused callers', async () => {
    await mesh.apply(objects);
    const { evidence } = await mesh.expectRow(refused('crawler', SHOP, 403)[0]);
    expect(evidence.atGateway.map(({ line }) => [line.code, line.peer])).toEqual([
      ['403', 'spiffe://cluster.local/ns/shop/sa/crawler'],
    ]);
    expect(evidence.external).toEqual([]);
  });

  test.each(ours(objects).map((gone) => [idOf(gone), gone] as const))(
    'without %s: the same, or refused',
    async (_id, gone) => {
      await mesh.apply(objects.filter((other) => other !== gone));
      await mayClose(mesh, ROWS);
      if (isGrant(gone)) {
        const [closed, open] = gone.metadata.name.startsWith('web') ? [WEB_ROWS, SHOP_ROWS] : [SHOP_ROWS, WEB_ROWS];
        await hold(mesh, [
          ...closed.map(({ from, request }): AccessRow => ({
            from,
            request,
            expect: { outcome: 'refused', by: 'gateway' },
          })),
          ...open,
        ]);
      }
    },
  );

  test('another namespace with its own caller sides is refused, with and without the policies', async () => {
    const rows = [...refused('stranger', WEB, 403), ...refused('stranger', SHOP, 403)];
    await mesh.apply([...objects, ...theft]);
    await hold(mesh, rows);
    await mesh.apply(
      [...objects, ...theft].filter(
        (other) => !isPolicy(other) || other.metadata.name.startsWith('egress-gateway-lockdown'),
      ),
    );
    await hold(mesh, rows);
  });

  /** What others allow on these pods: everyone with an identity, everything on a port, everyone in a namespace. */
  const ALLOWED: [string, string, object][] = [
    [
      'a policy of the root namespace for everyone with an identity',
      'istio-system',
      { from: [{ source: { principals: ['*'] } }] },
    ],
    ["a policy of the gateway's namespace for one port", 'egress', { to: [{ operation: { ports: ['8443'] } }] }],
    ['an empty rule', 'egress', {}],
  ];
  test.each(ALLOWED)('unnamed callers are refused beside %s', async (_what, namespace, rule) => {
    const allowed = policyOf(namespace, rule);
    await mesh.apply([...objects, allowed, ...theft]);
    await hold(mesh, [...ROWS.filter(({ from }) => from !== 'stranger'), ...refused('stranger', WEB, 403)]);
    // This check can fail: it is the refusals that hold.
    await mesh.apply([...objects.filter(({ spec }) => spec?.action !== 'DENY'), allowed, ...theft]);
    await hold(mesh, [...through('crawler', SHOP), ...through('stranger', WEB)]);
  });
});

describeMesh('apps that do not know each other', { table: table(OWN) }, (mesh) => {
  const gateway = (isLocked: boolean) =>
    synthesise((app) => {
      const exit = new EgressGateway(new Chart(app, 'platform', { namespace: 'egress' }), 'exit');
      if (isLocked) exit.lockdown();
    }).filter(inForce);
  /** An app for one host, with what it believes of the gateway. */
  const team = (lockedDown: boolean, namespace: string, host: string, caller: string, refusal?: GatewayRefusal) =>
    synthesise((app) => {
      const chart = new Chart(app, 'team', { namespace });
      const installation = GatewayInstallation.egressGateway({ namespace: 'egress', lockedDown });
      new GatewayEgress(chart, 'host', {
        gateway: InstalledEgressGateway.fromInstallation(chart, 'exit', installation),
        hosts: [host],
        callers: [Caller.serviceAccount(namespace, caller)],
        refusal,
      }).originateTls('tls');
    });
  const { FORBIDDEN } = GatewayRefusal;

  test('two apps of one owner: the policy that is applied last decides for the hosts of both', async () => {
    const first = team(true, 'shop', SHOP, 'checkout', FORBIDDEN);
    const second = team(true, 'shop', WEB, 'crawler', FORBIDDEN);
    await mesh.apply([...gateway(true), ...first]);
    await hold(mesh, [...SHOP_ROWS, ...refused('crawler', SHOP, 403)]);
    const both = new Map([...gateway(true), ...first, ...second].map((object) => [idOf(object), object]));
    await mesh.apply([...both.values()]);
    await hold(mesh, [...through('crawler', SHOP), ...refused('checkout', SHOP, 403)]);
  });

  test('an app that takes an open gateway for a locked one closes it for all others', async () => {
    const first = team(false, 'shop', SHOP, 'checkout');
    await mesh.apply([...gateway(false), ...first]);
    await hold(mesh, SHOP_ROWS);
    await mesh.apply([...gateway(false), ...first, ...team(true, 'web', WEB, 'front', FORBIDDEN)]);
    await hold(mesh, [...refused('checkout', SHOP, 403), ...through('front', WEB)]);
  });
});

describeMesh(
  'the trust domain, where the mesh has an alias for it',
  {
    table: {
      ...table(OWN),
      mesh: { ...table(OWN).mesh, trustDomainAliases: ['former.example'] },
      callers: [
        ...table(OWN).callers,
        { name: 'raw', namespace: 'web', serviceAccount: 'front', capture: { includeOutboundIPRanges: '' } },
      ],
    },
  },
  (mesh) => {
    const objects = build(lockedGateway, { refusal: GatewayRefusal.FORBIDDEN }).filter(inForce);
    const hopName = (namespace: string) =>
      /"sni":"(http-80\.[^"]+)"/.exec(
        JSON.stringify(objects.filter(({ metadata }) => metadata.namespace === namespace)),
      )![1];
    const statusOf = (host: 'web' | 'shop', spiffe: string) => mesh.lab.callGateway('raw', OWN, hopName(host), spiffe);

    test('nobody of the alias is let in as a whole namespace', async () => {
      await mesh.apply(objects);
      await hold(mesh, [...WEB_ROWS, ...SHOP_ROWS, ...refused('crawler', SHOP, 403)]);
      expect(await statusOf('web', 'spiffe://cluster.local/ns/web/sa/any')).toBe(200);
      for (const domain of ['former.example', 'foreign.example'])
        expect([domain, await statusOf('web', `spiffe://${domain}/ns/web/sa/any`)]).toEqual([domain, 403]);
      expect(await statusOf('shop', 'spiffe://cluster.local/ns/shop/sa/checkout')).toBe(200);
      // istiod writes named callers for the alias as well; the pattern for their namespace keeps those out.
      expect(await statusOf('shop', 'spiffe://former.example/ns/shop/sa/checkout')).toBe(403);
    });

    test('a principal of five parts would let them in: this check can fail', async () => {
      await mesh.apply(JSON.parse(JSON.stringify(objects).replace(/ns\/web\/\*/g, 'ns/web/sa/*')));
      expect(await statusOf('web', 'spiffe://former.example/ns/web/sa/any')).toBe(200);
      expect(await statusOf('web', 'spiffe://foreign.example/ns/web/sa/any')).toBe(403);
    });
  },
);

describeMesh('what whole namespaces cost a locked gateway', { table: table(OWN) }, (mesh) => {
  /** Bytes of the gateway's configuration for this many hosts in each of this many namespaces. */
  const bytes = async (count: number, namespaces = 1) => {
    await mesh.apply(
      synthesise((app) => {
        const gateway = new EgressGateway(new Chart(app, 'platform', { namespace: 'egress' }), 'exit');
        gateway.lockdown();
        for (let index = 0; index < namespaces; index++) {
          const namespace = index === 0 ? 'web' : `web-${index}`;
          const hosts = Array.from({ length: count }, (_, number) => `h${number}.example.com`);
          new GatewayEgress(new Chart(app, namespace, { namespace }), 'sites', {
            gateway,
            hosts,
            callers: [Caller.wholeNamespace(namespace)],
          }).originateTls('tls');
        }
      }).filter(
        ({ kind }) =>
          !['PodDisruptionBudget', 'HorizontalPodAutoscaler', 'ServiceAccount', 'Deployment'].includes(kind),
      ),
    );
    const [gateway] = mesh.lab.proxies.filter(({ pod }) => pod.role === 'router');
    return (await gateway.admin('/config_dump')).length;
  };

  test('the configuration grows with the number of hosts, not with its square', async () => {
    const [none, some, twice] = [await bytes(1), await bytes(21), await bytes(41)];
    const [first, second] = [(some - none) / 20, (twice - some) / 20];
    console.log(
      `bytes of the gateway's configuration for one more host: ${Math.round(first)}, then ${Math.round(second)}`,
    );
    expect(second / first).toBeLessThan(1.05);
  });

  test('each policy is copied to each server, and adds little to a host', async () => {
    const [one, many] = [await bytes(20, 1), await bytes(2, 10)];
    const added = (many - one) / (9 * 20);
    console.log(
      `bytes of the gateway's configuration that one more caller set adds for each host: ${Math.round(added)}`,
    );
    expect(added).toBeLessThan(6000); // two policies for each set
  });
});
