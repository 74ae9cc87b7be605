import { writtenByHand } from '../../bench/by-hand';
import { GatewayEgress } from '../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { Caller } from '../../src/values/caller';
import { GatewayInstallation } from '../../src/values/gateway-installation';
import { manifestsOf } from '../support/app';

test('what the bench writes by hand is what the constructs make', () => {
  const made = manifestsOf((chart) => {
    const gateway = InstalledEgressGateway.fromInstallation(
      chart,
      'exit',
      GatewayInstallation.helmChart({ namespace: 'egress' }),
    );
    const egress = new GatewayEgress(chart, 'partners', {
      gateway,
      hosts: ['host-0.example.com'],
      callers: [Caller.serviceAccount('payments', 'checkout')],
    });
    egress.originateTls('tls');
  });
  const { rule, gateway, caller } = writtenByHand('host-0.example.com', 'chart/partners');
  expect(made.map(({ apiVersion, ...rest }) => rest)).toEqual([rule, ...gateway, ...caller]);
});
