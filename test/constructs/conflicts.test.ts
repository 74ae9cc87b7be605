import { ApiObject, App, Chart, JsonPatch } from 'cdk8s';
import { Sidecar } from '../../imports/networking.istio.io';
import { EgressGateway } from '../../src/constructs/egress-gateway';
import { GatewayEgress, GatewayEgressProps } from '../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { RegistryOnlyMesh } from '../../src/constructs/registry-only-mesh';
import { SidecarEgress, SidecarEgressProps } from '../../src/constructs/sidecar-egress';
import { Caller } from '../../src/values/caller';
import { CertificateAuthority } from '../../src/values/certificate-authority';
import { EgressPort } from '../../src/values/egress-port';
import { GatewayInstallation } from '../../src/values/gateway-installation';
import { allManifests, newApp, refusal } from '../support/app';

const HOST = 'api.example.com';
const INSTALLATION = GatewayInstallation.helmChart({ namespace: 'egress' });
const CHECKOUT = Caller.serviceAccount('payments', 'checkout');
const BATCH = Caller.serviceAccount('payments', 'batch');

/** Two teams, one chart each, as in one app of a platform. */
const teams = (app: App) => ['one', 'other'].map((name) => new Chart(app, name, { namespace: 'payments' }));
const sites = (chart: Chart, props: Partial<SidecarEgressProps> = {}) =>
  new SidecarEgress(chart, 'sites', { hosts: [HOST], ...props });
const partner = (chart: Chart, props: Partial<GatewayEgressProps> & { installation?: GatewayInstallation } = {}) => {
  const { installation = INSTALLATION, ...rest } = props;
  const gateway = InstalledEgressGateway.fromInstallation(chart, 'exit', installation);
  return new GatewayEgress(chart, 'partner', { gateway, hosts: [HOST], callers: [CHECKOUT], ...rest });
};
const raw = (chart: Chart, kind: string, spec: object, metadata: object = {}) =>
  new ApiObject(chart, 'mine', {
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata: { name: 'mine', namespace: 'payments', ...metadata },
    spec,
  } as any);

/** The problems that the message of an error lists. */
const problemsIn = (message: string) =>
  message
    .split('\n')
    .slice(1)
    .map((line) => line.trim());

