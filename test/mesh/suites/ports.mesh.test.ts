/**
 * What programs of other teams reach at the ports of istiod and of proxies, and what they learn and do there: where istiod
 * tells proxies what to do, where proxies have their metrics, and what Ingresses open on the gateway's pods. docs/tenants.md
 * says what closes these.
 */
import * as fs from 'fs';
import * as path from 'path';
import { setTimeout as sleep } from 'timers/promises';
import { Chart } from 'cdk8s';
import { parse } from 'yaml';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { EgressPort } from '../../../src/values/egress-port';
import { GATEWAY_BY_CONFIG_MAP, retryPolicy } from '../guard/objects';
import { KubeObject } from '../lab';
import { ISTIOD_ADDRESS } from '../lab/network';
import { until } from '../lab/processes';
import {
  AFTER,
  BEFORE,
  CONFIG,
  happens,
  HELD_SECONDS,
  HOP_NAMES,
  HOST,
  isAnswered,
  LABELS,
  manifests,
  table,
} from '../leaving-caller';
import { describeMesh, Mesh, synthesise } from '../support';

const DATABASES = ['orders.example.com', 'ledger.example.com'];

/** Opens a stream at istiod, as a proxy does: `ask(settings, id, namespace, labels, token)`. */
const ASK = `
  const varint = (n) => (n > 127 ? [(n & 127) | 128, ...varint(n >> 7)] : [n]);
  const field = (number, value) => {
    const bytes = Buffer.from(value);
    return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes]);
  };
  const struct = (map) =>
    Buffer.concat(Object.entries(map).map(([name, value]) =>
      field(1, Buffer.concat([field(1, name), field(2, typeof value === 'string' ? field(3, value) : field(5, struct(value)))])),
    ));
  const config = (kind) => field(4, 'type.googleapis.com/envoy.config.' + kind);
  const PROXY = [config('cluster.v3.Cluster'), config('listener.v3.Listener')];
  const ask = (settings, id, namespace, labels, token, asked = PROXY) => {
    const metadata = struct({ NAMESPACE: namespace, CLUSTER_ID: 'Kubernetes', LABELS: labels });
    const node = field(2, Buffer.concat([field(1, id + '~' + namespace + '.svc.cluster.local'), field(3, metadata)]));
    const session = require('http2').connect('http://' + process.argv[1] + ':15010', { settings });
    const request = session.on('error', () => undefined).request({
      ':method': 'POST',
      ':path': '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(token && { authorization: 'Bearer ' + token, clusterid: 'Kubernetes' }),
    });
    for (const one of asked) {
      const body = Buffer.concat([node, one]);
      request.write(Buffer.concat([Buffer.from([0, 0, 0, body.length >> 8, body.length]), body]));
    }
    return request.on('error', () => undefined);
  };
`;

/** Reads nothing of what istiod sends, until a file is there. */
const UNREAD = `
  ${ASK}
  const [, address, token, file] = process.argv.slice(1);
  let served = 0;
  for (let stream = 0; stream < 3; stream++)
    ask({ initialWindowSize: 0 }, 'sidecar~' + address + '~unread-0.other', 'other', {}, token)
      .on('response', () => served++);
  setInterval(() => {
    if (!require('fs').existsSync(file)) return;
    console.log(served);
    process.exit();
  }, 100);
`;

/** Says what istiod tells it as a proxy of some kind with certain labels. */
const READ = `
  ${ASK}
  const [, address, namespace, labels, token, kind] = process.argv.slice(1);
  let data = Buffer.alloc(0);
  const end = () => process.stdout.write(data.toString('latin1').replace(/[^ -~]/g, ' '), () => process.exit());
  const isWhole = (rest, left) =>
    left === 0 || (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1) && isWhole(rest.subarray(5 + rest.readUInt32BE(1)), left - 1));
  ask({ initialWindowSize: 1 << 24 }, kind + '~' + address + '~read-0.' + namespace, namespace, JSON.parse(labels), token)
    .on('data', (more) => {
      data = Buffer.concat([data, more]);
      if (isWhole(data, 2)) end();
    })
    .on('close', end);
`;

/** Asks for what istiod tells of itself, by a name that is no address of a page. */
const ENDING = `
  ${ASK}
  const [, address, token] = process.argv.slice(1);
  const asked = Buffer.concat([field(3, '%'), field(4, 'istio.io/debug')]);
  ask({}, 'sidecar~' + address + '~ending-0.other', 'other', {}, token, [asked]).on('close', () => process.exit());
`;

