import { isIP } from 'net';
import { FieldRef } from '../answer/answer';
import { Condition } from '../answer/conditions';
import { fieldRef } from '../answer/field-ref';
import { Aliases } from '../objects/aliases';
import { DestinationRules } from '../objects/destination-rules';
import { Gateways } from '../objects/gateways';
import { GatewayWorkload } from '../objects/gateways/workload';
import {
  byAge,
  exportedTo,
  KubernetesService,
  Service,
  serviceOfKubernetes,
  ServicePort,
  servicesOfEntry,
} from '../objects/service';
import { Delegates } from '../routes/delegation';
import { Routes } from '../routes/route';
import { VirtualServiceRoutes } from '../routes/virtual-service';
import { EntryVisibility } from '../objects/visibility';
import { World } from '../objects/world';
import { isWildcard } from '../../istio/hosts';
import { isHttp2 } from '../../istio/protocols';
import { isAtLeast } from '../../istio/release-lines';
import { DEFAULT_ROOT_NAMESPACE } from '../../istio/root-namespace';
import { DEFAULT_CLUSTER_DOMAIN } from '../../istio/service-names';
import { EgressObject } from '../../manifests/egress-object';
import { portNamed } from '../../manifests/endpoints';
import { addTo, Grouping, valueIn } from '../../values/grouping';
import { FieldPath } from '../../manifests/field-path';
import { Indexed, IstioObject, compare } from '../../manifests/indexed';
import { ManifestIndex } from '../../manifests/manifest-index';
import { selects } from '../../manifests/selectors';
import { EntryEndpoint } from '../../manifests/specs';

const NONE: readonly never[] = [];

/** What the model reads of a PeerAuthentication. */
interface PeerAuthentication {
  readonly selector?: { readonly matchLabels?: Record<string, string> };
  readonly mtls?: { readonly mode?: string };
  readonly portLevelMtls?: Record<string, { readonly mode?: string }>;
}

/** Names, one of which a certificate must carry, and what says so. */
export interface CertificateNames {
  readonly names: readonly string[];
  readonly where: FieldRef;
}

/** An endpoint, with where its service account is written. */
type GivenEndpoint = EntryEndpoint & { readonly object: Indexed; readonly field: FieldPath };

/** All objects as istiod arranges them: by kind, age and visibility. */
export class Registry {
  public readonly rootNamespace: string;
  public readonly trustDomain: string;
  public readonly clusterDomain: string;
  /** The mesh's trust domain and its aliases. */
  public readonly trustDomains: readonly string[];
  public readonly index: ManifestIndex;
  /** Oldest first. */
  public readonly services: readonly Service[];
  public readonly routes: readonly Routes[];
  public readonly gateways: readonly IstioObject<'Gateway'>[];
  public readonly sidecars: readonly IstioObject<'Sidecar'>[];
  public readonly destinationRules: DestinationRules;
  public readonly workloads: readonly GatewayWorkload[];
  /** Services that may be missing, or lack a port, with the condition that it is there. */
  public readonly doubtfulServices: ReadonlyMap<Indexed, (port: number) => Condition | undefined>;
  /** Services that only routes tell of. */
  public readonly missingServices: readonly Indexed[];
  /** Services that are only another name for a host. */
  public readonly aliases: Aliases;

  private readonly byHostAndNamespace = new Map<string, Map<string, Service>>();
  private readonly publicServices: Service[] = [];
  private readonly exportedServices = new Map<string, Service[]>();
  private readonly publicRoutes = new Map<string, Routes[]>();
  private readonly privateRoutes = new Map<string, Map<string, Routes[]>>();
  private readonly exportedRoutes = new Map<string, Map<string, Routes[]>>();
  private readonly entriesByHost = new Grouping<string, Service>();
  private readonly entriesByName = new Map<string, Service[]>();
  private readonly wideEntries: Service[] = [];
  private readonly namesOfCertificates = new Map<string, CertificateNames>();
  private peers?: readonly Indexed<PeerAuthentication | undefined>[];

