import { isIP } from 'net';
import { Address, ipAddress } from '../objects/addresses';
import { Registry } from './registry';
import { contains, STAND_INS } from '../../istio/ranges';
import { Scope } from './scope';
import { KubernetesService, Service } from '../objects/service';
import { SidecarDns } from './sidecar-dns';
import { SAY_ADDRESSES } from '../answer/conditions';
import { fieldRef } from '../answer/field-ref';
import { Undetermined } from '../answer/undetermined';
import { DescribedHost } from '../objects/world';
import { resolvedServiceHosts, serviceHost, serviceOfHost } from '../../istio/service-names';
import { valueIn } from '../../values/grouping';

/** The address that a host is taken to have, because its ServiceEntry gives it. */
export interface Believed {
  readonly host: string;
  readonly address: string;
  /** Whether only a sidecar that answers DNS gives it. */
  readonly isStandIn: boolean;
}

/** The names and addresses of external hosts, as far as they are known. */
export class AddressBook {
  private readonly byHost = new Map<string, DescribedHost>();
  private readonly byAddress = new Map<string, DescribedHost>();
  private readonly sidecarDns = new WeakMap<Scope, SidecarDns>();
  private clusterIps?: ReadonlyMap<string, Address>;
  /** Whether the world lists every external host. */
  public readonly isComplete: boolean;

  constructor(private readonly registry: Registry) {
    const { external } = registry.world;
    this.isComplete = external !== undefined;
    for (const host of external ?? []) {
      this.byHost.set(host.host.toLowerCase(), host);
      for (const address of addressesOf(host)) this.byAddress.set(address, host);
    }
  }

  /** The addresses to which a name resolves, of which it takes any; none if it does not resolve. */
  public lookUp(
    name: string,
    scope: Scope | undefined,
    namespace: string,
    mayStandIn: boolean,
    believe: (believed: Believed) => void,
    given?: (host: string) => Address | undefined,
  ): readonly Address[] {
    if (isIP(name) !== 0) return [this.behind(name)];
    const asked = name.toLowerCase().replace(/\.$/, '');
    const fullNames = this.fullNames(asked, namespace);
    const host = this.meaningOf(fullNames);
    const names = host === asked ? fullNames : [host];
    const service =
      names.map((full) => scope?.services.get(full)).find((one) => one !== undefined) ??
      names.map((full) => this.kubernetesService(full)).find((one) => one !== undefined);
    if (service?.kubernetes && service.address.kind === 'service') return [service.address];
    if (service?.kubernetes && service.aliasFor === undefined) return this.addressesOfPods(service);
    if (scope?.proxy.dnsCapture) {
      const own = this.answersOf(scope).of(names);
      if (own) return own;
    }
    return this.resolve(host, service, mayStandIn, believe, given);
  }

  /** What the cluster's DNS says of a headless Service. */
  private addressesOfPods({ host, namespace, object }: KubernetesService): readonly Address[] {
    const { index, world } = this.registry;
    const written = index.endpointsOf(namespace, object.name);
    const ready = written.flatMap(({ addresses, unready }) => [
      ...addresses,
      ...(object.spec.publishNotReadyAddresses ? unready : []),
    ]);
    const hasPods = written.some(({ listsPods }) => listsPods);
    if (hasPods || (ready.length === 0 && (object.spec.selector || !world.gateways)))
      throw new Undetermined(
        `Service ${namespace}/${object.name} is headless: its name has the addresses of its pods, which no manifest tells`,
        [fieldRef(object, 'spec.clusterIP')],
      );
    return [...new Set(ready)].map((one) => ({
      ...ipAddress(one),
      claim: { holds: `${one} is ${host}, as its EndpointSlice says`, say: SAY_ADDRESSES },
    }));
  }

  private answersOf(scope: Scope): SidecarDns {
    return valueIn(this.sidecarDns, scope, () => new SidecarDns(scope));
  }

  /** The addresses that a DNS server of the cluster or of the Internet gives. */
  private resolve(
    host: string,
    service: Service | undefined,
    mayStandIn: boolean,
    believe: (believed: Believed) => void,
    given?: (host: string) => Address | undefined,
  ): readonly Address[] {
    const known = this.byHost.get(host);
    if (known)
      return known.address === undefined
        ? [{ kind: 'unknown', host }]
        : addressesOf(known).map((one) => this.behind(one));
    if (this.isComplete) return [];
    const said = given?.(host);
    if (said !== undefined) return [said];
    // The addresses of a ServiceEntry are usually those of its host.
    const entry = service ?? [...(this.registry.servicesByNamespace(host)?.values() ?? [])][0];
    if (entry && !entry.kubernetes && entry.address.kind === 'ip' && entry.object.spec.hosts?.length === 1) {
      const { address } = entry;
      const isStandIn = contains(STAND_INS, address.ip);
      if (isStandIn && !mayStandIn) return [{ kind: 'unknown', host }];
      believe({ host, address: address.ip, isStandIn });
      return [address];
    }
    return [{ kind: 'unknown', host }];
  }

  /** The host for which a name stands in a namespace: the one that a Service names, or itself. */
  public meaning(name: string, namespace: string): string {
    return this.meaningOf(this.fullNames(name, namespace));
  }

  private meaningOf(names: readonly string[]): string {
    const { aliases } = this.registry;
    return names.map((full) => aliases.resolve(full)).find((one) => one !== undefined) ?? names[0];
  }

  /** A name, and the full names of Services that a pod of a namespace may mean by it. */
  private fullNames(name: string, namespace: string): string[] {
    return [name, ...resolvedServiceHosts(name, namespace, this.registry.clusterDomain)];
  }

  /** The Kubernetes Service of a full name. The cluster's DNS knows it in every namespace. */
  private kubernetesService(name: string): KubernetesService | undefined {
    const place = serviceOfHost(name, this.registry.clusterDomain);
    const service = place && this.registry.serviceIn(name, place.namespace);
    return service?.kubernetes ? service : undefined;
  }

  /** Whether a name is that of a Kubernetes Service, which no other DNS than the cluster's knows. */
  public isOfCluster(name: string, namespace: string): boolean {
    return this.fullNames(name, namespace).some((full) => this.kubernetesService(full) !== undefined);
  }

  /** What an address is: a cluster IP that a Service's manifest writes, or itself. */
  public behind(ip: string): Address {
    this.clusterIps ??= new Map(
      this.registry.services.flatMap(({ kubernetes, object, address }) =>
        kubernetes && address.kind === 'service'
          ? [object.spec.clusterIP ?? [], object.spec.clusterIPs ?? []]
              .flat()
              .map((one) => [ipAddress(one).ip, address] as const)
          : [],
      ),
    );
    const written = ipAddress(ip);
    return this.clusterIps.get(written.ip) ?? written;
  }

  /** The Kubernetes Service whose cluster IP an address stands for. */
  public serviceAt(address: Address): KubernetesService | undefined {
    return address.kind === 'service'
      ? this.kubernetesService(serviceHost(address.name, address.namespace, this.registry.clusterDomain))
      : undefined;
  }

  /** The description of the host at an address, if there is one. */
  public at(address: Address): DescribedHost | undefined {
    if (address.kind === 'unknown') return this.byHost.get(address.host);
    return address.kind === 'ip' ? this.byAddress.get(address.ip) : undefined;
  }

  public host(name: string): DescribedHost | undefined {
    return isIP(name) === 0 ? this.byHost.get(name.toLowerCase()) : this.byAddress.get(name);
  }
}

function addressesOf({ address, addresses }: DescribedHost): readonly string[] {
  return addresses ?? (address === undefined ? [] : [address]);
}
