/** What is proposed for configurations that people have, where the first proposals misled. */
import { Change, EgressModel, smallestChange, Wanted, World } from '../../src/explain';
import { examples, golden, objectsIn } from '../../examples/examples';
import { bystanders } from '../../src/explain/bystanders';
import { effectLines, OtherRequests } from '../../src/explain/side-effects';
import { Manifest } from '../../src/manifests/egress-object';
import { admissionProblems } from '../support/admission';
import { worldOf } from '../../src/model';

const istio = (kind: string, namespace: string, name: string, spec: object) => ({
  apiVersion: kind === 'AuthorizationPolicy' ? 'security.istio.io/v1' : 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace },
  spec,
});

const HOP = 'istio-egressgateway.istio-system.svc.cluster.local';
const WORLD: World = {
  knownGateways: [{ name: 'istio-egressgateway', namespace: 'istio-system' }],
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
  declaredAddresses: true,
  goodCredentials: true,
  undatedAge: 'same',
  httpPort80: true,
};

function proposed(manifests: object[], url: string, world: World = {}, wanted: Wanted = {}): Change | undefined {
  const objects = manifests.map((manifest, index) => ({
    manifest: manifest as Manifest,
    origin: `document ${index + 1}`,
  }));
  const model = EgressModel.of(objects, { ...WORLD, ...world });
  const caller = { namespace: 'shop', serviceAccount: 'checkout' };
  const change = smallestChange(model, caller, { url }, model.ask(caller, { url }), wanted);
  for (const { manifest } of change?.objects ?? []) expect(admissionProblems(manifest)).toEqual([]);
  return change;
}

/** Istio's task "TLS origination at the gateway", with the port to which the gateway sends plain HTTP. */
const task = ({ port = 443, subset = 'cnn' } = {}) => ({
  entry: istio('ServiceEntry', 'istio-system', 'cnn', {
    hosts: ['edition.cnn.com'],
    resolution: 'DNS',
    ports: [
      { number: 80, name: 'http', protocol: 'HTTP' },
      { number: 443, name: 'https', protocol: 'HTTPS' },
    ],
  }),
  gateway: istio('Gateway', 'istio-system', 'exit', {
    selector: { istio: 'egressgateway' },
    servers: [
      {
        port: { number: 80, name: 'https-80', protocol: 'HTTPS' },
        hosts: ['edition.cnn.com'],
        tls: { mode: 'ISTIO_MUTUAL' },
      },
    ],
  }),
  hop: istio('DestinationRule', 'istio-system', 'hop', {
    host: HOP,
    subsets: [
      {
        name: subset,
        trafficPolicy: {
          portLevelSettings: [{ port: { number: 80 }, tls: { mode: 'ISTIO_MUTUAL', sni: 'edition.cnn.com' } }],
        },
      },
    ],
  }),
  routes: istio('VirtualService', 'istio-system', 'cnn', {
    hosts: ['edition.cnn.com'],
    gateways: ['exit', 'mesh'],
    http: [
      {
        match: [{ gateways: ['mesh'], port: 80 }],
        route: [{ destination: { host: HOP, subset: 'cnn', port: { number: 80 } } }],
      },
      {
        match: [{ gateways: ['exit'], port: 80 }],
        route: [{ destination: { host: 'edition.cnn.com', port: { number: port } } }],
      },
    ],
  }),
  origination: istio('DestinationRule', 'istio-system', 'origination', {
    host: 'edition.cnn.com',
    trafficPolicy: {
      portLevelSettings: [
        {
          port: { number: 443 },
          tls: { mode: 'SIMPLE', sni: 'edition.cnn.com', subjectAltNames: ['edition.cnn.com'] },
        },
      ],
    },
  }),
});

