/**
 * Callers that lie about their destination, the name that they ask for, or their identity; requests that contradict
 * themselves, byte by byte; and hosts that demand a client certificate, with the right one, a wrong one, an expired one
 * and none.
 */
import * as http2 from 'http2';
import { Duplex } from 'stream';
import { setTimeout as sleep } from 'timers/promises';
import * as tls from 'tls';
import { Chart } from 'cdk8s';
import { AccessRow, Expectation } from '../../../src/access/access-table';
import { GatewayEgress, GatewayHttp } from '../../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { Caller } from '../../../src/values/caller';
import { ClientCertificate } from '../../../src/values/client-certificate';
import { EgressPort } from '../../../src/values/egress-port';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { KubeObject } from '../lab';
import { ALLOWED, EVIL, GATEWAY, OBJECTS, TABLE } from '../partner';
import { INSTALLED_PODS } from '../recipe';
import { describeMesh, synthesise, titleOf } from '../support';
import { helmGateway } from '../../support/helm-gateway';

const TO_GATEWAY = { to: GATEWAY, port: INSTALLED_PODS.targetPort };
const HOP_SERVICE = 'istio-egressgateway-hop.egress.svc.cluster.local';

/** The callers' objects, copied word for word to another namespace. */
const STOLEN = OBJECTS.filter(({ metadata }) => metadata.namespace === 'payments').map((object): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, namespace: 'thieves' },
}));

/** What a TLS connection that asks for this name begins with, whoever opens it. */
function clientHello(servername: string): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = new Duplex({ read: () => undefined, write: resolve });
    tls.connect({ socket, servername });
  });
}

/** What a client of HTTP/2 with prior knowledge sends for these headers. */
async function http2Bytes(headers: http2.OutgoingHttpHeaders): Promise<string> {
  const sent: Buffer[] = [];
  const socket = new Duplex({
    read: () => undefined,
    write: (bytes, _encoding, done) => {
      sent.push(bytes);
      done();
    },
  });
  const session = http2.connect('http://x', { createConnection: () => socket }).on('error', () => undefined);
  session.request(headers, { endStream: true }).on('error', () => undefined);
  await sleep(20);
  const bytes = Buffer.concat(sent).toString('latin1');
  session.destroy();
  return bytes;
}

/** The private server names of the hop, which are no secret. */
const HOPS = OBJECTS.filter(({ kind }) => kind === 'Gateway').flatMap(({ spec }) =>
  spec.servers.map(({ hosts }: any) => hosts[0].split('/')[1] as string),
);

const http: Expectation = {
  outcome: 'answered',
  status: 200,
  via: 'gateway',
  tlsOriginatedBy: 'gateway',
  plaintextToHost: false,
  serverName: 'api.partner.com',
};
const https: Expectation = {
  outcome: 'answered',
  status: 200,
  via: 'gateway',
  tlsOriginatedBy: 'application',
  serverName: 'api.partner.com',
};
const refused = (symptom: Expectation['symptom'], by?: Expectation['by']): Expectation => ({
  outcome: 'refused',
  symptom,
  ...(by && { by }),
  plaintextToHost: false,
});
const partner = (
  scheme: 'http' | 'https',
  from: string,
  more: Partial<AccessRow> & Pick<AccessRow, 'expect'>,
): AccessRow => ({ from, request: `${scheme}://api.partner.com/`, ...more });
const evil = (scheme: 'http' | 'https', more: Partial<AccessRow> & Pick<AccessRow, 'expect'>): AccessRow => ({
  from: 'checkout',
  request: `${scheme}://evil.example.com/`,
  ...more,
});

