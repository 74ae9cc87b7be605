/**
 * What an external host receives beyond what the application sent: names and values of headers, the client certificate,
 * the server name. Every kind of egress path, with the options that make proxies add headers.
 */
import { App, Chart, Duration } from 'cdk8s';
import { AccessTable } from '../../../src/access/access-table';
import { EgressGateway } from '../../../src/constructs/egress-gateway';
import { GatewayEgress, GatewayHttp } from '../../../src/constructs/gateway-egress';
import { IEgressGateway } from '../../../src/constructs/i-egress-gateway';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { Caller } from '../../../src/values/caller';
import { ClientCertificate } from '../../../src/values/client-certificate';
import { EgressPort } from '../../../src/values/egress-port';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { INSTALLED, taskPageRecipe } from '../recipe';
import { describeMesh, Mesh, Sight, synthesise } from '../support';

const SIDECAR = ['sidecar-plain.example.com', 'sidecar-tls.example.com'];
const GATEWAY = ['gateway-plain.example.com', 'gateway-tls.example.com', 'gateway-certificate.example.com'];
const OPAQUE = ['opaque-plain.example.com', 'opaque-tls.example.com'];
const HTTP2 = ['sidecar-http2.example.com', 'gateway-http2.example.com'];
const GRPC = ['sidecar-grpc.example.com', 'gateway-grpc.example.com'];
/** Both have `grpc-timeout` removed. */
const UNTIMED = ['sidecar-untimed.example.com', 'gateway-untimed.example.com'];
const RECIPE = 'recipe.example.com';

/** The only header that may contain one of our names; see docs/headers.md. */
const DOCUMENTED = 'x-envoy-original-host';
/** What a proxy adds to a request that it sends again. */
const AGAIN = ['x-envoy-attempt-count', 'x-envoy-expected-rq-timeout-ms'];
/** With a timeout and retries, proxies add headers about both. */
const OPTIONS = {
  timeout: Duration.seconds(5),
  retries: { attempts: 2, on: ['gateway-error', 'connect-failure'] },
};

const SENT: Record<string, string> = {
  'x-tenant': 'blue',
  authorization: 'Bearer of-the-application',
  cookie: 'session=1',
  'accept-language': 'de',
};

const table: AccessTable = {
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
  gateways: [INSTALLED],
  callers: [{ name: 'checkout', namespace: 'shop', serviceAccount: 'checkout-identity' }],
  external: [
    ...[...SIDECAR, ...GATEWAY.slice(0, 2), ...OPAQUE, ...HTTP2, ...GRPC, ...UNTIMED, RECIPE].map((host) => ({
      host,
      http: 'ok' as const,
      https: 'ok' as const,
    })),
    { host: GATEWAY[2], https: 'client-certificate', certificate: 'private-ca' },
  ],
  secrets: [{ name: 'client', namespace: 'egress', holds: 'client-certificate' }],
  access: [],
};

const manifests = synthesise((app: App) => {
  const chart = new Chart(app, 'shop', { namespace: 'shop' });
  const gateway = new InstalledEgressGateway(chart, 'exit', {
    installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
  });
  const callers = [Caller.serviceAccount('shop', 'checkout-identity')];
  new SidecarEgress(chart, 'sidecar', { hosts: SIDECAR, ...OPTIONS }).originateTls('tls', { hosts: [SIDECAR[1]] });
  new GatewayEgress(chart, 'gateway', { gateway, hosts: GATEWAY.slice(0, 2), callers, ...OPTIONS }).originateTls(
    'tls',
    { hosts: [GATEWAY[1]] },
  );
  new GatewayEgress(chart, 'certificate', { gateway, hosts: [GATEWAY[2]], callers, ...OPTIONS }).originateTls('tls', {
    clientCertificate: ClientCertificate.fromSecret('client'),
  });
  new GatewayEgress(chart, 'opaque', {
    gateway,
    hosts: OPAQUE,
    callers,
    http: GatewayHttp.OPAQUE,
    ...OPTIONS,
  }).originateTls('tls', { hosts: [OPAQUE[1]] });
  const ports = [EgressPort.http2(8081)];
  new SidecarEgress(chart, 'http2', { hosts: [HTTP2[0]], ports }).originateTls('tls');
  new GatewayEgress(chart, 'http2-gateway', { gateway, hosts: [HTTP2[1]], callers, ports }).originateTls('tls');
  grpcHosts(chart, gateway);
  grpcHosts(chart, gateway, UNTIMED, ['grpc-timeout']);
});

