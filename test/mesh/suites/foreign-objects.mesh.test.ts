/**
 * Another author's objects for the same host: an entry, a route, a rule, or two of them; in the callers' namespace,
 * visible there or everywhere, in another namespace, in the gateway's, in the root namespace; older and younger than
 * ours. An allowed caller takes its egress path or is refused, no other caller is answered, and nothing leaves in
 * plaintext or bypasses the gateway. Exceptions are the cases in docs/limits.md, which must behave as it says.
 */
import { Chart } from 'cdk8s';
import { AccessRow, AccessTable } from '../../../src/access/access-table';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { Caller } from '../../../src/values/caller';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { breaches } from '../breaches';
import { KubeObject } from '../lab';
import { describeMesh, Mesh, synthesise } from '../support';

const THROUGH = 'api.partner.com';
const STRAIGHT = 'www.partner.com';
const HOP = 'istio-egressgateway-hop.egress.svc.cluster.local';

const TABLE: Omit<AccessTable, 'access'> = {
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
  gateways: [
    {
      namespace: 'egress',
      labels: { app: 'istio-egressgateway', istio: 'egressgateway' },
      serviceAccount: 'istio-egressgateway',
      targetPort: 443,
    },
  ],
  callers: [
    { name: 'checkout', namespace: 'payments', serviceAccount: 'checkout' },
    { name: 'refunds', namespace: 'payments', serviceAccount: 'refunds' },
  ],
  external: [
    { host: THROUGH, http: 'ok', https: 'ok' },
    { host: STRAIGHT, http: 'ok', https: 'ok' },
  ],
};

const OBJECTS = synthesise((app) => {
  const chart = new Chart(app, 'payments', { namespace: 'payments' });
  const gateway = new InstalledEgressGateway(chart, 'exit', {
    installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
  });
  new GatewayEgress(chart, 'partner', {
    gateway,
    hosts: [THROUGH],
    callers: [Caller.serviceAccount('payments', 'checkout')],
  }).originateTls('tls');
  new SidecarEgress(chart, 'site', { hosts: [STRAIGHT] }).originateTls('tls');
}).map((object): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, creationTimestamp: '2024-01-01T00:00:00Z' },
}));

const AGES = { older: '2020-01-01T00:00:00Z', younger: '2026-01-01T00:00:00Z' } as const;
const PLACES = {
  "the callers' namespace, visible there": { namespace: 'payments', exportTo: ['.'] },
  "the callers' namespace, visible everywhere": { namespace: 'payments', exportTo: undefined },
  'another namespace, visible everywhere': { namespace: 'elsewhere', exportTo: undefined },
  "the gateway's namespace, visible everywhere": { namespace: 'egress', exportTo: undefined },
  'the root namespace, visible everywhere': { namespace: 'istio-system', exportTo: undefined },
} as const;

type Make = (host: string, metadata: object, exportTo?: readonly string[]) => KubeObject[];
const istio =
  (kind: string, spec: (host: string) => object): Make =>
  (host, metadata, exportTo) => [
    {
      apiVersion: 'networking.istio.io/v1',
      kind,
      metadata: { name: `foreign-${host.replace(/\./g, '-')}`, ...metadata },
      spec: { ...spec(host), ...(exportTo && { exportTo }) },
    },
  ];

const entry = istio('ServiceEntry', (host) => ({
  hosts: [host],
  resolution: 'DNS',
  ports: [
    { number: 80, name: 'http', protocol: 'HTTP' },
    { number: 443, name: 'tls', protocol: 'TLS' },
  ],
}));
const route = istio('VirtualService', (host) => ({
  hosts: [host],
  http: [{ match: [{ port: 80 }], route: [{ destination: { host, port: { number: 80 } } }] }],
  tls: [{ match: [{ port: 443, sniHosts: [host] }], route: [{ destination: { host, port: { number: 443 } } }] }],
}));
/** Plain HTTP to the TLS port. */
const astray = istio('VirtualService', (host) => ({
  hosts: [host],
  http: [{ route: [{ destination: { host, port: { number: 443 } } }] }],
}));
const off = istio('DestinationRule', (host) => ({
  host,
  trafficPolicy: { tls: { mode: 'DISABLE' } },
  subsets: [{ name: 'tls' }],
}));
const hop = istio('DestinationRule', () => ({ host: HOP, trafficPolicy: { tls: { mode: 'DISABLE' } } }));

