import { DeclaredSecret, declaredSecrets } from './declared-secrets';
import { EgressObject, Manifest } from './egress-object';
import { ENDPOINT_KINDS, WrittenEndpoints, writtenEndpoints } from './endpoints';
import { GatewayHops } from './gateway-hops';
import { addTo, groupBy, Grouping, valueIn } from '../values/grouping';
import { Indexed, IstioObject } from './indexed';
import { placeOfPluginPolicy, PolicyPlace } from './plugin-policies';
import { followers, gatewayNamespace, Hop, hopsOfRoutes, isOnMesh, PlacedRoute, routesOf } from './routes';
import { selectorsOverlap } from './selectors';
import { IstioSpecs, Server, ServiceSpec, TlsSettings } from './specs';
import { isForExternalHost, tlsPlaces } from './tls';
import { covers, fullHost, isWildcard } from '../istio/hosts';
import { Port, portsOf } from '../istio/protocols';
import { podTemplatePath } from '../istio/pod-templates';
import { DEFAULT_ROOT_NAMESPACE } from '../istio/root-namespace';

/** What the manifests do not say. */
export interface IndexOptions {
  /** The mesh's root namespace. @default "istio-system" */
  readonly rootNamespace?: string;
  /** The namespace of objects that do not have one. @default "default" */
  readonly defaultNamespace?: string;
  /** The domain of Kubernetes Services. @default "cluster.local" */
  readonly clusterDomain?: string;
  /** Whether sidecars answer DNS themselves and allocate addresses for names without one. @default false */
  readonly dnsCapture?: boolean;
}

/** A policy of a network plug-in, and what it is for. */
interface PluginPolicy {
  readonly object: Indexed;
  readonly place: PolicyPlace;
}

/** A port, and where it is written. */
interface PlacedPort {
  readonly entry: IstioObject<'ServiceEntry'>;
  readonly port: Port;
  readonly position: number;
}

/** A server, and where it is written. */
interface PlacedServer {
  readonly gateway: IstioObject<'Gateway'>;
  readonly server: Server;
  readonly position: number;
}

/** A hop, and all entries for its host. */
interface DeclaredHop {
  readonly hop: Hop;
  readonly entries: readonly IstioObject<'ServiceEntry'>[];
}

type TlsByRule = ReadonlyMap<IstioObject<'DestinationRule'>, readonly TlsSettings[]>;

const ISTIO_GROUPS = new Set(['networking.istio.io', 'security.istio.io', 'telemetry.istio.io']);
const NONE: readonly never[] = [];

/**
 * All objects of an app or a folder, indexed once for all rules. Building it takes one pass; what only some rules need
 * is computed when it is first needed. Every look-up is a map, so that the rules stay linear.
 */
export class ManifestIndex {
  public readonly rootNamespace: string;
  public readonly clusterDomain?: string;
  public readonly dnsCapture: boolean;
  /** Every object, by API group (not version) and kind. */
  public readonly kinds: Indexed[][] = [];

  private readonly groups = new Map<string, Map<string, Indexed[]>>();
  private readonly istio = new Map<string, Indexed[]>();
  private namespaces?: Grouping<string, Indexed>;
  private severalTimes?: readonly (readonly Indexed[])[];
  private endpointObjects?: readonly Indexed[];
  private templates?: readonly Indexed[];
  private allSecrets?: readonly DeclaredSecret[];
  private ofPlugins?: readonly PluginPolicy[];
  private entries?: Grouping<string, IstioObject<'ServiceEntry'>>;
  private rules?: Grouping<string, IstioObject<'DestinationRule'>>;
  private wildcardRules?: IstioObject<'DestinationRule'>[];
  private meshRoutes?: Grouping<string, IstioObject<'VirtualService'>>;
  private gateways?: Map<string, IstioObject<'Gateway'>>;
  private allPorts?: readonly PlacedPort[];
  private allServers?: readonly PlacedServer[];
  private allRoutes?: PlacedRoute[];
  private allHops?: readonly Hop[];
  private toDeclared?: readonly DeclaredHop[];
  private hopsTo?: Grouping<string, Hop>;
  private served?: GatewayHops;
  private allTls?: { readonly client: TlsByRule; readonly mesh: TlsByRule };
  private podNamespaces?: Set<string>;
  private gatewayNamespaces?: Set<string>;
  private routed?: Map<string, Set<string>>;

