import { App, Chart, Testing } from 'cdk8s';
import { GatewayEgress } from '../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { TlsOrigination } from '../../src/constructs/egress';
import { expectEgress } from '../../src/explain';
import { Caller } from '../../src/values/caller';
import { GatewayInstallation } from '../../src/values/gateway-installation';

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
    /Smallest change, verified by the model:\n.*subjectAltNames/,
  );
});

test('the mesh can be described', () => {
  expectEgress([], { mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' } })
    .from('a/b')
    .to('https://a.example.com')
    .isRefused('sidecar', 'tls-closed');
});

test('invalid arguments are refused', () => {
  expect(() => expectEgress({})).toThrow(/Testing.synth/);
  expect(() => expectEgress([]).from('a/b').to('api.partner.com')).toThrow(
    /"api\.partner\.com" is not a URL: write http:.*, such as https:\/\/api\.partner\.com/,
  );
  expect(() => expectEgress([]).from('checkout')).toThrow(/<namespace>\/<service account>/);
});
