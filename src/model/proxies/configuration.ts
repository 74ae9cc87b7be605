import { AddressBook } from '../registry/address-book';
import { callerPod, CallerPod } from './capture';
import { Cluster, clusterOf, NoCluster } from './cluster';
import { GatewayListener, gatewayListeners } from './gateway-listeners';
import { GatewayWorkload } from '../objects/gateway-workloads';
import { OutboundListener, outboundListeners } from './listener';
import { Policies } from '../policies/applying-policies';
import { Registry } from '../registry/registry';
import { ModelCaller } from '../requests/request';
import { ProxyIdentity } from '../objects/proxy';
import { Destination } from '../routes/destination';
import { gatewayScope, Scope, sidecarScope } from '../registry/scope';
import { Service } from '../objects/service';
import { UnknownKinds } from '../registry/unknown-kinds';
import { ownVirtualHost, sidecarVirtualHosts, VirtualHost, VirtualHosts } from './virtual-hosts';
import { World } from '../objects/world';
import { EgressObject } from '../../manifests/egress-object';

/** The configuration of all proxies, computed on demand and cached. */
export class Configuration {
  public readonly registry: Registry;
  public readonly addressBook: AddressBook;
  public readonly policies: Policies;
  public readonly unknownKinds: UnknownKinds;
  private readonly pods = new Map<string, CallerPod>();
  private readonly scopes = new WeakMap<CallerPod, Scope>();
  private readonly sidecars = new Map<string, Scope>();
  private readonly gateways = new Map<GatewayWorkload, { scope: Scope; listeners: Map<number, GatewayListener> }>();
  private readonly ports = new WeakMap<
    Scope,
    Map<number, { listeners?: Map<string, OutboundListener>; hosts?: VirtualHosts }>
  >();
  private readonly clusters = new WeakMap<Scope, WeakMap<Destination, Cluster | NoCluster>>();

  constructor(objects: readonly EgressObject[], world: World) {
    this.registry = new Registry(objects, world);
    this.addressBook = new AddressBook(this.registry);
    this.policies = new Policies(this.registry);
    this.unknownKinds = new UnknownKinds(this.registry);
  }

  /** The pod of a caller. It is cached only for callers that give no more than their identity. */
  public pod(caller: ModelCaller): CallerPod {
    const { namespace, serviceAccount, name, labels, capture, annotations, dnsCapture } = caller;
    if (labels || capture || annotations || dnsCapture !== undefined) return callerPod(this.registry, caller);
    const key = `${namespace}/${serviceAccount}/${name ?? ''}`;
    let pod = this.pods.get(key);
    if (!pod) this.pods.set(key, (pod = callerPod(this.registry, caller)));
    return pod;
  }

  public sidecar(pod: CallerPod): Scope {
    let scope = this.scopes.get(pod);
    if (!scope) this.scopes.set(pod, (scope = this.sidecarOf(pod)));
    return scope;
  }

  private sidecarOf({ namespace, labels, dnsCapture }: CallerPod): Scope {
    const key = `${namespace} ${dnsCapture} ${Object.entries(labels).sort().join(' ')}`;
    let scope = this.sidecars.get(key);
    if (!scope) this.sidecars.set(key, (scope = sidecarScope(this.registry, { namespace, labels, dnsCapture })));
    return scope;
  }

  public listeners(scope: Scope, port: number): Map<string, OutboundListener> {
    return (this.port(scope, port).listeners ??= outboundListeners(this.registry, scope, port));
  }

  public virtualHosts(scope: Scope, port: number): VirtualHosts {
    return (this.port(scope, port).hosts ??= sidecarVirtualHosts(scope, port));
  }

  public ownHost(scope: Scope, port: number, service: Service): VirtualHost | undefined {
    return ownVirtualHost(scope, port, service);
  }

  public cluster(scope: Scope, destination: Destination): Cluster | NoCluster {
    let own = this.clusters.get(scope);
    if (!own) this.clusters.set(scope, (own = new WeakMap()));
    let cluster = own.get(destination);
    if (!cluster) own.set(destination, (cluster = clusterOf(this.registry, scope, destination)));
    return cluster;
  }

  public gatewayScope(workload: GatewayWorkload): Scope {
    return this.gateway(workload).scope;
  }

  public gatewayListeners(workload: GatewayWorkload): Map<number, GatewayListener> {
    return this.gateway(workload).listeners;
  }

  private gateway(workload: GatewayWorkload) {
    let known = this.gateways.get(workload);
    if (!known) {
      const proxy: ProxyIdentity = { namespace: workload.namespace, labels: workload.labels, dnsCapture: false };
      const scope = gatewayScope(this.registry, proxy);
      this.gateways.set(workload, (known = { scope, listeners: gatewayListeners(this.registry, scope, workload) }));
    }
    return known;
  }

  private port(scope: Scope, port: number) {
    let ports = this.ports.get(scope);
    if (!ports) this.ports.set(scope, (ports = new Map()));
    let known = ports.get(port);
    if (!known) ports.set(port, (known = {}));
    return known;
  }
}