  constructor(
    objects: readonly EgressObject[],
    public readonly world: World,
  ) {
    const mesh = world.mesh ?? {};
    this.rootNamespace = mesh.rootNamespace ?? DEFAULT_ROOT_NAMESPACE;
    this.trustDomain = mesh.trustDomain ?? DEFAULT_CLUSTER_DOMAIN;
    this.trustDomains = [this.trustDomain, ...(mesh.trustDomainAliases ?? [])];
    this.clusterDomain = mesh.clusterDomain ?? DEFAULT_CLUSTER_DOMAIN;
    this.index = new ManifestIndex(objects, {
      rootNamespace: this.rootNamespace,
      clusterDomain: this.clusterDomain,
    });
    const { workloads, services, missing, doubtful } = new Gateways(this.index, world);
    this.workloads = workloads;
    this.doubtfulServices = doubtful;
    this.missingServices = missing;
    const serviceExport = world.defaultExportTo?.services ?? ['*'];
    this.aliases = new Aliases(this.index.services, this.clusterDomain);
    const visibility = new EntryVisibility(
      objects,
      isAtLeast(31, world.istioVersion) ? mesh.serviceEntryVisibility : undefined,
    );
    this.services = [
      ...this.index
        .ofKind('ServiceEntry')
        .flatMap((entry) =>
          servicesOfEntry(entry, visibility.exportTo(entry.namespace, exportedTo(entry, serviceExport))),
        ),
      ...[...this.index.services, ...services].map((service) =>
        serviceOfKubernetes(service, serviceExport, this.clusterDomain),
      ),
    ]
      .map((service) => {
        const aliases = this.aliases.of(service.host);
        return aliases.length > 0 ? { ...service, aliases } : service;
      })
      .sort(oldestFirst);
    for (const service of this.services) this.publishService(service);
    const routeExport = world.defaultExportTo?.virtualServices ?? ['*'];
    const virtualServices = byAge(this.index.ofKind('VirtualService'));
    const delegates: Delegates = (namespace, name, viewer) =>
      virtualServices.find((one) => {
        const isDelegate = one.namespace === namespace && one.name === name && !one.spec.hosts?.length;
        return isDelegate && exportedTo(one, routeExport).some((to) => to === '*' || to === viewer);
      });
    this.routes = virtualServices
      .filter(({ spec }) => spec.hosts?.length)
      .map((object) => new VirtualServiceRoutes(object, routeExport, delegates));
    for (const routes of this.routes) this.publishRoutes(routes);
    this.gateways = byAge(this.index.ofKind('Gateway'));
    this.sidecars = byAge(this.index.ofKind('Sidecar'));
    this.destinationRules = new DestinationRules(
      this.index.ofKind('DestinationRule'),
      this.rootNamespace,
      world.defaultExportTo?.destinationRules ?? ['*'],
    );
  }

  /** The service of a host in one namespace: a Kubernetes Service if there is one, else the oldest ServiceEntry. */
  public serviceIn(host: string, namespace: string): Service | undefined {
    return this.byHostAndNamespace.get(host)?.get(namespace);
  }

  /** Of these services, the one that counts of each host and namespace, oldest first. */
  public oneForEachHost(services: readonly Service[]): readonly Service[] {
    return services.filter((one) => this.serviceIn(one.host, one.namespace) === one).sort(oldestFirst);
  }

  /** Whether several services have the same host and namespace. */
  public get hasSeveralOfOneHost(): boolean {
    return this.entriesByHost.several.size > 0;
  }

  public servicesByNamespace(host: string): ReadonlyMap<string, Service> | undefined {
    return this.byHostAndNamespace.get(host);
  }

  /** The Gateways that can act on pods of a namespace. */
  public gatewaysFor(namespace: string): readonly IstioObject<'Gateway'>[] {
    return this.world.mesh?.scopeGatewayToNamespace
      ? this.gateways.filter((gateway) => gateway.namespace === namespace)
      : this.gateways;
  }

  /** The services visible to proxies of the namespace: those exported to it by name, then the public ones. */
  public servicesSeenFrom(namespace: string): readonly Service[] {
    return [...(this.exportedServices.get(namespace) ?? NONE), ...this.publicServices];
  }