/** Says what istiod gives it under the name of a certificate. */
const CERTIFICATE = `
  ${ASK}
  const [, address, token, name] = process.argv.slice(1);
  const asked = Buffer.concat([field(3, name), field(4, 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret')]);
  ask({}, 'sidecar~' + address + '~asks-0.other', 'other', {}, token, [asked])
    .on('data', (data) => process.stdout.write(data.toString('latin1').replace(/[^ -~]/g, ' '), () => process.exit()));
  setTimeout(() => process.exit(), 2000);
`;

/** The Service by which sidecars know istiod, as its chart writes it, but for what it is exported to. */
const istiodService = (exportTo: string): KubeObject[] => [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'istiod',
      namespace: 'istio-system',
      annotations: { 'networking.istio.io/exportTo': exportTo },
    },
    spec: { clusterIP: ISTIOD_ADDRESS, ports: [{ name: 'grpc-xds', appProtocol: 'tcp', port: 15010 }] },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'istiod', namespace: 'istio-system', labels: { 'kubernetes.io/service-name': 'istiod' } },
    addressType: 'IPv4',
    ports: [{ name: 'grpc-xds', port: 15010, protocol: 'TCP' }],
    endpoints: [{ addresses: [ISTIOD_ADDRESS], conditions: { ready: true } }],
  } as unknown as KubeObject,
];

/** What the authors of a namespace write to reach addresses from it. */
const opened = (addresses: string[], ...ports: number[]): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: 'opened', namespace: 'other' },
  spec: {
    hosts: ['opened.example.com'],
    exportTo: ['.'],
    addresses,
    resolution: 'NONE',
    ports: ports.map((number) => ({ number, name: `tcp-${number}`, protocol: 'TCP' })),
  },
});
const OPENED = opened([ISTIOD_ADDRESS], 15010);

const READER = { name: 'unread', namespace: 'other', serviceAccount: 'unread' };
const withReader = { ...table(true), callers: [...table(true).callers, READER] };

function tokenOf(mesh: Mesh, id: string): string {
  const { accessLog } = mesh.lab.proxies.find(({ pod }) => pod.id === id)!;
  return fs.readFileSync(path.join(path.dirname(accessLog), 'var/run/secrets/tokens/istio-token'), 'utf8');
}

/** What istiod tells a program in the pod `unread`, which says that it is a gateway. */
function told(mesh: Mesh, namespace: string, labels: object, token = ''): Promise<string> {
  const { address } = mesh.lab.pods.find(({ id }) => id === 'unread')!;
  const args = ['-e', READ, ISTIOD_ADDRESS, address, namespace, JSON.stringify(labels), token, 'router'];
  return mesh.lab.shellOf('unread').must(process.execPath, args);
}

/** What the authors of the reader's namespace write to reach the metrics of other pods. */
function openedMetrics(mesh: Mesh): KubeObject {
  const pods = mesh.lab.pods.filter(({ id }) => id !== READER.name);
  const addresses = pods.map(({ address }) => address);
  return opened(addresses, 15020, 15090);
}

/** What a program in the pod `unread` is told there, or below there. */
async function metricsOf(mesh: Mesh, at: string, below = '', ...options: string[]): Promise<string> {
  const args = ['-s', '-m', '5', '--path-as-is', ...options, `http://${at}/stats/prometheus${below}`];
  return (await mesh.lab.shellOf('unread').run('curl', args)).out.trim();
}

const manyServices = (port: number): KubeObject[] =>
  Array.from({ length: 30 }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `foreign-${index}`, namespace: 'other' },
    spec: { selector: { app: 'nobody' }, ports: [{ name: 'http', port }] },
  }));

