/** What is said of the program, where one of two repositories, or a construct in it, lacks something. */
import { App, Chart, Testing } from 'cdk8s';
import { EgressModel, World } from '../../src/explain';
import { hints } from '../../src/explain/hints';
import {
  Caller,
  EgressBoundary,
  EgressGateway,
  EgressPort,
  GatewayEgress,
  GatewayEgressProps,
  GatewayInstallation,
  GatewayRefusal,
  InstalledEgressGateway,
  RegistryOnlyMesh,
  SidecarEgress,
} from '../../src';
import { Manifest } from '../../src/manifests/egress-object';

type Manifests = readonly Manifest[];
const synthesized = (chart: Chart): Manifests => Testing.synth(chart);
const chartIn = (namespace: string, id = namespace) => new Chart(new App(), id, { namespace });

/** The platform's repository: a locked gateway in a locked mesh, with a boundary. */
function platform(): Manifests {
  const chart = chartIn('egress', 'platform');
  const exit = new EgressGateway(chart, 'exit');
  exit.lockdown();
  new RegistryOnlyMesh(chart, 'lock');
  new EgressBoundary(chart, 'boundary', { namespaces: ['payments', 'data'], gateways: [exit] });
  return synthesized(chart);
}

const LOCKED = GatewayInstallation.egressGateway({ namespace: 'egress', lockedDown: true });

/** A team's repository, in two charts. */
function team(
  installation = LOCKED,
  callers = [Caller.serviceAccount('payments', 'checkout')],
  more: Partial<GatewayEgressProps> = {},
) {
  const app = new App();
  const grants = new Chart(app, 'grants', { namespace: 'egress' });
  const payments = new Chart(app, 'payments', { namespace: 'payments' });
  const gateway = InstalledEgressGateway.fromInstallation(payments, 'exit', installation);
  new GatewayEgress(payments, 'stripe', { gateway, gatewayChart: grants, hosts: ['api.stripe.com'], callers, ...more });
  return { grants: synthesized(grants), payments: synthesized(payments) };
}

function hintsFor(manifests: Manifests, url: string, from?: string): string[] {
  return ask(manifests, url, from).found;
}

function ask(manifests: Manifests, url: string, from = 'payments/checkout', world: World = {}) {
  const model = EgressModel.of(
    manifests.map((manifest, index) => ({ manifest, origin: `document ${index + 1}` })),
    { declaredAddresses: true, ...world },
  );
  const [namespace, serviceAccount] = from.split('/');
  const caller = { namespace, serviceAccount };
  const answer = model.ask(caller, { url });
  return { answer, found: hints(model, caller, { url }, answer) };
}

const HTTP = 'http://api.stripe.com/';
const without = (manifests: Manifests, kind: string) => manifests.filter((one) => one.kind !== kind);
const notNamed = (pattern: RegExp) => (one: Manifest) => !pattern.test(one.metadata?.name ?? '');
const isDeny = ({ kind, spec }: Manifest) => kind === 'AuthorizationPolicy' && JSON.stringify(spec).includes('"DENY"');

test('nothing where the request is answered', () => {
  const { grants, payments } = team();
  expect(hintsFor([...platform(), ...grants, ...payments], HTTP)).toEqual([]);
});

test.each(['https://reviews.shop.svc.cluster.local:9090/', 'http://reviews/', 'http://reviews.payments:9090/'])(
  'no construct for %s inside the cluster',
  (url) => {
    const { grants, payments } = team();
    const metadata = { name: 'reviews', namespace: 'payments' };
    const reviews = { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 8080 }] } } as Manifest;
    expect(hintsFor([...platform(), ...grants, ...payments, reviews], url)).toEqual([]);
  },
);

test('nothing about manifests of other authors', () => {
  const sidecar = { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } };
  const metadata = { name: 'default', namespace: 'istio-system' };
  const lock = { apiVersion: 'networking.istio.io/v1', kind: 'Sidecar', metadata, spec: sidecar } as Manifest;
  expect(hintsFor([lock], HTTP)).toEqual([]);
});

describe('of two charts, one is missing', () => {
  test('the gateway side', () => {
    const { payments } = team();
    expect(hintsFor([...platform(), ...payments], HTTP)).toEqual([
      expect.stringMatching(
        /^GatewayEgress payments\/stripe: none of its objects in namespace egress .*\(Gateway egress\/api-stripe-com-\w+, …\): apply .* `gatewayChart`/,
      ),
    ]);
  });

  test.each(['Gateway', 'VirtualService', 'ServiceEntry'])('the %s of the gateway side', (kind) => {
    const { grants, payments } = team();
    expect(hintsFor([...platform(), ...without(grants, kind), ...payments], HTTP)).toEqual([
      expect.stringMatching(
        new RegExp(`^GatewayEgress payments/stripe: ${kind} egress/.* not among the manifests: apply`),
      ),
    ]);
  });

  test('the caller side', () => {
    expect(hintsFor([...platform(), ...team().grants], HTTP)).toEqual([
      "GatewayEgress payments/stripe: its objects in namespace payments are not among the manifests: apply its callers' chart",
    ]);
  });
});