describe('TLS inside TLS, because a rule originates TLS on a port for TLS', () => {
  const { entry, gateway, hop, routes, origination } = task();
  const change = proposed([entry, gateway, hop, routes, origination], 'https://edition.cnn.com/');

  test('gets a subset that only the route for HTTP names', () => {
    expect(change?.text).toBe(
      'DestinationRule istio-system/origination: move spec.trafficPolicy.portLevelSettings[0].tls to a subset "tls", ' +
        'for the routes that need it\n' +
        'VirtualService istio-system/cnn: set spec.http[1].route[0].destination.subset to "tls"',
    );
    expect(change?.answer).toMatchObject({ outcome: 'answered', tlsOriginatedBy: 'application' });
    expect(change?.also).toEqual([
      'the same request of any other account of istio-system, any other account of shop and any other namespace is then ' +
        'answered as well',
    ]);
  });

  test('and plain HTTP still goes through the gateway, as TLS', () => {
    const changed = EgressModel.of(change!.objects, WORLD);
    expect(
      changed.ask({ namespace: 'shop', serviceAccount: 'checkout' }, { url: 'http://edition.cnn.com/' }),
    ).toMatchObject({ outcome: 'answered', via: 'gateway', tlsOriginatedBy: 'gateway', plaintextToHost: false });
  });
});

describe('what admission refuses, or opens every host, is not proposed', () => {
  test('resolution DNS for a wildcard behind a gateway', () => {
    const hosts = ['*.com'];
    const port = { number: 443, name: 'tls', protocol: 'TLS' };
    const change = proposed(
      [
        istio('ServiceEntry', 'istio-system', 'all', { hosts, resolution: 'NONE', ports: [port] }),
        istio('Gateway', 'istio-system', 'exit', {
          selector: { istio: 'egressgateway' },
          servers: [{ port, hosts, tls: { mode: 'PASSTHROUGH' } }],
        }),
        istio('VirtualService', 'istio-system', 'all', {
          hosts,
          gateways: ['mesh', 'exit'],
          tls: [
            {
              match: [{ gateways: ['mesh'], port: 443, sniHosts: hosts }],
              route: [{ destination: { host: HOP, port: { number: 443 } } }],
            },
            {
              match: [{ gateways: ['exit'], port: 443, sniHosts: hosts }],
              route: [{ destination: { host: '*.com', port: { number: 443 } } }],
            },
          ],
        }),
      ],
      'https://api.vendor.com/',
    );
    expect(change).toBeUndefined();
  });

  const mail = (resolution: string, protocol: string) =>
    istio('ServiceEntry', 'shop', 'mail', {
      hosts: ['smtp.vendor.com'],
      resolution,
      ports: [{ number: 587, name: 'mail', protocol }],
    });

  test.each([
    ['NONE', 'TLS'],
    ['DNS', 'TLS'],
    ['DNS', 'HTTPS'],
  ])('TCP on 587 without addresses, which takes every connection to the port (%s, %s)', (resolution, protocol) => {
    expect(proposed([mail(resolution, protocol)], 'tcp://smtp.vendor.com:587')).toBeUndefined();
    const external = [{ host: 'smtp.vendor.com', address: '203.0.113.9', tcp: [587] }];
    expect(proposed([mail(resolution, protocol)], 'tcp://smtp.vendor.com:587', { external })).toBeUndefined();
  });
});

test('the only setting of a port goes with the settings of the port, since Istio refuses empty ones', () => {
  const external = [{ host: 'old.vendor.com', address: '203.0.113.9', http: 'ok', https: 'none' } as const];
  const change = proposed(
    [
      istio('ServiceEntry', 'shop', 'old', {
        hosts: ['old.vendor.com'],
        resolution: 'DNS',
        ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      }),
      istio('DestinationRule', 'shop', 'old', {
        host: 'old.vendor.com',
        trafficPolicy: {
          loadBalancer: { simple: 'ROUND_ROBIN' },
          portLevelSettings: [{ port: { number: 80 }, tls: { mode: 'SIMPLE' } }],
        },
      }),
    ],
    'http://old.vendor.com/',
    { external },
  );
  expect(change?.text).toMatch(/remove spec\.trafficPolicy\.portLevelSettings\[0\]\.tls\nthis weakens/);
  expect(change?.objects[1].manifest.spec).toMatchObject({
    trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' } },
  });
});

