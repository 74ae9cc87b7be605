import { Registry } from './registry';
import { Service } from '../objects/service';
import { fullHost } from '../../istio/hosts';
import { serviceHost, serviceOfHost } from '../../istio/service-names';
import { Indexed } from '../../manifests/indexed';
import { selects } from '../../manifests/selectors';
import { ServiceSpec } from '../../manifests/specs';
import { valueIn } from '../../values/grouping';

/** A proxy, and the names of the request that arrives there. */
export interface ProxyPlace {
  readonly role: 'sidecar' | 'gateway';
  readonly namespace: string;
  readonly labels: Record<string, string>;
  /** The names for which the application asks. @default - none: a gateway has no routes of the mesh */
  readonly hosts?: readonly string[];
}

/** The label that the pods of a Gateway of the Gateway API carry. */
const GATEWAY_NAME = 'gateway.networking.k8s.io/gateway-name';
/** The label by which gateways send what is for a Service, or for all of a Namespace, to its waypoint. */
const USE_WAYPOINT = 'istio.io/ingress-use-waypoint';
const NAME_OVERRIDE = 'gateway.istio.io/name-override';

/** The routes that may be bound to a Gateway, a Service or a ServiceEntry. */
const HTTP_ROUTES = ['HTTPRoute', 'GRPCRoute'];
const ROUTES = [...HTTP_ROUTES, 'TLSRoute', 'TCPRoute', 'UDPRoute'];
/** What changes how a Service is called. */
const POLICIES = ['BackendTLSPolicy', 'XBackendTrafficPolicy', 'BackendTrafficPolicy'];
/** What only permits or describes. */
const HARMLESS = ['GatewayClass', 'ReferenceGrant', 'XBackend', 'XMesh'];

/** What is read of the kinds of the Gateway API. */
interface Spec {
  readonly gatewayClassName?: string;
  readonly addresses?: readonly { readonly type?: string; readonly value?: string }[];
  readonly parentRef?: ParentRef;
  readonly parentRefs?: readonly ParentRef[];
  readonly targetRefs?: readonly { readonly kind?: string; readonly name?: string }[];
}