describe('the model knows a gateway of the constructs', () => {
  test('by its pods, although no Gateway selects them', () => {
    const { answer } = ask([...platform(), ...team().payments], HTTP);
    expect(answer).toMatchObject({ outcome: 'refused', by: 'gateway', gateway: 'egress/egress-gateway' });
    expect(answer.condition).toBeUndefined();
  });

  test('on a condition by the name of its hop Service alone', () => {
    expect(ask(team().payments, HTTP).answer).toMatchObject({
      outcome: 'refused',
      by: 'gateway',
      condition: { say: expect.stringMatching(/^--gateway egress\/egress-gateway /) },
    });
  });
});

test('a Service of other authors is no gateway of the constructs because it is called something-hop', () => {
  const anothers = team().payments.map((one) => ({ ...one, metadata: { ...one.metadata, annotations: undefined } }));
  const { answer } = ask(anothers as Manifests, HTTP);
  expect(answer.condition?.say ?? '').not.toMatch(/^--gateway egress\/egress-gateway/);
  expect(answer.gateway).toBeUndefined();
});

describe('a host that another namespace declares, and the own one with an entry by hand', () => {
  const billing = (port: object): Manifests => {
    const chart = chartIn('payments');
    new SidecarEgress(chart, 'news', { hosts: ['news.example.net'] });
    const metadata = { name: 'news', namespace: 'billing' };
    const spec = { hosts: ['news.example.net'], exportTo: ['.'], resolution: 'DNS', ports: [port] };
    const entry = { apiVersion: 'networking.istio.io/v1', kind: 'ServiceEntry', metadata, spec } as Manifest;
    return [...platform(), ...synthesized(chart), entry];
  };

  test.each([
    ['by that entry', (objects: Manifests) => objects],
    ['undeclared', (objects: Manifests) => objects.filter(({ kind }) => kind !== 'Sidecar').slice(0, -1)],
  ])('nothing where the host itself refuses, which is reached %s', (_what, change) => {
    const certificate = { http: 'ok', https: 'client-certificate' } as const;
    const external = [{ host: 'news.example.net', address: '203.0.113.7', ...certificate }];
    const objects = change(billing({ number: 443, name: 'tls', protocol: 'TLS' }));
    const { answer, found } = ask(objects, 'https://news.example.net/', 'billing/invoices', { external });
    expect(answer).toMatchObject({ outcome: 'refused', by: 'host' });
    expect(found).toEqual([]);
  });

  test('nothing where that entry lacks the port', () => {
    const objects = billing({ number: 443, name: 'tls', protocol: 'TLS' });
    const { answer, found } = ask(objects, 'http://news.example.net/', 'billing/invoices');
    expect(answer).toMatchObject({ outcome: 'refused', by: 'sidecar' });
    expect(found).toEqual([]);
  });
});

describe('a locked gateway refuses callers that a policy checks', () => {
  const whole = () => team(LOCKED, [Caller.wholeNamespace('payments')]);
  const forbidden = () => team(LOCKED, undefined, { refusal: GatewayRefusal.FORBIDDEN });

  test('and the grant is missing: that is named as well', () => {
    const { grants, payments } = whole();
    expect(hintsFor([...platform(), ...grants.filter(notNamed(/-grant$/)), ...payments], HTTP)).toEqual([
      expect.stringMatching(
        /its gateway is locked .*apply its grant, AuthorizationPolicy egress\/payments-namespace-\w+-grant, or, .*not locked: `lockedDown: true`/,
      ),
    ]);
  });

  test('with 403, which the constructs write for locked gateways only, and the grant is missing', () => {
    const { grants, payments } = forbidden();
    expect(hintsFor([...platform(), ...grants.filter(notNamed(/-grant$/)), ...payments], HTTP)).toEqual([
      expect.stringMatching(/apply its grant, AuthorizationPolicy egress\/payments-callers-\w+-grant$/),
    ]);
  });

  test('and only another set of callers has a grant', () => {
    const chart = chartIn('data');
    const gateway = InstalledEgressGateway.fromInstallation(chart, 'exit', LOCKED);
    new GatewayEgress(chart, 'db', { gateway, hosts: ['db.example.net'], callers: [Caller.wholeNamespace('data')] });
    const { grants, payments } = whole();
    const objects = [...synthesized(chart), ...grants.filter(notNamed(/-grant$/)), ...payments];
    expect(hintsFor([...platform(), ...objects], HTTP)).toEqual([
      expect.stringMatching(/apply its grant, AuthorizationPolicy egress\/payments-namespace-/),
    ]);
  });

  test('and both policies are missing: what they may be called', () => {
    const { grants, payments } = whole();
    expect(hintsFor([...platform(), ...without(grants, 'AuthorizationPolicy'), ...payments], HTTP)).toEqual([
      expect.stringMatching(/AuthorizationPolicy egress\/…-\w{20}-grant, or, .*`lockedDown: true`/),
    ]);
  });

  test('and the grant is there, but not for the caller', () => {
    const { grants, payments } = forbidden();
    const objects = [...platform(), ...grants.filter((one) => !isDeny(one)), ...payments];
    const { answer, found } = ask(objects, HTTP, 'payments/other');
    expect(answer).toMatchObject({ outcome: 'refused', by: 'gateway' });
    expect(found.join()).not.toMatch(/lockedDown|-grant/);
  });

  test('and the lock is of another author', () => {
    const { grants, payments } = whole();
    const objects = platform().map((one) => {
      if (!/-lockdown(-deny)?$/.test(one.metadata?.name ?? '')) return one;
      return { ...one, metadata: { ...one.metadata, annotations: undefined } } as Manifest;
    });
    const found = hintsFor([...objects, ...grants.filter(notNamed(/-grant$/)), ...payments], HTTP);
    expect(found.join()).not.toMatch(/lockedDown/);
  });
});

