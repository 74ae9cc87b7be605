/**
 * Traps that the constructs cannot express: for each, a check that finds it in manifests, and manifests that contain
 * it. The test makes sure that the check finds the trap in those manifests, and finds nothing in any generated app.
 */
import { EgressObject, RULES, checkManifests } from '../../src/rules';
import { entry, gateway, istio, objectsOf, route } from '../rules/support';

export interface Never {
  readonly trap: number;
  readonly name: string;
  /** What shows the trap: names of objects, or messages of a rule. */
  readonly seen: (objects: EgressObject[]) => string[];
  /** Manifests that contain the trap. */
  readonly bad: EgressObject[];
}

/** A trap for which there is a rule. */
function byRule(trap: number, name: string, code: string, bad?: EgressObject[]): Never {
  const rule = RULES.find((candidate) => candidate.code === code)!;
  const seen = (objects: EgressObject[]) =>
    checkManifests(objects)
      .filter((finding) => finding.code === code)
      .map((finding) => finding.message);
  return { trap, name, bad: bad ?? objectsOf(rule.bad), seen };
}

/** A trap that a single object shows. */
function byObject(
  trap: number,
  name: string,
  kind: string,
  isIn: (spec: any, manifest: any) => boolean,
  bad: EgressObject,
): Never {
  return {
    trap,
    name,
    bad: [bad],
    seen: (objects) =>
      objects
        .filter(({ manifest }) => manifest.kind === kind && isIn(manifest.spec, manifest))
        .map(({ origin }) => origin),
  };
}

/** A trap that only several objects together show. */
function byAll(trap: number, name: string, seen: (manifests: any[]) => string[], ...bad: EgressObject[]): Never {
  return { trap, name, bad, seen: (objects) => seen(objects.map(({ manifest }) => manifest)) };
}

const ofKind = (manifests: any[], ...kinds: string[]): any[] => manifests.filter(({ kind }) => kinds.includes(kind));
const named = ({ kind, metadata }: any): string => `${kind}/${metadata.namespace}/${metadata.name}`;
const routesOf = ({ spec }: any): any[] => ['http', 'tls', 'tcp'].flatMap((section) => spec[section] ?? []);
const destinationsOf = (virtualService: any): any[] =>
  routesOf(virtualService).flatMap(({ route: to }) => to.map(({ destination }: any) => destination));

/** Every traffic policy of a DestinationRule: its own and those of its subsets. */
const policiesOf = ({ spec }: any): any[] =>
  [spec.trafficPolicy, ...(spec.subsets ?? []).map((subset: any) => subset.trafficPolicy)].filter(Boolean);
const portSettingsOf = (rule: any): any[] => policiesOf(rule).flatMap((policy) => policy.portLevelSettings ?? []);
const tlsBlocksOf = (rule: any): any[] =>
  [...policiesOf(rule), ...portSettingsOf(rule)].map(({ tls }) => tls).filter(Boolean);
const isToExternalHost = ({ mode }: any): boolean => mode === 'SIMPLE' || mode === 'MUTUAL';

const rule = (place: string, spec: object) =>
  istio('DestinationRule', place, { host: 'a.example.com', exportTo: ['.'], ...spec });
const policy = (place: string, spec: object): EgressObject => ({
  manifest: {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name: place.split('/')[1], namespace: place.split('/')[0] },
    spec,
  },
  origin: place,
});
const other = (apiVersion: string, kind: string, spec: object = {}): EgressObject => ({
  manifest: { apiVersion, kind, metadata: { name: 'other', namespace: 'shop' }, spec },
  origin: `shop/${kind}`,
});
const sidecar = (spec: object) => istio('Sidecar', 'shop/default', { egress: [{ hosts: ['*/*'] }], ...spec });
const onSubset = (subset: string) => ({ host: 'a.example.com', subset, port: { number: 443 } });

const isServiceName = (host: string): boolean => /\.svc\.[a-z.]+$/.test(host);
const gatewayApi =
  (kind: string) =>
  (manifest: any): boolean =>
    /^gateway\.networking\./.test(manifest.apiVersion) && manifest.kind === kind;