test('what opens a host to another namespace says so', () => {
  const shared = istio('ServiceEntry', 'data', 'api', {
    hosts: ['api.vendor.com'],
    exportTo: ['shop', 'billing'],
    resolution: 'DNS',
    ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
  });
  expect(proposed([shared], 'https://api.vendor.com/')?.also).toEqual([
    'the same request of any other account of shop and any other account of billing is then answered as well',
  ]);
});

describe('an entry that is an alias of a host elsewhere, whose certificate does not have its name', () => {
  const external = [
    { host: 'api.vendor.com', address: '203.0.113.7', https: 'ok' },
    { host: 'pay.corp.example', address: '203.0.113.8', http: 'ok', https: 'ok' },
  ] as const;

  test.each([
    ['the name of the alias', { mode: 'SIMPLE', sni: 'pay.corp.example', subjectAltNames: ['pay.corp.example'] }],
    ['no name', { mode: 'SIMPLE' }],
  ])('is asked for by its own name, instead of %s', (_name, tls) => {
    const change = proposed(
      [
        istio('ServiceEntry', 'shop', 'pay', {
          hosts: ['pay.corp.example'],
          resolution: 'DNS',
          endpoints: [{ address: 'api.vendor.com' }],
          ports: [{ number: 80, name: 'http', protocol: 'HTTP', targetPort: 443 }],
        }),
        istio('DestinationRule', 'shop', 'pay', { host: 'pay.corp.example', trafficPolicy: { tls } }),
      ],
      'http://pay.corp.example/',
      { external },
    );
    expect(change?.text).toBe(
      'DestinationRule shop/pay: set spec.trafficPolicy.tls.sni to "api.vendor.com" and ' +
        'spec.trafficPolicy.tls.subjectAltNames to ["api.vendor.com"]',
    );
    expect(change?.answer).toMatchObject({ answeredBy: 'api.vendor.com', serverName: 'api.vendor.com' });
  });
});

test('a port that the Service of the gateway lacks is replaced by one that it has, on the whole hop', () => {
  const port = { number: 8081, name: 'http', protocol: 'HTTP' };
  const change = proposed(
    [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'istio-egressgateway', namespace: 'istio-system' },
        spec: {
          selector: { istio: 'egressgateway' },
          ports: [
            { name: 'http2', port: 80, targetPort: 8080 },
            { name: 'https', port: 443, targetPort: 8443 },
          ],
        },
      },
      istio('ServiceEntry', 'shop', 'api', { hosts: ['api.vendor.com'], resolution: 'DNS', ports: [port] }),
      istio('Gateway', 'shop', 'exit', {
        selector: { istio: 'egressgateway' },
        servers: [{ port, hosts: ['api.vendor.com'] }],
      }),
      istio('VirtualService', 'shop', 'api', {
        hosts: ['api.vendor.com'],
        gateways: ['mesh', 'exit'],
        http: [
          {
            match: [{ gateways: ['mesh'], port: 8081 }],
            route: [{ destination: { host: HOP, port: { number: 8081 } } }],
          },
          {
            match: [{ gateways: ['exit'], port: 8081 }],
            route: [{ destination: { host: 'api.vendor.com', port: { number: 8081 } } }],
          },
        ],
      }),
    ],
    'http://api.vendor.com:8081/',
  );
  expect(change?.text.split('\n')).toEqual([
    'VirtualService shop/api: set spec.http[0].route[0].destination.port.number to 80',
    'VirtualService shop/api: set spec.http[1].match[0].port to 80',
    'Gateway shop/exit: set spec.servers[0].port to {"number":80,"name":"http","protocol":"HTTP"}',
  ]);
  expect(change?.answer).toMatchObject({ outcome: 'answered', via: 'gateway' });
});