/** Both, with a timeout, in one namespace. */
function grpcHosts(chart: Chart, gateway: IEgressGateway, [near, far] = GRPC, removeHeaders: string[] = []): void {
  const grpc = { ports: [EgressPort.grpc(50051)], timeout: Duration.seconds(5), removeHeaders };
  new SidecarEgress(chart, near, { hosts: [near], ...grpc }).originateTls('tls');
  const callers = [Caller.serviceAccount('shop', 'checkout-identity')];
  new GatewayEgress(chart, far, { gateway, hosts: [far], callers, ...grpc }).originateTls('tls');
}

/** An application that sends trailers after a request, over HTTP/2 with prior knowledge. */
const WITH_TRAILERS = `
  const [url, trailers] = process.argv.slice(1);
  const client = require('http2').connect(url);
  const request = client.request({ ':method': 'POST', te: 'trailers' }, { waitForTrailers: true });
  request.on('wantTrailers', () => request.sendTrailers(JSON.parse(trailers)));
  request.on('close', () => client.close()).resume().end('body');
`;

/** Pods whose proxies write these headers, or do not. */
const withProxyHeaders = (namespace: string, name: string, labels: Record<string, string>, proxyHeaders: object) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace },
  spec: {
    template: { metadata: { labels, annotations: { 'proxy.istio.io/config': JSON.stringify({ proxyHeaders }) } } },
  },
});

/** Proxies say for which host and port a request was. */
const TELLING = { xForwardedHost: { enabled: true }, xForwardedPort: { enabled: true } };
/** The ProxyConfig of docs/headers.md. */
const SILENT = { envoyDebugHeaders: { disabled: true }, attemptCount: { disabled: true } };

/** An EgressGateway, and a caller. */
const ownManifests = synthesise((app) => {
  const gateway = new EgressGateway(new Chart(app, 'platform', { namespace: 'egress' }), 'exit');
  const shop = new Chart(app, 'shop', { namespace: 'shop' });
  grpcHosts(shop, gateway);
  new SidecarEgress(shop, 'sidecar', { hosts: [SIDECAR[0]], ...OPTIONS });
  new GatewayEgress(shop, 'gateway', {
    gateway,
    hosts: GATEWAY.slice(0, 2),
    callers: [Caller.serviceAccount('shop', 'checkout-identity')],
    ...OPTIONS,
  }).originateTls('tls', { hosts: [GATEWAY[1]] });
});

/** The timeout reaches the host as gRPC says it. */
function tellsGrpcItsTime(mesh: Mesh): void {
  test.each(GRPC)('http://%s learns of the time that its answer has, by gRPC', async (host) => {
    for (const headers of [{}, { 'grpc-timeout': '1H' }] as Record<string, string>[]) {
      const request = `http://${host}:50051/call`;
      const sight = await mesh.expectRow({
        from: 'checkout',
        request,
        speak: 'grpc',
        headers,
        expect: { outcome: 'answered' },
      });
      expect(received(sight)['grpc-timeout']).toBe('5000m');
    }
  });
}

