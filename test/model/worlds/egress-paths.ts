/**
 * Egress paths as people write them: after Istio's task pages, after older advice, and in the shapes that our
 * constructs emit, each with the variations that occur in practice. Most work, some never do.
 */
import { Random } from './random';
import { ADDRESS, CALLER_NAMESPACES, EGRESS, GatewayNames, NAMESPACES, PRINCIPALS, ROOT } from './table';
import { object, plain, WorldObject } from './world';

export type ExportTo = string[] | undefined;

/** The ports that people declare for a web host. */
const PORT_SETS: readonly (readonly [number, any[]])[] = [
  [
    6,
    [
      { number: 80, name: 'http', protocol: 'HTTP' },
      { number: 443, name: 'tls', protocol: 'TLS' },
    ],
  ],
  [
    3,
    [
      { number: 80, name: 'http', protocol: 'HTTP' },
      { number: 443, name: 'https', protocol: 'HTTPS' },
    ],
  ],
  [3, [{ number: 80, name: 'http', protocol: 'HTTP' }]],
  [2, [{ number: 443, name: 'tls', protocol: 'TLS' }]],
  [
    2,
    [
      { number: 80, name: 'http', protocol: 'HTTP', targetPort: 443 },
      { number: 443, name: 'tls', protocol: 'TLS' },
    ],
  ],
  [1, [{ number: 80, name: 'http', protocol: 'HTTP', targetPort: 443 }]],
  [
    1,
    [
      { number: 80, name: 'http', protocol: 'HTTP' },
      { number: 443, name: 'http-tls', protocol: 'HTTP' },
    ],
  ],
  [1, [{ number: 443, name: 'tcp', protocol: 'TCP' }]],
  [
    1,
    [
      { number: 80, name: 'tcp', protocol: 'TCP' },
      { number: 443, name: 'tls', protocol: 'TLS' },
    ],
  ],
  [
    1,
    [
      { number: 8080, name: 'http', protocol: 'HTTP', targetPort: 80 },
      { number: 8443, name: 'tls', protocol: 'TLS', targetPort: 443 },
    ],
  ],
  [
    0.5,
    [
      { number: 80, name: 'http2', protocol: 'HTTP2' },
      { number: 443, name: 'tls', protocol: 'TLS' },
    ],
  ],
  [
    0.5,
    [
      { number: 80, name: 'any' },
      { number: 443, name: 'any-tls' },
    ],
  ],
];

export function exportTo(random: Random, others: string[] = []): ExportTo {
  const named = [...new Set([...others, random.pick(NAMESPACES)])];
  return random.weighted<ExportTo>([
    [5, undefined],
    [3, ['.']],
    [2, ['*']],
    [1.5, named],
  ]);
}

/** The parts of a declaration that are not random. */
interface Fixed {
  readonly namespace?: string;
  readonly exportTo?: ExportTo;
  readonly ports?: any[];
  readonly resolution?: string;
}

/** A ServiceEntry for a host, correct or not. */
export function declared(random: Random, host: string, name: string, fixed: Fixed = {}): WorldObject {
  const namespace =
    fixed.namespace ??
    random.weighted([
      [5, 'shop'],
      [2, 'other'],
      [2, ROOT],
      [1, 'egress'],
      [1, 'edge'],
    ]);
  const resolution =
    fixed.resolution ??
    random.weighted([
      [7, 'DNS'],
      [3, 'NONE'],
      [2, 'STATIC'],
      [1, 'DNS_ROUND_ROBIN'],
      [0.5, undefined],
    ]);
  const address = random.chance(0.1)
    ? random.weighted([
        [3, [ADDRESS[host]]],
        [1, ['203.0.113.0/24']],
        [1, ['203.0.113.99']],
        [1, ['240.1.1.1']],
      ])
    : undefined;
  const cidr = address?.some((one) => one.includes('/')) && resolution !== 'NONE' && resolution !== 'STATIC';
  return object(
    'ServiceEntry',
    namespace,
    name,
    plain({
      hosts: [host],
      addresses: cidr ? undefined : address,
      location: random.weighted([
        [8, 'MESH_EXTERNAL'],
        [1, undefined],
        [0.5, 'MESH_INTERNAL'],
      ]),
      ports: fixed.ports ?? random.weighted(PORT_SETS),
      resolution,
      endpoints:
        resolution === 'STATIC' && random.chance(0.7) ? [{ address: ADDRESS[host] ?? '203.0.113.99' }] : undefined,
      exportTo: 'exportTo' in fixed ? fixed.exportTo : exportTo(random),
    }),
  );
}

