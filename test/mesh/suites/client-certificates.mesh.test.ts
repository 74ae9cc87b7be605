/**
 * Client certificates of sidecars and of the gateway, one for each caller. Each object is removed in turn; Secrets and
 * Roles are missing or wrong; another author's objects exist for the same host. A caller shows its own certificate or
 * is refused; no caller shows another's, and nothing leaves in plaintext.
 */
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Chart } from 'cdk8s';
import { AccessRow, AccessTable, Expectation } from '../../../src/access/access-table';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { TlsOriginationOptions } from '../../../src/constructs/tls-origination-options';
import { Caller } from '../../../src/values/caller';
import { CertificateAuthority } from '../../../src/values/certificate-authority';
import { ClientCertificate } from '../../../src/values/client-certificate';
import { EgressPort } from '../../../src/values/egress-port';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { breaches } from '../breaches';
import { idOf, KubeObject } from '../lab';
import { INSTALLED_PODS } from '../recipe';
import { describeMesh, failureText, Mesh, plain, synthesise } from '../support';

const HOST = 'api.bank.com';
const ADDRESS = '203.0.113.20';
/** Another host's. */
const OTHER_ADDRESS = '203.0.113.21';
/** It asks for no certificate. */
const OPEN_HOST = 'open.example.com';
const NAMES = ['checkout', 'ledger'];
const caller = (name: string) => Caller.serviceAccount('shop', name, { podLabels: { app: name } });

const TABLE: Omit<AccessTable, 'access'> = {
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
  callers: [
    ...[...NAMES, 'crawler'].map((name) => ({ name, namespace: 'shop', serviceAccount: name })),
    // has the label of a caller, but not its identity
    { name: 'pretender', namespace: 'shop', serviceAccount: 'crawler', labels: { app: 'ledger' } },
    { name: 'stranger', namespace: 'other', serviceAccount: 'checkout', labels: { app: 'checkout' } },
  ],
  external: [
    { host: HOST, address: ADDRESS, http: 'ok', https: 'client-certificate', certificate: 'private-ca', tcp: [5432] },
    { host: OPEN_HOST, address: OTHER_ADDRESS, http: 'ok', https: 'ok', tcp: [5432] },
  ],
};
const secrets = (namespace: string) =>
  NAMES.map((name) => ({ name: `${name}-client`, namespace, holds: 'client-certificate' as const, commonName: name }));
const BAD = (namespace: string) => [
  { name: 'checkout-client', namespace, holds: 'expired-client-certificate' as const },
  { name: 'ledger-client', namespace, holds: 'wrong-client-certificate' as const },
];

/** Sends rows that may be refused, and throws where they do anything else. */
async function mayClose(mesh: Mesh, rows: AccessRow[]): Promise<void> {
  for (const row of rows) {
    const sight = await mesh.see(row);
    const found = breaches(row, sight);
    if (found.length > 0) throw plain(`${found.join('\n')}\n${failureText(row, sight)}`);
  }
}

async function hold(mesh: Mesh, rows: AccessRow[]): Promise<void> {
  for (const row of rows) await mesh.expectRow(row);
}

const http = (from: string, expect: AccessRow['expect']): AccessRow => ({
  from,
  request: `http://${HOST}/`,
  expect: { ...expect, plaintextToHost: false },
});
const refusedFor = (from: string, by: 'sidecar' | 'gateway' = 'sidecar') =>
  http(from, { outcome: 'refused', by, symptom: 503 });
const withOwn = (from: string, via: 'sidecar' | 'gateway') =>
  http(from, { outcome: 'answered', status: 200, via, tlsOriginatedBy: via, clientCommonName: from });

/**
 * What becomes of a Secret that its proxy has: new contents count for new connections, its absence only when the proxy
 * starts again.
 */