describe('a route to the gateway', () => {
  test('that names a missing subset gets one that exists', () => {
    const { entry, gateway, hop, routes, origination } = task({ subset: 'other' });
    expect(proposed([entry, gateway, hop, routes, origination], 'http://edition.cnn.com/')?.text).toBe(
      'VirtualService istio-system/cnn: set spec.http[0].route[0].destination.subset to "other"',
    );
  });

  test('that names a subset for which there is no rule gets the rule', () => {
    const { entry, gateway, routes, origination } = task();
    const change = proposed([entry, gateway, routes, origination], 'http://edition.cnn.com/');
    expect(change?.text).toMatch(
      /^add DestinationRule istio-system\/istio-egressgateway-cnn:\n[^]*mode: ISTIO_MUTUAL\n.*sni: edition\.cnn\.com$/,
    );
    expect(change?.answer).toMatchObject({ via: 'gateway', identityAtGateway: 'shop/checkout' });
  });

  test('for plain HTTP only is joined by one for TLS, where the gateway is wanted', () => {
    const { entry, gateway, hop, routes } = task({ port: 80 });
    const change = proposed([entry, gateway, hop, routes], 'https://edition.cnn.com/', {}, { via: 'gateway' });
    expect(change?.text.split('\n').map((line) => line.replace(/ \{.*\}/, ''))).toEqual([
      'Gateway istio-system/exit: add to spec.servers',
      'DestinationRule istio-system/hop: add to spec.subsets[0].trafficPolicy.portLevelSettings',
      'VirtualService istio-system/cnn: add to spec.tls',
      'VirtualService istio-system/cnn: add to spec.tcp',
    ]);
    expect(change?.answer).toMatchObject({ via: 'gateway', identityAtGateway: 'shop/checkout' });
  });
});

describe('a hop and the server of the gateway that do not meet', () => {
  const { entry, gateway, hop, routes, origination } = task();
  const changed = <T extends object>(object: T, from: string, to: string): T =>
    JSON.parse(JSON.stringify(object).replace(from, to));

  test.each([
    [
      'a route without the subset',
      { routes: changed(routes, '"subset":"cnn",', '') },
      'VirtualService istio-system/cnn: set spec.http[0].route[0].destination.subset to "cnn"',
    ],
    [
      'a server for another host',
      { gateway: changed(gateway, '["edition.cnn.com"]', '["www.cnn.com"]') },
      'Gateway istio-system/exit: add "edition.cnn.com" to spec.servers[0].hosts',
    ],
    [
      'a server for a wildcard of another namespace',
      { gateway: changed(gateway, '["edition.cnn.com"]', '["other/*.cnn.com"]') },
      'Gateway istio-system/exit: add "edition.cnn.com" to spec.servers[0].hosts',
    ],
    [
      'a server on another port',
      { gateway: changed(gateway, '"number":80', '"number":8080') },
      'Gateway istio-system/exit: set spec.servers[0].port.number to 80',
    ],
    [
      'a selector with a typing mistake',
      { gateway: changed(gateway, 'egressgateway', 'egress-gateway') },
      'Gateway istio-system/exit: set spec.selector to {"app":"istio-egressgateway","istio":"egressgateway"}',
    ],
  ])('%s is one changed field', (_what, mistake, text) => {
    const objects = { entry, gateway, hop, routes, origination, ...mistake };
    const change = proposed(Object.values(objects), 'http://edition.cnn.com/');
    expect(change?.text).toBe(text);
    expect(change?.answer).toMatchObject({
      via: 'gateway',
      tlsOriginatedBy: 'gateway',
      identityAtGateway: 'shop/checkout',
    });
  });
});

