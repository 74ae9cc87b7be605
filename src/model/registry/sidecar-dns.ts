import { isAt } from '../answer/conditions';
import { Address, textOf } from '../objects/addresses';
import { Indexed } from '../../manifests/indexed';
import { addressFor, Scope } from './scope';
import { valueIn } from '../../values/grouping';

interface Answered {
  readonly address: Address;
  /** The entry that gives it. */
  readonly by: Indexed<unknown>;
}

/** The address of a name, which an entry says to be that of its host. */
function claimed({ address, by }: Answered, name: string): Address {
  return address.kind === 'ip' ? { ...address, claim: isAt(name, address.ip, by) } : address;
}

/**
 * What a sidecar that captures DNS answers itself. It has the addresses of all entries for a name that its listeners
 * import, and rotates them; a name without any gets those of the longest wildcard that covers it.
 */
export class SidecarDns {
  private readonly byHost = new Map<string, Map<string, Answered>>();

  constructor({ listeners, proxy }: Scope) {
    for (const { services } of listeners)
      for (const service of services) {
        const address = addressFor(service, proxy);
        if (service.kubernetes || address.kind === 'any' || address.kind === 'range') continue;
        const host = service.host.toLowerCase();
        const known = valueIn(this.byHost, host, () => new Map());
        known.set(textOf(address), { address, by: service.object });
      }
  }

  /** The addresses of the first of several names that has any; undefined where the sidecar asks another server. */
  public of(names: readonly string[]): readonly Address[] | undefined {
    const exact = names.map((name) => this.byHost.get(name)).find((one) => one !== undefined);
    const [name] = names;
    if (exact) return [...exact.values()].map((one) => claimed(one, name));
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const wildcard = this.byHost.get(`*${name.slice(dot)}`);
      if (wildcard) return [...wildcard.values()].map((one) => claimed(one, name));
    }
    return undefined;
  }
}
