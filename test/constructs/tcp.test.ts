import { App, Chart } from 'cdk8s';
import { GatewayEgress, GatewayEgressProps } from '../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { SidecarEgress, SidecarEgressProps } from '../../src/constructs/sidecar-egress';
import { Caller } from '../../src/values/caller';
import { EgressPort } from '../../src/values/egress-port';
import { GatewayInstallation } from '../../src/values/gateway-installation';
import { errorOf, manifestsOf, refusal, the } from '../support/app';

const ports = [EgressPort.tcp(5432)];
const installation = GatewayInstallation.helmChart({ namespace: 'egress' });

function database(chart: Chart, id: string, props: Partial<GatewayEgressProps> = {}): GatewayEgress {
  const gateway = InstalledEgressGateway.fromInstallation(chart, `${id}-exit`, installation);
  return new GatewayEgress(chart, id, {
    gateway,
    hosts: ['db.example.com'],
    ports,
    callers: [Caller.serviceAccount('payments', 'app')],
    ...props,
  });
}

function atSidecar(chart: Chart, id: string, props: Partial<SidecarEgressProps> = {}): SidecarEgress {
  return new SidecarEgress(chart, id, { hosts: ['db.example.com'], ports, ...props });
}

test('through a gateway: an entry with the address and no endpoints, a route by port, a server that checks the caller', () => {
  const manifests = manifestsOf((chart) => database(chart, 'db', { addresses: ['203.0.113.50'] }));
  expect(the('ServiceEntry', manifests, 'payments').spec).toEqual({
    hosts: ['db.example.com'],
    exportTo: ['.'],
    location: 'MESH_EXTERNAL',
    resolution: 'STATIC',
    addresses: ['203.0.113.50'],
    ports: [{ number: 5432, name: 'tcp-5432', protocol: 'TCP' }],
  });
  const [route] = the('VirtualService', manifests, 'payments').spec.tcp;
  expect(route.match).toEqual([{ port: 5432 }]);
  const [server] = the('Gateway', manifests).spec.servers;
  expect(server).toMatchObject({
    port: { protocol: 'TLS' },
    tls: { mode: 'ISTIO_MUTUAL', subjectAltNames: ['spiffe://cluster.local/ns/payments/sa/app'] },
  });
  const { hosts, tcp } = the('VirtualService', manifests, 'egress').spec;
  expect(server.hosts).toEqual([`egress/${hosts[0]}`]);
  expect(tcp[0].route[0].destination).toEqual({
    host: the('ServiceEntry', manifests, 'egress').spec.hosts[0],
    port: { number: 5432 },
  });
});

describe('where sidecars answer DNS', () => {
  const addressesIn = (build: (chart: Chart) => void, namespace = 'payments'): string[][] =>
    manifestsOf(build)
      .filter(({ kind, metadata }) => kind === 'ServiceEntry' && metadata.namespace === namespace)
      .map(({ spec }) => spec.addresses);

  test('each host gets its own stable address that no network routes', () => {
    const build = (chart: Chart) =>
      database(chart, 'db', { hosts: ['a.example.com', 'b.example.com'], dnsCapture: true });
    const [[a], [b]] = addressesIn(build);
    expect(a).not.toBe(b);
    for (const address of [a, b]) {
      expect(Number(address.split('.')[0])).toBeGreaterThanOrEqual(241);
      expect(Number(address.split('.')[0])).toBeLessThanOrEqual(254);
    }
    expect(addressesIn(build)).toEqual([[a], [b]]);
  });

  test('at the sidecar too, and the real addresses still come from DNS', () => {
    const entry = the(
      'ServiceEntry',
      manifestsOf((chart) => atSidecar(chart, 'db', { dnsCapture: true })),
    );
    expect(entry.spec.addresses).toHaveLength(1);
    expect(entry.spec.resolution).toBe('DNS');
  });
});

