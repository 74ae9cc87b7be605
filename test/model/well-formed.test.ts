import * as fs from 'fs';
import * as path from 'path';
import { parseAllDocuments } from 'yaml';
import { ask, ENTRY, HTTP_EXIT, HTTP_EXIT_SERVICE, istio, LOCKED, passThroughGateway } from './support';
import { EgressModel, ModelRequest } from '../../src/model';
import { objectsFrom } from '../../src/reading/objects';
import { Shape } from '../../src/schema/shape';
import { SPECS } from '../../src/model/objects/well-formed';

const object = (
  kind: string,
  spec: string,
  apiVersion = kind === 'AuthorizationPolicy' ? 'security.istio.io/v1' : 'networking.istio.io/v1',
) => `---\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: x, namespace: shop }\nspec: ${spec}\n`;

describe('what every API server rejects is named, with what is allowed, and nothing is guessed', () => {
  test.each<[string, string, RegExp]>([
    [
      'VirtualService',
      '{ hosts: site.example.com }',
      /VirtualService shop\/x .*spec\.hosts: "site\.example\.com" is not allowed; it is a list/,
    ],
    ['ServiceEntry', '{ hosts: site.example.com }', /spec\.hosts: .* a list/],
    ['ServiceEntry', '{ hosts: [site.example.com], ports: { number: 443 } }', /spec\.ports: .* a list/],
    [
      'ServiceEntry',
      '{ hosts: [site.example.com], ports: [{ number: "443", name: a, protocol: TLS }] }',
      /spec\.ports\[0\]\.number: "443" .* a whole number/,
    ],
    [
      'ServiceEntry',
      '{ hosts: [site.example.com], ports: [{ number: 443, name: a, protocol: TLSS }] }',
      /protocol: "TLSS" .*HTTP2, .* or HTTP_PROXY/,
    ],
    [
      'ServiceEntry',
      '{ hosts: [site.example.com], resolution: DNSS }',
      /resolution: "DNSS" is not allowed; it is NONE, STATIC, DNS, DNS_ROUND_ROBIN or DYNAMIC_DNS/,
    ],
    ['ServiceEntry', '{ hosts: [site.example.com], location: OUTSIDE }', /location: "OUTSIDE"/],
    [
      'DestinationRule',
      '{ host: site.example.com, trafficPolicy: { tls: { mode: SIMPEL } } }',
      /trafficPolicy\.tls\.mode: "SIMPEL" .*ISTIO_MUTUAL/,
    ],
    [
      'DestinationRule',
      '{ host: site.example.com, trafficPolicy: { loadBalancer: { simple: LEAST } } }',
      /loadBalancer\.simple: "LEAST"/,
    ],
    ['DestinationRule', '{ host: [site.example.com] }', /spec\.host: .* text/],
    [
      'Gateway',
      '{ servers: [{ port: { number: 443, name: a, protocol: TLS }, hosts: ["*"], tls: { mode: PASTHROUGH } }] }',
      /servers\[0\]\.tls\.mode/,
    ],
    ['Sidecar', '{ outboundTrafficPolicy: { mode: REGISTRY } }', /outboundTrafficPolicy\.mode: "REGISTRY"/],
    ['AuthorizationPolicy', '{ action: ALOW }', /action: "ALOW"/],
    [
      'ServiceEntyr',
      '{ hosts: [site.example.com] }',
      /there is no "ServiceEntyr" in networking\.istio\.io; its kinds are ServiceEntry/,
    ],
    ['ServiceEntry', 'site.example.com', /spec: .* an object/],
  ])('%s %s', (kind, spec, reason) => {
    const objects = `${ENTRY}${passThroughGateway()}${object(kind, spec)}`;
    expect(ask(objects, 'shop/app', 'https://site.example.com/')).toMatchObject({
      outcome: 'undetermined',
      reason: expect.stringMatching(reason),
      causes: [{ name: 'x' }],
    });
  });

  test('a creationTimestamp that is not a timestamp', () => {
    const entry = object('ServiceEntry', '{ hosts: [site.example.com] }').replace(
      'namespace: shop',
      'namespace: shop, creationTimestamp: yesterday',
    );
    expect(ask(`${ENTRY}${entry}`, 'shop/app', 'http://site.example.com/').reason).toMatch(
      /creationTimestamp: "yesterday" is not a timestamp/,
    );
  });

  test('an unknown version', () => {
    expect(
      ask(
        `${ENTRY}${object('ServiceEntry', '{ hosts: [site.example.com] }', 'networking.istio.io/v9')}`,
        'shop/app',
        'http://site.example.com/',
      ).reason,
    ).toContain(
      'apiVersion: "networking.istio.io/v9" is not a version of networking.istio.io; it is networking.istio.io/v1, ',
    );
  });
});

