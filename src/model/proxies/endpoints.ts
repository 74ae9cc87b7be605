import { isIP } from 'net';
import { automaticTls, ClientTls } from './client-tls';
import { FieldRef } from '../answer/answer';
import { fieldRef } from '../answer/field-ref';
import { GatewayWorkload, podPort } from '../objects/gateways/workload';
import { stopAtUnknownField } from '../answer/known-fields';
import { Registry } from '../registry/registry';
import { portOf, Scope } from '../registry/scope';
import { KubernetesService, Service, ServicePort } from '../objects/service';
import { labelsOf } from '../requests/request';
import { Undetermined } from '../answer/undetermined';
import { World } from '../objects/world';
import { podTemplateOf } from '../../istio/pod-templates';
import { portNamed, WrittenEndpoints } from '../../manifests/endpoints';
import { givesEndpoints } from '../../manifests/entries';
import { FieldPath } from '../../manifests/field-path';
import { Indexed, IstioObject } from '../../manifests/indexed';
import { selects } from '../../manifests/selectors';
import { EntryEndpoint } from '../../manifests/specs';

/** Where a proxy connects to. */
export type Endpoint =
  | { readonly kind: 'pod'; readonly workload: GatewayWorkload; readonly port: number }
  /** A name that the proxy resolves, or an address. */
  | { readonly kind: 'host'; readonly host: string; readonly port: number; readonly tls?: ClientTls }
  /** The address that the application dialled. */
  | { readonly kind: 'original'; readonly port?: number }
  /** The name that the request itself gives: its authority or server name. */
  | { readonly kind: 'asked'; readonly port: number };

export function endpointText(endpoint: Endpoint): string {
  return endpoint.kind === 'host'
    ? `${endpoint.host}:${endpoint.port}`
    : endpoint.kind === 'pod'
      ? `${endpoint.workload.id}:${endpoint.port}`
      : endpoint.kind;
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
  if (!selector) return writtenEndpoints(registry, service, port, labels);
  const pods = registry.workloads.filter(
    (workload) =>
      workload.namespace === service.namespace &&
      selects(selector, workload.labels) &&
      isInSubset(labels, workload.labels, field),
  );
  const entry = registry.workloadEntries(service.namespace, selector).at(0)?.object;
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
  // Nothing keeps anybody from writing more of them.
  const slices = registry.index
    .endpointsOf(service.namespace, service.object.name)
    .filter(({ object, addresses }) => object.kind === 'EndpointSlice' && addresses.length > 0);
  const more = addressesIn(slices, service, port, labels);
  return {
    endpoints: [...endpoints, ...more],
    where: [field, ...(more.length > 0 ? slices.map(({ object }) => fieldRef(object)) : [])],
    assumptions,
  };
}

/** Labels that istiod gives endpoints, by where they are. */
const OF_PLACES = /^topology\.(kubernetes|istio)\.io\/|^kubernetes\.io\/hostname$/;

/** Whether an endpoint with these labels is in a subset. */
function isInSubset(
  wanted: Record<string, string> | undefined,
  labels: Record<string, string> | undefined,
  where: FieldRef,
): boolean {
  const place = Object.keys(wanted ?? {}).find((name) => OF_PLACES.test(name));
  if (place === undefined) return selects(wanted, labels);
  const others = Object.fromEntries(Object.entries(wanted!).filter(([name]) => !OF_PLACES.test(name)));
  if (!selects(others, labels)) return false;
  throw new Undetermined(`a subset asks for the label ${place}, which istiod gives endpoints by where they are`, [
    where,
  ]);
}

/** The endpoints of a Service without a selector, which somebody writes by hand. */
function writtenEndpoints(
  registry: Registry,
  service: KubernetesService,
  port: ServicePort,
  labels: Record<string, string> | undefined,
) {
  const { namespace, object } = service;
  stopAtUnwrittenEndpoints(registry, service);
  const written = registry.index.endpointsOf(namespace, object.name);
  const endpoints = addressesIn(written, service, port, labels);
  const where = written.length > 0 ? written.map((one) => fieldRef(one.object)) : [fieldRef(object, 'spec.selector')];
  return { endpoints, where, assumptions: [] as string[] };
}

/** The endpoints that are written for a port of a Service. They have no labels, and are on no node. */
function addressesIn(
  written: readonly WrittenEndpoints[],
  { object }: KubernetesService,
  port: ServicePort,
  labels: Record<string, string> | undefined,
): Endpoint[] {
  const isLocal = object.spec.internalTrafficPolicy === 'Local';
  return written.flatMap(({ object: slice, addresses, ports }) => {
    const to = portNamed(ports, port.name)?.port;
    if (!to || isLocal || addresses.length === 0 || !isInSubset(labels, {}, fieldRef(slice))) return [];
    return addresses.map((host): Endpoint => ({ kind: 'host', host, port: to }));
  });
}

