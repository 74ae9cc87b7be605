/**
 * What Istio's task pages teach, in objects of our own: as it should be, and with the mistakes that people make in it.
 * Whatever a tool finds in a recipe as it should be is false; in each variant it should find something at the object.
 */
import { parseAllDocuments } from 'yaml';
import { EgressObject } from '../../src/rules';

export interface Recipe {
  readonly name: string;
  /** The page that has a recipe for the same purpose, below https://istio.io/latest/docs/. */
  readonly page: string;
  readonly objects: readonly EgressObject[];
  readonly broken: readonly Variant[];
}

export interface Variant {
  readonly fault: string;
  /** `Kind namespace/name` of what is wrong; a finding may name either, where two are wrong together. */
  readonly at: readonly string[];
  readonly objects: readonly EgressObject[];
}

const istio = (kind: string, place: string, spec: string, group = 'networking') => {
  const [namespace, name] = place.split('/');
  return `---\napiVersion: ${group}.istio.io/v1\nkind: ${kind}\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec: ${spec}\n`;
};
const kube = (kind: string, place: string, rest: string, labels = '') => {
  const [namespace, name] = place.split('/');
  return `---\napiVersion: v1\nkind: ${kind}\nmetadata: { name: ${name}, namespace: ${namespace}${labels && `, labels: ${labels}`} }\n${rest}\n`;
};
const pods = (place: string, label: string, ports: string) =>
  kube('Service', place, `spec: { selector: { ${label} }, ports: [${ports}] }`);

const HTTP = '{ number: 80, name: http, protocol: HTTP }';
const HTTP_TO_443 = '{ number: 80, name: http, protocol: HTTP, targetPort: 443 }';
const TLS = '{ number: 443, name: tls, protocol: TLS }';
const OUT = 'istio-egressgateway.istio-system.svc.cluster.local';
const OUT_SERVICE = pods(
  'istio-system/istio-egressgateway',
  'istio: egressgateway',
  '{ name: http2, port: 80 }, { name: https, port: 443 }',
);
const IN_SERVICE = pods(
  'istio-system/istio-ingressgateway',
  'istio: ingressgateway',
  '{ name: http2, port: 80 }, { name: https, port: 443 }',
);
const entry = (place: string, host: string, ports: string, more = '') =>
  istio(
    'ServiceEntry',
    place,
    `{ hosts: [${host}], location: MESH_EXTERNAL, resolution: DNS, ports: [${ports}]${more} }`,
  );
const verified = (host: string, mode = 'mode: SIMPLE') => `tls: { ${mode}, sni: ${host}, subjectAltNames: [${host}] }`;
const on80 = (tls: string) => `trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, ${tls} }] }`;
const gateway = (place: string, selector: string, server: string) =>
  istio('Gateway', place, `{ selector: { istio: ${selector} }, servers: [{ ${server} }] }`);

/** HTTP for a host by way of the egress gateway. */
const throughGateway = (host: string) =>
  OUT_SERVICE +
  gateway('shop/out', 'egressgateway', `port: ${HTTP}, hosts: [${host}]`) +
  istio('DestinationRule', 'shop/to-gateway', `{ host: ${OUT}, subsets: [{ name: site }] }`) +
  istio(
    'VirtualService',
    'shop/site',
    `{ hosts: [${host}], gateways: [out, mesh], http: [` +
      `{ match: [{ gateways: [mesh], port: 80 }], route: [{ destination: { host: ${OUT}, subset: site, port: { number: 80 } } }] }, ` +
      `{ match: [{ gateways: [out], port: 80 }], route: [{ destination: { host: ${host}, port: { number: 80 } } }] }] }`,
  );

type Change = readonly [fault: string, at: string, from: string, to: string];

function recipe(name: string, page: string, yaml: string, ...changes: Change[]): Recipe {
  return {
    name,
    page,
    objects: objectsOf(yaml),
    broken: changes.map(([fault, at, from, to]) => {
      if (!yaml.includes(from)) throw new Error(`${name}: ${fault}: there is no ${from}`);
      return { fault, at: at.split(', '), objects: objectsOf(yaml.replace(from, to)) };
    }),
  };
}