describe('a malformed WorkloadEntry', () => {
  const vm = object(
    'ServiceEntry',
    '{ hosts: [vm.example.com], location: MESH_EXTERNAL, resolution: STATIC, ' +
      'ports: [{ number: 80, name: http, protocol: HTTP }], workloadSelector: { labels: { app: vm } } }',
  );
  const workload = (rest: string) => object('WorkloadEntry', `{ address: 203.0.113.11, labels: { app: vm }, ${rest} }`);
  const see = (yaml: string, url: string) => ask(yaml, 'shop/app', url, { ...LOCKED, declaredAddresses: true });

  test.each(['weight: -1', 'ports: { http: "8080" }', 'address: 12', 'address: 203.0.113.0/24'])(
    'with %s counts only for hosts of entries that select workloads',
    (rest) => {
      const objects = `${ENTRY}${vm}${workload(rest).replace(/address: 203.0.113.11, (.*address)/, '$1')}`;
      expect(see(objects, 'http://vm.example.com/')).toMatchObject({
        outcome: 'undetermined',
        reason: expect.stringMatching(/^WorkloadEntry shop\/x would be rejected by/),
      });
      expect(see(objects, 'http://site.example.com/').outcome).toBe('answered');
    },
  );

  test('so does a WorkloadGroup', () => {
    const group = object('WorkloadGroup', '{}').replace('name: x', 'name: "${APP}"');
    expect(see(`${ENTRY}${vm}${workload('weight: 1')}${group}`, 'http://vm.example.com/').outcome).toBe('undetermined');
    expect(see(`${ENTRY}${vm}${group}`, 'http://site.example.com/').outcome).toBe('answered');
  });

  test('would be answered if it were not malformed', () => {
    expect(see(`${ENTRY}${vm}${workload('weight: 1')}`, 'http://vm.example.com/').outcome).toBe('answered');
  });
});

test('EnvoyFilters and ProxyConfigs have one version each', () => {
  const reason = (kind: string, apiVersion: string) =>
    ask(`${ENTRY}${object(kind, '{}', apiVersion)}`, 'shop/app', 'http://site.example.com/').reason;
  expect(reason('EnvoyFilter', 'networking.istio.io/v1')).toContain('is networking.istio.io/v1alpha3)');
  expect(reason('ProxyConfig', 'networking.istio.io/v1')).toContain('is networking.istio.io/v1beta1)');
  expect(reason('ProxyConfig', 'networking.istio.io/v1beta1')).toMatch(/^200 /);
});

test('a malformed object for another host leaves the answer unchanged', () => {
  const other =
    object('ServiceEntry', '{ hosts: other.example.com }') +
    object('DestinationRule', '{ host: "*.example.org", trafficPolicy: { tls: { mode: X } } }');
  expect(ask(`${ENTRY}${other}`, 'shop/app', 'http://site.example.com/')).toMatchObject({
    outcome: 'answered',
    via: 'sidecar',
  });
});

test.each([
  ['Gateway', '{ servers: [{ port: { name: tls }, hosts: ["*"] }] }'],
  ['AuthorizationPolicy', '{ action: ALOW }'],
  ['VirtualService', "{ hosts: ['*'], gateways: [exit], http: [{ route: [{ destination: { host: 'a b' } }] }] }"],
])('a malformed %s leaves the answers of requests that pass no gateway unchanged', (kind, spec) => {
  const objects = ENTRY + passThroughGateway() + object(kind, spec);
  expect(ask(objects, 'shop/app', 'http://site.example.com/')).toMatchObject({ outcome: 'answered', via: 'sidecar' });
  expect(ask(objects, 'shop/app', 'https://site.example.com/').outcome).toBe('undetermined');
  expect(ask(objects, 'shop/app', 'https://exit.egress.svc.cluster.local/').outcome).toBe('undetermined');
});

