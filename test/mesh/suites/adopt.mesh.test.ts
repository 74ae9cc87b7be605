/**
 * Coming from somewhere: the recipes of Istio's task pages, our other construct, and another gateway. The new objects
 * are applied in their order beside the old ones, then the old ones are deleted from the end. An allowed caller is
 * answered at every step; where it went through a gateway before, it never goes past one.
 */
import { idOf, KubeObject } from '../lab';
import { gatewayEgress, HOST, look, Look, sidecarEgress, table } from '../rollout';
import { describeMesh } from '../support';

const GATEWAY = { app: 'istio-egressgateway', istio: 'egressgateway' };
const SERVICE = 'istio-egressgateway.egress.svc.cluster.local';

const object = (kind: string, name: string, spec: Record<string, unknown>): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace: 'payments' },
  spec,
});
const ports = (...which: ('http' | 'tls' | 'http-to-443')[]) =>
  which.map((one) =>
    one === 'tls'
      ? { number: 443, name: 'tls', protocol: 'TLS' }
      : { number: 80, name: 'http', protocol: 'HTTP', ...(one === 'http-to-443' && { targetPort: 443 }) },
  );
const entry = (...which: Parameters<typeof ports>) =>
  object('ServiceEntry', 'partner', {
    hosts: [HOST],
    resolution: 'DNS',
    location: 'MESH_EXTERNAL',
    ports: ports(...which),
  });
const servers = (...list: object[]) => object('Gateway', 'partner', { selector: GATEWAY, servers: list });
const route = (spec: object, exportTo?: string[]) =>
  object('VirtualService', 'partner', {
    hosts: [HOST],
    gateways: ['partner', 'mesh'],
    ...(exportTo && { exportTo }),
    ...spec,
  });
const subset = (trafficPolicy?: object) =>
  object('DestinationRule', 'to-gateway', {
    host: SERVICE,
    subsets: [{ name: 'partner', ...(trafficPolicy && { trafficPolicy }) }],
  });
const httpRoutes = (hop: number, out: number) => ({
  http: [
    {
      match: [{ gateways: ['mesh'], port: 80 }],
      route: [{ destination: { host: SERVICE, subset: 'partner', port: { number: hop } } }],
    },
    {
      match: [{ gateways: ['partner'], port: hop }],
      route: [{ destination: { host: HOST, port: { number: out } } }],
    },
  ],
});
const originate = (port: number) =>
  object('DestinationRule', 'originate', {
    host: HOST,
    trafficPolicy: { portLevelSettings: [{ port: { number: port }, tls: { mode: 'SIMPLE', sni: HOST } }] },
  });

/** Istio's "Egress TLS Origination". */
const SIDECAR_ORIGINATION = [entry('http-to-443', 'tls'), originate(80)];
/** Istio's "Egress Gateways", for HTTP. */
const gatewayHttp = (exportTo?: string[]) => [
  entry('http', 'tls'),
  servers({ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: [HOST] }),
  subset(),
  route(httpRoutes(80, 80), exportTo),
];
/** The same page, for HTTPS. */
const PASSTHROUGH = [
  entry('tls'),
  servers({ port: { number: 443, name: 'tls', protocol: 'TLS' }, hosts: [HOST], tls: { mode: 'PASSTHROUGH' } }),
  subset(),
  route({
    tls: [
      {
        match: [{ gateways: ['mesh'], port: 443, sniHosts: [HOST] }],
        route: [{ destination: { host: SERVICE, subset: 'partner', port: { number: 443 } } }],
      },
      {
        match: [{ gateways: ['partner'], port: 443, sniHosts: [HOST] }],
        route: [{ destination: { host: HOST, port: { number: 443 } } }],
      },
    ],
  }),
];
/** Istio's "Egress Gateways with TLS Origination". */
const GATEWAY_ORIGINATION = [
  entry('http', 'tls'),
  servers({
    port: { number: 443, name: 'https', protocol: 'HTTPS' },
    hosts: [HOST],
    tls: { mode: 'ISTIO_MUTUAL' },
  }),
  subset({ portLevelSettings: [{ port: { number: 443 }, tls: { mode: 'ISTIO_MUTUAL', sni: HOST } }] }),
  route({
    http: [
      {
        match: [{ gateways: ['mesh'], port: 80 }],
        route: [{ destination: { host: SERVICE, subset: 'partner', port: { number: 443 } } }],
      },
      {
        match: [{ gateways: ['partner'], port: 443 }],
        route: [{ destination: { host: HOST, port: { number: 443 } } }],
      },
    ],
  }),
  originate(443),
];

