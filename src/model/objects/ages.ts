import { INSTALLED } from './service';
import { EgressObject, Manifest } from '../../manifests/egress-object';
import { compare } from '../../manifests/indexed';
import { fullGateway } from '../../manifests/routes';
import { IstioSpecs, ServiceSpec, specOf } from '../../manifests/specs';
import { withoutNamespace } from '../../manifests/servers';
import { upper } from '../../istio/protocols';
import { Grouping } from '../../values/grouping';

/**
 * How old objects without a `metadata.creationTimestamp` are: younger than all others, older than all others, or as old
 * as them. Among objects of equal age, Istio goes by name.
 */
export type UndatedAge = 'youngest' | 'oldest' | 'same';

export const UNDATED_AGES: readonly string[] = ['youngest', 'oldest', 'same'] satisfies readonly UndatedAge[];

/** The kinds that Istio sorts by age. */
const SORTED = new Set(['VirtualService', 'ServiceEntry', 'DestinationRule', 'Gateway', 'Sidecar', 'Service']);

/** After the creation of every object that is given, and before that of a proposed one. */
const LATER = Date.UTC(9000, 0, 1);
/** Before the creation of every object. */
const EARLIER = Date.UTC(1000, 0, 1);
/** When a proposed object is created: it is the youngest. */
export const PROPOSED = new Date(Date.UTC(9999, 0, 1)).toISOString();

/** The limit on groups of undated objects that are tried as the oldest and as the youngest. */
const MOST_GROUPS = 32;

/** The objects with dates by which Istio's order comes out as `age` says. */
export function datedAs(objects: readonly EgressObject[], age: UndatedAge): readonly EgressObject[] {
  switch (age) {
    case 'oldest':
      return objects;
    case 'youngest':
      return objects.map((object) => (isUndated(object) ? created(object, LATER) : object));
    default:
      return objects.map((object) => (isSorted(object) && !isUndated(object) ? created(object, undefined) : object));
  }
}

/** The same of a Service that exists without being among the objects: where nobody says it, before every object. */
export function dateOfMissing(age: UndatedAge | undefined): string | undefined {
  if (age === undefined) return INSTALLED;
  return age === 'youngest' ? new Date(LATER).toISOString() : undefined;
}

/** Whether one of them competes with an object for something that Istio gives to the older one. */
export function areContested(missing: readonly EgressObject[], objects: readonly EgressObject[]): boolean {
  const undated = missing.map((service) => created(service, undefined));
  const rivals = undatedCompetitors([...objects, ...undated]);
  return undated.some((service) => rivals.has(service));
}

/** A possible order of creation. */
export interface PossibleAges {
  readonly objects: readonly EgressObject[];
  /** "if VirtualService a/b is the youngest" */
  readonly when: string;
  /** The same, of those objects alone that decide an answer, where any does: "VirtualService a/b". */
  readonly whenAmong?: (deciding: ReadonlySet<string>) => string;
  /** Whether a request of a caller in a namespace may be answered differently. @default - every request */
  readonly isMetBy?: (namespace: string, port: number, names: readonly string[]) => boolean;
  /** Whether it stands for many orders, of which none is tried. */
  readonly isUntried?: boolean;
}

/**
 * Orders of creation that could give another answer than `oldest`: none, unless an undated object competes with another
 * object for something that Istio gives to the older one. Each undated competitor is once the youngest and once the
 * oldest; those that do not compete with each other are so at the same time.
 */
export function* possibleAges(objects: readonly EgressObject[]): Generator<PossibleAges> {
  const rivals = undatedCompetitors(objects);
  if (rivals.size === 0) return;
  if (objects.some((object) => isSorted(object) && !isUndated(object)))
    yield { objects: datedAs(objects, 'youngest'), when: 'the objects without a creationTimestamp are the youngest' };
  for (const group of strangers(rivals)) {
    yield {
      objects: objects.map((object) => (group.has(object) ? created(object, LATER) : object)),
      ...whenAged([...group], 'younger', rivals),
    };
    yield {
      objects: objects.map((object) =>
        isUndated(object) ? created(object, group.has(object) ? EARLIER : EARLIER + 1000) : object,
      ),
      ...whenAged([...group], 'older', rivals),
    };
  }
}

/** What is said of a group of which all are younger, or older, than their rivals. */
function whenAged(
  group: readonly EgressObject[],
  age: 'younger' | 'older',
  rivals: ReadonlyMap<EgressObject, ReadonlySet<EgressObject>>,
): Required<Pick<PossibleAges, 'when' | 'whenAmong'>> {
  const say = (these: readonly EgressObject[], others: readonly EgressObject[]) => {
    const [are, them] = these.length === 1 ? ['is', 'it'] : ['are', 'them'];
    return `${inWords(these)} ${are} ${age} than ${others.length > 0 ? inWords(byName(others)) : `what competes with ${them}`}`;
  };
  return {
    when: say(group, []),
    whenAmong: (deciding) => {
      const decides = (object: EgressObject) => deciding.has(nameOf(object));
      const these = group.filter(decides);
      const others = new Set(these.flatMap((one) => [...(rivals.get(one) ?? [])].filter(decides)));
      return say(these.length > 0 ? these : group, [...others]);
    },
  };
}

