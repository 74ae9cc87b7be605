/**
 * Three hundred hosts on one gateway: the configuration of each proxy grows in proportion to the hosts, and one more
 * host is soon in force.
 */
import { Chart } from 'cdk8s';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { Caller } from '../../../src/values/caller';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { held, proxyOf, seconds } from '../bench/figures';
import { KubeObject } from '../lab';
import { INSTALLED } from '../recipe';
import { describeMesh, synthesise } from '../support';

const HALF = 150;
const PATIENCE = { seconds: 200 };

function throughGateway(hosts: string[]): KubeObject[] {
  return synthesise((app) => {
    const chart = new Chart(app, 'shop', { namespace: 'shop' });
    const gateway = new InstalledEgressGateway(chart, 'exit', {
      installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
    });
    new GatewayEgress(chart, 'sites', {
      gateway,
      hosts,
      callers: [Caller.serviceAccount('shop', 'checkout')],
    }).originateTls('tls');
  });
}

const names = (from: number) => Array.from({ length: HALF }, (_, index) => `site-${from + index}.example.com`);
const ofHosts = (objects: KubeObject[]) => objects.filter(({ kind }) => kind !== 'Service');

describeMesh(
  '300 hosts on one gateway',
  {
    table: {
      mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
      gateways: [INSTALLED],
      callers: [{ name: 'checkout', namespace: 'shop', serviceAccount: 'checkout' }],
      external: [{ host: 'one-more.example.com', http: 'ok', https: 'ok' }],
    },
  },
  (mesh) => {
    test('configuration grows in proportion, one more host is in force sooner than many, and it is answered', async () => {
      const proxies = () => [proxyOf(mesh.lab, 'checkout'), mesh.lab.proxies.find(({ pod }) => pod.role === 'router')!];
      const bytes = async () => Promise.all(proxies().map(async (proxy) => (await held(proxy)).bytes));
      await mesh.apply(throughGateway([names(0)[0]]).filter(({ kind }) => kind === 'Service'));
      const empty = await bytes();
      const inForce = (hosts: string[], set: string) =>
        seconds(() => mesh.apply(ofHosts(throughGateway(hosts)), set, PATIENCE));
      await inForce(names(0), 'first');
      const half = await bytes();
      const tookSecond = await inForce(names(HALF), 'second');
      const whole = await bytes();
      for (const at of [0, 1]) {
        const ratio = (whole[at] - empty[at]) / (half[at] - empty[at]);
        expect(ratio).toBeGreaterThan(1.9);
        expect(ratio).toBeLessThan(2.1);
      }
      const took = await inForce(['one-more.example.com'], 'more');
      expect(took).toBeLessThan(tookSecond);
      await mesh.expectRow({
        from: 'checkout',
        request: 'http://one-more.example.com/',
        expect: { outcome: 'answered', status: 200, via: 'gateway', tlsOriginatedBy: 'gateway' },
      });
    });
  },
);
