import { isIP } from 'net';
import { FieldRef } from '../answer/answer';
import { MergedRule, MergedSubset } from '../objects/destination-rules';
import { fieldRef } from '../answer/field-ref';
import { GatewayWorkload, podPort } from '../objects/gateways/workload';
import { stopAtUnknownField } from '../answer/known-fields';
import { Registry } from '../registry/registry';
import { Destination } from '../routes/destination';
import { portOf, Scope } from '../registry/scope';
import { KubernetesService, Service, ServicePort } from '../objects/service';
import { Undetermined } from '../answer/undetermined';
import { stopAtUnknownService } from '../registry/unknown-service';
import { credentialPlace } from '../../istio/credentials';
import { podTemplateOf } from '../../istio/pod-templates';
import { isHttp2 } from '../../istio/protocols';
import { givesEndpoints, isExternal } from '../../manifests/entries';
import { originates } from '../../manifests/tls';
import { FieldPath } from '../../manifests/field-path';
import { Indexed, IstioObject } from '../../manifests/indexed';
import { selects } from '../../manifests/selectors';
import { EntryEndpoint, TlsSettings, TrafficPolicy } from '../../manifests/specs';

/** Where a proxy connects to. */
export type Endpoint =
  | { readonly kind: 'pod'; readonly workload: GatewayWorkload; readonly port: number }
  /** A name that the proxy resolves, or an address. */
  | { readonly kind: 'host'; readonly host: string; readonly port: number; readonly tls?: ClientTls }
  /** The address that the application dialled. */
  | { readonly kind: 'original'; readonly port?: number }
  /** The name that the request itself gives: its authority or server name. */
  | { readonly kind: 'asked'; readonly port: number };

/** The TLS settings with which a cluster originates TLS. */
export interface ClientTls {
  readonly value: TlsSettings;
  readonly object: Indexed;
  readonly field: FieldPath;
}

/** The destination of a route, as Envoy has it. */
export interface Cluster {
  readonly service: Service;
  readonly port: ServicePort;
  readonly endpoints: readonly Endpoint[];
  /** The fields that gave the endpoints. */
  readonly decidedBy: readonly FieldRef[];
  readonly tls?: ClientTls;
  /** TLS settings that are written down and have no effect. */
  readonly ignoredTls?: ClientTls;
  readonly rule?: MergedRule;
  /** Where bytes are sent through the endpoints by CONNECT. Requests that the proxy reads are not. */
  readonly tunnel?: FieldRef;
  /** Whether it speaks HTTP/2 to its endpoints. */
  readonly http2: boolean;
  /** Whether it speaks to them what the client speaks, instead. */
  readonly keepsProtocol: boolean;
  readonly assumptions: readonly string[];
}

/** Why there is no such cluster. */
export interface NoCluster {
  readonly missing: string;
  readonly decidedBy: readonly FieldRef[];
}

/** The clusters that the proxy with this destination may have: one, unless istiod mixes up two entries. */
export function clustersOf(registry: Registry, scope: Scope, destination: Destination): (Cluster | NoCluster)[] {
  const service = scope.services.get(destination.host);
  const other = service && !service.kubernetes ? registry.conflictingEntry(service, destination.port) : undefined;
  return [service, ...(other ? [other] : [])].map((one) => clusterOf(registry, scope, destination, one));
}