const GROUPS: [string, AccessRow[]][] = [
  [
    'an allowed name at another address: the real host answers, through the gateway',
    [
      partner('http', 'checkout', { dial: EVIL, expect: http }),
      partner('https', 'checkout', { dial: EVIL, expect: https }),
      partner('http', 'checkout', { dial: '203.0.113.99', expect: http }),
      partner('https', 'checkout', { dial: '203.0.113.99', expect: https }),
    ],
  ],
  [
    'another name at the allowed address: refused',
    [
      evil('http', { dial: ALLOWED, expect: refused(502, 'sidecar') }),
      evil('https', { dial: ALLOWED, expect: refused('tls-closed', 'sidecar') }),
      partner('http', 'checkout', { headers: { Host: 'evil.example.com' }, expect: refused(502, 'sidecar') }),
      { from: 'checkout', request: `http://${ALLOWED}/`, expect: refused(502, 'sidecar') },
    ],
  ],
  [
    'different spellings of one name',
    [
      partner('http', 'checkout', { headers: { Host: 'api.partner.com:80' }, expect: http }),
      partner('http', 'checkout', { headers: { Host: 'API.Partner.com' }, expect: http }),
      partner('http', 'checkout', { headers: { Host: 'api.partner.com.' }, expect: http }),
      partner('http', 'checkout', { headers: { Host: 'api.partner.com:8080' }, expect: http }),
    ],
  ],
  [
    "inside the application's own TLS only the host sees the name, and it is the allowed host",
    [partner('https', 'checkout', { headers: { Host: 'evil.example.com' }, expect: https })],
  ],
  [
    'the certificate identifies the caller, not a name',
    [
      partner('http', 'refunds', { expect: refused(503, 'gateway') }),
      partner('https', 'refunds', { expect: refused('tls-closed', 'gateway') }),
      partner('http', 'refunds', {
        headers: {
          'x-forwarded-client-cert':
            'By=spiffe://cluster.local/ns/egress/sa/x;URI=spiffe://cluster.local/ns/payments/sa/checkout',
        },
        expect: refused(503, 'gateway'),
      }),
      partner('http', 'namesake', { expect: refused(502, 'sidecar') }),
      partner('https', 'namesake', { expect: refused('tls-closed', 'sidecar') }),
    ],
  ],
  [
    'a forged header does not leave',
    [
      partner('http', 'checkout', {
        headers: {
          'x-forwarded-client-cert': 'URI=spiffe://cluster.local/ns/other/sa/admin',
          'x-forwarded-for': '198.51.100.1',
        },
        expect: http,
      }),
    ],
  ],
  [
    "a namespace that copies the callers' objects is refused by the gateway",
    [
      partner('http', 'thief', { expect: refused(503, 'gateway') }),
      partner('https', 'thief', { expect: refused('tls-closed', 'gateway') }),
    ],
  ],
  [
    'dialling the gateway itself',
    [
      ...HOPS.flatMap((hop): AccessRow[] => [
        { from: 'refunds', request: `https://${hop}/`, dial: GATEWAY, expect: refused('tls-closed', 'sidecar') },
        { from: 'refunds', request: `http://${hop}/`, dial: GATEWAY, expect: refused(502, 'sidecar') },
        // Without its sidecar it has no mesh certificate to show.
        {
          from: 'past-to-gateway',
          request: `https://${hop}/`,
          dial: GATEWAY,
          expect: { outcome: 'refused', plaintextToHost: false },
        },
      ]),
      {
        from: 'past-to-gateway',
        request: 'https://api.partner.com/',
        dial: GATEWAY,
        expect: { outcome: 'refused', plaintextToHost: false },
      },
      {
        from: 'past-to-gateway',
        request: 'http://api.partner.com:443/',
        dial: GATEWAY,
        expect: { outcome: 'refused', plaintextToHost: false },
      },
    ],
  ],
  [
    'bypassing the sidecar: no Istio object stops that, a NetworkPolicy does',
    [
      partner('http', 'past-to-host', { expect: { outcome: 'answered', via: 'direct', tlsOriginatedBy: 'none' } }),
      partner('https', 'past-to-host', {
        expect: { outcome: 'answered', via: 'direct', tlsOriginatedBy: 'application' },
      }),
    ],
  ],
];

// The table's rows tell the lab which addresses need a listener; at the gateway's address the gateway listens.
const DIALLED_HOSTS = GROUPS.flatMap(([, rows]) => rows).filter(({ dial }) => dial !== GATEWAY);

