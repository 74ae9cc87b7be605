/**
 * Callers that lie about their destination, the name that they ask for, or their identity; and hosts that demand a
 * client certificate, with the right one, a wrong one, an expired one and none.
 */
import { Chart } from 'cdk8s';
import { AccessRow, AccessTable, Expectation } from '../../../src/access/access-table';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { RegistryOnlyMesh } from '../../../src/constructs/registry-only-mesh';
import { Caller } from '../../../src/values/caller';
import { ClientCertificate } from '../../../src/values/client-certificate';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { KubeObject } from '../lab';
import { INSTALLED_PODS } from '../recipe';
import { describeMesh, synthesise, titleOf } from '../support';

const ALLOWED = '203.0.113.30';
const EVIL = '203.0.113.66';

/**
 * The gateway's address, for callers that exclude it from capture: pods have addresses in the order of the table.
 */
const GATEWAY = '10.77.0.17';

const TABLE: Omit<AccessTable, 'access'> = {
  gateways: [INSTALLED_PODS],
  callers: [
    { name: 'checkout', namespace: 'payments', serviceAccount: 'checkout' },
    { name: 'refunds', namespace: 'payments', serviceAccount: 'refunds' },
    { name: 'namesake', namespace: 'other', serviceAccount: 'checkout' },
    { name: 'thief', namespace: 'thieves', serviceAccount: 'checkout' },
    {
      name: 'past-to-gateway',
      namespace: 'payments',
      serviceAccount: 'checkout',
      capture: { excludeOutboundIPRanges: `${GATEWAY}/32` },
    },
    {
      name: 'past-to-host',
      namespace: 'payments',
      serviceAccount: 'checkout',
      capture: { excludeOutboundIPRanges: `${ALLOWED}/32` },
    },
  ],
  external: [
    { host: 'api.partner.com', address: ALLOWED, http: 'ok', https: 'ok' },
    { host: 'evil.example.com', address: EVIL, http: 'ok', https: 'ok' },
  ],
};

const OBJECTS = synthesise((app) => {
  const platform = new Chart(app, 'platform', { namespace: 'egress' });
  new RegistryOnlyMesh(platform, 'lock');
  const gateway = new InstalledEgressGateway(platform, 'exit', {
    installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
  });
  const payments = new Chart(app, 'payments', { namespace: 'payments' });
  new GatewayEgress(payments, 'partner', {
    gateway,
    hosts: ['api.partner.com'],
    callers: [Caller.serviceAccount('payments', 'checkout')],
  }).originateTls('tls');
});

/** The callers' objects, copied word for word to another namespace. */
const STOLEN = OBJECTS.filter(({ metadata }) => metadata.namespace === 'payments').map((object): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, namespace: 'thieves' },
}));

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
});

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
