/**
 * What was open before a change: which connections, WebSockets and streams of gRPC go on, and which end, when callers,
 * other teams' declarations or the egress path change; and what goes over connections that are open.
 */
import * as fs from 'fs';
import { setTimeout as sleep } from 'timers/promises';
import { Chart } from 'cdk8s';
import { Egress } from '../../../src/constructs/egress';
import { EgressGateway } from '../../../src/constructs/egress-gateway';
import { GatewayEgress, GatewayEgressProps, GatewayRefusal } from '../../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { RegistryOnlyMesh } from '../../../src/constructs/registry-only-mesh';
import { SidecarEgress, SidecarEgressProps } from '../../../src/constructs/sidecar-egress';
import { Caller } from '../../../src/values/caller';
import { EgressPort } from '../../../src/values/egress-port';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { KubeObject } from '../lab';
import { until } from '../lab/processes';
import { AFTER, BEFORE, CONFIG, DRAIN_SECONDS, HOST, manifestsWith, rowOf, table } from '../leaving-caller';
import { describeMesh, Mesh, synthesise } from '../support';

/** Repeats requests on one connection until they fail, and prints when that was; a file says that it has begun. */
const CLIENT = `
  const [scheme, host, file] = process.argv.slice(1);
  const agent = new (require(scheme).Agent)({ keepAlive: true, maxSockets: 1 });
  const end = () => { console.log(Date.now()); process.exit(); };
  const ask = () =>
    require(scheme)
      .get(scheme + '://' + host + '/', { agent, rejectUnauthorized: false }, (answer) => {
        if (answer.statusCode !== 200 || (scheme === 'https' && ask.socket && ask.socket !== answer.socket)) end();
        ask.socket = answer.socket;
        require('fs').writeFileSync(file, '');
        answer.resume().on('end', () => setTimeout(ask, 100));
      })
      .on('error', end);
  ask();
  setTimeout(end, 30000);
`;

/** Opens what it is told, says so in a file, and prints what is left when another file is there. */
const HOLDING = `
  const fs = require('fs');
  const [host, began, end, ...what] = process.argv.slice(1);
  const fail = () => process.exit(1);
  const open = new Map();
  const hold = (one, isOpen) => {
    open.set(one, isOpen);
    if (open.size === what.length) fs.writeFileSync(began, '');
  };
  const asking = [];
  // It goes on if something comes back at the end.
  const hang = (one, socket, question) => {
    let heard = false;
    socket.on('error', () => undefined).on('data', () => (heard = true));
    asking.push(() => socket.write(question));
    hold(one, () => heard);
  };
  const openers = {
    websocket: (one, port) => {
      const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'a2V5' };
      const asked = require('http').get({ host, port, headers }).on('response', fail).on('error', fail);
      asked.on('upgrade', (_, socket) => hang(one, socket, Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x61])));
    },
    tls: (one, port) => {
      const secured = require('tls').connect({ host, port, servername: host, rejectUnauthorized: false });
      secured.on('error', () => open.has(one) || fail()).on('secureConnect', () => hang(one, secured, 'GET / HTTP/1.1\\r\\nHost: ' + host + '\\r\\n\\r\\n'));
    },
    // A stream, on which the host sends ten messages a second.
    grpc: (one, port) => {
      const session = require('http2').connect('http://' + host + ':' + port).on('error', () => undefined);
      const headers = { ':method': 'POST', ':path': '/lab.Echo/Say?stream', 'content-type': 'application/grpc', te: 'trailers' };
      let heard;
      const stream = session.request(headers).on('error', () => undefined);
      stream.on('close', () => open.has(one) || fail());
      stream.on('data', () => {
        heard = Date.now();
        if (!open.has(one)) hold(one, () => Date.now() - heard < 1000);
      });
      stream.end(Buffer.from([0, 0, 0, 0, 1, 0]));
    },
  };
  for (const one of what) openers[one.split(':')[0]](one, one.split(':')[1]);
  const waiting = setInterval(() => {
    if (!fs.existsSync(end)) return;
    clearInterval(waiting);
    for (const ask of asking) ask();
    setTimeout(() => {
      console.log(what.filter((one) => open.get(one)()).join());
      process.exit();
    }, 500);
  }, 50);
`;
const WEBSOCKET = 'websocket:80';
const TLS = 'tls:443';
const STREAM = 'grpc:80';
const ports = [EgressPort.grpc(80)];