function testDeletion(via: 'sidecar' | 'gateway', objects: KubeObject[], world: Omit<AccessTable, 'access'>): void {
  describeMesh('Secrets that change', { table: { ...world, secrets: [] }, tolerate: [/secret/i] }, (mesh) => {
    const holding = (...commonNames: string[]) => {
      const namespace = via === 'sidecar' ? 'shop' : 'egress';
      const holds = 'client-certificate';
      return Promise.all(
        commonNames.map((commonName, at) =>
          mesh.lab.secret({ name: `${NAMES[at]}-client`, namespace, holds, commonName }),
        ),
      );
    };
    const give = async (...commonNames: string[]) =>
      mesh.apply(await holding(...commonNames), 'secrets', { tolerateWarming: true });
    const shown = (commonName: string): AccessRow => {
      const { expect: usual, ...row } = withOwn('checkout', via);
      return { ...row, expect: { ...usual, clientCommonName: commonName } };
    };

    test('a Secret with the suffix -cacert says which authorities count', async () => {
      const [client] = await holding('checkout');
      const { name, namespace } = client.metadata;
      const others = {
        ...client,
        metadata: { name: `${name}-cacert`, namespace },
        data: { 'ca.crt': client.data['tls.crt'] },
      };
      await mesh.apply([client, others], 'secrets', { tolerateWarming: true });
      await mesh.apply(objects);
      await hold(mesh, [refusedFor('checkout', via)]);
      await give('checkout');
      await hold(mesh, [shown('checkout')]);
    });

    test(`new contents are shown by new connections; one that is deleted, until the ${via} starts again`, async () => {
      await give(...NAMES);
      await mesh.apply(objects);
      await hold(mesh, [shown('checkout')]);
      await mesh.lab.apply('secrets', await holding('renewed', 'ledger'));
      await mesh.lab.istiod.barrier(mesh.lab.proxies.length, 60);
      await hold(mesh, [shown('checkout')]); // the connection to the host is still open
      await give('renewed', 'ledger');
      await hold(mesh, [shown('renewed')]);
      await give();
      await hold(mesh, [shown('renewed')]);
      const pod = via === 'gateway' ? 'router' : 'sidecar';
      const proxy = mesh.lab.proxies.find(
        ({ pod: { id, role } }) => role === pod && (via === 'gateway' || id === 'checkout'),
      );
      await proxy!.replace(mesh.lab.files);
      await hold(mesh, [refusedFor('checkout', via)]);
    });
  });
}

/** What becomes of calls when a client certificate is added to their declaration, and its Secret is missing. */
function testAddition(
  via: 'sidecar' | 'gateway',
  build: (tls?: TlsOriginationOptions) => KubeObject[],
  world: Omit<AccessTable, 'access'>,
): void {
  describeMesh('a certificate is added', { table: { ...world, secrets: [] }, tolerate: [/secret/i] }, (mesh) => {
    /** What is seen from the change on, until a call is refused, and how long that takes. */
    const untilRefused = async (before: KubeObject[]) => {
      await mesh.apply(before);
      const clientCertificate = ClientCertificate.fromSecret('nowhere');
      const began = Date.now();
      await mesh.lab.apply(
        'manifests',
        build({ clientCertificate, callers: via === 'sidecar' ? [caller('checkout')] : undefined }),
      );
      const answered: Expectation[] = [];
      for (;;) {
        await mesh.lab.dropConnections();
        const { seen } = (await mesh.see({ from: 'checkout', request: `http://${OPEN_HOST}/` })).judgement;
        const milliseconds = Date.now() - began;
        if (seen.outcome === 'refused') return { answered, symptom: seen.symptom, milliseconds };
        answered.push(seen);
      }
    };

    test('TLS goes on without it for as long as Envoy waits for the Secret, and is then refused', async () => {
      const { answered, symptom, milliseconds } = await untilRefused(build({}));
      expect(symptom).toBe(503);
      expect(milliseconds).toBeGreaterThan(14_000);
      for (const one of answered)
        expect(one).toMatchObject({ tlsOriginatedBy: via, clientCertificate: false, plaintextToHost: false });
    });

    test('plain HTTP is refused before Envoy has given up waiting', async () => {
      const { symptom, milliseconds } = await untilRefused(build());
      expect(symptom).toBe(503);
      expect(milliseconds).toBeLessThan(10_000);
    });
  });
}