/** A ServiceEntry for a wildcard, which not every resolution allows. */
export function wildcard(random: Random, name: string): WorldObject {
  const resolution = random.pick(['NONE', 'NONE', 'DYNAMIC_DNS', 'DYNAMIC_DNS', 'DNS', 'STATIC']);
  return object(
    'ServiceEntry',
    random.pick(['shop', 'other', ROOT]),
    name,
    plain({
      hosts: ['*.example.com'],
      location: 'MESH_EXTERNAL',
      ports: random.pick([
        [
          { number: 80, name: 'http', protocol: 'HTTP' },
          { number: 443, name: 'tls', protocol: 'TLS' },
        ],
        [{ number: 443, name: 'tls', protocol: 'TLS' }],
        [{ number: 80, name: 'http', protocol: 'HTTP' }],
      ]),
      resolution,
      endpoints:
        resolution === 'DNS'
          ? [{ address: 'www.example.com' }]
          : resolution === 'STATIC'
            ? [{ address: ADDRESS['www.example.com'] }]
            : undefined,
      exportTo: exportTo(random),
    }),
  );
}

/** A DestinationRule that originates TLS for a host, in one of the places where people put the TLS settings. */
export function originatingRule(
  random: Random,
  host: string,
  name: string,
  namespace: string,
  subset?: string,
): WorldObject {
  const credential = random.chance(host === 'partner.example.net' ? 0.85 : 0.06);
  const tls: any = plain({
    mode: credential && random.chance(0.9) ? 'MUTUAL' : 'SIMPLE',
    credentialName: credential
      ? random.weighted([
          [6, 'partner-client'],
          [1, 'wrong-client'],
          [1, 'no-such-secret'],
        ])
      : undefined,
    sni: random.weighted([
      [5, host],
      [3, undefined],
      [0.5, 'www.example.com'],
    ]),
    subjectAltNames: random.weighted([
      [4, [host]],
      [4, undefined],
      [0.5, ['elsewhere.example.com']],
    ]),
    caCertificates: credential
      ? undefined
      : random.weighted([
          [4, undefined],
          [1, 'system'],
        ]),
    insecureSkipVerify: undefined,
  });
  if (random.chance(0.05) && !credential) {
    tls.insecureSkipVerify = true;
    delete tls.subjectAltNames;
    delete tls.caCertificates;
  }
  const portLevel = (number: number) => ({ portLevelSettings: [{ port: { number }, tls }] });
  const policy = random.weighted<() => any>([
    [4, () => portLevel(443)],
    [2, () => portLevel(80)],
    [1, () => ({ tls })],
    [0.5, () => portLevel(8443)],
  ])();
  const inSubset = subset !== undefined || random.chance(0.15);
  return object(
    'DestinationRule',
    namespace,
    name,
    plain({
      host,
      trafficPolicy: inSubset ? (random.chance(0.2) ? { loadBalancer: { simple: 'ROUND_ROBIN' } } : undefined) : policy,
      subsets: inSubset ? [{ name: subset ?? 'tls', trafficPolicy: policy }] : undefined,
      exportTo: exportTo(random),
    }),
  );
}

