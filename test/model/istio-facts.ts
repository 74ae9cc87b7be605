/**
 * Facts about Istio that many answers rest on: small worlds with the mesh's answers. The model is asked by
 * `istio-facts.test.ts`, the mesh by the suite of the same name.
 */
import * as fs from 'fs';
import * as path from 'path';
import { parse, parseAllDocuments } from 'yaml';
import { AccessRow, AccessTable } from '../../src/access/access-table';

export interface FactCase {
  readonly name: string;
  readonly table: AccessTable;
  readonly objects: any[];
}

const GATEWAY_EXAMPLE = path.join(__dirname, '../../examples/e-http-through-gateway');

/** The example with a gateway, in its own words. */
function gatewayExample(change: (text: string) => string): { table: AccessTable; objects: any[] } {
  const folder = path.join(GATEWAY_EXAMPLE, 'manifests');
  return {
    table: parse(fs.readFileSync(path.join(GATEWAY_EXAMPLE, 'access.yaml'), 'utf8')),
    objects: fs
      .readdirSync(folder)
      .sort()
      .flatMap((file) => objectsIn(change(fs.readFileSync(path.join(folder, file), 'utf8')))),
  };
}

function objectsIn(text: string): any[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS())
    .filter(Boolean);
}

const entry = (namespace: string, name: string, spec: string) => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: ${namespace} }
spec: { hosts: [${name}.example.com], exportTo: ["."], location: MESH_EXTERNAL, ${spec} }
`;
const TLS = 'ports: [{ number: 443, name: tls, protocol: TLS }]';
const TCP = 'ports: [{ number: 443, name: tcp, protocol: TCP }]';
const row = (from: string, host: string, outcome: 'answered' | 'refused'): AccessRow => ({
  from,
  request: `https://${host}.example.com/`,
  expect: outcome === 'answered' ? { outcome, status: 200, via: 'sidecar' } : { outcome },
});

const ranges: FactCase = {
  name: 'ranges of the address 0.0.0.0 match nothing in particular, so names win',
  table: {
    mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
    callers: ['shop', 'pay', 'ware'].map((name) => ({ name, namespace: name, serviceAccount: 'app' })),
    external: ['site', 'a', 'other'].map((name) => ({ host: `${name}.example.com`, https: 'ok' })),
    access: [
      row('shop', 'site', 'answered'),
      row('shop', 'other', 'refused'),
      row('pay', 'site', 'answered'),
      row('pay', 'other', 'answered'),
      row('ware', 'a', 'answered'),
      row('ware', 'site', 'answered'),
    ],
  },
  objects: objectsIn(
    [
      entry('shop', 'all', `addresses: [0.0.0.0/1], resolution: NONE, ${TLS}`),
      entry('shop', 'site', `resolution: DNS, ${TLS}`),
      entry('pay', 'all', `addresses: [0.0.0.0/0], resolution: NONE, ${TCP}`),
      entry('pay', 'site', `resolution: DNS, ${TLS}`),
      entry('ware', 'a', `resolution: DNS, ${TLS}`),
      entry('ware', 'site', `resolution: DNS, ${TLS}`),
      `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a, namespace: ware }
spec:
  hosts: [a.example.com]
  exportTo: ["."]
  tls:
    - match: [{ port: 443, sniHosts: [a.example.com], destinationSubnets: [0.0.0.0/0] }]
      route: [{ destination: { host: a.example.com, port: { number: 443 } } }]
`,
    ].join(''),
  ),
};

function otherClusterDomain(): FactCase {
  const { table, objects } = gatewayExample((text) => text.replaceAll('svc.cluster.local', 'svc.corp.example'));
  return {
    name: 'a cluster of another domain',
    table: { ...table, mesh: { ...table.mesh, clusterDomain: 'corp.example' } },
    objects,
  };
}

/** A filter that would answer every request itself with 418. */
const patch = (namespace: string, context: string) => `---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: ${context.toLowerCase().replace('_', '-')}, namespace: ${namespace} }
spec:
  configPatches:
    - applyTo: HTTP_FILTER
      match:
        context: ${context}
        listener: { filterChain: { filter: { name: envoy.filters.network.http_connection_manager } } }
      patch:
        operation: INSERT_BEFORE
        value:
          name: envoy.filters.http.lua
          typed_config:
            '@type': type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
            default_source_code:
              inline_string: "function envoy_on_request(h) h:respond({[':status'] = '418'}, 'no') end"
`;

