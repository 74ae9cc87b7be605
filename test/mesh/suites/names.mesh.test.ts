/** The names that access logs and metrics show for our objects: docs/observe.md. */
import * as fs from 'fs';
import * as path from 'path';
import { parse, stringify } from 'yaml';
import { Chart } from 'cdk8s';
import { AccessRow } from '../../../src/access/access-table';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { Caller } from '../../../src/values/caller';
import { EgressPort } from '../../../src/values/egress-port';
import { KubeObject } from '../lab';
import { gatewayEgress, HOST, OTHER, sidecarEgress, table } from '../rollout';
import { INSTALLED_PODS } from '../recipe';
import { describeMesh, synthesise } from '../support';
import { helmGateway } from '../../support/helm-gateway';

const keyOf = (objects: KubeObject[]) =>
  /-([0-9a-f]{20})$/.exec(objects.find(({ kind }) => kind === 'DestinationRule')!.metadata.name)![1];

describeMesh('names in logs and metrics', { table: table('REGISTRY_ONLY') }, (mesh) => {
  /** The lines of one request, by hop. */
  async function linesOf(from: string, scheme: string) {
    const row: AccessRow = { from, request: `${scheme}://${HOST}/`, expect: { outcome: 'answered' } };
    const { evidence } = await mesh.see(row);
    const short = ({ authority, code, flags, cluster, serverName, peer }: any) =>
      Object.fromEntries(
        Object.entries({ authority, code, flags, cluster, serverName, peer }).filter(
          ([, value]) => value !== undefined,
        ),
      );
    return { sidecar: evidence.sidecar.map(short), gateway: evidence.atGateway.map(({ line }) => short(line)) };
  }

  /** The names of the services that clusters belong to, which Istio's metrics carry. */
  async function services(): Promise<string[]> {
    const names = new Set<string>();
    for (const proxy of mesh.lab.proxies) {
      const { configs } = JSON.parse(await proxy.admin('/config_dump?resource=dynamic_active_clusters'));
      for (const { cluster } of configs)
        for (const { name } of cluster.metadata?.filter_metadata?.istio?.services ?? [])
          names.add(`${proxy.pod.role} ${cluster.name}: ${name}`);
    }
    return [...names];
  }

  test('GatewayEgress', async () => {
    const objects = gatewayEgress();
    const key = keyOf(objects);
    await mesh.apply(objects);
    const hop = (port: string) => `outbound|443|${key}-${port}|istio-egressgateway-hop.egress.svc.cluster.local`;
    const external = (subset: string) => `outbound|443|${subset}|${HOST}.${key}.egress.internal`;
    const peer = (name: string) => `spiffe://cluster.local/ns/payments/sa/${name}`;
    const http = { authority: `http-80.${key}.egress.internal`, cluster: hop('http-80') };
    const https = { code: '0', cluster: hop('tls-443'), serverName: HOST };
    const passed = { code: '0', cluster: external(''), serverName: `tls-443.${key}.egress.internal` };
    expect(await linesOf('named', 'http')).toEqual({
      sidecar: [{ ...http, code: '200' }],
      gateway: [
        {
          authority: HOST,
          code: '200',
          cluster: external('tls'),
          serverName: `http-80.${key}.egress.internal`,
          peer: peer('checkout'),
        },
      ],
    });
    expect(await linesOf('named', 'https')).toEqual({
      sidecar: [https],
      gateway: [{ ...passed, peer: peer('checkout') }],
    });
    expect(await linesOf('unnamed', 'http')).toEqual({ sidecar: [{ ...http, code: '503', flags: 'UC' }], gateway: [] });
    expect((await linesOf('unnamed', 'https')).sidecar).toEqual([https]);
    expect(await services()).toEqual(
      expect.arrayContaining([
        `sidecar ${hop('http-80')}: istio-egressgateway-hop`,
        `router ${external('tls')}: ${HOST}.${key}.egress.internal`,
      ]),
    );
  });

  test('SidecarEgress', async () => {
    const objects = sidecarEgress();
    const key = keyOf(objects);
    await mesh.apply(objects);
    const external = (subset: string) => `outbound|443|${subset}|${HOST}.${key}.egress.internal`;
    expect((await linesOf('named', 'http')).sidecar).toEqual([
      { authority: HOST, code: '200', cluster: external('tls') },
    ]);
    expect((await linesOf('named', 'https')).sidecar).toEqual([{ code: '0', cluster: external(''), serverName: HOST }]);
    await mesh.apply(sidecarEgress({ tls: false }));
    expect((await linesOf('named', 'https')).sidecar).toEqual([
      { code: '0', cluster: `outbound|443||${HOST}`, serverName: HOST },
    ]);
  });

  test('whose an object is reaches no proxy', async () => {
    const objects = [...gatewayEgress(), ...sidecarEgress({ hosts: [OTHER] })];
    await mesh.apply(objects);
    const before = await configurations();
    expect(JSON.stringify(before)).toContain(HOST);
    const bare = objects.map((object) => {
      const { labels, annotations, ...metadata } = object.metadata;
      expect({ ...labels, ...annotations }).toMatchObject({ 'cdk8s-istio-egress/owner': 'payments' });
      return { ...object, metadata: { ...metadata, annotations: without(annotations) } };
    });
    await mesh.apply(bare);
    expect(await configurations()).toEqual(before);
    // The comparison sees a change.
    await mesh.apply(bare.slice(0, -1));
    expect(await configurations()).not.toEqual(before);
  });

  /** What each proxy has of istiod, without the times and versions at which it came. */
  async function configurations(): Promise<unknown[]> {
    const dumps = await Promise.all(mesh.lab.proxies.map((proxy) => proxy.admin('/config_dump?include_eds')));
    const noise = ['last_updated', 'version_info'];
    const sorted = (list: unknown[]) => [...list].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    return dumps.map((dump) =>
      JSON.parse(dump, (key, value) =>
        noise.includes(key) ? undefined : /^dynamic_/.test(key) && Array.isArray(value) ? sorted(value) : value,
      ).configs.filter((one: any) => /(Clusters|Listeners|Routes|Endpoints)ConfigDump$/.test(one['@type'])),
    );
  }

  /** Annotations that say nothing of whose an object is. */
  function without(annotations: Record<string, string> = {}): Record<string, string> {
    return Object.fromEntries(Object.entries(annotations).filter(([name]) => !name.startsWith('cdk8s-istio-egress/')));
  }
});