test.each(['[mesh, exit]', '[]', '{}'])(
  'a malformed VirtualService with gateways %s may be for sidecars',
  (gateways) => {
    const routes = `{ hosts: ['*'], gateways: ${gateways}, http: [{ route: [{ destination: { host: 'a b' } }] }] }`;
    expect(ask(ENTRY + object('VirtualService', routes), 'shop/app', 'http://site.example.com/').outcome).toBe(
      'undetermined',
    );
  },
);

test('a malformed AuthorizationPolicy matters to TLS for a name that the sidecar resolves itself', () => {
  const policy = object('AuthorizationPolicy', '{ action: DENIED, rules: [{}] }');
  const wild = (resolution: string) =>
    istio('ServiceEntry', `{ hosts: ['*.example.com'], location: MESH_EXTERNAL, resolution: ${resolution}, ${PORTS} }`);
  const PORTS = 'ports: [{ number: 443, name: tls, protocol: TLS }]';
  const see = (objects: string) =>
    ask(objects, 'shop/app', 'https://site.example.com/', { ...LOCKED, istioVersion: '1.31' }).outcome;
  expect(see(wild('DYNAMIC_DNS'))).toBe('answered');
  expect(see(wild('DYNAMIC_DNS') + policy)).toBe('undetermined');
  expect(see(wild('DYNAMIC_DNS') + policy.replace('namespace: shop', 'namespace: other'))).toBe('answered');
  expect(see(wild('NONE') + policy)).toBe('answered');
});

describe('what is malformed at a gateway matters to requests of which', () => {
  const MORE = ENTRY.replace('name: site,', 'name: more,').replace('[site.', '[more.');
  const toExit = '{ host: exit.egress.svc.cluster.local, port: { number: 80 } }';
  const policy = object('AuthorizationPolicy', '{ action: DENIED, rules: [{}] }').replace('shop', 'egress');
  const routes = (http: string) => istio('VirtualService', `{ hosts: [site.example.com], http: [${http}] }`);

  test('a redirect comes from it', () => {
    const redirect = 'redirect: { authority: more.example.com }';
    const atExit = `{ hosts: [site.example.com], gateways: [exit], http: [{ ${redirect} }] }`;
    const objects =
      `${ENTRY}---${MORE}${HTTP_EXIT_SERVICE}${HTTP_EXIT}${routes(`{ route: [{ destination: ${toExit} }] }`)}` +
      istio('VirtualService', atExit, 'egress');
    const see = (spoiling: string) =>
      ask(objects + spoiling, 'shop/app', { url: 'http://site.example.com/', follow: true });
    expect(see('')).toMatchObject({ outcome: 'answered', answeredBy: 'more.example.com', redirects: [301] });
    expect(see(policy).outcome).toBe('undetermined');
  });

  test('a copy passes it', () => {
    const mirrored = routes(`{ route: [{ destination: { host: site.example.com } }], mirror: ${toExit} }`);
    const see = (spoiling: string) =>
      ask(ENTRY + HTTP_EXIT_SERVICE + HTTP_EXIT + mirrored + spoiling, 'shop/app', 'http://site.example.com/').outcome;
    expect(see('')).toBe('answered');
    expect(see(policy)).toBe('undetermined');
  });
});