describeMesh('what leaves', { table, manifests }, (mesh) => {
  beforeAll(() => mesh.apply(manifests));
  tellsGrpcItsTime(mesh);

  test.each(UNTIMED)('http://%s has its removal undone where the request is sent again', async (host) => {
    const external = mesh.lab.watchExternalHosts();
    const request = `http://${host}:50051/call?grpc-status=14&times=1`;
    await mesh.expectRow({ from: 'checkout', request, speak: 'grpc', expect: { outcome: 'answered' } });
    const requests = (await external.read()).filter(({ event }) => event === 'request');
    expect(requests.map(({ headers }) => 'grpc-timeout' in headers!)).toEqual([false, true]);
  });

  test.each([...SIDECAR, ...OPAQUE])('http://%s receives exactly what the application sent', async (host) => {
    expect(leaks(await ask(mesh, `http://${host}/orders?id=1`))).toEqual([]);
  });

  test.each(GATEWAY)('http://%s also receives the private name of the hop', async (host) => {
    const sight = await ask(mesh, `http://${host}/orders?id=1`);
    expect(leaks(sight)).toEqual([DOCUMENTED]);
    expect(received(sight)[DOCUMENTED]).toMatch(/^http-80\.[0-9a-f]{20}\.egress\.internal$/);
  });

  test.each([...SIDECAR, ...GATEWAY.slice(0, 2), ...OPAQUE])(
    'https://%s receives exactly what the application sent',
    async (host) => {
      expect(leaks(await ask(mesh, `https://${host}/orders?id=1`))).toEqual([]);
    },
  );

  test.each([SIDECAR[0], GATEWAY[0], OPAQUE[0]])(
    'http://%s receives the names of headers in lower case',
    async (host) => {
      const { evidence } = await ask(mesh, `http://${host}/`, { 'X-Mixed': 'a' });
      const names = evidence.external.find(({ event }) => event === 'request')!.written!;
      expect(names).toContain('x-mixed');
      expect(names).toEqual(names.map((name) => name.toLowerCase()));
    },
  );

  test("an application's header with a name that proxies use does not leave", async () => {
    const own = {
      'x-request-id': 'one-of-its-own',
      'x-forwarded-for': '10.9.9.9',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      baggage: 'user=alice',
      sw8: '1-b25l-b25l-1-Y2hlY2tvdXQ=',
    };
    for (const host of [GATEWAY[1], SIDECAR[0], OPAQUE[1]]) {
      const names = Object.keys(received(await ask(mesh, `http://${host}/`, own)));
      expect(names.filter((name) => name in own)).toEqual([]);
    }
  });

  test.each(HTTP2)('http://%s receives the trailers of a request as the application sent them', async (host) => {
    const trailers = { 'x-forwarded-client-cert': 'URI=x', traceparent: 'x', baggage: 'user=alice' };
    const external = mesh.lab.watchExternalHosts();
    await mesh.lab
      .shellOf('checkout')
      .must(process.execPath, ['-e', WITH_TRAILERS, `http://${host}:8081`, JSON.stringify(trailers)]);
    expect((await external.read()).find(({ event }) => event === 'request')?.trailers).toEqual(trailers);
  });

  test.each([
    [SIDECAR[0], AGAIN],
    [GATEWAY[0], [...AGAIN, DOCUMENTED]],
    [OPAQUE[0], AGAIN],
  ])('http://%s learns of a request that is sent again, because its first answer was 503', async (host, added) => {
    expect(leaks(await ask(mesh, `http://${host}/orders?status=503&times=1`))).toEqual(added);
  });
});

describeMesh(
  'proxies that write no headers of their own',
  {
    table: {
      ...table,
      gateways: [
        {
          namespace: 'egress',
          labels: { 'cdk8s-istio-egress/gateway': 'egress-gateway.egress' },
          serviceAccount: 'egress-gateway',
          targetPort: 8443,
        },
      ],
    },
    manifests: [...ownManifests, withProxyHeaders('shop', 'checkout', { app: 'checkout' }, SILENT)],
  },
  (mesh) => {
    beforeAll(() => mesh.apply(ownManifests.filter(({ kind }) => kind !== 'Deployment')));
    tellsGrpcItsTime(mesh);

    test.each([...GATEWAY.slice(0, 2), SIDECAR[0]])(
      'http://%s learns nothing of a request that is sent again',
      async (host) => {
        const external = mesh.lab.watchExternalHosts();
        expect(leaks(await ask(mesh, `http://${host}/orders?status=503&times=1`))).toEqual([]);
        expect((await external.read()).filter(({ event }) => event === 'request')).toHaveLength(2);
      },
    );
  },
);