const BLOCKS = [
  ...fs.readFileSync(path.join(__dirname, '../../../docs/observe.md'), 'utf8').matchAll(/^```yaml\n([\s\S]*?)^```$/gm),
].map(([, text]) => parse(text));

/** Pods that publish what the page says, and nothing else. */
const PUBLISHING = [
  { namespace: 'payments', labels: { app: 'unnamed' } },
  { namespace: 'payments', labels: { app: 'named' } },
  INSTALLED_PODS,
].map(({ namespace, labels }): KubeObject => {
  const { proxyStatsMatcher } = BLOCKS.map(({ meshConfig }) => meshConfig?.defaultConfig).find((one) => one)!;
  const annotations = { 'proxy.istio.io/config': stringify({ proxyStatsMatcher }) };
  const template = { metadata: { labels, annotations }, spec: { containers: [] } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: Object.values(labels)[0], namespace },
    spec: { selector: { matchLabels: labels }, template },
  };
});

const REGISTRY_ONLY = table('REGISTRY_ONLY');
const DATABASE = { host: 'db.partner.com', address: '203.0.113.50', tcp: [5432] };
const alerts = { ...REGISTRY_ONLY, external: [...REGISTRY_ONLY.external!, DATABASE] };

describeMesh('what alerts count', { table: alerts, manifests: PUBLISHING }, (mesh) => {
  /** The series of Envoy that an alert sums up, by proxy, and how often each has counted. */
  async function counted(alert: string): Promise<Record<string, number>> {
    const { expr } = BLOCKS.flatMap(({ groups = [] }) => groups)
      .flatMap(({ rules }) => rules)
      .find((rule) => rule.alert === alert);
    const [, name, label, operator, value] = /(envoy_\w+)\{(\w+)(=~?)"(.*?)"\}/.exec(expr)!;
    const wanted = operator === '=' ? value.replace(/\W/g, '\\$&') : value;
    const line = new RegExp(`^${name}\\{${label}="(?:${wanted})"\\} (\\d+)$`, 'gm');
    const found = await Promise.all(
      mesh.lab.proxies.map(async (proxy) => {
        const text = await proxy.admin('/stats/prometheus');
        const counts = [...text.matchAll(line)].map(([, count]) => Number(count));
        return [proxy.pod.id, counts.reduce((sum, count) => sum + count, 0)] as const;
      }),
    );
    return Object.fromEntries(found.filter(([, count]) => count > 0));
  }

  test('a caller that is not named, over HTTP, TLS and TCP; nobody else', async () => {
    const database = synthesise((app) => {
      const chart = new Chart(app, 'payments', { namespace: 'payments' });
      new GatewayEgress(chart, 'db', {
        gateway: helmGateway(chart),
        hosts: [DATABASE.host],
        ports: [EgressPort.tcp(5432)],
        addresses: [DATABASE.address],
        callers: [Caller.serviceAccount('payments', 'checkout')],
      });
    });
    await mesh.apply([...PUBLISHING, ...gatewayEgress(), ...database]);
    const requests = [`http://${HOST}/`, `https://${HOST}/`, `tcp://${DATABASE.host}:5432`];
    for (const request of requests) await mesh.expectRow({ from: 'named', request, expect: { outcome: 'answered' } });
    expect(await counted('EgressCallerRefused')).toEqual({});
    for (const request of requests)
      await mesh.expectRow({ from: 'unnamed', request, expect: { outcome: 'refused', by: 'gateway' } });
    expect(await counted('EgressCallerRefused')).toEqual({ unnamed: 3 });
    const gateway = mesh.lab.proxies.find(({ pod }) => pod.role === 'router')!;
    expect(await gateway.admin('/stats/prometheus')).toMatch(/^envoy_listener_ssl_fail_verify_san\{.*\} 3$/m);
  });

  test('TLS and TCP to an undeclared host', async () => {
    expect(await counted('EgressUndeclaredConnection')).toEqual({});
    for (const request of [`https://${OTHER}/`, `tcp://${OTHER}:5432`])
      await mesh.expectRow({ from: 'unnamed', request, expect: { outcome: 'refused', by: 'sidecar' } });
    expect(await counted('EgressUndeclaredConnection')).toEqual({ unnamed: 2 });
  });
});