describe('a malformed DestinationRule matters to requests whose route leads to its host', () => {
  const toMore = 'destination: { host: more.example.com, port: { number: 80 } }';
  const own = 'route: [{ destination: { host: site.example.com, port: { number: 80 } } }]';
  const more = ENTRY.replace('name: site,', 'name: more,').replace('[site.', '[more.');
  const routes = (spec: string) => istio('VirtualService', spec);

  test.each([
    ['a route', routes(`{ hosts: [site.example.com], http: [{ route: [{ ${toMore} }] }] }`)],
    [
      'a mirror',
      routes(`{ hosts: [site.example.com], http: [{ ${own}, ${toMore.replace('destination', 'mirror')} }] }`),
    ],
    ['mirrors', routes(`{ hosts: [site.example.com], http: [{ ${own}, mirrors: [{ ${toMore} }] }] }`)],
    [
      'a delegate',
      object('VirtualService', `{ http: [{ route: [{ ${toMore} }] }] }`) +
        routes('{ hosts: [site.example.com], http: [{ delegate: { name: x } }] }'),
    ],
  ])('by %s', (_, virtualServices) => {
    const rule = object('DestinationRule', '{ host: more.example.com, trafficPolicy: { tls: { mode: DISABLED } } }');
    const see = (spoiling: string) =>
      ask(`${ENTRY}---${more}${virtualServices}${spoiling}`, 'shop/app', 'http://site.example.com/').outcome;
    expect(see('')).toBe('answered');
    expect(see(rule)).toBe('undetermined');
    expect(see(rule.replace('more.example.com', 'other.example.com'))).toBe('answered');
  });

  test.each<[string, ModelRequest]>([
    ['a dot at the end', { url: 'http://site.example.com./' }],
    ['another case', { url: 'http://10.0.0.1/', headers: { Host: 'Site.example.com' } }],
  ])('whose name has %s', (_, request) => {
    const rule = object('DestinationRule', '{ host: site.example.com, trafficPolicy: { tls: { mode: DISABLED } } }');
    expect(ask(ENTRY, 'shop/app', request).outcome).toBe('answered');
    expect(ask(ENTRY + rule, 'shop/app', request).outcome).toBe('undetermined');
  });
});

test.each([
  [256, 'answered'],
  [257, 'undetermined'],
])('an entry for %i hosts: %s', (count, outcome) => {
  const hosts = ['site.example.com', ...Array.from({ length: count - 1 }, (_, at) => `h${at}.example.com`)];
  const answer = ask(
    ENTRY.replace('[site.example.com]', JSON.stringify(hosts)),
    'shop/app',
    'http://site.example.com/',
  );
  expect(answer.outcome).toBe(outcome);
  if (count > 256) expect(answer.reason).toMatch(/spec\.hosts: .* it is a list of at most 256/);
});

test('a selector with too many labels', () => {
  const labels = Object.fromEntries(Array.from({ length: 257 }, (_, at) => [`l${at}`, 'a']));
  const entry = ENTRY.replace(
    'resolution: DNS',
    `resolution: STATIC\n  workloadSelector: ${JSON.stringify({ labels })}`,
  );
  expect(ask(entry, 'shop/app', 'http://site.example.com/')).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringMatching(/labels: .* it is an object of at most 256 fields/),
  });
});

test('a name that Kubernetes does not take', () => {
  const named = object('VirtualService', '{ hosts: [site.example.com] }').replace('name: x', 'name: site_of_shop');
  expect(ask(`${ENTRY}${named}`, 'shop/app', 'http://site.example.com/')).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringContaining('metadata.name: "site_of_shop" is not made of lower-case letters'),
  });
});

test("a malformed object for a destination of the host's routes makes it undetermined", () => {
  const routed =
    object(
      'VirtualService',
      '{ hosts: [site.example.com], ' +
        'http: [{ route: [{ destination: { host: exit.egress.svc.cluster.local } }] }] }',
    ) +
    object('DestinationRule', '{ host: exit.egress.svc.cluster.local, trafficPolicy: { tls: { mode: X } } }').replace(
      'name: x',
      'name: exit',
    );
  expect(ask(`${ENTRY}${routed}`, 'shop/app', 'http://site.example.com/')).toMatchObject({
    outcome: 'undetermined',
    causes: [{ name: 'exit' }],
  });
});

