import { isIP } from 'net';
import { IConstruct } from 'constructs';
import { perIdentity } from './app';
import { Conflict, Declaration, watch } from './conflicts';
import { externalPorts, OriginationSettings } from './origination';
import { EgressPathSettings } from './settings';
import { overlap } from '../istio/ranges';

/** An egress path, as far as it matters who else connects to its host. */
interface Path {
  readonly construct: IConstruct;
  readonly title: string;
  readonly host: string;
  readonly settings: EgressPathSettings & { readonly endpoints?: string[] };
  readonly origination: OriginationSettings | undefined;
}

const namespaces = perIdentity<Endpoints>();

/** What the sidecars of one namespace connect to instead of its open hosts must not be a host behind a gateway. */
export class Endpoints implements Declaration {
  public static of(app: IConstruct, namespace: string): Endpoints {
    return namespaces(app, [namespace], () => watch(app, new Endpoints()));
  }

  public readonly open: Path[] = [];
  public readonly behindGateway: Path[] = [];

  public conflicts(): Conflict[] {
    const byName = new Map(this.behindGateway.map((one) => [one.host, one]));
    const withAddresses = this.behindGateway.filter(({ settings }) => settings.addresses);
    // By name whatever the ports, as for a host that is declared twice; an address may be that of several hosts.
    const ledTo = (endpoint: string, open: Path) =>
      isIP(endpoint) === 0 ? byName.get(endpoint) : withAddresses.find((one) => isAt(endpoint, open, one));
    return this.open.flatMap((open) =>
      (open.settings.endpoints ?? []).flatMap((endpoint) => {
        const other = ledTo(endpoint, open);
        if (other === undefined) return [];
        const problem =
          `egress-path-conflict: the endpoint ${endpoint} of ${open.host} leads past the gateway to ` +
          `${other.title}, which [${other.construct.node.path}] declares. Write another endpoint, or keep one of the two.`;
        return [{ construct: open.construct, problem }];
      }),
    );
  }
}

/** Whether a host may be at an address that is connected to, on a port of both. */
function isAt(address: string, open: Path, { settings: { addresses = [], ports }, origination }: Path): boolean {
  const numbers = externalPorts(open.settings.ports, open.origination);
  return (
    addresses.some((one) => overlap(one, address)) &&
    externalPorts(ports, origination).some((one) => numbers.includes(one))
  );
}
