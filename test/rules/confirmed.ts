/**
 * What rules with errors say about requests, for the model and for the mesh: beside the objects around it, a rule's bad
 * example makes a request fail or leak, and its good example does not.
 */
import { parseAllDocuments } from 'yaml';
import { AccessRow, AccessTable } from '../../src/access/access-table';
import { RULES } from '../../src/rules';

/** A rule with the request that shows what it is about. */
export interface Confirmation {
  readonly code: string;
  /** The examples are about good hosts: puts another one into them. */
  readonly change?: (text: string) => string;
  /** Objects that the examples leave out. */
  readonly around?: string;
  readonly bad: AccessRow;
  readonly good: AccessRow;
}

/** Errors that no request of the lab can show, with the reason. */
export const NOT_CONFIRMED: Readonly<Record<string, string>> = {
  'credential-secret': 'the examples have no real certificates; the suite client-certificates removes a key',
  'gateway-not-injected': 'the lab injects nothing',
  'gateway-server-conflict': 'the suite broken has two Gateways for one host, whose listener Envoy refuses',
  'reserved-port': 'the port belongs to the proxy itself, in the lab as elsewhere: there is no host behind it to ask',
};

export const TABLE: Omit<AccessTable, 'access'> = {
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
  gateways: [
    {
      name: 'exit',
      namespace: 'egress',
      labels: { istio: 'exit', app: 'exit' },
      serviceAccount: 'exit',
      targetPort: 8443,
    },
  ],
  callers: [
    { name: 'till', namespace: 'shop', serviceAccount: 'till', labels: { app: 'till' } },
    { name: 'site', namespace: 'web', serviceAccount: 'site' },
  ],
  external: [
    ...['api', 'a', 'b'].map((name) => ({ host: `${name}.example.com`, http: 'ok', https: 'ok' }) as const),
    { host: 'odd.example.com', http: 'ok', https: 'ok', certificate: 'wrong-name' },
    { host: 'self.example.com', http: 'ok', https: 'ok', certificate: 'unknown-ca' },
    { host: 'partner.example.com', http: 'ok', https: 'client-certificate', certificate: 'private-ca' },
    { host: 'orders.example.com', address: '203.0.113.7', tcp: [5432] },
    { host: 'stock.example.com', address: '203.0.113.8', tcp: [5432] },
  ],
  secrets: [{ name: 'client', namespace: 'shop', holds: 'client-certificate' }],
};

const answered = { outcome: 'answered', status: 200 } as const;
const refused = { outcome: 'refused' } as const;
const from = 'till';

const object = (kind: string, place: string, spec: string, group = 'networking.istio.io') => {
  const [namespace, name] = place.split('/');
  return `---\napiVersion: ${group}/v1\nkind: ${kind}\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec: ${spec}\n`;
};
const HTTP = '{ number: 80, name: http, protocol: HTTP }';
const TLS = '{ number: 443, name: tls, protocol: TLS }';
const entry = (place: string, host: string, ...ports: string[]) =>
  object('ServiceEntry', place, `{ hosts: [${host}], resolution: DNS, ports: [${ports.join(', ')}] }`);
const EXIT = 'exit.egress.svc.cluster.local';
/** The caller side of a path through the gateway. */
const httpToGateway = (host: string) =>
  object(
    'VirtualService',
    'shop/hop',
    `{ hosts: [${host}], exportTo: ["."], http: [{ route: [{ destination: { host: ${EXIT}, port: { number: 80 } } }] }] }`,
  );
const tlsToGateway = (host: string, subset = '') =>
  object(
    'VirtualService',
    `shop/hop-${host.split('.')[0]}`,
    `{ hosts: [${host}], exportTo: ["."], tls: [{ match: [{ port: 443, sniHosts: [${host}] }], ` +
      `route: [{ destination: { host: ${EXIT}, port: { number: 443 }${subset && `, subset: ${subset}`} } }] }] }`,
  );
const mutualTls = (...names: string[]) =>
  object(
    'DestinationRule',
    'shop/exit',
    `{ host: ${EXIT}, exportTo: ["."], subsets: [${names
      .map((name) => `{ name: ${name}, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: ${name}.example.com } } }`)
      .join(', ')}] }`,
  );
const atGateway = (host: string, section: string) =>
  object('VirtualService', 'egress/out', `{ hosts: [${host}], exportTo: ["."], gateways: [exit], ${section} }`);
const httpOut = (host: string) => atGateway(host, `http: [{ route: [{ destination: { host: ${host} } }] }]`);
const gateway = (server: string) =>
  object('Gateway', 'egress/exit', `{ selector: { istio: exit }, servers: [{ ${server} }] }`);

