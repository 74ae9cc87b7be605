/** A locked mesh: a host behind a gateway, who may call it and who may not, and a host that nobody may call. */
import { Chart } from 'cdk8s';
import { INSTALLED_PODS } from './recipe';
import { synthesise } from './support';
import { AccessTable } from '../../src/access/access-table';
import { GatewayEgress } from '../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { RegistryOnlyMesh } from '../../src/constructs/registry-only-mesh';
import { Caller } from '../../src/values/caller';
import { GatewayInstallation } from '../../src/values/gateway-installation';

export const ALLOWED = '203.0.113.30';
export const EVIL = '203.0.113.66';

/**
 * The gateway's address, for callers that exclude it from capture: pods have addresses in the order of the table.
 */
export const GATEWAY = '10.77.0.17';
export const TABLE: Omit<AccessTable, 'access'> = {
  gateways: [INSTALLED_PODS],
  callers: [
    { name: 'checkout', namespace: 'payments', serviceAccount: 'checkout' },
    { name: 'refunds', namespace: 'payments', serviceAccount: 'refunds' },
    { name: 'namesake', namespace: 'other', serviceAccount: 'checkout' },
    { name: 'thief', namespace: 'thieves', serviceAccount: 'checkout' },
    {
      name: 'past-to-gateway',
      namespace: 'payments',
      serviceAccount: 'checkout',
      capture: { excludeOutboundIPRanges: `${GATEWAY}/32` },
    },
    {
      name: 'past-to-host',
      namespace: 'payments',
      serviceAccount: 'checkout',
      capture: { excludeOutboundIPRanges: `${ALLOWED}/32` },
    },
  ],
  external: [
    { host: 'api.partner.com', address: ALLOWED, http: 'ok', https: 'ok' },
    { host: 'evil.example.com', address: EVIL, http: 'ok', https: 'ok' },
  ],
};

export const OBJECTS = synthesise((app) => {
  const platform = new Chart(app, 'platform', { namespace: 'egress' });
  new RegistryOnlyMesh(platform, 'lock');
  const gateway = new InstalledEgressGateway(platform, 'exit', {
    installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
  });
  const payments = new Chart(app, 'payments', { namespace: 'payments' });
  new GatewayEgress(payments, 'partner', {
    gateway,
    hosts: ['api.partner.com'],
    callers: [Caller.serviceAccount('payments', 'checkout')],
  }).originateTls('tls');
});