  constructor(objects: Iterable<EgressObject>, options: IndexOptions = {}) {
    this.rootNamespace = options.rootNamespace ?? DEFAULT_ROOT_NAMESPACE;
    this.clusterDomain = options.clusterDomain;
    this.dnsCapture = options.dnsCapture ?? false;
    const defaultNamespace = options.defaultNamespace ?? 'default';
    const versions = new Map<unknown, { istio: boolean; kinds: Map<string, Indexed[]> }>();
    for (const source of objects) {
      const manifest = source.manifest;
      const kind = manifest?.kind;
      const metadata = manifest?.metadata;
      if (typeof kind !== 'string' || typeof metadata?.name !== 'string') continue;
      let version = versions.get(manifest.apiVersion);
      if (!version) {
        const group = groupOf(manifest.apiVersion);
        version = {
          istio: ISTIO_GROUPS.has(group),
          kinds: valueIn(this.groups, group, () => new Map<string, Indexed[]>()),
        };
        versions.set(manifest.apiVersion, version);
      }
      let bucket = version.kinds.get(kind);
      if (!bucket) {
        bucket = [];
        version.kinds.set(kind, bucket);
        this.kinds.push(bucket);
        if (version.istio) this.istio.set(kind, bucket);
      }
      bucket.push(
        new Indexed(
          source,
          kind,
          metadata.namespace ?? defaultNamespace,
          metadata.name,
          specOf(manifest),
          options.clusterDomain,
        ),
      );
    }
  }

  /** The definitions of each object that has several, in their order: to Kubernetes, the last one is the object. */
  public get redefined(): readonly (readonly Indexed[])[] {
    return (this.severalTimes ??= this.kinds.flatMap((bucket) => [...definedAgain(bucket)]));
  }

  /** Istio objects of a kind; of one that `IstioSpecs` does not have, the caller says what it reads of the spec. */
  public ofKind<Kind extends keyof IstioSpecs>(kind: Kind): readonly IstioObject<Kind>[];
  public ofKind<Spec>(kind: string): readonly Indexed<Spec>[];
  public ofKind(kind: string): readonly Indexed[] {
    return this.istio.get(kind) ?? NONE;
  }

  /** Objects of a kind in an API group, which is '' for Kubernetes' own `v1`. The caller says what it reads of the spec. */
  public inGroup<Spec>(group: string, kind: string): readonly Indexed<Spec>[] {
    return (this.groups.get(group)?.get(kind) ?? NONE) as readonly Indexed<Spec>[];
  }

  /** Kubernetes Services. */
  public get services(): readonly Indexed<ServiceSpec>[] {
    return this.inGroup('', 'Service');
  }

  /** The Namespace of this name. */
  public namespace(name: string): Indexed | undefined {
    this.namespaces ??= groupBy(this.inGroup('', 'Namespace'), (one) => one.name);
    return this.namespaces.get(name)[0];
  }

  /** Kubernetes Secrets, and those that controllers make. */
  public get secrets(): readonly DeclaredSecret[] {
    return (this.allSecrets ??= declaredSecrets((group, kind) => this.inGroup(group, kind)));
  }

  /** The endpoints that are written for a Kubernetes Service, as EndpointSlices or Endpoints. */
  public endpointsOf(namespace: string, service: string): readonly WrittenEndpoints[] {
    this.endpointObjects ??= this.kinds.flatMap((bucket) => (ENDPOINT_KINDS.has(bucket[0]?.kind) ? bucket : []));
    return this.endpointObjects
      .filter((object) => object.namespace === namespace)
      .flatMap((object) => writtenEndpoints(object, service));
  }

  /** Objects that pods are made from. */
  public get podTemplates(): readonly Indexed[] {
    return (this.templates ??= this.kinds
      .filter((bucket) => bucket !== this.istio.get(bucket[0].kind)) // Most objects of an app, and none makes pods.
      .flat()
      .filter(({ manifest }) => podTemplatePath(manifest) !== undefined));
  }

  /** Policies of network plug-ins. */
  public get pluginPolicies(): readonly PluginPolicy[] {
    return (this.ofPlugins ??= this.kinds.flatMap((bucket) => {
      const place = placeOfPluginPolicy(bucket[0].manifest.apiVersion, bucket[0].kind);
      return place === undefined ? [] : bucket.map((object) => ({ object, place }));
    }));
  }