/**
 * Orders that istiod takes by chance: it sorts the ServiceEntries of one namespace for one host by nothing but their
 * age, which is a time in seconds. In each of these orders another one of the same age comes first, in place of the
 * first one by name.
 */
export function* ordersByChance(objects: readonly EgressObject[]): Generator<PossibleAges> {
  const tied = new Grouping<string, EgressObject>();
  for (const object of objects) {
    const { metadata } = object.manifest;
    for (const host of new Set(specOf(object.manifest, 'ServiceEntry')?.hosts ?? []))
      tied.add([metadata.namespace ?? 'default', host, timeOf(object)].join(' '), object);
  }
  const groups = [...tied.several.values()].map(byName);
  const most = groups.reduce((longest, { length }) => Math.max(longest, length), 0);
  for (let at = 1; at < most; at++) {
    const first = new Set(groups.flatMap((group) => group.slice(at, at + 1)));
    yield {
      objects: objects.map((object) => (first.has(object) ? created(object, timeOf(object) - 1) : object)),
      when:
        'istiod sorts ServiceEntries of one namespace and age for one host by chance, and ' +
        `${inWords([...first])} may come first`,
    };
  }
}

function byName(objects: readonly EgressObject[]): EgressObject[] {
  return [...objects].sort((a, b) => compare(nameOf(a), nameOf(b)));
}

/** Groups of objects that do not compete with each other; every object is in one, up to the limit. */
function strangers(rivals: ReadonlyMap<EgressObject, ReadonlySet<EgressObject>>): Set<EgressObject>[] {
  const groups: Set<EgressObject>[] = [];
  // By name: the order of the files must not show in the answer.
  for (const [object, others] of [...rivals].sort(([a], [b]) => compare(nameOf(a), nameOf(b)))) {
    const fitting = groups.find((group) => [...group].every((one) => !others.has(one)));
    if (fitting) fitting.add(object);
    else if (groups.length < MOST_GROUPS) groups.push(new Set([object]));
  }
  return groups;
}

function isSorted({ manifest }: EgressObject): boolean {
  return SORTED.has(manifest?.kind) && typeof manifest.metadata?.name === 'string';
}

function isUndated(object: EgressObject): boolean {
  return isSorted(object) && !object.manifest.metadata.creationTimestamp;
}

function created({ manifest, origin }: EgressObject, time: number | undefined): EgressObject {
  const creationTimestamp = time === undefined ? undefined : new Date(time).toISOString();
  return { manifest: { ...manifest, metadata: { ...manifest.metadata, creationTimestamp } }, origin };
}

/** When an object was created, in milliseconds; before all others if it does not say so. */
function timeOf({ manifest: { metadata } }: EgressObject): number {
  return metadata.creationTimestamp ? new Date(metadata.creationTimestamp).getTime() : EARLIER;
}

export function inWords(objects: readonly EgressObject[]): string {
  const names = objects.map(nameOf);
  const most = names.length === 4 ? 4 : 3;
  return names.slice(0, most).join(', ') + (names.length > most ? ` and ${names.length - most} others` : '');
}

function nameOf({ manifest: { kind, metadata } }: EgressObject): string {
  return `${kind} ${metadata.namespace ?? 'default'}/${metadata.name}`;
}

/** Notes something that several objects may claim. Equal claims of one class are compatible, unless the class is `ANY`. */
type Claim = (what: string, claimClass: string) => void;
const ANY = '*';

/** The undated objects that claim what another object claims too, with those others. */
function undatedCompetitors(objects: readonly EgressObject[]): Map<EgressObject, Set<EgressObject>> {
  const found = new Map<EgressObject, Set<EgressObject>>();
  if (!objects.some(isUndated)) return found;
  const claims = new Grouping<string, { readonly object: EgressObject; readonly claimClass: string }>();
  const open = gatewaysForAnyHost(objects);
  for (const object of objects)
    if (isSorted(object))
      makeClaims(object.manifest as Sorted, open, (what, claimClass) => claims.add(what, { object, claimClass }));
  for (const several of claims.several.values()) {
    const claimants = new Set(several.map(({ object }) => object));
    const classes = new Set(several.map(({ claimClass }) => claimClass));
    if (claimants.size < 2 || (!classes.has(ANY) && classes.size < 2)) continue;
    for (const object of claimants) {
      if (!isUndated(object)) continue;
      const others = found.get(object) ?? new Set();
      found.set(object, others);
      for (const other of claimants) if (other !== object) others.add(other);
    }
  }
  return found;
}