test.each([
  ['http', { number: 80, name: 'http', protocol: 'HTTP' }, undefined],
  ['https', { number: 443, name: 'tls', protocol: 'TLS' }, { mode: 'PASSTHROUGH' }],
])('a host that no server for %s has is added to one', (scheme, port, tls) => {
  const match = tls && [{ sniHosts: ['edition.cnn.com'] }];
  const to = (host: string) => ({
    [tls ? 'tls' : 'http']: [{ match, route: [{ destination: { host, port: { number: port.number } } }] }],
  });
  const { entry } = task();
  const change = proposed(
    JSON.parse(
      JSON.stringify([
        entry,
        istio('Gateway', 'istio-system', 'exit', {
          selector: { istio: 'egressgateway' },
          servers: [{ port, hosts: ['www.cnn.com'], tls }],
        }),
        istio('VirtualService', 'istio-system', 'in', { hosts: ['edition.cnn.com'], ...to(HOP) }),
        istio('VirtualService', 'istio-system', 'out', {
          hosts: ['edition.cnn.com'],
          gateways: ['exit'],
          ...to('edition.cnn.com'),
        }),
      ]),
    ),
    `${scheme}://edition.cnn.com/`,
  );
  expect(change?.text).toBe('Gateway istio-system/exit: add "edition.cnn.com" to spec.servers[0].hosts');
  expect(change?.answer).toMatchObject({ outcome: 'answered', via: 'gateway' });
});

describe('a port to which plain HTTP is routed, and that the entry lacks', () => {
  const withoutPort = () => {
    const { entry, gateway, hop, routes, origination } = task();
    const { ports, ...spec } = entry.spec as unknown as { ports: object[] };
    return { entry: { ...entry, spec: { ...spec, ports: ports.slice(0, 1) } }, gateway, hop, routes, origination };
  };

  test('is added where TLS is originated, rather than plaintext sent to another port', () => {
    const change = proposed(Object.values(withoutPort()), 'http://edition.cnn.com/');
    expect(change?.text).toBe(
      'ServiceEntry istio-system/cnn: add {"number":443,"name":"https-443","protocol":"HTTPS"} to spec.ports',
    );
    expect(change?.answer).toMatchObject({ tlsOriginatedBy: 'gateway', plaintextToHost: false });
  });

  test('is not replaced by one for plaintext, even if it cannot be added', () => {
    const { entry, gateway, hop, routes, origination } = withoutPort();
    const closed = { ...entry, spec: { ...entry.spec, endpoints: [{ address: '203.0.113.9', ports: { http: 80 } }] } };
    const external = [{ host: 'edition.cnn.com', address: '203.0.113.9', http: 'ok', https: 'none' } as const];
    expect(
      proposed([closed, gateway, hop, routes, origination], 'http://edition.cnn.com/', { external }),
    ).toBeUndefined();
  });
});

test('no rule is proposed beside another for the same host, of which Istio would take one only', () => {
  const external = [{ host: 'api.vendor.com', address: '203.0.113.9', http: 'none', https: 'ok' } as const];
  const change = proposed(
    [
      istio('ServiceEntry', 'shop', 'api', {
        hosts: ['api.vendor.com'],
        resolution: 'DNS',
        ports: [{ number: 80, name: 'http', protocol: 'HTTP', targetPort: 443 }],
      }),
      istio('DestinationRule', 'shop', 'api', {
        host: 'api.vendor.com',
        exportTo: ['other'],
        trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' } },
      }),
    ],
    'http://api.vendor.com/',
    { external },
  );
  expect(change).toBeUndefined();
});

describe('an entry with addresses', () => {
  const data = istio('ServiceEntry', 'data', 'db', {
    hosts: ['db.vendor.com'],
    addresses: ['203.0.113.50'],
    resolution: 'STATIC',
    endpoints: [{ address: '203.0.113.50' }],
    ports: [{ number: 5432, name: 'tcp', protocol: 'TCP' }],
  });
  const sidecar = istio('Sidecar', 'shop', 'default', { egress: [{ hosts: ['./*'] }] });

  test.each(['tcp://203.0.113.50:5432', 'tcp://db.vendor.com:5432'])('is imported for %s', (url) => {
    expect(proposed([data, sidecar], url)?.text).toBe(
      'Sidecar shop/default: add "data/db.vendor.com" to spec.egress[0].hosts',
    );
  });

  test('in whose range the host is not gets its address', () => {
    const net = istio('ServiceEntry', 'shop', 'net', {
      hosts: ['net.vendor.com'],
      addresses: ['203.0.113.0/24'],
      resolution: 'NONE',
      ports: [{ number: 443, name: 'https', protocol: 'HTTPS' }],
    });
    const external = [{ host: 'net.vendor.com', address: '192.0.2.50', https: 'ok' } as const];
    expect(proposed([net], 'https://net.vendor.com/', { external })?.text).toBe(
      'ServiceEntry shop/net: add "192.0.2.50" to spec.addresses',
    );
  });
});