describe("types and allowed values are those of Istio's CRDs", () => {
  const crds = parseAllDocuments(fs.readFileSync(path.join(__dirname, '../../crds/istio.yaml'), 'utf8')).map(
    (document) => document.toJS(),
  );

  function schemaDifferences(own: Shape, theirs: any, place: string): string[] {
    if (!theirs) return [`${place}: missing in the CRD`];
    if (own.enum && theirs.enum)
      return [...own.enum].sort().join() ===
        [...theirs.enum]
          .filter((word) => !/^\d+$/.test(word))
          .sort()
          .join()
        ? []
        : [`${place}: ${theirs.enum}`];
    const type = own.enum ? 'string' : own.type;
    if (type !== theirs.type) return [`${place}: ${type}, and the CRD has ${theirs.type}`];
    return [
      ...Object.entries(own.properties ?? {}).flatMap(([name, shape]) =>
        schemaDifferences(shape, theirs.properties?.[name], `${place}.${name}`),
      ),
      ...(own.items ? schemaDifferences(own.items, theirs.items, `${place}[]`) : []),
      ...(typeof own.additionalProperties === 'object'
        ? schemaDifferences(own.additionalProperties, theirs.additionalProperties, `${place}.*`)
        : []),
    ];
  }

  test.each(Object.keys(SPECS))('%s', (kind) => {
    const crd = crds.find(
      (one) =>
        one?.kind === 'CustomResourceDefinition' &&
        one.spec.names.kind === kind &&
        one.spec.group !== 'gateway.networking.k8s.io',
    );
    expect(schemaDifferences(SPECS[kind], crd.spec.versions[0].schema.openAPIV3Schema.properties.spec, kind)).toEqual(
      [],
    );
  });
});

test('a protocol that Kubernetes does not know is refused by the API server, and one that Istio does not by its webhook', () => {
  const said = (manifest: string) => ask(`${ENTRY}${manifest}`, 'shop/app', 'http://site.example.com/').reason;
  expect(said(object('Service', '{ ports: [{ port: 80, protocol: 6 }] }', 'v1'))).toContain('by every API server');
  expect(
    said(object('ServiceEntry', '{ hosts: [site.example.com], ports: [{ number: 80, name: a, protocol: 6 }] }')),
  ).toContain('by every API server');
  expect(
    said(object('ServiceEntry', '{ hosts: [site.example.com], ports: [{ number: 80, name: a, protocol: TLSS }] }')),
  ).toContain("by Istio's webhook");
});

