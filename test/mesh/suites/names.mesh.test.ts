/** The names that access logs show for our objects, and those that Istio labels its metrics with: docs/observe.md. */
import { AccessRow } from '../../../src/access/access-table';
import { KubeObject } from '../lab';
import { gatewayEgress, HOST, OTHER, sidecarEgress, table } from '../rollout';
import { describeMesh } from '../support';

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