  /** All services of the same host and namespace, whatever their `exportTo`: they share their endpoints. */
  public siblings(service: Service): readonly Service[] {
    return this.entriesByHost.get(`${service.namespace}/${service.host}`);
  }

  /**
   * The names, one of which a certificate must carry where DestinationRules name none: those of the youngest entry for the
   * host in the namespace, and the service accounts of all their endpoints.
   */
  public certificateNames(service: Service): CertificateNames {
    return valueIn(this.namesOfCertificates, `${service.namespace}/${service.host}`, () => {
      const { object, subjectAltNames, namespace } = this.siblings(service).at(-1)!;
      const accounts = this.endpointsGivenTo(service).filter(({ serviceAccount }) => serviceAccount);
      const ids = accounts.map(
        ({ serviceAccount }) => `spiffe://${this.trustDomain}/ns/${namespace}/sa/${serviceAccount}`,
      );
      const from = subjectAltNames.length > 0 ? undefined : accounts.at(0);
      return {
        names: [...new Set([...subjectAltNames, ...ids])],
        where: from ? fieldRef(from.object, from.field) : fieldRef(object, 'spec.subjectAltNames'),
      };
    });
  }

  /** PeerAuthentications, the oldest first. */
  public get peerAuthentications(): readonly Indexed<PeerAuthentication | undefined>[] {
    return (this.peers ??= byAge(this.index.ofKind<PeerAuthentication | undefined>('PeerAuthentication')));
  }

  /** The WorkloadEntries of a namespace that labels select. A label of the object replaces that of its spec. */
  public workloadEntries(
    namespace: string,
    labels: Readonly<Record<string, string>> | undefined,
  ): readonly { readonly object: Indexed<EntryEndpoint>; readonly endpoint: EntryEndpoint }[] {
    return this.index
      .ofKind<EntryEndpoint>('WorkloadEntry')
      .filter((object) => object.namespace === namespace)
      .map((object) => ({
        object,
        endpoint: { ...object.spec, labels: { ...object.spec.labels, ...object.manifest.metadata.labels } },
      }))
      .filter(({ endpoint }) => selects(labels, endpoint.labels));
  }

  /**
   * The addresses at which manifests place endpoints for a port of a service, ready or not: those of its siblings, and
   * what is written for a Kubernetes Service.
   */
  public addressesOfEndpoints(service: Service, port: ServicePort): string[] {
    const given = this.endpointsGivenTo(service, port);
    return [
      ...(service.kubernetes ? this.addressesWrittenFor(service, port) : []),
      ...given.flatMap(({ address }) => (address && isIP(address) !== 0 ? [address] : [])),
    ];
  }

  /** The addresses of EndpointSlices for a port of a Service, ready or not. */
  public addressesWrittenFor({ namespace, object }: KubernetesService, { name }: ServicePort): string[] {
    return this.index
      .endpointsOf(namespace, object.name)
      .flatMap((one) => (portNamed(one.ports, name) ? [...one.addresses, ...one.unready] : []));
  }

  /** The endpoints that ServiceEntries give to a service, or to one of its ports: its own ones, and those of its siblings. */
  public endpointsGivenTo(service: Service, port?: ServicePort): GivenEndpoint[] {
    const entries = new Set(
      this.siblings(service).flatMap((one) =>
        one.kubernetes || (port && !one.ports.some(({ name }) => name === port.name)) ? [] : [one.object],
      ),
    );
    return [...entries].flatMap((entry): GivenEndpoint[] =>
      entry.spec.workloadSelector
        ? this.workloadEntries(entry.namespace, entry.spec.workloadSelector.labels).map(({ object, endpoint }) => ({
            ...endpoint,
            object,
            field: 'spec.serviceAccount',
          }))
        : (entry.spec.endpoints ?? []).map((endpoint) => ({ ...endpoint, object: entry, field: 'spec.endpoints' })),
    );
  }

  /** The ServiceEntries with a name, in lower case, and those with a wildcard or an address for which `isAbout` holds. */
  public entriesAbout(name: string | undefined, isAbout: (entry: Service) => boolean): readonly Service[] {
    const named = (name === undefined ? undefined : this.entriesByName.get(name)) ?? NONE;
    return [...named, ...this.wideEntries.filter(isAbout)].sort(oldestFirst);
  }