/** TLS origination at the sidecar: by a mapped port, or by a route to a subset. */
export function sidecarOrigination(random: Random, host: string, name: string): WorldObject[] {
  const namespace = random.weighted([
    [6, 'shop'],
    [1, 'other'],
    [1, ROOT],
  ]);
  const visible = exportTo(random);
  const mapped = random.chance(0.45);
  const entry = declared(random, host, name, {
    namespace,
    exportTo: visible,
    resolution: random.weighted([
      [8, 'DNS'],
      [1, 'NONE'],
      [1, 'STATIC'],
    ]),
    ports: [
      { number: 80, name: 'http', protocol: 'HTTP', ...(mapped && { targetPort: 443 }) },
      ...(random.chance(0.85) ? [{ number: 443, name: 'tls', protocol: random.pick(['TLS', 'HTTPS']) }] : []),
    ],
  });
  const subset = mapped && random.chance(0.7) ? undefined : 'tls';
  const rule = originatingRule(random, host, name, namespace, subset);
  if (mapped && random.chance(0.8)) {
    const target = subset ? rule.spec.subsets[0] : rule.spec;
    const tls = target.trafficPolicy?.tls ?? target.trafficPolicy?.portLevelSettings?.[0].tls;
    if (tls) target.trafficPolicy = { portLevelSettings: [{ port: { number: 80 }, tls }] };
  }
  if (subset === undefined) return [entry, rule];
  const route = object(
    'VirtualService',
    random.chance(0.85) ? namespace : random.pick(NAMESPACES),
    name,
    plain({
      hosts: [host],
      gateways: random.chance(0.2) ? ['mesh'] : undefined,
      http: [
        {
          match: random.chance(0.8) ? [{ port: 80 }] : undefined,
          route: [
            {
              destination: {
                host,
                subset: random.chance(0.93) ? subset : 'wrong',
                port: random.chance(0.9) ? { number: mapped ? 80 : 443 } : undefined,
              },
            },
          ],
        },
      ],
      exportTo: visible,
    }),
  );
  return [entry, rule, route];
}

export type HopKind = 'plain' | 'mutual' | 'passthrough' | 'tls-in-mutual' | 'tcp' | 'tcp-in-mutual';

/**
 * Through a gateway, as on Istio's task pages: an entry, a Gateway, a VirtualService with both routes, a rule for the
 * hop, and, where TLS is originated, a rule for the host.
 */
