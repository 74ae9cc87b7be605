import { addressesByChance } from './objects/addresses-by-chance';
import { areContested, datedAs, inWords, ordersByChance, PossibleAges, possibleAges } from './objects/ages';
import { Answer, Step } from './answer/answer';
import { discovered, Discovery } from './objects/discovery';
import { isSameRef } from './answer/field-ref';
import { EntryVisibility, withVisibility } from './objects/visibility';
import { World } from './objects/world';
import { EgressObject } from '../manifests/egress-object';
import { Indexed } from '../manifests/indexed';
import { REVISION } from '../istio/injection';
import { podTemplateOf } from '../istio/pod-templates';
import { ServiceSpec, specOf } from '../manifests/specs';

/** What the manifests do not say, in one of the ways in which it could be. */
export interface Possibility extends Pick<PossibleAges, 'whenAmong' | 'isMetBy' | 'isUntried'> {
  readonly objects: readonly EgressObject[];
  readonly world: World;
  /** A clause: "VirtualService a/b is the youngest". */
  readonly when: string;
  /** What an answer assumes where this possibility changes only how it comes about. */
  readonly assumed: string;
  /** The shortest ways to say how it is. */
  readonly say: string;
  /** Whether a request on this port could be answered differently. @default - on every port */
  readonly onlyPort?: number;
  /** Whether nobody can say which it is, since it is chance. */
  readonly isChance?: boolean;
  /** Whether all that is different is that the assumed Service is missing (`AssumedService`). */
  readonly isWithoutAssumed?: boolean;
  /** Whether the Service of a gateway is missing: where a request arrives at one, its answer has that condition anyway. */
  readonly isWithoutGateway?: boolean;
}

const SAY_AGE =
  'give the objects their metadata.creationTimestamp (kubectl get -o yaml), or say ' +
  '--assume-age undated=youngest|oldest|same (undatedAge in a test)';

const SAY_PORT_80 =
  'add the Service of an ingress gateway or another one with an HTTP port 80, or pass --assume http-port-80=yes|no ' +
  '(httpPort80 in a test)';

/** The objects that istiod reads, as the world says that they are, where it says so. */
export function asAssumed(objects: readonly EgressObject[], world: World): readonly EgressObject[] {
  const read = discovered(objects, world);
  return world.undatedAge === undefined ? read : datedAs(read, world.undatedAge);
}