describe('at the sidecar', () => {
  const build = (...names: string[]) =>
    synthesise((app) => {
      const chart = new Chart(app, 'shop', { namespace: 'shop' });
      const egress = new SidecarEgress(chart, 'bank', { hosts: [HOST] });
      for (const name of names)
        egress.originateTls(name, {
          callers: [caller(name)],
          clientCertificate: ClientCertificate.fromSecret(`${name}-client`),
        });
    });
  const OBJECTS = build(...NAMES);
  const NAMED = NAMES.map((name) => withOwn(name, 'sidecar'));
  // A pod with a caller's labels gets its rule, but istiod does not give the Secret to another service account.
  const OTHERS = [refusedFor('crawler'), http('stranger', { outcome: 'refused', by: 'sidecar', symptom: 502 })];
  const OWN_TLS: AccessRow = {
    from: 'checkout',
    request: `https://${HOST}/`,
    expect: { outcome: 'refused', by: 'host', via: 'sidecar' },
  };
  const table = {
    ...TABLE,
    callers: TABLE.callers.filter(({ name }) => name !== 'pretender'),
    secrets: secrets('shop'),
  };

  testDeletion('sidecar', OBJECTS, table);
  testAddition(
    'sidecar',
    (tls) =>
      synthesise((app) => {
        const egress = new SidecarEgress(new Chart(app, 'shop', { namespace: 'shop' }), 'open', {
          hosts: [OPEN_HOST],
        });
        if (tls) egress.originateTls('tls', tls);
      }),
    table,
  );

  describeMesh('each object gone', { table }, (mesh) => {
    test('complete: each caller shows its own certificate, others are refused', async () => {
      await mesh.apply(OBJECTS);
      await hold(mesh, [...NAMED, ...OTHERS, OWN_TLS]);
    });

    test.each(OBJECTS.map((object) => [idOf(object), object] as const))('without %s', async (_id, gone) => {
      await mesh.apply(OBJECTS.filter((object) => object !== gone));
      await mayClose(mesh, [...NAMED, ...OTHERS, OWN_TLS]);
    });

    test('only some kinds of the objects', async () => {
      for (const kinds of [
        ['ServiceEntry'],
        ['VirtualService', 'DestinationRule'],
        ['VirtualService', 'ServiceEntry'],
        ['ServiceEntry', 'DestinationRule'],
      ]) {
        await mesh.apply(OBJECTS.filter(({ kind }) => kinds.includes(kind)));
        await mayClose(mesh, [...NAMED, ...OTHERS]);
      }
    });

    test('a TCP port of the host works, and takes no other connection', async () => {
      await mesh.apply(
        synthesise((app) => {
          const chart = new Chart(app, 'shop', { namespace: 'shop' });
          new SidecarEgress(chart, 'bank', {
            hosts: [HOST],
            ports: [EgressPort.http(), EgressPort.tcp(5432)],
            addresses: [ADDRESS],
          }).originateTls('tls', {
            callers: [caller('checkout')],
            clientCertificate: ClientCertificate.fromSecret('checkout-client'),
          });
        }),
      );
      await hold(mesh, [
        withOwn('checkout', 'sidecar'),
        { from: 'crawler', request: `tcp://${ADDRESS}:5432`, expect: { outcome: 'answered', via: 'sidecar' } },
        { from: 'crawler', request: `tcp://${OTHER_ADDRESS}:5432`, expect: { outcome: 'refused', by: 'sidecar' } },
      ]);
    });
  });

  describeMesh("another author's objects for the host, older than ours", { table }, (mesh) => {
    const object = (kind: string, spec: object): KubeObject => ({
      apiVersion: 'networking.istio.io/v1',
      kind,
      metadata: { name: 'theirs', namespace: 'shop', creationTimestamp: '2020-01-01T00:00:00Z' },
      spec,
    });
    test.each<[string, KubeObject]>([
      [
        "a route to the host's TLS port",
        object('VirtualService', {
          hosts: [HOST],
          http: [{ route: [{ destination: { host: HOST, port: { number: 443 } } }] }],
        }),
      ],
      [
        'a rule for load balancing',
        object('DestinationRule', { host: HOST, trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } }),
      ],
      [
        'a rule that switches TLS off',
        object('DestinationRule', { host: HOST, trafficPolicy: { tls: { mode: 'DISABLE' } } }),
      ],
      [
        'a rule with an empty subset of the same name',
        object('DestinationRule', { host: HOST, subsets: [{ name: 'tls' }] }),
      ],
    ])('%s', async (_name, theirs) => {
      await mesh.apply([theirs], 'theirs');
      await mesh.apply(OBJECTS);
      await mayClose(mesh, [...NAMED, ...OTHERS]);
      await mesh.apply([], 'theirs');
    });
  });

  describeMesh('without the right to read Secrets', { table, tolerate: [/not authorized|secret/i] }, (mesh) => {
    const rights = OBJECTS.filter(({ kind, metadata }) => kind === 'Role' && metadata.name.includes('checkout'));

    test('that caller is refused, the other still works', async () => {
      await mesh.apply(
        OBJECTS.filter((object) => !rights.includes(object)),
        'manifests',
        { tolerateWarming: true },
      );
      await hold(mesh, [refusedFor('checkout'), withOwn('ledger', 'sidecar'), refusedFor('crawler')]);
    });
  });

  describeMesh(
    'a missing Secret',
    { table: { ...table, secrets: secrets('shop').slice(1) }, tolerate: [/secret/i] },
    (mesh) => {
      const before = synthesise(
        (app) => new SidecarEgress(new Chart(app, 'shop', { namespace: 'shop' }), 'open', { hosts: [OPEN_HOST] }),
      );
      const open: AccessRow = {
        from: 'checkout',
        request: `http://${OPEN_HOST}/`,
        expect: { outcome: 'answered', status: 200, via: 'sidecar' },
      };

      test('its caller is refused; its other hosts and the other caller still work', async () => {
        await mesh.apply(before, 'before');
        await mesh.apply(OBJECTS, 'manifests', { tolerateWarming: true });
        await hold(mesh, [refusedFor('checkout'), withOwn('ledger', 'sidecar'), open]);
      });
    },
  );

  describeMesh('certificates that the host does not accept', { table: { ...table, secrets: BAD('shop') } }, (mesh) => {
    test.each([
      ['expired', 'checkout'],
      ['from an unknown authority', 'ledger'],
    ])('%s: refused, and the host receives no request', async (_what, from) => {
      await mesh.apply(OBJECTS);
      const { evidence } = await mesh.expectRow(http(from, { outcome: 'refused', symptom: 503 }));
      expect(evidence.external.map(({ event }) => event)).not.toContain('request');
    });
  });

  describeMesh(
    "a pod with a caller's labels and another service account",
    { table: { ...TABLE, secrets: secrets('shop') }, tolerate: [/not authorized|secret/i] },
    (mesh) => {
      test('does not get the Secret', async () => {
        await mesh.apply(OBJECTS, 'manifests', { tolerateWarming: true });
        await hold(mesh, [refusedFor('pretender'), ...NAMED]);
      });
    },
  );

  describe('from files', () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'egress-client-'));
    afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
    const file = (name: string) => path.join(folder, name);
    const fromFiles = (there: boolean) =>
      synthesise((app) => {
        const chart = new Chart(app, 'shop', { namespace: 'shop' });
        new SidecarEgress(chart, 'bank', { hosts: [HOST] }).originateTls('tls', {
          callers: [caller('checkout')],
          clientCertificate: ClientCertificate.fromFiles(file(there ? 'tls.crt' : 'gone.crt'), file('tls.key')),
          certificateAuthority: CertificateAuthority.fromFile(file('ca.crt')),
        });
      });

    describeMesh('mounted into the proxy', { table, tolerate: [/gone\.crt/] }, (mesh) => {
      test('a missing file: refused', async () => {
        await mesh.apply(fromFiles(false), 'manifests', { tolerateWarming: true });
        await hold(mesh, [refusedFor('checkout'), refusedFor('ledger')]);
      });

      test('the selected pod shows them, others are refused', async () => {
        const pki = path.join(path.dirname(mesh.lab.logFile('istiod')), 'pki');
        fs.chmodSync(folder, 0o755);
        for (const [from, to] of [
          ['client-certificate-checkout.crt', 'tls.crt'],
          ['client-certificate-checkout.key', 'tls.key'],
          ['private.crt', 'ca.crt'],
        ]) {
          fs.copyFileSync(path.join(pki, from), file(to));
          fs.chmodSync(file(to), 0o644);
        }
        await mesh.apply(fromFiles(true));
        await hold(mesh, [withOwn('checkout', 'sidecar'), refusedFor('ledger'), refusedFor('crawler')]);
      });
    });
  });
});