  /** ServiceEntries by host. */
  public get entriesByHost(): Grouping<string, IstioObject<'ServiceEntry'>> {
    if (!this.entries) {
      this.entries = new Grouping();
      for (const entry of this.ofKind('ServiceEntry'))
        for (const host of entry.spec.hosts ?? []) this.entries.add(host, entry);
    }
    return this.entries;
  }

  /** The ports of all ServiceEntries. */
  public get ports(): readonly PlacedPort[] {
    return (this.allPorts ??= this.ofKind('ServiceEntry').flatMap((entry) =>
      portsOf(entry).map((port, position) => ({ entry, port, position })),
    ));
  }

  /** The servers of all Gateways. */
  public get servers(): readonly PlacedServer[] {
    return (this.allServers ??= this.ofKind('Gateway').flatMap((gateway) =>
      (gateway.spec.servers ?? []).map((server, position) => ({ gateway, server, position })),
    ));
  }

  /** DestinationRules by full host. */
  public get rulesByHost(): Grouping<string, IstioObject<'DestinationRule'>> {
    if (!this.rules) {
      this.rules = new Grouping();
      for (const rule of this.ofKind('DestinationRule'))
        if (rule.spec.host) this.rules.add(fullHost(rule.spec.host, rule), rule);
    }
    return this.rules;
  }

  /**
   * The DestinationRules that a proxy may apply to a host: those for the host, and those for a wildcard covering it.
   */
  public rulesFor(host: string): readonly IstioObject<'DestinationRule'>[] {
    this.wildcardRules ??= this.ofKind('DestinationRule').filter(
      ({ spec }) => typeof spec.host === 'string' && isWildcard(spec.host),
    );
    const own = this.rulesByHost.get(host);
    if (this.wildcardRules.length === 0) return own;
    return [...own, ...this.wildcardRules.filter((rule) => rule.spec.host !== host && covers(rule.spec.host!, host))];
  }

  /** The VirtualServices that sidecars use, by full host in lower case, since proxies compare without regard to case. */
  public get meshRoutesByHost(): Grouping<string, IstioObject<'VirtualService'>> {
    if (!this.meshRoutes) {
      this.meshRoutes = new Grouping();
      for (const virtualService of this.ofKind('VirtualService'))
        if (isOnMesh(virtualService))
          for (const host of new Set(
            (virtualService.spec.hosts ?? []).map((one) => fullHost(one, virtualService).toLowerCase()),
          ))
            this.meshRoutes.add(host, virtualService);
    }
    return this.meshRoutes;
  }

  /** Gateways by `<namespace>/<name>`. */
  public get gatewaysByName(): ReadonlyMap<string, IstioObject<'Gateway'>> {
    return (this.gateways ??= new Map(this.ofKind('Gateway').map((one) => [`${one.namespace}/${one.name}`, one])));
  }

  /** Every route of a VirtualService. */
  public get routes(): readonly PlacedRoute[] {
    if (!this.allRoutes) {
      this.allRoutes = [];
      for (const virtualService of this.ofKind('VirtualService')) routesOf(virtualService, this.allRoutes);
    }
    return this.allRoutes;
  }

  /** Every destination to which a VirtualService routes or mirrors requests. */
  public get hops(): readonly Hop[] {
    return (this.allHops ??= hopsOfRoutes(this.routes));
  }

  /** Those to hosts that ServiceEntries declare. Of any other, another repository may have the entry. */
  public get declaredHops(): readonly DeclaredHop[] {
    return (this.toDeclared ??= this.hops
      .filter(({ host }) => this.entriesByHost.has(host))
      .map((hop) => ({ hop, entries: this.entriesByHost.get(hop.host) })));
  }

  /** All of them by full host. */
  public get hopsByHost(): Grouping<string, Hop> {
    return (this.hopsTo ??= groupBy(this.hops, ({ host }) => host));
  }

  /** Which Gateways serve the hops to a gateway's Service. */
  public get gatewayHops(): GatewayHops {
    return (this.served ??= new GatewayHops(this));
  }

  /** The TLS settings for external hosts, SIMPLE and MUTUAL, by their DestinationRule. */
  public get clientTls(): TlsByRule {
    return this.tls.client;
  }

