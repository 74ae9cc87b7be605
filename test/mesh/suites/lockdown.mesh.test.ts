import * as fs from 'fs';
import { Chart } from 'cdk8s';
import { Via } from '../../../src/access/access-table';
import { EgressGateway } from '../../../src/constructs/egress-gateway';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { Caller } from '../../../src/values/caller';
import { ClientCertificate } from '../../../src/values/client-certificate';
import { KubeObject } from '../lab';
import { NO_WEBHOOK } from '../lab/kubernetes';
import { mutated } from '../mutations';
import { describeMesh, synthesise } from '../support';

const EXIT = { 'cdk8s-istio-egress/gateway': 'egress-gateway.egress' };
/** The pods of an `EgressGateway`, as an access table has them. */
const EXIT_PODS = {
  name: 'exit',
  namespace: 'egress',
  labels: EXIT,
  serviceAccount: 'egress-gateway',
  targetPort: 8443,
};
const VAULT = { 'cdk8s-istio-egress/gateway': 'vault.egress' };

/** The labels of a gateway that Istio's chart installs. */
const STOCK = { app: 'istio-egressgateway', istio: 'egressgateway' };

const manifests = synthesise((app) => {
  const platform = new Chart(app, 'platform', { namespace: 'egress', labels: STOCK });
  const exit = new EgressGateway(platform, 'exit');
  const vault = new EgressGateway(platform, 'vault', { name: 'vault' });
  exit.lockdown();
  vault.lockdown();
  const shop = new Chart(app, 'shop', { namespace: 'shop' });
  const callers = [Caller.serviceAccount('shop', 'checkout')];
  new GatewayEgress(shop, 'site', { gateway: exit, hosts: ['www.partner.com'], callers });
  new GatewayEgress(shop, 'bank', { gateway: vault, hosts: ['api.bank.com'], callers }).originateTls('tls', {
    clientCertificate: ClientCertificate.fromSecret('bank-client'),
  });
});

/** All labels of the pods of an `EgressGateway`, as its Deployment has them. */
const podLabels = (name: string): Record<string, string> =>
  manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === name)!.spec.template.metadata
    .labels;

/**
 * A stranger's egress path through the gateway's pods: entry, server, routes, and how the sidecar connects to the
 * server.
 */
function stranger(
  server: { name: string; protocol: string; tls?: object },
  hop: object | undefined,
  { host, port } = { host: 'side.egress.svc.cluster.local', port: 8090 },
): KubeObject[] {
  const istio = (kind: string, name: string, spec: object): KubeObject => ({
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata: { name, namespace: 'other' },
    spec,
  });
  const { name, ...rest } = server;
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'side', namespace: 'egress' },
      spec: { selector: EXIT, ports: [{ name: 'http', port: 8090, targetPort: 8090 }] },
    },
    istio('ServiceEntry', 'open', {
      hosts: ['open.example.com'],
      resolution: 'DNS',
      location: 'MESH_EXTERNAL',
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    }),
    istio('Gateway', 'open', {
      selector: EXIT,
      servers: [{ port: { number: port, name: 'side', protocol: rest.protocol }, hosts: [name], tls: rest.tls }],
    }),
    istio('DestinationRule', 'side', {
      host,
      exportTo: ['.'],
      trafficPolicy: { tls: hop ?? { mode: 'DISABLE' } },
    }),
    istio('VirtualService', 'to-side', {
      hosts: ['open.example.com'],
      http: [
        {
          rewrite: { authority: name },
          route: [{ destination: { host, port: { number: port } } }],
        },
      ],
    }),
    istio('VirtualService', 'from-side', {
      hosts: [name],
      gateways: ['other/open'],
      http: [
        {
          rewrite: { authority: 'open.example.com' },
          route: [{ destination: { host: 'open.example.com', port: { number: 80 } } }],
        },
      ],
    }),
  ];
}