describeMesh(
  'programs that speak to istiod',
  {
    table: withReader,
    manifests: BEFORE,
    helmValues: JSON.stringify({ pilot: { env: { PILOT_PUSH_THROTTLE: '2' } } }),
    // Those that ask without a token.
    tolerate: [/Failed to authenticate client/],
  },
  (mesh) => {
    /** Whether the gateway gets what changes now. */
    const isServed = async (number: number) => {
      const sent = async () =>
        (await mesh.lab.istiod.proxies()).find(({ id }) => id.startsWith('gateway-'))!.types.CDS.sent;
      const before = await sent();
      await mesh.lab.apply('foreign', manyServices(8000 + number));
      return until('a push', async () => (await sent()) > before, 3000).catch(() => false);
    };

    /** How many streams istiod serves to a program, and whether they hold up a change. */
    const holdUp = async (exportTo: string, rounds: number, ...more: KubeObject[]) => {
      await mesh.apply([...BEFORE, ...istiodService(exportTo), ...more]);
      const { address } = mesh.lab.pods.find(({ id }) => id === 'unread')!;
      const file = mesh.lab.logFile(`read-${exportTo === '.'}-${more.length}`);
      const args = ['-e', UNREAD, ISTIOD_ADDRESS, address, tokenOf(mesh, 'unread'), file];
      const served = mesh.lab.shellOf('unread').must(process.execPath, args);
      // What istiod sends to each of them is soon more than it keeps.
      let round = 0;
      while (round < rounds && (await isServed(round))) round++;
      await mesh.lab.apply('manifests', [...AFTER, ...istiodService(exportTo), ...more]);
      const isHeldUp = !(await happens(mesh, 'comes', true, round < rounds ? HELD_SECONDS : 60));
      fs.writeFileSync(file, '');
      const streams = Number(await served);
      expect(await happens(mesh, 'comes', true)).toBe(true);
      await mesh.apply([], 'foreign');
      return { streams, isHeldUp };
    };

    test('a program that does not read what istiod sends to it delays it', async () => {
      expect(await holdUp('*', 30)).toEqual({ streams: 3, isHeldUp: true });
    });

    test('where the Service of istiod is exported to nobody, no application of a locked mesh reaches istiod', async () => {
      expect(await holdUp('.', 6)).toEqual({ streams: 0, isHeldUp: false });
    });

    test('unless an author of its namespace opens it', async () => {
      expect(await holdUp('.', 30, OPENED)).toEqual({ streams: 3, isHeldUp: true });
    });

    test('or a headless Service of any team has an HTTP port of that number', async () => {
      const headless: KubeObject = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'foreign', namespace: 'elsewhere' },
        spec: { clusterIP: 'None', ports: [{ name: 'grpc', port: 15010 }] },
      };
      const host = 'Host: foreign.elsewhere.svc.cluster.local';
      const args = ['-s', '-m', '5', '--http2-prior-knowledge', '-H', host, '-o', '/dev/null', '-w', '%{http_code}'];
      const statusWith = async (...more: KubeObject[]) => {
        await mesh.apply([...BEFORE, ...istiodService('.'), ...more]);
        return (await mesh.lab.shellOf('unread').run('curl', [...args, `http://${ISTIOD_ADDRESS}:15010/`])).out;
      };
      expect(await statusWith()).toBe('000'); // nothing listens for HTTP there
      expect(await statusWith(headless)).toBe('415'); // from istiod, which speaks gRPC only
    });

    test('istiod tells a program nothing in the name of another namespace, and nothing without a token', async () => {
      await mesh.apply([...BEFORE, OPENED]);
      const token = tokenOf(mesh, 'unread');
      expect(await told(mesh, 'other', { app: 'x' }, token)).toMatch(/BlackHoleCluster/);
      const answers = [told(mesh, 'egress', LABELS, token), told(mesh, 'egress', LABELS), told(mesh, 'other', {})];
      for (const answer of answers) expect(await answer).toBe('');
      // Where Gateways act on pods of every namespace, labels are enough.
      expect(await told(mesh, 'other', LABELS, token)).not.toContain(HOP_NAMES[0]);
    });

    test('istiod tells it the authorities in ConfigMaps of other namespaces, and no Secret', async () => {
      const held = (kind: string, data: object) =>
        ({
          apiVersion: 'v1',
          kind,
          metadata: { name: 'partner', namespace: 'shop' },
          ...data,
        }) as unknown as KubeObject;
      const secret = { 'ca.crt': 'SElEREVO', 'tls.crt': 'SElEREVO', 'tls.key': 'SElEREVO' };
      await mesh.apply([
        ...BEFORE,
        OPENED,
        held('ConfigMap', { data: { 'ca.crt': 'AUTHORITY', url: 'HIDDEN' } }),
        { ...held('ConfigMap', { data: { cacert: 'OLDER' } }), metadata: { name: 'older', namespace: 'shop' } },
        held('Secret', { data: secret }),
      ]);
      const { address } = mesh.lab.pods.find(({ id }) => id === 'unread')!;
      const given = (name: string) => {
        const args = ['-e', CERTIFICATE, ISTIOD_ADDRESS, address, tokenOf(mesh, 'unread'), name];
        return mesh.lab.shellOf('unread').must(process.execPath, args);
      };
      const authorities = await given('configmap://shop/partner');
      expect(authorities).toContain('AUTHORITY');
      expect(authorities).not.toContain('HIDDEN');
      expect(await given('configmap://shop/older')).toContain('OLDER');
      for (const kind of ['kubernetes', 'kubernetes-gateway'])
        for (const name of ['partner', 'partner-cacert']) expect(await given(`${kind}://shop/${name}`)).toBe('');
    });

    test('istiod tells it the private hosts of others with an endpoint of the address that it says it has', async () => {
      const address = '203.0.113.77';
      const host = 'private.example.com';
      const entry: KubeObject = {
        apiVersion: 'networking.istio.io/v1',
        kind: 'ServiceEntry',
        metadata: { name: 'private', namespace: 'shop' },
        spec: {
          hosts: [host],
          exportTo: ['.'],
          location: 'MESH_EXTERNAL',
          resolution: 'STATIC',
          ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
          endpoints: [{ address }],
        },
      };
      await mesh.apply([...BEFORE, OPENED, entry]);
      const toldIn = (namespace: string, ip = address) => {
        const args = ['-e', READ, ISTIOD_ADDRESS, ip, namespace, '{}', tokenOf(mesh, 'unread'), 'sidecar'];
        return mesh.lab.shellOf('unread').must(process.execPath, args);
      };
      expect(await toldIn('other')).not.toContain(host);
      expect(await toldIn('')).toContain(host);
      expect(await toldIn('', '203.0.113.78')).not.toContain(host);
    });

    test('metrics of proxies name what their pods call, to whoever reaches them', async () => {
      await mesh.apply([...BEFORE, openedMetrics(mesh)]);
      for (const { address } of mesh.lab.pods.filter(({ id }) => id !== READER.name))
        for (const port of [15020, 15090]) expect(await metricsOf(mesh, `${address}:${port}`)).toContain(HOST);
    });

    test('whoever reaches port 15090 of a proxy reads its configuration, and closes it', async () => {
      await mesh.apply([...BEFORE, openedMetrics(mesh)]);
      const { address } = mesh.lab.pods.find(({ role }) => role === 'router')!;
      expect(await metricsOf(mesh, `${address}:15090`, '/../../config_dump')).toContain(HOP_NAMES[0]);
      expect(await isAnswered(mesh, 'stays')).toBe(true);
      expect(await metricsOf(mesh, `${address}:15090`, '/../../drain_listeners', '-X', 'POST')).toBe('OK');
      await mesh.lab.dropConnections();
      expect(await isAnswered(mesh, 'stays')).toBe(false);
    });
  },
);