/** The cluster of a destination, in the proxy whose route has it. */
function clusterOf(
  registry: Registry,
  scope: Scope,
  { host, port: number, subset, subsetWhere, decidedBy }: Destination,
  service: Service | undefined,
): Cluster | NoCluster {
  const viewer = scope.isGateway ? 'the gateway' : 'the caller';
  if (!service) {
    stopAtUnknownService(registry, host, decidedBy);
    const written = withCapitals(scope, host);
    if (written !== undefined) {
      return {
        missing: `${written.host} has capital letters, and routes for it lead to ${host}, which does not exist`,
        decidedBy: [...decidedBy, fieldRef(written.object, 'spec.hosts')],
      };
    }
    return {
      missing: `no Service or ServiceEntry for ${host} is visible to ${viewer}`,
      decidedBy,
    };
  }
  if (service.aliasFor !== undefined) {
    return {
      missing:
        `${host} is only another name (ExternalName): routes lead on from it only if it declares the port of the request ` +
        'and names no further ExternalName',
      decidedBy: [...decidedBy, fieldRef(service.object, 'spec.ports'), fieldRef(service.object, 'spec.externalName')],
    };
  }
  const port = portOf(service, number);
  if (!port || port.protocol === 'UDP') {
    return {
      missing: `${host} has no port ${number}`,
      decidedBy: [...decidedBy, fieldRef(service.object, 'spec.ports')],
    };
  }
  if (!service.kubernetes) stopAtUnknownField(service.object, service.object.spec, 'serviceEntry');
  const rule = registry.destinationRules.ruleFor(scope.proxy.namespace, scope.proxy.labels, host, service.namespace);
  const chosen = subset === undefined ? undefined : rule?.subsets.get(subset);
  if (subset !== undefined && !chosen) {
    const rules = rule?.from.map((object) => fieldRef(object, 'spec.subsets')) ?? [];
    return {
      missing: `${host} has no subset ${subset}${rule ? '' : `: no DestinationRule for it is visible to ${viewer}`}`,
      decidedBy: [
        ...(subsetWhere ? [subsetWhere] : decidedBy),
        ...rules,
        ...registry.destinationRules.elsewhere(host, subset).map((object) => fieldRef(object, 'metadata.namespace')),
      ],
    };
  }
  const dynamic = service.resolution === 'DYNAMIC_DNS';
  if (dynamic && subset !== undefined) {
    return {
      missing: `hosts with resolution DYNAMIC_DNS have no subsets, so ${host} has no subset ${subset}`,
      decidedBy: subsetWhere ? [subsetWhere] : decidedBy,
    };
  }
  // With resolution NONE it changes nothing.
  const passes = service.resolution === 'NONE' ? undefined : passthroughOf(rule, chosen, number);
  if (passes)
    throw new Undetermined(
      'with the load balancer PASSTHROUGH a proxy connects to the address that was dialled, which the model does not ' +
        'follow',
      [passes],
    );
  const { endpoints, where, assumptions } = endpointsOf(registry, scope, service, port, chosen?.value.labels);
  const tls = tlsOf(rule, chosen, number);
  const pool = inForce('connectionPool', rule, chosen, number);
  const http2 = isHttp2(port.protocol) || pool?.http?.h2UpgradePolicy === 'UPGRADE';
  if (dynamic && (http2 || hasHttpOptions(pool)) && !(tls && originates(tls.value)))
    throw new Undetermined(
      `without TLS, Envoy rejects the cluster of a host with resolution DYNAMIC_DNS that has options of HTTP, as ${host} ` +
        'has, and keeps the one that it had before',
      [...where, ...(rule?.from.map((object) => fieldRef(object, 'spec')) ?? [])],
    );
  const needsSelector =
    tls &&
    !scope.isGateway &&
    !rule!.selector &&
    tls.value.credentialName &&
    credentialPlace(tls.value.credentialName, scope.proxy.namespace).kind === 'Secret' &&
    (tls.value.mode === 'SIMPLE' || tls.value.mode === 'MUTUAL');
  return {
    service,
    port,
    endpoints,
    decidedBy: where,
    ...(tls && (needsSelector ? { ignoredTls: tls } : { tls })),
    rule,
    ...tunnelOf(rule, chosen),
    http2,
    keepsProtocol: pool?.http?.useClientProtocol === true || (port.protocol === '' && !scope.isGateway),
    assumptions,
  };
}

/** Settings of a connection pool that are not options of HTTP in Envoy. */
const NO_OPTIONS: ReadonlySet<string> = new Set([
  'h2UpgradePolicy',
  'http1MaxPendingRequests',
  'http2MaxRequests',
  'maxRetries',
]);

function hasHttpOptions(pool: TrafficPolicy['connectionPool']): boolean {
  const { idleTimeout, maxConnectionDuration } = pool?.tcp ?? {};
  return (
    !!(idleTimeout ?? maxConnectionDuration) || Object.keys(pool?.http ?? {}).some((name) => !NO_OPTIONS.has(name))
  );
}

