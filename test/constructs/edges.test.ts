/** The edges of the public interface: what plain JavaScript, or a cast, can pass where TypeScript would not. */
import { STATUS_CODES } from 'http';
import * as path from 'path';
import { App, Chart, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import * as ts from 'typescript';
import type { Egress } from '../../src/constructs/egress';
import type { IEgressGateway } from '../../src/constructs/i-egress-gateway';
import { errorOf, newApp, temporaryFolder } from '../support/app';
import { deployment } from '../support/workloads';

/** The package as plain JavaScript sees it. */
const library: any = jest.requireActual('../../src');

/** What a prop takes. The test knows for each of them which values are of another kind. */
type Kind =
  | 'text'
  | 'number'
  | 'flag'
  | 'Duration'
  | 'map'
  | 'enum'
  | 'value'
  | 'construct'
  | 'chart'
  | { readonly listOf: Kind }
  | { readonly struct: string };

interface Stage {
  readonly chart: Chart;
  readonly gateway: IEgressGateway;
  readonly egress: Egress;
}

const INSTALLATION = library.GatewayInstallation.helmChart({ namespace: 'egress' });
const CALLER = library.Caller.serviceAccount('payments', 'checkout');
const HOSTS = ['api.example.com'];

function stage(): Stage {
  const chart = new Chart(newApp(), 'chart', { namespace: 'payments' });
  const gateway = library.InstalledEgressGateway.fromInstallation(chart, 'exit', INSTALLATION);
  return { chart, gateway, egress: new library.SidecarEgress(chart, 'sites', { hosts: HOSTS }) };
}

/** Props, options and arguments: who takes them, how they are passed, and what is right. */
interface Entrance {
  readonly props: string;
  readonly who: RegExp;
  readonly right: (on: Stage) => Record<string, unknown>;
  readonly pass: (on: Stage, props: any) => unknown;
}

const construct = (name: string, right: Entrance['right'], props = `${name}Props`): Entrance => ({
  props,
  who: new RegExp(`^\\[chart/it\\] ${name}: `),
  right,
  pass: ({ chart }, given) => new library[name](chart, 'it', given),
});
const factory = (method: string, right: Record<string, unknown>, props: string): Entrance => ({
  props,
  who: new RegExp(`^GatewayInstallation\\.${method}: `),
  right: () => right,
  pass: (_on, given) => library.GatewayInstallation[method](given),
});

const ENTRANCES: Entrance[] = [
  construct('SidecarEgress', () => ({ hosts: HOSTS })),
  construct('GatewayEgress', ({ gateway }) => ({ hosts: HOSTS, gateway, callers: [CALLER] })),
  construct('TlsOrigination', ({ egress }) => ({ egress })),
  construct('DirectEgress', ({ chart }) => ({
    workloads: [deployment(chart)],
    toPorts: [22],
    toCidrs: ['203.0.113.9/32'],
  })),
  construct('RegistryOnlyMesh', () => ({})),
  construct('EgressBoundary', ({ chart }) => ({
    namespaces: ['payments'],
    gateways: [new library.EgressGateway(chart, 'own', { namespace: 'own' })],
  })),
  construct('EgressGateway', () => ({ namespace: 'egress' })),
  construct('InstalledEgressGateway', () => ({ installation: INSTALLATION })),
  construct('RefusalLog', () => ({})),
  construct('EgressGuard', () => ({})),
  {
    props: 'LintPluginProps',
    who: /^LintPlugin: /,
    right: () => ({}),
    pass: (_on, props) => new library.LintPlugin(props),
  },
  {
    props: 'ProxySelection',
    who: /^\[chart\/it\] NoTraceContext: /,
    right: () => ({}),
    pass: ({ chart }, props) => new library.NoTraceContext(chart, 'it', props),
  },
  {
    props: 'FluxOrderOptions',
    who: /^ApplyOrder\.flux: /,
    right: () => ({ folder: temporaryFolder(), path: './deploy', source: 'fleet' }),
    pass: ({ chart }, options) => library.ApplyOrder.flux(App.of(chart), options),
  },
  {
    props: 'TlsOriginationOptions',
    who: /^\[chart\/sites\/it\] TlsOrigination: /,
    right: () => ({}),
    pass: ({ egress }, options) => egress.originateTls('it', options),
  },
  {
    props: 'MeshHelmValuesOptions',
    who: /^\[chart\/it\] RegistryOnlyMesh\.helmValues: /,
    right: () => ({}),
    pass: ({ chart }, options) => new library.RegistryOnlyMesh(chart, 'it').helmValues(options),
  },
  {
    props: 'ServiceAccountCallerOptions',
    who: /^Caller\.serviceAccount: /,
    right: () => ({}),
    pass: (_on, options) => library.Caller.serviceAccount('payments', 'checkout', options),
  },
  factory('helmChart', { namespace: 'egress' }, 'HelmChartGatewayOptions'),
  factory('istioOperator', { namespace: 'egress' }, 'IstioOperatorGatewayOptions'),
  factory(
    'deployment',
    { namespace: 'egress', name: 'exit', labels: { app: 'exit' }, serviceAccountName: 'exit' },
    'DeploymentGatewayOptions',
  ),
  factory('egressGateway', { namespace: 'egress' }, 'EgressGatewayInstallationOptions'),
];

/** A right value for each struct that is passed inside another. */
const STRUCTS: Record<string, Record<string, unknown>> = {
  EgressRetries: { attempts: 1 },
  EgressOutlierDetection: { consecutive5xxErrors: 3 },
  EgressConnectionPool: {},
  EgressGatewayScaling: {},
  EgressGatewayResources: {},
  EgressGatewayToleration: { key: 'dedicated' },
  WorkloadSelection: { namespace: 'payments', labels: { app: 'checkout' } },
  BoundaryDns: {},
  BoundaryAllowedEgress: { namespace: 'payments', toCidrs: ['10.0.0.0/8'], toNamespaces: ['shop'], reason: 'a reason' },
};

/** Interfaces that only other interfaces extend. */
const BASES = ['CommonEgressProps', 'GatewayInstallationOptions', 'IEgressGateway'];

/** Every public interface with its props, as the compiler sees them. */
const INTERFACES = interfaces();

/* eslint-disable no-bitwise -- the compiler keeps its flags so */
function interfaces(): Map<string, { prop: string; optional: boolean; kind: Kind }[]> {
  const entry = path.join(__dirname, '../../src/index.ts');
  const config = { strict: true, skipLibCheck: true, lib: ['lib.es2022.d.ts'], noEmit: true, types: [] };
  const program = ts.createProgram([entry], {
    ...config,
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
  });
  const checker = program.getTypeChecker();
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)!)!);
  const found = new Map<string, { prop: string; optional: boolean; kind: Kind }[]>();
  for (const alias of exported) {
    const symbol = alias.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(alias) : alias;
    if (!(symbol.flags & ts.SymbolFlags.Interface)) continue;
    const props = checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)).map((prop) => ({
      prop: prop.name,
      optional: (prop.flags & ts.SymbolFlags.Optional) !== 0,
      kind: kindOf(checker, checker.getNonNullableType(checker.getTypeOfSymbol(prop))),
    }));
    found.set(symbol.name, props);
  }
  return found;
}