/** Where a table does not describe everything, somebody may have written endpoints of a Service without a selector. */
export function stopAtUnwrittenEndpoints({ index, world }: Registry, { namespace, object }: Service): void {
  const written = index.endpointsOf(namespace, object.name);
  const pods = written.find(({ listsPods }) => listsPods);
  if (pods)
    throw new Undetermined(
      `the endpoints of Service ${namespace}/${object.name} are pods, which the model does not follow`,
      [fieldRef(pods.object)],
    );
  if (world.gateways || written.length > 0) return;
  throw new Undetermined(
    `Service ${namespace}/${object.name} has no selector, and its endpoints are not among the manifests: add its ` +
      'EndpointSlice',
    [fieldRef(object, 'spec.selector')],
  );
}

/** At a gateway, connections have no original destination other than the gateway itself. */
export function originalAddress({ isGateway }: Scope, port?: number): Endpoint[] {
  return isGateway ? [] : [{ kind: 'original', port }];
}

export function endpointsOf(
  registry: Registry,
  scope: Scope,
  service: Service,
  port: ServicePort,
  labels?: Record<string, string>,
) {
  // A sidecar sends what is for a headless Service to whatever address was dialled.
  if (service.kubernetes && service.resolution === 'NONE' && !scope.isGateway)
    return { endpoints: originalAddress(scope), where: [fieldRef(service.object, 'spec.clusterIP')], assumptions: [] };
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
  if (service.kubernetes) return podsBehind(registry, service, port, labels);
  const assumptions: string[] = [];
  const portIndex = (service.object.spec.ports ?? []).findIndex((one) => one.number === port.number);
  const portField = fieldRef(service.object, portIndex < 0 ? 'spec.ports' : `spec.ports[${portIndex}]`);
  switch (service.resolution) {
    case 'NONE':
      // Gateways have clusters over EDS instead.
      if (scope.isGateway)
        return { assumptions, ...entryEndpoints(registry, service, port, portField, assumptions, labels) };
      return {
        endpoints: originalAddress(scope, port.targetPort as number | undefined),
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
 * are dropped. One with DNS_ROUND_ROBIN adds no endpoint to a port that has some of an older entry.
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
  const overEds = service.resolution === 'STATIC' || service.resolution === 'NONE';
  const taken = new Set<number>();
  for (const sibling of registry.siblings(service)) {
    if (
      seen.has(sibling.object) ||
      sibling.kubernetes ||
      (sibling.resolution === 'NONE' && !sibling.object.spec.workloadSelector) ||
      sibling.resolution === 'DYNAMIC_DNS'
    )
      continue;
    seen.add(sibling.object);
    const { spec } = sibling.object;
    const own = sibling.ports.find((one) => (overEds ? one.name === port.name : one.number === port.number));
    const isTaken = sibling.resolution === 'DNS_ROUND_ROBIN' && own !== undefined && taken.has(own.number);
    const given: readonly PlacedEndpoint[] = spec.workloadSelector
      ? workloadsOf(registry, sibling.object, own ? assumptions : [])
      : (spec.endpoints ?? []).map((endpoint, index): PlacedEndpoint => ({
          endpoint,
          object: sibling.object,
          at: `spec.endpoints[${index}]`,
        }));
    // Whatever the ports are called: istiod remembers their numbers.
    if (given.length > 0 || sibling.resolution !== 'STATIC') for (const { number } of sibling.ports) taken.add(number);
    if (!own || isTaken) continue;
    const target = (one: EntryEndpoint | undefined): number =>
      one?.ports?.[own.name] ?? (own.targetPort as number | undefined) ?? own.number;
    if (spec.workloadSelector || given.length > 0) {
      for (const { endpoint, object, at } of given) {
        stopAtUnknownField(object, endpoint, 'endpoint', at);
        const { address, network } = endpoint;
        if (!address || !isInSubset(labels, endpoint.labels, fieldRef(object, at))) continue;
        if (address.startsWith('unix:'))
          throw new Undetermined('the model does not know what listens at a socket', [
            fieldRef(object, `${at}.address`),
          ]);
        if (overEds && isIP(address) === 0) continue;
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
  if (service.resolution === 'DNS_ROUND_ROBIN' && endpoints.length > 1)
    throw new Undetermined(
      `${service.host} has resolution DNS_ROUND_ROBIN, with which Envoy takes one endpoint, and its entries give it ` +
        `${endpoints.length}: Envoy rejects the cluster and keeps the one that it had before`,
      where,
    );
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
  if (!pods && found.length === 0 && listsNoPod(registry.world, namespace, wanted)) return [];
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
  return found.map((one) => ({ ...one, at: 'spec' }));
}

/** Whether the world lists all pods, and none of the namespace has these labels. Injection gives pods some of Istio's own. */
function listsNoPod({ workloads, gateways }: World, namespace: string, wanted: Record<string, string>): boolean {
  if (!workloads || !gateways || Object.keys(wanted).some((label) => label.includes('istio.io/'))) return false;
  const labelled = workloads.map((caller) => ({ ...caller, labels: labelsOf(caller) }));
  return ![...labelled, ...gateways].some((pod) => pod.namespace === namespace && selects(wanted, pod.labels));
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