/** The Service of the host that the proxy knows with capitals where a route has it in lower case. */
function withCapitals({ services }: Scope, host: string): Service | undefined {
  for (const [name, service] of services) if (name.toLowerCase() === host) return service;
  return undefined;
}

/** The pods of gateways behind a port of a Kubernetes Service. */
export function podsBehind(
  registry: Registry,
  service: KubernetesService,
  port: ServicePort,
  labels?: Record<string, string>,
): { endpoints: Endpoint[]; where: FieldRef[]; assumptions: string[] } {
  const assumptions: string[] = [];
  const { selector } = service.object.spec;
  const field = fieldRef(service.object, 'spec.selector');
  if (!selector) return writtenEndpoints(registry, service, port);
  const pods = registry.workloads.filter(
    (workload) =>
      workload.namespace === service.namespace &&
      selects(selector, workload.labels) &&
      selects(labels, workload.labels),
  );
  const entry = registry.workloadEntries(service.namespace, selector).at(0);
  if (entry)
    throw new Undetermined(
      `Service ${service.namespace}/${service.object.name} selects WorkloadEntry ${entry.name}, and the model does ` +
        'not follow requests to the workloads of the mesh',
      [field, fieldRef(entry, 'spec.address')],
    );
  if (pods.length === 0 && registry.world.gateways === undefined) {
    throw new Undetermined(
      `Service ${service.namespace}/${service.object.name} is inside the mesh and belongs to no gateway that ` +
        'the model knows',
      [field],
    );
  }
  const endpoints = pods.map((workload): Endpoint => ({
    kind: 'pod',
    workload,
    port: podPort(workload, port.number, port.targetPort),
  }));
  for (const { assumption } of pods) if (assumption) assumptions.push(assumption);
  return { endpoints, where: [field], assumptions };
}

/** The endpoints of a Service without a selector, which somebody writes by hand. */
function writtenEndpoints({ index }: Registry, { namespace, object }: Service, port: ServicePort) {
  const written = index.endpointsOf(namespace, object.name);
  if (written.length === 0)
    throw new Undetermined(
      `Service ${namespace}/${object.name} has no selector, and its endpoints are not among the manifests: add its ` +
        'EndpointSlice',
      [fieldRef(object, 'spec.selector')],
    );
  const endpoints = written.flatMap(({ addresses, ports }) => {
    const own = ports.find(({ name = '' }) => name === port.name || (ports.length === 1 && port.name === ''));
    return addresses.flatMap((host): Endpoint[] => (own?.port ? [{ kind: 'host', host, port: own.port }] : []));
  });
  return { endpoints, where: written.map((one) => fieldRef(one.object)), assumptions: [] as string[] };
}

function endpointsOf(
  registry: Registry,
  scope: Scope,
  service: Service,
  port: ServicePort,
  labels?: Record<string, string>,
) {
  const sharing = registry
    .siblings(service)
    .find((one) =>
      one.kubernetes
        ? !service.kubernetes && service.resolution !== 'NONE'
        : service.kubernetes && givesEndpoints(one.object),
    );
  if (sharing) {
    const [entry, named] = service.kubernetes ? [sharing, service] : [service, sharing];
    throw new Undetermined(
      `ServiceEntry ${entry.namespace}/${entry.object.name} has the host of Service ${named.object.name}, so each has ` +
        'the endpoints of both, which the model does not follow',
      [fieldRef(entry.object, 'spec.hosts')],
    );
  }
  if (service.kubernetes) {
    if (service.resolution === 'NONE' && !scope.isGateway)
      throw new Undetermined(
        `Service ${service.namespace}/${service.object.name} is headless: a sidecar sends what is for it to whatever ` +
          'address was dialled, by a protocol that depends on its pods',
        [fieldRef(service.object, 'spec.clusterIP')],
      );
    return podsBehind(registry, service, port, labels);
  }
  const assumptions: string[] = [];
  const portIndex = (service.object.spec.ports ?? []).findIndex((one) => one.number === port.number);
  const portField = fieldRef(service.object, portIndex < 0 ? 'spec.ports' : `spec.ports[${portIndex}]`);
  switch (service.resolution) {
    case 'NONE':
      // At a gateway, connections have no original destination other than the gateway itself.
      return {
        endpoints: scope.isGateway
          ? []
          : [{ kind: 'original', port: port.targetPort as number | undefined } as Endpoint],
        where: [fieldRef(service.object, 'spec.resolution')],
        assumptions,
      };
    case 'DYNAMIC_DNS':
      return {
        endpoints: [{ kind: 'asked', port: port.number } as Endpoint],
        where: [fieldRef(service.object, 'spec.resolution')],
        assumptions,
      };
    default:
      return { assumptions, ...entryEndpoints(registry, service, port, portField, assumptions, labels) };
  }
}

