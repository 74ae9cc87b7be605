import { addressOf } from './addresses';
import { inWords, PossibleAges } from './ages';
import { World } from './world';
import { inUrl } from '../../access/request-url';
import { isHttp, upper } from '../../istio/protocols';
import { isAtLeast } from '../../istio/release-lines';
import { DEFAULT_ROOT_NAMESPACE } from '../../istio/root-namespace';
import { EgressObject } from '../../manifests/egress-object';
import { namesServices } from '../../manifests/sidecar-imports';
import { specOf } from '../../manifests/specs';
import { valueIn } from '../../values/grouping';

/** The limit on orders of the addresses of ServiceEntries that are tried. */
const MOST_ORDERS = 16;

/** Every namespace, of Sidecars of the root namespace. */
const ANY = '*';

/** A ServiceEntry of whose addresses istiod knows one in some place, and what meets it. */
interface ByAddress {
  readonly object: EgressObject;
  readonly addresses: readonly string[];
  /** At which addresses another order may begin; the one before then comes last. */
  readonly starts: readonly number[];
  /** Whether a request may be answered differently if one of these addresses comes last, and another one first. */
  isMetBy(last: readonly string[], ...request: Parameters<NonNullable<PossibleAges['isMetBy']>>): boolean;
}

/**
 * istiod makes a service of each address of a ServiceEntry, in an order by chance. Routes for requests know only the last
 * one, and Sidecars that name the host only the first; with each of these orders it is another one.
 */
export function* addressesByChance(objects: readonly EgressObject[], world: World): Generator<PossibleAges> {
  const named = namedBySidecars(objects, world);
  const entries = objects.flatMap((object) => byAddress(object, named) ?? []);
  const most = entries.reduce((longest, { starts }) => Math.max(longest, starts.length), 0);
  for (let turn = 0; turn < Math.min(most, MOST_ORDERS + 1); turn++) {
    const turned = new Map(
      entries.filter(({ starts }) => turn < starts.length).map((entry) => [entry.object, entry] as const),
    );
    const isUntried = turn === MOST_ORDERS;
    yield {
      objects: isUntried
        ? objects
        : objects.map((object) => {
            const entry = turned.get(object);
            return entry ? startingAt(entry, entry.starts[turn]) : object;
          }),
      when:
        'istiod orders the addresses of a ServiceEntry by chance, and where it knows only one, of ' +
        `${inWords([...turned.keys()])}, it may be another one`,
      isMetBy: (...request) =>
        [...turned.values()].some(({ addresses, starts, isMetBy }) => {
          const last = starts.slice(turn, isUntried ? undefined : turn + 1).map((at) => addresses[at - 1]);
          return isMetBy(isUntried ? last : [...last, addresses[addresses.length - 1]], ...request);
        }),
      isUntried,
    };
  }
}

function startingAt({ object, addresses }: ByAddress, at: number): EgressObject {
  const spec = { ...(object.manifest.spec as object), addresses: [...addresses.slice(at), ...addresses.slice(0, at)] };
  return { ...object, manifest: { ...object.manifest, spec } };
}

/** A ServiceEntry, if the order of its addresses can matter: for routes, that of single ones, which are names there. */
function byAddress(object: EgressObject, named: ReadonlyMap<string, ReadonlySet<string>>): ByAddress | undefined {
  const { addresses = [], ports = [], hosts = [] } = specOf(object.manifest, 'ServiceEntry') ?? {};
  if (addresses.length < 2) return undefined;
  const viewers = new Set(hosts.flatMap((host) => [...(named.get(host) ?? [])]));
  const routed = new Set(ports.filter(({ protocol }) => isHttp(upper(protocol))).map(({ number }) => number));
  const isName = (address: string) => nameInRoutes(address) !== undefined;
  if (viewers.size === 0 && !(routed.size > 0 && addresses.some(isName))) return undefined;
  const numbers = new Set(ports.map(({ number }) => number));
  const own = new Set(hosts.map((host) => host.toLowerCase()));
  // Which of several ranges comes last is all the same.
  const range = addresses.findIndex((address) => !isName(address));
  return {
    object,
    addresses,
    starts: addresses.flatMap((_, at) =>
      at > 0 && (viewers.size > 0 || isName(addresses[at - 1]) || at - 1 === range) ? [at] : [],
    ),
    isMetBy: (last, namespace, port, asked) =>
      ((viewers.has(namespace) || viewers.has(ANY)) && (numbers.has(port) || asked.some((name) => own.has(name)))) ||
      (routed.has(port) && last.map(nameInRoutes).some((name) => name !== undefined && asked.includes(name))),
  };
}

/** The name that an address is for routes; a range is none. */
function nameInRoutes(address: string): string | undefined {
  const read = addressOf(address);
  return read.kind === 'ip' ? inUrl(read.ip) : undefined;
}

/** The hosts that Sidecars name, with the namespaces for whose workloads these are; `ANY` of the root namespace. */
function namedBySidecars(objects: readonly EgressObject[], { mesh, istioVersion }: World): Map<string, Set<string>> {
  const named = new Map<string, Set<string>>();
  if (!isAtLeast(31, istioVersion)) return named;
  for (const { manifest } of objects) {
    const { namespace = 'default' } = manifest.metadata ?? {};
    const viewer = namespace === (mesh?.rootNamespace ?? DEFAULT_ROOT_NAMESPACE) ? ANY : namespace;
    for (const { hosts = [] } of specOf(manifest, 'Sidecar')?.egress ?? [])
      if (namesServices(hosts))
        for (const host of hosts) valueIn(named, host.slice(host.indexOf('/') + 1), () => new Set()).add(viewer);
  }
  return named;
}