describe('two mistakes, one behind the other', () => {
  const policy = istio('AuthorizationPolicy', 'istio-system', 'callers', {
    selector: { matchLabels: { istio: 'egressgateway' } },
    rules: [{ from: [{ source: { principals: ['cluster.local/ns/other/sa/x'] } }] }],
  });

  test('get a change each, which only together make the request answered', () => {
    const { entry, gateway, hop, routes, origination } = task({ subset: 'other' });
    const change = proposed([entry, gateway, hop, routes, origination, policy], 'http://edition.cnn.com/');
    expect(change?.text).toBe(
      'VirtualService istio-system/cnn: set spec.http[0].route[0].destination.subset to "other"\n' +
        'and AuthorizationPolicy istio-system/callers: add "cluster.local/ns/shop/sa/checkout" to ' +
        'spec.rules[0].from[0].source.principals',
    );
    expect(change?.answer).toMatchObject({ outcome: 'answered', via: 'gateway', plaintextToHost: false });
    // The policy has let it in before.
    expect(change?.also).toEqual(['the same request of other/x is then answered as well']);
  });

  test('get none where the second would send plaintext past TLS that the first brings to light', () => {
    const { entry, gateway, hop, routes, origination } = task({ subset: 'other' });
    const endpoints = [{ address: '203.0.113.9', ports: { http: 80 } }];
    const ports = [{ number: 80, name: 'http', protocol: 'HTTP' }];
    const closed = { ...entry, spec: { ...entry.spec, ports, endpoints } };
    const external = [{ host: 'edition.cnn.com', address: '203.0.113.9', http: 'ok', https: 'none' } as const];
    expect(
      proposed([closed, gateway, hop, routes, origination], 'http://edition.cnn.com/', { external }),
    ).toBeUndefined();
  });
});

describe('a policy that lets some in', () => {
  const { entry, gateway, hop, routes, origination } = task();
  const own = 'cluster.local/ns/shop/sa/checkout';
  const asked = (rule: object) =>
    proposed(
      [
        entry,
        gateway,
        hop,
        routes,
        origination,
        istio('AuthorizationPolicy', 'istio-system', 'callers', {
          selector: { matchLabels: { istio: 'egressgateway' } },
          rules: [rule],
        }),
      ],
      'http://edition.cnn.com/',
    )?.text.replace('AuthorizationPolicy istio-system/callers: ', '');
  const principals = (...names: string[]) => [{ source: { principals: names } }];
  const hosts = ['edition.cnn.com'];

  test('for this host gets the caller', () => {
    expect(asked({ from: principals('cluster.local/ns/other/sa/x'), to: [{ operation: { hosts } }] })).toBe(
      `add "${own}" to spec.rules[0].from[0].source.principals`,
    );
  });

  test('for this caller gets the host', () => {
    expect(asked({ from: principals(own), to: [{ operation: { hosts: ['other.com'] } }] })).toBe(
      'add "edition.cnn.com" to spec.rules[0].to[0].operation.hosts',
    );
  });

  test('for others too gets a rule of this caller and host, since the host is not for them', () => {
    const names = [own, 'cluster.local/ns/other/sa/x'];
    expect(asked({ from: principals(...names), to: [{ operation: { hosts: ['other.com'] } }] })).toBe(
      `add {"from":[{"source":{"principals":["${own}"]}}],"to":[{"operation":{"hosts":["edition.cnn.com"]}}]} to spec.rules`,
    );
  });

  test('by the server names of hops gets the name of this one, not all that the caller sends', () => {
    const sni = 'edition.hops.internal';
    const port = { number: 443, name: 'tls', protocol: 'TLS' };
    const change = proposed(
      [
        entry,
        istio('Gateway', 'istio-system', 'exit', {
          selector: { istio: 'egressgateway' },
          servers: [{ port, hosts: [sni], tls: { mode: 'ISTIO_MUTUAL' } }],
        }),
        istio('DestinationRule', 'istio-system', 'hop', {
          host: HOP,
          trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', sni } },
        }),
        istio('VirtualService', 'istio-system', 'cnn', {
          hosts: ['edition.cnn.com', sni],
          gateways: ['exit', 'mesh'],
          tls: [
            {
              match: [{ gateways: ['mesh'], port: 443, sniHosts: ['edition.cnn.com'] }],
              route: [{ destination: { host: HOP, port: { number: 443 } } }],
            },
          ],
          tcp: [
            {
              match: [{ gateways: ['exit'], port: 443 }],
              route: [{ destination: { host: 'edition.cnn.com', port: { number: 443 } } }],
            },
          ],
        }),
        istio('AuthorizationPolicy', 'istio-system', 'lock', {
          selector: { matchLabels: { istio: 'egressgateway' } },
          rules: [{ when: [{ key: 'connection.sni', values: ['*.checked.internal'] }] }],
        }),
      ],
      'https://edition.cnn.com/',
    );
    expect(change?.text).toBe(
      `AuthorizationPolicy istio-system/lock: add {"from":[{"source":{"principals":["${own}"]}}],` +
        `"when":[{"key":"connection.sni","values":["${sni}"]}]} to spec.rules`,
    );
  });

  test('on some paths gets a rule for this path only', () => {
    expect(asked({ from: principals(own), to: [{ operation: { hosts, paths: ['/a'], methods: ['GET'] } }] })).toBe(
      `add {"from":[{"source":{"principals":["${own}"]}}],"to":[{"operation":{"hosts":["edition.cnn.com"],"paths":["/"],"methods":["GET"]}}]} to spec.rules`,
    );
  });
});