function kindOf(checker: ts.TypeChecker, type: ts.Type): Kind {
  const name = type.aliasSymbol?.name ?? type.symbol?.name;
  if (type.flags & ts.TypeFlags.EnumLike) return 'enum';
  if (type.flags & ts.TypeFlags.String) return 'text';
  if (type.flags & ts.TypeFlags.Number) return 'number';
  if (type.flags & ts.TypeFlags.BooleanLike) return 'flag';
  if (checker.isArrayType(type)) return { listOf: kindOf(checker, checker.getTypeArguments(type as any)[0]) };
  if (name === 'Record') return 'map';
  if (name === 'Duration') return 'Duration';
  if (name === 'Chart') return 'chart';
  if (name === 'IConstruct') return 'construct';
  if (name in STRUCTS) return { struct: name };
  return 'value';
}

/* eslint-enable no-bitwise */

const NOTHING = [undefined, null];
const PLAIN_OBJECT = { some: 'object' };

/** Values of every other kind than the right one. */
function wrong(kind: Kind): unknown[] {
  const text = ['text', '80'];
  const others = [Symbol('s'), 10n, () => 1, new Map(), PLAIN_OBJECT, Object.create(null), new Date(), NaN];
  switch (kind) {
    case 'text':
      return [5, true, ['text'], [], ...others];
    case 'number':
      return [...text, true, [5], [], 0.5, -1, Infinity, ...others];
    case 'flag':
      return [...text, 0, 1, [true], ...others];
    case 'map':
      return [...text, 5, true, ['a=b'], Symbol('s'), 10n, () => 1, new Map(), new Date(), { app: 5 }, { app: null }];
    case 'enum':
    case 'Duration':
    case 'value':
    case 'construct':
    case 'chart':
      return [...text, 5, true, ['text'], [], ...others];
    default:
      if ('struct' in kind) return [...text, 5, true, ['text'], [], Symbol('s'), 10n, () => 1];
      return [...text, 5, true, ...others, ...[...NOTHING, ...wrong(kind.listOf)].map((item) => [item])];
  }
}