/** What stands in the error: who reports it, both construct paths, and what differs. */
const ROWS: [string, (one: Chart, other: Chart) => unknown, string[]][] = [
  [
    'the same way with other ports',
    (one, other) => {
      sites(one);
      sites(other, { ports: [EgressPort.tls()] });
    },
    [
      '[other/sites] egress-path-conflict: api.example.com from namespace payments',
      '[one/sites]',
      'ports: ["http-80","tls-443"] there, ["tls-443"] here',
      'declare it once, or give both declarations the same options',
    ],
  ],
  [
    'the same way with a timeout',
    (one, other) => {
      sites(one);
      sites(other, { retries: { attempts: 1 } });
    },
    ['[other/sites] egress-path-conflict', 'retries: not set there, {"attempts":1} here'],
  ],
  [
    'the same way for other owners',
    (one, other) => {
      partner(one);
      partner(other, { owner: 'platform' });
    },
    ['[other/partner] egress-path-conflict', '[one/partner]', 'owner: "payments" there, "platform" here'],
  ],
  [
    'the same way, once as TLS and once plainly',
    (one, other) => {
      partner(one).originateTls('tls');
      partner(other);
    },
    ['[other/partner] egress-path-conflict', 'tlsOrigination: {', 'there, not set here'],
  ],
  [
    'the same way with other authorities',
    (one, other) => {
      sites(one).originateTls('tls');
      sites(other).originateTls('tls', { certificateAuthority: CertificateAuthority.fromConfigMap('ca') });
    },
    ['[other/sites] egress-path-conflict', 'tlsOrigination: ', '"caConfigMap":"ca"'],
  ],
  [
    'the same way with other traffic policies',
    (one, other) => {
      sites(one, { connectionPool: { maxConnections: 1 } });
      sites(other, { connectionPool: { maxConnections: 2 } });
    },
    [
      '[other/sites] egress-path-conflict',
      'connectionPool: {"tcp":{"maxConnections":1}} there, {"tcp":{"maxConnections":2}} here',
    ],
  ],
  [
    'the same way in one chart',
    (one) => {
      sites(one);
      new SidecarEgress(one, 'again', { hosts: [HOST], labels: { a: 'b' } });
    },
    ['[one/again] egress-path-conflict', '[one/sites]', 'labels: {} there, {"a":"b"} here'],
  ],
  [
    'a gateway described in two ways',
    (one, other) => {
      partner(one);
      partner(other, {
        hosts: ['b.example.com'],
        installation: GatewayInstallation.helmChart({ namespace: 'egress', trustDomain: 'example.org' }),
      });
    },
    [
      '[other/partner] gateway-conflict: the gateway egress/istio-egressgateway',
      'by [one/',
      'trustDomain: "cluster.local" there, "example.org" here',
      'Describe it once',
    ],
  ],
  [
    'an installed gateway described in two ways',
    (one, other) => {
      new InstalledEgressGateway(one, 'exit', { installation: INSTALLATION });
      partner(other, {
        installation: GatewayInstallation.helmChart({ namespace: 'egress', clusterDomain: 'k8s.local' }),
      });
    },
    ['[other/partner] gateway-conflict', '[one/exit]', 'clusterDomain'],
  ],
  [
    'the hop Service emitted twice',
    (one, other) => {
      for (const chart of [one, other]) new InstalledEgressGateway(chart, 'exit', { installation: INSTALLATION });
    },
    [
      '[one/exit] duplicate-object: Service egress/istio-egressgateway-hop [one/exit/Resource]',
      '[other/exit/Resource]',
    ],
  ],
  [
    'two locks for the mesh',
    (one, other) => {
      for (const chart of [one, other]) new RegistryOnlyMesh(chart, 'lock');
    },
    ['duplicate-object', '[one/lock/Resource]', '[other/lock/Resource]'],
  ],
  [
    'two default Sidecars in a namespace',
    (one, other) => {
      new RegistryOnlyMesh(one, 'lock', { namespaces: ['payments'] });
      new Sidecar(other, 'mine', {
        metadata: { namespace: 'payments' },
        spec: { outboundTrafficPolicy: { mode: 'ALLOW_ANY' as any } },
      });
    },
    ['[one/lock] default-sidecar-conflict', '[other/mine]', 'Keep one Sidecar', 'See https://istio.io/'],
  ],
  [
    'two root namespaces',
    (one, other) => {
      new RegistryOnlyMesh(one, 'lock');
      new RegistryOnlyMesh(other, 'lock', { rootNamespace: 'mesh' });
    },
    [
      '[other/lock] mesh-conflict: the mesh is described differently here and by [one/lock] (rootNamespace: ' +
        '"istio-system" there, "mesh" here)',
      'write an App for each mesh',
    ],
  ],
  [
    'a Sidecar of the app that opens what the lock closes',
    (one, other) => {
      new RegistryOnlyMesh(one, 'lock');
      raw(other, 'Sidecar', { egress: [{ hosts: ['*/*'] }] });
    },
    ['[one/lock] sidecar-without-mode', '[other/mine]'],
  ],
  [
    'an entry of the app that shadows ours',
    (one, other) => {
      partner(one);
      raw(other, 'ServiceEntry', {
        hosts: [HOST],
        exportTo: ['.'],
        resolution: 'DNS',
        ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      });
    },
    ['[one/partner] service-entry-conflict', '[other/mine]'],
  ],
  [
    'a route of the app that shadows ours',
    (one, other) => {
      sites(one);
      raw(other, 'VirtualService', {
        hosts: [HOST],
        exportTo: ['.'],
        http: [{ route: [{ destination: { host: HOST } }] }],
      });
    },
    ['[one/sites] mesh-route-conflict', '[other/mine]'],
  ],
  [
    'a rule of the app that Istio cannot merge with ours',
    (one, other) => {
      sites(one, { connectionPool: { maxConnections: 1 } });
      raw(other, 'DestinationRule', { host: HOST, trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } });
    },
    ['[one/sites] destination-rule-conflict', '[other/mine]'],
  ],
  [
    'a server of the app that takes ours',
    (one, other) => {
      const [first] = partner(one).gatewayObjects.filter(({ kind }) => kind === 'Gateway');
      const [{ hosts }] = first.toJson().spec.servers;
      raw(
        other,
        'Gateway',
        {
          selector: INSTALLATION.labels,
          servers: [{ port: { number: 443, name: 'a', protocol: 'TLS' }, hosts, tls: { mode: 'PASSTHROUGH' } }],
        },
        { namespace: 'egress' },
      );
    },
    ['[one/partner] gateway-server-conflict', '[other/mine]'],
  ],
  [
    'a server of the app that is plain on our port',
    (one, other) => {
      partner(one);
      raw(
        other,
        'Gateway',
        {
          selector: INSTALLATION.labels,
          servers: [{ port: { number: 443, name: 'a', protocol: 'HTTP' }, hosts: ['*'] }],
        },
        { namespace: 'egress' },
      );
    },
    ['[one/partner] gateway-server-conflict', '[other/mine]'],
  ],
  [
    'an object of the app under our name',
    (one, other) => {
      const [entry] = sites(one).apiObjects.filter(({ kind }) => kind === 'ServiceEntry');
      raw(
        other,
        'ServiceEntry',
        {
          hosts: ['b.example.com'],
          exportTo: ['.'],
          resolution: 'DNS',
          ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
        },
        { name: entry.name },
      );
    },
    ['[one/sites] duplicate-object', '[other/mine]'],
  ],
];

