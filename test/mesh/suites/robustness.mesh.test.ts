import { setTimeout as sleep } from 'timers/promises';
import { Chart, Duration } from 'cdk8s';
import { Egress } from '../../../src/constructs/egress';
import { CommonEgressProps } from '../../../src/constructs/egress-props';
import { GatewayEgress, GatewayHttp } from '../../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { Caller } from '../../../src/values/caller';
import { EgressPort } from '../../../src/values/egress-port';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { EgressLoadBalancing } from '../../../src/values/traffic-options';
import { INSTALLED_PODS } from '../recipe';
import { describeMesh, synthesise } from '../support';

/** The options of each external host, declared at the sidecar in one namespace and through the gateway in the other. */
const HOSTS: Record<string, Partial<CommonEgressProps>> = {
  'plain.example.com': {},
  'retried.example.com': { retries: { attempts: 2, on: ['5xx'] } },
  'once.example.com': { retries: { attempts: 0 } },
  'slow.example.com': { timeout: Duration.seconds(3) },
  'brief.example.com': {
    timeout: Duration.seconds(1),
    retries: { attempts: 1, perTryTimeout: Duration.millis(500), on: ['gateway-error'] },
  },
  'patient.example.com': { retries: { attempts: 1, perTryTimeout: Duration.seconds(3), on: ['gateway-error'] } },
  'ejected.example.com': {
    outlierDetection: { consecutive5xxErrors: 2, baseEjectionTime: Duration.minutes(2), maxEjectionPercent: 100 },
  },
  'tenth.example.com': { outlierDetection: { consecutive5xxErrors: 2 } },
  'single.example.com': {
    connectionPool: { maxRequestsPerConnection: 1, maxConnections: 7 },
    loadBalancing: EgressLoadBalancing.RANDOM,
  },
  'headers.example.com': { removeHeaders: ['x-team'], unsafeKeepHeaders: ['x-request-id'] },
};
const ports = [EgressPort.http(), EgressPort.grpc(50051), EgressPort.tls()];
const hosts = Object.keys(HOSTS);

const manifests = synthesise((app) => {
  const near = new Chart(app, 'near', { namespace: 'near' });
  const far = new Chart(app, 'far', { namespace: 'far' });
  const hidden = new Chart(app, 'hidden', { namespace: 'hidden' });
  const gateway = new InstalledEgressGateway(far, 'exit', {
    installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
  });
  const tls = (egress: Egress) => egress.originateTls('tls');
  for (const [host, options] of Object.entries(HOSTS)) {
    tls(new SidecarEgress(near, host, { hosts: [host], ports, ...options }));
    tls(
      new GatewayEgress(far, host, {
        gateway,
        hosts: [host],
        ports,
        callers: [Caller.serviceAccount('far', 'app')],
        ...options,
      }),
    );
  }
  tls(
    new GatewayEgress(hidden, 'opaque', {
      gateway,
      hosts: ['retried.example.com'],
      http: GatewayHttp.OPAQUE,
      callers: [Caller.serviceAccount('hidden', 'app')],
      retries: { attempts: 2, on: ['5xx'] },
    }),
  );
});

const table = {
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' as const },
  gateways: [INSTALLED_PODS],
  callers: ['near', 'far', 'hidden'].map((namespace) => ({ name: namespace, namespace, serviceAccount: 'app' })),
  external: hosts.map((host) => ({ host, https: 'ok' as const })),
};

/** Sends each head on a connection of its own, and prints which status there is after 2.5 s, and whether it has ended. */
const WAITING = `
  const [, to, ...heads] = process.argv;
  const all = heads.map((head) => {
    const seen = { answer: '', ended: false };
    const socket = require('net').connect(80, to, () => socket.write(head.replace(/[|]/g, '\\r\\n')));
    socket.on('data', (data) => (seen.answer += data)).on('error', () => undefined);
    socket.on('close', () => (seen.ended = true));
    return seen;
  });
  setTimeout(() => {
    console.log(JSON.stringify(all.map(({ answer, ended }) => [answer.slice(9, 12), ended])));
    process.exit();
  }, 2500);
`;

