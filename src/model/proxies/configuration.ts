import { AddressBook } from '../registry/address-book';
import { FieldRef } from '../answer/answer';
import { Condition } from '../answer/conditions';
import { callerPod, CallerPod } from './capture';
import { Cluster, clustersOf, NoCluster } from './cluster';
import { GatewayListener, gatewayListeners } from './gateway-listeners';
import { KnownSecrets, MissingCertificate } from './missing-certificates';
import { podPortsOf } from './gateway-servers';
import { GatewayWorkload } from '../objects/gateways/workload';
import { OutboundListener, outboundListeners } from './listener';
import { Policies } from '../policies/applying-policies';
import { lifeline, LifelineKind } from '../policies/network-policy';
import { SelectablePods } from '../policies/selection';
import { Registry } from '../registry/registry';
import { ModelCaller } from '../requests/request';
import { ProxyIdentity } from '../objects/proxy';
import { Destination } from '../routes/destination';
import { gatewayScope, Scope, sidecarScope } from '../registry/scope';
import { Service } from '../objects/service';
import { Undetermined } from '../answer/undetermined';
import { UnknownKinds } from '../registry/unknown-kinds';
import { cachedRoutes, CachedRoutes, labelsOfMixedUp, sharingRoutes } from './shared-routes';
import { ownVirtualHost, sidecarVirtualHosts, VirtualHost, VirtualHosts } from './virtual-hosts';
import { World } from '../objects/world';
import { mayHoldHost } from '../../istio/ranges';
import { EgressObject } from '../../manifests/egress-object';
import { valueIn } from '../../values/grouping';

/** What the pods of a gateway have: listeners for each way in which istiod may translate ports. */
interface GatewayProxy {
  readonly scope: Scope;
  readonly podPorts: ReadonlyMap<number, readonly number[]>;
  readonly listeners: Map<string, Map<number, GatewayListener>>;
}

/** The configuration of all proxies, computed on demand and cached. */
export class Configuration {
  public readonly registry: Registry;
  public readonly addressBook: AddressBook;
  public readonly policies: Policies;
  public readonly unknownKinds: UnknownKinds;
  private readonly pods = new Map<string, CallerPod>();
  private readonly scopes = new WeakMap<CallerPod, Scope>();
  private readonly sidecars = new Map<string, Scope>();
  private readonly gateways = new Map<GatewayWorkload, GatewayProxy>();
  private readonly ports = new WeakMap<
    Scope,
    Map<
      number,
      {
        listeners?: Map<string, OutboundListener>;
        hosts?: VirtualHosts;
        sharing?: readonly Scope[];
        places?: Map<string, FieldRef>;
      }
    >
  >();
  private readonly cached = new Map<string, CachedRoutes>();
  private readonly lifelines = new WeakMap<SelectablePods, Map<string, [Condition | undefined]>>();
  private readonly clusters = new WeakMap<Scope, WeakMap<Destination, (Cluster | NoCluster)[]>>();

  private readonly missing = new WeakMap<GatewayListener, readonly MissingCertificate[]>();
  private secrets?: KnownSecrets;

  constructor(objects: readonly EgressObject[], world: World) {
    this.registry = new Registry(objects, world);
    this.addressBook = new AddressBook(this.registry);
    this.policies = new Policies(this.registry);
    this.unknownKinds = new UnknownKinds(this.registry);
  }

  /** The pod of a caller. */
  public pod(caller: ModelCaller): CallerPod {
    const { namespace, serviceAccount, name, labels, capture, annotations, dnsCapture } = caller;
    const key = JSON.stringify([namespace, serviceAccount, name, labels, capture, annotations, dnsCapture]);
    return valueIn(this.pods, key, () => callerPod(this.registry, caller));
  }

  public sidecar(pod: CallerPod): Scope {
    return valueIn(this.scopes, pod, () => this.sidecarOf(pod));
  }

  private sidecarOf({ namespace, labels, dnsCapture }: ProxyIdentity): Scope {
    const key = `${namespace} ${dnsCapture} ${Object.entries(labels).sort().join(' ')}`;
    return valueIn(this.sidecars, key, () => sidecarScope(this.registry, { namespace, labels, dnsCapture }));
  }

  public listeners(scope: Scope, port: number): Map<string, OutboundListener> {
    return (this.port(scope, port).listeners ??= outboundListeners(this.registry, scope, port));
  }

  /**
   * The addresses and ranges for which the sidecar of a caller has listeners and filter chains of their own, as far as
   * an external host may be there, each with an object that names it.
   */
  public *placesOfListeners(
    pod: CallerPod,
    ports: ReadonlySet<number>,
  ): Generator<readonly [place: string, object: FieldRef]> {
    if (!pod.injection.injected) return;
    const scope = this.sidecar(pod);
    const found = new Set<string>();
    for (const port of ports)
      for (const [place, object] of this.places(scope, port)) {
        if (found.has(place)) continue;
        found.add(place);
        yield [place, object];
      }
  }