describe('at the gateway, for each caller its own', () => {
  const OBJECTS = synthesise((app) => {
    const platform = new Chart(app, 'platform', { namespace: 'egress' });
    const gateway = new InstalledEgressGateway(platform, 'exit', {
      installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
    });
    const chart = new Chart(app, 'shop', { namespace: 'shop' });
    for (const name of NAMES) {
      new GatewayEgress(chart, name, {
        gateway,
        hosts: [HOST],
        callers: [caller(name)],
        separateCallers: true,
      }).originateTls('tls', { clientCertificate: ClientCertificate.fromSecret(`${name}-client`) });
    }
  });
  const table: Omit<AccessTable, 'access'> = {
    ...TABLE,
    gateways: [INSTALLED_PODS],
    secrets: secrets('egress'),
  };
  const NAMED = NAMES.map((name) => withOwn(name, 'gateway'));
  const OTHERS = [
    refusedFor('crawler'),
    refusedFor('pretender', 'gateway'),
    http('stranger', { outcome: 'refused', by: 'sidecar', symptom: 502 }),
  ];
  const [checkout, ledger] = [NAMED[0], NAMED[1]];

  testDeletion('gateway', OBJECTS, table);
  testAddition(
    'gateway',
    (tls) =>
      synthesise((app) => {
        const platform = new Chart(app, 'platform', { namespace: 'egress' });
        const gateway = new InstalledEgressGateway(platform, 'exit', {
          installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
        });
        const egress = new GatewayEgress(new Chart(app, 'shop', { namespace: 'shop' }), 'open', {
          gateway,
          hosts: [OPEN_HOST],
          callers: [caller('checkout')],
        });
        if (tls) egress.originateTls('tls', tls);
      }),
    table,
  );

  describeMesh('each object gone', { table }, (mesh) => {
    test('complete: each caller shows its own certificate, others are refused', async () => {
      await mesh.apply(OBJECTS);
      await hold(mesh, [...NAMED, ...OTHERS]);
    });

    // The two share the namespace's entry and route, and the gateway's Service.
    const keys = new Map(
      OBJECTS.map((object) => [object, JSON.stringify(object).match(/http-80\.([0-9a-f]{20})\./)?.[1]]),
    );
    const keyOfCheckout = keys.get(
      OBJECTS.find((object) => object.kind === 'Gateway' && JSON.stringify(object).includes('sa/checkout'))!,
    );
    const isCheckouts = (object: KubeObject) =>
      keyOfCheckout !== undefined && object.metadata.name.includes(keyOfCheckout);

    test.each(OBJECTS.map((object) => [idOf(object), object] as const))(
      "without %s no caller shows another's, and the other caller still works",
      async (_id, gone) => {
        await mesh.apply(OBJECTS.filter((object) => object !== gone));
        await mayClose(mesh, [...NAMED, ...OTHERS]);
        if (isCheckouts(gone)) await hold(mesh, [ledger]);
      },
    );

    test('one caller has objects of its own', () => {
      expect(OBJECTS.filter(isCheckouts).length).toBeGreaterThan(4);
    });

    test("a caller that routes its requests to the other's hop name is refused by that server", async () => {
      // Both routes lead to ledger's server, as the team's own object could.
      const route = OBJECTS.find(({ kind, metadata }) => kind === 'VirtualService' && metadata.namespace === 'shop')!;
      const [, second] = route.spec.http;
      const stolen = { ...route, spec: { ...route.spec, http: [{ ...second, match: [{ port: 80 }] }] } };
      await mesh.apply(OBJECTS.map((object) => (object === route ? stolen : object)));
      await hold(mesh, [ledger, refusedFor('checkout', 'gateway'), refusedFor('crawler', 'gateway')]);
    });
  });

  describeMesh(
    'one of the two Secrets is missing',
    { table: { ...table, secrets: secrets('egress').slice(1) }, tolerate: [/secret/i] },
    (mesh) => {
      test('its caller is refused, the other shows its own', async () => {
        await mesh.apply(OBJECTS, 'manifests', { tolerateWarming: true });
        await hold(mesh, [
          { ...checkout, expect: { outcome: 'refused', symptom: 503, plaintextToHost: false } },
          ledger,
        ]);
      });

      test('a gateway that starts meanwhile lets the other through, once it has waited for the Secret', async () => {
        const began = Date.now();
        await mesh.lab.proxies.find(({ pod }) => pod.role === 'router')!.replace(mesh.lab.files);
        expect(Date.now() - began).toBeGreaterThan(14_000);
        await hold(mesh, [ledger]);
      });
    },
  );

  describeMesh(
    'certificates that the host does not accept',
    { table: { ...table, secrets: BAD('egress') } },
    (mesh) => {
      test.each([
        ['expired', 'checkout'],
        ['from an unknown authority', 'ledger'],
      ])('%s: refused, and the host receives no request', async (_what, from) => {
        await mesh.apply(OBJECTS);
        const { evidence } = await mesh.expectRow(http(from, { outcome: 'refused', symptom: 503 }));
        expect(evidence.external.map(({ event }) => event)).not.toContain('request');
      });
    },
  );
});