test.each(ROWS)('%s stops synth with both construct paths, and nothing is written', (_what, build, parts) => {
  const { message, written } = refusal((app) => {
    const [one, other] = teams(app);
    build(one, other);
  });
  expect(message).toMatch(/^Validation failed with the following errors:\n/);
  for (const part of parts) expect(message).toContain(part);
  expect(message).not.toContain('undefined');
  expect(written).toEqual([]);
});

/** Two ways for one host of one namespace are one problem, however many objects they make. */
test.each<[string, (one: Chart, other: Chart) => unknown, string]>([
  [
    'the sidecar and a gateway',
    (one, other) => {
      sites(one);
      partner(other);
    },
    '[other/partner] egress-path-conflict: api.example.com from namespace payments is declared here through ' +
      'egress/istio-egressgateway, and by [one/sites] straight from the sidecar.',
  ],
  [
    'a gateway and the sidecar, with TLS and traffic policies',
    (one, other) => {
      partner(one, { connectionPool: { maxConnections: 1 } }).originateTls('tls');
      sites(other, { connectionPool: { maxConnections: 2 } }).originateTls('tls');
    },
    '[other/sites] egress-path-conflict: api.example.com from namespace payments is declared here straight ' +
      'from the sidecar, and by [one/partner] through egress/istio-egressgateway.',
  ],
  [
    'two gateways',
    (one, other) => {
      partner(one);
      partner(other, { installation: GatewayInstallation.helmChart({ namespace: 'egress-2' }) });
    },
    '[other/partner] egress-path-conflict: api.example.com from namespace payments is declared here through ' +
      'egress-2/istio-egressgateway, and by [one/partner] through egress/istio-egressgateway.',
  ],
])('one host of one namespace by %s is reported once', (_what, build, problem) => {
  const { message, written } = refusal((app) => {
    const [one, other] = teams(app);
    build(one, other);
  });
  expect(problemsIn(message)).toEqual([`${problem} A namespace has one egress path to a host: keep one of the two.`]);
  expect(written).toEqual([]);
});

/** An open host of the namespace, and where its sidecars find it. */
const alias = (chart: Chart, endpoint: string, props: Partial<SidecarEgressProps> = {}) =>
  new SidecarEgress(chart, 'alias', { hosts: ['alias.example.com'], endpoints: [endpoint], ...props });
const database = (chart: Chart) => partner(chart, { ports: [EgressPort.tcp(5432)], addresses: ['203.0.113.0/28'] });

test.each<[string, string, (one: Chart, other: Chart) => unknown]>([
  [
    'name',
    HOST,
    (one, other) => {
      alias(one, HOST);
      partner(other);
    },
  ],
  [
    'address',
    '203.0.113.7',
    (one, other) => {
      database(other);
      alias(one, '203.0.113.7', { ports: [EgressPort.tcp(5432)], dnsCapture: true });
    },
  ],
])('endpoints that are a host behind a gateway are reported, by %s', (_what, endpoint, build) => {
  const { message, written } = refusal((app) => {
    const [one, other] = teams(app);
    build(one, other);
  });
  expect(problemsIn(message)).toEqual([
    `[one/alias] egress-path-conflict: sidecars would connect to ${endpoint} for alias.example.com, while ` +
      `[other/partner] declares ${HOST} from namespace payments through egress/istio-egressgateway. Write other ` +
      'endpoints, or keep one of the two.',
  ]);
  expect(written).toEqual([]);
});

