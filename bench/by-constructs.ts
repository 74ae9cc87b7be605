import type { Chart } from 'cdk8s';

/** What is used of the library: the bench loads it compiled, a test as it is written. */
type Library = Pick<
  typeof import('../src'),
  'Caller' | 'GatewayEgress' | 'GatewayInstallation' | 'InstalledEgressGateway' | 'TlsOrigination'
>;

/** Hosts for namespace `payments` through the gateway in `egress`, as `by-hand.ts` has them without constructs. */
export function byConstructs(
  { Caller, GatewayEgress, GatewayInstallation, InstalledEgressGateway, TlsOrigination }: Library,
  chart: Chart,
  hosts: string[],
): void {
  const gateway = InstalledEgressGateway.fromInstallation(
    chart,
    'exit',
    GatewayInstallation.helmChart({ namespace: 'egress' }),
  );
  const egress = new GatewayEgress(chart, 'partners', {
    gateway,
    hosts,
    callers: [Caller.serviceAccount('payments', 'checkout')],
  });
  new TlsOrigination(chart, 'tls', { egress });
}
