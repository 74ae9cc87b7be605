/**
 * What people set beside the egress path itself: tokens, paths, ranges, Services, TLS for bytes, timeouts, protocols,
 * rights, and objects of other kinds. Each adds objects to a world, and requests that they may change.
 */
import { Random } from './random';
import { ADDRESS, EGRESS, GatewayNames, ROOT, WEB_HOSTS } from './table';
import { object, plain, Request, WorldObject } from './world';
import { MeshSettings } from '../../../src/access/access-table';

export interface Setting {
  readonly objects: WorldObject[];
  readonly requests: Request[];
}

interface Place {
  readonly host: string;
  readonly name: string;
  readonly gateway: GatewayNames;
  readonly mesh: MeshSettings;
}

/** Some settings that fit a world. */
export function setting(random: Random, place: Place): Setting {
  return random.weighted<() => Setting>([
    [3, () => tokens(random, place)],
    [3, () => paths(random, place)],
    [3, () => ranges(random, place)],
    [3, () => services(random, place)],
    [2, () => tlsForBytes(random, place)],
    [2, () => timeouts(random, place)],
    [3, () => protocols(random, place)],
    [2, () => rights(random, place)],
    [3, () => otherKinds(random, place)],
    [1, () => listenerOfSidecar(random, place)],
  ])();
}

const anyCaller = (random: Random) => random.pick(['checkout', 'crawler', 'stranger']);

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
/** A token with a signature that no key has made. */
const token = (claims: object) => `${encoded({ alg: 'RS256', kid: 'k' })}.${encoded(claims)}.${'x'.repeat(342)}`;
const MODULUS =
  'xAE7eB6qugXyCAG3yhh7pkDkT65pHymX-P7KfIupjf59vsdo91bSP9C8H07pSAGQO1MV_xFj9VswgsCg4R6otmg5PV2He95lZdHtOcU5DXIg_pbhL' +
  'dKXbi66GlVeK6ABZOUW3WYtnNHD-91gVuoeJT_DwtGGcp4ignkgXfkiEm4sw-4sfb4qdt5oLbyVpmW6x9cfa7vs2WTfURiCrBoUqgBo_-4WTiULmmH' +
  'SGZHOjzwa8WtrtOQGsAFjIbno85jp6MnGGGZPYZbDAa_b3y5u-YpW7ypZrvD8BgtKVjgtQgZhLAGezMt0ua3DRrWnKqTZ0BJ_EyxOGuHJrLsn00fnMQ';
const JWKS = JSON.stringify({ keys: [{ kty: 'RSA', kid: 'k', e: 'AQAB', n: MODULUS }] });
const LATER = 4_102_444_800;

function tokens(random: Random, { host, name, gateway }: Place): Setting {
  const namespace = random.weighted([
    [5, gateway.namespace],
    [2, ROOT],
    [1, 'shop'],
  ]);
  const matchLabels = namespace === 'shop' ? { app: 'checkout' } : gateway.selector;
  const authentication = object(
    'RequestAuthentication',
    namespace,
    name,
    plain({
      selector: random.chance(0.75) ? { matchLabels } : undefined,
      jwtRules: [
        {
          issuer: 'good',
          jwks: JWKS,
          fromHeaders: random.chance(0.2) ? [{ name: 'x-token', prefix: 'Bearer ' }] : undefined,
        },
      ],
    }),
  );
  const asks = random.chance(0.35)
    ? [
        object('AuthorizationPolicy', namespace, `${name}-token`, {
          selector: { matchLabels },
          action: random.pick(['ALLOW', 'DENY']),
          rules: [
            {
              from: [
                {
                  source: random.pick<any>([
                    { requestPrincipals: ['*'] },
                    { requestPrincipals: ['good/*'] },
                    { notRequestPrincipals: ['*'] },
                  ]),
                },
              ],
            },
          ],
        }),
      ]
    : [];
  const header = random.pick<Record<string, string>>([
    { Authorization: 'Bearer abc' },
    { Authorization: `Bearer ${token({ iss: 'else', exp: LATER })}` },
    { Authorization: `Bearer ${token({ iss: 'good', exp: 1 })}` },
    { Authorization: 'Basic YWJj' },
    { 'x-token': 'Bearer abc' },
  ]);
  return {
    objects: [authentication, ...asks],
    requests: [
      { from: 'checkout', request: `http://${host}/`, headers: header },
      { from: anyCaller(random), request: `http://${host}/` },
    ],
  };
}