const gatewayApiTrap = (trap: number, name: string, ...kinds: string[]): Never =>
  byAll(
    trap,
    name,
    (manifests) => manifests.filter((manifest) => kinds.some((kind) => gatewayApi(kind)(manifest))).map(named),
    ...kinds.map((kind) => other('gateway.networking.k8s.io/v1', kind)),
  );

const isVisibleElsewhere = ({ exportTo }: any): boolean => JSON.stringify(exportTo) !== '["."]';

export const NEVER: Never[] = [
  byObject(
    1,
    'resolution left out, or NONE',
    'ServiceEntry',
    ({ resolution }) => resolution === undefined || resolution === 'NONE',
    entry('shop/site', { resolution: undefined }),
  ),
  byRule(2, 'a gateway route without an address', 'gateway-route-unresolved'),
  byRule(3, 'TLS inside TLS', 'double-tls'),
  byRule(4, 'a certificate whose name is not verified', 'unverified-name'),
  byRule(5, 'a credentialName that a sidecar ignores', 'sidecar-credential'),
  byAll(
    8,
    'TLS originated without a server name',
    (manifests) =>
      ofKind(manifests, 'DestinationRule')
        .filter((one) =>
          tlsBlocksOf(one).some((tls) => isToExternalHost(tls) && !(tls.sni && tls.subjectAltNames?.length > 0)),
        )
        .map(named),
    rule('shop/database', {
      trafficPolicy: { portLevelSettings: [{ port: { number: 5432 }, tls: { mode: 'SIMPLE' } }] },
    }),
  ),
  byRule(9, 'plaintext to a TLS port', 'plaintext-to-tls-port'),
  byAll(
    11,
    'a subset that no route names',
    (manifests) => {
      const routed = new Set(
        ofKind(manifests, 'VirtualService').flatMap((virtualService) =>
          destinationsOf(virtualService).map(
            ({ host, subset }) => `${virtualService.metadata.namespace} ${host} ${subset}`,
          ),
        ),
      );
      return ofKind(manifests, 'DestinationRule')
        .flatMap(({ metadata, spec }) =>
          (spec.subsets ?? []).map(({ name }: any) => `${metadata.namespace} ${spec.host} ${name}`),
        )
        .filter((key) => !routed.has(key));
    },
    rule('shop/site', { subsets: [{ name: 'tls' }] }),
    route('shop/site', {}),
  ),
  byAll(
    12,
    'settings that the port-level settings do not repeat',
    (manifests) =>
      ofKind(manifests, 'DestinationRule')
        .filter((one) =>
          policiesOf(one).some((whole) =>
            (whole.portLevelSettings ?? []).some((port: any) =>
              ['connectionPool', 'outlierDetection', 'loadBalancer'].some(
                (field) => whole[field] !== undefined && port[field] === undefined,
              ),
            ),
          ),
        )
        .map(named),
    rule('shop/site', {
      trafficPolicy: {
        outlierDetection: { consecutive5xxErrors: 3 },
        portLevelSettings: [{ port: { number: 80 }, tls: { mode: 'SIMPLE' } }],
      },
    }),
  ),
  byAll(
    13,
    'port-level settings for a port that the host does not have',
    (manifests) => {
      const ports = new Map<string, Set<number>>();
      for (const { spec } of ofKind(manifests, 'ServiceEntry'))
        for (const host of spec.hosts)
          ports.set(host, new Set([...(ports.get(host) ?? []), ...spec.ports.map(({ number }: any) => number)]));
      return ofKind(manifests, 'DestinationRule')
        .filter(
          (one) =>
            ports.has(one.spec.host) &&
            portSettingsOf(one).some(({ port }) => !ports.get(one.spec.host)!.has(port.number)),
        )
        .map(named);
    },
    entry('shop/site', { ports: [{ number: 80, name: 'http', protocol: 'HTTP', targetPort: 443 }] }),
    rule('shop/site', { trafficPolicy: { portLevelSettings: [{ port: { number: 443 } }] } }),
  ),
  byAll(
    14,
    'a DestinationRule in a namespace where no proxy looks it up',
    (manifests) => {
      const lookedUp = new Set([
        ...ofKind(manifests, 'VirtualService').flatMap((virtualService) =>
          destinationsOf(virtualService).map(({ host }) => `${virtualService.metadata.namespace} ${host}`),
        ),
        ...ofKind(manifests, 'ServiceEntry').flatMap(({ metadata, spec }) =>
          spec.hosts.map((host: string) => `${metadata.namespace} ${host}`),
        ),
      ]);
      return ofKind(manifests, 'DestinationRule')
        .filter(({ metadata, spec }) => !lookedUp.has(`${metadata.namespace} ${spec.host}`))
        .map(named);
    },
    entry('shop/site', {}),
    rule('egress/site', {}),
  ),
  byAll(
    15,
    'a DestinationRule for a Service other than the hop Service',
    (manifests) =>
      ofKind(manifests, 'DestinationRule')
        .filter(({ spec }) => isServiceName(spec.host) && !/^[^.]+-hop\./.test(spec.host))
        .map(named),
    rule('shop/gateway', { host: 'istio-egressgateway.egress.svc.cluster.local' }),
  ),
  byObject(
    18,
    'one VirtualService for both mesh and gateway',
    'VirtualService',
    ({ gateways }) => gateways?.includes('mesh') && gateways.length > 1,
    route('shop/site', { gateways: ['mesh', 'egress/exit'] }),
  ),
  byRule(19, 'a Gateway referenced by its short name', 'gateway-not-bound', [
    route('shop/site', { gateways: ['exit'] }),
    gateway('egress/exit', ['a.example.com']),
  ]),
  byRule(20, "a server that excludes the VirtualService's namespace", 'gateway-not-bound', [
    route('egress/site', { gateways: ['egress/exit'] }),
    gateway('egress/exit', ['other/a.example.com']),
    entry('egress/site', {}),
  ]),
  byObject(
    21,
    'a duplicate port name, or one that is too long',
    'Gateway',
    ({ servers }) => {
      const names: string[] = servers.map(({ port }: any) => port.name);
      return new Set(names).size < names.length || names.some((name) => name.length > 63);
    },
    istio('Gateway', 'egress/exit', {
      servers: [443, 8443].map((number) => ({
        port: { number, name: 'tls', protocol: 'TLS' },
        hosts: ['a.example.com'],
      })),
    }),
  ),
  byRule(22, 'one TLS host on two Gateways of the same pods', 'gateway-server-conflict', [
    gateway('egress/one', ['a.example.com']),
    gateway('egress/two', ['a.example.com']),
  ]),
  byRule(24, 'a server that uses another kind of routes', 'gateway-not-bound', [
    route('egress/site', { gateways: ['egress/exit'] }),
    gateway('egress/exit', ['a.example.com'], { port: { number: 443, name: 'tls', protocol: 'TLS' } }),
    entry('egress/site', {}),
  ]),
  byObject(
    25,
    "a server that does not know the caller's identity",
    'Gateway',
    ({ servers }) => servers.some(({ tls }: any) => tls?.mode !== 'ISTIO_MUTUAL'),
    gateway('egress/exit', ['a.example.com'], { tls: { mode: 'PASSTHROUGH' } }),
  ),
  byRule(26, 'a hop without SNI', 'hop-without-sni'),
  byRule(27, 'several hosts behind one server', 'shared-gateway-server'),
  byAll(
    28,
    'a hop that relies on automatic mutual TLS',
    (manifests) => {
      const mutual = new Set(
        ofKind(manifests, 'DestinationRule').flatMap(({ metadata, spec }) =>
          (spec.subsets ?? [])
            .filter((subset: any) =>
              (subset.trafficPolicy?.portLevelSettings ?? []).some(({ tls }: any) => tls?.mode === 'ISTIO_MUTUAL'),
            )
            .map(({ name }: any) => `${metadata.namespace} ${spec.host} ${name}`),
        ),
      );
      return ofKind(manifests, 'VirtualService')
        .filter((virtualService) =>
          destinationsOf(virtualService).some(
            ({ host, subset }) =>
              isServiceName(host) && !mutual.has(`${virtualService.metadata.namespace} ${host} ${subset}`),
          ),
        )
        .map(named);
    },
    route('shop/site', {}, { host: 'exit.egress.svc.cluster.local' }),
  ),
  byAll(
    30,
    'a NetworkPolicy with the port of the Service',
    (manifests) => {
      const services = ofKind(manifests, 'Service').filter(({ spec }) => spec.selector);
      return ofKind(manifests, 'NetworkPolicy')
        .filter(({ spec }) =>
          (spec.egress ?? []).some(({ to = [], ports = [] }: any) =>
            services.some(
              (service) =>
                to.some(
                  ({ podSelector }: any) =>
                    podSelector && JSON.stringify(podSelector.matchLabels) === JSON.stringify(service.spec.selector),
                ) &&
                ports.some(({ port }: any) => !service.spec.ports.some(({ targetPort }: any) => targetPort === port)),
            ),
          ),
        )
        .map(named);
    },
    other('v1', 'Service', { selector: { istio: 'exit' }, ports: [{ port: 443, targetPort: 8443 }] }),
    other('networking.k8s.io/v1', 'NetworkPolicy', {
      egress: [{ to: [{ podSelector: { matchLabels: { istio: 'exit' } } }], ports: [{ port: 443 }] }],
    }),
  ),
  byObject(
    31,
    'a gateway that can be reached from outside the cluster',
    'Service',
    ({ type }) => type === 'LoadBalancer' || type === 'NodePort',
    other('v1', 'Service', { type: 'LoadBalancer' }),
  ),
  byObject(
    32,
    'a host that is visible in other namespaces',
    'ServiceEntry',
    isVisibleElsewhere,
    entry('shop/site', { exportTo: undefined }),
  ),
  byObject(
    43,
    'several hosts in one ServiceEntry with TCP',
    'ServiceEntry',
    ({ hosts, ports }) => hosts.length > 1 && ports.some(({ protocol }: any) => protocol === 'TCP'),
    entry('shop/site', {
      hosts: ['a.example.com', 'b.example.com'],
      ports: [{ number: 5432, name: 'tcp', protocol: 'TCP' }],
    }),
  ),
  byObject(
    44,
    'Mongo or MySQL',
    'ServiceEntry',
    ({ ports }) => ports.some(({ protocol }: any) => /mongo|mysql/i.test(protocol)),
    entry('shop/site', { ports: [{ number: 27017, name: 'mongo', protocol: 'MONGO' }] }),
  ),
  byObject(
    49,
    'a wildcard for which Istio allocates an address',
    'ServiceEntry',
    ({ hosts }, { metadata }) =>
      hosts.some((host: string) => host.startsWith('*')) &&
      metadata.labels?.['networking.istio.io/enable-autoallocate-ip'] !== 'false',
    entry('shop/site', { hosts: ['*.example.com'] }),
  ),
  byRule(50, 'a ServiceEntry that the gateway does not see', 'gateway-route-unresolved', [
    entry('shop/site', {}),
    route('egress/site', { gateways: ['egress/exit'] }),
    gateway('egress/exit', ['a.example.com']),
    {
      manifest: {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'exit', namespace: 'egress' },
        spec: { selector: { istio: 'exit' }, ports: [{ port: 443 }] },
      },
      origin: 'egress/exit',
    },
  ]),
  byObject(
    53,
    'a Sidecar without a mode',
    'Sidecar',
    ({ outboundTrafficPolicy }) => outboundTrafficPolicy?.mode === undefined,
    sidecar({ outboundTrafficPolicy: {} }),
  ),
  byObject(
    56,
    'egressProxy',
    'Sidecar',
    ({ outboundTrafficPolicy }) => outboundTrafficPolicy?.egressProxy !== undefined,
    sidecar({ outboundTrafficPolicy: { egressProxy: { host: 'exit' } } }),
  ),
  byObject(
    57,
    'a mode that a Sidecar cannot have',
    'Sidecar',
    ({ outboundTrafficPolicy }) => !['REGISTRY_ONLY', 'ALLOW_ANY', undefined].includes(outboundTrafficPolicy?.mode),
    sidecar({ outboundTrafficPolicy: { mode: 'ALLOW_ANY_DYNAMIC_DNS' } }),
  ),
  byObject(
    58,
    'a policy that a port in the Host header evades',
    'AuthorizationPolicy',
    ({ rules = [] }) =>
      rules.some(({ to = [] }: any) =>
        to.some(({ operation: { hosts, notHosts } }: any) => {
          const all: string[] = [...(hosts ?? []), ...(notHosts ?? [])];
          return all.some((host) => !host.endsWith('*') && !all.includes(`${host}:*`));
        }),
      ),
    policy('egress/hosts', { action: 'DENY', rules: [{ to: [{ operation: { hosts: ['a.example.com'] } }] }] }),
  ),
  byRule(59, 'a DENY that also denies all TLS', 'deny-takes-tls'),
  byObject(
    60,
    'a policy with targetRefs into another namespace',
    'AuthorizationPolicy',
    ({ targetRef, targetRefs }) => targetRef !== undefined || targetRefs !== undefined,
    policy('egress/far', { targetRefs: [{ kind: 'Gateway', name: 'exit', namespace: 'other' }] }),
  ),
  byObject(
    61,
    'a policy on a ServiceEntry',
    'AuthorizationPolicy',
    ({ targetRefs = [] }) => targetRefs.some(({ kind }: any) => kind === 'ServiceEntry'),
    policy('shop/entry', { targetRefs: [{ kind: 'ServiceEntry', name: 'site' }] }),
  ),
  byAll(
    62,
    "a policy that does not select the gateway's pods",
    (manifests) => {
      const gateways = new Set(
        ofKind(manifests, 'Gateway').map(
          ({ metadata, spec }) => `${metadata.namespace} ${JSON.stringify(spec.selector)}`,
        ),
      );
      return ofKind(manifests, 'AuthorizationPolicy')
        .filter(
          ({ metadata, spec }) => !gateways.has(`${metadata.namespace} ${JSON.stringify(spec.selector?.matchLabels)}`),
        )
        .map(named);
    },
    policy('shop/callers', { selector: { matchLabels: { istio: 'exit' } } }),
    gateway('egress/exit', ['a.example.com']),
  ),
  byAll(
    65,
    'tunnel or proxyProtocol',
    (manifests) =>
      ofKind(manifests, 'DestinationRule')
        .filter((one) => policiesOf(one).some(({ tunnel, proxyProtocol }) => tunnel || proxyProtocol))
        .map(named),
    rule('shop/site', {
      trafficPolicy: { tunnel: { targetHost: 'a.example.com', targetPort: 443 }, proxyProtocol: { version: 'V1' } },
    }),
  ),
  byObject(
    68,
    'an ExternalName Service',
    'Service',
    ({ type }) => type === 'ExternalName',
    other('v1', 'Service', { type: 'ExternalName', externalName: 'a.example.com' }),
  ),
  byAll(
    72,
    'a traffic annotation that is not on a pod template',
    (manifests) =>
      manifests
        .filter(({ metadata }) =>
          Object.keys(metadata.annotations ?? {}).some((name) => name.startsWith('traffic.sidecar.istio.io/')),
        )
        .map(named),
    {
      manifest: {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: {
          name: 'x',
          namespace: 'shop',
          annotations: { 'traffic.sidecar.istio.io/excludeOutboundPorts': '80' },
        },
      },
      origin: 'x',
    },
  ),
  byAll(
    75,
    'an object that is visible in other namespaces',
    (manifests) =>
      ofKind(manifests, 'ServiceEntry', 'VirtualService', 'DestinationRule')
        .filter(({ spec }) => isVisibleElsewhere(spec))
        .map(named),
    rule('shop/site', { exportTo: ['*'] }),
  ),
  gatewayApiTrap(76, 'a BackendTLSPolicy', 'BackendTLSPolicy'),
  gatewayApiTrap(77, 'an HTTPRoute', 'HTTPRoute'),
  byAll(
    78,
    'a Hostname reference',
    (manifests) =>
      manifests.filter((manifest) => JSON.stringify(manifest.spec ?? {}).includes('"kind":"Hostname"')).map(named),
    other('gateway.networking.k8s.io/v1', 'HTTPRoute', {
      rules: [{ backendRefs: [{ kind: 'Hostname', name: 'a.example.com', namespace: 'egress' }] }],
    }),
  ),
  gatewayApiTrap(79, 'a TLSRoute or TCPRoute', 'TLSRoute', 'TCPRoute'),
  byAll(
    83,
    'a VirtualService before the DestinationRule that it needs',
    (manifests) => {
      const emitted = new Set<string>();
      return manifests.flatMap((manifest) => {
        if (manifest.kind === 'DestinationRule')
          (manifest.spec.subsets ?? []).forEach(({ name }: any) =>
            emitted.add(`${manifest.metadata.namespace} ${manifest.spec.host} ${name}`),
          );
        if (manifest.kind !== 'VirtualService') return [];
        return destinationsOf(manifest).some(
          ({ host, subset }) =>
            subset !== undefined && !emitted.has(`${manifest.metadata.namespace} ${host} ${subset}`),
        )
          ? [named(manifest)]
          : [];
      });
    },
    route('shop/site', {}, onSubset('tls')),
    rule('shop/site', { subsets: [{ name: 'tls' }] }),
  ),
  byAll(
    84,
    'a host "*"',
    (manifests) =>
      manifests
        .filter(
          ({ kind, spec }) =>
            (kind === 'VirtualService' && spec.hosts?.includes('*')) ||
            (kind === 'Gateway' &&
              spec.servers.some(({ hosts }: any) => hosts.some((host: string) => /^(.*\/)?\*$/.test(host)))),
        )
        .map(named),
    gateway('egress/exit', ['*']),
  ),
  byObject(
    85,
    'a VirtualService without hosts',
    'VirtualService',
    ({ hosts }) => !hosts?.length,
    route('shop/site', { hosts: undefined }),
  ),
  byObject(
    86,
    'retries both on the hop to the gateway and at the gateway',
    'VirtualService',
    ({ gateways, http = [] }) =>
      gateways?.includes('mesh') &&
      http.some(
        ({ rewrite, retries }: any) =>
          /\.egress(-checked)?\.internal$/.test(rewrite?.authority) &&
          !(retries?.attempts === 0 || retries?.retryOn === 'connect-failure,refused-stream'),
      ),
    route('shop/r', {
      gateways: ['mesh'],
      http: [
        {
          rewrite: { authority: 'http-80.key.egress.internal' },
          retries: { attempts: 2, retryOn: '5xx' },
          route: [{ destination: { host: 'exit-hop.egress.svc.cluster.local' } }],
        },
      ],
    }),
  ),
  byObject(
    89,
    'UDP',
    'ServiceEntry',
    ({ ports }) => ports.some(({ protocol }: any) => protocol === 'UDP'),
    entry('shop/site', { ports: [{ number: 53, name: 'dns', protocol: 'UDP' }] }),
  ),
  byAll(
    92,
    'TLS whose certificate check an analyzer does not see',
    (manifests) =>
      ofKind(manifests, 'DestinationRule')
        .filter((one) =>
          tlsBlocksOf(one).some((tls) => isToExternalHost(tls) && !tls.caCertificates && !tls.credentialName),
        )
        .map(named),
    rule('shop/site', { trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, tls: { mode: 'SIMPLE' } }] } }),
  ),
];