const forThePodAlone = manifests('stays', 'leaves').map((object) => {
  const annotations = object.kind === 'Deployment' && object.spec.template.metadata.annotations;
  if (annotations) {
    const proxyMetadata = { METRICS_LOCALHOST_ACCESS_ONLY: 'true' };
    annotations[CONFIG] = JSON.stringify({ ...parse(annotations[CONFIG]), proxyMetadata });
  }
  return object;
});

describeMesh('metrics for the pod alone', { table: withReader, manifests: forThePodAlone }, (mesh) => {
  test('with metrics for the pod alone, nobody else reaches them', async () => {
    await mesh.apply([...forThePodAlone, openedMetrics(mesh)]);
    const { address } = mesh.lab.pods.find(({ role }) => role === 'router')!;
    expect(await metricsOf(mesh, `${address}:15020`)).toMatch(/^Only requests from localhost are allowed/);
    expect(await metricsOf(mesh, `${address}:15090`, '', '-f')).toBe('');
    expect(await isAnswered(mesh, 'stays')).toBe(true);
  });
});

/** A Service of another team, how it is called over TLS, and a route to a name that no Service has. */
const MISNAMED: KubeObject[] = [
  ...manyServices(80).slice(0, 1),
  ...Object.entries({
    BackendTLSPolicy: {
      targetRefs: [{ group: '', kind: 'Service', name: 'foreign-0' }],
      validation: { hostname: HOST, wellKnownCACertificates: 'System' },
    },
    HTTPRoute: { parentRefs: [{ name: 'nowhere' }], rules: [{ backendRefs: [{ name: 'other/foreign-0', port: 80 }] }] },
  }).map(([kind, spec]) => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind,
    metadata: { name: 'foreign', namespace: 'other' },
    spec,
  })),
];

