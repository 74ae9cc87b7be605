import { isIP } from 'net';
import { IConstruct } from 'constructs';
import { perIdentity } from './app';
import { Conflict, Declaration, watch } from './conflicts';
import { externalPorts, OriginationSettings } from './origination';
import { EgressPathSettings } from './settings';
import { isOpaque } from '../istio/protocols';
import { contains, isRange, sameForm } from '../istio/ranges';
import { Grouping } from '../values/grouping';

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
    const elsewhere = this.open.filter(({ settings }) => settings.endpoints);
    if (elsewhere.length === 0) return [];
    const byPlace = new Grouping<string, Path>();
    const ranges: { readonly range: string; readonly path: Path }[] = [];
    for (const path of this.behindGateway) {
      byPlace.add(path.host, path);
      for (const address of path.settings.addresses ?? []) {
        if (isRange(address)) ranges.push({ range: address, path });
        else byPlace.add(sameForm(address), path);
      }
    }
    return elsewhere.flatMap((open) =>
      open.settings.endpoints!.flatMap((endpoint) => {
        const isName = isIP(endpoint) === 0;
        const around = isName ? [] : ranges.filter(({ range }) => contains(range, endpoint));
        const other = [...byPlace.get(sameForm(endpoint)), ...around.map(({ path }) => path)].find(
          // A host that is declared twice is reported as such.
          (one) => one.host !== open.host && (isName ? sharePort(open, one) : shareBytes(open, one)),
        );
        if (other === undefined) return [];
        const problem =
          `egress-path-conflict: sidecars would connect to ${endpoint} for ${open.host}, while ` +
          `[${other.construct.node.path}] declares ${other.title}. Write other endpoints, or keep one of the two.`;
        return [{ construct: open.construct, problem }];
      }),
    );
  }
}

type Which = (protocol: string) => boolean;
const any: Which = () => true;

function sharePort(a: Path, b: Path, ofA = any, ofB = any): boolean {
  const ports = portsOf(a, ofA);
  return portsOf(b, ofB).some((port) => ports.includes(port));
}

/** Whether they have a port in common on which one of them is not known by its name. */
function shareBytes(a: Path, b: Path): boolean {
  return sharePort(a, b, isOpaque) || sharePort(a, b, any, isOpaque);
}

function portsOf({ settings, origination }: Path, which: Which): number[] {
  return externalPorts(
    settings.ports.filter(({ protocol }) => which(protocol)),
    origination,
  );
}
