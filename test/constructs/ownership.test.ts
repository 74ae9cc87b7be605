import { App, Chart, Testing } from 'cdk8s';
import { EgressGateway } from '../../src/constructs/egress-gateway';
import { GatewayEgress } from '../../src/constructs/gateway-egress';
import { SidecarEgress } from '../../src/constructs/sidecar-egress';
import { Caller } from '../../src/values/caller';
import { ClientCertificate } from '../../src/values/client-certificate';
import { allManifests, manifestsOf, newApp } from '../support/app';

const OWNER = 'cdk8s-istio-egress/owner';
const HOST = 'cdk8s-istio-egress/host';
const CONSTRUCTS = 'cdk8s-istio-egress/constructs';

/** The owner, the host and the constructs of each object, with its kind. */
const whose = (manifests: any[]) =>
  manifests.map(({ kind, metadata: { labels, annotations } }) => [
    kind,
    labels?.[OWNER],
    annotations?.[HOST],
    annotations?.[CONSTRUCTS],
  ]);

test('every object says whose it is, on either side of a gateway', () => {
  const app = newApp();
  const exit = new EgressGateway(new Chart(app, 'platform', { namespace: 'egress' }), 'exit');
  const shop = new Chart(app, 'web', { namespace: 'shop' });
  new GatewayEgress(shop, 'partner', {
    gateway: exit,
    hosts: ['api.partner.com'],
    callers: [Caller.serviceAccount('payments', 'checkout')],
    owner: 'team-a',
  });
  const manifests = allManifests(app);
  const [gateway, partner] = ['platform', 'web'].map((id) => (app.node.findChild(id) as Chart).toJson());
  expect(gateway.length + partner.length).toBe(manifests.length);
  for (const [, ...said] of whose(gateway)) expect(said).toEqual(['egress', undefined, 'platform/exit']);
  expect(new Set(partner.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['egress', 'payments']));
  for (const [, ...said] of whose(partner)) expect(said).toEqual(['team-a', 'api.partner.com', 'web/partner']);
});

test('an object that several constructs declare names them all, in their order by name', () => {
  const entries = (...ids: string[]) =>
    whose(
      manifestsOf((chart) => {
        for (const id of ids) new SidecarEgress(chart, id, { hosts: ['www.example.com'] });
      }),
    );
  expect(entries('z', 'a')).toEqual(entries('a', 'z'));
  expect(entries('z', 'a')[0]).toEqual(['ServiceEntry', 'payments', 'www.example.com', 'chart/a, chart/z']);
});

test('an object for several hosts names none, and the constructs of all of them', () => {
  const manifests = manifestsOf((chart) => {
    for (const host of ['b', 'a']) {
      new SidecarEgress(chart, host, { hosts: [`${host}.example.com`] }).originateTls('tls', {
        clientCertificate: ClientCertificate.fromSecret('partner-client'),
        callers: [Caller.serviceAccount('payments', 'checkout', { podLabels: { app: 'checkout' } })],
      });
    }
  });
  const roles = whose(manifests).filter(([kind]) => kind === 'Role');
  expect(roles).toEqual([['Role', 'payments', undefined, 'chart/a, chart/b']]);
});

test('what the author or the chart has written stays', () => {
  const own = { [OWNER]: 'web-team' };
  const byProps = manifestsOf((chart) => {
    const annotations = { [HOST]: 'a partner', [CONSTRUCTS]: 'none of your business' };
    new SidecarEgress(chart, 'sites', { hosts: ['www.example.com'], labels: own, annotations });
  });
  expect(new Set(whose(byProps).map((said) => said.slice(1).join()))).toEqual(
    new Set(['web-team,a partner,none of your business']),
  );
  const chart = new Chart(newApp(), 'chart', { namespace: 'egress', labels: own });
  new EgressGateway(chart, 'exit');
  expect(new Set(whose(Testing.synth(chart)).map(([, owner]) => owner))).toEqual(new Set(['web-team']));
});

test('it is in no pod template, no selector and no spec, and no name that tools use for themselves is written', () => {
  const app: App = newApp();
  const chart = new Chart(app, 'chart', { namespace: 'egress', labels: { [OWNER]: 'web-team', team: 'web' } });
  const exit = new EgressGateway(chart, 'exit');
  exit.lockdown();
  new GatewayEgress(chart, 'partner', {
    gateway: exit,
    hosts: ['api.partner.com'],
    callers: [Caller.wholeNamespace('payments')],
  });
  for (const { metadata, ...rest } of allManifests(app)) {
    expect(JSON.stringify(rest)).not.toMatch(/cdk8s-istio-egress\/(owner|host|constructs)/);
    expect(JSON.stringify(metadata)).not.toMatch(/app\.kubernetes\.io|managed-by/);
  }
  const { labels } = allManifests(app).find(({ kind }) => kind === 'Deployment').spec.template.metadata;
  expect(labels).toMatchObject({ team: 'web' });
});