describe('what else a change does', () => {
  const url = 'http://edition.cnn.com/';
  const caller = { namespace: 'shop', serviceAccount: 'checkout' };
  const effects = (before: object[], after: object[]) => {
    const [model, changed] = [before, after].map((manifests) =>
      EgressModel.of(
        manifests.map((manifest, index) => ({ manifest: manifest as Manifest, origin: `document ${index + 1}` })),
        WORLD,
      ),
    );
    const found = new OtherRequests(model, caller, { url }).changedBy(changed, []);
    return effectLines(found, url, changed.ask(caller, { url }));
  };

  test('is asked by the methods that policies and routes name', () => {
    const { entry, gateway, hop, routes, origination } = task();
    const allowing = (...methods: string[]) => [
      entry,
      gateway,
      hop,
      routes,
      origination,
      istio('AuthorizationPolicy', 'istio-system', 'callers', {
        rules: [
          { to: [{ operation: { methods } }] },
          { to: [{ operation: { methods: ['DELETE'], hosts: ['other.com'] } }] },
        ],
      }),
    ];
    expect(effects(allowing('GET'), allowing('GET', 'DELETE'))).toEqual([
      expect.stringMatching(/^also changes DELETE http:\/\/edition\.cnn\.com\/ of shop\/checkout, .*: then 200 from/),
    ]);
  });

  test('is asked in gRPC on ports that are declared for it', () => {
    const entry = (protocol: string) => [
      istio('ServiceEntry', 'shop', 'cnn', {
        hosts: ['edition.cnn.com'],
        resolution: 'DNS',
        ports: [{ number: 80, name: 'p', protocol, targetPort: 443 }],
      }),
      istio('DestinationRule', 'shop', 'cnn', {
        host: 'edition.cnn.com',
        trafficPolicy: { tls: { mode: 'SIMPLE', sni: 'edition.cnn.com', subjectAltNames: ['edition.cnn.com'] } },
      }),
    ];
    expect(effects(entry('GRPC'), entry('HTTP'))).toEqual([
      expect.stringMatching(
        / grpc http:\/\/edition\.cnn\.com\/ of .*: then refused by the external host: gRPC status 14/,
      ),
    ]);
  });
});