/** All other ways in which what is not said could be. */
export function* possibilities(
  objects: readonly EgressObject[],
  world: World,
  missingServices: readonly Indexed[],
): Generator<Possibility> {
  const asIs = asAssumed(objects, world);
  if (world.httpPort80 === undefined && world.gateways === undefined)
    yield {
      objects: asIs,
      world: { ...world, httpPort80: false },
      when: 'no Service in the mesh has an HTTP port 80',
      assumed: "a Service of the mesh has an HTTP port 80, as Istio's ingress gateway does",
      say: SAY_PORT_80,
      onlyPort: 80,
      isWithoutAssumed: true,
    };
  if (world.httpPort80 !== false && world.gateways === undefined)
    for (const namespace of importedByName(asIs))
      yield {
        objects: [...asIs, service(namespace, 'unknown', [{ name: 'http', port: 80 }])],
        world,
        when: `a Service of namespace ${namespace} has an HTTP port 80`,
        assumed: `no other Service of namespace ${namespace} has an HTTP port 80`,
        say: `add the Services of namespace ${namespace}`,
        onlyPort: 80,
      };
  for (const { namespace, name } of missingServices) {
    if (world.knownGateways?.some((one) => one.namespace === namespace && one.name === name)) continue;
    yield {
      objects: [...asIs, service(namespace, name, [])],
      world,
      when: `there is no Service ${namespace}/${name}`,
      assumed: `there is a Service ${namespace}/${name}`,
      say: `add it, or pass --gateway ${namespace}/${name}`,
      onlyPort: 80,
      isWithoutGateway: true,
    };
  }
  const discovery = new Discovery(objects, world.discoverySelectors);
  const unknown = discovery.unknown(asIs);
  for (const left of unknown.length > 1 ? [unknown, ...unknown.map((one) => [one])] : unknown.map((one) => [one]))
    yield {
      objects: discovery.read(asIs, (namespace) => left.includes(namespace)),
      world,
      when: `the discoverySelectors of the mesh do not select ${left.join(', ')}`,
      assumed: `the discoverySelectors of the mesh select ${left.join(', ')}`,
      say: 'add the Namespace objects, with their labels',
    };
  const revisions = revisionsOf(asIs);
  for (const others of revisions.length > 1
    ? [revisions, ...revisions.map((one) => [one])]
    : revisions.map((one) => [one]))
    yield {
      objects: asIs.filter((object) => !others.includes(revisionOf(object)!)),
      world,
      when: `istiod has another revision than ${others.join(' and ')}, which some objects are for (${REVISION})`,
      assumed: `istiod has the revision ${others.join(' or ')}, or none`,
      say: 'leave out the objects that it does not read, or add the Namespaces with the label of their revision',
    };
  const { serviceEntryVisibility } = world.mesh ?? {};
  const visibility = new EntryVisibility(asIs, serviceEntryVisibility);
  const entries = asIs.filter(({ manifest }) => manifest.kind === 'ServiceEntry');
  for (const namespace of new Set(entries.map(({ manifest }) => String(manifest.metadata.namespace ?? 'default'))))
    for (const possible of new Set(visibility.possible(namespace)))
      yield {
        objects: asIs,
        world: {
          ...world,
          mesh: {
            ...world.mesh,
            serviceEntryVisibility: withVisibility(serviceEntryVisibility!, namespace, possible),
          },
        },
        when: `the serviceEntryVisibility of the mesh makes the entries of ${namespace} ${possible}`,
        assumed: `no policy of serviceEntryVisibility that asks for unknown labels selects ${namespace}`,
        say: 'add the Namespace objects, with their labels',
      };
  if (world.undatedAge === undefined && areContested(missingServices, asIs))
    yield {
      objects: asIs,
      world: { ...world, undatedAge: 'youngest' },
      when: `${inWords(missingServices)} (not among the manifests) came later than all objects`,
      assumed: 'Services that are not among the manifests are older than all others',
      say: `add the Service; or ${SAY_AGE}`,
    };
  if (world.undatedAge === undefined)
    for (const ages of possibleAges(asIs))
      yield {
        ...ages,
        world,
        assumed: 'objects without a creationTimestamp are older than all others; among themselves, their names decide',
        say: SAY_AGE,
      };
  for (const orders of [ordersByChance(asIs), addressesByChance(asIs, world)])
    for (const order of orders) yield { ...order, world, isChance: true, assumed: order.when, say: '' };
}

/** The revision of istiod that an Istio object is for: istiod reads no object for another one, if it has one itself. */
function revisionOf({ manifest: { apiVersion, metadata } }: EgressObject): string | undefined {
  return String(apiVersion).includes('.istio.io/') ? metadata.labels?.[REVISION] : undefined;
}

/** The revisions that Istio objects are for, unless it is the one that pods are said to have. */
function revisionsOf(objects: readonly EgressObject[]): string[] {
  const revisions = new Set(objects.map(revisionOf).filter((revision) => revision !== undefined));
  if (revisions.size === 0) return [];
  const said = saidRevision(objects);
  if (said !== undefined) revisions.delete(said);
  return [...revisions];
}

/** What all Namespaces and pods have as their revision that have one. */
function saidRevision(objects: readonly EgressObject[]): string | undefined {
  const said = new Set(
    objects.flatMap(({ manifest }) =>
      [manifest.kind === 'Namespace' ? manifest : undefined, podTemplateOf(manifest)].map(
        (one) => one?.metadata?.labels?.[REVISION],
      ),
    ),
  );
  said.delete(undefined);
  return said.size === 1 ? [...said][0] : undefined;
}

/**
 * Pods may have a tag in place of a revision, and istiod reads no object for a tag. So where objects are for what pods
 * are said to have, and no mesh configuration has the name of that revision: what it is, the name that the configuration
 * would have, and what istiod reads if it is a tag. A default installation has the revision `default`.
 */