function otherRoles(): FactCase {
  const { table, objects } = gatewayExample((text) => text);
  const patches = [
    patch('istio-system', 'SIDECAR_INBOUND'),
    patch('shop', 'GATEWAY'),
    patch('egress', 'SIDECAR_OUTBOUND'),
    `---
apiVersion: networking.istio.io/v1beta1
kind: ProxyConfig
metadata: { name: threads, namespace: istio-system }
spec: { concurrency: 1, environmentVariables: { TZ: UTC } }
`,
  ];
  return {
    name: 'patches for another role or direction, and settings of the process',
    table,
    objects: [...objects, ...objectsIn(patches.join(''))],
  };
}

const named = (...namespaces: string[]) => ({
  namespaceSelector: {
    matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: namespaces }],
  },
});

const visibility: FactCase = {
  name: 'the mesh decides who may see the entries of a namespace',
  table: {
    mesh: {
      outboundTrafficPolicy: 'REGISTRY_ONLY',
      serviceEntryVisibility: {
        defaultVisibility: 'NAMESPACE',
        applyToSidecars: true,
        policies: [
          { visibility: 'NONE', matchingRules: [{}] },
          { visibility: 'PUBLIC', matchingRules: [named('platform', 'ware'), named('platform', 'pay')] },
          { visibility: 'NONE', matchingRules: [named('platform', 'closed')] },
        ],
      },
    },
    callers: ['shop', 'ware', 'closed'].map((name) => ({ name, namespace: name, serviceAccount: 'app' })),
    external: ['platform', 'ware', 'shop', 'given', 'closed'].map((name) => ({
      host: `${name}.example.com`,
      https: 'ok',
    })),
    access: [
      row('shop', 'platform', 'answered'),
      row('shop', 'ware', 'refused'),
      row('shop', 'given', 'refused'),
      row('shop', 'shop', 'answered'),
      row('shop', 'closed', 'refused'),
      row('ware', 'ware', 'answered'),
      row('ware', 'given', 'refused'),
      row('ware', 'shop', 'refused'),
      row('closed', 'closed', 'refused'),
      row('closed', 'platform', 'answered'),
    ],
  },
  objects: objectsIn(
    [
      entry('platform', 'platform', `resolution: DNS, ${TLS}`).replace('exportTo: ["."], ', ''),
      entry('ware', 'ware', `resolution: DNS, ${TLS}`).replace('exportTo: ["."], ', ''),
      entry('ware', 'given', `resolution: DNS, ${TLS}`).replace('"."', 'shop'),
      entry('shop', 'shop', `resolution: DNS, ${TLS}`).replace('"."', '"*"'),
      entry('closed', 'closed', `resolution: DNS, ${TLS}`),
    ].join(''),
  ),
};

function scopedGateways(): FactCase {
  const { table, objects } = gatewayExample((text) => text);
  return {
    name: 'a Gateway of another namespace, where Gateways act on pods of their own namespace',
    table: { ...table, mesh: { ...table.mesh, scopeGatewayToNamespace: true } },
    // The same names on the same pods, and older.
    objects: [
      ...objects,
      ...objects
        .filter(({ kind }) => kind === 'Gateway')
        .map((gateway) => ({
          ...gateway,
          metadata: { ...gateway.metadata, namespace: 'other', creationTimestamp: '2020-01-01T00:00:00Z' },
        })),
    ],
  };
}

function movedGateways(): FactCase {
  const { table, objects } = gatewayExample((text) => text);
  const allowed = table.access.filter(({ without, expect }) => !without && expect.via === 'gateway');
  return {
    name: 'a Gateway only in another namespace, where Gateways act on pods of their own namespace',
    table: {
      ...table,
      mesh: { ...table.mesh, scopeGatewayToNamespace: true },
      access: allowed.map((one) => ({ ...one, expect: { outcome: 'refused' } })),
    },
    objects: objects.map((object) =>
      object.kind === 'Gateway' ? { ...object, metadata: { ...object.metadata, namespace: 'other' } } : object,
    ),
  };
}

