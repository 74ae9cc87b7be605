import { IConstruct } from 'constructs';
import { perIdentity } from './app';
import { Conflict, Declaration, watch } from './conflicts';
import { EgressPathSettings } from './settings';
import { isRange, overlap, sameForm } from '../istio/ranges';
import { isOpaque } from '../istio/protocols';
import { Grouping } from '../values/grouping';

/** What an egress path takes of its namespace's ports. */
export interface PortUser {
  readonly construct: IConstruct;
  readonly host: string;
  readonly settings: EgressPathSettings;
}

const namespaces = perIdentity<SharedPorts>();

/**
 * The ports that the hosts of one namespace have in common. A sidecar tells the hosts of HTTP and TLS apart by name,
 * but looks at the address first: a TCP host takes every connection to its addresses on the port, also those of a host
 * whose name would have led to the gateway, or to TLS. So a port belongs to names or to addresses, unless it is known
 * that none of the named hosts is at such an address.
 */
export class SharedPorts implements Declaration {
  public static of(app: IConstruct, namespace: string): SharedPorts {
    return namespaces(app, [namespace], () => watch(app, new SharedPorts(namespace)));
  }

  private readonly users: PortUser[] = [];

  private constructor(private readonly namespace: string) {}

  public join(user: PortUser): void {
    this.users.push(user);
  }

  public conflicts(): Conflict[] {
    // With DNS capture a TCP host has an address of ours, which no other host is at.
    const byAddress = this.users.filter((user) => user.settings.addresses && portsOf(user, true).length > 0);
    if (byAddress.length === 0) return [];
    const named = new Grouping<number, PortUser>();
    for (const user of this.users) for (const number of portsOf(user, false)) named.add(number, user);
    const taking = byAddress.flatMap((tcp) =>
      portsOf(tcp, true).flatMap((number) => {
        const taken = named.get(number).filter((user) => mayShare(tcp, user));
        return taken.length > 0 ? [this.conflict(tcp, number, taken)] : [];
      }),
    );
    return [...this.nested(byAddress), ...taking];
  }

  /** Ranges that hold an address of another TCP host, each two hosts once. Equal ranges are for a rule. */
  private nested(byAddress: readonly PortUser[]): Conflict[] {
    const found = new Map<string, Conflict>();
    for (const wide of byAddress)
      for (const range of wide.settings.addresses!.filter(isRange))
        for (const other of byAddress) {
          const hosts = [wide.host, other.host].sort().join(' ');
          if (wide.host === other.host || found.has(hosts)) continue;
          const number = portsOf(wide, true).find((one) => portsOf(other, true).includes(one));
          if (number === undefined) continue;
          const held = other.settings.addresses!.find(
            (one) => overlap(range, one) && sameForm(one) !== sameForm(range),
          );
          if (held === undefined) continue;
          found.set(hosts, {
            construct: wide.construct,
            problem:
              `port-conflict: ${wide.host} (${range}) and ${other.host} (${held}) [${other.construct.node.path}] have ` +
              `addresses in common on port ${number} in namespace ${this.namespace}, so without an entry of the one, ` +
              'connections to it would end at the other. Write other addresses, or `dnsCapture: true`.',
            between: [wide, other].map(({ construct }) => construct),
          });
        }
    return [...found.values()];
  }

  private conflict(tcp: PortUser, number: number, named: PortUser[]): Conflict {
    const [first] = named;
    const others = named.length > 1 ? ` and ${named.length - 1} more` : '';
    return {
      construct: tcp.construct,
      problem:
        `port-conflict: ${tcp.host} takes every connection from namespace ${this.namespace} to ` +
        `${tcp.settings.addresses!.join(', ')} on port ${number}, whatever its name, and ${first.host} ` +
        `[${first.construct.node.path}]${others} on that port is recognised by name, so its requests may be taken ` +
        'past the gateway and past TLS origination. Write another port or `dnsCapture: true` instead of `addresses` ' +
        `for ${tcp.host}; or give ${first.host} its own \`addresses\`, if they are known and different.`,
      between: [tcp, ...named].map(({ construct }) => construct),
    };
  }
}

function portsOf({ settings: { ports } }: PortUser, tcp: boolean): number[] {
  return ports.filter(({ protocol }) => isOpaque(protocol) === tcp).map(({ number }) => number);
}

/** Whether the second host may be at an address of the first. */
function mayShare({ settings: { addresses: some = [] } }: PortUser, { settings: { addresses } }: PortUser): boolean {
  return !addresses || some.some((one) => addresses.some((other) => overlap(one, other)));
}