describe('the gateway is described otherwise than it is', () => {
  test('without its lock, for a whole namespace', () => {
    const unlocked = GatewayInstallation.egressGateway({ namespace: 'egress' });
    const { grants, payments } = team(unlocked, [Caller.wholeNamespace('payments')]);
    expect(hintsFor([...platform(), ...grants, ...payments], HTTP)).toEqual([
      expect.stringMatching(
        /^GatewayEgress payments\/stripe: its gateway is locked .*: `lockedDown: true` in its Gate/,
      ),
    ]);
  });

  test('not where it is the second of the namespace, and its Service is missing', () => {
    const chart = chartIn('egress', 'gateways');
    new EgressGateway(chart, 'first', { name: 'first' });
    new EgressGateway(chart, 'second', { name: 'second' });
    const second = GatewayInstallation.egressGateway({ namespace: 'egress', name: 'second' });
    const { grants, payments } = team(second);
    const objects = synthesized(chart).filter(notNamed(/^second-hop$/));
    const { answer, found } = ask([...objects, ...grants, ...payments], HTTP, 'payments/other');
    expect(answer).toMatchObject({ outcome: 'refused', by: 'gateway' });
    expect(found.join()).not.toMatch(/meant/);
  });

  test('as one of the Helm chart', () => {
    const { grants, payments } = team(GatewayInstallation.helmChart({ namespace: 'egress' }));
    expect(hintsFor([...platform(), ...grants, ...payments], HTTP)).toEqual([
      expect.stringMatching(
        /istio-egressgateway-hop, which is not .* has the EgressGateway egress-gateway: is GatewayInstallation\.egressGateway\(\{ namespace: "egress", lockedDown: true \}\) meant\?$/,
      ),
    ]);
  });
});

describe('a construct names', () => {
  const all = () => {
    const { grants, payments } = team();
    return [...platform(), ...grants, ...payments];
  };

  test.each([
    [
      'no such host',
      'http://api.github.com/',
      'payments/checkout',
      /^no construct declares api\.github\.com for namespace/,
    ],
    [
      'no caller of the namespace',
      HTTP,
      'billing/invoices',
      'GatewayEgress payments/stripe names no caller of namespace billing: add Caller.serviceAccount("billing", "invoices") to `callers`',
    ],
    [
      'no such port',
      'https://api.stripe.com:8443/',
      'payments/checkout',
      'GatewayEgress payments/stripe: add EgressPort.tls(8443) to `ports`',
    ],
  ])('%s', (_what, url, from, hint) => {
    expect(hintsFor(all(), url, from)).toEqual([typeof hint === 'string' ? hint : expect.stringMatching(hint)]);
  });
});

describe('the boundary does not know', () => {
  const data = () => chartIn('data');

  test('a port of a gateway path in another app', () => {
    const chart = data();
    const gateway = InstalledEgressGateway.fromInstallation(chart, 'exit', LOCKED);
    new GatewayEgress(chart, 'db', {
      gateway,
      hosts: ['db.example.net'],
      ports: [EgressPort.tcp(5432)],
      addresses: ['203.0.113.50'],
      callers: [Caller.serviceAccount('data', 'loader')],
    });
    expect(hintsFor([...platform(), ...synthesized(chart)], 'tcp://db.example.net:5432', 'data/loader')).toEqual([
      'EgressBoundary platform/boundary: add 5432 to `gatewayPorts` (by default 80 and 443)',
    ]);
  });

  test('a sidecar path in another app', () => {
    const chart = data();
    new SidecarEgress(chart, 'news', { hosts: ['news.example.net'] });
    expect(hintsFor([...platform(), ...synthesized(chart)], 'https://news.example.net/', 'data/loader')).toEqual([
      'EgressBoundary platform/boundary: add 443 to `unsafeSidecarPorts`',
    ]);
  });
});
