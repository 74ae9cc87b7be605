import { ServiceAddress } from '../objects/addresses';
import { FieldRef } from '../answer/answer';
import { fieldRef, meshFieldRef } from '../answer/field-ref';
import { mostSpecific, hostsOverlap } from '../objects/host-names';
import { Registry } from './registry';
import { Service, ServicePort } from '../objects/service';
import { Undetermined } from '../answer/undetermined';
import { Destination } from '../routes/destination';
import { destinationsOf, Routes } from '../routes/route';
import { namesServices } from '../../manifests/sidecar-imports';
import { ProxyIdentity } from '../objects/proxy';
import { covers, isWildcard } from '../../istio/hosts';
import { modeOf } from '../../istio/outbound-traffic-policy';
import { isAtLeast } from '../../istio/release-lines';
import { DEFAULT_CLUSTER_DOMAIN } from '../../istio/service-names';
import { upper } from '../../istio/protocols';
import { Indexed } from '../../manifests/indexed';
import { selects } from '../../manifests/selectors';
import { IstioSpecs, ItemOf } from '../../manifests/specs';
import { valueIn } from '../../values/grouping';

/** What one egress listener of a Sidecar imports. Without a Sidecar there is one listener that imports everything. */
export interface EgressListener {
  /** The only port that the listener is for. */
  readonly port?: { readonly number: number; readonly protocol: string; readonly name: string };
  readonly bind?: string;
  /** Whether applications must connect to it themselves, because it captures nothing. */
  readonly isExplicit: boolean;
  /** Its index in the Sidecar. */
  readonly index?: number;
  readonly services: readonly Service[];
  readonly routes: readonly Routes[];
  /** The routes with the most specific host, by host of a service. */
  readonly routesByHost: ReadonlyMap<string, Routes>;
}

/** Everything that is visible to a proxy. */
export interface Scope {
  readonly proxy: ProxyIdentity;
  readonly isGateway: boolean;
  readonly sidecar?: Indexed<IstioSpecs['Sidecar']>;
  readonly listeners: readonly EgressListener[];
  /** One service per host; clusters are made from them. */
  readonly services: ReadonlyMap<string, Service>;
  readonly allowsAny: boolean;
  /** Why it is unknown what becomes of undeclared traffic. */
  readonly unknownPolicy?: Undetermined;
  /** Where undeclared traffic goes, if not where the application sends it. */
  readonly egressProxy?: Destination;
  readonly policy: FieldRef;
}

type SidecarEgress = ItemOf<IstioSpecs['Sidecar']['egress']>;

const EVERYTHING: readonly SidecarEgress[] = [{ hosts: ['*/*'] }];

interface Imports {
  readonly exact: Set<string>;
  readonly all: string[];
  readonly excluded: string[];
}

/** The scope of a sidecar: what its Sidecar resource imports of everything exported to its namespace. */
export function sidecarScope(registry: Registry, proxy: ProxyIdentity): Scope {
  const sidecar = sidecarFor(registry, proxy);
  const listeners = (sidecar?.spec.egress?.length ? sidecar.spec.egress : EVERYTHING).map((listener, index) =>
    egressListener(registry, proxy.namespace, listener, sidecar && index),
  );
  const services = new Map<string, Service>();
  for (const listener of listeners) {
    for (const service of listener.services) addService(services, service);
    for (const routes of listener.routes) addDestinationServices(registry, proxy.namespace, listener, routes, services);
  }
  const meshPolicy: string = registry.world.mesh?.outboundTrafficPolicy ?? 'ALLOW_ANY';
  const own = sidecar?.spec.outboundTrafficPolicy;
  const policy = modeOf(own) ?? meshPolicy;
  const said = own ? fieldRef(sidecar!, 'spec.outboundTrafficPolicy.mode') : meshFieldRef('outboundTrafficPolicy.mode');
  const isKnown = policy === 'ALLOW_ANY' || policy === 'REGISTRY_ONLY';
  return {
    proxy,
    isGateway: false,
    sidecar,
    listeners,
    services,
    allowsAny: policy === 'ALLOW_ANY',
    policy: said,
    ...(!isKnown && {
      unknownPolicy: new Undetermined(`the model does not know the outbound traffic policy ${policy}`, [said]),
    }),
    ...(own?.egressProxy && { egressProxy: egressProxyOf(sidecar!, own.egressProxy) }),
  };
}

type EgressProxy = NonNullable<NonNullable<IstioSpecs['Sidecar']['outboundTrafficPolicy']>['egressProxy']>;

/** The cluster for undeclared traffic. Its host is meant as it is written. */
function egressProxyOf(sidecar: Indexed, { host = '', port, subset }: EgressProxy): Destination {
  const where = fieldRef(sidecar, 'spec.outboundTrafficPolicy.egressProxy');
  return { host, port: port?.number ?? 0, subset, weight: 100, decidedBy: [where], subsetWhere: where };
}