const SPELLINGS = ['/admin', '/%61dmin', '//admin', '/x/../admin', '/admin/', '/admin/a', '/admin/a/b', '/ADMIN'];
const MORE_SPELLINGS = ['/x/%2e%2e/admin', '/./admin', '/admin%2fa', '/admin?x=1', '/t/7/u', '/t/u'];

function paths(random: Random, { host, name, gateway }: Place): Setting {
  const pattern = random.pick(['/admin', '/admin*', '*/admin', '/admin/{*}', '/admin/{**}', '/t/{*}/u', '/{**}/u']);
  const protects = random.chance(0.6);
  const made = protects
    ? object(
        'AuthorizationPolicy',
        random.chance(0.8) ? gateway.namespace : ROOT,
        name,
        plain({
          selector: random.chance(0.8) ? { matchLabels: gateway.selector } : undefined,
          action: random.chance(0.6) ? 'DENY' : 'ALLOW',
          rules: [
            { to: [{ operation: random.chance(0.85) ? { paths: [pattern] } : { notPaths: [pattern] } }] },
            ...(random.chance(0.3) ? [{ to: [{ operation: { paths: ['/t*'] } }] }] : []),
          ],
        }),
      )
    : object(
        'VirtualService',
        'shop',
        name,
        plain({
          hosts: [host],
          http: [
            {
              match: [
                {
                  uri: random.pick<any>([
                    { exact: '/admin' },
                    { prefix: '/admin' },
                    { regex: '/adm.n(/.*)?' },
                    { prefix: '/admin/' },
                  ]),
                  ignoreUriCase: random.chance(0.2) || undefined,
                },
              ],
              directResponse: { status: 404 },
            },
            { route: [{ destination: { host, port: { number: 80 } } }] },
          ],
        }),
      );
  return {
    objects: [made],
    requests: random
      .some([...SPELLINGS, ...MORE_SPELLINGS], 3, 4)
      .map((path) => ({ from: anyCaller(random), request: `http://${host}${path}` })),
  };
}

function ranges(random: Random, { host, name }: Place): Setting {
  const address = ADDRESS[host] ?? '203.0.113.99';
  const range = random.pick<string[]>([
    ['0.0.0.0/0'],
    ['0.0.0.0/1', '128.0.0.0/1'],
    ['203.0.113.0/24'],
    ['203.0.113.0/28', '203.0.113.16/28'],
    [`${address}/32`],
    [address],
  ]);
  const number = random.pick([80, 443, 443, 5432]);
  const protocol = random.pick(['TCP', 'TCP', 'TLS', 'HTTPS', 'HTTP']);
  const entry = object(
    'ServiceEntry',
    random.pick(['shop', 'shop', 'other', ROOT]),
    name,
    plain({
      hosts: [random.pick(['ranges.internal', 'ranges.internal', host])],
      addresses: range,
      location: random.pick(['MESH_EXTERNAL', 'MESH_EXTERNAL', 'MESH_INTERNAL']),
      ports: [{ number, name: protocol.toLowerCase(), protocol }],
      resolution: random.weighted([
        [4, 'NONE'],
        [1, 'STATIC'],
      ]),
      endpoints: undefined,
      exportTo: random.weighted<string[] | undefined>([
        [3, undefined],
        [1, ['.']],
      ]),
    }),
  );
  if (entry.spec.resolution === 'STATIC') entry.spec.endpoints = [{ address }];
  const [kind] = protocol === 'TLS' || protocol === 'HTTPS' ? ['tls'] : ['tcp'];
  const subnets = random.pick([['203.0.113.0/24'], ['0.0.0.0/0'], [`${address}/32`], ['198.51.100.0/24']]);
  const routes =
    protocol !== 'HTTP' && random.chance(0.4)
      ? [
          object(
            'VirtualService',
            'shop',
            `${name}-route`,
            plain({
              hosts: entry.spec.hosts,
              [kind]: [
                {
                  match: [
                    {
                      port: number,
                      destinationSubnets: subnets,
                      sniHosts: kind === 'tls' ? [entry.spec.hosts[0]] : undefined,
                    },
                  ],
                  route: [{ destination: { host: entry.spec.hosts[0], port: { number } } }],
                },
              ],
            }),
          ),
        ]
      : [];
  return {
    objects: [entry, ...routes],
    requests: [
      { from: anyCaller(random), request: `http://${host}/` },
      { from: anyCaller(random), request: `https://${host}/` },
      ...(random.chance(0.4)
        ? [{ from: anyCaller(random), request: `${random.pick(['http', 'https'])}://${address}/` }]
        : []),
    ],
  };
}