describeMesh('spoofing', { table: { ...TABLE, access: DIALLED_HOSTS } }, (mesh) => {
  beforeAll(() => mesh.apply([...OBJECTS, ...STOLEN]));

  test('the gateway has the address that these rows dial', () => {
    expect(mesh.lab.pods.find(({ role }) => role === 'router')?.address).toBe(GATEWAY);
    expect(HOPS).toHaveLength(2);
  });

  describe.each(GROUPS)('%s', (_title, rows) => {
    test.each(rows.map((row) => [titleOf(row), row] as const))('%s', async (_row, row) => {
      const { evidence } = await mesh.expectRow(row);
      const forged = evidence.external.filter(
        ({ headers }) => headers?.['x-forwarded-client-cert'] || headers?.['x-forwarded-for'],
      );
      expect(forged).toEqual([]);
      // Of a refused request, the external host sees at most an empty connection from the gateway.
      if (row.expect.outcome === 'refused')
        expect(evidence.external.filter(({ event, from }) => event !== 'connect' || from !== GATEWAY)).toEqual([]);
    });
  });

  test("an older route of the callers' namespace sends plain HTTP by the path for TLS, and the gateway relays it", async () => {
    const ours = OBJECTS.find(({ kind, metadata }) => kind === 'VirtualService' && metadata.namespace === 'payments')!;
    const metadata = { name: 'own', namespace: 'payments', creationTimestamp: '2020-01-01T00:00:00Z' };
    const http_ = ours.spec.tls.map(({ route }: { route: object[] }) => ({ route }));
    await mesh.apply([{ ...ours, metadata, spec: { ...ours.spec, http: http_, tls: undefined } }], 'own');
    const { evidence } = await mesh.expectRow(
      partner('http', 'checkout', { expect: { outcome: 'refused', by: 'host', plaintextToHost: true } }),
    );
    expect(evidence.external.map(({ event, from }) => [event, from])).toContainEqual(['plaintext', GATEWAY]);
    await mesh.apply([], 'own');
  });
});

describeMesh(
  'a limit of connections',
  { table: { ...TABLE, external: [...TABLE.external, { host: 'few.example.com', http: 'ok', https: 'ok' }] } },
  (mesh) => {
    test.each([
      ['https', GatewayHttp.AT_GATEWAY],
      ['http', GatewayHttp.OPAQUE],
    ] as const)('whoever shows no certificate uses it up for %s, with HTTP %s', async (scheme, http_) => {
      const few = synthesise((app) => {
        const payments = new Chart(app, 'payments', { namespace: 'payments' });
        new GatewayEgress(payments, 'few', {
          gateway: helmGateway(payments),
          hosts: ['few.example.com'],
          callers: [Caller.serviceAccount('payments', 'checkout')],
          connectionPool: { maxConnections: 2 },
          http: http_,
        });
      });
      const [hop] = few
        .filter(({ kind }) => kind === 'Gateway')
        .flatMap(({ spec }) => spec.servers.map(({ hosts }: any) => hosts[0].split('/')[1] as string))
        .filter((name) => name.includes(scheme === 'https' ? 'tls-443.' : 'http-80.'));
      const row = { from: 'checkout', request: `${scheme}://few.example.com/` };
      await mesh.apply([...OBJECTS, ...few]);
      await mesh.expectRow({ ...row, expect: { outcome: 'answered', via: 'gateway' } });
      const bytes = (await clientHello(hop)).toString('latin1');
      const held = mesh.lab.sendBytes('past-to-gateway', Array(6).fill({ ...TO_GATEWAY, bytes }));
      const code = () => mesh.lab.shellOf('checkout').run('curl', ['-skf', '-m', '1', '-o', '/dev/null', row.request]);
      await sleep(500);
      expect((await code()).code).toBe(scheme === 'https' ? 35 : 22);
      await held;
      await mesh.expectRow({ ...row, expect: { outcome: 'answered', via: 'gateway' } });
    });
  },
);