const KINDS: Record<string, Make> = {
  'an entry': entry,
  'a route': route,
  'a route to the TLS port': astray,
  'a rule without TLS': off,
  'a rule for the hop': hop,
  'an entry and a route': (...args) => [...entry(...args), ...route(...args)],
  'an entry and a rule': (...args) => [...entry(...args), ...off(...args)],
};

const ROWS: AccessRow[] = [
  {
    from: 'checkout',
    request: `http://${THROUGH}/`,
    expect: { outcome: 'answered', status: 200, via: 'gateway', tlsOriginatedBy: 'gateway', plaintextToHost: false },
  },
  {
    from: 'checkout',
    request: `https://${THROUGH}/`,
    expect: { outcome: 'answered', status: 200, via: 'gateway', tlsOriginatedBy: 'application' },
  },
  { from: 'refunds', request: `http://${THROUGH}/`, expect: { outcome: 'refused', by: 'gateway', symptom: 503 } },
  {
    from: 'refunds',
    request: `https://${THROUGH}/`,
    expect: { outcome: 'refused', by: 'gateway', symptom: 'tls-closed' },
  },
  {
    from: 'checkout',
    request: `http://${STRAIGHT}/`,
    expect: { outcome: 'answered', status: 200, via: 'sidecar', tlsOriginatedBy: 'sidecar', plaintextToHost: false },
  },
  {
    from: 'checkout',
    request: `https://${STRAIGHT}/`,
    expect: { outcome: 'answered', status: 200, via: 'sidecar', tlsOriginatedBy: 'application' },
  },
];

/** What must not happen, in short; empty where each request takes its egress path or is refused. */
async function holes(mesh: Mesh): Promise<string[]> {
  const found: string[] = [];
  for (const row of ROWS) {
    const sight = await mesh.see(row);
    if (breaches(row, sight).length > 0)
      found.push(
        `${row.from} ${row.request}: ${sight.judgement.seen.outcome}, via ${sight.judgement.seen.via}, TLS by ` +
          `${sight.judgement.seen.tlsOriginatedBy}`,
      );
  }
  return found;
}

/**
 * The case in docs/limits.md: Istio uses the older of two routes that are private to a namespace, and the entry gives
 * it a destination.
 */
const KNOWN: Record<string, string[]> = {
  "an entry and a route in the callers' namespace, visible there, older": [
    ...['checkout', 'refunds'].flatMap((from) => [
      `${from} http://${THROUGH}/: answered, via sidecar, TLS by none`,
      `${from} https://${THROUGH}/: answered, via sidecar, TLS by application`,
    ]),
    `checkout http://${STRAIGHT}/: answered, via sidecar, TLS by none`,
  ],
};

describeMesh('foreign objects', { table: TABLE }, (mesh) => {
  test('without any: all rows hold', async () => {
    await mesh.apply(OBJECTS);
    for (const row of ROWS) await mesh.expectRow(row);
  });

  for (const [kind, make] of Object.entries(KINDS)) {
    describe(kind, () => {
      for (const [place, { namespace, exportTo }] of Object.entries(PLACES)) {
        test.each(Object.entries(AGES))(`in ${place}, %s`, async (age, creationTimestamp) => {
          await mesh.lab.apply('foreign', []);
          const foreign = [THROUGH, STRAIGHT].flatMap((host) => make(host, { namespace, creationTimestamp }, exportTo));
          await mesh.apply(
            foreign.filter(
              (object, index) =>
                foreign.findIndex((other) => JSON.stringify(other) === JSON.stringify(object)) === index,
            ),
            'foreign',
          );
          expect(await holes(mesh)).toEqual(KNOWN[`${kind} in ${place}, ${age}`] ?? []);
        });
      }
    });
  }
});
