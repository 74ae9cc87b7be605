import { DestinationRules } from './destination-rules';
import { GatewayWorkload, gatewayWorkloads } from './gateway-workloads';
import { createdAt, Service, serviceOfKubernetes, servicesOfEntry } from './service';
import { VirtualService, virtualServiceOf } from './virtual-service';
import { World } from './world';
import { EgressObject } from '../manifests/egress-object';
import { mapIn } from '../manifests/grouping';
import { Indexed, compare } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';

const NONE: readonly never[] = [];

/** All objects, arranged as istiod arranges them: by kind, age, and who sees them. */
export class Registry {
  public readonly rootNamespace: string;
  public readonly trustDomain: string;
  public readonly index: ManifestIndex;
  /** The oldest first. */
  public readonly services: readonly Service[];
  public readonly virtualServices: readonly VirtualService[];
  public readonly gateways: readonly Indexed[];
  public readonly sidecars: readonly Indexed[];
  public readonly destinationRules: DestinationRules;
  public readonly workloads: readonly GatewayWorkload[];

  private readonly byHostAndNamespace = new Map<string, Map<string, Service>>();
  private readonly publicServices: Service[] = [];
  private readonly exportedServices = new Map<string, Service[]>();
  private readonly publicVirtualServices = new Map<string, VirtualService[]>();
  private readonly privateVirtualServices = new Map<string, Map<string, VirtualService[]>>();
  private readonly exportedVirtualServices = new Map<string, Map<string, VirtualService[]>>();
  private readonly entriesByHost = new Map<string, Service[]>();

  constructor(
    objects: readonly EgressObject[],
    public readonly world: World,
  ) {
    const mesh = world.mesh ?? {};
    this.rootNamespace = mesh.rootNamespace ?? 'istio-system';
    this.trustDomain = mesh.trustDomain ?? 'cluster.local';
    this.index = new ManifestIndex(objects, { rootNamespace: this.rootNamespace });
    const { workloads, services } = gatewayWorkloads(this.index, world);
    this.workloads = workloads;
    const serviceExport = world.defaultExportTo?.services ?? ['*'];
    this.services = [
      ...this.index.ofKind('ServiceEntry').flatMap((entry) => servicesOfEntry(entry, serviceExport)),
      ...[...this.index.services, ...services].map((service) => serviceOfKubernetes(service, serviceExport)),
    ].sort(
      (a, b) =>
        compare(a.created, b.created) ||
        compare(nameOf(a), nameOf(b)) ||
        compare(a.namespace, b.namespace) ||
        compare(a.object.name, b.object.name),
    );
    for (const service of this.services) this.publishService(service);
    this.virtualServices = byAge(this.index.ofKind('VirtualService')).map((object) =>
      virtualServiceOf(object, world.defaultExportTo?.virtualServices ?? ['*']),
    );
    for (const virtualService of this.virtualServices) this.publishVirtualService(virtualService);
    this.gateways = byAge(this.index.ofKind('Gateway'));
    this.sidecars = byAge(this.index.ofKind('Sidecar'));
    this.destinationRules = new DestinationRules(
      this.index.ofKind('DestinationRule'),
      this.rootNamespace,
      world.defaultExportTo?.destinationRules ?? ['*'],
    );
  }

  /** The service of a host in one namespace: the oldest, but a Kubernetes Service before any entry. */
  public serviceIn(host: string, namespace: string): Service | undefined {
    return this.byHostAndNamespace.get(host)?.get(namespace);
  }

  public servicesByNamespace(host: string): ReadonlyMap<string, Service> | undefined {
    return this.byHostAndNamespace.get(host);
  }

  /** What proxies of the namespace may see: what is exported to it first, then what is public. */
  public servicesSeenFrom(namespace: string): readonly Service[] {
    return [...(this.exportedServices.get(namespace) ?? NONE), ...this.publicServices];
  }

  /** Every service of the same host in the same namespace, whatever it exports: they share their endpoints. */
  public siblings(service: Service): readonly Service[] {
    return this.entriesByHost.get(`${service.namespace}/${service.host}`) ?? NONE;
  }

  /**
   * An entry of the same host, namespace and port that some other proxy has in its place, and that resolves it
   * otherwise. istiod keeps what it has built for one proxy and gives it to others by host and namespace alone, so
   * whose it is depends on who asks first.
   */
  public conflictingEntry(service: Service, port: number): Service | undefined {
    const siblings = this.siblings(service);
    if (siblings.length < 2) return undefined;
    const seers = new Set(siblings.flatMap(({ exportTo }) => exportTo));
    const taken = [...seers].map(
      (seer) =>
        siblings.find(({ exportTo }) => !exportTo.includes('*') && exportTo.includes(seer)) ??
        siblings.find(({ exportTo }) => exportTo.includes('*')),
    );
    return taken.find(
      (one) =>
        one !== undefined &&
        one.object !== service.object &&
        one.resolution !== service.resolution &&
        one.ports.some(({ number }) => number === port),
    );
  }

  /** The VirtualServices for `mesh` or a Gateway that proxies of the namespace see, in Istio's order. */
  public virtualServicesSeenFrom(namespace: string, gateway: string): readonly VirtualService[] {
    return [
      ...(this.privateVirtualServices.get(namespace)?.get(gateway) ?? NONE),
      ...(this.exportedVirtualServices.get(namespace)?.get(gateway) ?? NONE),
      ...(this.publicVirtualServices.get(gateway) ?? NONE),
    ];
  }

  private publishService(service: Service): void {
    const siblings = `${service.namespace}/${service.host}`;
    const known = this.entriesByHost.get(siblings);
    if (known) known.push(service);
    else this.entriesByHost.set(siblings, [service]);
    let hosts = this.byHostAndNamespace.get(service.host);
    if (!hosts) this.byHostAndNamespace.set(service.host, (hosts = new Map()));
    const existing = hosts.get(service.namespace);
    if (!existing || (!existing.kubernetes && service.kubernetes)) hosts.set(service.namespace, service);
    if (service.exportTo.includes('*')) {
      this.publicServices.push(service);
    } else if (!service.exportTo.includes('~')) {
      for (const namespace of new Set(service.exportTo)) {
        const list = this.exportedServices.get(namespace);
        if (list) list.push(service);
        else this.exportedServices.set(namespace, [service]);
      }
    }
  }

  private publishVirtualService(virtualService: VirtualService): void {
    const namespace = virtualService.object.namespace;
    for (const gateway of virtualService.gateways) {
      if (virtualService.exportTo.includes('*')) {
        push(this.publicVirtualServices, gateway, virtualService);
      } else if (!virtualService.exportTo.includes('~')) {
        for (const seer of new Set(virtualService.exportTo)) {
          push(
            mapIn(seer === namespace ? this.privateVirtualServices : this.exportedVirtualServices, seer),
            gateway,
            virtualService,
          );
        }
      }
    }
  }
}

/** The oldest first; equally old by name, as Istio has it. */
export function byAge(objects: readonly Indexed[]): Indexed[] {
  return objects
    .map((object) => ({ object, created: createdAt(object) }))
    .sort(
      (a, b) =>
        compare(a.created, b.created) ||
        compare(a.object.name, b.object.name) ||
        compare(a.object.namespace, b.object.namespace),
    )
    .map(({ object }) => object);
}

/** What Istio sorts equally old services by: the host of an entry, the name of a Service. */
function nameOf(service: Service): string {
  return service.kubernetes ? service.object.name : service.host;
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