/** Requests for `host` that one reader may take for a request for `evil.example.com`, or for two requests. */
const CONTRADICTIONS = (host: string): string[] => {
  const other = 'evil.example.com';
  const second = `GET /second HTTP/1.1\r\nHost: ${other}\r\n\r\n`;
  const get = (target: string, ...lines: string[]) => `GET ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
  const post = (...lines: string[]) => `POST / HTTP/1.1\r\nHost: ${host}\r\n${lines.join('\r\n')}\r\n\r\n`;
  const chunked = 'Transfer-Encoding: chunked';
  return [
    // which host
    get('/', `Host: ${other}`, `Host: ${host}`),
    get('/', `Host: ${host}`, `Host: ${other}`),
    get('/', `Host: ${host}`, ` Host: ${other}`),
    get('/', `Host: ${host}`, `X: y\nHost: ${other}`),
    get('/', `Host: ${host}`, `Host : ${other}`),
    ...[`${other}@${host}`, `${host}@${other}`, `${other}#${host}`, `${other},${host}`].map((name) =>
      get('/', `Host: ${name}`),
    ),
    ...[`http://${other}/`, `https://${other}/`, `http://${other}@${host}/`, `//${other}/`, `${other}:443`].flatMap(
      (target) => [get(target, `Host: ${host}`), get(target, `Host: ${other}`)],
    ),
    ...[host, other].flatMap((name) => [
      `CONNECT ${name}:443 HTTP/1.1\r\nHost: ${name}:443\r\n\r\n${second}`,
      `${get('/', `Host: ${host}`, 'Connection: Upgrade', `Upgrade: connect-udp`)}${name}`,
    ]),
    `GET / HTTP/1.0\r\n\r\n`,
    // where it ends
    post('Content-Length: 5', chunked) + `0\r\n\r\n${second}`,
    post(chunked, 'Content-Length: 5') + `0\r\n\r\n${second}`,
    post('Content-Length: 0', `Content-Length: ${second.length}`) + second,
    post('Content-Length: +0') + second,
    post('Content-Length : 0') + second,
    post('Transfer-Encoding: xchunked') + `0\r\n\r\n${second}`,
    post('Transfer-Encoding : chunked') + `0\r\n\r\n${second}`,
    post(chunked, 'Transfer-Encoding: identity') + `0\r\n\r\n${second}`,
    post(chunked) + `2;x="\r\n"\r\n0\r\n\r\n${second}`,
    post(chunked) + `2\nab\n0\n\n${second}`,
    post(chunked) + `0\r\nHost: ${other}\r\n\r\n${second}`,
    post('Expect: 100-continue', 'Content-Length: 0') + second,
    // and who is asking
    get('/', `Host: ${host}`, 'Connection: close, x-forwarded-client-cert', 'x-forwarded-client-cert: URI=x'),
    get('/', `Host: ${host}`, 'Connection: x-forwarded-for, x-request-id, x-forwarded-proto'),
    second + get('/', `Host: ${host}`),
  ];
};

/** The same by HTTP/2. */
const HTTP2_CONTRADICTIONS = (host: string): http2.OutgoingHttpHeaders[] => {
  const other = 'evil.example.com';
  return [
    { ':authority': host },
    { ':authority': host, host: other },
    { ':authority': other, host },
    ...[`${other}@${host}`, `${host}@${other}`, `${host}:80@${other}`, `${host}:443`, `${host}.`, `[${host}]`].map(
      (authority) => ({ ':authority': authority }),
    ),
    ...[`http://${other}/`, `//${other}/`, `/ HTTP/1.1\r\nHost: ${other}`].map((path) => ({
      ':authority': host,
      ':path': path,
    })),
    { ':authority': host, ':scheme': 'https' },
    { ':authority': host, forwarded: `host=${other}`, 'x-envoy-original-dst-host': `${EVIL}:80` },
    { ':authority': host, 'x-forwarded-client-cert': 'URI=x', 'x-forwarded-for': '198.51.100.1' },
    ...[host, other].map((name) => ({ ':method': 'CONNECT', ':authority': `${name}:443` })),
  ];
};