/** Services of a gateway, of which entries in their namespace have the hosts; and hosts that it resolves by requests. */
function atExit(): FactCase {
  const istio = (kind: string, name: string, spec: string, created = '2024-01-01T00:00:00Z') => `---
apiVersion: networking.istio.io/v1
kind: ${kind}
metadata: { name: ${name}, namespace: egress, creationTimestamp: "${created}" }
spec: ${spec}
`;
  const service = (name: string) => `---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: egress, creationTimestamp: "2024-01-01T00:00:00Z" }
spec:
  selector: { istio: exit }
  ports: [{ name: http, port: 80, targetPort: 8080 }, { name: tls, port: 443, targetPort: 8443 }]
`;
  const ports =
    'location: MESH_EXTERNAL, ports: [{ number: 80, name: http, protocol: HTTP }, { number: 443, name: tls, protocol: TLS }]';
  const routes = (hosts: string, hop: string, port = 80) =>
    `{ hosts: ['${hosts}'], gateways: [mesh, exit], http: [` +
    `{ match: [{ gateways: [mesh], port: 80 }], route: [{ destination: { host: ${hop}.egress.svc.cluster.local, port: { number: 80 } } }] }, ` +
    `{ match: [{ gateways: [exit], port: 80 }], route: [{ destination: { host: '${hosts}', port: { number: ${port} } } }] }], tls: [` +
    `{ match: [{ gateways: [mesh], port: 443, sniHosts: ['${hosts}'] }], route: [{ destination: { host: ${hop}.egress.svc.cluster.local, port: { number: 443 } } }] }, ` +
    `{ match: [{ gateways: [exit], port: 443, sniHosts: ['${hosts}'] }], route: [{ destination: { host: '${hosts}', port: { number: 443 } } }] }] }`;
  const shared = ['NONE', 'STATIC', 'DNS'].map((resolution) => {
    const name = resolution.toLowerCase();
    const sharing = `{ hosts: [${name}.egress.svc.cluster.local], resolution: ${resolution}, ${ports} }`;
    return (
      service(name) +
      istio('ServiceEntry', name, sharing, '2020-01-01T00:00:00Z') +
      istio('ServiceEntry', `${name}-host`, `{ hosts: [${name}.example.com], resolution: DNS, ${ports} }`) +
      istio('VirtualService', name, routes(`${name}.example.com`, name))
    );
  });
  const dynamic = ['org', 'net'].map(
    (zone) =>
      istio('ServiceEntry', zone, `{ hosts: ['*.example.${zone}'], resolution: DYNAMIC_DNS, ${ports} }`) +
      istio('VirtualService', zone, routes(`*.example.${zone}`, 'exit', zone === 'net' ? 443 : 80)),
  );
  const originating = `{ host: '*.example.net', trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, tls: { mode: SIMPLE } }] } }`;
  const servers =
    "[{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }, { port: { number: 443, name: tls, protocol: TLS }, hosts: ['*'], tls: { mode: PASSTHROUGH } }]";
  const expected = (request: string, tlsOriginatedBy?: 'application' | 'gateway' | 'none'): AccessRow => ({
    from: 'shop',
    request,
    expect: tlsOriginatedBy ? { outcome: 'answered', via: 'gateway', tlsOriginatedBy } : { outcome: 'refused' },
  });
  return {
    name: 'entries without endpoints give none to Services of their host; a gateway resolves dynamic hosts for requests',
    table: {
      mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
      gateways: [
        { name: 'exit', namespace: 'egress', labels: { istio: 'exit' }, serviceAccount: 'exit', targetPort: 8443 },
      ],
      callers: [{ name: 'shop', namespace: 'shop', serviceAccount: 'app' }],
      external: ['none.example.com', 'static.example.com', 'dns.example.com', 'a.example.org', 'a.example.net'].map(
        (host) => ({ host, http: 'ok', https: 'ok' }),
      ),
      access: [
        ...['none', 'static', 'dns'].map((name) => expected(`https://${name}.example.com/`, 'application')),
        expected('http://a.example.org/', 'none'),
        expected('https://a.example.org/'),
        expected('http://a.example.net/', 'gateway'),
      ],
    },
    objects: objectsIn(
      [
        ...shared,
        ...dynamic,
        service('exit'),
        istio('Gateway', 'exit', `{ selector: { istio: exit }, servers: ${servers} }`),
        istio('DestinationRule', 'net', originating),
      ].join(''),
    ),
  };
}

export const CASES: readonly FactCase[] = [
  ranges,
  otherClusterDomain(),
  otherRoles(),
  visibility,
  scopedGateways(),
  movedGateways(),
  atExit(),
];