  /** The settings for mutual TLS inside the mesh, ISTIO_MUTUAL, by their DestinationRule. */
  public get meshTls(): TlsByRule {
    return this.tls.mesh;
  }

  private get tls(): { readonly client: TlsByRule; readonly mesh: TlsByRule } {
    if (!this.allTls) {
      const client: Map<IstioObject<'DestinationRule'>, TlsSettings[]> = new Map();
      const mesh: typeof client = new Map();
      for (const rule of this.ofKind('DestinationRule')) {
        for (const { tls } of tlsPlaces(rule)) {
          if (isForExternalHost(tls)) addTo(client, rule, tls);
          else if (tls.mode === 'ISTIO_MUTUAL') addTo(mesh, rule, tls);
        }
      }
      this.allTls = { client, mesh };
    }
    return this.allTls;
  }

  /**
   * Whether there are Gateways in the namespace. To gateway pods no Sidecar applies; they use the oldest ServiceEntry
   * of a host instead of their namespace's own, and need no address to tell TCP hosts apart. So what is written for
   * them must not be judged as if it were for sidecars.
   */
  public isGatewayNamespace(namespace: string): boolean {
    if (!this.gatewayNamespaces) {
      this.gatewayNamespaces = new Set(this.ofKind('Gateway').map((gateway) => gateway.namespace));
      for (const virtualService of this.ofKind('VirtualService')) {
        for (const name of virtualService.spec.gateways ?? [])
          if (name !== 'mesh') this.gatewayNamespaces.add(gatewayNamespace(virtualService, name));
      }
    }
    return this.gatewayNamespaces.has(namespace);
  }

  /**
   * Whether there are gateway pods in the namespace, as far as can be told from a Service whose selector overlaps that
   * of a Gateway in the same namespace. Istio itself looks for a Gateway's pods in every namespace.
   */
  public hasGatewayPods(namespace: string): boolean {
    if (!this.podNamespaces) {
      this.podNamespaces = new Set();
      const services = groupBy(
        this.services.filter(({ spec }) => spec.selector),
        (service) => service.namespace,
      );
      for (const gateway of services.size > 0 ? this.ofKind('Gateway') : NONE) {
        if (this.podNamespaces.has(gateway.namespace)) continue;
        if (services.get(gateway.namespace).some(({ spec }) => selectorsOverlap(spec.selector, gateway.spec.selector)))
          this.podNamespaces.add(gateway.namespace);
      }
    }
    return this.podNamespaces.has(namespace);
  }

  /** Whether gateways of the namespace route requests to the host; without a namespace, whether any gateway does. */
  public isRoutedAtGateway(host: string, namespace?: string): boolean {
    if (!this.routed) {
      this.routed = new Map();
      for (const hop of this.hops) {
        for (const gateway of followers(hop.virtualService, hop.route).gateways)
          valueIn(this.routed, hop.host, () => new Set()).add(gatewayNamespace(hop.virtualService, gateway));
      }
    }
    const namespaces = this.routed.get(host);
    return namespaces !== undefined && (namespace === undefined || namespaces.has(namespace));
  }
}

function groupOf(apiVersion: unknown): string {
  const text = String(apiVersion);
  const slash = text.indexOf('/');
  return slash < 0 ? (text === 'v1' ? '' : text) : text.slice(0, slash);
}

/** Two look-ups per object instead of one joined key: this runs over all objects, and joining strings is slow. */
function definedAgain(objects: readonly Indexed[]): Iterable<readonly Indexed[]> {
  const namespaces = new Map<string, Map<string, Indexed>>();
  const found = new Map<Indexed, Indexed[]>();
  for (const object of objects.length < 2 ? NONE : objects) {
    const names = valueIn(namespaces, object.namespace, () => new Map<string, Indexed>());
    const first = names.get(object.name);
    if (!first) names.set(object.name, object);
    else valueIn(found, first, () => [first]).push(object);
  }
  return found.values();
}

/** The spec, as it is stored: a Service with an empty selector has none. */
function specOf({ kind, spec }: Manifest): unknown {
  if (kind !== 'Service') return spec ?? {};
  const { selector, ...others } = (spec ?? {}) as ServiceSpec;
  const isEmpty = selector !== undefined && Object.keys(selector ?? {}).length === 0;
  return isEmpty ? others : (spec ?? {});
}