/** Asks for 1,100 names below a domain, then for one more, and prints what the first and the last got. */
const MANY_NAMES = `
  const [, to, domain] = process.argv;
  const ask = (index) =>
    new Promise((resolve, reject) => {
      const headers = { host: 'n' + index + domain, connection: 'close' };
      require('http').get({ host: to, headers }, (answer) => {
        let body = '';
        answer.on('data', (data) => (body += data)).on('end', () => resolve(answer.statusCode + ' ' + body));
      }).on('error', reject);
    });
  (async () => {
    const first = await ask(0);
    for (let begin = 1; begin < 1100; begin += 20)
      await Promise.all(Array.from({ length: 20 }, (_, i) => ask(begin + i)));
    console.log(JSON.stringify([first, await ask(2000)]));
  })();
`;

describeMesh('robustness of an egress path', { table, manifests }, (mesh) => {
  beforeAll(() => mesh.apply(manifests));

  let requests = 0;
  /** Sends a request with a URL of its own to a host, and counts the requests that arrive. */
  const call = async (
    from: string,
    host: string,
    wish: string,
    more: { speak?: 'grpc'; headers?: Record<string, string> } = {},
  ) => {
    const request = `http://${host}.example.com${more.speak ? ':50051/call' : '/'}?${wish}&request=${++requests}`;
    const { evidence, judgement } = await mesh.see({ from, request, ...more });
    const seen = evidence.external.filter(({ event }) => event === 'request');
    const {
      statuses: [status],
      grpcStatus,
    } = evidence.curl;
    return { attempts: seen.length, status, grpcStatus, via: judgement.seen.via, seen };
  };
  const paths = [
    ['near', 'sidecar'],
    ['far', 'gateway'],
  ] as const;

  describe.each(paths)('from namespace %s, by the %s', (from, via) => {
    test('an error of the host is not retried by default', async () => {
      expect(await call(from, 'plain', 'status=503')).toMatchObject({ attempts: 1, status: 503, via });
    });

    test('declared retries happen that often and no more, over both hops together', async () => {
      expect(await call(from, 'retried', 'status=503')).toMatchObject({ attempts: 3, status: 503, via });
      expect(await call(from, 'retried', 'status=503&times=2')).toMatchObject({ attempts: 3, status: 200, via });
    });

    test('gRPC UNAVAILABLE is retried twice by default, over both hops together', async () => {
      expect(await call(from, 'plain', 'grpc-status=14', { speak: 'grpc' })).toMatchObject({
        attempts: 3,
        grpcStatus: 14,
        via,
      });
    });

    test('so is any other answer with that status, and a stream that the host refuses', async () => {
      expect(await call(from, 'plain', 'grpc-status=14')).toMatchObject({ attempts: 3, status: 200, via });
      expect(await call(from, 'plain', 'refused', { speak: 'grpc' })).toMatchObject({ attempts: 3, via });
      expect(await call(from, 'once', 'grpc-status=14')).toMatchObject({ attempts: 1, status: 200 });
      expect(await call(from, 'once', 'refused', { speak: 'grpc' })).toMatchObject({ attempts: 1 });
    });

    test('no attempts means one request', async () => {
      expect(await call(from, 'once', 'status=503')).toMatchObject({ attempts: 1, status: 503 });
      expect(await call(from, 'once', 'grpc-status=14', { speak: 'grpc' })).toMatchObject({
        attempts: 1,
        grpcStatus: 14,
      });
    });

    test('a slow host times out, and is not retried', async () => {
      // The host would answer, sooner than the application gives up.
      expect(await call(from, 'slow', 'delay=7000')).toMatchObject({ attempts: 1, status: 504, via });
    });

    test('timeouts do not run for a request whose body is not finished, nor for a WebSocket', async () => {
      const { addresses } = mesh.lab.hosts.find(({ host }) => host === 'brief.example.com')!;
      const host = 'Host: brief.example.com|';
      const seen = await mesh.lab
        .shellOf(from)
        .must(process.execPath, [
          '-e',
          WAITING,
          addresses[0],
          `GET /?delay=6000 HTTP/1.1|${host}Connection: close||`,
          `POST / HTTP/1.1|${host}Content-Length: 9||body`,
          `GET / HTTP/1.1|${host}Connection: Upgrade|Upgrade: websocket|Sec-WebSocket-Key: a|Sec-WebSocket-Version: 13||`,
        ]);
      expect(JSON.parse(seen)).toEqual([
        ['504', true],
        ['', false],
        ['101', false],
      ]);
    });

    test('a host that answers no HTTP gives a 502, and one that hangs up a 503', async () => {
      for (const [wish, status, flag] of [
        ['garbled', 502, 'UPE'],
        ['cut', 503, 'UC'],
      ] as const) {
        const request = `http://plain.example.com/?${wish}`;
        const { evidence, judgement } = await mesh.see({ from, request });
        expect({ status: evidence.curl.statuses[0], via: judgement.seen.via }).toEqual({ status, via });
        const [line] = via === 'sidecar' ? evidence.sidecar : evidence.atGateway.map((at) => at.line);
        expect(line.flags).toContain(flag);
      }
    });

    test('a sidecar refuses requests that are too large, or of which it is not clear where they end', async () => {
      const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`x-${index}`, 'a']));
      for (const headers of [{ 'x-large': 'a'.repeat(62_000) }, many])
        expect(await call(from, 'plain', 'a', { headers })).toMatchObject({ attempts: 0, status: 431 });
      const both = { 'content-length': '1', 'transfer-encoding': 'chunked' };
      expect(await call(from, 'plain', 'a', { headers: both })).toMatchObject({ attempts: 0, status: 400 });
    });

    test('a slow attempt is replaced by the next', async () => {
      expect(await call(from, 'patient', 'delay=7000&times=1')).toMatchObject({ attempts: 2, status: 200, via });
    });

    test('a failing address is ejected', async () => {
      expect(await call(from, 'ejected', 'status=500')).toMatchObject({ attempts: 1, status: 500 });
      expect(await call(from, 'ejected', 'status=500')).toMatchObject({ attempts: 1, status: 500 });
      expect(await call(from, 'ejected', 'status=200')).toMatchObject({ attempts: 0, status: 503 });
    });

    test('the only address of a host is not ejected, unless more than a tenth may be', async () => {
      for (let i = 0; i < 3; i++)
        expect(await call(from, 'tenth', 'status=500')).toMatchObject({ attempts: 1, status: 500 });
    });

    test('connections are reused, unless one request each is declared', async () => {
      const kept = [await call(from, 'plain', 'a'), await call(from, 'plain', 'b')].flatMap(({ seen }) =>
        seen.map(({ port }) => port),
      );
      expect(new Set(kept).size).toBe(1);
      const single = [await call(from, 'single', 'a'), await call(from, 'single', 'b')].flatMap(({ seen }) =>
        seen.map(({ port }) => port),
      );
      expect(new Set(single).size).toBe(2);
    });

    test('headers are removed and kept as declared', async () => {
      const { seen } = await call(from, 'headers', 'a', { headers: { 'x-team': 'shop', 'x-other': 'stays' } });
      expect(Object.keys(seen[0].headers!)).toEqual(expect.arrayContaining(['x-other', 'x-request-id']));
      expect(Object.keys(seen[0].headers!)).not.toContain('x-team');
    });

    test('limits and load balancing are in force at the proxy that connects to the host', async () => {
      const proxy = mesh.lab.proxies.find(({ pod }) => pod.id === (via === 'sidecar' ? from : 'gateway-egress'))!;
      const all = (await proxy.admin('/clusters'))
        .split('\n')
        .filter((line) => /single\.example\.com.*default_priority::max_connections::/.test(line));
      const limited = all.filter((line) => line.endsWith('::7')).map((line) => line.split('::')[0]);
      expect(new Set(limited).size).toBeGreaterThan(1); // they count for each
      const limits = all.filter((line) => line.includes('|tls-') === (via === 'sidecar'));
      expect(limits.length).toBeGreaterThan(0);
      const originating = limits.filter((line) => /\|tls/.test(line));
      expect(originating.length).toBeGreaterThan(0);
      for (const line of originating) expect(line).toMatch(/::7$/);
      const dump = JSON.parse(await proxy.admin('/config_dump?resource=dynamic_active_clusters'));
      const clusters = dump.configs
        .map(({ cluster }: any) => cluster)
        .filter(({ name }: any) => /\|tls.*single\.example\.com/.test(name));
      expect(clusters.length).toBeGreaterThan(0);
      for (const { lb_policy: policy } of clusters) expect(policy).toBe('RANDOM');
    });
  });

  test('the hop to the gateway is not limited', async () => {
    const proxy = mesh.lab.proxies.find(({ pod }) => pod.id === 'far')!;
    const limits = (await proxy.admin('/clusters'))
      .split('\n')
      .filter((line) => /exit|egressgateway-hop/.test(line) && line.includes('default_priority::max_connections::'));
    expect(limits.length).toBeGreaterThan(0);
    for (const line of limits) expect(line).toMatch(/::4294967295$/);
  });

  test('with a passthrough gateway, only the sidecar retries', async () => {
    expect(await call('hidden', 'retried', 'status=503')).toMatchObject({ attempts: 3, status: 503, via: 'gateway' });
  });
});