/** The scope of a gateway: everything exported to its namespace. Sidecars do not apply; no namespace is preferred. */
export function gatewayScope(registry: Registry, proxy: ProxyIdentity): Scope {
  const services = new Map<string, Service>();
  for (const service of registry.servicesSeenFrom(proxy.namespace)) addService(services, service);
  return {
    proxy,
    isGateway: true,
    listeners: [],
    services,
    allowsAny: false,
    policy: meshFieldRef('outboundTrafficPolicy.mode'),
  };
}

/** The address of a service as a proxy sees it. */
export function addressFor(service: Service, proxy: Pick<ProxyIdentity, 'dnsCapture'>): ServiceAddress {
  return service.address.kind === 'any' && proxy.dnsCapture && service.canHaveAddress
    ? { kind: 'allocated', namespace: service.namespace, entry: service.object.name, host: service.host }
    : service.address;
}

/** The Sidecar in force: one that selects the workload, else the namespace's default, else the root namespace's. */
function sidecarFor({ sidecars, rootNamespace }: Registry, { namespace, labels }: ProxyIdentity): Scope['sidecar'] {
  const own = sidecars.filter((sidecar) => sidecar.namespace === namespace);
  return (
    own.find(({ spec }) => spec.workloadSelector && selects(spec.workloadSelector.labels, labels)) ??
    own.find(({ spec }) => !spec.workloadSelector) ??
    sidecars.find((sidecar) => sidecar.namespace === rootNamespace && !sidecar.spec.workloadSelector)
  );
}

function egressListener(
  registry: Registry,
  namespace: string,
  listener: SidecarEgress,
  index?: number,
): EgressListener {
  const hosts = listener.hosts ?? [];
  const isNewer = isAtLeast(31, registry.world.istioVersion);
  // Before Istio 1.31, "~" was a namespace without anything in it.
  const read = isNewer ? hosts : hosts.filter((host) => !host.startsWith('~'));
  const imports = importsOf(read, namespace);
  const { number, protocol, name = '' } = listener.port ?? {};
  const port = number === undefined ? undefined : { number, protocol: upper(protocol), name };
  const everything =
    imports.size === 1 &&
    imports.get('*')?.all.length === 1 &&
    imports.get('*')!.all[0] === '*' &&
    imports.get('*')!.excluded.length === 0;
  const routes = [...new Set(registry.routesSeenFrom(namespace, 'mesh'))].filter(
    (one) => everything || importsRoutes(imports, one),
  );
  const seen = registry.servicesSeenFrom(namespace);
  const services = oneNamespacePerHost(
    (isNewer && namesServices(hosts) ? registry.oneForEachHost(seen) : seen).flatMap((service) => {
      if (!everything && !importsService(imports, service)) return [];
      const trimmed = port && port.protocol !== 'HTTP_PROXY' ? withPort(service, port.number) : service;
      return trimmed ? [trimmed] : [];
    }),
    namespace,
  );
  return {
    port,
    bind: listener.bind || undefined,
    isExplicit: listener.captureMode === 'NONE' || port?.protocol === 'HTTP_PROXY',
    index,
    services,
    routes,
    routesByHost: mostSpecificByHost(routes, services),
  };
}

function importsOf(hosts: readonly string[], own: string): Map<string, Imports> {
  const found = new Map<string, Imports>();
  for (const host of hosts) {
    const slash = host.indexOf('/');
    if (slash < 0) continue;
    let namespace = host.slice(0, slash);
    const name = host.slice(slash + 1);
    const isExcluded = namespace.startsWith('~');
    if (isExcluded) namespace = namespace.slice(1) || '*';
    if (namespace === '.') namespace = own;
    const imports = valueIn(found, namespace, () => ({ exact: new Set<string>(), all: [], excluded: [] }));
    if (isExcluded) {
      imports.excluded.push(name);
    } else {
      if (!isWildcard(name)) imports.exact.add(name);
      imports.all.push(name);
    }
  }
  return found;
}

function importsService(imports: ReadonlyMap<string, Imports>, { host, namespace }: Service): boolean {
  const places = [imports.get(namespace), imports.get('*')];
  if (places.some((place) => place?.excluded.some((pattern) => covers(pattern, host)))) return false;
  return places.some(
    (place) =>
      place !== undefined &&
      (place.exact.has(host) ||
        place.all.some((pattern) => (isWildcard(host) || isWildcard(pattern)) && covers(pattern, host))),
  );
}

function importsRoutes(imports: ReadonlyMap<string, Imports>, { hosts, object }: Routes): boolean {
  const places = [imports.get(object.namespace), imports.get('*')];
  return hosts.some(
    (host) =>
      !places.some((place) => place?.excluded.some((pattern) => covers(pattern, host))) &&
      places.some(
        (place) =>
          place !== undefined &&
          (place.exact.has(host) ||
            place.all.some((pattern) => (isWildcard(host) || isWildcard(pattern)) && hostsOverlap(host, pattern))),
      ),
  );
}

/** Of a host declared in several namespaces, the proxy's own counts, else a Kubernetes Service, else the first. */
function oneNamespacePerHost(services: readonly Service[], own: string): Service[] {
  const chosen = new Map<string, { namespace: string; kubernetes: boolean }>();
  for (const { host, namespace, kubernetes } of services) {
    const existing = chosen.get(host);
    if (!existing || namespace === own || (!existing.kubernetes && kubernetes && existing.namespace !== own)) {
      chosen.set(host, { namespace, kubernetes });
    }
  }
  return services.filter((service) => chosen.get(service.host)!.namespace === service.namespace);
}