interface Move {
  readonly move: string;
  readonly from: KubeObject[];
  readonly to: KubeObject[];
  /** What is asked for; the rest of the old recipe's requests went past the gateway, or nowhere. */
  readonly schemes: ('http' | 'https')[];
  /** Whether calls may go past every gateway in between. */
  readonly throughGateway: boolean;
  readonly gateway: boolean;
}

const both = ['http', 'https'] as const;
const MOVES: Move[] = [
  {
    move: 'sidecar origination -> SidecarEgress',
    from: SIDECAR_ORIGINATION,
    to: sidecarEgress(),
    schemes: [...both],
    throughGateway: false,
    gateway: false,
  },
  {
    move: 'sidecar origination -> GatewayEgress',
    from: SIDECAR_ORIGINATION,
    to: gatewayEgress(),
    schemes: [...both],
    throughGateway: false,
    gateway: true,
  },
  {
    move: 'gateway HTTP -> GatewayEgress',
    from: gatewayHttp(),
    to: gatewayEgress(),
    schemes: ['http'],
    throughGateway: true,
    gateway: true,
  },
  {
    move: 'gateway HTTP, private -> GatewayEgress',
    from: gatewayHttp(['.', 'egress']),
    to: gatewayEgress(),
    schemes: ['http'],
    throughGateway: true,
    gateway: true,
  },
  {
    move: 'gateway passthrough -> GatewayEgress',
    from: PASSTHROUGH,
    to: gatewayEgress(),
    schemes: ['https'],
    throughGateway: true,
    gateway: true,
  },
  {
    move: 'gateway origination -> GatewayEgress',
    from: GATEWAY_ORIGINATION,
    to: gatewayEgress(),
    schemes: ['http'],
    throughGateway: true,
    gateway: true,
  },
  {
    move: 'SidecarEgress -> GatewayEgress',
    from: sidecarEgress(),
    to: gatewayEgress(),
    schemes: [...both],
    throughGateway: false,
    gateway: true,
  },
  {
    move: 'GatewayEgress -> SidecarEgress',
    from: gatewayEgress(),
    to: sidecarEgress(),
    schemes: [...both],
    throughGateway: false,
    gateway: false,
  },
  {
    move: 'GatewayEgress -> another gateway',
    from: gatewayEgress(),
    to: gatewayEgress({ gateway: 'egress-2' }),
    schemes: [...both],
    throughGateway: true,
    gateway: true,
  },
];

const world = table('REGISTRY_ONLY');
const second = { ...world.gateways![0], namespace: 'egress-2' };

describeMesh('moves', { table: { ...world, gateways: [...world.gateways!, second] } }, (mesh) => {
  test.each(MOVES)('$move', async ({ move, from, to, schemes, throughGateway, gateway }) => {
    const looks: Look[] = [];
    const now = [...from];
    const step = async (name: string) => {
      await mesh.lab.apply('manifests', now);
      await mesh.lab.converge();
      for (const scheme of schemes)
        looks.push(await look(mesh, scheme, `${scheme} ${name}`, gateway || throughGateway, false));
    };
    await step('before');
    for (const one of to) {
      now.push(one);
      await step(`with ${idOf(one)}`);
    }
    for (const one of [...from].reverse()) {
      now.splice(now.indexOf(one), 1);
      await step(`without ${idOf(one)}`);
    }
    console.info(
      `${move}\n${looks.map((one) => `${one.step}: ${one.named} ${one.unnamed} ${one.stranger}`).join('\n')}`,
    );
  });
});
