/**
 * A managed database fails over: its name leads to the address of another server. What docs/database.md says of each
 * manner in which connections to it are recognised.
 */
import { Chart } from 'cdk8s';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { Caller } from '../../../src/values/caller';
import { EgressPort } from '../../../src/values/egress-port';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { INSTALLED_PODS } from '../recipe';
import { describeMesh, synthesise } from '../support';

const DATABASE = 'orders.db.example.com';
const STANDBY = 'standby.db.example.com';

/** By namespace: how its callers' connections are recognised, and by which path they go. */
const CALLERS = [
  { namespace: 'range', gateway: true, dnsCapture: false, addresses: ['203.0.113.48/28'], follows: true },
  { namespace: 'capture', gateway: true, dnsCapture: true, addresses: undefined, follows: true },
  { namespace: 'sidecar', gateway: false, dnsCapture: true, addresses: undefined, follows: true },
  { namespace: 'one-address', gateway: true, dnsCapture: false, addresses: ['203.0.113.50'], follows: false },
];

/** The declarations say that its sidecar answers DNS, which it does not. */
const MISTAKEN = { name: 'mistaken', namespace: 'mistaken', serviceAccount: 'app', dnsCapture: false };

const manifests = synthesise((app) => {
  const exit = new InstalledEgressGateway(new Chart(app, 'platform', { namespace: 'egress' }), 'exit', {
    installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
  });
  for (const { namespace, gateway, dnsCapture, addresses } of CALLERS) {
    const chart = new Chart(app, namespace, { namespace });
    const props = {
      hosts: [DATABASE],
      ports: [EgressPort.tcp(5432)],
      ...(dnsCapture ? { dnsCapture } : { addresses }),
    };
    if (gateway)
      new GatewayEgress(chart, 'db', { ...props, gateway: exit, callers: [Caller.serviceAccount(namespace, 'app')] });
    else new SidecarEgress(chart, 'db', props);
  }
  const mistaken = new Chart(app, MISTAKEN.namespace, { namespace: MISTAKEN.namespace });
  const hosts = [DATABASE, STANDBY];
  new SidecarEgress(mistaken, 'db', { hosts, ports: [EgressPort.tcp(5432)], dnsCapture: true });
});

/** The address that stands for the other database at sidecars that answer DNS. */
const [STAND_IN] = manifests.find(
  ({ kind, metadata, spec }) =>
    kind === 'ServiceEntry' && metadata.namespace === MISTAKEN.namespace && spec.hosts[0] === STANDBY,
)!.spec.addresses;

const table = {
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' as const },
  gateways: [INSTALLED_PODS],
  callers: [
    ...CALLERS.map(({ namespace, dnsCapture }) => ({
      name: namespace,
      namespace,
      serviceAccount: 'app',
      dnsCapture,
    })),
    MISTAKEN,
  ],
  external: [
    { host: DATABASE, address: '203.0.113.50', tcp: [5432] },
    { host: STANDBY, address: '203.0.113.51', tcp: [5432] },
  ],
};

