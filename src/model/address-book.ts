import { isIP } from 'net';
import { hostOrAddress, isUnknownAddress, unknownAddress } from './addresses';
import { Registry } from './registry';
import { Scope } from './scope';
import { allocatedAddress, ANY_ADDRESS } from './service';
import { ExternalHost } from '../access/access-table';
import { resolvedServiceHosts } from '../istio/service-names';

/** The names and addresses of external hosts, as far as they are known. */
export class AddressBook {
  private readonly byHost = new Map<string, ExternalHost>();
  private readonly byAddress = new Map<string, ExternalHost>();
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
  public lookUp(name: string, scope: Scope | undefined, assume: (assumption: string) => void): string | undefined {
    if (isIP(name) !== 0) return name;
    const host = name.toLowerCase().replace(/\.$/, '');
    const service =
      scope &&
      (scope.services.get(host) ??
        resolvedServiceHosts(host, scope.proxy.namespace, this.registry.clusterDomain)
          .map((full) => scope.services.get(full))
          .find(Boolean));
    if (service?.kubernetes && service.address !== ANY_ADDRESS) return service.address;
    if (service && scope!.proxy.dnsCapture) {
      if (service.address === ANY_ADDRESS && service.canHaveAddress) return allocatedAddress(service);
      if (isIP(service.address) !== 0 && service.address !== ANY_ADDRESS) return service.address;
    }
    const known = this.byHost.get(host);
    if (known) return known.address ?? unknownAddress(host);
    if (this.isComplete) return undefined;
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
      assume(`${host} has the address ${address}, as in ServiceEntry ${entry.namespace}/${entry.object.name}`);
      return address;
    }
    return unknownAddress(host);
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