/** Another team's side of the gateway, from a repository of its own. */
function otherTeams(refusal: GatewayRefusal, ...callers: string[]): KubeObject[] {
  return synthesise((app) => {
    const web = new Chart(app, 'web', { namespace: 'web' });
    const installation = GatewayInstallation.egressGateway({ namespace: 'egress', lockedDown: true });
    new GatewayEgress(web, 'site', {
      gateway: InstalledEgressGateway.fromInstallation(web, 'exit', installation),
      hosts: ['www.example.com'],
      callers: callers.map((name) => Caller.serviceAccount('web', name)),
      refusal,
    });
  });
}

/** Envoy waits so long before it closes what it has ended over HTTP. */
const DELAYED_CLOSE = 1000;

let round = 0;

interface Held {
  readonly from?: string;
  readonly what?: string[];
  /** Whether the drain time of its sidecar is short enough to wait for, as the gateway's is. */
  readonly isBrief?: boolean;
}

/** What is left of that which a caller holds open, after each of these changes. */
async function leftAfter(
  mesh: Mesh,
  changes: (() => Promise<unknown>)[],
  { from = 'stays', what = [WEBSOCKET, TLS], isBrief }: Held = {},
): Promise<string[]> {
  const left: string[] = [];
  for (const change of changes) {
    const [began, end] = ['began', 'end'].map((file) => mesh.lab.logFile(`holding-${++round}-${file}`));
    const holding = mesh.lab.shellOf(from).must(process.execPath, ['-e', HOLDING, HOST, began, end, ...what]);
    await Promise.race([holding, until('the connections', () => fs.existsSync(began))]);
    await change();
    await mesh.lab.istiod.barrier(mesh.lab.proxies.length, 60);
    for (const proxy of mesh.lab.proxies.filter(({ pod }) => pod.role === 'router' || (isBrief && pod.id === from))) {
      const busy = async () => [...(await proxy.stats('total_(filter_chains|listeners)_(draining|warming)$')).values()];
      await until('the end of the drain time', async () => (await busy()).every((count) => count === 0));
    }
    await sleep(2 * DELAYED_CLOSE);
    fs.writeFileSync(end, '');
    left.push((await holding).trim());
  }
  return left;
}

describeMesh('connections that stay open', { table: table(true), manifests: BEFORE, plaintextHttp2: true }, (mesh) => {
  const others = (refusal?: GatewayRefusal, ...callers: string[]) =>
    mesh.lab.apply('others', refusal === undefined ? [] : otherTeams(refusal, ...callers));

  beforeEach(async () => {
    await mesh.apply([], 'others');
    await mesh.apply(BEFORE);
  });

  test.each([
    ['http', 0],
    ['https', DRAIN_SECONDS - 1],
  ])('a connection that was open, %s, ends with the drain time', async (scheme, least) => {
    const file = mesh.lab.logFile(`client-${scheme}`);
    const client = mesh.lab.shellOf('leaves').must(process.execPath, ['-e', CLIENT, scheme, HOST, file]);
    while (!fs.existsSync(file)) await mesh.see(rowOf('stays'));
    const began = Date.now();
    await mesh.lab.apply('manifests', AFTER);
    await mesh.lab.istiod.barrier(mesh.lab.proxies.length, 60);
    const inForce = Date.now();
    const ended = Number(await client);
    expect(ended - began).toBeGreaterThan(1000 * least);
    expect(ended - inForce).toBeLessThan(1000 * (DRAIN_SECONDS + 10));
  });

  test("callers of one declaration share the gateway's connections to the host", async () => {
    await mesh.see(rowOf('stays'));
    const { evidence } = await mesh.see(rowOf('leaves'));
    expect(evidence.external.map(({ event }) => event)).toEqual(['request']);
  });

  test('what is open is not in the log of the gateway yet', async () => {
    const { accessLog } = mesh.lab.proxies.find(({ pod }) => pod.role === 'router')!;
    const lines = () => fs.readFileSync(accessLog, 'utf8').split('\n').length;
    const [began, end] = ['began', 'end'].map((what) => mesh.lab.logFile(`logged-${what}`));
    await mesh.see(rowOf('stays'));
    const before = lines();
    const holding = mesh.lab.shellOf('stays').must(process.execPath, ['-e', HOLDING, HOST, began, end, WEBSOCKET, TLS]);
    await Promise.race([holding, until('the connections', () => fs.existsSync(began))]);
    await mesh.see(rowOf('stays'));
    expect(lines()).toBe(before + 1);
    fs.writeFileSync(end, '');
    await holding;
    await until('the lines', () => lines() === before + 3);
  });

  test('while another team declares hosts and callers', async () => {
    const { CLOSED } = GatewayRefusal;
    const changes = [() => others(CLOSED, 'one'), () => others(CLOSED, 'one', 'two'), () => others()];
    expect(await leftAfter(mesh, changes)).toEqual(changes.map(() => `${WEBSOCKET},${TLS}`));
  });

  test('but not while the callers of their host change', async () => {
    expect(await leftAfter(mesh, [() => mesh.lab.apply('manifests', AFTER)])).toEqual(['']);
  });

  test("but not while another team's policy comes, changes or goes", async () => {
    const { FORBIDDEN } = GatewayRefusal;
    const changes = [() => others(FORBIDDEN, 'one'), () => others(FORBIDDEN, 'one', 'two'), () => others()];
    expect(await leftAfter(mesh, changes)).toEqual(changes.map(() => ''));
  });

  test.each(['stays', 'leaves'])('streams of gRPC end and stay as they do: of the caller that %s', async (from) => {
    await mesh.apply(manifestsWith({ ports }, 'stays', 'leaves'));
    const changes = [
      () => others(GatewayRefusal.CLOSED, 'one'),
      () => others(GatewayRefusal.FORBIDDEN, 'one'),
      () => mesh.lab.apply('manifests', manifestsWith({ ports }, 'stays', 'comes')),
    ];
    expect(await leftAfter(mesh, changes, { from, what: [STREAM] })).toEqual([STREAM, '', '']);
  });
});