test.each<[string, (one: Chart, other: Chart, app: App) => unknown]>([
  [
    'another port of such an address',
    (one, other) => {
      database(other);
      alias(one, '203.0.113.7');
    },
  ],
  [
    'an address of both, whose connections are told apart by name',
    (one, other) => {
      partner(other, { addresses: ['203.0.113.7'] });
      alias(one, '203.0.113.7');
    },
  ],
  [
    'such a name on another port',
    (one, other) => {
      database(other);
      alias(one, HOST, { ports: [EgressPort.tls()] });
    },
  ],
  [
    'an address beside it',
    (one, other) => {
      database(other);
      alias(one, '203.0.113.16', { ports: [EgressPort.tcp(5432)], dnsCapture: true });
    },
  ],
  [
    'a host that is open as well',
    (one, other) => {
      alias(one, HOST);
      sites(other);
    },
  ],
  [
    'a host that another namespace calls through a gateway',
    (one, _other, app) => {
      alias(one, HOST);
      partner(new Chart(app, 'shop', { namespace: 'shop' }), { callers: [Caller.serviceAccount('shop', 'checkout')] });
    },
  ],
])('endpoints may be %s', (_what, build) => {
  const app = newApp();
  const [one, other] = teams(app);
  build(one, other, app);
  app.synth();
});

test('a foreign object for a host with two egress paths is reported as well', () => {
  const { message } = refusal((app) => {
    const [one, other] = teams(app);
    sites(one);
    partner(other);
    raw(other, 'VirtualService', {
      hosts: [HOST],
      exportTo: ['.'],
      http: [{ route: [{ destination: { host: HOST } }] }],
    });
  });
  expect(message).toContain('egress-path-conflict');
  expect(message).toMatch(/mesh-route-conflict: .*\[other\/mine\]/);
});

test('two gateways of one name are reported once', () => {
  const { message, written } = refusal((app) => {
    const [one, other] = teams(app);
    for (const chart of [one, other]) new EgressGateway(chart, 'exit', { namespace: 'egress' }).lockdown();
  });
  expect(problemsIn(message)).toEqual([
    '[other/exit] gateway-conflict: the gateway egress/egress-gateway is installed here and by ' +
      '[one/exit]; of two gateways with one name, the one applied last replaces the other. ' +
      'Give one of them another `name`, or use the first wherever you need it.',
  ]);
  expect(written).toEqual([]);
});

test('all conflicts between constructs are in one error', () => {
  const { message } = refusal((app) => {
    const [one, other] = teams(app);
    sites(one);
    sites(other, { ports: [EgressPort.tls()] });
    for (const chart of [one, other]) new RegistryOnlyMesh(chart, 'lock');
  });
  expect(message).toContain('egress-path-conflict');
  expect(message).toContain('duplicate-object');
});

test('declarations of one egress path with the same options share one set of objects, in the first chart', () => {
  const app = newApp();
  const [one, other] = teams(app);
  const [first, second] = [sites(one), sites(other)];
  for (const egress of [first, second]) egress.originateTls('tls');
  app.synth();
  expect(one.toJson()).toHaveLength(4);
  expect(other.toJson()).toEqual([]);
  expect(second.apiObjects).toEqual(first.apiObjects);
});

test('callers of all declarations are admitted together', () => {
  const app = newApp();
  const [one, other] = teams(app);
  partner(one);
  partner(other, { callers: [BATCH] });
  app.synth();
  const { servers } = one.toJson().find(({ kind }: any) => kind === 'Gateway').spec;
  for (const { tls } of servers)
    expect(tls.subjectAltNames).toEqual(
      ['batch', 'checkout'].map((name) => `spiffe://cluster.local/ns/payments/sa/${name}`),
    );
});