describe('a wrong type anywhere in what the model reads of a kind does not crash it', () => {
  const egress = { name: 'x', namespace: 'egress' };
  const shop = { name: 'x', namespace: 'shop' };
  const workload = { matchLabels: { istio: 'exit' }, matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] };
  const patch = {
    applyTo: 'HTTP_FILTER',
    match: { context: 'ANY', listener: { filterChain: { filter: { name: 'a', subFilter: { name: 'b' } } } } },
    patch: { operation: 'REMOVE' },
  };
  const own = { env: [{ name: 'A', value: 'b' }], envFrom: [], securityContext: { runAsUser: 1 } };
  const ofPods = {
    initContainers: [{ name: 'istio-proxy', ...own }],
    hostAliases: [{ ip: '192.0.2.1', hostnames: ['a'] }],
    dnsConfig: { options: [{ name: 'ndots', value: '2' }] },
    securityContext: { runAsUser: 1 },
  };
  const kinds: Record<string, { apiVersion: string; metadata: object; spec: object }> = {
    NetworkPolicy: {
      apiVersion: 'networking.k8s.io/v1',
      metadata: shop,
      spec: {
        podSelector: { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['b'] }] },
        policyTypes: ['Egress', 'Ingress'],
        egress: [
          {
            to: [
              { ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } },
              { podSelector: workload, namespaceSelector: workload },
            ],
            ports: [{ protocol: 'TCP', port: 443, endPort: 9000 }],
          },
        ],
        ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 'http' }] }],
      },
    },
    EnvoyFilter: {
      apiVersion: 'networking.istio.io/v1alpha3',
      metadata: shop,
      spec: { workloadSelector: { labels: { a: 'b' } }, configPatches: [patch] },
    },
    WasmPlugin: {
      apiVersion: 'extensions.istio.io/v1alpha1',
      metadata: shop,
      spec: { selector: { matchLabels: {} }, targetRefs: [], match: [{ mode: 'SERVER' }] },
    },
    ProxyConfig: {
      apiVersion: 'networking.istio.io/v1beta1',
      metadata: shop,
      spec: { selector: { matchLabels: {} }, concurrency: 2, environmentVariables: { A: 'b' } },
    },
    HTTPRoute: {
      apiVersion: 'gateway.networking.k8s.io/v1',
      metadata: shop,
      spec: { parentRefs: [{ kind: 'ServiceEntry', name: 'site', namespace: 'shop' }, { name: 'x' }] },
    },
    BackendTLSPolicy: {
      apiVersion: 'gateway.networking.k8s.io/v1',
      metadata: egress,
      spec: { targetRefs: [{ kind: 'Service', name: 'exit' }] },
    },
    ListenerSet: {
      apiVersion: 'gateway.networking.k8s.io/v1',
      metadata: egress,
      spec: { parentRef: { name: 'x', namespace: 'egress' } },
    },
    Gateway: {
      apiVersion: 'gateway.networking.k8s.io/v1',
      metadata: egress,
      spec: { gatewayClassName: 'istio', addresses: [{ type: 'Hostname', value: 'exit' }] },
    },
    Deployment: {
      apiVersion: 'apps/v1',
      metadata: egress,
      spec: {
        template: {
          metadata: { labels: { istio: 'exit' }, annotations: { 'proxy.istio.io/config': '{}' } },
          spec: {
            serviceAccountName: 'exit',
            containers: [{ name: 'istio-proxy', ports: [{ name: 'tls', containerPort: 8443 }], ...own }],
            ...ofPods,
          },
        },
      },
    },
    'Deployment of the caller': {
      apiVersion: 'apps/v1',
      metadata: shop,
      spec: {
        template: {
          metadata: { labels: { a: 'b' }, annotations: { 'proxy.istio.io/config': '{}' } },
          spec: {
            serviceAccountName: 'app',
            containers: [
              { name: 'app', ...own },
              { name: 'istio-proxy', ...own },
            ],
            ...ofPods,
          },
        },
      },
    },
  };
  const WRONG = [7, 'text', [null], [7], { a: 1 }];

  /** All values that differ from one in one place, where it has something of another type. */
  function* changed(value: unknown): Iterable<unknown> {
    yield* WRONG;
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value))
      for (const other of changed((value as Record<string, unknown>)[key]))
        yield Object.assign(Array.isArray(value) ? [...value] : { ...value }, { [key]: other });
  }

  const rest = parseAllDocuments(ENTRY + passThroughGateway()).map((document) => document.toJS());

  test.each(Object.entries(kinds))('%s', (name, { apiVersion, metadata, spec }) => {
    const kind = name.split(' ')[0];
    const crashes: string[] = [];
    for (const other of changed(spec)) {
      const objects = objectsFrom([...rest, { apiVersion, kind, metadata, spec: other }]);
      try {
        EgressModel.of(objects, LOCKED).ask(
          { namespace: 'shop', serviceAccount: 'app', labels: { a: 'b' } },
          { url: 'https://site.example.com/' },
        );
      } catch (error) {
        crashes.push(`${JSON.stringify(other)}: ${error}`);
      }
    }
    expect(crashes).toEqual([]);
  });

  test('and the object is named', () => {
    const policy = (rule: string) =>
      object('NetworkPolicy', `{ podSelector: {}, egress: [${rule}] }`, 'networking.k8s.io/v1');
    const said = (yaml: string, namespace = 'shop') =>
      ask(ENTRY + yaml.replace('namespace: shop', `namespace: ${namespace}`), 'shop/app', 'https://site.example.com/');
    expect(said(policy('{ to: [{ ipBlock: 10.0.0.0/8 }] }')).reason).toMatch(
      /egress\[0\]\.to\[0\]\.ipBlock: .* an object/,
    );
    expect(said(policy('{ to: [{ ipBlock: { cidr: 0.0.0.0/0, except: 10.1.0.0/16 } }] }')).reason).toMatch(
      /except: .* a list/,
    );
    expect(said(policy('{ to: 7 }'), 'other').outcome).toBe('answered');
  });
});