const PLAIN = stranger({ name: 'open.example.com', protocol: 'HTTP' }, undefined);
const MUTUAL = stranger(
  { name: 'open.example.com', protocol: 'HTTPS', tls: { mode: 'ISTIO_MUTUAL' } },
  { mode: 'ISTIO_MUTUAL', sni: 'open.example.com' },
);
/** With a name like ours, but for all callers: without a mesh identity. */
const NAMELESS = stranger(
  { name: 'mine.egress.internal', protocol: 'HTTPS', tls: { mode: 'SIMPLE', credentialName: 'bank-client' } },
  { mode: 'SIMPLE', sni: 'mine.egress.internal', insecureSkipVerify: true },
);

describeMesh(
  'lockdown',
  {
    table: {
      mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
      gateways: [
        { ...EXIT_PODS, labels: podLabels('egress-gateway') },
        { name: 'vault', namespace: 'egress', labels: VAULT, serviceAccount: 'vault', targetPort: 8443 },
      ],
      callers: [
        { name: 'checkout', namespace: 'shop', serviceAccount: 'checkout' },
        { name: 'stranger', namespace: 'other', serviceAccount: 'default' },
        { name: 'neighbour', namespace: 'egress', serviceAccount: 'default' },
      ],
      external: [
        { host: 'www.partner.com', http: 'ok', https: 'ok' },
        { host: 'api.bank.com', https: 'client-certificate', certificate: 'private-ca' },
        { host: 'open.example.com', http: 'ok' },
      ],
      secrets: [{ name: 'bank-client', namespace: 'egress', holds: 'client-certificate' }],
    },
    manifests,
  },
  (mesh) => {
    const request = { from: 'stranger', request: 'http://open.example.com/' };
    const unlocked = manifests.filter(({ kind }) => kind !== 'AuthorizationPolicy');
    /** As in many meshes: everyone with an identity, everywhere. */
    const everyone: KubeObject = {
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: { name: 'authenticated', namespace: 'istio-system' },
      spec: {
        action: 'ALLOW',
        rules: [{ from: [{ source: { principals: ['*'] } }] }, { to: [{ operation: { ports: ['8090'] } }] }],
      },
    };
    const isDeny = ({ spec }: KubeObject) => spec?.action === 'DENY';

    test('declared hosts pass, each by its own gateway', async () => {
      await mesh.apply(manifests);
      await mesh.expectRow({
        from: 'checkout',
        request: 'http://www.partner.com/',
        expect: { outcome: 'answered', via: 'gateway', identityAtGateway: 'shop/checkout', addedHeaders: [] },
      });
      await mesh.expectRow({
        from: 'checkout',
        request: 'https://www.partner.com/',
        expect: { outcome: 'answered', via: 'gateway' },
      });
      const { evidence } = await mesh.expectRow({
        from: 'checkout',
        request: 'http://api.bank.com/',
        expect: { outcome: 'answered', via: 'gateway', clientCertificate: true },
      });
      expect(evidence.atGateway.map(({ gateway }) => gateway)).toEqual(['gateway-vault']);
    });

    test('a Gateway for another gateway does not act on these pods, whatever labels their chart has', async () => {
      const gateway = (selector: object): KubeObject => ({
        apiVersion: 'networking.istio.io/v1',
        kind: 'Gateway',
        metadata: { name: 'older', namespace: 'other', creationTimestamp: '2020-01-01T00:00:00Z' },
        spec: { selector, servers: [{ port: { number: 8443, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }] },
      });
      const row = { from: 'checkout', request: 'http://www.partner.com/' };
      await mesh.apply([...manifests, gateway(STOCK)]);
      await mesh.expectRow({ ...row, expect: { outcome: 'answered', via: 'gateway' } });
      await mesh.apply([...manifests, gateway(EXIT)]);
      await mesh.expectRow({ ...row, expect: { outcome: 'refused' } });
    });

    test.each([
      ['plain HTTP', PLAIN],
      ['mutual TLS of the mesh', MUTUAL],
      ['TLS without an identity, under a private name', NAMELESS],
    ])("a stranger's server is refused: %s", async (_what, objects) => {
      await mesh.apply([...manifests, ...objects]);
      await mesh.expectRow({ ...request, expect: { outcome: 'refused', by: 'gateway', symptom: 403 } });
      await mesh.apply([...manifests, ...objects, everyone]);
      await mesh.expectRow({ ...request, expect: { outcome: 'refused', by: 'gateway', symptom: 403 } });
      await mesh.apply([...manifests.filter((object) => !isDeny(object)), ...objects, everyone]);
      await mesh.expectRow({ ...request, expect: { outcome: 'answered', via: 'gateway' } });
      await mesh.apply([...unlocked, ...objects]);
      await mesh.expectRow({ ...request, expect: { outcome: 'answered', via: 'gateway' } });
    });

    test('a private name alone lets no caller in: the lock also checks the identity', async () => {
      const nameOnly = manifests.map((object) =>
        object.kind === 'AuthorizationPolicy'
          ? { ...object, spec: { ...object.spec, rules: [{ when: object.spec.rules.at(-1).when }] } }
          : object,
      );
      await mesh.apply([...nameOnly, ...NAMELESS]);
      await mesh.expectRow({ ...request, expect: { outcome: 'answered', via: 'gateway' } });
    });

    test("a pod in the gateway's namespace reaches hosts under their private names, as docs/gateway.md says", async () => {
      await mesh.apply(manifests);
      const [name] = manifests
        .filter(({ kind, metadata }) => kind === 'ServiceEntry' && metadata.namespace === 'egress')
        .map(({ spec }) => spec.hosts[0])
        .filter((host) => host.startsWith('www.partner.com.'));
      const call = async (from: string) => {
        const options = [
          '-s',
          '-m',
          '5',
          '-o',
          '/dev/null',
          '-w',
          '%{http_code}',
          '--resolve',
          `${name}:80:203.0.113.99`,
        ];
        return (await mesh.lab.shellOf(from).run('curl', [...options, `http://${name}/`])).out;
      };
      expect(await call('neighbour')).toBe('200');
      expect(await call('stranger')).toBe('502');
    });

    test("a name that resolves to another team's pod leads there, where its headless Service has a TCP port", async () => {
      const service: KubeObject = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'partner', namespace: 'other' },
        spec: { clusterIP: 'None', selector: { app: 'stranger' }, ports: [{ name: 'tcp', port: 80, targetPort: 80 }] },
      };
      const dial = mesh.lab.pods.find(({ id }) => id === 'stranger')!.address;
      const clusterOf = async () => {
        const { evidence } = await mesh.see({ from: 'checkout', request: 'http://www.partner.com/', dial });
        return evidence.sidecar.at(-1)?.cluster;
      };
      await mesh.apply(manifests);
      expect(await clusterOf()).toMatch(/egress-gateway-hop/);
      await mesh.apply([...manifests, service]);
      expect(await clusterOf()).toBe('outbound|80||partner.other.svc.cluster.local');
    });

    test("a WorkloadEntry with the address of the gateway's pod, in any namespace, closes it", async () => {
      const { address } = mesh.lab.pods.find(({ id }) => id === 'gateway-exit')!;
      const other = (apiVersion: string, kind: string, spec: object): KubeObject => ({
        apiVersion,
        kind,
        metadata: { name: 'side', namespace: 'other' },
        spec,
      });
      const call = { from: 'checkout', request: 'http://www.partner.com/' };
      await mesh.apply(manifests);
      await mesh.expectRow({ ...call, expect: { outcome: 'answered', via: 'gateway' } });
      await mesh.apply([
        ...manifests,
        other('v1', 'Service', { selector: { app: 'side' }, ports: [{ name: 'http', port: 443, targetPort: 9443 }] }),
        other('networking.istio.io/v1', 'WorkloadEntry', { address, labels: { app: 'side' } }),
      ]);
      await mesh.expectRow({ ...call, expect: { outcome: 'refused', by: 'gateway', symptom: 503 } });
    });

    test("a Gateway with istiod's own annotations that its webhook does not see closes it, in any namespace", async () => {
      const servers = [{ port: { number: 443, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }];
      const foreign = (unseen: object): KubeObject => ({
        apiVersion: 'networking.istio.io/v1',
        kind: 'Gateway',
        metadata: {
          name: 'foreign',
          namespace: 'other',
          creationTimestamp: '2020-01-01T00:00:00Z',
          annotations: {
            'internal.istio.io/gateway-service': 'egress-gateway-hop.egress.svc.cluster.local',
            'internal.istio.io/parent-namespace': 'egress',
            ...unseen,
          },
        },
        spec: { selector: { istio: 'other' }, servers },
      });
      const call = { from: 'checkout', request: 'http://www.partner.com/' };
      await mesh.apply(manifests);
      await mesh.expectRow({ ...call, expect: { outcome: 'answered', via: 'gateway' } });
      await mesh.apply([...manifests, foreign({ [NO_WEBHOOK]: 'true' })]);
      await mesh.expectRow({ ...call, expect: { outcome: 'refused', by: 'gateway', symptom: 503 } });
      const [{ source, error }] = await mesh.lab.validate([foreign({})]);
      expect([source, error]).toEqual(['istio', expect.stringMatching(/may not be set by users/)]);
    });

    test('without the lock, callers are still checked', async () => {
      await mesh.apply(unlocked);
      await mesh.expectRow({
        from: 'checkout',
        request: 'http://www.partner.com/',
        expect: { outcome: 'answered', via: 'gateway' },
      });
      await mesh.expectRow({
        from: 'stranger',
        request: 'http://www.partner.com/',
        expect: { outcome: 'refused', by: 'sidecar' },
      });
    });
  },
);