/** A route of another host to a Service. */
function routeTo(random: Random, service: string): WorldObject {
  const asked = random.pick(WEB_HOSTS);
  return object('VirtualService', 'shop', 'to-service', {
    hosts: [asked],
    http: [{ route: [{ destination: plain({ host: service, port: random.pick([{ number: 80 }, undefined]) }) }] }],
    tls: [
      { match: [{ port: 443, sniHosts: [asked] }], route: [{ destination: { host: service, port: { number: 443 } } }] },
    ],
  });
}

function services(random: Random, { host, name, gateway }: Place): Setting {
  const made = random.weighted<() => WorldObject[]>([
    [
      2,
      () => [
        object('Service', 'shop', name, {
          selector: { app: 'nobody' },
          ports: [{ name: random.pick(['http', 'tcp', 'http-web']), port: random.pick([80, 8080, 443]) }],
        }),
      ],
    ],
    [
      2,
      () => [
        object(
          'Service',
          random.pick(['shop', 'other']),
          name,
          plain({
            type: 'ExternalName',
            externalName: host,
            ports: random.chance(0.6)
              ? [{ name: random.pick(['http', 'tls', 'tcp']), port: random.pick([80, 443]) }]
              : undefined,
          }),
        ),
        ...(random.chance(0.4) ? [routeTo(random, `${name}.shop.svc.cluster.local`)] : []),
      ],
    ],
    [
      2,
      () => [
        object('Service', gateway.namespace, name, {
          selector: gateway.selector,
          ports: [
            { name: 'http2', port: 80, targetPort: random.pick([8080, 80]) },
            { name: 'https', port: 443, targetPort: gateway === EGRESS ? 443 : 8443 },
          ],
        }),
      ],
    ],
    [
      1,
      () => [
        object('Service', 'shop', name, {
          clusterIP: 'None',
          selector: { app: 'nobody' },
          ports: [{ name: 'tcp', port: random.pick([80, 443, 5432]) }],
        }),
      ],
    ],
    [1, () => [object('Service', 'other', name, { ports: [{ name: 'http', port: 80 }] })]],
  ])();
  const [{ metadata }] = made;
  return {
    objects: made,
    requests: [
      { from: anyCaller(random), request: `http://${host}/` },
      ...(made.length > 1
        ? ['http', 'https'].map((scheme) => ({ from: 'checkout', request: `${scheme}://${made[1].spec.hosts[0]}/` }))
        : [{ from: anyCaller(random), request: `http://${host}:8080/` }]),
      ...(made[0].spec.type === 'ExternalName'
        ? [{ from: anyCaller(random), request: `http://${metadata.name}.${metadata.namespace}.svc.cluster.local/` }]
        : []),
    ].slice(0, made.length + 1),
  };
}