export function taggedObjects(
  objects: readonly EgressObject[],
): { readonly tag: string; readonly configMap: string; readonly read: EgressObject[] } | undefined {
  if (!objects.some((object) => revisionOf(object) !== undefined)) return undefined;
  const tag = saidRevision(objects);
  if (tag === undefined) return undefined;
  const configMaps = tag === 'default' ? ['istio', 'istio-default'] : [`istio-${tag}`];
  if (objects.some(({ manifest: { kind, metadata } }) => kind === 'ConfigMap' && configMaps.includes(metadata.name)))
    return undefined;
  const read = objects.filter((object) => revisionOf(object) !== tag);
  return read.length < objects.length ? { tag, configMap: configMaps[0], read } : undefined;
}

/** The namespaces that Sidecars name among what they import. */
function importedByName(objects: readonly EgressObject[]): Set<string> {
  const hosts = objects
    .flatMap(({ manifest }) => specOf(manifest, 'Sidecar')?.egress ?? [])
    .flatMap((listener) => listener.hosts ?? []);
  return new Set(hosts.map((host) => host.split('/')[0]).filter((namespace) => /^[a-z0-9]/.test(namespace)));
}

function service(namespace: string, name: string, ports: ServiceSpec['ports']): EgressObject {
  return {
    manifest: { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { ports } },
    origin: 'nowhere',
  };
}

/** What says how an answer comes about, and not what it is. */
const HOW: ReadonlySet<string> = new Set<keyof Answer>([
  'reason',
  'causes',
  'steps',
  'assumptions',
  'addedHeaders',
  'hostHeader',
  'removedHeaders',
  'protocol',
  'alternatives',
  'remarks',
]);

/** Whether two answers tell the caller, the external host and an observer of the path the same. */
export function isSameAnswer(a: Answer, b: Answer): boolean {
  if (isByChance(a) && isByChance(b)) return isSame(allFacts(a), allFacts(b));
  const names = new Set([...Object.keys(a), ...Object.keys(b)] as (keyof Answer)[]);
  return (
    [...names].every((name) => HOW.has(name) || isSame(a[name], b[name])) &&
    isSame(codesOf(a), codesOf(b)) &&
    (a.alternatives.length + b.alternatives.length === 0 || isSame(otherFacts(a), otherFacts(b)))
  );
}

/** Whether two answers also come about in the same way. */
export function isSameWay(a: Answer, b: Answer): boolean {
  return (
    a.protocol === b.protocol &&
    isSame(a.addedHeaders, b.addedHeaders) &&
    a.hostHeader === b.hostHeader &&
    isSame(a.removedHeaders, b.removedHeaders) &&
    a.steps.length === b.steps.length &&
    a.steps.every((step, index) => isSameStep(step, b.steps[index]))
  );
}

function isSameStep(a: Step, b: Step): boolean {
  return (
    a.hop === b.hop &&
    a.text === b.text &&
    a.decidedBy.length === b.decidedBy.length &&
    a.decidedBy.every((ref) => b.decidedBy.some((other) => isSameRef(ref, other)))
  );
}

function isSame(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));
}

function codesOf({ remarks }: Answer): string[] {
  return remarks.map(({ code }) => code).sort();
}

/** Whether nothing says how likely the alternatives are: then it does not matter which of them is given first. */
function isByChance({ alternatives }: Answer): boolean {
  return alternatives.length > 0 && alternatives.every(({ weight }) => weight === undefined);
}

function allFacts(answer: Answer): string[] {
  const all = [{ ...answer, alternatives: [] }, ...answer.alternatives.map((one) => one.answer)];
  return [...new Set(all.map((one) => JSON.stringify(factsOf(one))))].sort();
}

function otherFacts({ alternatives }: Answer): string[] {
  return alternatives.map(({ weight, answer }) => JSON.stringify([weight ?? null, factsOf(answer)])).sort();
}

function factsOf(answer: Answer): unknown {
  const own = Object.entries(answer).filter(([name]) => !HOW.has(name));
  return [own.sort(([one], [other]) => (one < other ? -1 : 1)), codesOf(answer), otherFacts(answer)];
}