function objectsOf(yaml: string): EgressObject[] {
  return parseAllDocuments(yaml)
    .map((document) => document.toJS())
    .filter(Boolean)
    .map((manifest, index) => ({ manifest, origin: `document ${index + 1}` }));
}

const OWN_NAMESPACE = 'ServiceEntry shop/site';

export const RECIPES: readonly Recipe[] = [
  recipe(
    'an external host by HTTPS',
    'tasks/traffic-management/egress/egress-control/',
    entry('shop/site', 'books.example.com', TLS),
    ['443 declared as HTTP', OWN_NAMESPACE, 'protocol: TLS', 'protocol: HTTP'],
  ),
  recipe(
    'a timeout for an external host',
    'tasks/traffic-management/egress/egress-control/',
    entry('shop/site', 'books.example.com', HTTP) +
      istio(
        'VirtualService',
        'shop/site',
        '{ hosts: [books.example.com], http: [{ timeout: 3s, route: [{ destination: { host: books.example.com } }] }] }',
      ),
    [
      'a second VirtualService for sidecars of the same host',
      'VirtualService shop/site, VirtualService shop/other',
      '---',
      istio(
        'VirtualService',
        'shop/other',
        '{ hosts: [books.example.com], http: [{ retries: { attempts: 3 }, route: [{ destination: { host: books.example.com } }] }] }',
      ) + '---',
    ],
    [
      'a subset that nobody defines',
      'VirtualService shop/site',
      'host: books.example.com }',
      'host: books.example.com, subset: v2 }',
    ],
  ),
  recipe(
    'TLS origination at the sidecar',
    'tasks/traffic-management/egress/egress-tls-origination/',
    entry('shop/site', 'books.example.com', `${HTTP_TO_443}, ${TLS}`) +
      istio('DestinationRule', 'shop/site', `{ host: books.example.com, ${on80(verified('books.example.com'))} }`),
    [
      'TLS for every port',
      'DestinationRule shop/site',
      on80(verified('books.example.com')),
      `trafficPolicy: { ${verified('books.example.com')} }`,
    ],
    ['TLS for port 443 only', OWN_NAMESPACE, 'port: { number: 80 }', 'port: { number: 443 }'],
    ['a name that nobody verifies', 'DestinationRule shop/site', ', subjectAltNames: [books.example.com]', ''],
    [
      'a certificate that nobody verifies',
      'DestinationRule shop/site',
      'mode: SIMPLE',
      'mode: SIMPLE, insecureSkipVerify: true',
    ],
    [
      'a rule for the sidecars of another namespace',
      `${OWN_NAMESPACE}, DestinationRule web/site`,
      'DestinationRule\nmetadata: { name: site, namespace: shop }',
      'DestinationRule\nmetadata: { name: site, namespace: web }',
    ],
  ),
  recipe(
    'a client certificate at the sidecar',
    'tasks/traffic-management/egress/egress-tls-origination/',
    entry('shop/bank', 'bank.example.com', HTTP_TO_443, ', exportTo: ["."]') +
      istio(
        'DestinationRule',
        'shop/bank',
        `{ host: bank.example.com, exportTo: ["."], workloadSelector: { matchLabels: { app: till } }, ` +
          `${on80(verified('bank.example.com', 'mode: MUTUAL, credentialName: client'))} }`,
      ) +
      kube('Secret', 'shop/client', 'stringData: { tls.crt: PEM, tls.key: PEM, ca.crt: PEM }'),
    ['no workloadSelector', 'DestinationRule shop/bank', 'workloadSelector: { matchLabels: { app: till } }, ', ''],
    [
      'a Secret in another namespace',
      'DestinationRule shop/bank',
      'name: client, namespace: shop',
      'name: client, namespace: web',
    ],
    ['a Secret without the key', 'DestinationRule shop/bank, Secret shop/client', 'tls.key: PEM, ', ''],
  ),
  recipe(
    'HTTP through the egress gateway',
    'tasks/traffic-management/egress/egress-gateway/',
    entry('shop/site', 'books.example.com', HTTP) + throughGateway('books.example.com'),
    [
      'a match for a gateway that is not listed',
      'VirtualService shop/site',
      'gateways: [out, mesh]',
      'gateways: [out]',
    ],
    [
      'a Gateway of another namespace, by its short name',
      'VirtualService shop/site',
      'name: out, namespace: shop',
      'name: out, namespace: istio-system',
    ],
    [
      'a server for another host',
      'VirtualService shop/site',
      'hosts: [books.example.com] }] }',
      'hosts: [boks.example.com] }] }',
    ],
    ['a subset of another name', 'VirtualService shop/site', 'subsets: [{ name: site }]', 'subsets: [{ name: sites }]'],
    ['no address for the gateway', `${OWN_NAMESPACE}, VirtualService shop/site`, 'resolution: DNS', 'resolution: NONE'],
    ['HTTPS past the gateway', OWN_NAMESPACE, HTTP, `${HTTP}, ${TLS}`],
    [
      'a destination that does not exist',
      'VirtualService shop/site',
      `host: ${OUT}, subset: site`,
      `host: ${OUT.replace('egress', 'egres')}, subset: site`,
    ],
  ),
  recipe(
    'HTTPS through the egress gateway',
    'tasks/traffic-management/egress/egress-gateway/',
    OUT_SERVICE +
      entry('shop/site', 'books.example.com', TLS) +
      gateway('shop/out', 'egressgateway', `port: ${TLS}, hosts: [books.example.com], tls: { mode: PASSTHROUGH }`) +
      istio(
        'VirtualService',
        'shop/site',
        '{ hosts: [books.example.com], gateways: [out, mesh], tls: [' +
          `{ match: [{ gateways: [mesh], port: 443, sniHosts: [books.example.com] }], route: [{ destination: { host: ${OUT}, port: { number: 443 } } }] }, ` +
          '{ match: [{ gateways: [out], port: 443, sniHosts: [books.example.com] }], route: [{ destination: { host: books.example.com, port: { number: 443 } } }] }] }',
      ),
    [
      'a Gateway that terminates the TLS',
      'VirtualService shop/site, Gateway shop/out',
      'tls: { mode: PASSTHROUGH }',
      'tls: { mode: SIMPLE, credentialName: site }',
    ],
    [
      'TLS again for what is encrypted',
      'DestinationRule shop/again',
      '---',
      istio(
        'DestinationRule',
        'shop/again',
        `{ host: books.example.com, trafficPolicy: { ${verified('books.example.com')} } }`,
      ) + '---',
    ],
    [
      'a server name outside the hosts',
      'VirtualService shop/site',
      'sniHosts: [books.example.com] }], route: [{ destination: { host: istio',
      'sniHosts: [other.example.org] }], route: [{ destination: { host: istio',
    ],
  ),
  recipe(
    'TLS origination at the egress gateway',
    'tasks/traffic-management/egress/egress-gateway-tls-origination/',
    entry('shop/site', 'books.example.com', HTTP_TO_443) +
      throughGateway('books.example.com') +
      istio(
        'DestinationRule',
        'istio-system/site',
        `{ host: books.example.com, ${on80(verified('books.example.com'))} }`,
      ),
    ['a name that nobody verifies', 'DestinationRule istio-system/site', ', subjectAltNames: [books.example.com]', ''],
    [
      'TLS for the wrong port',
      `${OWN_NAMESPACE}, DestinationRule istio-system/site`,
      `{ number: 80 }, tls`,
      `{ number: 443 }, tls`,
    ],
  ),
  recipe(
    'a client certificate at the egress gateway',
    'tasks/traffic-management/egress/egress-gateway-tls-origination/',
    entry('shop/bank', 'bank.example.com', HTTP_TO_443) +
      throughGateway('bank.example.com') +
      istio(
        'DestinationRule',
        'istio-system/bank',
        `{ host: bank.example.com, exportTo: ["."], ${on80(verified('bank.example.com', 'mode: MUTUAL, credentialName: client'))} }`,
      ) +
      kube('Secret', 'istio-system/client', 'stringData: { tls.crt: PEM, tls.key: PEM, ca.crt: PEM }'),
    [
      'a Secret in another namespace',
      'DestinationRule istio-system/bank',
      'name: client, namespace: istio-system',
      'name: client, namespace: shop',
    ],
    [
      'a Secret without certificates to verify the host',
      'DestinationRule istio-system/bank, Secret istio-system/client',
      ', ca.crt: PEM',
      '',
    ],
  ),
  recipe(
    'all hosts of a domain',
    'tasks/traffic-management/egress/wildcard-egress-hosts/',
    istio('ServiceEntry', 'shop/site', `{ hosts: ["*.example.com"], location: MESH_EXTERNAL, ports: [${TLS}] }`),
    [
      'an address that no domain has',
      OWN_NAMESPACE,
      'location: MESH_EXTERNAL',
      'location: MESH_EXTERNAL, resolution: DNS',
    ],
  ),
  recipe(
    'a database at a fixed address',
    'reference/config/networking/service-entry/',
    istio(
      'ServiceEntry',
      'shop/db',
      '{ hosts: [db.example.com], addresses: [192.0.2.10], location: MESH_EXTERNAL, resolution: STATIC, ' +
        'endpoints: [{ address: 192.0.2.10 }], ports: [{ number: 5432, name: tcp, protocol: TCP }] }',
    ),
    ['every connection to the port', 'ServiceEntry shop/db', 'addresses: [192.0.2.10], ', ''],
    [
      'two databases at one address',
      'ServiceEntry shop/db, ServiceEntry shop/other',
      '---',
      istio(
        'ServiceEntry',
        'shop/other',
        '{ hosts: [stock.example.com], addresses: [192.0.2.10], location: MESH_EXTERNAL, resolution: STATIC, ' +
          'endpoints: [{ address: 192.0.2.11 }], ports: [{ number: 5432, name: tcp, protocol: TCP }] }',
      ) + '---',
    ],
  ),
  recipe(
    'only what is declared',
    'tasks/traffic-management/egress/egress-control/',
    istio(
      'Sidecar',
      'istio-system/default',
      '{ egress: [{ hosts: ["*/*"] }], outboundTrafficPolicy: { mode: REGISTRY_ONLY } }',
    ) +
      istio(
        'Sidecar',
        'shop/default',
        '{ egress: [{ hosts: ["./*", "istio-system/*"] }], outboundTrafficPolicy: { mode: REGISTRY_ONLY } }',
      ) +
      entry('shop/site', 'books.example.com', TLS, ', exportTo: ["."]'),
    [
      'a Sidecar that opens its namespace again',
      'Sidecar shop/default',
      '"istio-system/*"] }], outboundTrafficPolicy: { mode: REGISTRY_ONLY }',
      '"istio-system/*"] }]',
    ],
    [
      'a Sidecar that hides the host',
      `${OWN_NAMESPACE}, Sidecar shop/default`,
      '["./*", "istio-system/*"]',
      '["istio-system/*"]',
    ],
  ),
  recipe(
    'callers at the egress gateway',
    'tasks/security/authorization/authz-http/',
    entry('shop/site', 'books.example.com', HTTP) +
      throughGateway('books.example.com') +
      istio(
        'AuthorizationPolicy',
        'istio-system/not-crawler',
        '{ selector: { matchLabels: { istio: egressgateway } }, action: DENY, rules: [{ from: [{ source: { namespaces: [crawler] } }], ' +
          'to: [{ operation: { hosts: [books.example.com, "books.example.com:*"], ports: ["80", "8080"] } }] }] }',
        'security',
      ),
    ['a port in the Host header passes', 'AuthorizationPolicy istio-system/not-crawler', ', "books.example.com:*"', ''],
    [
      'a policy where the callers are',
      'AuthorizationPolicy shop/not-crawler',
      'name: not-crawler, namespace: istio-system }\nspec: { selector: { matchLabels: { istio: egressgateway } }, ',
      'name: not-crawler, namespace: shop }\nspec: { ',
    ],
  ),
  recipe(
    'ingress by HTTP',
    'tasks/traffic-management/ingress/ingress-control/',
    IN_SERVICE +
      pods('shop/web', 'app: web', '{ name: http, port: 8000 }') +
      gateway('shop/in', 'ingressgateway', `port: ${HTTP}, hosts: [shop.example.com]`) +
      istio(
        'VirtualService',
        'shop/web',
        '{ hosts: [shop.example.com], gateways: [in], http: [{ match: [{ uri: { prefix: /status } }], ' +
          'route: [{ destination: { host: web, port: { number: 8000 } } }] }] }',
      ),
    [
      'a server for another host',
      'VirtualService shop/web',
      'hosts: [shop.example.com] }] }',
      'hosts: [www.example.com] }] }',
    ],
    [
      'a Gateway of another namespace, by its short name',
      'VirtualService shop/web',
      'name: in, namespace: shop',
      'name: in, namespace: istio-system',
    ],
    [
      'a Service that does not exist',
      'VirtualService shop/web',
      'destination: { host: web,',
      'destination: { host: wbe,',
    ],
  ),
  recipe(
    'ingress by HTTPS',
    'tasks/traffic-management/ingress/secure-ingress/',
    IN_SERVICE +
      pods('shop/web', 'app: web', '{ name: http, port: 8000 }') +
      kube('Secret', 'istio-system/shop-cert', 'stringData: { tls.crt: PEM, tls.key: PEM }') +
      gateway(
        'shop/in',
        'ingressgateway',
        'port: { number: 443, name: https, protocol: HTTPS }, hosts: [shop.example.com], tls: { mode: SIMPLE, credentialName: shop-cert }',
      ) +
      istio(
        'VirtualService',
        'shop/web',
        '{ hosts: [shop.example.com], gateways: [in], http: [{ route: [{ destination: { host: web, port: { number: 8000 } } }] }] }',
      ),
    [
      'a second Gateway for the host',
      'Gateway shop/in, Gateway web/in',
      '---',
      gateway(
        'web/in',
        'ingressgateway',
        'port: { number: 443, name: https, protocol: HTTPS }, hosts: [shop.example.com], tls: { mode: SIMPLE, credentialName: shop-cert }',
      ) + '---',
    ],
    [
      'tls routes behind a Gateway that terminates',
      'VirtualService shop/web',
      'http: [{ route:',
      'tls: [{ match: [{ sniHosts: [shop.example.com] }], route:',
    ],
  ),
  recipe(
    'ingress that passes TLS on',
    'tasks/traffic-management/ingress/ingress-sni-passthrough/',
    IN_SERVICE +
      pods('shop/web', 'app: web', '{ name: https, port: 443 }') +
      gateway('shop/in', 'ingressgateway', `port: ${TLS}, hosts: [shop.example.com], tls: { mode: PASSTHROUGH }`) +
      istio(
        'VirtualService',
        'shop/web',
        '{ hosts: [shop.example.com], gateways: [in], tls: [{ match: [{ port: 443, sniHosts: [shop.example.com] }], ' +
          'route: [{ destination: { host: web, port: { number: 443 } } }] }] }',
      ),
    [
      'http routes for what cannot be read',
      'VirtualService shop/web',
      'tls: [{ match: [{ port: 443, sniHosts: [shop.example.com] }], ',
      'http: [{ ',
    ],
  ),
  recipe(
    'traffic for two versions',
    'tasks/traffic-management/traffic-shifting/',
    pods('shop/web', 'app: web', '{ name: http, port: 8000 }') +
      istio(
        'DestinationRule',
        'shop/web',
        '{ host: web, subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }] }',
      ) +
      istio(
        'VirtualService',
        'shop/web',
        '{ hosts: [web], http: [{ route: [{ destination: { host: web, subset: v1 }, weight: 90 }, { destination: { host: web, subset: v2 }, weight: 10 }] }] }',
      ),
    ['a subset that nobody defines', 'VirtualService shop/web', 'name: v2,', 'name: v3,'],
    [
      'a second VirtualService for sidecars',
      'VirtualService shop/web, VirtualService shop/canary',
      '---',
      istio(
        'VirtualService',
        'shop/canary',
        '{ hosts: [web], http: [{ route: [{ destination: { host: web, subset: v2 } }] }] }',
      ) + '---',
    ],
  ),
];