function tlsForBytes(random: Random, { host, name }: Place): Setting {
  const number = random.pick([443, 8085]);
  const tls = plain({
    mode: 'SIMPLE',
    sni: random.chance(0.4) ? host : undefined,
    subjectAltNames: random.chance(0.4) ? [host] : undefined,
  });
  return {
    objects: [
      object(
        'ServiceEntry',
        random.pick(['shop', 'shop', ROOT]),
        name,
        plain({
          hosts: [host],
          location: 'MESH_EXTERNAL',
          addresses: random.chance(0.4) ? [ADDRESS[host]] : undefined,
          ports: [{ number, name: 'tcp-tls', protocol: 'TCP', targetPort: number === 443 ? undefined : 443 }],
          resolution: random.pick(['DNS', 'DNS', 'STATIC']),
        }),
      ),
      object('DestinationRule', random.pick(['shop', ROOT]), name, {
        host,
        trafficPolicy: random.chance(0.5) ? { tls } : { portLevelSettings: [{ port: { number }, tls }] },
      }),
    ].map((one) =>
      one.spec.resolution === 'STATIC'
        ? { ...one, spec: { ...one.spec, endpoints: [{ address: ADDRESS[host] ?? '203.0.113.99' }] } }
        : one,
    ),
    requests: [
      { from: anyCaller(random), request: `http://${host}:${number}/` },
      { from: anyCaller(random), request: `https://${host}${number === 443 ? '' : `:${number}`}/` },
    ],
  };
}

function timeouts(random: Random, { host, name }: Place): Setting {
  const wishes = ['delay=5000', 'delay=10', 'status=404', 'status=503', 'status=302'];
  return {
    objects: [
      object(
        'VirtualService',
        random.pick(['shop', 'shop', 'other', ROOT]),
        name,
        plain({
          hosts: [host],
          http: [
            {
              timeout: random.pick(['3s', '3s', '10s', undefined]),
              retries: random.weighted<any>([
                [3, undefined],
                [1, { attempts: 0 }],
                [1, { attempts: 2, perTryTimeout: '2.5s' }],
              ]),
              route: [{ destination: { host, port: { number: 80 } } }],
            },
          ],
        }),
      ),
    ],
    requests: random
      .some(wishes, 2, 3)
      .map((wish) => ({ from: anyCaller(random), request: `http://${host}/?${wish}` })),
  };
}

function protocols(random: Random, { host, name }: Place): Setting {
  const port = random.pick([80, 80, 8081]);
  const protocol = random.pick(['HTTP2', 'GRPC', 'GRPC-WEB', 'HTTP', 'HTTP']);
  const pool = random.weighted<any>([
    [2, undefined],
    [1, { http: { h2UpgradePolicy: 'UPGRADE' } }],
    [1, { http: { useClientProtocol: true } }],
    [1, { http: { h2UpgradePolicy: 'DO_NOT_UPGRADE' } }],
  ]);
  const namespace = random.pick(['shop', 'shop', ROOT]);
  const request = (scheme: 'http' | 'https', speak: Request['speak']): Request =>
    plain({
      from: anyCaller(random),
      request: `${scheme}://${host}${scheme === 'http' && port !== 80 ? `:${port}` : ''}/`,
      speak,
    });
  return {
    objects: [
      object('ServiceEntry', namespace, name, {
        hosts: [host],
        location: 'MESH_EXTERNAL',
        resolution: 'DNS',
        ports: [
          { number: port, name: protocol.toLowerCase(), protocol, targetPort: 443 },
          { number: 443, name: 'tls', protocol: 'TLS' },
        ],
      }),
      object(
        'DestinationRule',
        namespace,
        name,
        plain({
          host,
          trafficPolicy: {
            connectionPool: pool,
            portLevelSettings: [
              {
                port: { number: port },
                connectionPool: pool,
                tls: { mode: 'SIMPLE', sni: host, subjectAltNames: [host] },
              },
            ],
          },
        }),
      ),
    ],
    requests: [
      request('http', random.pick([undefined, 'http2', 'grpc', 'websocket'])),
      request('http', random.pick(['http2', 'grpc', 'websocket'])),
      request('https', random.pick(['http2', 'grpc', 'websocket'])),
    ],
  };
}

/**
 * Client certificates at sidecars. istiod remembers who may read Secrets, so a lab's worlds all give the same rights.
 */
