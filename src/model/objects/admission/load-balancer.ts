import { Problems, repeatedIn } from './names';
import { FieldPath } from '../../../manifests/field-path';
import { Of, TrafficPolicy } from '../../../manifests/specs';
import { isDuration } from '../../../schema/durations';

type LoadBalancer = Of<TrafficPolicy, 'loadBalancer'>;

/** Istio's own labels of places, which are not a matter of choice where zones are told apart by themselves. */
const TOPOLOGY: readonly string[] = [
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.istio.io/subzone',
];

export function* loadBalancerProblems(settings: LoadBalancer, field: FieldPath): Problems {
  const { consistentHash, localityLbSetting: locality, zoneAwareLbSetting: zones, warmup } = settings;
  if (consistentHash) yield* hashProblems(consistentHash, `${field}.consistentHash`);
  if (locality && zones) yield { field, problem: 'only one of localityLbSetting and zoneAwareLbSetting can be set' };
  if (locality) yield* localityProblems(locality, `${field}.localityLbSetting`);
  if (zones) {
    const own: FieldPath = `${field}.zoneAwareLbSetting`;
    const label = zones.failoverPriority?.find((one) => TOPOLOGY.includes(one));
    if (label !== undefined) yield { field: `${own}.failoverPriority`, problem: `${label} counts by itself` };
    yield* failoverProblems(zones.failover, own);
  }
  if (warmup?.aggression !== undefined && warmup.aggression <= 0)
    yield { field: `${field}.warmup.aggression`, problem: `${warmup.aggression} is not above 0` };
}

/** The most entries of a table of Maglev, and one more. */
const TOO_MANY = 5_000_011;

function* hashProblems(
  { httpCookie, maglev, ringHash, minimumRingSize }: Of<LoadBalancer, 'consistentHash'>,
  field: FieldPath,
): Problems {
  const names = (httpCookie?.attributes ?? []).map(({ name }) => name);
  if (httpCookie?.ttl !== undefined && !isDuration(httpCookie.ttl))
    yield { field: `${field}.httpCookie.ttl`, problem: `"${httpCookie.ttl}" is not a duration` };
  if (httpCookie?.name === '') yield { field: `${field}.httpCookie.name`, problem: 'is missing' };
  if (names.includes('') || repeatedIn(names).size > 0)
    yield { field: `${field}.httpCookie.attributes`, problem: 'a name is missing, or there twice' };
  if (minimumRingSize && (maglev || ringHash))
    yield { field: `${field}.minimumRingSize`, problem: 'is not allowed beside maglev or ringHash' };
  const { tableSize = 0 } = maglev ?? {};
  if (maglev && (tableSize >= TOO_MANY || !isPrime(tableSize)))
    yield { field: `${field}.maglev.tableSize`, problem: `${tableSize} is not a prime number below ${TOO_MANY}` };
}

/** As Istio tells it, which takes 1 for one. */
function isPrime(value: number): boolean {
  for (let factor = 2; factor * factor <= value; factor++) if (value % factor === 0) return false;
  return value > 0;
}

type Locality = Of<LoadBalancer, 'localityLbSetting'>;

function* localityProblems(
  { distribute = [], failover = [], failoverPriority = [] }: Locality,
  field: FieldPath,
): Problems {
  if (distribute.length > 0 && failover.length > 0)
    yield { field, problem: 'only one of distribute and failover can be set' };
  const label = failover.length > 0 ? failoverPriority.find((one) => TOPOLOGY.includes(one)) : undefined;
  if (label !== undefined)
    yield { field: `${field}.failoverPriority`, problem: `${label} is not allowed beside failover` };
  for (const [at, { to = {} }] of distribute.entries()) {
    const own: FieldPath = `${field}.distribute[${at}].to`;
    const sum = Object.values(to).reduce((all, weight) => all + weight, 0);
    if (sum !== 100) yield { field: own, problem: `the weights make ${sum} and not 100` };
    if (Object.values(to).some((weight) => weight <= 0)) yield { field: own, problem: 'a weight is not above 0' };
    yield* placesProblems(Object.keys(to), own);
  }
  yield* placesProblems(
    distribute.map(({ from = '' }) => from),
    `${field}.distribute`,
  );
  yield* failoverProblems(failover, field);
}

/** Places such as `region/zone/*`, of which none may stand for a later one too. */
function* placesProblems(places: readonly string[], field: FieldPath): Problems {
  const taken = new Set<string>();
  for (const place of places) {
    const parts = place.split('/');
    if (!/^[^*]*\*?$/.test(place) || parts.length > 3 || parts.includes(''))
      yield { field, problem: `"${place}" is not a place such as region/zone/*` };
    // A region alone stands for everything in it, and may not follow a part of it either.
    const wider = ['*', ...parts.map((_, at) => parts.slice(0, at + 1).join('/'))];
    const isTaken =
      wider.some((one) => taken.has(one) || (one !== place && taken.has(`${one}/*`))) ||
      (parts.length < 3 && [...taken].some((one) => one.startsWith(`${place}/`)));
    if (isTaken) yield { field, problem: `an earlier place stands for "${place}" too` };
    taken.add(place);
  }
}

function* failoverProblems(failover: Locality['failover'], field: FieldPath): Problems {
  for (const [at, { from = '', to = '' }] of (failover ?? []).entries()) {
    const own: FieldPath = `${field}.failover[${at}]`;
    if (from === to) yield { field: own, problem: 'leads from a region to itself' };
    if (/[/*]/.test(from + to)) yield { field: own, problem: 'names something else than regions' };
  }
}