/** The Gateways with a server that is not for named hosts alone. */
function gatewaysForAnyHost(objects: readonly EgressObject[]): ReadonlySet<string> {
  return new Set(
    objects
      .map(({ manifest }) => manifest as Sorted)
      .filter(
        (one) =>
          one?.kind === 'Gateway' &&
          one.metadata &&
          one.spec?.servers?.some(({ hosts }) => hosts?.some((host) => host.includes('*'))),
      )
      .map(({ metadata }) => `${metadata.namespace ?? 'default'}/${metadata.name}`),
  );
}

/** An object that Istio sorts by age, with what is read of its spec. */
type Sorted = Pick<Manifest, 'metadata'> &
  (
    | { readonly kind: 'Service'; readonly spec?: ServiceSpec }
    | { [Kind in keyof IstioSpecs]: { readonly kind: Kind; readonly spec?: IstioSpecs[Kind] } }[keyof IstioSpecs]
  );

/** Claims everything that Istio gives to the older of two objects. It may be too much, which costs time; never too little. */
function makeClaims(object: Sorted, open: ReadonlySet<string>, claim: Claim): void {
  const { metadata } = object;
  const namespace = metadata.namespace ?? 'default';
  switch (object.kind) {
    case 'Sidecar':
      claim(`sidecar ${namespace}`, ANY);
      break;
    case 'DestinationRule': {
      const { host, exportTo, workloadSelector, trafficPolicy, subsets } = object.spec ?? {};
      const rule = `${namespace} ${fullName(String(host), namespace)}`;
      // Rules for the same proxies are merged: the older one gives the policy, and each subset that both define.
      claim(`rule ${rule}`, JSON.stringify([[...(exportTo ?? [])].sort(), workloadSelector ?? null]));
      if (trafficPolicy) claim(`policy ${rule}`, ANY);
      for (const subset of subsets ?? []) claim(`subset ${rule} ${subset?.name}`, ANY);
      break;
    }
    case 'VirtualService': {
      const { hosts, gateways, tls, tcp } = object.spec ?? {};
      // At a gateway, a wildcard shares the virtual hosts of names that it covers, and a server for any host takes the
      // first TCP route.
      const hasWildcard = hosts?.some((host) => host.startsWith('*'));
      for (const host of hosts ?? []) claim(`routes ${fullName(host, namespace)}`, ANY);
      for (const name of gateways ?? []) {
        const gateway = fullGateway(name, namespace);
        const isWide = hasWildcard || (tcp !== undefined && open.has(gateway));
        if (name !== 'mesh') claim(`routes at ${gateway}`, isWide ? ANY : 'named');
      }
      for (const { match } of tls ?? [])
        for (const { sniHosts } of match ?? []) for (const name of sniHosts ?? []) claim(`server name ${name}`, ANY);
      break;
    }
    case 'ServiceEntry': {
      const { hosts, addresses, ports } = object.spec ?? {};
      for (const host of hosts ?? []) claim(`host ${fullName(host, namespace)}`, ANY);
      for (const address of addresses ?? []) claim(`address ${address}`, ANY);
      for (const port of ports ?? []) claim(`port ${port?.number}`, classOf(port?.protocol));
      break;
    }
    case 'Service': {
      const { ports, clusterIP } = object.spec ?? {};
      claim(`host ${fullName(`${metadata.name}`, namespace)}`, ANY);
      claim(`host ${metadata.name}.${namespace}`, ANY);
      for (const port of ports ?? []) {
        const claimClass = classOf(String(port?.appProtocol ?? port?.name).split('-')[0]);
        if (claimClass === 'http' || clusterIP === 'None') claim(`port ${port?.port}`, claimClass);
      }
      break;
    }
    case 'Gateway':
      for (const server of object.spec?.servers ?? []) {
        const port = `server port ${{ 8080: 80, 8443: 443 }[server?.port?.number as 8080] ?? server?.port?.number}`;
        claim(port, server?.tls ? 'tls' : classOf(server?.port?.protocol));
        for (const host of server?.hosts ?? []) claim(`${port} ${withoutNamespace(host)}`, ANY);
      }
      break;
  }
}

function fullName(host: string, namespace: string): string {
  const name = host.includes('.') || host.startsWith('*') ? host : `${host}.${namespace}.svc`;
  // Most names are of other hosts, and the expression is slow to find that out.
  return (name.includes('.svc.') ? name.replace(/^([^.]+\.[^.]+\.svc)\..*$/, '$1') : name).toLowerCase();
}

/** Ports of one class share a listener, or are told apart by server name. Of others the older takes all. */
function classOf(protocol: unknown): string {
  const name = upper(protocol);
  if (['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB', 'HTTP_PROXY'].includes(name)) return 'http';
  return ['TLS', 'HTTPS'].includes(name) ? 'tls' : ANY;
}