export function throughGateway(
  random: Random,
  host: string,
  name: string,
  kind: HopKind,
  gateway: GatewayNames = EGRESS,
): WorldObject[] {
  const home = random.weighted([
    [5, gateway.namespace],
    [3, 'shop'],
    [1, ROOT],
  ]);
  const visible = random.weighted<ExportTo>([
    [6, undefined],
    [1, ['*']],
    [2, [...new Set(['shop', gateway.namespace])]],
    [1, ['.']],
  ]);
  const http = kind === 'plain' || kind === 'mutual';
  const tcp = kind === 'tcp' || kind === 'tcp-in-mutual';
  const mutual = kind === 'mutual' || kind === 'tls-in-mutual' || kind === 'tcp-in-mutual';
  const hopPort = kind === 'plain' ? 80 : kind === 'tcp' ? random.pick([80, 443]) : 443;
  const originates = http && random.chance(host === 'partner.example.net' ? 0.95 : 0.5);
  const entryPorts = tcp
    ? [{ number: 5432, name: 'tcp', protocol: 'TCP' }]
    : random.weighted([
        [
          5,
          [
            { number: 80, name: 'http', protocol: 'HTTP' },
            { number: 443, name: 'tls', protocol: random.pick(['TLS', 'HTTPS']) },
          ],
        ],
        [1, http ? [{ number: 80, name: 'http', protocol: 'HTTP' }] : [{ number: 443, name: 'tls', protocol: 'TLS' }]],
        [1, [{ number: 80, name: 'http', protocol: 'HTTP', targetPort: originates ? 443 : undefined }]],
      ]);
  const entry = declared(random, host, name, {
    namespace: home,
    exportTo: visible,
    ports: plain(entryPorts),
    resolution: random.weighted([
      [10, 'DNS'],
      [1, 'NONE'],
      [1, 'STATIC'],
    ]),
  });
  if (tcp && random.chance(0.8)) entry.spec.addresses = [ADDRESS[host]];
  else if (!tcp) delete entry.spec.addresses;
  const scoped = random.chance(0.15) ? `${home}/${host}` : host;
  const server = plain({
    port: {
      number: hopPort,
      name: `${http ? 'http' : tcp ? 'tcp' : 'tls'}-${name}`,
      protocol: kind === 'plain' ? 'HTTP' : kind === 'mutual' ? 'HTTPS' : kind === 'tcp' ? 'TCP' : 'TLS',
    },
    hosts: [kind === 'tcp' && random.chance(0.5) ? '*' : random.chance(0.93) ? scoped : '*'],
    tls:
      kind === 'plain' || kind === 'tcp'
        ? undefined
        : {
            mode: mutual ? 'ISTIO_MUTUAL' : 'PASSTHROUGH',
            subjectAltNames:
              mutual && random.chance(0.3) ? random.some(PRINCIPALS, 1, 2).map((one) => `spiffe://${one}`) : undefined,
          },
  });
  const gatewayHome = random.chance(0.85) ? gateway.namespace : home;
  const gatewayObject = object('Gateway', gatewayHome, name, { selector: gateway.selector, servers: [server] });
  const subset = random.chance(0.9) ? name : undefined;
  const hopTls = plain({
    mode: 'ISTIO_MUTUAL',
    sni: random.weighted([
      [9, host],
      [1, undefined],
    ]),
    subjectAltNames: random.chance(0.2)
      ? [random.chance(0.8) ? gateway.spiffe : 'spiffe://cluster.local/ns/egress/sa/other']
      : undefined,
  });
  const hopPolicy = mutual
    ? random.chance(0.8)
      ? { portLevelSettings: [{ port: { number: hopPort }, tls: hopTls }] }
      : { tls: hopTls }
    : undefined;
  const hopRule = object(
    'DestinationRule',
    random.weighted([
      [5, gateway.namespace],
      [4, 'shop'],
      [1, home],
      [1, ROOT],
    ]),
    `${name}-hop`,
    plain({
      host: gateway.service,
      trafficPolicy: subset === undefined ? hopPolicy : undefined,
      subsets: subset === undefined ? undefined : [{ name: subset, trafficPolicy: hopPolicy }],
      exportTo: random.chance(0.75) ? undefined : exportTo(random, ['shop']),
    }),
  );
  const gatewayName = random.weighted([
    [9, `${gatewayHome}/${name}`],
    [1, name],
  ]);
  const toGateway = { destination: plain({ host: gateway.service, subset, port: { number: hopPort } }) };
  const outPort = tcp ? 5432 : http ? (originates && !entryPorts.some((port: any) => port.targetPort) ? 443 : 80) : 443;
  const originSubset = originates && random.chance(0.5) ? 'out' : undefined;
  const toHost = {
    destination: plain({ host, port: { number: random.chance(0.95) ? outPort : 80 }, subset: originSubset }),
  };
  const clientPort = http ? 80 : tcp ? 5432 : 443;
  const both = !random.chance(0.2);
  const meshRoute = http
    ? { match: [{ gateways: both ? ['mesh'] : undefined, port: clientPort }], route: [toGateway] }
    : tcp
      ? { match: [{ gateways: both ? ['mesh'] : undefined, port: clientPort }], route: [toGateway] }
      : { match: [{ gateways: both ? ['mesh'] : undefined, port: clientPort, sniHosts: [host] }], route: [toGateway] };
  const gatewayMatch = { gateways: both ? [gatewayName] : undefined, port: hopPort };
  const gatewayRoute =
    kind === 'passthrough'
      ? { match: [{ ...gatewayMatch, sniHosts: [host] }], route: [toHost] }
      : { match: [gatewayMatch], route: [toHost] };
  const section = http ? 'http' : tcp ? 'tcp' : 'tls';
  const gatewaySection = http ? 'http' : kind === 'passthrough' ? 'tls' : 'tcp';
  const route = (routeHome: string, suffix: string, gateways: string[], sections: any) =>
    object(
      'VirtualService',
      routeHome,
      `${name}${suffix}`,
      plain({
        hosts: [host],
        gateways,
        ...sections,
        exportTo: random.chance(0.8) ? visible : exportTo(random, ['shop', gateway.namespace]),
      }),
    );
  const routes = both
    ? [
        route(
          home,
          '',
          ['mesh', gatewayName],
          section === gatewaySection
            ? { [section]: [meshRoute, gatewayRoute] }
            : { [section]: [meshRoute], [gatewaySection]: [gatewayRoute] },
        ),
      ]
    : [
        route(random.chance(0.7) ? 'shop' : home, '-mesh', ['mesh'], { [section]: [meshRoute] }),
        route(home, '-gateway', [gatewayName], { [gatewaySection]: [gatewayRoute] }),
      ];
  const outRule = originates
    ? [
        originatingRule(
          random,
          host,
          `${name}-out`,
          random.weighted([
            [6, gateway.namespace],
            [2, home],
            [1, 'shop'],
          ]),
          originSubset,
        ),
      ]
    : [];
  return plain([entry, gatewayObject, hopRule, ...routes, ...outRule]);
}

