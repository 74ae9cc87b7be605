/** What is said of the program, where one of two repositories, or a construct in it, lacks something. */
import { App, Chart, Testing } from 'cdk8s';
import { EgressModel } from '../../src/explain';
import { hints } from '../../src/explain/hints';
import {
  Caller,
  EgressBoundary,
  EgressGateway,
  EgressPort,
  GatewayEgress,
  GatewayInstallation,
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
function team(installation = LOCKED, callers = [Caller.serviceAccount('payments', 'checkout')]) {
  const app = new App();
  const grants = new Chart(app, 'grants', { namespace: 'egress' });
  const payments = new Chart(app, 'payments', { namespace: 'payments' });
  const gateway = InstalledEgressGateway.fromInstallation(payments, 'exit', installation);
  new GatewayEgress(payments, 'stripe', { gateway, gatewayChart: grants, hosts: ['api.stripe.com'], callers });
  return { grants: synthesized(grants), payments: synthesized(payments) };
}

function hintsFor(manifests: Manifests, url: string, from?: string): string[] {
  return ask(manifests, url, from).found;
}

function ask(manifests: Manifests, url: string, from = 'payments/checkout') {
  const model = EgressModel.of(
    manifests.map((manifest, index) => ({ manifest, origin: `document ${index + 1}` })),
    { declaredAddresses: true },
  );
  const [namespace, serviceAccount] = from.split('/');
  const caller = { namespace, serviceAccount };
  const answer = model.ask(caller, { url });
  return { answer, found: hints(model, caller, { url }, answer) };
}

const HTTP = 'http://api.stripe.com/';
const without = (manifests: Manifests, kind: string) => manifests.filter((one) => one.kind !== kind);

test('nothing where the request is answered', () => {
  const { grants, payments } = team();
  expect(hintsFor([...platform(), ...grants, ...payments], HTTP)).toEqual([]);
});

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