function rights(random: Random, { mesh }: Place): Setting {
  const host = 'partner.example.net';
  const may = mesh.outboundTrafficPolicy === 'REGISTRY_ONLY';
  const role = (kind: string, name: string, fields: object) =>
    plain({ ...object(kind, 'shop', name, undefined), ...fields });
  const rule = (app: string) =>
    object('DestinationRule', 'shop', `${app}-certificate`, {
      host,
      workloadSelector: { matchLabels: { app } },
      trafficPolicy: {
        portLevelSettings: [
          {
            port: { number: 80 },
            tls: plain({
              mode: 'MUTUAL',
              credentialName: 'shop-client',
              sni: host,
              subjectAltNames: random.chance(0.5) ? [host] : undefined,
            }),
          },
        ],
      },
    });
  return {
    objects: [
      role('Role', 'secret-reader', {
        rules: [{ apiGroups: [''], resources: ['secrets'], verbs: may ? ['get', 'list', 'watch'] : ['get'] }],
      }),
      role('RoleBinding', 'secret-reader', {
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'secret-reader' },
        subjects: [{ kind: 'ServiceAccount', name: 'checkout', namespace: 'shop' }],
      }),
      object('ServiceEntry', 'shop', 'partner-certificate', {
        hosts: [host],
        location: 'MESH_EXTERNAL',
        resolution: 'DNS',
        ports: [{ number: 80, name: 'http', protocol: 'HTTP', targetPort: 443 }],
        exportTo: ['.'],
      }),
      rule('checkout'),
      ...(random.chance(0.6) ? [rule('crawler')] : []),
    ],
    requests: [
      { from: 'checkout', request: `http://${host}/` },
      { from: 'crawler', request: `http://${host}/` },
    ],
  };
}

/** Objects of other kinds, which people have beside those that decide. */
function otherKinds(random: Random, { host, name, gateway }: Place): Setting {
  const filter = (context: string, namespace: string, labels?: object) =>
    object(
      'EnvoyFilter',
      namespace,
      name,
      plain({
        workloadSelector: labels && { labels },
        configPatches: [
          {
            applyTo: 'HTTP_FILTER',
            match: { context, listener: { filterChain: { filter: { name: 'no.such.filter' } } } },
            patch: { operation: 'REMOVE' },
          },
        ],
      }),
    );
  const made = random.pick<() => WorldObject>([
    () => filter('SIDECAR_INBOUND', random.pick(['shop', ROOT])),
    () => filter('GATEWAY', 'shop'),
    () => filter('SIDECAR_OUTBOUND', 'edge'),
    () => filter('ANY', gateway.namespace, { app: 'something-else' }),
    () =>
      object('PeerAuthentication', random.pick(['shop', ROOT, gateway.namespace]), name, {
        mtls: { mode: random.pick(['STRICT', 'PERMISSIVE', 'DISABLE']) },
      }),
    () =>
      object('Telemetry', random.pick(['shop', ROOT]), name, { accessLogging: [{ providers: [{ name: 'envoy' }] }] }),
    () => object('ProxyConfig', random.pick(['shop', ROOT]), name, { concurrency: 1 }),
    () =>
      object('WorkloadEntry', 'shop', name, {
        address: ADDRESS[host] ?? '203.0.113.99',
        labels: { app: 'legacy' },
        ports: { http: 80 },
      }),
  ])();
  return {
    objects: [made],
    requests: [
      { from: anyCaller(random), request: `http://${host}/` },
      { from: anyCaller(random), request: `https://${host}/` },
    ],
  };
}

/** A Sidecar with a listener of its own for a port. */
function listenerOfSidecar(random: Random, { host, name }: Place): Setting {
  const number = random.pick([80, 443, 5432]);
  const protocol = random.pick(['HTTP', 'TCP', 'TLS']);
  return {
    objects: [
      object(
        'Sidecar',
        random.pick(['shop', 'shop', 'other']),
        name,
        plain({
          workloadSelector: random.chance(0.4) ? { labels: { app: 'crawler' } } : undefined,
          egress: [
            { port: { number, name: protocol.toLowerCase(), protocol }, hosts: [random.pick(['*/*', `*/${host}`])] },
            { hosts: ['*/*'] },
          ],
        }),
      ),
    ],
    requests: [
      { from: anyCaller(random), request: `http://${host}/` },
      { from: anyCaller(random), request: `https://${host}/` },
    ],
  };
}