/** A VirtualService without a ServiceEntry of its own. */
export function plainRoute(random: Random, host: string, name: string): WorldObject {
  const namespace = random.pick([...CALLER_NAMESPACES, 'shop', ROOT]);
  const other = random.pick(['www.example.com', 'api.example.com', host]);
  const destination = (to: string) => ({ destination: { host: to, port: { number: random.chance(0.85) ? 80 : 443 } } });
  const rule = random.weighted<() => any>([
    [2, () => ({ route: [destination(host)], timeout: '3s' })],
    [1, () => ({ route: [destination(other)], rewrite: { authority: other } })],
    [1, () => ({ route: [destination(host)], rewrite: { uri: '/rewritten' } })],
    [
      1,
      () => ({
        redirect: plain({
          authority: random.chance(0.5) ? other : undefined,
          uri: '/moved',
          redirectCode: random.pick([undefined, 302, 308]),
          scheme: random.pick([undefined, 'https']),
        }),
      }),
    ],
    [1, () => ({ directResponse: { status: random.pick([403, 404, 503, 200]) } })],
    [
      1,
      () => ({
        route: [destination(host)],
        fault: { abort: { percentage: { value: 100 }, httpStatus: random.pick([418, 500]) } },
      }),
    ],
    [
      1,
      () => ({
        route: [
          { ...destination(host), weight: 100 },
          { ...destination(other), weight: 0 },
        ],
      }),
    ],
    [1, () => ({ route: [destination(host)], headers: { request: { set: { 'x-team': 'shop' }, remove: ['x-env'] } } })],
  ])();
  const match = random.weighted<any>([
    [3, undefined],
    [1, [{ uri: { prefix: '/api' } }]],
    [1, [{ uri: { exact: '/' } }]],
    [1, [{ method: { exact: 'POST' } }]],
    [1, [{ headers: { 'x-env': { exact: 'canary' } } }]],
    [1, [{ port: 80 }]],
    [1, [{ sourceLabels: { app: 'checkout' } }]],
    [1, [{ sourceNamespace: 'other' }]],
    [1, [{ authority: { exact: host } }]],
    [0.5, [{ uri: { regex: '/a.*' } }, { headers: { 'x-env': { prefix: 'can' } } }]],
  ]);
  const fallthrough = match !== undefined && random.chance(0.5) ? [{ route: [destination(host)] }] : [];
  return object(
    'VirtualService',
    namespace,
    name,
    plain({ hosts: [host], http: [{ ...rule, match }, ...fallthrough], exportTo: exportTo(random) }),
  );
}

/** A ServiceEntry for a database: with an address, without one, or with a range. */
export function database(random: Random, host: string, name: string): WorldObject {
  const resolution = random.pick(['DNS', 'NONE', 'STATIC']);
  const addresses = random.weighted<string[] | undefined>([
    [4, [ADDRESS[host]]],
    [2, undefined],
    [resolution === 'DNS' ? 0 : 2, ['203.0.113.0/26']],
    [1, ['240.9.9.9']],
  ]);
  return object(
    'ServiceEntry',
    random.pick(['shop', 'other', ROOT]),
    name,
    plain({
      hosts: [host],
      addresses,
      location: 'MESH_EXTERNAL',
      ports: random.pick([
        [{ number: 5432, name: 'tcp', protocol: 'TCP' }],
        [
          { number: 5432, name: 'tcp', protocol: 'TCP' },
          { number: 3306, name: 'tcp-mysql', protocol: 'TCP' },
        ],
        [{ number: 5432, name: 'tls', protocol: 'TLS' }],
      ]),
      resolution,
      endpoints: resolution === 'STATIC' ? [{ address: ADDRESS[host] }] : undefined,
      exportTo: exportTo(random),
    }),
  );
}