test('different namespaces, hosts and owners do not conflict', () => {
  const app = newApp();
  const [one, other] = [
    new Chart(app, 'one', { namespace: 'payments' }),
    new Chart(app, 'other', { namespace: 'web' }),
  ];
  sites(one);
  sites(other, { ports: [EgressPort.tls()] });
  partner(one, { hosts: ['b.example.com'] });
  partner(other, {
    hosts: ['b.example.com'],
    callers: [Caller.serviceAccount('web', 'front')],
    http: undefined,
    ports: [EgressPort.http()],
  });
  expect(() => app.synth()).not.toThrow();
});

test('labels written in another order describe the same gateway', () => {
  const app = newApp();
  const [one, other] = teams(app);
  const described = (labels: Record<string, string>) =>
    GatewayInstallation.deployment({ namespace: 'egress', name: 'exit', labels, serviceAccountName: 'exit' });
  partner(one, { installation: described({ a: '1', b: '2' }) });
  partner(other, { hosts: ['b.example.com'], installation: described({ b: '2', a: '1' }) });
  expect(() => app.synth()).not.toThrow();
});

test('a lock of single namespaces states no root namespace unless one is given', () => {
  const app = newApp();
  const [one, other] = teams(app);
  new RegistryOnlyMesh(one, 'lock', { rootNamespace: 'mesh' });
  new RegistryOnlyMesh(other, 'lock', { namespaces: ['web'] });
  expect(() => app.synth()).not.toThrow();
});

test('the rules know the root namespace that the app states', () => {
  const { message } = refusal((app) => {
    const [one, other] = teams(app);
    new RegistryOnlyMesh(one, 'lock', { rootNamespace: 'mesh' });
    raw(other, 'Sidecar', { egress: [{ hosts: ['*/*'] }] });
  });
  expect(message).toContain('[one/lock] sidecar-without-mode');
});

test('conflicts between two objects of the app alone are not reported by constructs', () => {
  const app = newApp();
  const [one, other] = teams(app);
  sites(one);
  for (const [index, chart] of [one, other].entries())
    raw(
      chart,
      'VirtualService',
      { hosts: ['foreign.example.com'], http: [{ route: [{ destination: { host: `${index}.example.com` } }] }] },
      { name: `mine-${index}` },
    );
  expect(() => app.synth()).not.toThrow();
});

test('a conflict caused by a patch is found, and gone when the app is changed and synthesised again', () => {
  const app = newApp();
  const [one, other] = teams(app);
  const entry = raw(other, 'ServiceEntry', {
    hosts: ['b.example.com'],
    exportTo: ['.'],
    resolution: 'NONE',
    ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
  });
  sites(one);
  expect(() => app.synth()).not.toThrow();
  entry.addJsonPatch(JsonPatch.replace('/spec/hosts/0', HOST));
  expect(() => app.synth()).toThrow('service-entry-conflict');
  other.node.tryRemoveChild('mine');
  expect(() => app.synth()).not.toThrow();
  raw(other, 'ServiceEntry', {
    hosts: [HOST],
    exportTo: ['.'],
    resolution: 'NONE',
    ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
  });
  expect(() => app.synth()).toThrow('service-entry-conflict');
});

test('an object that replaces another is checked, although the number of objects is the same', () => {
  const app = newApp();
  const [one, other] = teams(app);
  sites(one);
  raw(other, 'ServiceEntry', {
    hosts: ['b.example.com'],
    exportTo: ['.'],
    resolution: 'NONE',
    ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
  });
  app.synth();
  other.node.tryRemoveChild('mine');
  raw(other, 'ServiceEntry', {
    hosts: [HOST],
    exportTo: ['.'],
    resolution: 'NONE',
    ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
  });
  expect(() => app.synth()).toThrow('service-entry-conflict');
});

test('what is declared after a synth is checked by the next', () => {
  const app = newApp();
  const [one, other] = teams(app);
  const first = sites(one, { connectionPool: { maxConnections: 1 } });
  sites(other, { connectionPool: { maxConnections: 1 } });
  app.synth();
  first.originateTls('tls');
  expect(() => app.synth()).toThrow('[other/sites] egress-path-conflict');
});

test('two apps in one process are independent', () => {
  const [app, another] = [newApp(), newApp()];
  sites(new Chart(app, 'one', { namespace: 'payments' }));
  sites(new Chart(another, 'one', { namespace: 'payments' }), { ports: [EgressPort.tls()] });
  expect(() => [app, another].map((each) => each.synth())).not.toThrow();
  expect([app, another].map((each) => allManifests(each).length)).toEqual([2, 1]);
});