/** On the port of ours, under a private name of the stranger's own. */
const MINE = stranger(
  { name: 'mine.egress.internal', protocol: 'HTTPS', tls: { mode: 'ISTIO_MUTUAL' } },
  { mode: 'ISTIO_MUTUAL', sni: 'mine.egress.internal' },
  { host: 'egress-gateway-hop.egress.svc.cluster.local', port: 443 },
);

for (const scopeGatewayToNamespace of [false, true])
  describeMesh(
    `a private name on a locked gateway, Gateways act ${scopeGatewayToNamespace ? 'in their namespace' : 'everywhere'}`,
    {
      table: {
        mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY', scopeGatewayToNamespace },
        gateways: [EXIT_PODS],
        callers: [
          { name: 'checkout', namespace: 'shop', serviceAccount: 'checkout' },
          { name: 'stranger', namespace: 'other', serviceAccount: 'default' },
        ],
        external: [
          { host: 'www.partner.com', http: 'ok', https: 'ok' },
          { host: 'open.example.com', http: 'ok' },
        ],
      },
      manifests,
    },
    (mesh) => {
      test(`lets a stranger ${scopeGatewayToNamespace ? 'nowhere' : 'through to hosts of its own'}`, async () => {
        await mesh.apply([...manifests, ...MINE]);
        await mesh.expectRow({
          from: 'stranger',
          request: 'http://open.example.com/',
          expect: scopeGatewayToNamespace
            ? { outcome: 'refused', by: 'gateway', symptom: 503 }
            : { outcome: 'answered', via: 'gateway' },
        });
        await mesh.expectRow({
          from: 'checkout',
          request: 'http://www.partner.com/',
          expect: { outcome: 'answered', via: 'gateway', identityAtGateway: 'shop/checkout' },
        });
      });
    },
  );