const withOptions = synthesise((app) => {
  const options = {
    ports: [EgressPort.http(), EgressPort.tls()],
    timeout: Duration.seconds(5),
    retries: { attempts: 1, perTryTimeout: Duration.seconds(2), on: ['5xx'] },
    connectionPool: { maxConnections: 9, maxPendingRequests: 9, connectTimeout: Duration.seconds(2) },
    removeHeaders: ['x-team'],
  };
  new SidecarEgress(new Chart(app, 'near', { namespace: 'near' }), 'wild', {
    hosts: ['*.wild.example.com'],
    ...options,
  });
});

describeMesh(
  'a wildcard with the options that it takes',
  {
    table: {
      mesh: table.mesh,
      callers: table.callers.slice(0, 1),
      external: [{ host: 'a.wild.example.com', http: 'ok', https: 'ok' }],
    },
    manifests: withOptions,
  },
  (mesh) => {
    const rows = (['http', 'https'] as const).map((scheme) => ({
      title: `is accepted by the sidecar: ${scheme}`,
      row: {
        from: 'near',
        request: `${scheme}://a.wild.example.com/`,
        expect: { outcome: 'answered', status: 200, via: 'sidecar' } as const,
      },
    }));
    mesh.testRows(rows);

    test('holds 1,024 names, and refuses more', async () => {
      await mesh.apply(withOptions);
      for (const { row } of rows) await mesh.expectRow(row); // each port counts
      const args = ['-e', MANY_NAMES, mesh.lab.hosts[0].addresses[0], '.wild.example.com'];
      const answers = JSON.parse(await mesh.lab.shellOf('near').must(process.execPath, args));
      expect(answers).toEqual(['503 DNS resolution failure', '503 DNS cache overflow']);
      for (const { row } of rows) await mesh.expectRow(row); // a name that it holds
    });
  },
);