/** Each prop of an interface, and of every struct inside: where it is, and how to put a value there. */
function places(
  name: string,
  at = '',
  put: (value: unknown) => Record<string, unknown> = (value) => value as any,
): { place: string; kind: Kind; optional: boolean; put: (value: unknown) => Record<string, unknown> }[] {
  return INTERFACES.get(name)!.flatMap(({ prop, kind, optional }) => {
    const place = `${at}${prop}`;
    const here = (value: unknown) => put({ ...STRUCTS[name], [prop]: value });
    const inner = typeof kind === 'object' && 'listOf' in kind ? kind.listOf : kind;
    const deeper =
      typeof inner === 'object' && 'struct' in inner
        ? places(inner.struct, `${place}${inner === kind ? '' : '[0]'}.`, (value) =>
            here(inner === kind ? value : [value]),
          )
        : [];
    return [{ place, kind, optional, put: here }, ...deeper];
  });
}

test('every public interface is passed somewhere below', () => {
  const passed = [...ENTRANCES.map(({ props }) => props), ...Object.keys(STRUCTS), ...BASES];
  expect([...INTERFACES.keys()].filter((name) => !passed.includes(name))).toEqual([]);
  expect(INTERFACES.size).toBeGreaterThan(25);
});

describe.each(ENTRANCES.map((entrance) => [entrance.props, entrance] as const))('%s', (name, entrance) => {
  const shared = stage();
  const right = entrance.right(shared);

  /** What is said about props that are refused. The construct that refuses them goes, so that the stage stays as it was. */
  function told(props: unknown): string {
    try {
      entrance.pass(shared, props);
    } catch (error) {
      // V8's own errors are about the code; ours are plain errors about the value.
      expect((error as Error).constructor.name).toBe('Error');
      return (error as Error).message;
    } finally {
      for (const scope of [shared.chart, shared.egress]) scope.node.tryRemoveChild('it');
    }
    throw new Error('nothing was thrown');
  }

  test('takes what is right', () => {
    const on = stage();
    expect(() => entrance.pass(on, entrance.right(on))).not.toThrow();
  });

  test.each(places(name).map((row) => [row.place, row] as const))(
    '%s refuses every other kind, and says who, where and what to write',
    (place, { kind, optional, put }) => {
      const mandatory = optional ? [] : NOTHING;
      for (const value of [...wrong(kind), ...mandatory]) {
        const message = told({ ...right, ...put(value) });
        expect(message).toMatch(entrance.who);
        const start = message.replace(/^.*?: /, '').replace(/^\d+ problems:\n/, '');
        const lines = start.split('\n').map((line) => line.replace(/^ *- /, ''));
        const about = lines.find((line) => line.startsWith(place) && /^[[.:]/.test(line.slice(place.length)));
        expect({ value, about }).toEqual({ value, about: expect.stringMatching(/[;:,] ?\S|none given/) });
      }
    },
  );

  test.each(
    places(name)
      .filter(({ optional }) => optional)
      .map((row) => [row.place, row] as const),
  )('%s may be left out as undefined or null', (_place, { put }) => {
    for (const value of NOTHING) {
      const on = stage();
      // outlierDetection is the one that may not be empty
      const others = 'outlierDetection' in put(value) ? { outlierDetection: { interval: Duration.seconds(1) } } : {};
      expect(() => entrance.pass(on, { ...entrance.right(on), ...put(value), ...others })).not.toThrow();
    }
  });

  test('props of another kind are refused as such', () => {
    for (const value of ['text', 5, true, ['text'], () => 1])
      expect(told(value)).toMatch(new RegExp(`${entrance.who.source}(props|options): .* is not an object`));
    if (INTERFACES.get(name)!.every(({ optional }) => optional)) {
      // Nothing at all is a boundary without namespaces.
      const attempt = () => entrance.pass(stage(), null);
      if (entrance.props === 'EgressBoundaryProps') expect(errorOf(attempt)).toMatch(entrance.who);
      else expect(attempt).not.toThrow();
    } else if (entrance.props !== 'TlsOriginationOptions') {
      for (const value of NOTHING)
        expect(told(value)).toMatch(/(props|options): \w+ is not an object; write one with /);
    }
  });

  test('all of it is told at once', () => {
    const props = INTERFACES.get(name)!;
    const bad = Object.fromEntries(props.map(({ prop }) => [prop, 10n]));
    const message = told(bad);
    for (const { prop } of props) expect(message).toMatch(new RegExp(`(^|: |  - )${prop}: 10 is n`, 'm'));
  });
});

/** The arguments of factories and methods: which is wrong, and what the error says. */
const ARGUMENTS: [string, (value: any) => unknown, RegExp][] = [
  [
    'Caller.serviceAccount, namespace',
    (v) => library.Caller.serviceAccount(v, 'x'),
    /^Caller\.serviceAccount: namespace: /,
  ],
  ['Caller.serviceAccount, name', (v) => library.Caller.serviceAccount('a', v), /^Caller\.serviceAccount: name: /],
  ['Caller.workload', (v) => library.Caller.workload(v), /^Caller\.workload: workload: .* is not a construct; give /],
  ['Caller.wholeNamespace', (v) => library.Caller.wholeNamespace(v), /^Caller\.wholeNamespace: namespace: /],
  ['caller.spiffeId', (v) => CALLER.spiffeId(v), /^Caller\.spiffeId: trustDomain: /],
  [
    'CertificateAuthority.fromFile',
    (v) => library.CertificateAuthority.fromFile(v),
    /^CertificateAuthority\.fromFile: path: /,
  ],
  [
    'CertificateAuthority.fromConfigMap',
    (v) => library.CertificateAuthority.fromConfigMap(v),
    /^CertificateAuthority\.fromConfigMap: name: /,
  ],
  [
    'ClientCertificate.fromSecret',
    (v) => library.ClientCertificate.fromSecret(v),
    /^ClientCertificate\.fromSecret: name: /,
  ],
  [
    'ClientCertificate.fromFiles, certificate',
    (v) => library.ClientCertificate.fromFiles(v, '/key.pem'),
    /^ClientCertificate\.fromFiles: certificatePath: /,
  ],
  [
    'ClientCertificate.fromFiles, key',
    (v) => library.ClientCertificate.fromFiles('/crt.pem', v),
    /^ClientCertificate\.fromFiles: privateKeyPath: /,
  ],
  [
    'InstalledEgressGateway.fromInstallation',
    (v) => library.InstalledEgressGateway.fromInstallation(stage().chart, 'it', v),
    /^\[chart\/it\] InstalledEgressGateway\.fromInstallation: installation: .* is not a GatewayInstallation; write /,
  ],
  [
    'allowCaller',
    (v) => {
      const { chart, gateway } = stage();
      new library.GatewayEgress(chart, 'it', { hosts: HOSTS, gateway, callers: [CALLER] }).allowCaller(v);
    },
    /^\[chart\/it\] GatewayEgress: caller: .* is not a Caller; write Caller\.serviceAccount\(/,
  ],
];

test.each(ARGUMENTS)('%s refuses every other kind', (_what, call, says) => {
  for (const value of [...NOTHING, ...wrong('value').filter((one) => typeof one !== 'string')]) {
    expect(errorOf(() => call(value))).toMatch(says);
    expect(errorOf(() => call(value))).toMatch(/[;:] \w+/);
  }
});

/** Each has a factory of its name, which its errors give. */
const PROTOCOLS = Object.values<string>(library.EgressProtocol).map((name) => name.toLowerCase());

test.each(PROTOCOLS)('EgressPort.%s refuses every other kind', (protocol) => {
  for (const value of wrong('number')) {
    const message = errorOf(() => library.EgressPort[protocol](value as any));
    expect(message).toMatch(new RegExp(`^EgressPort\\.${protocol}\\(.*\\): .* is not a port number.*; write `));
  }
  expect(errorOf(() => library.EgressPort[protocol]('8080' as any))).toBe(
    `EgressPort.${protocol}("8080"): "8080" is not a port number; write EgressPort.${protocol}(8080)`,
  );
});

test('no static factory is forgotten', () => {
  const values = [
    library.Caller,
    library.CertificateAuthority,
    library.ClientCertificate,
    library.EgressPort,
    library.GatewayInstallation,
    library.InstalledEgressGateway,
  ];
  const inherited = Object.getOwnPropertyNames(Construct);
  const factories = values.flatMap((value) =>
    Object.getOwnPropertyNames(value)
      .filter((name) => typeof (value as any)[name] === 'function' && !inherited.includes(name))
      .map((name) => `${value.name}.${name}`),
  );
  const withoutArguments = ['CertificateAuthority.system'];
  const inTables = [
    ...ARGUMENTS.map(([what]) => what.split(',')[0]),
    ...ENTRANCES.map(({ who }) => who.source.replace(/\\/g, '').replace(/^\^|: $/g, '')),
    ...PROTOCOLS.map((protocol) => `EgressPort.${protocol}`),
  ];
  expect(factories.filter((name) => ![...inTables, ...withoutArguments].includes(name))).toEqual([]);
  expect(factories).toHaveLength(13 + PROTOCOLS.length);
});

describe('words of closed sets', () => {
  const on = (...conditions: string[]) => {
    const { chart } = stage();
    return new library.SidecarEgress(chart, 'it', { hosts: HOSTS, retries: { attempts: 1, on: conditions } });
  };

  test.each([
    ['5xxx', '"5xx"'],
    ['509', '"5xx"'], // known to Node, unknown to istiod
    ['gateway_error', '"gateway-error"'],
    ['Reset', '"reset"'],
    ['canceled', '"cancelled"'],
    ['unavailible', '"unavailable"'],
  ])('%s is refused with the nearest retry condition', (condition, cure) => {
    expect(errorOf(() => on(condition))).toBe(
      `[chart/it] SidecarEgress: retries.on[0]: "${condition}" is not a retry condition of Envoy or an HTTP ` +
        'status code; ' +
        `write ${cure}`,
    );
  });

  test('of numbers, the status codes are accepted that Node knows, but for 509', () => {
    const numbers = Array.from({ length: 1000 }, (_, number) => String(number));
    const refused = [...errorOf(() => on(...numbers)).matchAll(/on\[\d+\]: "(\d+)" is not/g)].map(([, code]) => code);
    expect(refused).toEqual(numbers.filter((code) => !(code in STATUS_CODES) || code === '509'));
  });

  test.each(['600', '99', '0', '', 'connect-failure,reset', 'constructor', 'toString'])(
    '%j is refused with all of them',
    (condition) => {
      expect(errorOf(() => on(condition))).toMatch(/is not a retry condition.*; write one of 5xx, .*, unavailable$/);
    },
  );

  test.each(['5xx', 'reset-before-request', 'http3-post-connect-failure', 'deadline-exceeded', '503', '429', '100'])(
    '%s is accepted',
    (condition) => {
      expect(() => on(condition)).not.toThrow();
    },
  );

  test('no condition at all is not the same as the default', () => {
    const { chart } = stage();
    const retries = { attempts: 1, on: [] };
    expect(errorOf(() => new library.SidecarEgress(chart, 'it', { hosts: HOSTS, retries }))).toMatch(
      /retries\.on: empty, for which Istio would use its defaults; leave it out for those, or write `attempts: 0`/,
    );
  });

  test.each([
    ['DNS_ROUNDROBIN', 'EgressResolution.DNS_ROUND_ROBIN'],
    ['static', 'EgressResolution.STATIC'],
    ['NONE', 'EgressResolution.DNS or EgressResolution.DNS_ROUND_ROBIN or EgressResolution.STATIC'],
  ])('resolution %s is refused with the member that is meant', (resolution, cure) => {
    const { chart } = stage();
    expect(errorOf(() => new library.SidecarEgress(chart, 'it', { hosts: HOSTS, resolution: resolution as any }))).toBe(
      `[chart/it] SidecarEgress: resolution: "${resolution}" is not an EgressResolution; write ${cure}`,
    );
  });

  test('the effect of a toleration', () => {
    const { chart } = stage();
    expect(
      errorOf(() => new library.EgressGateway(chart, 'it', { tolerations: [{ key: 'a', effect: 'NoScheduling' }] })),
    ).toMatch(/tolerations\[0\]\.effect: "NoScheduling" is not an effect of a taint; write one of NoSchedule, /);
  });

  test('of TLS versions, only what can be chosen exists', () => {
    expect(Object.values(library.TlsVersion)).toEqual(['TLSV1_2']);
  });
});

describe('what makes no difference is accepted, and changes nothing', () => {
  const manifests = (build: (on: Stage) => unknown) => {
    const on = stage();
    build(on);
    return on.chart.toJson();
  };
  const sites = (more: object) =>
    manifests(({ chart }) => new library.SidecarEgress(chart, 'it', { hosts: ['b.example.com'], ...more }));
  const partner = (more: object) =>
    manifests(
      ({ chart, gateway }) =>
        new library.GatewayEgress(chart, 'it', { hosts: ['b.example.com'], gateway, callers: [CALLER], ...more }),
    );
  const exit = (more: object) =>
    manifests(({ chart }) => new library.EgressGateway(chart, 'it', { namespace: 'egress', ...more }));
  const mesh = (more: object) => manifests(({ chart }) => new library.RegistryOnlyMesh(chart, 'it', more));
  const direct = (more: object) =>
    manifests(({ chart }) => new library.DirectEgress(chart, 'it', { workloads: [deployment(chart)], ...more }));
  const boundary = (more: object) =>
    manifests(({ chart }) => new library.EgressBoundary(chart, 'it', { namespaces: ['payments'], ...more }));
  const tls = (more: object) => manifests(({ egress }) => egress.originateTls('it', more));
  const wildcard = (more: object) =>
    manifests(({ chart }) => new library.SidecarEgress(chart, 'it', { hosts: ['*.example.com'], ...more }));

  test.each<[string, (more: object) => unknown, object, object?]>([
    ['dnsCapture without TCP', sites, { dnsCapture: true }],
    ['dnsCapture without TCP at a gateway', partner, { dnsCapture: true }],
    [
      'dnsCapture without TCP, with addresses',
      sites,
      { dnsCapture: true, addresses: ['203.0.113.9'] },
      { addresses: ['203.0.113.9'] },
    ],
    ['dnsCapture with a wildcard', wildcard, { dnsCapture: true }],
    ['empty lists with a wildcard', wildcard, { addresses: [], endpoints: [] }],
    [
      'no addresses, endpoints, headers',
      sites,
      { addresses: [], endpoints: [], removeHeaders: [], unsafeKeepHeaders: [] },
    ],
    ['no addresses at a gateway', partner, { addresses: [] }],
    [
      'no headers where no request is read',
      sites,
      { ports: [library.EgressPort.tls()], removeHeaders: [], unsafeKeepHeaders: [] },
      { ports: [library.EgressPort.tls()] },
    ],
    ['an empty pool', sites, { connectionPool: {} }],
    ['a pool of nothing', sites, { connectionPool: { maxConnections: undefined } }],
    ['no labels and annotations', sites, { labels: {}, annotations: {} }],
    ['a switch that is off', sites, { unsafeSharedDomains: false, dnsCapture: false }],
    ['no callers without a client certificate', tls, { callers: [] }],
    ['the minimum version that Istio has', tls, { minimumVersion: library.TlsVersion.TLS_1_2 }],
    ['no ranges beside ports', direct, { toCidrs: [], toPorts: [22] }, { toPorts: [22] }],
    ['no ports beside ranges', direct, { toCidrs: ['203.0.113.9/32'], toPorts: [] }, { toCidrs: ['203.0.113.9/32'] }],
    ['no workloads beside namespaces', mesh, { namespaces: ['web'], workloads: [] }, { namespaces: ['web'] }],
    ['any node', exit, { nodeSelector: {}, tolerations: [], scaling: {}, resources: {} }],
    ['an empty scaling beside a fixed number', exit, { replicas: 3, scaling: {} }, { replicas: 3 }],
    [
      'no gateways, metrics, holes',
      boundary,
      { gateways: [], metricsNamespaces: [], unsafeAllowedEgress: [], dns: {} },
    ],
    ['no ports past the sidecar', boundary, { unsafeSidecarPorts: [], privateCidrs: [], callerNamespaces: [] }],
  ])('%s', (_what, build, redundant, same = {}) => {
    expect(build(redundant)).toEqual(build(same));
  });

  test("the gateway's own namespace for its log", () => {
    const log = (more: object) =>
      manifests(({ chart, gateway }) => new library.RefusalLog(chart, 'it', { gateway, ...more }));
    expect(log({ namespace: 'egress' })).toEqual(log({}));
  });

  test('one declaration with it and one without agree', () => {
    const { chart } = stage();
    new library.SidecarEgress(chart, 'one', { hosts: ['c.example.com'], dnsCapture: true, addresses: [] });
    new library.SidecarEgress(chart, 'two', { hosts: ['c.example.com'] });
    expect(() => App.of(chart).synthYaml()).not.toThrow();
  });

  test.each<[string, (more: object) => unknown, object, RegExp]>([
    ['no callers', partner, { callers: [] }, /callers: none given, so no workload could call/],
    ['no hosts', sites, { hosts: [] }, /hosts: none given/],
    ['no ports', sites, { ports: [] }, /ports: empty/],
    ['outlier detection, which Istio would switch on', sites, { outlierDetection: {} }, /outlierDetection: empty/],
    ['no hosts of an origination', tls, { hosts: [] }, /hosts: empty/],
    ['no names to verify', tls, { subjectAltNames: [] }, /subjectAltNames: empty/],
    ['nothing to lock', mesh, { namespaces: [] }, /namespaces: empty/],
    ['nothing to lock, twice', mesh, { namespaces: [], workloads: [] }, /namespaces: empty.*workloads: empty/s],
    ['nothing captured', direct, { toPorts: [22], unsafeCaptureOnlyCidrs: [] }, /unsafeCaptureOnlyCidrs: empty/],
    ['a stale unsafe switch', sites, { unsafeSharedDomains: true }, /unsafeSharedDomains: only applies to wildcard/],
  ])('but not %s', (_what, build, props, says) => {
    expect(errorOf(() => build(props))).toMatch(says);
  });
});

test('two copies of the package understand each other', () => {
  let other: any;
  jest.isolateModules(() => {
    other = jest.requireActual('../../src');
  });
  expect(other.Caller).not.toBe(library.Caller);
  const { chart, gateway } = stage();
  const egress = new library.GatewayEgress(chart, 'it', {
    hosts: ['b.example.com'],
    gateway,
    callers: [other.Caller.serviceAccount('payments', 'other')],
    ports: [other.EgressPort.http(), other.EgressPort.tls()],
    timeout: Duration.seconds(1),
  });
  egress.originateTls('tls', {
    clientCertificate: other.ClientCertificate.fromFiles('/crt.pem', '/key.pem'),
    certificateAuthority: other.CertificateAuthority.fromFile('/ca.pem'),
  });
  const installation = other.GatewayInstallation.helmChart({ namespace: 'other' });
  new library.InstalledEgressGateway(chart, 'installed', { installation });
  const guarded = new other.EgressGateway(chart, 'own', { namespace: 'own' });
  const boundary = new library.EgressBoundary(chart, 'boundary', { namespaces: ['payments'], gateways: [guarded] });
  expect(boundary.apiObjects.map(({ metadata }: any) => metadata.namespace)).toEqual(['own', 'payments']);
});

test.each(['env', 'zone', 'power', 'team'])('a prop %s of a subclass is left to it', (name) => {
  const Own = class extends library.SidecarEgress {} as any;
  const { chart } = stage();
  expect(() => new Own(chart, 'own', { hosts: ['a.example.com'], [name]: 'x' })).not.toThrow();
  expect(() => new library.EgressGuard(chart, 'guard', { [name]: 'x' })).not.toThrow();
});
