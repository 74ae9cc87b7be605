import * as fs from 'fs';
import { Chart, Duration } from 'cdk8s';
import { AccessRow } from '../../../src/access/access-table';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { RefusalLog } from '../../../src/constructs/refusal-log';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { Caller } from '../../../src/values/caller';
import { EgressPort } from '../../../src/values/egress-port';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { until } from '../lab/processes';
import { INSTALLED_PODS } from '../recipe';
import { describeMesh, synthesise } from '../support';

const DATABASES = { db: '203.0.113.201', 'db-api': '203.0.113.202' };

const table = {
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' as const },
  gateways: [INSTALLED_PODS],
  callers: ['checkout', 'crawler'].map((name) => ({ name, namespace: 'shop', serviceAccount: name })),
  external: [
    { host: 'site.example.com', http: 'ok' as const, https: 'ok' as const },
    { host: 'api.example.com', https: 'ok' as const },
    { host: 'retried.example.com', http: 'ok' as const, https: 'ok' as const },
    { host: 'retried-api.example.com', https: 'ok' as const },
    { host: 'timed.example.com', https: 'ok' as const },
    { host: 'timed-api.example.com', https: 'ok' as const },
    ...Object.entries(DATABASES).map(([name, address]) => ({ host: `${name}.example.com`, address, tcp: [5432] })),
    { host: 'down.example.com' },
    { host: 'undeclared.example.com', http: 'ok' as const, https: 'ok' as const, tcp: [5432] },
  ],
};

const manifests = synthesise((app) => {
  const chart = new Chart(app, 'shop', { namespace: 'shop' });
  const gateway = new InstalledEgressGateway(chart, 'exit', {
    installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
  });
  new SidecarEgress(chart, 'site', { hosts: ['site.example.com'] });
  const callers = [Caller.serviceAccount('shop', 'checkout')];
  new GatewayEgress(chart, 'api', {
    gateway,
    hosts: ['api.example.com', 'down.example.com'],
    callers,
  }).originateTls('tls');
  const retries = { attempts: 1, on: ['5xx'] };
  new SidecarEgress(chart, 'retried', { hosts: ['retried.example.com'], retries });
  new GatewayEgress(chart, 'retried-api', {
    gateway,
    hosts: ['retried-api.example.com'],
    callers,
    retries,
  }).originateTls('tls');
  const timed = { ports: [EgressPort.http(), EgressPort.grpc(50051)], timeout: Duration.seconds(1) };
  new SidecarEgress(chart, 'timed', { hosts: ['timed.example.com'], ...timed }).originateTls('tls');
  new GatewayEgress(chart, 'timed-api', {
    gateway,
    hosts: ['timed-api.example.com'],
    callers,
    ...timed,
  }).originateTls('tls');
  const database = (name: keyof typeof DATABASES) => ({
    hosts: [`${name}.example.com`],
    addresses: [DATABASES[name]],
    ports: [EgressPort.tcp(5432)],
  });
  new SidecarEgress(chart, 'db', database('db'));
  new GatewayEgress(chart, 'db-api', { gateway, callers, ...database('db-api') });
  new RefusalLog(chart, 'refused');
  new RefusalLog(chart, 'refused-at-gateway', { gateway });
});

/** Asks over HTTP/2 for an answer of which it takes no byte, and ends the connection, or the stream alone. */
const TAKING_NOTHING = `
  const [, host, path, end] = process.argv;
  const session = require('http2').connect('http://' + host, { settings: { initialWindowSize: 0 } });
  const stream = session.request({ ':path': path });
  stream.on('response', () => {
    if (end === 'stream') stream.close(8);
    setTimeout(() => process.exit(), 300);
  });
`;

/** Has the host answer, and then end the connection with a RST. */
const RESET = `
  const socket = require('net').connect(5432, process.argv[1], () => socket.write('reset'));
  let got = '';
  socket.on('data', (data) => (got += data)).on('error', (error) => (got += ' ' + error.code));
  socket.on('close', () => console.log(got));
`;

