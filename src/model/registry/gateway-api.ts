import { Registry } from './registry';
import { fullHost } from '../../istio/hosts';
import { serviceHost, serviceOfHost } from '../../istio/service-names';
import { Indexed } from '../../manifests/indexed';
import { selects } from '../../manifests/selectors';

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
const NAME_OVERRIDE = 'gateway.istio.io/name-override';

/** The routes that may be bound to a Gateway, a Service or a ServiceEntry. */
const HTTP_ROUTES = ['HTTPRoute', 'GRPCRoute'];
const ROUTES = [...HTTP_ROUTES, 'TLSRoute', 'TCPRoute', 'UDPRoute'];
/** What changes how a Service is called. */
const POLICIES = ['BackendTLSPolicy', 'XBackendTrafficPolicy', 'BackendTrafficPolicy'];
/** What only permits or describes. */
const HARMLESS = ['GatewayClass', 'ReferenceGrant', 'XBackend', 'XMesh'];

/** Whether it is an object of the Gateway API. */
export function isGatewayApi({ manifest }: Indexed): boolean {
  return /^gateway\.networking\.(x-)?k8s\.io\//.test(String(manifest.apiVersion));
}

/**
 * Whether an object of the Gateway API may change what a proxy does with a request. Most serve an ingress: a Gateway
 * has pods of its own, and what is bound to it matters nowhere else.
 */
export function reaches(registry: Registry, object: Indexed, place: ProxyPlace): boolean {
  const { kind, spec, namespace } = object;
  if (HARMLESS.includes(kind)) return false;
  if (kind === 'Gateway') return place.role === 'gateway' ? isServedBy(registry, object, place) : isWaypoint(object);
  if (ROUTES.includes(kind)) {
    // Without a parent it is bound to nothing.
    return (spec.parentRefs ?? []).some((parent: any) => isBoundHere(registry, kind, parent, namespace, place));
  }
  if (POLICIES.includes(kind)) {
    return (spec.targetRefs ?? []).some(
      ({ kind: target, name }: any) => target !== 'Service' || hasGatewayPods(registry, name, namespace),
    );
  }
  if (kind === 'ListenerSet' || kind === 'XListenerSet')
    return place.role === 'gateway' && isParentHere(registry, spec.parentRef ?? {}, namespace, place);
  return true;
}

/** The Gateway of the Gateway API whose pods istiod itself creates, with a Service of this name. */
export function managedGatewayOf(registry: Registry, host: string): Indexed | undefined {
  return gatewaysOf(registry).find((gateway) => servicesOf(registry, gateway).includes(host));
}

function gatewaysOf(registry: Registry): Indexed[] {
  return registry.index.kinds.flatMap((bucket) =>
    bucket[0]?.kind === 'Gateway' && isGatewayApi(bucket[0]) ? bucket : [],
  );
}

/** A waypoint is met on the way to the Services that use it, not at an address of its own. */
function isWaypoint({ spec }: Indexed): boolean {
  return /waypoint/.test(String(spec.gatewayClassName));
}

/** The Services of a Gateway: one of its own, or the ones that its addresses name. */
function servicesOf({ clusterDomain }: Registry, { manifest, spec, name, namespace }: Indexed): string[] {
  const hostnames: string[] = (spec.addresses ?? [])
    .filter(({ type }: any) => type === undefined || type === 'Hostname')
    .map(({ value }: any) => fullHost(String(value), { namespace, clusterDomain }));
  const own = manifest.metadata.annotations?.[NAME_OVERRIDE] ?? `${name}-${spec.gatewayClassName}`;
  return hostnames.length > 0 ? hostnames : [own, name].map((one) => serviceHost(one, namespace, clusterDomain));
}

function isServedBy(registry: Registry, gateway: Indexed, place: ProxyPlace): boolean {
  if (isWaypoint(gateway)) return true;
  if (gateway.namespace === place.namespace && place.labels[GATEWAY_NAME] === gateway.name) return true;
  return servicesOf(registry, gateway).some((host) => {
    const service = serviceOfHost(host, registry.clusterDomain);
    if (service?.namespace !== place.namespace) return false;
    const known = registry.serviceIn(host, service.namespace);
    // The pods of an unknown Service that a Gateway names may be these.
    return known ? selects(known.object.spec.selector, place.labels) : gateway.spec.addresses?.length > 0;
  });
}

function isParentHere(registry: Registry, { name, namespace }: any, ownNamespace: string, place: ProxyPlace): boolean {
  const gateway = gatewaysOf(registry).find(
    (one) => one.name === name && one.namespace === (namespace ?? ownNamespace),
  );
  return gateway !== undefined && isServedBy(registry, gateway, place);
}

function isBoundHere(
  registry: Registry,
  routeKind: string,
  parent: any,
  ownNamespace: string,
  place: ProxyPlace,
): boolean {
  const kind: string = parent.kind ?? 'Gateway';
  if (kind === 'Gateway') return place.role === 'gateway' && isParentHere(registry, parent, ownNamespace, place);
  // Gateways follow what is bound to them, sidecars what is bound to the host.
  if (place.role === 'gateway') return false;
  const namespace: string = parent.namespace ?? ownNamespace;
  if (kind === 'Service') {
    const host = serviceHost(parent.name, namespace, registry.clusterDomain);
    return (place.hosts ?? []).some((asked) => asked === host || host.startsWith(`${asked}.`));
  }
  if (kind !== 'ServiceEntry' || !HTTP_ROUTES.includes(routeKind)) return kind !== 'Gateway';
  const entry = registry.index
    .ofKind('ServiceEntry')
    .find((one) => one.name === parent.name && one.namespace === namespace);
  return ((entry?.spec.hosts ?? []) as string[]).some((host) =>
    (place.hosts ?? []).some((asked) => asked === host || (host.startsWith('*') && asked.endsWith(host.slice(1)))),
  );
}

function hasGatewayPods(registry: Registry, name: string, namespace: string): boolean {
  const service = registry.serviceIn(serviceHost(name, namespace, registry.clusterDomain), namespace);
  if (!service) return false;
  return registry.workloads.some(
    (workload) => workload.namespace === namespace && selects(service.object.spec.selector, workload.labels),
  );
}