test('what lint finds because of a change is said with it', () => {
  const { entry, gateway, hop } = task();
  const passed = istio('VirtualService', 'istio-system', 'cnn', {
    hosts: ['edition.cnn.com'],
    tls: [
      {
        match: [{ port: 443, sniHosts: ['edition.cnn.com'] }],
        route: [{ destination: { host: HOP, subset: 'cnn', port: { number: 443 } } }],
      },
    ],
  });
  const { ports, ...spec } = entry.spec as unknown as { ports: object[] };
  const change = proposed(
    [{ ...entry, spec: { ...spec, ports: ports.slice(1) } }, gateway, hop, passed],
    'http://edition.cnn.com/',
  );
  expect(change?.text).toMatch(/^ServiceEntry istio-system\/cnn: add .* to spec\.ports$/);
  expect(change?.also.at(-1)).toMatch(/^lint then has a new warning: past-the-gateway: /);
});

describe('for objects of the constructs, the construct and the prop are named', () => {
  const asked = (name: string, from: string, url: string) => {
    const example = examples().find((one) => one.name === name)!;
    const objects = objectsIn(golden(example)).map((manifest) => ({ manifest, origin: 'a document' }));
    const model = EgressModel.of(objects, worldOf(example.table));
    const caller = example.table.callers.find((one) => one.name === from)!;
    const answer = model.ask(caller, { url });
    return { model, caller, request: { url }, answer, change: smallestChange(model, caller, { url }, answer) };
  };

  test.each([
    [
      'f-tls-at-gateway',
      'crawler',
      'https://www.aliyun.com/',
      'GatewayEgress shop/site: add Caller.serviceAccount("shop", "crawler") to `callers`',
    ],
    ['b-http-only', 'sleep', 'https://www.aliyun.com/', 'SidecarEgress shop/sites: change `ports`'],
    [
      'boundary',
      'checkout',
      'http://wiki.partner.com/',
      'EgressBoundary boundary/boundary: change `unsafeAllowedEgress`',
    ],
  ])('%s, %s %s', (name, from, url, program) => {
    const { change } = asked(name, from, url);
    expect(change?.text).toMatch(
      new RegExp(`^${program.replace(/[.()*]/g, '\\$&')}\\nwhich changes (Gateway|ServiceEntry|NetworkPolicy) `),
    );
    expect(change?.answer.outcome).toBe('answered');
  });

  test('an object that is kept to its namespace is not exported past all props', () => {
    expect(asked('b-http-only', 'stranger', 'http://hbchen.com/').change).toBeUndefined();
  });

  test('an entry that keeps a host closed beside its route to a gateway stays closed', () => {
    expect(asked('certificate-per-caller', 'crawler', 'http://api.bank.com/').change).toBeUndefined();
  });

  test.each([
    ['f-tls-at-gateway', 'checkout', 'GatewayEgress shop/site'],
    ['d-tls-at-sidecar', 'sleep', 'SidecarEgress shop/sites'],
  ])('%s: an entry without effect says what it is there for', (name, from, construct) => {
    const { model, caller, request, answer } = asked(name, from, 'http://www.aliyun.com/');
    expect(answer.outcome).toBe('answered');
    expect(bystanders(answer, model, caller, request)).toMatchObject([
      {
        object: expect.stringMatching(/^ServiceEntry shop\/www-aliyun-com-/),
        reason: `written by ${construct}: it keeps requests that no route takes closed`,
      },
    ]);
  });
});

test('at most 80 changes are tried', () => {
  const hidden = Array.from({ length: 90 }, (_, index) =>
    istio('ServiceEntry', `team-${index}`, 'site', {
      hosts: ['www.example.com'],
      exportTo: ['.'],
      resolution: 'DNS',
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    }),
  );
  const tried = jest.spyOn(EgressModel.prototype, 'with');
  expect(proposed(hidden, 'http://www.example.com/', {}, { via: 'gateway' })).toBeUndefined();
  expect(tried).toHaveBeenCalledTimes(80);
  tried.mockRestore();
});