/** The names and addresses that the entries of a host in one namespace give for one of their ports. */
export function endpointsOfSiblings(registry: Registry, service: Service, number: number): string[] {
  if (registry.siblings(service).length < 2) return [];
  const port = portOf(service, number)!;
  const { endpoints } = entryEndpoints(registry, { ...service, resolution: 'DNS' }, port, fieldRef(service.object), []);
  return endpoints.flatMap((one) => (one.kind === 'host' ? [one.host] : []));
}

/**
 * The endpoints of all ServiceEntries of one host in one namespace. Where the cluster resolves names, an entry's port
 * is found by its number. Over EDS (resolution STATIC) it is found by its name, and endpoints that are not addresses
 * are dropped.
 */
function entryEndpoints(
  registry: Registry,
  service: Service,
  port: ServicePort,
  portField: FieldRef,
  assumptions: string[],
  labels?: Record<string, string>,
) {
  const endpoints: Endpoint[] = [];
  const where: FieldRef[] = [];
  const seen = new Set<Indexed>();
  const overEds = service.resolution === 'STATIC';
  for (const sibling of registry.siblings(service)) {
    if (
      seen.has(sibling.object) ||
      sibling.kubernetes ||
      sibling.resolution === 'NONE' ||
      sibling.resolution === 'DYNAMIC_DNS'
    )
      continue;
    seen.add(sibling.object);
    const { spec } = sibling.object;
    const own = sibling.ports.find((one) => (overEds ? one.name === port.name : one.number === port.number));
    if (!own) continue;
    const target = (given: EntryEndpoint | undefined): number =>
      given?.ports?.[own.name] ?? (own.targetPort as number | undefined) ?? own.number;
    const given: readonly PlacedEndpoint[] = spec.workloadSelector
      ? workloadsOf(registry, sibling.object, assumptions)
      : (spec.endpoints ?? []).map((endpoint, index): PlacedEndpoint => ({
          endpoint,
          object: sibling.object,
          at: `spec.endpoints[${index}]`,
        }));
    if (spec.workloadSelector || given.length > 0) {
      for (const { endpoint, object, at } of given) {
        stopAtUnknownField(object, endpoint, 'endpoint', at);
        const { address, network } = endpoint;
        if (!address || !selects(labels, endpoint.labels) || (overEds && isIP(address) === 0)) continue;
        if (network) stopAtNetworkGateway(registry, fieldRef(object, `${at}.network`));
        const to = target(endpoint);
        const tls = automaticTls(registry, sibling, endpoint, at, to);
        endpoints.push({ kind: 'host', host: address, port: to, ...(tls && { tls }) });
        where.push(fieldRef(object, at));
      }
    } else if (!overEds && sibling.resolution !== 'STATIC' && (!labels || Object.keys(labels).length === 0)) {
      endpoints.push({ kind: 'host', host: sibling.host, port: target(undefined) });
      where.push(sibling.object === service.object ? portField : fieldRef(sibling.object, 'spec.ports'));
    }
  }
  const key = (one: Endpoint) => (one.kind === 'host' ? `${one.host}:${one.port} ${one.tls !== undefined}` : one.kind);
  const unique = [...new Map(endpoints.map((endpoint) => [key(endpoint), endpoint])).values()];
  return {
    endpoints: unique,
    where:
      where.length > 0
        ? where
        : [fieldRef(service.object, service.resolution === 'STATIC' ? 'spec.endpoints' : 'spec.resolution')],
  };
}