const [HOST, COMPLETED] = ['partner.com', 'partner.com.svc.cluster.local'];
/** DNS has only the second. */
const [GONE, FOUND] = ['gone.com', 'gone.com.svc.cluster.local'];

/** The gateway, and a namespace that reaches the host straight from its sidecars. */
const LOOKING = synthesise((app) => {
  const exit = new EgressGateway(new Chart(app, 'platform', { namespace: 'egress' }), 'exit');
  const callers = [Caller.serviceAccount('shop', 'checkout')];
  new GatewayEgress(new Chart(app, 'shop', { namespace: 'shop' }), 'site', {
    gateway: exit,
    hosts: [HOST, GONE],
    callers,
  });
  new SidecarEgress(new Chart(app, 'web', { namespace: 'web' }), 'site', { hosts: [HOST] });
});

describeMesh(
  'names that proxies look up, where a Service in a namespace com is called partner',
  {
    table: {
      mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
      gateways: [EXIT_PODS],
      callers: [
        { name: 'checkout', namespace: 'shop', serviceAccount: 'checkout' },
        { name: 'web', namespace: 'web', serviceAccount: 'default' },
      ],
      external: [HOST, COMPLETED, FOUND].map((host) => ({ host, http: 'ok', https: 'ok' })),
    },
    manifests: LOOKING,
  },
  (mesh) => {
    /** As kubelet writes it. */
    async function resolve(pod: string, dnsConfig?: { options: { name: string; value: string }[] }): Promise<void> {
      const proxy = mesh.lab.proxies.find((one) => one.pod.id === pod)!;
      const options = {
        ndots: '5',
        ...Object.fromEntries((dnsConfig?.options ?? []).map(({ name, value }) => [name, value])),
      };
      const search = [`${proxy.pod.namespace}.svc.cluster.local`, 'svc.cluster.local', 'cluster.local'];
      const file = `/etc/netns/${mesh.lab.namespaceOf(pod)}/resolv.conf`;
      const nameserver = fs.readFileSync(file, 'utf8').split('\n')[0];
      fs.writeFileSync(file, `${nameserver}\nsearch ${search.join(' ')}\noptions ndots:${options.ndots}\n`);
      await proxy.replace(mesh.lab.files);
    }
    const answered = (from: string, via: Via, answeredBy: string) =>
      mesh.expectRow({ from, request: `http://${HOST}/`, expect: { outcome: 'answered', via, answeredBy } });

    beforeAll(() => mesh.apply(LOOKING));

    test('an EgressGateway asks for the name as it is written', async () => {
      const { spec } = mutated(LOOKING).find(({ kind }) => kind === 'Deployment')!;
      await resolve('gateway-exit', spec.template.spec.dnsConfig);
      await answered('checkout', 'gateway', HOST);
    });

    test('and completes a name that does not exist', async () => {
      await mesh.expectRow({
        from: 'checkout',
        request: `http://${GONE}/`,
        dial: mesh.lab.hosts.find(({ host }) => host === HOST)!.addresses[0],
        expect: { outcome: 'answered', via: 'gateway', answeredBy: FOUND },
      });
    });

    test('other proxies complete it, and call the Service', async () => {
      await resolve('gateway-exit');
      await answered('checkout', 'gateway', COMPLETED);
      await resolve('web');
      await answered('web', 'sidecar', COMPLETED);
    });
  },
);

describeMesh(
  'a gateway that may not read Secrets',
  {
    table: {
      gateways: [{ name: 'vault', namespace: 'egress', labels: VAULT, serviceAccount: 'vault', targetPort: 8443 }],
      callers: [{ name: 'checkout', namespace: 'shop', serviceAccount: 'checkout' }],
      external: [{ host: 'api.bank.com', https: 'client-certificate', certificate: 'private-ca' }],
      secrets: [{ name: 'bank-client', namespace: 'egress', holds: 'client-certificate' }],
    },
    manifests,
  },
  (mesh) => {
    test('refuses where a client certificate is needed: it takes the Role', async () => {
      const without = manifests.filter(({ kind, metadata }) => !(kind === 'Role' && metadata.name === 'vault'));
      await mesh.apply(without, 'manifests', { tolerateWarming: true });
      await mesh.expectRow({
        from: 'checkout',
        request: 'http://api.bank.com/',
        expect: { outcome: 'refused', by: 'gateway', plaintextToHost: false },
      });
    });
  },
);
