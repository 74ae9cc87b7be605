/**
 * One host behind two gateways: each team's requests pass its own gateway and no other, and are answered while the
 * other gateway's objects are missing.
 */
import { Chart } from 'cdk8s';
import { AccessRow } from '../../../src/access/access-table';
import { EgressGateway } from '../../../src/constructs/egress-gateway';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { Caller } from '../../../src/values/caller';
import { KubeObject } from '../lab';
import { describeMesh, synthesise } from '../support';

const HOST = 'same.example.com';

const MANIFESTS = synthesise((app) => {
  const platform = new Chart(app, 'platform');
  const north = new EgressGateway(platform, 'north', { namespace: 'north', replicas: 1 });
  const south = new EgressGateway(platform, 'south', { namespace: 'south', replicas: 1 });
  const shop = new Chart(app, 'shop', { namespace: 'shop' });
  new GatewayEgress(shop, 'site', {
    gateway: north,
    hosts: [HOST],
    callers: [Caller.serviceAccount('shop', 'checkout')],
  }).originateTls('tls');
  const web = new Chart(app, 'web', { namespace: 'web' });
  new GatewayEgress(web, 'site', {
    gateway: south,
    hosts: [HOST],
    callers: [Caller.serviceAccount('web', 'frontend')],
  });
});

const gateway = (name: string) => ({
  name,
  namespace: name,
  labels: { 'cdk8s-istio-egress/gateway': `egress-gateway.${name}` },
  serviceAccount: 'egress-gateway',
  targetPort: 8443,
});

const row = (
  from: string,
  scheme: string,
  identity: string,
  tlsOriginatedBy: 'none' | 'gateway' | 'application',
): AccessRow => ({
  from,
  request: `${scheme}://${HOST}/`,
  expect: { outcome: 'answered', status: 200, via: 'gateway', tlsOriginatedBy, identityAtGateway: identity },
});

const TEAMS = [
  {
    gateway: 'north',
    rows: [
      row('checkout', 'http', 'shop/checkout', 'gateway'),
      row('checkout', 'https', 'shop/checkout', 'application'),
    ],
  },
  {
    gateway: 'south',
    rows: [row('frontend', 'http', 'web/frontend', 'none'), row('frontend', 'https', 'web/frontend', 'application')],
  },
];

/** Without the objects that egress constructs put in a gateway's namespace; the gateway itself stays. */
const withoutSideAt = (namespace: string): KubeObject[] =>
  MANIFESTS.filter(
    ({ apiVersion, metadata }) => metadata.namespace !== namespace || !apiVersion.startsWith('networking.istio.io/'),
  );

describeMesh(
  'two gateways',
  {
    table: {
      mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
      gateways: [gateway('north'), gateway('south')],
      callers: [
        { name: 'checkout', namespace: 'shop', serviceAccount: 'checkout' },
        { name: 'frontend', namespace: 'web', serviceAccount: 'frontend' },
      ],
      external: [{ host: HOST, http: 'ok', https: 'ok' }],
    },
    manifests: MANIFESTS,
  },
  (mesh) => {
    describe.each([
      { title: 'both complete', objects: MANIFESTS, gone: undefined },
      { title: 'no egress objects at the northern one', objects: withoutSideAt('north'), gone: 'north' },
      { title: 'no egress objects at the southern one', objects: withoutSideAt('south'), gone: 'south' },
    ])('$title', ({ objects, gone }) => {
      beforeAll(() => mesh.apply(objects));

      test.each(
        TEAMS.flatMap((team) => team.rows.map((one) => ({ ...team, one, title: `${one.from} ${one.request}` }))),
      )('$title', async (team) => {
        if (team.gateway === gone) {
          const { evidence, judgement } = await mesh.see(team.one);
          expect(judgement.seen.outcome).toBe('refused');
          expect(evidence.external).toEqual([]);
          return;
        }
        const { evidence } = await mesh.expectRow(team.one);
        expect([...new Set(evidence.atGateway.map((line) => line.gateway))]).toEqual([`gateway-${team.gateway}`]);
      });
    });
  },
);
