import * as fs from 'fs';
import * as path from 'path';
import { App, Chart, Testing } from 'cdk8s';
import { DirectEgress } from '../../src/constructs/direct-egress';
import { GatewayEgress } from '../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { TlsOrigination } from '../../src/constructs/egress';
import { expectEgress as expectRequests, ExpectationWorld } from '../../src/explain';
import { Caller } from '../../src/values/caller';
import { GatewayInstallation } from '../../src/values/gateway-installation';
import { deployment } from '../support/workloads';

const INSTALLED = { gateways: [GatewayInstallation.helmChart({ namespace: 'egress' })] };
/** The gateway is installed, which these manifests do not say. */
const expectEgress = (manifests: any, world: ExpectationWorld = {}) =>
  expectRequests(manifests, { ...INSTALLED, ...world } as ExpectationWorld);

function chart(): Chart {
  const made = new Chart(Testing.app(), 'payments', { namespace: 'payments' });
  const gateway = new InstalledEgressGateway(made, 'exit', {
    installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
  });
  const egress = new GatewayEgress(made, 'partner', {
    gateway,
    hosts: ['api.partner.com'],
    callers: [Caller.serviceAccount('payments', 'checkout')],
  });
  new TlsOrigination(made, 'tls', { egress });
  return made;
}

test('assertions that hold pass, for the result of Testing.synth, a Chart or an App', () => {
  const made = chart();
  for (const manifests of [Testing.synth(made), made, App.of(made)]) {
    expectEgress(manifests)
      .from('payments/checkout')
      .to('http://api.partner.com/orders')
      .isAnswered(200)
      .viaGateway()
      .viaGateway('egress')
      .withTlsFrom('gateway')
      .withoutPlaintext()
      .withIdentity('payments/checkout');
    expectEgress(manifests)
      .from('payments/other')
      .to('http://api.partner.com/orders')
      .isRefused('gateway', 503)
      .withoutPlaintext();
  }
});

test('a workload that bypasses its sidecar, and one that does not', () => {
  const made = new Chart(Testing.app(), 'payments', { namespace: 'payments' });
  const legacy = deployment(made, 'legacy', { spec: { serviceAccountName: 'legacy', containers: [{ name: 'app' }] } });
  new DirectEgress(made, 'direct', { workloads: [legacy], toCidrs: ['203.0.113.40/32'] });
  const request = (from: string) => expectEgress(made).from(from).to('tcp://203.0.113.40:3270');
  request('payments/legacy').pastSidecar();
  expect(() => request('payments/other').pastSidecar()).toThrow(/expected: answered past the sidecar/);
});

test.each<[string, () => unknown, RegExp]>([
  [
    'an unlisted caller',
    () => expectEgress(chart()).from('payments/other').to('https://api.partner.com').viaGateway(),
    /expected: answered through a gateway\nthe model says: refused by the gateway/,
  ],
  [
    'another gateway',
    () => expectEgress(chart()).from('payments/checkout').to('https://api.partner.com').viaGateway('elsewhere'),
    /answered through the gateway elsewhere/,
  ],
  [
    'another egress path',
    () => expectEgress(chart()).from('payments/checkout').to('https://api.partner.com').viaSidecar(),
    /answered through the sidecar, without a gateway/,
  ],
  [
    'a refusal that does not happen',
    () => expectEgress(chart()).from('payments/checkout').to('https://api.partner.com').isRefused(),
    /expected: refused/,
  ],
  [
    'TLS from elsewhere',
    () => expectEgress(chart()).from('payments/checkout').to('http://api.partner.com').withTlsFrom('sidecar'),
    /TLS originated by the sidecar/,
  ],
  [
    'clear text',
    () => expectEgress([]).from('a/b').to('http://a.example.com').withoutPlaintext(),
    /nothing reaches the external host in clear text/,
  ],
  ['a status', () => expectEgress([]).from('a/b').to('http://a.example.com').isAnswered(301), /answered with 301/],
])('%s throws, with the explanation', (_what, wrong, message) => {
  expect(wrong).toThrow(message);
});

test('the smallest change is part of the explanation', () => {
  expect(() => expectEgress(chart()).from('payments/other').to('https://api.partner.com').viaGateway()).toThrow(
    /Smallest change, verified by the model:\n  GatewayEgress payments\/partner: add .* to `callers`\n.*subjectAltNames/,
  );
});