  private places(scope: Scope, port: number): ReadonlyMap<string, FieldRef> {
    const known = this.port(scope, port);
    if (known.places) return known.places;
    const places = new Map<string, FieldRef>();
    for (const [bind, { chains }] of this.knownListeners(scope, port)) {
      const first = chains.find(({ decidedBy }) => decidedBy.length > 0)?.decidedBy[0];
      for (const {
        ranges,
        decidedBy: [own = first],
      } of chains)
        for (const place of [bind, ...ranges])
          if (own !== undefined && !places.has(place) && mayHoldHost(place)) places.set(place, own);
    }
    return (known.places = places);
  }

  /** The listeners on a port, none where the model does not know them: then they decide nothing that it answers. */
  private knownListeners(scope: Scope, port: number): ReadonlyMap<string, OutboundListener> {
    try {
      return this.listeners(scope, port);
    } catch (error) {
      if (error instanceof Undetermined) return new Map();
      throw error;
    }
  }

  /** What must be so for pods to resolve names and to reach istiod, as far as policies decide it. */
  public lifeline(pods: SelectablePods, kinds: readonly LifelineKind[]): Condition | undefined {
    const own = valueIn(this.lifelines, pods, () => new Map<string, [Condition | undefined]>());
    return valueIn(own, kinds.join(' '), () => [lifeline(this.registry, pods, kinds)])[0];
  }

  public virtualHosts(scope: Scope, port: number): VirtualHosts {
    return (this.port(scope, port).hosts ??= sidecarVirtualHosts(this.registry, scope, port));
  }

  /** The proxies of whose routes on a port a sidecar may get any, itself first. */
  public sharingRoutes(scope: Scope, port: number): readonly Scope[] {
    return (this.port(scope, port).sharing ??= sharingRoutes(scope, port, this.cachedRoutes(scope.proxy, port)));
  }

  /** The routes on a port that istiod's cache may mix up, for the proxies of one namespace. */
  private cachedRoutes({ namespace, dnsCapture }: ProxyIdentity, port: number): CachedRoutes {
    return valueIn(this.cached, `${namespace} ${dnsCapture} ${port}`, () => {
      const scopes = labelsOfMixedUp(this.registry, namespace).map((labels) =>
        this.sidecarOf({ namespace, labels, dnsCapture }),
      );
      return cachedRoutes(scopes, port);
    });
  }

  public ownHost(scope: Scope, port: number, service: Service): VirtualHost | undefined {
    return ownVirtualHost(this.registry, scope, port, service);
  }

  /** The clusters that the proxy may have for a destination, the one that it should have first. */
  public clustersFor(scope: Scope, destination: Destination): readonly (Cluster | NoCluster)[] {
    const own = valueIn(this.clusters, scope, () => new WeakMap());
    return valueIn(own, destination, () => clustersOf(this.registry, scope, destination));
  }

  public gatewayScope(workload: GatewayWorkload): Scope {
    return this.gateway(workload).scope;
  }

  /** The ports of a gateway's Services, with the pod ports to which they map them. */
  public podPorts(workload: GatewayWorkload): ReadonlyMap<number, readonly number[]> {
    return this.gateway(workload).podPorts;
  }

  /** The listeners of a gateway, by pod port. */
  public gatewayListeners(
    workload: GatewayWorkload,
    translated: ReadonlyMap<number, number> = new Map(),
  ): ReadonlyMap<number, GatewayListener> {
    const { scope, listeners } = this.gateway(workload);
    const key = [...translated].join(' ');
    return valueIn(listeners, key, () => gatewayListeners(this.registry, scope, workload, translated));
  }

  /** The servers of a gateway's listener whose certificates are not known to be there. */
  public missingCertificates({ namespace }: GatewayWorkload, listener: GatewayListener): readonly MissingCertificate[] {
    this.secrets ??= new KnownSecrets(this.registry);
    return valueIn(this.missing, listener, () => this.secrets!.missing(namespace, listener));
  }

  private gateway(workload: GatewayWorkload): GatewayProxy {
    return valueIn(this.gateways, workload, () => {
      const proxy: ProxyIdentity = { namespace: workload.namespace, labels: workload.labels, dnsCapture: false };
      const scope = gatewayScope(this.registry, proxy);
      return { scope, listeners: new Map(), podPorts: podPortsOf(this.registry, workload) };
    });
  }

  private port(scope: Scope, port: number) {
    const ports = valueIn(this.ports, scope, () => new Map());
    return valueIn(ports, port, () => ({}));
  }
}