  /**
   * A ServiceEntry of the same host, namespace and port that other proxies see in place of this one, and that has other
   * endpoints there. istiod's cache of clusters tells apart those that resolve names from the others, and those that
   * speak HTTP/2 from the others, and nothing more of an entry; its cache of endpoints does not tell apart names of
   * ports, by which it finds them (EDS). So which of the two a proxy gets depends on which proxy asked first.
   */
  public conflictingEntry(service: Service, port: number): Service | undefined {
    const siblings = this.siblings(service);
    if (siblings.length < 2) return undefined;
    const at = ({ ports }: Service) => ports.find(({ number }) => number === port);
    const own = at(service);
    const viewers = new Set(siblings.flatMap(({ exportTo }) => exportTo));
    const visible = [...viewers].flatMap(
      (viewer) =>
        siblings.find(({ exportTo }) => !exportTo.includes('*') && exportTo.includes(viewer)) ??
        siblings.find(({ exportTo }) => exportTo.includes('*')) ??
        [],
    );
    return visible.find((one) => {
      const other = at(one);
      return (
        other !== undefined &&
        one.object !== service.object &&
        resolvesNames(one) === resolvesNames(service) &&
        isHttp2(other.protocol) === isHttp2(own?.protocol) &&
        (one.resolution !== service.resolution ||
          (service.resolution === 'STATIC' && own !== undefined && other.name !== own.name) ||
          (service.resolution === 'NONE' && other.targetPort !== own?.targetPort))
      );
    });
  }

  /**
   * The routes bound to `mesh` or a Gateway that are visible to proxies of the namespace, in Istio's order.
   */
  public routesSeenFrom(namespace: string, gateway: string): readonly Routes[] {
    return [
      ...(this.privateRoutes.get(namespace)?.get(gateway) ?? NONE),
      ...(this.exportedRoutes.get(namespace)?.get(gateway) ?? NONE),
      ...(this.publicRoutes.get(gateway) ?? NONE),
    ];
  }

  private publishService(service: Service): void {
    this.entriesByHost.add(`${service.namespace}/${service.host}`, service);
    if (!service.kubernetes) {
      if (isWildcard(service.host) || service.addresses.some(({ kind }) => kind !== 'any'))
        this.wideEntries.push(service);
      else addTo(this.entriesByName, service.host.toLowerCase(), service);
    }
    const hosts = valueIn(this.byHostAndNamespace, service.host, () => new Map());
    const existing = hosts.get(service.namespace);
    if (!existing || (!existing.kubernetes && service.kubernetes)) hosts.set(service.namespace, service);
    if (service.exportTo.includes('*')) {
      this.publicServices.push(service);
    } else if (!service.exportTo.includes('~')) {
      for (const namespace of new Set(service.exportTo)) {
        addTo(this.exportedServices, namespace, service);
      }
    }
  }

  private publishRoutes(routes: Routes): void {
    const namespace = routes.object.namespace;
    for (const gateway of routes.gateways) {
      if (routes.exportTo.includes('*')) {
        addTo(this.publicRoutes, gateway, routes);
      } else if (!routes.exportTo.includes('~')) {
        for (const viewer of new Set(routes.exportTo)) {
          const own = viewer === namespace ? this.privateRoutes : this.exportedRoutes;
          addTo(
            valueIn(own, viewer, () => new Map()),
            gateway,
            routes,
          );
        }
      }
    }
  }
}

function oldestFirst(a: Service, b: Service): number {
  return (
    compare(a.created, b.created) ||
    compare(nameOf(a), nameOf(b)) ||
    compare(a.namespace, b.namespace) ||
    compare(a.object.name, b.object.name)
  );
}

function resolvesNames({ resolution }: Service): boolean {
  return resolution === 'DNS' || resolution === 'DNS_ROUND_ROBIN';
}

/** The name by which Istio sorts services of equal age: the host of a ServiceEntry, the name of a Service. */
function nameOf(service: Service): string {
  return service.kubernetes ? service.object.name : service.host;
}