/** By what Go writes before it ends. */
const isEnded = (mesh: Mesh) => fs.readFileSync(mesh.lab.logFile('istiod'), 'utf8').includes('\npanic: ');

describeMesh('routes that istiod cannot read', { table: table(true), manifests: BEFORE }, (mesh) => {
  test('one name in a route of the Gateway API ends istiod', async () => {
    await mesh.apply(BEFORE);
    // What it reads first decides whether once is enough.
    const write = async (objects: KubeObject[]) => {
      await mesh.lab.apply('foreign', objects).catch(() => undefined);
      await sleep(500);
      return isEnded(mesh);
    };
    const again = async () => (await write(MISNAMED.slice(0, 2))) || (await write(MISNAMED)) || (await write([]));
    await until('the end of istiod', again, 30_000);
  });
});

describeMesh(
  'policies that istiod cannot read',
  {
    table: table(true),
    manifests: BEFORE,
    helmValues: JSON.stringify({ pilot: { env: { PILOT_ENABLE_ALPHA_GATEWAY_API: 'true' } } }),
  },
  (mesh) => {
    test('one number that a policy of the Gateway API leaves out ends istiod', async () => {
      await mesh.apply(BEFORE);
      await mesh.lab.apply('foreign', [retryPolicy({ count: 5, interval: '1s' })]);
      await sleep(500);
      expect(isEnded(mesh)).toBe(false);
      await mesh.lab.apply('foreign', [retryPolicy({ interval: '1s' })]).catch(() => undefined);
      await until('the end of istiod', () => isEnded(mesh), 30_000);
    });
  },
);

describeMesh(
  'pods of Gateways that istiod cannot make',
  {
    table: table(true),
    manifests: BEFORE,
    helmValues: JSON.stringify({ pilot: { env: { PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER: 'true' } } }),
    // The storage of the lab takes none of the objects that istiod makes.
    tolerate: [/controller=gateway deployment/],
  },
  (mesh) => {
    test('one ConfigMap for the pods of a Gateway ends istiod', async () => {
      const write = (deployment: string) => {
        const metadata = { name: 'x', namespace: 'other' };
        const parameters = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { deployment } };
        return mesh.lab.apply('foreign', [parameters, GATEWAY_BY_CONFIG_MAP]).catch(() => undefined);
      };
      await mesh.apply(BEFORE);
      await write('spec: { replicas: 2 }');
      await sleep(500);
      expect(isEnded(mesh)).toBe(false);
      await write('spec: { $retainKeys: [{}] }');
      await until('the end of istiod', () => isEnded(mesh), 30_000);
    });
  },
);

/** A private entry of another team, with an address that istiod may have allocated. */
const addressed = (name: string, address: string): KubeObject => ({
  ...OPENED,
  metadata: { name, namespace: 'other' },
  spec: { ...OPENED.spec, hosts: [`${name}.example.com`], addresses: [address] },
});

describeMesh('addresses that istiod allocates', { table: table(true), manifests: BEFORE }, (mesh) => {
  test('a private entry takes them from the entries of others', async () => {
    await mesh.apply(BEFORE);
    await mesh.lab.apply('foreign', [addressed('taker', '240.240.0.1')]);
    const log = () => fs.readFileSync(mesh.lab.logFile('istiod'), 'utf8');
    await until('another address', () => /reassigned egress\/\S+ due to IP Address conflict/.test(log()));
  });

  test('two private entries with one of them, written as IPv6, end istiod', async () => {
    const [one, two] = ['one', 'two'].map((name) => addressed(name, '::ffff:240.240.9.9'));
    await mesh.lab.apply('foreign', [one]);
    await sleep(500);
    expect(isEnded(mesh)).toBe(false);
    await mesh.lab.apply('foreign', [one, two]).catch(() => undefined);
    await until('the end of istiod', () => isEnded(mesh));
  });
});