describeMesh('the log of refused requests', { table, manifests }, (mesh) => {
  beforeAll(() => mesh.apply(manifests));

  const logged = async (from: string, request: string, more: Pick<AccessRow, 'speak' | 'headers'> = {}) => {
    const {
      evidence: { sidecar, atGateway, curl },
    } = await mesh.see({ from, request, ...more });
    return {
      sidecar: sidecar.length > 0,
      gateway: atGateway.length > 0,
      line: sidecar[0] ?? atGateway[0]?.line,
      status: curl.statuses[0],
    };
  };

  test.each([
    ['plain HTTP to an undeclared host', 'checkout', 'http://undeclared.example.com/'],
    ['TLS to an undeclared host', 'checkout', 'https://undeclared.example.com/'],
    ['a connection to an undeclared port', 'checkout', 'tcp://undeclared.example.com:5432'],
    ['plain HTTP from a caller that is not allowed', 'crawler', 'http://api.example.com/'],
    ['TLS from a caller that is not allowed', 'crawler', 'https://api.example.com/'],
  ])('%s is logged by the sidecar', async (_what, from, request) => {
    const { sidecar, line } = await logged(from, request);
    expect(sidecar).toBe(true);
    expect((line as any).lab).toBe('provider');
  });

  test('a host that does not answer is logged by the gateway', async () => {
    expect(await logged('checkout', 'http://down.example.com/')).toMatchObject({ gateway: true, status: 503 });
  });

  test.each([
    ['plain HTTP', 'http://site.example.com/', 200],
    ["the application's TLS", 'https://site.example.com/', 200],
    ['an error status from the host', 'http://site.example.com/?status=404', 404],
    ['a 503 from the host itself', 'http://site.example.com/?status=503', 503],
    ['plain HTTP through the gateway', 'http://api.example.com/', 200],
    ['TLS through the gateway', 'https://api.example.com/', 200],
    ['an error of the host, through the gateway', 'http://api.example.com/?status=500', 500],
    ['an error of the host, which comes again', 'http://retried.example.com/?status=503', 503],
    ['the same through the gateway', 'http://retried-api.example.com/?status=503', 503],
  ])('%s, answered, is not logged', async (_what, request, status) => {
    expect(await logged('checkout', request)).toMatchObject({ sidecar: false, gateway: false, status });
  });

  test.each(['site', 'api'])(
    'a WebSocket with %s.example.com that the application ends is not logged',
    async (host) => {
      expect(await logged('checkout', `http://${host}.example.com/`, { speak: 'websocket' })).toMatchObject({
        sidecar: false,
        gateway: false,
        status: 101,
      });
    },
  );

  test.each<[string, string, Pick<AccessRow, 'speak'>]>([
    ['an answer', 'timed.example.com/?unfinished', {}],
    ['a stream of gRPC', 'timed-api.example.com:50051/?stream', { speak: 'grpc' }],
  ])('%s that the timeout ends is not logged', async (_what, url, speak) => {
    expect(await logged('checkout', `http://${url}`, speak)).toMatchObject({ sidecar: false, gateway: false });
  });

  test.each<[string, string, Pick<AccessRow, 'speak'>]>([
    ['a request', 'timed.example.com/?delay=3000', {}],
    ['a call of gRPC', 'timed-api.example.com:50051/?delay=3000', { speak: 'grpc' }],
  ])('%s that the timeout ends before there is an answer is logged', async (_what, url, speak) => {
    const { sidecar, gateway } = await logged('checkout', `http://${url}`, speak);
    expect([sidecar, gateway]).toContain(true);
  });

  test.each(['db', 'db-api'] as const)(
    'a connection that its host answered and resets is not logged: %s',
    async (name) => {
      const logs = ['checkout', 'gateway-egress'].map(
        (id) => mesh.lab.proxies.find(({ pod }) => pod.id === id)!.accessLog,
      );
      const lines = () => logs.map((file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''));
      const before = lines();
      const got = await mesh.lab.shellOf('checkout').must(process.execPath, ['-e', RESET, DATABASES[name]]);
      expect(got.trim()).toBe('reset ECONNRESET');
      await logged('checkout', 'http://undeclared.example.com/'); // its line comes later than one of the connection would
      expect(lines().join('').split('5432').length).toBe(before.join('').split('5432').length);
    },
  );

  test.each([
    ['site', { sidecar: true, gateway: false }],
    ['api', { sidecar: false, gateway: true }],
  ])('a host that breaks off after "100 Continue" is logged: %s.example.com', async (host, where) => {
    const headers = { Expect: '100-continue' };
    expect(await logged('checkout', `http://${host}.example.com/?cut&delay=100`, { headers })).toMatchObject(where);
  });

  test.each(['connection', 'stream'])('a refusal of which no byte is taken is logged when the %s ends', async (end) => {
    const { accessLog } = mesh.lab.proxies.find(({ pod }) => pod.id === 'crawler')!;
    const args = ['-e', TAKING_NOTHING, 'api.example.com', `/nothing-${end}`, end];
    await mesh.lab.shellOf('crawler').must(process.execPath, args);
    await until('the line', () => fs.readFileSync(accessLog, 'utf8').includes(`/nothing-${end}`), 5000);
  });

  test.each(['site', 'api'])(
    'another upgrade, as Apache HttpClient asks for, is refused by the sidecar: %s.example.com',
    async (host) => {
      const headers = { Connection: 'Upgrade', Upgrade: 'TLS/1.2' };
      expect(await logged('checkout', `http://${host}.example.com/`, { headers })).toMatchObject({
        sidecar: true,
        gateway: false,
        status: 403,
      });
    },
  );
});