export const CONFIRMED: readonly Confirmation[] = [
  {
    code: 'certificate-not-verified',
    change: (text) => text.replaceAll('api.example.com', 'self.example.com'),
    around: entry('shop/site', 'self.example.com', '{ number: 80, name: http, protocol: HTTP, targetPort: 443 }'),
    bad: { from, request: 'http://self.example.com/', expect: { ...answered, tlsOriginatedBy: 'sidecar' } },
    good: { from, request: 'http://self.example.com/', expect: { ...refused, symptom: 503 } },
  },
  {
    code: 'unverified-name',
    change: (text) => text.replaceAll('api.example.com', 'odd.example.com'),
    around:
      entry('shop/site', 'odd.example.com', HTTP, TLS) +
      object(
        'VirtualService',
        'shop/site',
        '{ hosts: [odd.example.com], exportTo: ["."], http: [{ match: [{ port: 80 }], route: ' +
          '[{ destination: { host: odd.example.com, subset: tls, port: { number: 443 } } }] }] }',
      ),
    bad: { from, request: 'http://odd.example.com/', expect: { ...answered, tlsOriginatedBy: 'sidecar' } },
    good: { from, request: 'http://odd.example.com/', expect: { ...refused, symptom: 503 } },
  },
  {
    code: 'double-tls',
    bad: { from, request: 'https://api.example.com/', expect: refused },
    good: { from, request: 'https://api.example.com/', expect: { ...answered, tlsOriginatedBy: 'application' } },
  },
  {
    code: 'plaintext-to-tls-port',
    bad: { from, request: 'http://api.example.com/', expect: { ...refused, by: 'host', symptom: 400 } },
    good: { from, request: 'http://api.example.com/', expect: { ...answered, tlsOriginatedBy: 'sidecar' } },
  },
  {
    code: 'http-route-to-tls-port',
    bad: { from, request: 'http://api.example.com/', expect: { ...refused, by: 'host', symptom: 400 } },
    good: { from, request: 'http://api.example.com/', expect: { ...answered, tlsOriginatedBy: 'sidecar' } },
  },
  {
    code: 'missing-subset',
    around: entry('shop/site', 'api.example.com', HTTP),
    bad: { from, request: 'http://api.example.com/', expect: { ...refused, by: 'sidecar', symptom: 503 } },
    good: { from, request: 'http://api.example.com/', expect: answered },
  },
  {
    // The VirtualService of namespace web is the younger one, and says that its callers go to another host.
    code: 'mesh-route-conflict',
    change: (text) => text.replace(/(namespace: web \}[^]*?http: )\[.*\]/, '$1[{ directResponse: { status: 418 } }]'),
    around: entry('shop/site', 'api.example.com', HTTP),
    bad: { from: 'site', request: 'http://api.example.com/', expect: answered },
    good: { from: 'site', request: 'http://api.example.com/', expect: { ...refused, by: 'sidecar', symptom: 418 } },
  },
  {
    code: 'tls-port-as-http',
    bad: { from, request: 'https://api.example.com/', expect: refused },
    good: { from, request: 'https://api.example.com/', expect: answered },
  },
  {
    // A route by server name, which the connection to an address in the range never reaches.
    code: 'range-takes-names',
    around:
      entry('shop/other', 'a.example.com', TLS) +
      object(
        'VirtualService',
        'shop/other',
        '{ hosts: [api.example.com], exportTo: ["."], tls: [{ match: [{ port: 443, sniHosts: [api.example.com] }], ' +
          'route: [{ destination: { host: a.example.com, port: { number: 443 } } }] }] }',
      ),
    bad: { from, request: 'https://api.example.com/', expect: { ...answered, answeredBy: 'api.example.com' } },
    good: { from, request: 'https://api.example.com/', expect: { ...refused, symptom: 'certificate-rejected' } },
  },
  {
    code: 'shared-tcp-address',
    bad: {
      from,
      request: 'tcp://stock.example.com:5432',
      dial: '203.0.113.7',
      expect: { outcome: 'answered', answeredBy: 'orders.example.com' },
    },
    good: {
      from,
      request: 'tcp://stock.example.com:5432',
      expect: { outcome: 'answered', answeredBy: 'stock.example.com' },
    },
  },
  {
    code: 'sidecar-credential',
    change: (text) => text.replaceAll('api.example.com', 'partner.example.com'),
    around:
      '---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: { name: secrets, namespace: shop }\n' +
      'rules: [{ apiGroups: [""], resources: [secrets], verbs: [get, list, watch] }]\n' +
      '---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: { name: secrets, namespace: shop }\n' +
      'roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: secrets }\n' +
      'subjects: [{ kind: ServiceAccount, name: till, namespace: shop }]\n',
    bad: {
      from,
      request: 'http://partner.example.com/',
      expect: { ...refused, by: 'host', symptom: 400 },
    },
    good: { from, request: 'http://partner.example.com/', expect: { ...answered, tlsOriginatedBy: 'sidecar' } },
  },
  {
    code: 'deny-host-without-port',
    around:
      entry('egress/site', 'api.example.com', HTTP) +
      httpToGateway('api.example.com') +
      gateway(`port: ${HTTP}, hosts: [api.example.com]`) +
      httpOut('api.example.com'),
    bad: {
      from,
      request: 'http://api.example.com/',
      headers: { host: 'api.example.com:80' },
      expect: { ...answered, via: 'gateway' },
    },
    good: {
      from,
      request: 'http://api.example.com/',
      headers: { host: 'api.example.com:80' },
      expect: { ...refused, by: 'gateway', symptom: 403 },
    },
  },
  {
    code: 'deny-takes-tls',
    around:
      entry('egress/site', 'b.example.com', TLS) +
      tlsToGateway('b.example.com') +
      atGateway(
        'b.example.com',
        'tls: [{ match: [{ sniHosts: [b.example.com] }], route: [{ destination: { host: b.example.com } }] }]',
      ),
    bad: { from, request: 'https://b.example.com/', expect: refused },
    good: { from, request: 'https://b.example.com/', expect: { ...answered, via: 'gateway' } },
  },
  {
    code: 'gateway-not-bound',
    around: entry('egress/site', 'api.example.com', HTTP) + httpToGateway('api.example.com'),
    bad: { from, request: 'http://api.example.com/', expect: { ...refused, by: 'gateway', symptom: 404 } },
    good: { from, request: 'http://api.example.com/', expect: { ...answered, via: 'gateway' } },
  },
  {
    code: 'gateway-route-unresolved',
    around:
      object(
        'ServiceEntry',
        'shop/site',
        `{ hosts: [api.example.com], exportTo: ["."], resolution: STATIC, ports: [${TLS}] }`,
      ) +
      tlsToGateway('api.example.com', 'hop') +
      mutualTls('hop') +
      gateway(`port: ${TLS}, hosts: [hop.example.com], tls: { mode: ISTIO_MUTUAL }`),
    bad: { from, request: 'https://api.example.com/', expect: refused },
    good: { from, request: 'https://api.example.com/', expect: { ...answered, via: 'gateway' } },
  },
  {
    code: 'hop-without-sni',
    around: entry('egress/site', 'a.example.com', HTTP) + httpOut('a.example.com'),
    bad: { from, request: 'http://a.example.com/', expect: { ...refused, symptom: 503 } },
    good: { from, request: 'http://a.example.com/', expect: { ...answered, via: 'gateway' } },
  },
  {
    code: 'shared-gateway-server',
    around:
      entry('egress/a', 'a.example.com', TLS) +
      entry('egress/b', 'b.example.com', TLS) +
      tlsToGateway('a.example.com', 'a') +
      tlsToGateway('b.example.com', 'b') +
      mutualTls('a', 'b'),
    bad: { from, request: 'https://b.example.com/', expect: { ...refused, symptom: 'certificate-rejected' } },
    good: { from, request: 'https://b.example.com/', expect: { ...answered, via: 'gateway' } },
  },
  {
    // Where nothing is routed through the gateway, nothing is denied; where it is, the same host is.
    code: 'policy-at-the-caller',
    bad: { from, request: 'https://api.example.com/', expect: { ...answered, via: 'sidecar' } },
    good: { from, request: 'http://api.example.com/', expect: { ...refused, by: 'gateway', symptom: 403 } },
    around: httpToGateway('api.example.com'),
  },
  {
    code: 'sidecar-without-mode',
    bad: { from, request: 'http://b.example.com/', expect: { ...answered, via: 'undeclared' } },
    good: { from, request: 'http://b.example.com/', expect: refused },
  },
];

/** The mesh for a rule: what a Sidecar without a mode opens can be seen only where the mesh is open. */
export function meshOf(code: string): NonNullable<AccessTable['mesh']> {
  return { outboundTrafficPolicy: code === 'sidecar-without-mode' ? 'ALLOW_ANY' : 'REGISTRY_ONLY' };
}

/** The objects of an example and those around it, oldest first. */
export function objectsFor({ code, change = String, around = '' }: Confirmation, example: 'good' | 'bad'): any[] {
  const rule = RULES.find((one) => one.code === code)!;
  return parseAllDocuments(`${change(rule[example])}${around}`)
    .map((document) => document.toJS())
    .filter(Boolean)
    .map((manifest, index) => ({
      ...manifest,
      metadata: { ...manifest.metadata, creationTimestamp: `2026-01-01T00:00:${String(index).padStart(2, '0')}Z` },
    }));
}