function mostSpecificByHost(routes: readonly Routes[], services: readonly Service[]): Map<string, Routes> {
  const exact = new Map<string, Routes>();
  const wildcards = new Map<string, Routes>();
  for (const one of routes) {
    for (const host of one.hosts) {
      const map = isWildcard(host) ? wildcards : exact;
      if (!map.has(host)) map.set(host, one);
    }
  }
  const found = new Map<string, Routes>();
  for (const { host } of services) {
    const own = mostSpecific(host, exact, wildcards);
    if (own) found.set(host, own);
  }
  return found;
}

/** A proxy knows the destinations of its routes, whatever its Sidecar imports. */
function addDestinationServices(
  registry: Registry,
  namespace: string,
  { port }: EgressListener,
  routes: Routes,
  services: Map<string, Service>,
): void {
  for (const [host, ports] of destinationsOf(routes, namespace)) {
    const byNamespace = registry.servicesByNamespace(host);
    if (!byNamespace) continue;
    const service = byNamespace.get(namespace) ?? bestVisible([...byNamespace.values()], namespace);
    if (!service) continue;
    const fitting = port && port.protocol !== 'HTTP_PROXY' ? withPort(service, port.number) : withPorts(service, ports);
    if (fitting) addService(services, fitting);
  }
}

function bestVisible(services: readonly Service[], namespace: string): Service | undefined {
  const visible = services.filter(({ exportTo }) => exportTo.includes('*') || exportTo.includes(namespace));
  return (
    visible.find(({ kubernetes }) => kubernetes) ??
    visible.reduce<Service | undefined>(
      (oldest, one) => (oldest === undefined || one.created < oldest.created ? one : oldest),
      undefined,
    )
  );
}

function withPort(service: Service, number: number): Service | undefined {
  const port = service.ports.find((one) => one.number === number);
  return port && (service.ports.length === 1 ? service : { ...service, ports: [port] });
}

function withPorts(service: Service, numbers: ReadonlySet<number>): Service | undefined {
  if (numbers.has(0)) return service;
  const ports = service.ports.filter(({ number }) => numbers.has(number));
  return ports.length === service.ports.length ? service : ports.length === 0 ? undefined : { ...service, ports };
}

/** Adds a service, or merges its ports into the service that the host already has. */
function addService(services: Map<string, Service>, service: Service): void {
  const existing = services.get(service.host);
  if (!existing || (!existing.kubernetes && service.kubernetes)) {
    services.set(service.host, service);
  } else if (existing !== service && !(existing.kubernetes && !service.kubernetes) && canMerge(existing, service)) {
    const added = service.ports.filter((port) => !existing.ports.some(({ number }) => number === port.number));
    if (added.length > 0) services.set(service.host, { ...existing, ports: [...existing.ports, ...added] });
  }
}

function canMerge(a: Service, b: Service): boolean {
  return (
    a.namespace === b.namespace &&
    a.resolution === b.resolution &&
    a.kubernetes === b.kubernetes &&
    sameSet(a.writtenExportTo, b.writtenExportTo) &&
    haveSameLabels(a.object, b.object) &&
    isSameRecord(selectorOf(a), selectorOf(b))
  );
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item));
}

function haveSameLabels(a: Indexed, b: Indexed): boolean {
  return a === b || isSameRecord(a.manifest.metadata.labels, b.manifest.metadata.labels);
}

/** The labels by which an entry selects workloads. */
function selectorOf(service: Service) {
  return service.kubernetes ? undefined : service.object.spec.workloadSelector?.labels;
}

function isSameRecord(a: Readonly<Record<string, string>> = {}, b: Readonly<Record<string, string>> = {}): boolean {
  const text = (record: Readonly<Record<string, string>>) => JSON.stringify(Object.entries(record).sort());
  return text(a) === text(b);
}

/** All names by which a proxy knows the Services that stand for a host. */
export function aliasNames({ aliases = [], object }: Service, { proxy }: Scope): string[] {
  return aliases.flatMap((alias) => [alias, ...shortNames(alias, proxy.namespace, object.clusterDomain)]);
}

/** The short names of what has the name of a Service, or one below it, as the proxies of a namespace know it. */
export function shortNames(host: string, viewer: string, clusterDomain = DEFAULT_CLUSTER_DOMAIN): string[] {
  if (!host.endsWith(`.svc.${clusterDomain}`)) return [];
  const [short] = host.split('.svc.', 1);
  const dot = short.indexOf('.');
  if (dot < 0) return [];
  return [short, `${short}.svc`, ...(short.slice(dot + 1) === viewer ? [short.slice(0, dot)] : [])];
}

/** A service's port with the given number, beside which a Kubernetes Service may have one for UDP. */
export function portOf(service: Service, number: number): ServicePort | undefined {
  return service.ports.find((port) => port.number === number && port.protocol !== 'UDP');
}