describeMesh(
  'proxies that say where a request was for',
  {
    table,
    manifests: [
      ...manifests,
      withProxyHeaders('shop', 'checkout', { app: 'checkout' }, TELLING),
      withProxyHeaders('egress', INSTALLED.serviceAccount!, INSTALLED.labels!, TELLING),
    ],
  },
  (mesh) => {
    beforeAll(() => mesh.apply(manifests));

    test.each([
      [SIDECAR[0], { 'x-forwarded-port': '80' }],
      [OPAQUE[0], { 'x-forwarded-port': '80' }],
      [GATEWAY[0], { 'x-forwarded-port': '443', 'x-forwarded-host': expect.stringContaining('egress.internal') }],
    ])('http://%s learns of it what the mesh has them say', async (host, more) => {
      const headers = received(await ask(mesh, `http://${host}/orders?id=1`));
      const told = Object.entries(headers).filter(([name]) => name.startsWith('x-forwarded-'));
      expect(Object.fromEntries(told)).toEqual(more);
    });
  },
);

describeMesh('a hand-written recipe on the same gateway', { table }, (mesh) => {
  test("leaks the caller's identity: this suite can fail", async () => {
    await mesh.apply(taskPageRecipe('shop', RECIPE, INSTALLED));
    const found = leaks(await ask(mesh, `http://${RECIPE}/`));
    expect(found).toEqual(expect.arrayContaining(['x-forwarded-client-cert', 'x-forwarded-for', 'x-request-id']));
    expect(found.join('\n')).toMatch(/x-forwarded-client-cert holds .*spiffe:/);
    expect(found.join('\n')).toMatch(/x-forwarded-for holds an address of a pod/);
  });
});

async function ask(mesh: Mesh, request: string, more: Record<string, string> = {}): Promise<Sight> {
  return mesh.expectRow({
    from: 'checkout',
    request,
    headers: { ...SENT, ...more },
    expect: { outcome: 'answered', status: 200 },
  });
}

function received({ evidence }: Sight): Record<string, string> {
  return evidence.external.filter(({ event }) => event === 'request').pop()?.headers ?? {};
}

/** Header names that were not sent, and values that tell anything about the mesh. */
function leaks({ evidence, judgement }: Sight): string[] {
  const headers = received({ evidence, judgement });
  const host = new URL(evidence.row.request).hostname;
  const request = evidence.external.filter(({ event }) => event === 'request').pop()!;
  const found = [...(judgement.seen.addedHeaders ?? [])];
  for (const [name, value] of Object.entries(SENT))
    if (headers[name] !== value) found.push(`${name} arrived as ${headers[name]}`);
  const pods = [...evidence.gateways, evidence.caller];
  for (const [name, value] of Object.entries(headers)) {
    if (/spiffe:|cluster\.local|BEGIN|Hash=|checkout-identity|istio/i.test(value)) found.push(`${name} holds ${value}`);
    if (pods.some(({ address }) => value.includes(address))) found.push(`${name} holds an address of a pod`);
    if (/egress\.internal/.test(value) && name !== DOCUMENTED) found.push(`${name} holds ${value}`);
  }
  if (request.authority !== host) found.push(`the request was for ${request.authority}`);
  if (request.client !== undefined && request.client !== 'lab egress client')
    found.push(`it received the certificate of ${request.client}`);
  if (request.client !== undefined && host !== GATEWAY[2]) found.push('it received a client certificate');
  for (const { event, serverName } of evidence.external)
    if (event === 'hello' && serverName !== host) found.push(`the server name was ${serverName}`);
  return found;
}