interface ParentRef {
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

export type GatewayApiObject = Indexed<Spec>;

/** Whether it is an object of the Gateway API. */
export function isGatewayApi(object: Indexed): object is GatewayApiObject {
  return /^gateway\.networking\.(x-)?k8s\.io\//.test(String(object.manifest.apiVersion));
}

/**
 * Whether an object of the Gateway API may change what a proxy does with a request. Most serve an ingress: a Gateway
 * has pods of its own, and what is bound to it matters nowhere else.
 */
export function reaches(registry: Registry, object: GatewayApiObject, place: ProxyPlace): boolean {
  const { kind, spec, namespace } = object;
  if (HARMLESS.includes(kind)) return false;
  if (kind === 'Gateway') return place.role === 'gateway' && isServedBy(registry, object, place);
  if (ROUTES.includes(kind)) {
    // Without a parent it is bound to nothing.
    return (spec.parentRefs ?? []).some((parent) => isBoundHere(registry, kind, parent, namespace, place));
  }
  if (POLICIES.includes(kind)) {
    return (spec.targetRefs ?? []).some(
      ({ kind: target, name = '' }) => target !== 'Service' || hasGatewayPods(registry, name, namespace),
    );
  }
  if (kind === 'ListenerSet' || kind === 'XListenerSet')
    return place.role === 'gateway' && isParentHere(registry, spec.parentRef ?? {}, namespace, place);
  return true;
}

/** The Gateway of the Gateway API whose pods istiod itself creates, with a Service of this name. */
export function managedGatewayOf(registry: Registry, host: string): GatewayApiObject | undefined {
  return gatewaysOf(registry).find((gateway) => servicesOf(registry, gateway).includes(host));
}

function gatewaysOf(registry: Registry): GatewayApiObject[] {
  return registry.index.kinds.flatMap((bucket) => (bucket[0]?.kind === 'Gateway' ? bucket.filter(isGatewayApi) : []));
}

/**
 * A waypoint is met on the way to the Services that use it, not at an address of its own. Sidecars meet none, and gateways
 * only where it is asked for.
 */
function isWaypoint({ spec }: GatewayApiObject): boolean {
  return /waypoint/.test(String(spec.gatewayClassName));
}

const waypointAskedFor = new WeakMap<Registry, boolean>();

function isWaypointAskedFor(registry: Registry): boolean {
  return valueIn(waypointAskedFor, registry, ({ index }) =>
    [index.ofKind('ServiceEntry'), index.services, index.inGroup('', 'Namespace')].some((asking) =>
      asking.some(({ manifest }) => manifest.metadata.labels?.[USE_WAYPOINT] !== undefined),
    ),
  );
}

/** The Services of a Gateway: one of its own, or the ones that its addresses name. */
function servicesOf({ clusterDomain }: Registry, { manifest, spec, name, namespace }: GatewayApiObject): string[] {
  const hostnames = (spec.addresses ?? [])
    .filter(({ type }) => type === undefined || type === 'Hostname')
    .map(({ value }) => fullHost(String(value), { namespace, clusterDomain }));
  const own = manifest.metadata.annotations?.[NAME_OVERRIDE] ?? `${name}-${spec.gatewayClassName}`;
  return hostnames.length > 0 ? hostnames : [own, name].map((one) => serviceHost(one, namespace, clusterDomain));
}

function isServedBy(registry: Registry, gateway: GatewayApiObject, place: ProxyPlace): boolean {
  if (isWaypoint(gateway)) return isWaypointAskedFor(registry);
  if (gateway.namespace === place.namespace && place.labels[GATEWAY_NAME] === gateway.name) return true;
  return servicesOf(registry, gateway).some((host) => {
    const service = serviceOfHost(host, registry.clusterDomain);
    if (service?.namespace !== place.namespace) return false;
    const known = registry.serviceIn(host, service.namespace);
    // The pods of an unknown Service that a Gateway names may be these.
    return known ? selects(selectorOf(known), place.labels) : !!gateway.spec.addresses?.length;
  });
}

function isParentHere(
  registry: Registry,
  { name, namespace }: ParentRef,
  ownNamespace: string,
  place: ProxyPlace,
): boolean {
  const gateway = gatewaysOf(registry).find(
    (one) => one.name === name && one.namespace === (namespace ?? ownNamespace),
  );
  return gateway !== undefined && isServedBy(registry, gateway, place);
}

function isBoundHere(
  registry: Registry,
  routeKind: string,
  parent: ParentRef,
  ownNamespace: string,
  place: ProxyPlace,
): boolean {
  const { kind = 'Gateway', name = '', namespace = ownNamespace } = parent;
  if (kind === 'Gateway') return place.role === 'gateway' && isParentHere(registry, parent, ownNamespace, place);
  // Gateways follow what is bound to them, sidecars what is bound to the host.
  if (place.role === 'gateway') return false;
  if (kind === 'Service') {
    const host = serviceHost(name, namespace, registry.clusterDomain);
    return (place.hosts ?? []).some((asked) => asked === host || host.startsWith(`${asked}.`));
  }
  if (kind !== 'ServiceEntry' || !HTTP_ROUTES.includes(routeKind)) return kind !== 'Gateway';
  const entry = registry.index.ofKind('ServiceEntry').find((one) => one.name === name && one.namespace === namespace);
  return (entry?.spec.hosts ?? []).some((host) =>
    (place.hosts ?? []).some((asked) => asked === host || (host.startsWith('*') && asked.endsWith(host.slice(1)))),
  );
}

/** An entry has none, and then selects everything. */
function selectorOf(service: Service): ServiceSpec['selector'] {
  return service.kubernetes ? service.object.spec.selector : undefined;
}

function hasGatewayPods(registry: Registry, name: string, namespace: string): boolean {
  const service = registry.serviceIn(serviceHost(name, namespace, registry.clusterDomain), namespace);
  if (!service) return false;
  return registry.workloads.some(
    (workload) => workload.namespace === namespace && selects(selectorOf(service), workload.labels),
  );
}