/** An endpoint, and where it is written. */
interface PlacedEndpoint {
  readonly endpoint: EntryEndpoint;
  readonly object: Indexed;
  readonly at: FieldPath;
}

/** The WorkloadEntries that an entry selects. It selects pods as well, whose addresses no manifest tells. */
function workloadsOf(registry: Registry, entry: IstioObject<'ServiceEntry'>, assumptions: string[]): PlacedEndpoint[] {
  const wanted = entry.spec.workloadSelector?.labels ?? {};
  const { namespace } = entry;
  const where = fieldRef(entry, 'spec.workloadSelector');
  const pods = registry.index.podTemplates.find(
    (object) => object.namespace === namespace && selects(wanted, podTemplateOf(object.manifest)?.metadata?.labels),
  );
  const found = registry.workloadEntries(namespace, entry.spec.workloadSelector?.labels);
  if (pods || found.length === 0)
    throw new Undetermined(
      pods
        ? `ServiceEntry ${namespace}/${entry.name} selects the pods of ${pods.kind} ${namespace}/${pods.name}, whose ` +
            'addresses no manifest tells'
        : `no WorkloadEntry has the labels that ServiceEntry ${namespace}/${entry.name} selects, and pods may have ` +
            'them',
      [where],
    );
  assumptions.push(`no pod of namespace ${namespace} has the labels that ServiceEntry ${entry.name} selects`);
  return found.map((object) => ({ endpoint: object.spec, object, at: 'spec' }));
}

/** Where a gateway connects networks, endpoints of another network are reached through it. */
function stopAtNetworkGateway({ services }: Registry, where: FieldRef): void {
  const gateway = services.find(({ object }) => object.manifest.metadata.labels?.['topology.istio.io/network']);
  if (gateway)
    throw new Undetermined('the model does not know from which network the proxy connects to the endpoint', [
      where,
      fieldRef(gateway.object, 'metadata.labels["topology.istio.io/network"]'),
    ]);
}

const TLS_MODE = 'security.istio.io/tlsMode';

/**
 * The mutual TLS of the mesh that proxies use by themselves, where no DestinationRule gives other settings: towards
 * endpoints of an entry in the mesh that are labelled as having a sidecar, or have a service account and no label.
 */
function automaticTls(
  registry: Registry,
  { object }: { readonly object: IstioObject<'ServiceEntry'> },
  { labels, serviceAccount }: EntryEndpoint,
  field: FieldPath,
  port: number,
): ClientTls | undefined {
  const isLabelled = labels?.[TLS_MODE] !== undefined;
  const hasSidecar = isLabelled ? labels[TLS_MODE] === 'istio' : !!serviceAccount;
  if (isExternal(object) || !hasSidecar || isMutualTlsOff(registry, object.namespace, labels, port)) return undefined;
  return {
    value: { mode: 'ISTIO_MUTUAL' },
    object,
    field: isLabelled ? `${field}.labels` : `${field}.serviceAccount`,
  };
}

/** Whether PeerAuthentications turn mutual TLS off: the oldest of the workload, of its namespace, and of the mesh. */
function isMutualTlsOff(
  { peerAuthentications, rootNamespace }: Registry,
  namespace: string,
  labels: Record<string, string> | undefined,
  port: number,
): boolean {
  const oldest = (where: string, isFor: (wanted: Record<string, string>) => boolean) =>
    peerAuthentications.find((one) => one.namespace === where && isFor(one.spec?.selector?.matchLabels ?? {}))?.spec;
  const isForAll = (wanted: Record<string, string>) => Object.keys(wanted).length === 0;
  const own = oldest(namespace, (wanted) => !isForAll(wanted) && selects(wanted, labels));
  const levels = [
    own?.portLevelMtls?.[port],
    ...[own, oldest(namespace, isForAll), oldest(rootNamespace, isForAll)].map((one) => one?.mtls),
  ];
  return levels.find((one) => one?.mode && one.mode !== 'UNSET')?.mode === 'DISABLE';
}