describeMesh(
  'requests that contradict themselves',
  {
    table: {
      ...TABLE,
      external: [
        ...TABLE.external,
        { host: 'api.bank.com', https: 'client-certificate', certificate: 'private-ca' },
        { host: 'api.shop.com', http: 'ok' },
      ],
      secrets: [{ name: 'bank', namespace: 'egress', holds: 'client-certificate' }],
      access: DIALLED_HOSTS,
    },
  },
  (mesh) => {
    const identity = (account: string) => `spiffe://cluster.local/ns/payments/sa/${account}`;
    const [plain, secured] = ['http-80.', 'tls-443.'].map((start) => HOPS.find((name) => name.startsWith(start))!);
    const more = synthesise((app) => {
      const platform = new Chart(app, 'platform', { namespace: 'egress' });
      const gateway = helmGateway(platform);
      const payments = new Chart(app, 'payments', { namespace: 'payments' });
      new SidecarEgress(payments, 'shop', { hosts: ['api.shop.com'], ports: [EgressPort.http()] });
      new GatewayEgress(payments, 'bank', {
        gateway,
        hosts: ['api.bank.com'],
        ports: [EgressPort.http()],
        callers: [Caller.serviceAccount('payments', 'checkout')],
        http: GatewayHttp.OPAQUE,
      }).originateTls('tls', { clientCertificate: ClientCertificate.fromSecret('bank') });
    });
    /** The server name of the hop for a host whose requests the gateway does not read. */
    const opaque = more.find(({ kind }) => kind === 'Gateway')!.spec.servers[0].hosts[0].split('/')[1] as string;

    beforeAll(() => mesh.apply([...OBJECTS, ...more]));

    /** What external hosts saw meanwhile, besides connections without a byte. */
    async function seenWhile(act: () => Promise<unknown>) {
      const external = mesh.lab.watchExternalHosts();
      await act();
      await mesh.lab.settled();
      return (await external.read()).filter(({ event }) => event !== 'connect');
    }
    const requests = (seen: Awaited<ReturnType<typeof seenWhile>>) => seen.filter(({ event }) => event === 'request');

    const allowed = {
      server: 'api.partner.com',
      from: GATEWAY,
      tls: true,
      authority: 'api.partner.com',
      isSecond: false,
      telling: [],
    };
    const facts = (event: ReturnType<typeof requests>[number]) => ({
      server: event.server,
      from: event.from,
      tls: event.tls,
      authority: event.authority,
      isSecond: event.path === '/second',
      telling: Object.keys(event.headers ?? {}).filter((name) => /^x-(forwarded|request)/.test(name)),
    });

    test('a sidecar sends each to the host that it is allowed to call, through the gateway, or nowhere', async () => {
      const bytes = CONTRADICTIONS('api.partner.com');
      const seen = await seenWhile(() =>
        mesh.lab.sendBytes(
          'checkout',
          [EVIL, ALLOWED].flatMap((to) => bytes.map((one) => ({ to, port: 80, bytes: one }))),
        ),
      );
      expect(requests(seen).length).toBeGreaterThan(8);
      for (const event of requests(seen)) expect(facts(event)).toEqual(allowed);
      expect([...new Set(seen.map(({ server, from }) => `${server} ${from}`))]).toEqual([`api.partner.com ${GATEWAY}`]);
    });

    test('so it does by HTTP/2', async () => {
      const bytes = await Promise.all(HTTP2_CONTRADICTIONS('api.partner.com').map(http2Bytes));
      const seen = await seenWhile(() =>
        mesh.lab.sendBytes(
          'checkout',
          bytes.map((one) => ({ to: EVIL, port: 80, bytes: one })),
        ),
      );
      expect(requests(seen).length).toBeGreaterThan(5);
      for (const event of requests(seen)) expect(facts(event)).toEqual(allowed);
      expect([...new Set(seen.map(({ server, from }) => `${server} ${from}`))]).toEqual([`api.partner.com ${GATEWAY}`]);
    });

    test('a gateway does too, where the caller opens the hop itself with its own certificate', async () => {
      const seen = await seenWhile(() =>
        mesh.lab.sendBytes(
          'past-to-gateway',
          CONTRADICTIONS(plain).map((bytes) => ({
            ...TO_GATEWAY,
            bytes,
            as: identity('checkout'),
            tls: { serverName: plain },
          })),
        ),
      );
      expect(requests(seen).length).toBeGreaterThan(4);
      for (const event of requests(seen)) expect(facts(event)).toEqual(allowed);
    });

    test('whoever is not named gets nowhere by any of them, nor by any server name', async () => {
      const names = [
        ...[plain, secured].flatMap((name) => [name, name.toUpperCase(), `${name}.`, `x.${name}`]),
        'api.partner.com',
        'outbound_.443_._.api.partner.com',
        `outbound_.443_._.${HOP_SERVICE}`,
        '',
      ];
      const [bytes] = CONTRADICTIONS(plain).slice(-1);
      const seen = await seenWhile(async () => {
        await mesh.lab.sendBytes(
          'refunds',
          CONTRADICTIONS('api.partner.com').map((one) => ({ to: ALLOWED, port: 80, bytes: one })),
        );
        await mesh.lab.sendBytes(
          'past-to-gateway',
          [
            identity('refunds'),
            'spiffe://cluster.local/ns/other/sa/checkout',
            'spiffe://other/ns/payments/sa/checkout',
            undefined,
          ].flatMap((as) => names.map((serverName) => ({ ...TO_GATEWAY, bytes, as, tls: { serverName } }))),
        );
      });
      expect(seen).toEqual([]);
    });

    test('past the sidecar the same bytes reach the other host: these checks can fail', async () => {
      const seen = await seenWhile(() =>
        mesh.lab.sendBytes(
          'past-to-host',
          CONTRADICTIONS('api.partner.com').map((bytes) => ({ to: ALLOWED, port: 80, bytes })),
        ),
      );
      const found = requests(seen).map(facts);
      expect(found.filter(({ authority }) => authority?.includes('evil')).length).toBeGreaterThan(2);
      expect(found.filter(({ isSecond }) => isSecond).length).toBeGreaterThan(2);
    });

    test('a gateway that does not read the requests begins TLS with the host for whoever calls, and sends no byte', async () => {
      // The hello alone: who goes on without a certificate may be refused before the gateway's own hello has left.
      const bytes = (await clientHello(opaque)).toString('latin1');
      const nobody = await seenWhile(() => mesh.lab.sendBytes('past-to-gateway', [{ ...TO_GATEWAY, bytes }]));
      expect(nobody.map(({ event, server, from }) => [event, server, from])).toEqual([
        ['hello', 'api.bank.com', GATEWAY],
      ]);
    });

    test.each<[string, string, Partial<Expectation>]>([
      ['by a GatewayEgress', 'api.bank.com', { via: 'gateway', clientCertificate: true }],
      ['by a SidecarEgress', 'api.shop.com', { via: 'sidecar' }],
    ])(
      'where no gateway reads the request, what follows the colon in Host reaches the host: %s',
      async (_by, host, seen) => {
        const Host = `${host}:80@evil.example.com`;
        await mesh.expectRow({
          from: 'checkout',
          request: `http://${host}/`,
          headers: { Host },
          expect: { outcome: 'answered', ...seen, hostHeader: Host },
        });
      },
    );
  },
);

