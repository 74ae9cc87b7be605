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
  /** In the order in which it is deleted. */
  readonly from: KubeObject[];
  readonly to: KubeObject[];
  /** What the old path serves. */
  readonly schemes: readonly ('http' | 'https')[];
  /** Whether the old path leads through a gateway, and nobody may pass it. */
  readonly gated?: boolean;
  /** Whether TLS leaves at every step. */
  readonly tls?: boolean;
  /** Whether the new path knows its callers. */
  readonly named: boolean;
}

const BOTH = ['http', 'https'] as const;
const newGateway = { to: gatewayEgress(), named: true };
const newSidecar = { to: sidecarEgress(), named: false };
const fromEnd = (objects: KubeObject[]) => [...objects].reverse();

const MOVES: Move[] = [
  { move: 'sidecar origination -> SidecarEgress', from: SIDECAR_ORIGINATION, schemes: BOTH, tls: true, ...newSidecar },
  { move: 'sidecar origination -> GatewayEgress', from: SIDECAR_ORIGINATION, schemes: BOTH, tls: true, ...newGateway },
  { move: 'gateway, HTTP -> GatewayEgress', from: gatewayHttp(), schemes: ['http'], gated: true, ...newGateway },
  // Its VirtualService is older, and decides until it goes: first.
  {
    move: 'gateway, HTTP, private -> GatewayEgress',
    from: fromEnd(gatewayHttp(['.', 'egress'])),
    schemes: ['http'],
    ...newGateway,
  },
  { move: 'gateway, passthrough -> GatewayEgress', from: PASSTHROUGH, schemes: ['https'], gated: true, ...newGateway },
  {
    move: 'gateway, origination -> GatewayEgress',
    from: GATEWAY_ORIGINATION,
    schemes: ['http'],
    gated: true,
    tls: true,
    ...newGateway,
  },
  {
    move: 'SidecarEgress -> GatewayEgress',
    from: fromEnd(sidecarEgress()),
    schemes: BOTH,
    tls: true,
    ...newGateway,
  },
  {
    move: 'GatewayEgress -> SidecarEgress',
    from: fromEnd(gatewayEgress()),
    schemes: BOTH,
    tls: true,
    ...newSidecar,
  },
  {
    move: 'GatewayEgress -> another gateway',
    from: fromEnd(gatewayEgress()),
    schemes: BOTH,
    gated: true,
    tls: true,
    to: gatewayEgress({ gateway: 'egress-2' }),
    named: true,
  },
];

const world = table('REGISTRY_ONLY');
const [first] = world.gateways!;
// The first has a name, so that it has the Service that the recipes route to.
const gateways = [
  { ...first, name: 'istio-egressgateway' },
  { ...first, namespace: 'egress-2' },
];

describeMesh('moves', { table: { ...world, gateways } }, (mesh) => {
  test.each(MOVES)('$move', async ({ from, to, schemes, gated = false, tls = false, named }) => {
    const looks: Look[] = [];
    const now = [...from];
    const step = async (name: string) => {
      await mesh.lab.apply('manifests', now); // Istio's own recipes cause warnings
      await mesh.lab.converge();
      for (const scheme of schemes) looks.push(await look(mesh, scheme, `${scheme} ${name}`, gated || named, false));
    };
    await mesh.apply([]);
    now.length = 0;
    // As somebody applied them long ago.
    for (const one of fromEnd(from)) now.push(one);
    await step('before');
    for (const one of to) {
      now.push(one);
      await step(`with ${idOf(one)}`);
    }
    for (const one of from) {
      now.splice(now.indexOf(one), 1);
      await step(`without ${idOf(one)}`);
    }
    const steps = (wrong: (one: Look) => boolean) =>
      looks.filter(wrong).map((one) => `${one.step}: ${one.named} ${one.unnamed} ${one.stranger}`);
    expect(steps((one) => one.named === 'refused')).toEqual([]);
    if (gated) expect(steps((one) => [one.named, one.unnamed, one.stranger].includes('old'))).toEqual([]);
    if (tls) expect(steps((one) => one.plaintext)).toEqual([]);
    expect(looks.slice(-schemes.length).map((one) => [one.named, one.unnamed, one.stranger])).toEqual(
      schemes.map(() => ['new', named ? 'refused' : 'new', 'refused']),
    );
  });
});