test('where a fact is missing, it is named, and no object is to be changed', () => {
  const wrong = () => expectRequests(chart()).from('payments/checkout').to('https://api.partner.com').viaGateway();
  expect(wrong).toThrow(/To settle the condition:\n  --gateway egress\/istio-egressgateway \(gateways in a test\)/);
  expect(wrong).not.toThrow(/Smallest change/);
});

test('the mesh can be described', () => {
  expectEgress(chart(), { mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' } })
    .from('payments/other')
    .to('https://a.example.com')
    .isRefused('sidecar', 'tls-closed');
});

test('invalid arguments are refused', () => {
  expect(() => expectEgress({})).toThrow(/Testing.synth/);
  expect(() => expectEgress([]).from('a/b').to('api.partner.com')).toThrow(
    /"api\.partner\.com" is not a URL: write http:.*, such as https:\/\/api\.partner\.com/,
  );
  const asked = (request: object) => () => expectEgress([]).from('a/b').to('http://a.example.com', request);
  expect(asked({ speak: 'h2' })).toThrow('to: speak is http2, grpc, websocket, not "h2"');
  expect(asked({ dial: 'b.example.com' })).toThrow('to: dial is an address such as 203.0.113.99, not "b.example.com"');
  expect(() => expectEgress([]).from('checkout')).toThrow(/<namespace>\/<service account>/);
  const symptom = '503' as any; // as in JavaScript
  expect(() => expectEgress([]).from('a/b').to('http://a.example.com').isRefused('gateway', symptom)).toThrow(
    'isRefused: "503" is neither a status, such as 503, nor one of tls-closed, closed,',
  );
  expect(() => expectEgress([]).from('a/b').to('http://a.example.com').isRefused('gateway', 35)).toThrow(
    'isRefused: 35 is neither a status, such as 503, nor one of tls-closed, closed,',
  );
});

describe('a refusal that says nothing does not pass', () => {
  const LOCKED = { mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' } } as const;

  test('of no manifests', () => {
    expect(() => expectEgress([], LOCKED).from('payments/checkout').to('https://api.partner.com').isRefused()).toThrow(
      /there are no manifests/,
    );
  });

  test('of a caller in a namespace that no manifest names', () => {
    const of = (namespace: string, namespaces: string[] = []) =>
      expectEgress(chart(), { ...LOCKED, namespaces })
        .from(`${namespace}/other`)
        .to('https://api.partner.com');
    expect(() => of('paymnets').isRefused()).toThrow(/no manifest names the namespace "paymnets"/);
    expect(() => of('paymnets').withoutPlaintext()).toThrow(/no manifest names the namespace/);
    of('paymnets', ['paymnets']).isRefused();
    of('payments').isRefused();
    of('egress').isRefused();
  });

  test('of a host whose name is like that of a declared one', () => {
    const to = (host: string, hosts: string[] = []) =>
      expectEgress(chart(), { ...LOCKED, hosts })
        .from('payments/checkout')
        .to(`https://${host}`);
    expect(() => to('api.partnr.com').isRefused()).toThrow(
      /no manifest names api\.partnr\.com: is api\.partner\.com meant/,
    );
    to('api.partnr.com', ['api.partnr.com']).isRefused();
    to('elsewhere.example.com').isRefused();
  });

  test('of a host whose name is like one that a wildcard covers', () => {
    const wildcard = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'ServiceEntry',
      metadata: { name: 'site', namespace: 'payments' },
      spec: {
        hosts: ['*.wild.example.com'],
        ports: [{ number: 443, name: 'tls', protocol: 'TLS' }],
        resolution: 'NONE',
      },
    };
    const to = (host: string) => expectEgress([wildcard], LOCKED).from('payments/checkout').to(`https://${host}`);
    expect(() => to('a.b.wild.exmple.com').isRefused()).toThrow(/is a\.b\.wild\.example\.com meant/);
    to('example.com').isRefused();
    to('a.wild.example.org.com').isRefused();
  });

  test('gives the nearest name', () => {
    const entries = ['api.partnes.com', 'api.partners.com'].map((host) => ({
      apiVersion: 'networking.istio.io/v1',
      kind: 'ServiceEntry',
      metadata: { name: 'site', namespace: 'payments' },
      spec: { hosts: [host], ports: [{ number: 443, name: 'tls', protocol: 'TLS' }], resolution: 'DNS' },
    }));
    const asked = (from: string) => expectEgress(entries, LOCKED).from(from).to('https://api.partnerz.com').isRefused();
    expect(() => asked('payments/checkout')).toThrow(/is api\.partners\.com meant/);
    expect(() => asked('payment/checkout')).toThrow(/names the namespace "payment" of the caller: is payments meant/);
  });

  test('nor does what passes because nothing declares it', () => {
    const open = { mesh: { outboundTrafficPolicy: 'ALLOW_ANY' } } as const;
    const to = (host: string) =>
      expectEgress(chart(), open).from('payments/checkout').to(`https://${host}`).isAnswered().withoutPlaintext();
    expect(() => to('api.partnr.com')).toThrow(/it is answered, but no manifest names api\.partnr\.com/);
    to('elsewhere.example.com');
  });
});

describe('docs/expect.md', () => {
  const read = (file: string) => fs.readFileSync(path.join(__dirname, '../..', file), 'utf8');
  const page = read('docs/expect.md');

  test('names every public method, in the order of the classes, and its arguments', () => {
    const source = read('src/explain/expect-egress.ts');
    const made = [...source.matchAll(/^ {2,4}public (?:readonly )?(\w+)(\(|:)/gm)].map(([, name, after]) =>
      after === '(' ? `${name}()` : name,
    );
    const documented = [...page.matchAll(/^\| `(\w+)(\([^)]*\))?` \|/gm)].map(([, name, given]) =>
      given === undefined ? name : `${name}()`,
    );
    expect(documented.slice(1, 1 + made.length).sort()).toEqual([...made].sort());
    for (const [, name, given] of page.matchAll(/^\| `(\w+)\(([^)]*)\)` \|/gm)) {
      const [, parameters = ''] = new RegExp(`(?:public|function) ${name}\\(([^)]*)\\)`).exec(source) ?? [];
      const written = given === '' ? 0 : given.split(',').length;
      expect({ name, parameters: written }).toEqual({
        name,
        parameters: parameters.split(/,(?![^{<]*[}>])/).filter(Boolean).length,
      });
    }
  });

  test('names only exports, and fields of the world that exist', () => {
    const exported = read('src/explain/index.ts');
    const [, imported] = /import \{ ([^}]*) \} from 'cdk8s-istio-egress\/explain';\n\nconst objects/.exec(page)!;
    for (const name of imported.split(', ')) expect(exported).toMatch(new RegExp(`\\b${name}\\b`));
    const world = read('src/model/objects/world.ts') + read('src/explain/expect-egress.ts');
    const [, fields] = /## What surrounds the manifests\n([^]*?)\n## /.exec(page)!;
    for (const [, row] of fields.matchAll(/^\| (`.*?`) \|/gm))
      for (const field of row.replace(/`/g, '').split(', ')) expect(world).toContain(`readonly ${field}?:`);
  });
});

describe('the manifests of an application, without those of the platform', () => {
  const installation = GatewayInstallation.helmChart({ namespace: 'egress' });
  /** Without the gateway's hop Service. */
  const half = () => Testing.synth(chart()).filter(({ kind }: any) => kind !== 'Service');
  const asked = (world = {}) => expectRequests(half(), world).from('payments/checkout').to('http://api.partner.com');

  test('pass no assertion, and the message says the condition', () => {
    for (const assertion of [() => asked().viaGateway('egress'), () => asked().isRefused()])
      expect(assertion).toThrow(/if Service egress\/istio-egressgateway-hop .*200 from api\.partner\.com[^]*--gateway/);
  });

  test('pass with the gateway as the constructs take it', () => {
    asked({ gateways: [installation] })
      .viaGateway('egress')
      .withTlsFrom('gateway')
      .withIdentity('payments/checkout');
    expectEgress(half(), { gateways: [installation] })
      .from('payments/other')
      .to('http://api.partner.com')
      .isRefused('gateway');
  });

  test('are refused where the gateway is another one', () => {
    const other = GatewayInstallation.helmChart({ namespace: 'egress', release: 'other' });
    expect(() => asked({ gateways: [other] }).viaGateway('egress')).toThrow(/expected: answered/);
  });
});