const HOLDS = {
  right: 'client-certificate',
  wrong: 'wrong-client-certificate',
  expired: 'expired-client-certificate',
  none: 'ca-certificates',
  missing: undefined,
} as const;
const KINDS = Object.keys(HOLDS) as (keyof typeof HOLDS)[];

describeMesh(
  'mutual TLS',
  {
    table: {
      ...TABLE,
      external: KINDS.map((kind) => ({
        host: `${kind}.partner.com`,
        https: 'client-certificate',
        certificate: 'private-ca',
      })),
      secrets: KINDS.flatMap((kind) =>
        HOLDS[kind] === undefined ? [] : [{ name: kind, namespace: 'egress', holds: HOLDS[kind]! }],
      ),
    },
    // istiod logs this for each Secret that it cannot serve.
    tolerate: [/failed to (fetch|get) key and certificate|secret.*(not found|none|missing)/i],
  },
  (mesh) => {
    beforeAll(() =>
      mesh.apply(
        synthesise((app) => {
          const chart = new Chart(app, 'payments', { namespace: 'payments' });
          const gateway = new InstalledEgressGateway(chart, 'exit', {
            installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
          });
          for (const kind of KINDS) {
            const egress = new GatewayEgress(chart, kind, {
              gateway,
              hosts: [`${kind}.partner.com`],
              callers: [Caller.serviceAccount('payments', 'checkout')],
            });
            egress.originateTls('tls', { clientCertificate: ClientCertificate.fromSecret(kind) });
          }
        }),
        'manifests',
        { tolerateWarming: true },
      ),
    );

    test('the right certificate is accepted', async () => {
      await mesh.expectRow({
        from: 'checkout',
        request: 'http://right.partner.com/',
        expect: {
          outcome: 'answered',
          status: 200,
          via: 'gateway',
          tlsOriginatedBy: 'gateway',
          clientCertificate: true,
          plaintextToHost: false,
        },
      });
    });

    test.each(['wrong', 'expired'])('an %s one is refused by the host: 503', async (kind) => {
      const { evidence } = await mesh.expectRow({
        from: 'checkout',
        request: `http://${kind}.partner.com/`,
        expect: { outcome: 'refused', symptom: 503, plaintextToHost: false },
      });
      expect(evidence.external.map(({ event }) => event)).not.toContain('request');
    });

    test.each(['none', 'missing'])(
      'a Secret with no certificate (%s): 503 at the gateway, and nothing leaves',
      async (kind) => {
        const { evidence } = await mesh.expectRow({
          from: 'checkout',
          request: `http://${kind}.partner.com/`,
          expect: { outcome: 'refused', by: 'gateway', symptom: 503, plaintextToHost: false },
        });
        expect(evidence.external.filter(({ server }) => server === `${kind}.partner.com`)).toEqual([]);
      },
    );

    test.each(KINDS)("%s: the application's own TLS shows no certificate, and the host refuses it", async (kind) => {
      await mesh.expectRow({
        from: 'checkout',
        request: `https://${kind}.partner.com/`,
        expect: { outcome: 'refused', by: 'host', via: 'gateway' },
      });
    });
  },
);