describeMesh('a database that fails over', { table, manifests }, (mesh) => {
  const request = `tcp://${DATABASE}:5432`;
  const answered = (gateway: boolean) =>
    ({ outcome: 'answered', via: gateway ? 'gateway' : 'sidecar', protocol: 'tcp' }) as const;

  beforeAll(() => mesh.apply(manifests));

  test.each(CALLERS)('before: $namespace', async ({ namespace, gateway }) => {
    await mesh.expectRow({ from: namespace, request, expect: answered(gateway) });
  });

  test('a Service with an HTTP port of that number keeps what the database says first from callers of a range', async () => {
    // The application connects and says nothing; whether the database is called is all that can be seen.
    const called = async (namespace: string) => {
      const seen = mesh.lab.watchExternalHosts();
      await mesh.lab.sendBytes(namespace, [{ to: DATABASE, port: 5432, bytes: '' }]);
      return (await seen.read()).some(({ event }) => event === 'connect');
    };
    expect(await called('range')).toBe(true);
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'elsewhere' },
      spec: { ports: [{ name: 'http', port: 5432, targetPort: 8080 }] },
    };
    const importsLess = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'Sidecar',
      metadata: { name: 'less', namespace: 'range' },
      spec: { egress: [{ hosts: ['./*', 'egress/*'] }], outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } },
    };
    try {
      await mesh.apply([...manifests, service]);
      for (const { namespace, gateway } of CALLERS) {
        expect([namespace, await called(namespace)]).toEqual([namespace, namespace !== 'range']);
        await mesh.expectRow({ from: namespace, request, expect: answered(gateway) });
      }
      await mesh.apply([...manifests, service, importsLess]);
      expect(await called('range')).toBe(true);
    } finally {
      await mesh.apply(manifests);
    }
  });

  describe('after', () => {
    beforeAll(() => mesh.lab.moveName(DATABASE, '203.0.113.51'));

    test.each(CALLERS)('$namespace', async ({ namespace, gateway, follows }) => {
      const expect = follows
        ? { ...answered(gateway), answeredBy: STANDBY }
        : ({ outcome: 'refused', by: 'sidecar', symptom: 'closed', plaintextToHost: false } as const);
      await mesh.expectRow({ from: namespace, request, expect });
    });
  });

  test('where sidecars do not answer DNS, an answer with the address that stands for another host leads to that', async () => {
    const row = { from: MISTAKEN.name, request };
    await mesh.expectRow({ ...row, expect: { outcome: 'refused', by: 'sidecar', plaintextToHost: false } });
    await mesh.lab.moveName(DATABASE, STAND_IN);
    await mesh.expectRow({ ...row, expect: { outcome: 'answered', answeredBy: STANDBY } });
  });
});

/** Hosts with names and a database, of which DNS now gives another address than the declaration says. */
const moved = synthesise((app) => {
  const shop = new Chart(app, 'shop', { namespace: 'shop' });
  const gateway = new InstalledEgressGateway(shop, 'exit', {
    installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
  });
  const ports = [EgressPort.http(), EgressPort.tls(), EgressPort.tcp(5432)];
  const common = { gateway, ports, callers: [Caller.serviceAccount('shop', 'app')] };
  new GatewayEgress(shop, 'address', { ...common, hosts: [DATABASE], addresses: ['203.0.113.50'] });
  new GatewayEgress(shop, 'capture', { ...common, hosts: [STANDBY], dnsCapture: true });
});

describe.each(['ALLOW_ANY', 'REGISTRY_ONLY'] as const)('a host with names too, %s', (outboundTrafficPolicy) => {
  const hosts = [DATABASE, STANDBY];
  const moving = {
    mesh: { outboundTrafficPolicy },
    gateways: [INSTALLED_PODS],
    callers: [{ name: 'app', namespace: 'shop', serviceAccount: 'app' }],
    external: hosts.map((host, index) => ({
      host,
      address: `203.0.113.${71 + index}`,
      http: 'ok' as const,
      https: 'ok' as const,
    })),
  };
  describeMesh('at another address than it is known by', { table: moving, manifests: moved }, (mesh) => {
    test.each(hosts)('%s: its HTTP goes through the gateway, its TLS as what is not declared', async (host) => {
      await mesh.apply(moved);
      await mesh.expectRow({
        from: 'app',
        request: `http://${host}/`,
        expect: { outcome: 'answered', via: 'gateway' },
      });
      await mesh.expectRow({
        from: 'app',
        request: `https://${host}/`,
        expect:
          outboundTrafficPolicy === 'ALLOW_ANY'
            ? { outcome: 'answered', via: 'undeclared' }
            : { outcome: 'refused', by: 'sidecar', symptom: 'tls-closed' },
      });
    });
  });
});
