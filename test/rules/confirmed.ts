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
  /** Instead of the rule's examples: another case of it, or one that the lab can have. */
  readonly examples?: { readonly bad: string; readonly good: string };
  /** Objects that the examples leave out. */
  readonly around?: string;
  readonly bad: AccessRow;
  readonly good: AccessRow;
}

/** Errors that no request of the lab can show, with the reason. */
export const NOT_CONFIRMED: Readonly<Record<string, string>> = {
  'gateway-not-injected': 'it is Kubernetes that has no image called "auto": there is no proxy that could be asked',
  'unknown-field': 'who applies the object decides: kubectl refuses it, others leave the field out',
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
  secrets: [
    { name: 'client', namespace: 'shop', holds: 'client-certificate' },
    { name: 'exit-client', namespace: 'egress', holds: 'client-certificate' },
  ],
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
const httpToGateway = (host: string, to = '{ number: 80 }') =>
  object(
    'VirtualService',
    'shop/hop',
    `{ hosts: [${host}], exportTo: ["."], http: [{ route: [{ destination: { host: ${EXIT}, port: ${to} } }] }] }`,
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

const tlsOut = (host: string) =>
  atGateway(host, `tls: [{ match: [{ sniHosts: [${host}] }], route: [{ destination: { host: ${host} } }] }]`);
/** A Gateway for HTTP of a.example.com by mutual TLS, and an older one that passes on the TLS of a host. */
const twoGateways = (passedOn: string) =>
  gateway(`port: ${TLS}, hosts: [${passedOn}], tls: { mode: PASSTHROUGH }`).replace('name: exit', 'name: older') +
  gateway('port: { number: 443, name: https, protocol: HTTPS }, hosts: [a.example.com], tls: { mode: ISTIO_MUTUAL }');
const originating = (place: string, host: string, tls: string) =>
  object(
    'DestinationRule',
    place,
    `{ host: ${host}, exportTo: ["."], trafficPolicy: { tls: { ${tls}, subjectAltNames: [${host}] } } }`,
  );

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
    // At a gateway, what applications have encrypted is wrapped by a rule for what arrives there as HTTP.
    code: 'double-tls',
    examples: {
      bad: originating('egress/tls', 'api.example.com', 'mode: SIMPLE') + tlsOut('api.example.com'),
      good: tlsOut('api.example.com'),
    },
    around:
      entry('egress/site', 'api.example.com', TLS) +
      tlsToGateway('api.example.com') +
      gateway(`port: ${TLS}, hosts: [api.example.com], tls: { mode: PASSTHROUGH }`),
    bad: { from, request: 'https://api.example.com/', expect: refused },
    good: { from, request: 'https://api.example.com/', expect: { ...answered, via: 'gateway' } },
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
    code: 'match-gateway-not-listed',
    around: entry('egress/site', 'api.example.com', HTTP) + gateway(`port: ${HTTP}, hosts: [api.example.com]`),
    bad: { from, request: 'http://api.example.com/', expect: { ...answered, via: 'sidecar' } },
    good: { from, request: 'http://api.example.com/', expect: { ...answered, via: 'gateway' } },
  },
  {
    code: 'missing-subset',
    around: entry('shop/site', 'api.example.com', HTTP),
    bad: { from, request: 'http://api.example.com/', expect: { ...refused, by: 'sidecar', symptom: 503 } },
    good: { from, request: 'http://api.example.com/', expect: answered },
  },
  {
    code: 'route-to-undeclared-port',
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
    // A gateway looks for the Secret in its own namespace.
    code: 'credential-secret',
    examples: {
      bad:
        originating('egress/tls', 'partner.example.com', 'mode: MUTUAL, credentialName: tills-own') +
        '---\napiVersion: v1\nkind: Secret\nmetadata: { name: tills-own, namespace: shop }\n',
      good: originating('egress/tls', 'partner.example.com', 'mode: MUTUAL, credentialName: exit-client'),
    },
    around:
      entry('egress/site', 'partner.example.com', '{ number: 80, name: http, protocol: HTTP, targetPort: 443 }') +
      httpToGateway('partner.example.com') +
      gateway(`port: ${HTTP}, hosts: [partner.example.com]`) +
      httpOut('partner.example.com'),
    bad: { from, request: 'http://partner.example.com/', expect: { ...refused, by: 'gateway', symptom: 503 } },
    good: { from, request: 'http://partner.example.com/', expect: { ...answered, tlsOriginatedBy: 'gateway' } },
  },
  {
    code: 'reserved-port',
    change: (text) => text.replace(/number: (150\d\d)/, 'number: $1, targetPort: 80'),
    // The proxy's own listener for probes answers 404.
    bad: { from, request: 'http://api.example.com:15021/', expect: refused },
    good: { from, request: 'http://api.example.com:15080/', expect: { ...answered, via: 'sidecar' } },
  },
  {
    // The younger Gateway's server is dropped, and with it what the older one does not serve.
    code: 'gateway-server-conflict',
    examples: {
      bad: twoGateways('a.example.com'),
      good: twoGateways('b.example.com'),
    },
    around:
      entry('egress/site', 'a.example.com', HTTP) +
      httpToGateway('a.example.com', '{ number: 443 }, subset: a') +
      mutualTls('a') +
      httpOut('a.example.com'),
    bad: { from, request: 'http://a.example.com/', expect: { ...refused, symptom: 503 } },
    good: { from, request: 'http://a.example.com/', expect: { ...answered, via: 'gateway' } },
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
export function objectsFor(
  { code, change = String, examples, around = '' }: Confirmation,
  example: 'good' | 'bad',
): any[] {
  const own = (examples ?? RULES.find((one) => one.code === code)!)[example];
  return parseAllDocuments(`${change(own)}${around}`)
    .map((document) => document.toJS())
    .filter(Boolean)
    .map((manifest, index) => ({
      ...manifest,
      metadata: { ...manifest.metadata, creationTimestamp: `2026-01-01T00:00:${String(index).padStart(2, '0')}Z` },
    }));
}
