import { Chart } from 'cdk8s';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { Caller } from '../../../src/values/caller';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { KubeObject, up } from '../lab';
import { INSTALLED } from '../recipe';
import { synthesise } from '../support';
import { figure, Held, held, proxyOf, seconds } from './figures';

export const SIZES = [1, 10, 100, 300, 1000];
/** How many objects the lab takes at once. */
const BATCH = 500;
const MEGABYTE = 1e6;
const MINUTES = { seconds: 500 };
const installation = GatewayInstallation.helmChart({ namespace: 'egress' });
const hostNames = (count: number, label: string) =>
  Array.from({ length: count }, (_, index) => `${label}-${index}.example.com`);

/** Hosts of one team, HTTP sent out as TLS and the application's own TLS, through one gateway. */
export async function manyHosts(sizes = SIZES): Promise<void> {
  const table = {
    mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' as const },
    gateways: [INSTALLED],
    callers: [{ name: 'checkout', namespace: 'shop', serviceAccount: 'checkout' }],
    external: [],
    access: [],
  };
  for (const size of sizes) {
    const lab = await up({ table });
    try {
      const [sidecar, gateway] = [proxyOf(lab, 'checkout'), lab.proxies.find(({ pod }) => pod.role === 'router')!];
      await lab.apply('manifests', throughGateway(0, 'host'));
      await lab.converge(MINUTES);
      const empty = { sidecar: await held(sidecar), gateway: await held(gateway) };
      const objects = throughGateway(size, 'host');
      figure(
        `gateway egress path, ${size} hosts: all of them admitted and in force after`,
        await seconds(async () => {
          const ofHosts = objects.filter(({ metadata }) => !metadata.name.endsWith('-hop'));
          for (let at = 0; at < ofHosts.length; at += BATCH)
            await lab.apply(`hosts-${at}`, ofHosts.slice(at, at + BATCH));
          await lab.converge(MINUTES);
        }),
        's',
        1,
      );
      const more = throughGateway(1, 'more').filter(({ metadata }) => !metadata.name.endsWith('-hop'));
      figure(
        `gateway egress path, ${size} hosts: one more in force after`,
        await seconds(async () => {
          await lab.apply('more', more);
          await lab.converge(MINUTES);
        }),
        's',
        2,
      );
      figure(`gateway egress path, ${size} hosts: objects`, objects.length);
      report(`gateway egress path, ${size} hosts: sidecar`, await held(sidecar), empty.sidecar, size + 1);
      report(`gateway egress path, ${size} hosts: gateway`, await held(gateway), empty.gateway, size + 1);
    } finally {
      lab.down();
    }
  }
}

function throughGateway(count: number, label: string): KubeObject[] {
  return synthesise((app) => {
    const chart = new Chart(app, 'shop', { namespace: 'shop' });
    const gateway = new InstalledEgressGateway(chart, 'exit', { installation });
    if (count > 0)
      new GatewayEgress(chart, 'sites', {
        gateway,
        hosts: hostNames(count, label),
        callers: [Caller.serviceAccount('shop', 'checkout')],
      }).originateTls('tls');
  });
}

const TEAMS = 100;
const EACH = 10;

/**
 * One of a hundred teams with ten hosts each: what its proxy holds, as the constructs write it and as Istio's task
 * pages do.
 */
export async function manyNamespaces(): Promise<void> {
  const table = {
    mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' as const },
    callers: [{ name: 'one', namespace: 'team-0', serviceAccount: 'one' }],
    external: [],
    access: [],
  };
  const names = Array.from({ length: TEAMS }, (_, index) => `team-${index}`);
  const ours = synthesise((app) =>
    names.forEach((namespace) => {
      new SidecarEgress(new Chart(app, namespace, { namespace }), 'sites', {
        hosts: hostNames(EACH, namespace),
      }).originateTls('tls');
    }),
  );
  const taskPage = names.flatMap((namespace) =>
    hostNames(EACH, namespace).flatMap((host) => originationAsTheTaskPageDoes(namespace, host)),
  );
  for (const [form, objects] of [
    ['constructs', ours],
    ['task page', taskPage],
  ] as const) {
    const lab = await up({ table, manifests: objects });
    try {
      const proxy = proxyOf(lab, 'one');
      const empty = await held(proxy);
      figure(
        `${TEAMS} namespaces with ${EACH} hosts, ${form}: admitted and in force after`,
        await seconds(async () => {
          await lab.apply('manifests', objects);
          await lab.converge(MINUTES);
        }),
        's',
        1,
      );
      report(`${TEAMS} namespaces with ${EACH} hosts, ${form}: sidecar of one`, await held(proxy), empty, EACH);
    } finally {
      lab.down();
    }
  }
}

function originationAsTheTaskPageDoes(namespace: string, host: string): KubeObject[] {
  const object = (kind: string, spec: Record<string, unknown>): KubeObject => ({
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata: { name: host.replace(/\./g, '-'), namespace },
    spec,
  });
  return [
    object('ServiceEntry', {
      hosts: [host],
      resolution: 'DNS',
      ports: [
        { number: 80, name: 'http', protocol: 'HTTP', targetPort: 443 },
        { number: 443, name: 'https', protocol: 'HTTPS' },
      ],
    }),
    object('DestinationRule', {
      host,
      trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { mode: 'SIMPLE' } }] },
    }),
  ];
}

function report(name: string, now: Held, empty: Held, hosts: number): void {
  figure(`${name}: configuration`, now.bytes / MEGABYTE, 'MB', 3);
  figure(`${name}: configuration for each host`, (now.bytes - empty.bytes) / hosts, 'bytes');
  figure(`${name}: clusters`, now.clusters);
  figure(`${name}: memory`, now.memory / MEGABYTE, 'MB', 1);
  figure(`${name}: memory beyond the empty proxy`, (now.memory - empty.memory) / MEGABYTE, 'MB', 1);
}