/** What a wildcard becomes in a sidecar that preserves the case of headers: docs/wildcard.md. */
const wildcard = (port: EgressPort) =>
  synthesise((app) => {
    new SidecarEgress(new Chart(app, 'near', { namespace: 'near' }), 'wild', {
      hosts: ['*.wild.example.com'],
      ports: [port],
    });
  });
const preserving = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'near', namespace: 'near' },
  spec: {
    template: {
      metadata: {
        labels: { app: 'near' },
        annotations: { 'proxy.istio.io/config': 'proxyHeaders: { preserveHttp1HeaderCase: true }' },
      },
    },
  },
};

describeMesh(
  'a wildcard in a sidecar that preserves the case of headers',
  {
    table: { mesh: table.mesh, callers: table.callers.slice(0, 1), external: [] },
    manifests: [preserving],
    tolerate: [/dynamic_forward_proxy cluster must have auto_sni/, /Envoy proxy is NOT ready: .* was rejected/],
  },
  (mesh) => {
    test.each<[string, EgressPort, boolean]>([
      ['with TLS alone is accepted', EgressPort.tls(), true],
      ['with plain HTTP keeps pods that start from becoming ready', EgressPort.http(), false],
    ])('%s', async (_title, port, becomesReady) => {
      await mesh.lab.apply('manifests', wildcard(port));
      const isReady = mesh.lab.proxies[0].replace(mesh.lab.files).then(() => true);
      expect(await Promise.race([isReady, sleep(15_000).then(() => false)])).toBe(becomesReady);
      await mesh.lab.apply('manifests', []);
      expect(await isReady).toBe(true);
    });
  },
);