/** What is declared in the callers' namespace, on a locked mesh. */
const declared = (build: (shop: Chart, exit: EgressGateway) => Egress | undefined, originates = false): KubeObject[] =>
  synthesise((app) => {
    const platform = new Chart(app, 'platform', { namespace: 'egress' });
    new RegistryOnlyMesh(platform, 'lock');
    const egress = build(new Chart(app, 'shop', { namespace: 'shop' }), new EgressGateway(platform, 'exit'));
    if (originates) egress?.originateTls('tls');
  });
const bySidecar = (more?: Partial<SidecarEgressProps>) => (shop: Chart) =>
  new SidecarEgress(shop, 'partner', { hosts: [HOST], ...more });
const byGateway = (more?: Partial<GatewayEgressProps>) => (shop: Chart, gateway: EgressGateway) =>
  new GatewayEgress(shop, 'partner', {
    gateway,
    hosts: [HOST],
    callers: [Caller.serviceAccount('shop', 'stays')],
    ...more,
  });
const NONE = declared(() => undefined);

describeMesh(
  'requests that stay open',
  {
    plaintextHttp2: true,
    table: { ...table(true), mesh: { outboundTrafficPolicy: 'ALLOW_ANY' } },
    manifests: [
      ...BEFORE,
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'stays', namespace: 'shop' },
        spec: {
          template: {
            metadata: {
              labels: { app: 'stays' },
              annotations: { [CONFIG]: JSON.stringify({ drainDuration: `${DRAIN_SECONDS}s` }) },
            },
          },
        },
      },
    ],
  },
  (mesh) => {
    const changes = (more?: { ports: EgressPort[] }): [string, KubeObject[], KubeObject[], string][] => [
      ['the mesh is locked', [], NONE, WEBSOCKET],
      ['the host is taken out', declared(bySidecar(more)), NONE, WEBSOCKET],
      ['TLS is originated at the sidecar', declared(bySidecar(more)), declared(bySidecar(more), true), WEBSOCKET],
      ['the host moves behind a gateway', declared(bySidecar(more)), declared(byGateway(more)), WEBSOCKET],
      [
        'TLS is originated at the gateway',
        declared(byGateway(more)),
        declared(byGateway(more), true),
        `${WEBSOCKET},${TLS}`,
      ],
    ];

    test.each(changes())('a WebSocket goes on as it began when %s', async (_change, before, after, left) => {
      await mesh.apply(before);
      const change = () => mesh.lab.apply('manifests', after);
      expect(await leftAfter(mesh, [change], { isBrief: true })).toEqual([left]);
    });

    test.each(changes({ ports }))('a stream of gRPC goes on as it began when %s', async (_change, before, after) => {
      await mesh.apply(before);
      const change = () => mesh.lab.apply('manifests', after);
      expect(await leftAfter(mesh, [change], { isBrief: true, what: [STREAM] })).toEqual([STREAM]);
    });

    test('a port that nothing else in the mesh has takes both with it', async () => {
      const own = [EgressPort.grpc(80), EgressPort.grpc(50051), EgressPort.http(8081)];
      await mesh.apply(declared(bySidecar({ ports: own }), true));
      const change = () => mesh.lab.apply('manifests', NONE);
      const what = [STREAM, 'grpc:50051', 'websocket:8081'];
      expect(await leftAfter(mesh, [change], { isBrief: true, what })).toEqual([STREAM]);
    });
  },
);