test.each<[string, (chart: Chart) => unknown, RegExp]>([
  [
    'no address through a gateway',
    (chart) => database(chart, 'db'),
    /\[chart\/db\] GatewayEgress: addresses: none given, but tcp-5432 needs them.*dnsCapture: true/,
  ],
  [
    'no address at the sidecar',
    (chart) => atSidecar(chart, 'db'),
    /\[chart\/db\] SidecarEgress: addresses: none given, but tcp-5432 needs them/,
  ],
  [
    'addresses for two hosts',
    (chart) => database(chart, 'db', { hosts: ['a.example.com', 'b.example.com'], addresses: ['203.0.113.50'] }),
    /addresses: 2 hosts cannot share them/,
  ],
  [
    'no addresses in the list',
    (chart) => database(chart, 'db', { addresses: [] }),
    /addresses: none given, but tcp-5432 needs them/,
  ],
  [
    'what is no address',
    (chart) => database(chart, 'db', { addresses: ['db'] }),
    /addresses\[0\]: "db" is not an IP address/,
  ],
  [
    'an address twice',
    (chart) => database(chart, 'db', { addresses: ['203.0.113.50', '203.0.113.50'] }),
    /addresses\[1\]: "203.0.113.50" is listed twice/,
  ],
  [
    'both',
    (chart) => database(chart, 'db', { addresses: ['203.0.113.50'], dnsCapture: true }),
    /dnsCapture: not together with `addresses`/,
  ],
])('%s is refused', (_what, build, says) => {
  expect(errorOf(() => manifestsOf(build))).toMatch(says);
});

test('two databases at one address and port stop synth, and nothing is written', () => {
  const build = (app: App, ...addresses: string[]) => {
    const chart = new Chart(app, 'chart', { namespace: 'payments' });
    addresses.forEach((address, index) =>
      database(chart, `db-${index}`, { hosts: [`db-${index}.example.com`], addresses: [address] }),
    );
  };
  const { message, written } = refusal((app) => build(app, '203.0.113.50', '203.0.113.50'));
  expect(message).toContain('shared-tcp-address');
  expect(message).toContain('203.0.113.50 port 5432');
  expect(written).toEqual([]);
  expect(() => refusal((app) => build(app, '203.0.113.50', '203.0.113.51'))).toThrow('nothing was thrown');
  // Without the entry of the second, its connections would end at the first.
  const nested =
    /port-conflict: db-0\.example\.com \(203\.0\.113\.0\/24\) and db-1\.example\.com \(203\.0\.113\.51\) \[chart\/db-1\]/;
  const said = refusal((app) => build(app, '203.0.113.0/24', '203.0.113.51')).message;
  expect(said).toMatch(nested);
  expect(said.match(/have addresses in common/g)).toHaveLength(1);
});

describe('a port on which one host is recognised by address and others by name', () => {
  type Props = Partial<SidecarEgressProps>;
  /** A TCP host in one chart and a named host in another. */
  const build =
    (tcp: Props, named: Props, namespace = 'payments') =>
    (app: App) => {
      const chart = new Chart(app, 'sites', { namespace });
      const gateway = InstalledEgressGateway.fromInstallation(chart, 'exit', installation);
      const callers = [Caller.serviceAccount(namespace, 'app')];
      new GatewayEgress(chart, 'named', { gateway, hosts: ['api.example.com'], callers, ...named });
      atSidecar(new Chart(app, 'data', { namespace: 'payments' }), 'db', { ports: [EgressPort.tcp(443)], ...tcp });
    };

  test.each<[string, Props, Props]>([
    ['one address', { addresses: ['203.0.113.50'] }, {}],
    ['a private range', { addresses: ['10.0.0.0/8'], endpoints: ['10.0.0.7'] }, {}],
    ['plain HTTP', { addresses: ['203.0.113.50'], ports: [EgressPort.tcp(80)] }, {}],
    [
      'names with an address in the range',
      { addresses: ['203.0.113.0/24'], endpoints: ['203.0.113.7'] },
      { addresses: ['203.0.113.50'] },
    ],
    [
      'names where sidecars answer DNS, if they do',
      { addresses: ['203.0.113.50'] },
      { dnsCapture: true, ports: [EgressPort.tls(), EgressPort.tcp(5432)] },
    ],
  ])('stops synth: %s', (_what, tcp, named) => {
    expect(refusal(build(tcp, named)).message).toMatch(
      /\[data\/db\] port-conflict: db\.example\.com takes every connection .* and api\.example\.com \[sites\/named\]/,
    );
  });

  test.each<[string, Props, Props, string | undefined]>([
    ['other ports', { addresses: ['203.0.113.50'], ports: [EgressPort.tcp(5432)] }, {}, undefined],
    ['other addresses', { addresses: ['203.0.113.50'] }, { addresses: ['203.0.113.51'] }, undefined],
    ['an address that stands for the host', { dnsCapture: true }, {}, undefined],
    ['another namespace', { addresses: ['203.0.113.50'] }, {}, 'billing'],
  ])('passes: %s', (_what, tcp, named, namespace) => {
    expect(() => refusal(build(tcp, named, namespace))).toThrow('nothing was thrown');
  });
});