describeMesh(
  'addresses that istiod does not take back',
  {
    table: {
      ...table(true),
      mesh: { ...table(true).mesh, dnsCapture: true },
      external: [...table(true).external, ...DATABASES.map((host) => ({ host, tcp: [5432] }))],
    },
    manifests: BEFORE,
    // It tries again where an entry has changed meanwhile.
    tolerate: [/ip-autoallocate|IP Autoallocator/],
  },
  (mesh) => {
    test('one private entry whose hosts change uses them up, and hosts with dnsCapture need none', async () => {
      const entry = (round: number): KubeObject => ({
        ...OPENED,
        spec: {
          hosts: Array.from({ length: 256 }, (_, index) => `a${index}.b${round}.example.com`),
          exportTo: ['.'],
          resolution: 'DNS',
          ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
        },
      });
      await mesh.apply(BEFORE);
      let round = 0;
      const isUsedUp = async () => {
        await mesh.lab.apply('foreign', [entry(round++)]);
        // The first one may still leave addresses for entries with fewer hosts.
        return fs.readFileSync(mesh.lab.logFile('istiod'), 'utf8').split('failed to allocate v4 address').length > 6;
      };
      await until('the last address', isUsedUp, 600_000);
      await mesh.lab.apply('foreign', []);
      const props = { hosts: DATABASES, ports: [EgressPort.tcp(5432)], dnsCapture: true };
      const shop = synthesise((app) => new SidecarEgress(new Chart(app, 'shop', { namespace: 'shop' }), 'db', props));
      await mesh.apply([...BEFORE, ...shop]);
      for (const host of DATABASES)
        await mesh.expectRow({
          from: 'stays',
          request: `tcp://${host}:5432`,
          expect: { outcome: 'answered', via: 'sidecar', answeredBy: host },
        });
    });
  },
);

describeMesh('requests that istiod cannot read', { table: withReader, manifests: BEFORE }, (mesh) => {
  test('one request of a program with the token of its pod ends istiod', async () => {
    await mesh.apply([...BEFORE, OPENED]);
    const { address } = mesh.lab.pods.find(({ id }) => id === 'unread')!;
    const args = ['-e', ENDING, ISTIOD_ADDRESS, address, tokenOf(mesh, 'unread')];
    await mesh.lab.shellOf('unread').must(process.execPath, args);
    await until('the end of istiod', () => isEnded(mesh));
  });
});

/** Without a sidecar: proxies of the lab use the same port, and would not start. */
const BARE = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'unread', namespace: 'other' },
  spec: {
    selector: { matchLabels: { app: 'unread' } },
    template: {
      metadata: { labels: { app: 'unread' }, annotations: { 'sidecar.istio.io/inject': 'false' } },
      spec: {},
    },
  },
} as KubeObject;

describeMesh(
  'istiod, as its chart installs it',
  {
    table: { ...table(true), gateways: [], callers: [READER] },
    manifests: [BARE],
    helmValues: JSON.stringify({ pilot: { env: { XDS_AUTH_PLAINTEXT: 'false' } } }),
  },
  (mesh) => {
    test('its port 15010 tells whoever reaches it who may call what', async () => {
      await mesh.apply(BEFORE.filter(({ kind }) => kind !== 'Deployment'));
      const text = await told(mesh, 'egress', LABELS);
      for (const secret of [...HOP_NAMES, 'spiffe://cluster.local/ns/shop/sa/leaves', HOST])
        expect(text).toContain(secret);
    });
  },
);

/** The ingress gateway, which is the egress gateway too. */
const INGRESS = { namespace: 'istio-system', labels: { istio: 'ingressgateway' }, targetPort: 8443 };

const BY_MODE = {
  STRICT: 'Ingresses of every namespace open servers on the pods of the gateway',
  OFF: 'Ingresses open none there where istiod reads none',
};

for (const [ingressControllerMode, title] of Object.entries(BY_MODE)) {
  const world = {
    table: { ...table(true), gateways: [{ ...INGRESS, serviceAccount: 'istio-ingressgateway' }] },
    helmValues: JSON.stringify({ meshConfig: { ingressControllerMode } }),
  };
  describeMesh(title, world, (mesh) => {
    test('the port of an Ingress', async () => {
      const metadata = { name: 'foreign', namespace: 'other' };
      const backend = { service: { name: 'foreign', port: { number: 80 } } };
      const annotations = { 'kubernetes.io/ingress.class': 'istio' };
      await mesh.apply([
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata,
          spec: { ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
        },
        {
          apiVersion: 'networking.k8s.io/v1',
          kind: 'Ingress',
          metadata: { ...metadata, annotations },
          spec: { rules: [{ host: HOST, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] },
        },
      ]);
      const [gateway] = mesh.lab.proxies.filter(({ pod }) => pod.role === 'router');
      const opens = async () => (await gateway.admin('/listeners')).includes('0.0.0.0_8080');
      // What istiod makes of Ingresses comes a little later than what is in force.
      if (ingressControllerMode === 'STRICT') await until('the port', opens);
      else await sleep(3000).then(async () => expect(await opens()).toBe(false));
    });
  });
}
