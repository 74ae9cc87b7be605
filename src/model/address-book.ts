import { isIP } from 'net';
import { hostOrAddress, isUnknownAddress, unknownAddress } from './addresses';
import { Registry } from './registry';
import { Scope } from './scope';
import { allocatedAddress, ANY_ADDRESS, Service } from './service';
import { ExternalHost } from '../access/access-table';
import { resolvedServiceHosts, serviceHost, serviceOfHost } from '../istio/service-names';

/** The address that a host is taken to have, because its ServiceEntry gives it. */
export interface Believed {
  readonly host: string;
  readonly address: string;
}

/** The names and addresses of external hosts, as far as they are known. */
export class AddressBook {
  private readonly byHost = new Map<string, ExternalHost>();
  private readonly byAddress = new Map<string, ExternalHost>();
  private declared?: Map<number, Map<string, Service>>;
  /** Whether the world lists every external host. */
  public readonly isComplete: boolean;

  constructor(private readonly registry: Registry) {
    const { external } = registry.world;
    this.isComplete = external !== undefined;
    for (const host of external ?? []) {
      this.byHost.set(host.host.toLowerCase(), host);
      if (host.address) this.byAddress.set(host.address, host);
    }
  }

  /** The address to which a name resolves; undefined if it does not resolve. */
  public lookUp(
    name: string,
    scope: Scope | undefined,
    namespace: string,
    believe: (believed: Believed) => void,
    given?: (host: string) => string | undefined,
  ): string | undefined {
    if (isIP(name) !== 0) return name;
    const host = name.toLowerCase().replace(/\.$/, '');
    const names = [host, ...resolvedServiceHosts(host, namespace, this.registry.clusterDomain)];
    const service =
      names.map((full) => scope?.services.get(full)).find((one) => one !== undefined) ??
      names.map((full) => this.kubernetesService(full)).find((one) => one !== undefined);
    if (service?.kubernetes && service.address !== ANY_ADDRESS) return service.address;
    if (service && scope!.proxy.dnsCapture) {
      // Entries of one namespace for one name share what the sidecar says about it.
      for (const one of [service, ...this.registry.siblings(service)]) {
        if (one.address === ANY_ADDRESS && one.canHaveAddress) return allocatedAddress(one);
        if (isIP(one.address) !== 0 && one.address !== ANY_ADDRESS) return one.address;
      }
    }
    const known = this.byHost.get(host);
    if (known) return known.address ?? unknownAddress(host);
    if (this.isComplete) return undefined;
    const said = given?.(host);
    if (said !== undefined) return said;
    // The addresses of a ServiceEntry are usually those of its host.
    const entry = service ?? [...(this.registry.servicesByNamespace(host)?.values() ?? [])][0];
    if (
      entry &&
      !entry.kubernetes &&
      isIP(entry.address) !== 0 &&
      entry.address !== ANY_ADDRESS &&
      entry.object.spec.hosts.length === 1
    ) {
      const { address } = entry;
      believe({ host, address });
      return address;
    }
    return unknownAddress(host);
  }

  /** The single addresses that ServiceEntries with this port have, each with one of them. */
  public declaredAddresses(port: number): ReadonlyMap<string, Service> {
    if (!this.declared) {
      this.declared = new Map();
      for (const service of this.registry.services) {
        if (service.kubernetes || isIP(service.address) === 0 || service.address === ANY_ADDRESS) continue;
        for (const { number } of service.ports) {
          let own = this.declared.get(number);
          if (!own) this.declared.set(number, (own = new Map()));
          if (!own.has(service.address)) own.set(service.address, service);
        }
      }
    }
    return this.declared.get(port) ?? new Map();
  }

  /** The Kubernetes Service of a full name. The cluster's DNS knows it in every namespace. */
  private kubernetesService(name: string): Service | undefined {
    const place = serviceOfHost(name, this.registry.clusterDomain);
    const service = place && this.registry.serviceIn(name, place.namespace);
    return service?.kubernetes ? service : undefined;
  }

  /** The Kubernetes Service whose cluster IP an address stands for. */
  public serviceAt(address: string): Service | undefined {
    const [, namespace, name] = /^Service ([^/]+)\/(.+)$/.exec(address) ?? [];
    return name === undefined
      ? undefined
      : this.kubernetesService(serviceHost(name, namespace, this.registry.clusterDomain));
  }

  /** The description of the host at an address, if there is one. */
  public at(address: string): ExternalHost | undefined {
    if (isUnknownAddress(address)) return this.byHost.get(hostOrAddress(address));
    return this.byAddress.get(address);
  }

  public host(name: string): ExternalHost | undefined {
    return isIP(name) === 0 ? this.byHost.get(name.toLowerCase()) : this.byAddress.get(name);
  }
}