/**
 * The TLS settings in force: a port's settings replace those of its policy. A subset's TLS counts before the rule's,
 * and settings for a port of the subset replace the rule's even if they have no TLS.
 */
export function tlsOf(
  rule: MergedRule | undefined,
  subset: MergedSubset | undefined,
  port: number,
): ClientTls | undefined {
  if (!rule) return undefined;
  const host = rule.policy && policyFor(rule.policy.object, rule.policy.value, 'spec.trafficPolicy', port);
  const own =
    subset?.value.trafficPolicy &&
    policyFor(subset.object, subset.value.trafficPolicy, `spec.subsets[${subset.index}].trafficPolicy`, port);
  if (subset) stopAtUnknownField(subset.object, subset.value, 'subset', `spec.subsets[${subset.index}]`);
  for (const object of rule.from) stopAtUnknownField(object, object.spec, 'destinationRule');
  const found = own && (own.value.tls || own.isPort) ? own : host;
  if (!found?.value.tls) return undefined;
  stopAtUnknownField(found.object, found.value.tls, 'clientTls', `${found.field}.tls`);
  return { value: found.value.tls, object: found.object, field: `${found.field}.tls` };
}

function policyFor(object: Indexed, policy: TrafficPolicy, field: FieldPath, port: number) {
  stopAtUnknownField(object, policy, 'trafficPolicy', field);
  const settings = policy.portLevelSettings ?? [];
  const index = settings.findIndex((one) => one.port?.number === port);
  if (index < 0) return { object, value: policy, field, isPort: false };
  const own: FieldPath = `${field}.portLevelSettings[${index}]`;
  stopAtUnknownField(object, settings[index], 'trafficPolicy', own);
  return { object, value: settings[index], field: own, isPort: true };
}

/** The tunnel of the subset, else of the rule; settings of a port have none. */
function tunnelOf(rule: MergedRule | undefined, subset: MergedSubset | undefined): { readonly tunnel?: FieldRef } {
  if (subset)
    return subset.value.trafficPolicy?.tunnel
      ? { tunnel: fieldRef(subset.object, `spec.subsets[${subset.index}].trafficPolicy.tunnel`) }
      : {};
  return rule?.policy?.value.tunnel ? { tunnel: fieldRef(rule.policy.object, 'spec.trafficPolicy.tunnel') } : {};
}

/** Where the load balancer PASSTHROUGH is in force: the proxy connects to the address that was dialled. */
function passthroughOf(
  rule: MergedRule | undefined,
  subset: MergedSubset | undefined,
  port: number,
): FieldRef | undefined {
  if (inForce('loadBalancer', rule, subset, port)?.simple !== 'PASSTHROUGH') return undefined;
  return inForce('loadBalancer', undefined, subset, port)
    ? fieldRef(subset!.object, `spec.subsets[${subset!.index}].trafficPolicy`)
    : fieldRef(rule!.policy!.object, 'spec.trafficPolicy');
}

/** The settings of one kind in force: those of a port replace all others of their policy. */
function inForce<Name extends 'connectionPool' | 'loadBalancer'>(
  name: Name,
  rule: MergedRule | undefined,
  subset: MergedSubset | undefined,
  port: number,
): TrafficPolicy[Name] {
  const settings = (policy: TrafficPolicy | undefined) => {
    const own = policy?.portLevelSettings?.find((one) => one.port?.number === port);
    return own ? { found: true, value: own[name] } : { found: policy?.[name] !== undefined, value: policy?.[name] };
  };
  const own = settings(subset?.value.trafficPolicy);
  return (own.found ? own : settings(rule?.policy?.value)).value;
}

export function endpointText(endpoint: Endpoint): string {
  return endpoint.kind === 'host'
    ? `${endpoint.host}:${endpoint.port}`
    : endpoint.kind === 'pod'
      ? `${endpoint.workload.id}:${endpoint.port}`
      : endpoint.kind;
}
